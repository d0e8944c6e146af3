//! linfa's traits for the solver, and its own linfa-logistic as the reference: the one file that names linfa.
//!
//! linfa-logistic 0.8.1 takes the more frequent class as the positive one, returns `Ok` without having converged, and reads
//! its tolerance against the summed gradient; each of the three is guarded here.

use linfa::DatasetBase;
use linfa::dataset::AsSingleTargets;
use linfa::traits::{Fit, PredictInplace};
use linfa_logistic::LogisticRegression;
use ndarray::{Array1, ArrayBase, ArrayView1, Data, Ix2};

use super::{Problem, Solution, SolveError, newton, residual};

const MAX_ITERATIONS: u64 = 2000;
/// Starts from the last point with a fresh memory, after a line search that gave up.
const MAX_RESTARTS: usize = 20;

/// The settings of a fit, for linfa's [`Fit`]: records are rows by columns, targets whether each row is an event. What is fitted
/// implements linfa's `Predict`: an event is predicted where its probability is above one half.
#[derive(Clone, Copy, Debug)]
pub struct Logistic {
    /// Weight of the squared coefficients, positive.
    pub penalty: f64,
    /// Largest component of the gradient, per row, at which the fit counts as converged.
    pub tolerance: f64,
}

impl<D: Data<Elem = f64>, T: AsSingleTargets<Elem = bool>> Fit<ArrayBase<D, Ix2>, T, SolveError> for Logistic {
    type Object = Solution;

    fn fit(&self, dataset: &DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<Solution, SolveError> {
        let events = dataset.as_single_targets().to_vec();
        let matrix = dataset.records().view();
        newton::fit(&Problem { matrix, events: &events, penalty: self.penalty, tolerance: self.tolerance }, None)
    }
}

impl<D: Data<Elem = f64>> PredictInplace<ArrayBase<D, Ix2>, Array1<bool>> for Solution {
    fn predict_inplace<'a>(&'a self, x: &'a ArrayBase<D, Ix2>, y: &mut Array1<bool>) {
        y.zip_mut_with(&self.log_odds(x.view()), |event, &log_odds| *event = log_odds > 0.0);
    }

    fn default_target(&self, x: &ArrayBase<D, Ix2>) -> Array1<bool> {
        Array1::default(x.nrows())
    }
}

impl From<linfa::Error> for SolveError {
    fn from(error: linfa::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Fits with linfa-logistic from nothing: slower by far, and independent of the solver that it checks.
///
/// # Errors
/// One class only, a solver failure, or a gradient above `accepted` per row where it stopped.
pub fn reference(problem: &Problem<'_>, accepted: f64) -> Result<Solution, SolveError> {
    let rows = problem.events.len();
    let events = problem.events.iter().filter(|&&event| event).count();
    if events == 0 || events == rows {
        return Err(SolveError::OneClass { rows, events });
    }
    let observed_rate = events as f64 / rows as f64;
    // linfa's positive class: the more frequent one, the first seen on a tie. Its sign is needed for a start.
    let first = problem.events.first().copied().unwrap_or_default();
    let positive = if 2 * events == rows { first } else { 2 * events > rows };
    let sign = if positive { 1.0 } else { -1.0 };
    let mut solution = Solution {
        intercept: (observed_rate / (1.0 - observed_rate)).ln(),
        coefficients: Array1::zeros(problem.matrix.ncols()),
    };
    let data = DatasetBase::new(problem.matrix, ArrayView1::from(problem.events));
    let mut last = (f64::INFINITY, f64::NAN);
    for _ in 0..=MAX_RESTARTS {
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
    if gradient_per_row <= accepted.max(problem.tolerance) {
        Ok(solution)
    } else {
        Err(SolveError::NotConverged { gradient_per_row, mean_predicted, observed_rate })
    }
}

#[cfg(test)]
mod tests {
    use linfa::traits::Predict;
    use ndarray::Array2;

    use super::*;

    #[test]
    #[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    fn linfa_fits_and_predicts() {
        let x = Array2::from_shape_fn((40, 2), |(row, column)| (row as f64 - 19.5) * (1.0 - column as f64));
        let y: Array1<bool> = (0..40).map(|row| row > 19 && row != 25 || row == 11).collect();
        let data = DatasetBase::new(x.clone(), y.clone());
        let fitted = Logistic { penalty: 0.5, tolerance: 1e-9 }.fit(&data).unwrap();
        let events = y.to_vec();
        let problem = Problem { matrix: x.view(), events: &events, penalty: 0.5, tolerance: 1e-9 };
        assert_eq!(fitted, newton::fit(&problem, None).unwrap());
        // Two rows are on the wrong side of the step.
        let wrong = fitted.predict(&x).iter().zip(&y).filter(|(predicted, event)| predicted != event).count();
        assert_eq!(wrong, 2);
    }
}
