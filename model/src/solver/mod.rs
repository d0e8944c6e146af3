//! Fitting the L2-penalised logistic model: the problem, and the solvers that solve it.

mod linfa;
mod metric;
pub(crate) mod newton;
mod pass;
mod sample;
pub(crate) mod sigmoid;

pub use linfa::{Logistic, reference};
pub use newton::fit;

use ndarray::{Array1, ArrayView2};

/// Minimise the summed log-loss plus `penalty` / 2 times the sum of squared coefficients; the intercept is free.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a> {
    /// Rows by columns, column-major where large.
    pub matrix: ArrayView2<'a, f64>,
    /// Whether each row is an event.
    pub events: &'a [bool],
    /// Weight of the squared coefficients, positive.
    pub penalty: f64,
    /// Largest component of the gradient, per row, at which the fit counts as converged.
    pub tolerance: f64,
}

/// Tolerance of a fit whose coefficients are used.
pub const EXACT: f64 = 1e-7;
/// Tolerance of a fit that only serves to compare penalties.
pub const FOR_COMPARISON: f64 = 1e-5;

/// The solution: log-odds = intercept + coefficients . columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    /// Log-odds at zero in every column.
    pub intercept: f64,
    /// Log-odds per unit of each column.
    pub coefficients: Array1<f64>,
}

/// Why there is no solution.
#[derive(Debug, thiserror::Error)]
pub enum SolveError {
    /// Only one of the two classes.
    #[error("all {rows} rows are of one class ({events} exits): there is nothing to tell apart")]
    OneClass {
        /// Rows.
        rows: usize,
        /// Events among them.
        events: usize,
    },
    /// The solver refused the problem.
    #[error("the solver failed: {0}")]
    Failed(String),
    /// The solver stopped before the minimum.
    #[error(
        "the fit did not converge: gradient {gradient_per_row:.1e} a row, mean prediction {mean_predicted:.6} where {observed_rate:.6} was observed"
    )]
    NotConverged {
        /// Largest component of the gradient over the number of rows.
        gradient_per_row: f64,
        /// Mean predicted probability.
        mean_predicted: f64,
        /// Observed rate.
        observed_rate: f64,
    },
}

impl Solution {
    /// Log-odds of the rows of a matrix.
    pub fn log_odds(&self, matrix: ArrayView2<'_, f64>) -> Array1<f64> {
        matrix.dot(&self.coefficients) + self.intercept
    }
}

/// Gradient and mean prediction at a solution: what tells whether a solver that says so has converged.
pub(crate) fn residual(problem: &Problem<'_>, solution: &Solution) -> (f64, f64) {
    let rows = problem.events.len() as f64;
    let mut predicted = solution.log_odds(problem.matrix);
    predicted.mapv_inplace(|x| flight_risk_scoring::LogOdds(x).probability().get());
    let mean_predicted = predicted.sum() / rows;
    for (p, &event) in predicted.iter_mut().zip(problem.events) {
        *p -= f64::from(u8::from(event));
    }
    let gradient = problem.matrix.t().dot(&predicted) + &solution.coefficients * problem.penalty;
    let largest = gradient.iter().fold(predicted.sum().abs(), |m, g| m.max(g.abs()));
    (largest / rows, mean_predicted)
}
