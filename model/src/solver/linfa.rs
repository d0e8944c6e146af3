//! The reference solver, linfa-logistic: the one file that names linfa.
//!
//! linfa-logistic 0.8.1 takes the more frequent class as the positive one, returns `Ok` without having converged, and reads
//! its tolerance against the summed gradient; each of the three is guarded here.

use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_logistic::LogisticRegression;
use ndarray::{Array1, ArrayView1};

use super::{Problem, Solution, SolveError, newton, residual};

/// Largest gradient per row that is still accepted when the line search can do no better. It bounds the difference of mean
/// prediction and observed rate too, which with a free intercept are equal at the minimum.
const ACCEPTED_GRADIENT_PER_ROW: f64 = 1e-5;
const MAX_ITERATIONS: u64 = 500;
/// Starts from the last point with a fresh memory, after a line search that gave up.
const MAX_RESTARTS: usize = 4;

/// Fits from zero or from an earlier solution.
///
/// # Errors
/// One class only, a solver failure, or no convergence.
pub fn fit(problem: &Problem<'_>, start: Option<&Solution>) -> Result<Solution, SolveError> {
    let rows = problem.events.len();
    let events = problem.events.iter().filter(|&&event| event).count();
    if events == 0 || events == rows {
        return Err(SolveError::OneClass { rows, events });
    }
    let observed_rate = events as f64 / rows as f64;
    // linfa's positive class: the more frequent one, the first seen on a tie. Its sign is needed for the start.
    let first = problem.events.first().copied().unwrap_or_default();
    let positive = if 2 * events == rows { first } else { 2 * events > rows };
    let columns = problem.matrix.ncols();
    let cold =
        || Solution { intercept: (observed_rate / (1.0 - observed_rate)).ln(), coefficients: Array1::zeros(columns) };
    let mut solution = newton::approach(problem, start.cloned().unwrap_or_else(cold));
    let data = DatasetBase::new(problem.matrix, ArrayView1::from(problem.events));
    let mut last = (f64::INFINITY, f64::NAN);
    for _ in 0..=MAX_RESTARTS {
        let sign = if positive { 1.0 } else { -1.0 };
        let mut initial = &solution.coefficients * sign;
        initial
            .append(ndarray::Axis(0), ndarray::aview1(&[solution.intercept * sign]))
            .map_err(|e| SolveError::Failed(e.to_string()))?;
        let fitted = LogisticRegression::default()
            .alpha(problem.penalty)
            .max_iterations(MAX_ITERATIONS)
            .gradient_tolerance(problem.tolerance * rows as f64)
            .initial_params(initial)
            .fit(&data);
        match fitted {
            Ok(model) => {
                // Oriented by what linfa says it fitted, not by what was assumed for the start.
                let sign = if model.labels().pos.class { 1.0 } else { -1.0 };
                solution = Solution { intercept: model.intercept() * sign, coefficients: model.params() * sign };
            }
            Err(error) if last.0.is_infinite() => return Err(SolveError::Failed(error.to_string())),
            Err(_) => break,
        }
        let before = last.0;
        last = residual(problem, &solution);
        if last.0 <= problem.tolerance || last.0 >= before {
            break;
        }
    }
    let (gradient_per_row, mean_predicted) = last;
    if gradient_per_row <= ACCEPTED_GRADIENT_PER_ROW.max(problem.tolerance) {
        Ok(solution)
    } else {
        Err(SolveError::NotConverged { gradient_per_row, mean_predicted, observed_rate })
    }
}
