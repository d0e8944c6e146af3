//! Sums over the rows of discretised covariates: log-odds, gradient and X'WX.

use ndarray::{Array1, Array2, ArrayView2, s};
use rayon::prelude::*;

use super::basis::Variable;

/// Values of one feature that recur: one more coefficient for each.
#[derive(Clone, Debug)]
pub(crate) struct Recurrence {
    /// Place of every row's value among the values; `None`: it does not recur.
    pub(crate) places: Vec<Option<u32>>,
    /// How many values recur.
    pub(crate) count: usize,
}

/// The columns of a fit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns<'a> {
    pub(crate) variables: &'a [Variable],
    pub(crate) recurrence: Option<&'a Recurrence>,
}

/// X'WX: dense for intercept (first) and variables, diagonal for recurring values, and what lies between.
pub(crate) struct Information {
    pub(crate) dense: Array2<f64>,
    pub(crate) cross: Array2<f64>,
    pub(crate) diagonal: Vec<f64>,
}

impl Columns<'_> {
    /// Columns of the dense part, the intercept among them.
    pub(crate) fn width(&self) -> usize {
        1 + self.variables.iter().map(|variable| variable.basis.ncols()).sum::<usize>()
    }

    /// How many values recur.
    pub(crate) fn recurring(&self) -> usize {
        self.recurrence.map_or(0, |recurrence| recurrence.count)
    }

    /// First dense column of every variable.
    pub(crate) fn starts(&self) -> Vec<usize> {
        let mut next = 1;
        let start = |variable: &Variable| {
            let start = next;
            next += variable.basis.ncols();
            start
        };
        self.variables.iter().map(start).collect()
    }

    /// Adds the log-odds of coefficients to `out`, one per row.
    pub(crate) fn add_log_odds(&self, dense: &Array1<f64>, recurring: &[f64], out: &mut [f64]) {
        out.iter_mut().for_each(|x| *x += dense[0]);
        for (variable, start) in self.variables.iter().zip(self.starts()) {
            let effects = variable.basis.dot(&dense.slice(s![start..start + variable.basis.ncols()])).to_vec();
            for (x, &code) in out.iter_mut().zip(&variable.codes) {
                *x += effects.get(code as usize).copied().unwrap_or_default();
            }
        }
        if let Some(recurrence) = self.recurrence {
            for (x, place) in out.iter_mut().zip(&recurrence.places) {
                *x += place.and_then(|place| recurring.get(place as usize)).copied().unwrap_or_default();
            }
        }
    }

    /// X'r, dense and recurring.
    pub(crate) fn gradient(&self, residuals: &[f64]) -> (Array1<f64>, Vec<f64>) {
        let mut dense = Array1::zeros(self.width());
        dense[0] = residuals.iter().sum();
        for (variable, start) in self.variables.iter().zip(self.starts()) {
            let sums = by_bin(variable, residuals);
            dense.slice_mut(s![start..start + variable.basis.ncols()]).assign(&variable.basis.t().dot(&sums));
        }
        (dense, self.by_value(residuals))
    }

    fn by_value(&self, amounts: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.recurring()];
        if let Some(recurrence) = self.recurrence {
            for (place, amount) in recurrence.places.iter().zip(amounts) {
                if let Some(sum) = place.and_then(|place| sums.get_mut(place as usize)) {
                    *sum += amount;
                }
            }
        }
        sums
    }

    /// X'WX for positive weights, one per row.
    pub(crate) fn information(&self, weights: &[f64]) -> Information {
        let starts = self.starts();
        let width = self.width();
        let mut dense = Array2::zeros((width, width));
        dense[[0, 0]] = weights.iter().sum();
        let count = self.variables.len();
        let couples: Vec<(usize, usize)> = (0..count).flat_map(|i| (0..=i).map(move |j| (i, j))).collect();
        // Each block is summed by one thread in the order of the rows: the result does not depend on the number of threads.
        let blocks: Vec<Array2<f64>> = couples
            .par_iter()
            .map(|&(i, j)| {
                let (a, b) = (&self.variables[i], &self.variables[j]);
                if i == j { weighted_square(a.basis.view(), &by_bin(a, weights)) } else { joint_block(a, b, weights) }
            })
            .collect();
        for ((i, j), block) in couples.into_iter().zip(blocks) {
            let (rows, columns) = (starts[i]..starts[i] + block.nrows(), starts[j]..starts[j] + block.ncols());
            dense.slice_mut(s![rows.clone(), columns.clone()]).assign(&block);
            dense.slice_mut(s![columns, rows]).assign(&block.t());
        }
        for (variable, start) in self.variables.iter().zip(&starts) {
            let sums = variable.basis.t().dot(&by_bin(variable, weights));
            let columns = *start..start + sums.len();
            dense.slice_mut(s![0, columns.clone()]).assign(&sums);
            dense.slice_mut(s![columns, 0]).assign(&sums);
        }
        let diagonal = self.by_value(weights);
        Information { dense, cross: self.cross(weights, &starts, &diagonal), diagonal }
    }

    fn cross(&self, weights: &[f64], starts: &[usize], diagonal: &[f64]) -> Array2<f64> {
        let mut cross = Array2::zeros((self.width(), diagonal.len()));
        let Some(recurrence) = self.recurrence else { return cross };
        cross.row_mut(0).assign(&ndarray::aview1(diagonal));
        for (variable, &start) in self.variables.iter().zip(starts) {
            let mut table = Array2::<f64>::zeros((variable.basis.nrows(), diagonal.len()));
            for ((&code, place), weight) in variable.codes.iter().zip(&recurrence.places).zip(weights) {
                if let Some(place) = place {
                    table[[code as usize, *place as usize]] += weight;
                }
            }
            cross.slice_mut(s![start..start + variable.basis.ncols(), ..]).assign(&variable.basis.t().dot(&table));
        }
        cross
    }
}

/// Sums over the rows of every bin.
pub(super) fn by_bin(variable: &Variable, amounts: &[f64]) -> Array1<f64> {
    let mut sums = vec![0.0; variable.basis.nrows()];
    for (&code, amount) in variable.codes.iter().zip(amounts) {
        if let Some(sum) = sums.get_mut(code as usize) {
            *sum += amount;
        }
    }
    Array1::from(sums)
}

/// B'WB for the weight of every bin.
pub(super) fn weighted_square(basis: ArrayView2<'_, f64>, weights: &Array1<f64>) -> Array2<f64> {
    let mut weighted = basis.to_owned();
    for (mut row, weight) in weighted.rows_mut().into_iter().zip(weights) {
        row *= *weight;
    }
    basis.t().dot(&weighted)
}

fn joint_block(a: &Variable, b: &Variable, weights: &[f64]) -> Array2<f64> {
    let (rows, columns) = (a.basis.nrows(), b.basis.nrows());
    let mut table = vec![0.0; rows * columns];
    for ((&i, &j), weight) in a.codes.iter().zip(&b.codes).zip(weights) {
        if let Some(cell) = table.get_mut(i as usize * columns + j as usize) {
            *cell += weight;
        }
    }
    let Ok(table) = Array2::from_shape_vec((rows, columns), table) else {
        return Array2::zeros((a.basis.ncols(), b.basis.ncols()));
    };
    a.basis.t().dot(&table.dot(&b.basis))
}
