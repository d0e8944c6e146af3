//! Uncertainty of the coefficients: the Laplace approximation, clustered by employee.
//!
//! With H = X'WX + P (the Hessian of the penalised log-loss, P the penalty) and M the sum over employees of the outer product
//! of their summed scores, the covariance is H^-1 (M + P) H^-1: the sandwich of Huber and White for the part that comes from
//! the data, the Bayesian view of the penalty (Marra & Wood 2012) for the part that comes from shrinking. Where rows are
//! independent, M is X'WX in expectation and the whole is H^-1.

use flight_risk_scoring::LogOdds;
use ndarray::{Array2, Axis, s};
use rayon::prelude::*;

use crate::cholesky::Cholesky;
use crate::solver::{Problem, Solution};

/// Rows that are worked on at a time: small enough for the cache, large enough for the matrix product.
const CHUNK_ROWS: usize = 4096;

/// The covariance of (intercept, coefficients) of a solution; `groups` says which rows are about the same employee. `None` when
/// the Hessian is not positive definite, which a positive penalty rules out up to rounding.
pub(crate) fn covariance(problem: &Problem<'_>, solution: &Solution, groups: &[u32]) -> Option<Array2<f64>> {
    let (rows, columns) = problem.matrix.dim();
    let size = columns + 1;
    let starts: Vec<usize> = (0..rows).step_by(CHUNK_ROWS).collect();
    // In order of the chunks, whoever finishes first: sums of floats depend on their order.
    let parts: Vec<Array2<f64>> = starts.par_iter().map(|&start| information(problem, solution, start)).collect();
    let mut hessian = Array2::<f64>::zeros((size, size));
    for part in &parts {
        hessian += part;
    }
    let mut middle = clustered_scores(problem, solution, groups);
    for i in 1..size {
        hessian[[i, i]] += problem.penalty;
        middle[[i, i]] += problem.penalty;
    }
    let factor = Cholesky::new(&hessian)?;
    let half = factor.solve_all(&middle);
    let full = factor.solve_all(&half.t().to_owned());
    // Symmetric up to rounding; made so exactly.
    Some((&full + &full.t()) / 2.0)
}

fn chunk_with_intercept(problem: &Problem<'_>, start: usize) -> Array2<f64> {
    let end = (start + CHUNK_ROWS).min(problem.matrix.nrows());
    let mut chunk = Array2::<f64>::ones((end - start, problem.matrix.ncols() + 1));
    chunk.slice_mut(s![.., 1..]).assign(&problem.matrix.slice(s![start..end, ..]));
    chunk
}

/// X'WX of one chunk of rows.
fn information(problem: &Problem<'_>, solution: &Solution, start: usize) -> Array2<f64> {
    let mut chunk = chunk_with_intercept(problem, start);
    let log_odds = solution.log_odds(chunk.slice(s![.., 1..]));
    for (mut row, x) in chunk.axis_iter_mut(Axis(0)).zip(log_odds) {
        let p = LogOdds(x).probability().get();
        row *= (p * (1.0 - p)).sqrt();
    }
    chunk.t().dot(&chunk)
}

/// Sum over groups of the outer product of their summed scores, with the small-sample factor G / (G - 1).
fn clustered_scores(problem: &Problem<'_>, solution: &Solution, groups: &[u32]) -> Array2<f64> {
    let size = problem.matrix.ncols() + 1;
    let mut index = std::collections::HashMap::new();
    let group_of: Vec<usize> = groups
        .iter()
        .map(|group| {
            let next = index.len();
            *index.entry(*group).or_insert(next)
        })
        .collect();
    let mut scores = Array2::<f64>::zeros((index.len(), size));
    for start in (0..problem.matrix.nrows()).step_by(CHUNK_ROWS) {
        let chunk = chunk_with_intercept(problem, start);
        let log_odds = solution.log_odds(chunk.slice(s![.., 1..]));
        for (offset, (row, x)) in chunk.axis_iter(Axis(0)).zip(log_odds).enumerate() {
            let event = problem.events.get(start + offset).copied().unwrap_or_default();
            let error = f64::from(u8::from(event)) - LogOdds(x).probability().get();
            if let Some(&group) = group_of.get(start + offset) {
                scores.row_mut(group).scaled_add(error, &row);
            }
        }
    }
    let clusters = index.len() as f64;
    scores.t().dot(&scores) * (clusters / (clusters - 1.0).max(1.0))
}
