//! The solver: Newton's method with as few passes over the rows as it takes.
//!
//! A pass that sums the gradient costs what reading the rows costs; one that sums the Hessian costs several times that. So the
//! Hessian only steers: it comes from a twelfth of the rows where there are many (whose fit is the start, too, and is found in
//! the same way), it is corrected by what each step shows (BFGS), and it is summed over all rows only where steps gain little.
//! What counts as converged is decided by the gradient over all rows.

use ndarray::{Array1, s};

use super::metric::Metric;
use super::pass::{self, Slope};
use super::sample::Sample;
use super::{Problem, Solution, SolveError, residual};

const MAX_STEPS: usize = 200;
/// Halvings of a step that does not lower the loss.
const MAX_HALVINGS: usize = 30;
/// The share of the distance to the minimum that a step may leave, in the metric of the Hessian; where it leaves more, the
/// Hessian is summed anew.
const ENOUGH: f64 = 0.2;
/// The least share of the expected fall of the loss that a step must bring (Armijo).
const SUFFICIENT: f64 = 1e-4;
/// Where the fall of the loss drowns in rounding: a step must bring the slope along it down to this share.
const FLATTER: f64 = 0.5;
/// Squared distance to the minimum of a sample, per parameter and in standard errors: nearer is no nearer to that of all rows.
const NEAR_ENOUGH: f64 = 0.01;
/// Largest gradient per row that is still accepted when no step can do better. It bounds the difference of mean prediction and
/// observed rate too, which with a free intercept are equal at the minimum.
const ACCEPTED_GRADIENT_PER_ROW: f64 = 1e-5;

fn parameters(solution: &Solution) -> Vec<f64> {
    std::iter::once(solution.intercept).chain(solution.coefficients.iter().copied()).collect()
}

/// Fits from nothing or from an earlier solution. The result has the same bits on any number of threads.
///
/// # Errors
/// One class only, values that are not finite, or no convergence.
pub fn fit(problem: &Problem<'_>, start: Option<&Solution>) -> Result<Solution, SolveError> {
    let rows = problem.events.len();
    let events = problem.events.iter().filter(|&&event| event).count();
    if events == 0 || events == rows {
        return Err(SolveError::OneClass { rows, events });
    }
    if problem.matrix.nrows() != rows || start.is_some_and(|s| s.coefficients.len() != problem.matrix.ncols()) {
        return Err(SolveError::Failed("rows and events, or columns and start, differ in number".into()));
    }
    let place = Descent::of_all(problem, start);
    if !place.slope.gradient.iter().all(|g| g.is_finite()) {
        return Err(SolveError::Failed("a value of the matrix is not a finite number, or too large to square".into()));
    }
    let solution = Solution { intercept: place.at[0], coefficients: place.at.slice(s![1..]).to_owned() };
    if place.largest(problem) <= ACCEPTED_GRADIENT_PER_ROW.max(problem.tolerance) {
        return Ok(solution);
    }
    let (gradient_per_row, mean_predicted) = residual(problem, &solution);
    Err(SolveError::NotConverged { gradient_per_row, mean_predicted, observed_rate: events as f64 / rows as f64 })
}

/// The best constant prediction, and its loss.
fn constant(problem: &Problem<'_>) -> (Array1<f64>, f64) {
    let rows = problem.events.len() as f64;
    let rate = problem.events.iter().filter(|&&event| event).count() as f64 / rows;
    let mut at = Array1::zeros(problem.matrix.ncols() + 1);
    at[0] = (rate / (1.0 - rate)).ln();
    (at, -rows * (rate * rate.ln() + (1.0 - rate) * (1.0 - rate).ln()))
}

/// When a descent ends.
#[derive(Clone, Copy)]
enum Goal {
    /// Largest component of the gradient per row.
    Gradient(f64),
    /// Gradient times inverse Hessian times gradient.
    Decrement(f64),
}

/// Where a descent has arrived.
struct Descent {
    at: Array1<f64>,
    slope: Slope,
    metric: Option<Metric>,
}

impl Descent {
    /// The parameters of the sample's fit and its Hessian there; nothing where the rows are few.
    fn of_sample(problem: &Problem<'_>, start: Option<&Array1<f64>>) -> Option<(Array1<f64>, Metric)> {
        let sample = Sample::of(problem)?;
        let part = sample.problem(problem);
        let mut descent = Self::begin(&part, start);
        descent.run(&part, Goal::Decrement(NEAR_ENOUGH * descent.at.len() as f64));
        let metric = Metric::new(&pass::hessian(&part, descent.at.as_slice()?), sample.stands_for)?;
        descent.at.iter().all(|x| x.is_finite()).then_some((descent.at, metric))
    }

