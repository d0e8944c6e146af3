//! A twelfth of the rows, on which a fit is cheap and ends close to the fit of all.

use ndarray::{Array2, Axis, ShapeBuilder};
use rayon::prelude::*;

use super::Problem;

/// One row in so many is taken: with fewer, a fit of a million rows takes a pass more over all of them, with more, the sample
/// costs what it saves.
const ONE_IN: usize = 12;
/// Neighbouring rows that are taken together: two cache lines of a column, which are fetched as one.
const RUN: usize = 16;
/// Rows of the sample for each parameter; with fewer, its solution is too far away to help.
const FEWEST_ROWS_PER_PARAMETER: usize = 40;
/// Rows of the rarer class in the sample, for the same reason.
const FEWEST_OF_A_CLASS: usize = 20;
/// Odd, with bits in no order (Knuth's multiplicative hash): where in its stretch a run lies must follow no period of the data.
const SCATTER: u64 = 0x9E37_79B9_7F4A_7C15;

/// Rows that own their numbers.
pub(super) struct Sample {
    matrix: Array2<f64>,
    events: Vec<bool>,
    /// Rows of the whole for each row of the sample.
    pub(super) stands_for: f64,
}

impl Sample {
    /// A sample of a problem that is large enough for one.
    pub(super) fn of(problem: &Problem<'_>) -> Option<Self> {
        let (rows, width) = problem.matrix.dim();
        let stretches = rows / (RUN * ONE_IN);
        if stretches * RUN < FEWEST_ROWS_PER_PARAMETER * (width + 1) {
            return None;
        }
        let starts: Vec<usize> = (0..stretches)
            .map(|i| i * RUN * ONE_IN + RUN * (((i as u64).wrapping_mul(SCATTER) >> 32) as usize % ONE_IN))
            .collect();
        let runs = || starts.iter().flat_map(|&start| start..start + RUN);
        let events: Vec<bool> = runs().map(|row| problem.events.get(row).copied().unwrap_or_default()).collect();
        let of_one = events.iter().filter(|&&event| event).count();
        if of_one.min(events.len() - of_one) < FEWEST_OF_A_CLASS {
            return None;
        }
        let mut matrix = Array2::zeros((events.len(), width).f());
        let columns: Vec<_> = problem.matrix.axis_iter(Axis(1)).zip(matrix.axis_iter_mut(Axis(1))).collect();
        columns.into_par_iter().for_each(|(from, mut into)| match (from.to_slice(), into.as_slice_mut()) {
            (Some(from), Some(into)) => {
                for (into, &start) in into.chunks_exact_mut(RUN).zip(&starts) {
                    into.copy_from_slice(&from[start..start + RUN]);
                }
            }
            _ => into.iter_mut().zip(runs()).for_each(|(into, row)| *into = from[row]),
        });
        Some(Self { stands_for: rows as f64 / events.len() as f64, matrix, events })
    }

    /// The problem of the sample: the same loss and penalty per row as the whole.
    pub(super) fn problem(&self, whole: &Problem<'_>) -> Problem<'_> {
        Problem {
            matrix: self.matrix.view(),
            events: &self.events,
            penalty: whole.penalty / self.stands_for,
            tolerance: whole.tolerance,
        }
    }
}
