//! Uncertainty of the coefficients: the Laplace approximation, clustered by employee.
//!
//! With H = X'WX + P (the Hessian of the penalised log-loss, P the penalty) and M the sum over employees of the outer product
//! of their summed scores, the covariance is H^-1 (M + P) H^-1: the sandwich of Huber and White for the part that comes from
//! the data, the Bayesian view of the penalty (Marra & Wood 2012) for the part that comes from shrinking. Where rows are
//! independent, M is X'WX in expectation and the whole is H^-1.

use flight_risk_scoring::LogOdds;
use ndarray::{Array2, Axis, s};

use crate::cholesky::Cholesky;
use crate::solver::newton::{CHUNK_ROWS, chunk_with_intercept, hessian};
use crate::solver::{Problem, Solution};

/// The covariance of (intercept, coefficients) of a solution; `groups` says which rows are about the same employee. `None` when
/// the Hessian is not positive definite, which a positive penalty rules out up to rounding.
pub(crate) fn covariance(problem: &Problem<'_>, solution: &Solution, groups: &[u32]) -> Option<Array2<f64>> {
    let size = problem.matrix.ncols() + 1;
    let hessian = hessian(problem, solution);
    let mut middle = clustered_scores(problem, solution, groups);
    for i in 1..size {
        middle[[i, i]] += problem.penalty;
    }
    let factor = Cholesky::new(&hessian)?;
    let half = factor.solve_all(&middle);
    let full = factor.solve_all(&half.t().to_owned());
    // Symmetric up to rounding; made so exactly.
    Some((&full + &full.t()) / 2.0)
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