    /// The best known start: the sample's fit, the start that was given, or the constant.
    fn begin(problem: &Problem<'_>, start: Option<&Array1<f64>>) -> Self {
        let (cold, cold_loss) = constant(problem);
        let sampled = Self::of_sample(problem, start);
        let mut best = None;
        let (from_sample, metric) = sampled.unzip();
        for at in [from_sample, start.cloned()].into_iter().flatten() {
            let slope = pass::slope(problem, at.as_slice().unwrap_or_default());
            let lowest = best.as_ref().map_or(cold_loss, |(_, slope): &(_, Slope)| slope.loss);
            if slope.loss < lowest {
                best = Some((at, slope));
            }
        }
        let (at, slope) = best.unwrap_or_else(|| {
            let slope = pass::slope(problem, cold.as_slice().unwrap_or_default());
            (cold, slope)
        });
        Self { at, slope, metric }
    }

    fn of_all(problem: &Problem<'_>, start: Option<&Solution>) -> Self {
        let start = start.map(|solution| Array1::from(parameters(solution)));
        let mut descent = Self::begin(problem, start.as_ref());
        descent.run(problem, Goal::Gradient(problem.tolerance));
        descent
    }

    /// Largest component of the gradient per row.
    fn largest(&self, problem: &Problem<'_>) -> f64 {
        self.slope.gradient.iter().fold(0.0_f64, |m, g| m.max(g.abs())) / problem.events.len() as f64
    }

    /// Steps towards the minimum until the goal is reached or nothing improves.
    fn run(&mut self, problem: &Problem<'_>, goal: Goal) {
        // Decrement before the last step, and whether that step's Hessian was of all rows at the place it left.
        let mut before: Option<(f64, bool)> = None;
        for _ in 0..MAX_STEPS {
            if matches!(goal, Goal::Gradient(tolerance) if self.largest(problem) <= tolerance) {
                if before.is_some() {
                    self.last_step();
                }
                return;
            }
            let known = self.metric.take().and_then(|metric| {
                let direction = metric.apply(&self.slope.gradient);
                let decrement = direction.dot(&self.slope.gradient);
                let gains = before.is_none_or(|(before, _)| decrement <= ENOUGH * ENOUGH * before);
                (gains && decrement > 0.0).then_some((metric, direction, decrement))
            });
            let exact = known.is_none();
            let Some((mut metric, direction, decrement)) = known.or_else(|| self.newton_step(problem)) else { return };
            let drowned = decrement <= self.rounding(problem);
            let stalls =
                exact && drowned && before.is_some_and(|(before, exact)| exact && decrement > FLATTER * before);
            if stalls || matches!(goal, Goal::Decrement(enough) if decrement <= enough) {
                self.metric = Some(metric);
                return;
            }
            match self.step(problem, &direction, decrement) {
                Some((share, slope)) => {
                    let step = direction * -share;
                    self.at += &step;
                    metric.learn(step, &slope.gradient - &self.slope.gradient);
                    self.slope = slope;
                    self.metric = Some(metric);
                    before = Some((decrement, exact));
                }
                // Nothing better along the direction of the Hessian of this very place: the minimum, up to rounding.
                None if exact => return,
                None => before = None,
            }
        }
    }

    /// The step from a place that is near enough, by what is known already: it costs no pass, and with steps that have just been
    /// seen to leave little, what is returned is closer to the minimum than the place that was checked.
    fn last_step(&mut self) {
        if let Some(metric) = &self.metric {
            let step = metric.apply(&self.slope.gradient);
            if step.iter().all(|x| x.is_finite()) {
                self.at -= &step;
            }
        }
    }

    /// The Hessian of this place, the step to the minimum of its parabola, and the step's product with the gradient.
    fn newton_step(&self, problem: &Problem<'_>) -> Option<(Metric, Array1<f64>, f64)> {
        let metric = Metric::new(&pass::hessian(problem, self.at.as_slice()?), 1.0)?;
        let direction = metric.apply(&self.slope.gradient);
        let decrement = direction.dot(&self.slope.gradient);
        (decrement > 0.0).then_some((metric, direction, decrement))
    }

    /// Differences of the loss below this are rounding.
    fn rounding(&self, problem: &Problem<'_>) -> f64 {
        2.0 * f64::EPSILON * (self.slope.loss + problem.events.len() as f64)
    }

