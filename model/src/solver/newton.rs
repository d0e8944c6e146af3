//! Newton's method with Cholesky: a start so near the minimum that the reference solver has little left to do.
//!
//! One pass over the rows costs as much as a few dozen gradients, but from a cold start half a dozen passes arrive where L-BFGS
//! needs hundreds. What counts as converged is decided by the reference solver, not here.

use flight_risk_scoring::LogOdds;
use ndarray::{Array1, Array2, Axis, s};
use rayon::prelude::*;

use super::{Problem, Solution};
use crate::cholesky::Cholesky;

/// Rows that are worked on at a time: small enough for the cache, large enough for the matrix product.
pub(crate) const CHUNK_ROWS: usize = 4096;
const MAX_STEPS: usize = 30;
/// Halvings of a step that does not lower the loss.
const MAX_HALVINGS: usize = 20;

/// A chunk of rows with a first column of ones.
pub(crate) fn chunk_with_intercept(problem: &Problem<'_>, start: usize) -> Array2<f64> {
    let end = (start + CHUNK_ROWS).min(problem.matrix.nrows());
    let mut chunk = Array2::<f64>::ones((end - start, problem.matrix.ncols() + 1));
    chunk.slice_mut(s![.., 1..]).assign(&problem.matrix.slice(s![start..end, ..]));
    chunk
}

/// Loss, gradient and Hessian of the penalised problem, intercept first.
struct Pass {
    loss: f64,
    gradient: Array1<f64>,
    hessian: Array2<f64>,
}

fn chunk_pass(problem: &Problem<'_>, parameters: &Array1<f64>, start: usize) -> Pass {
    let mut chunk = chunk_with_intercept(problem, start);
    let log_odds = chunk.dot(parameters);
    let mut errors = Array1::zeros(log_odds.len());
    let mut loss = 0.0;
    let events = problem.events.iter().skip(start);
    for ((error, &x), &event) in errors.iter_mut().zip(&log_odds).zip(events) {
        let y = f64::from(u8::from(event));
        // ln(1 + e^x) - y x, without overflow.
        loss += x.max(0.0) + (-x.abs()).exp().ln_1p() - y * x;
        *error = LogOdds(x).probability().get() - y;
    }
    let gradient = chunk.t().dot(&errors);
    for (mut row, &x) in chunk.axis_iter_mut(Axis(0)).zip(&log_odds) {
        let p = LogOdds(x).probability().get();
        row *= (p * (1.0 - p)).sqrt();
    }
    Pass { loss, gradient, hessian: chunk.t().dot(&chunk) }
}

fn pass(problem: &Problem<'_>, parameters: &Array1<f64>) -> Pass {
    let starts: Vec<usize> = (0..problem.matrix.nrows()).step_by(CHUNK_ROWS).collect();
    // In order of the chunks, whoever finishes first: sums of floats depend on their order.
    let parts: Vec<Pass> = starts.par_iter().map(|&start| chunk_pass(problem, parameters, start)).collect();
    let size = parameters.len();
    let mut total = Pass { loss: 0.0, gradient: Array1::zeros(size), hessian: Array2::zeros((size, size)) };
    for part in &parts {
        total.loss += part.loss;
        total.gradient += &part.gradient;
        total.hessian += &part.hessian;
    }
    for (i, &w) in parameters.iter().enumerate().skip(1) {
        total.loss += problem.penalty / 2.0 * w * w;
        total.gradient[i] += problem.penalty * w;
        total.hessian[[i, i]] += problem.penalty;
    }
    total
}

/// The Hessian of the penalised loss at a solution, intercept first.
pub(crate) fn hessian(problem: &Problem<'_>, solution: &Solution) -> Array2<f64> {
    pass(problem, &parameters(solution)).hessian
}

fn parameters(solution: &Solution) -> Array1<f64> {
    std::iter::once(solution.intercept).chain(solution.coefficients.iter().copied()).collect()
}

/// Steps from `from` towards the minimum until the gradient is below the tolerance or nothing improves; never worse than `from`.
pub(super) fn approach(problem: &Problem<'_>, from: Solution) -> Solution {
    let rows = problem.events.len() as f64;
    let mut at = parameters(&from);
    let mut here = pass(problem, &at);
    for _ in 0..MAX_STEPS {
        let largest = here.gradient.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
        if largest / rows <= problem.tolerance {
            break;
        }
        let Some(factor) = Cholesky::new(&here.hessian) else { break };
        let mut step = factor.solve(here.gradient.view());
        let better = (0..MAX_HALVINGS).find_map(|_| {
            let there = &at - &step;
            let passed = pass(problem, &there);
            if passed.loss < here.loss {
                return Some((there, passed));
            }
            step /= 2.0;
            None
        });
        let Some((there, passed)) = better else { break };
        (at, here) = (there, passed);
    }
    Solution { intercept: at[0], coefficients: at.slice(s![1..]).to_owned() }
}
