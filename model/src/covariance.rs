//! Uncertainty of the coefficients: the Laplace approximation, clustered by employee.
//!
//! With H = X'WX + P (the Hessian of the penalised log-loss, P the penalties) and M the sum over employees of the outer product
//! of their summed scores, the covariance is H^-1 (M + P) H^-1: the sandwich of Huber and White for the part that comes from
//! the data, the Bayesian view of the penalties (Marra & Wood 2012) for the part that comes from shrinking. Where rows are
//! independent, M is X'WX in expectation and the whole is H^-1.

use ndarray::{Array2, s};

use crate::additive::Penalised;
use crate::config::TrainingPlan;
use crate::folds;
use crate::structure::Layout;
use crate::table::TrainingTable;

/// Rows from which the scores' spread is learned, at most about: whole employees, scaled up.
const MAX_ROWS: usize = 60_000;
/// Employees whose scores are multiplied at a time.
const BATCH: usize = 256;

/// The covariance of (intercept, columns of the layout's variables).
pub(crate) fn covariance(
    table: &TrainingTable,
    rows: &[usize],
    layout: &Layout,
    solved: &Penalised,
    events: &[bool],
    plan: &TrainingPlan,
) -> Array2<f64> {
    // Recurring values stand for people already: what is left is independent.
    if layout.recurrence.is_some() {
        return solved.inverse.clone();
    }
    let mut middle = clustered_scores(table, rows, layout, solved, events, plan);
    let blocks = layout.variables.iter().flat_map(|variable| variable.blocks.iter());
    for (column, &block) in blocks.enumerate() {
        middle[[column + 1, column + 1]] += solved.penalties.get(block).copied().unwrap_or_default();
    }
    solved.inverse.dot(&middle).dot(&solved.inverse)
}

/// Sum over employees of the outer product of their summed scores, with the small-sample factor G / (G - 1).
fn clustered_scores(
    table: &TrainingTable,
    rows: &[usize],
    layout: &Layout,
    solved: &Penalised,
    events: &[bool],
    plan: &TrainingPlan,
) -> Array2<f64> {
    let columns = layout.columns();
    let (size, starts) = (columns.width(), columns.starts());
    let (errors, _) = solved.working(events);
    let sampled = folds::sample(table, rows, MAX_ROWS, plan.seed);
    let group = |row: usize| table.groups.get(row).copied().unwrap_or_default();
    let mut places: Vec<(u32, usize)> =
        sampled.iter().filter_map(|&row| Some((group(row), rows.binary_search(&row).ok()?))).collect();
    places.sort_unstable();
    let mut middle = Array2::<f64>::zeros((size, size));
    let mut batch = Array2::<f64>::zeros((BATCH, size));
    let (mut filled, mut clusters) = (0, 0.0);
    for cluster in places.chunk_by(|a, b| a.0 == b.0) {
        let mut scores = batch.row_mut(filled);
        scores.fill(0.0);
        for &(_, place) in cluster {
            let Some(&error) = errors.get(place) else { continue };
            scores[0] += error;
            for (variable, &start) in layout.variables.iter().zip(&starts) {
                let Some(&code) = variable.codes.get(place) else { continue };
                let row = variable.basis.row(code as usize);
                scores.slice_mut(s![start..start + row.len()]).scaled_add(error, &row);
            }
        }
        clusters += 1.0;
        filled += 1;
        if filled == BATCH {
            middle += &batch.t().dot(&batch);
            filled = 0;
        }
    }
    let rest = batch.slice(s![..filled, ..]);
    middle += &rest.t().dot(&rest);
    let share = places.len().max(1) as f64 / rows.len().max(1) as f64;
    middle * (clusters / (clusters - 1.0_f64).max(1.0) / share)
}