    /// The share of a step, halved until it serves, and what is found there.
    fn step(&self, problem: &Problem<'_>, direction: &Array1<f64>, decrement: f64) -> Option<(f64, Slope)> {
        let mut share = 1.0;
        (0..MAX_HALVINGS).find_map(|_| {
            let there = &self.at - &(direction * share);
            let slope = pass::slope(problem, there.as_slice().unwrap_or_default());
            let falls = slope.loss <= self.slope.loss - SUFFICIENT * share * decrement;
            let flatter = slope.gradient.dot(direction).abs() <= FLATTER * decrement;
            if falls || (flatter && slope.loss <= self.slope.loss + self.rounding(problem)) {
                return Some((share, slope));
            }
            share /= 2.0;
            None
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use ndarray::{Array2, ShapeBuilder};

    use super::*;

    /// Enough rows for samples of samples. Values and events in no pattern, the events more frequent where the first column is
    /// large; in the order of the events, the worst for whoever takes the rows one after the other.
    fn rows(count: usize, width: usize, sorted: bool) -> (Array2<f64>, Vec<bool>) {
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut rows: Vec<(bool, Vec<f64>)> = (0..count)
            .map(|_| {
                let values: Vec<f64> = (0..width).map(|_| 4.0 * random() - 2.0).collect();
                let log_odds = values.first().unwrap_or(&0.0) * 1.5 - 1.0;
                (random() < 1.0 / (1.0 + (-log_odds).exp()), values)
            })
            .collect();
        if sorted {
            rows.sort_by_key(|(event, _)| *event);
        }
        let matrix = Array2::from_shape_fn((count, width).f(), |(row, column)| rows[row].1[column]);
        (matrix, rows.iter().map(|(event, _)| *event).collect())
    }

    fn problem<'a>(matrix: &'a Array2<f64>, events: &'a [bool]) -> Problem<'a> {
        Problem { matrix: matrix.view(), events, penalty: 1.0, tolerance: 1e-10 }
    }

    #[test]
    fn the_bits_depend_neither_on_the_threads_nor_on_the_layout() {
        let (matrix, events) = rows(40_000, 7, false);
        let fitted = |threads: usize, matrix: &Array2<f64>| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| fit(&problem(matrix, &events), None)).unwrap()
        };
        let one = fitted(1, &matrix);
        for threads in [2, 3, 8] {
            assert_eq!(fitted(threads, &matrix), one, "{threads} threads");
        }
        let row_major = Array2::from_shape_vec((40_000, 7), matrix.iter().copied().collect()).unwrap();
        assert_eq!(fitted(2, &row_major), one, "row by row");
    }

    #[test]
    fn the_gradient_is_as_small_as_asked_wherever_the_fit_starts() {
        for (count, width, sorted) in
            [(3, 1, false), (50, 0, false), (900, 70, false), (40_000, 3, false), (40_000, 3, true)]
        {
            let (matrix, mut events) = rows(count, width, sorted);
            (events[0], events[1]) = (false, true);
            let problem = problem(&matrix, &events);
            let cold = fit(&problem, None).unwrap();
            assert!(residual(&problem, &cold).0 <= 1e-10, "{count} x {width}: {:?}", residual(&problem, &cold));
            let far = Solution { intercept: 30.0, coefficients: Array1::from_elem(width, -20.0) };
            for start in [&cold, &far] {
                let warm = fit(&problem, Some(start)).unwrap();
                let apart = (&warm.coefficients - &cold.coefficients).iter().fold(0.0_f64, |m, d| m.max(d.abs()));
                assert!(apart < 1e-7 && (warm.intercept - cold.intercept).abs() < 1e-7, "{count} x {width}: {apart:e}");
            }
        }
    }

    #[test]
    fn what_cannot_be_fitted_is_refused() {
        let (matrix, events) = rows(100, 3, false);
        let refused =
            |matrix: &Array2<f64>, events: &[bool]| fit(&problem(matrix, events), None).unwrap_err().to_string();
        assert!(refused(&matrix, &[true; 100]).contains("all 100 rows are of one class (100 exits)"));
        assert!(refused(&matrix, &events[..99]).contains("differ in number"));
        for (bad, said) in [(f64::NAN, "finite"), (f64::INFINITY, "finite"), (1e300, "did not converge")] {
            let mut matrix = matrix.clone();
            matrix[[7, 1]] = bad;
            let told = refused(&matrix, &events);
            assert!(told.contains(said), "{bad}: {told}");
        }
    }
}
