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

/// Nanoseconds, about: of a product of two numbers in a matrix product, of a row added to a table or a sum of columns, and of
/// a cell of a table.
const PRODUCT_COST: f64 = 0.06;
const ROW_COST: f64 = 1.5;
const CELL_COST: f64 = 0.3;
/// Numbers of the columns row by row, at most: 64 MB.
const MAX_MATRIX: usize = 8_000_000;
/// Columns of a matrix product of the symmetric X'WX that are made at a time.
const PANEL: usize = 64;

impl Columns<'_> {
    /// The columns row by row, where X'WX is made faster of them than of tables: with few rows.
    pub(crate) fn matrix(&self, rows: usize) -> Option<Array2<f64>> {
        let width = self.width();
        let product = PRODUCT_COST * (rows * width) as f64 * (width + PANEL) as f64 / 2.0;
        let joint = |(i, a): (usize, &Variable)| {
            let of_couple = |b: &Variable| {
                let cells = (a.basis.nrows() * b.basis.nrows()) as f64 * CELL_COST;
                let narrower = a.basis.ncols().min(b.basis.ncols()) as f64;
                ROW_COST * rows as f64 + cells.min(ROW_COST * rows as f64) * narrower
            };
            self.variables.iter().take(i).map(of_couple).sum::<f64>()
        };
        let tables: f64 = self.variables.iter().enumerate().map(joint).sum();
        if product > tables || rows * width > MAX_MATRIX {
            return None;
        }
        Some(self.row_by_row(rows))
    }

    fn row_by_row(&self, rows: usize) -> Array2<f64> {
        let mut matrix = Array2::ones((rows, self.width()));
        for (variable, start) in self.variables.iter().zip(self.starts()) {
            let mut columns = matrix.slice_mut(s![.., start..start + variable.basis.ncols()]);
            for (mut row, &code) in columns.rows_mut().into_iter().zip(&variable.codes) {
                row.assign(&variable.basis.row(code as usize));
            }
        }
        matrix
    }

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

    /// X'WX for positive weights, one per row; of the `matrix`, where there is one.
    pub(crate) fn information(&self, weights: &[f64], matrix: Option<&Array2<f64>>) -> Information {
        let starts = self.starts();
        let dense = match matrix {
            Some(matrix) => of_matrix(matrix, weights),
            None => self.of_tables(weights, &starts),
        };
        let diagonal = self.by_value(weights);
        Information { dense, cross: self.cross(weights, &starts, &diagonal), diagonal }
    }

    fn of_tables(&self, weights: &[f64], starts: &[usize]) -> Array2<f64> {
        let width = self.width();
        let mut dense = Array2::zeros((width, width));
        dense[[0, 0]] = weights.iter().sum();
        let count = self.variables.len();
        let couples: Vec<(usize, usize)> = (0..count).flat_map(|i| (0..=i).map(move |j| (i, j))).collect();
        // Each block is summed by one thread in the order of the rows: the result does not depend on the number of threads.
        let sums: Vec<Array1<f64>> = self.variables.iter().map(|variable| by_bin(variable, weights)).collect();
        let blocks: Vec<Array2<f64>> = couples
            .par_iter()
            .map(|&(i, j)| {
                let (a, b) = (&self.variables[i], &self.variables[j]);
                if i == j { weighted_square(a.basis.view(), &sums[i]) } else { joint_block(a, b, weights) }
            })
            .collect();
        for ((i, j), block) in couples.into_iter().zip(blocks) {
            let (rows, columns) = (starts[i]..starts[i] + block.nrows(), starts[j]..starts[j] + block.ncols());
            dense.slice_mut(s![rows.clone(), columns.clone()]).assign(&block);
            dense.slice_mut(s![columns, rows]).assign(&block.t());
        }
        for ((variable, sums), start) in self.variables.iter().zip(&sums).zip(starts) {
            let sums = variable.basis.t().dot(sums);
            let columns = *start..start + sums.len();
            dense.slice_mut(s![0, columns.clone()]).assign(&sums);
            dense.slice_mut(s![columns, 0]).assign(&sums);
        }
        dense
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

/// X'WX, a panel of columns after the other.
fn of_matrix(matrix: &Array2<f64>, weights: &[f64]) -> Array2<f64> {
    let width = matrix.ncols();
    let mut whole = Array2::zeros((width, width));
    for start in (0..width).step_by(PANEL) {
        let end = (start + PANEL).min(width);
        let mut weighted = Vec::with_capacity(matrix.nrows() * (end - start));
        for (row, weight) in matrix.rows().into_iter().zip(weights) {
            let row = row.to_slice().and_then(|row| row.get(start..end)).unwrap_or_default();
            weighted.extend(row.iter().map(|x| weight * x));
        }
        let Ok(weighted) = Array2::from_shape_vec((matrix.nrows(), end - start), weighted) else { continue };
        let panel = weighted.t().dot(&matrix.slice(s![.., ..end]));
        whole.slice_mut(s![..end, start..end]).assign(&panel.t());
        whole.slice_mut(s![start..end, ..end]).assign(&panel);
    }
    whole
}

fn joint_block(a: &Variable, b: &Variable, weights: &[f64]) -> Array2<f64> {
    let (rows, columns) = (a.basis.nrows(), b.basis.nrows());
    let narrower = a.basis.ncols().min(b.basis.ncols());
    // A table of bins is one addition a row, and then its cells' product with the columns. Where rows are few beside cells, the
    // columns of the narrower side are added row by row instead.
    if weights.len() * narrower < weights.len() + rows * columns * narrower / 2 {
        return if b.basis.ncols() <= a.basis.ncols() {
            a.basis.t().dot(&by_bin_columns(a, b, weights))
        } else {
            by_bin_columns(b, a, weights).t().dot(&b.basis)
        };
    }
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

/// Weighted sums of the columns of `b` over the rows of every bin of `a`.
fn by_bin_columns(a: &Variable, b: &Variable, weights: &[f64]) -> Array2<f64> {
    let width = b.basis.ncols();
    let mut sums = vec![0.0; a.basis.nrows() * width];
    let basis = b.basis.as_standard_layout();
    let columns = basis.as_slice().unwrap_or_default();
    if width == 1 {
        for ((&i, &j), weight) in a.codes.iter().zip(&b.codes).zip(weights) {
            if let (Some(sum), Some(x)) = (sums.get_mut(i as usize), columns.get(j as usize)) {
                *sum += weight * x;
            }
        }
    } else {
        for ((&i, &j), weight) in a.codes.iter().zip(&b.codes).zip(weights) {
            let (i, j) = (i as usize * width, j as usize * width);
            if let (Some(sums), Some(columns)) = (sums.get_mut(i..i + width), columns.get(j..j + width)) {
                sums.iter_mut().zip(columns).for_each(|(sum, x)| *sum += weight * x);
            }
        }
    }
    Array2::from_shape_vec((a.basis.nrows(), width), sums).unwrap_or_else(|_| Array2::zeros((a.basis.nrows(), width)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::additive::basis::{Binned, FeatureBlocks, feature, pair, side};
    use crate::folds::mixed;
    use flight_risk_scoring::encoding::Encoding;

    #[test]
    fn every_way_to_the_information_is_the_sum_over_the_rows() {
        // Few rows, where columns are added up row by row, and many, where tables are.
        for rows in [150_usize, 30_000] {
            let uniform = |seed: u64, row: usize| (mixed(seed, row as u64) >> 11) as f64 / (1_u64 << 53) as f64;
            let numbers: Vec<f64> = (0..rows).map(|row| uniform(1, row)).collect();
            let levels: Vec<f64> = (0..rows).map(|row| (uniform(2, row) * 4.0).floor()).collect();
            let weights: Vec<f64> = (0..rows).map(|row| 0.05 + 0.2 * uniform(3, row)).collect();
            let (numbers, levels) = (Binned::new(&numbers, None), Binned::new(&levels, Some(4)));
            let (Some(a), Some(b)) = (side(&numbers), side(&levels)) else { unreachable!("both vary") };
            let line = Encoding::Standardised { mean: 0.5, scale: 0.3, unknown: false };
            let one_hot = Encoding::OneHot { levels: 4, pooled: false, unknown: false };
            let blocks = FeatureBlocks { line: 0, unknown: 1, own: 2 };
            let variables = [
                feature(0, &line, &numbers, true, blocks),
                feature(0, &line, &numbers, false, blocks),
                feature(1, &one_hot, &levels, false, blocks),
                pair([0, 1], [&a, &b], 3),
            ];
            let columns = Columns { variables: &variables, recurrence: None };
            let mut wanted = Array2::<f64>::zeros((columns.width(), columns.width()));
            for (row, weight) in weights.iter().enumerate() {
                let mut x = vec![1.0];
                variables.iter().for_each(|variable| x.extend(variable.basis.row(variable.codes[row] as usize)));
                for ((i, j), sum) in wanted.indexed_iter_mut() {
                    *sum += weight * x[i] * x[j];
                }
            }
            for matrix in [None, Some(columns.row_by_row(rows))] {
                let found = columns.information(&weights, matrix.as_ref()).dense;
                let worst = (&found - &wanted).iter().fold(0.0_f64, |m, x| m.max(x.abs()));
                assert!(worst < 1e-9 * rows as f64, "{rows} rows: {worst}");
            }
        }
    }
}
