//! Choosing the penalty, fitting, calibrating.

use flight_risk_scoring::artifact::Calibration;
use flight_risk_scoring::{LogOdds, Probability};
use ndarray::Array2;
use rayon::prelude::*;

use crate::config::TrainingPlan;
use crate::design::Design;
use crate::folds;
use crate::metrics;
use crate::pipeline::TrainError;
use crate::solver::{self, EXACT, FOR_COMPARISON, Problem, Solution};
use crate::table::TrainingTable;

/// The penalty is chosen on at most about this many rows: with more, it hardly matters and costs most of the time.
const MAX_SELECTION_ROWS: usize = 40_000;
/// Folds with more rows than this are fewer: each costs more and tells more.
const LARGE_ROWS: usize = 20_000;
const LARGE_FOLDS: usize = 3;
/// Newton steps for the two numbers of the calibration.
const CALIBRATION_STEPS: usize = 50;

/// What cross-validation chose, and its predictions of rows that the predicting model had not seen.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The penalty with the lowest cross-validated log-loss.
    pub penalty: f64,
    /// Correction of the log-odds, where it lowers cross-validated log-loss.
    pub calibration: Calibration,
    /// Number of folds.
    pub folds: u32,
    /// The rows predicted.
    pub rows: Vec<usize>,
    /// Their corrected probabilities, each by a model and a correction that saw neither the row nor its group.
    pub predicted: Vec<f64>,
}

/// A design with its solution.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The design.
    pub design: Design,
    /// The coefficients of its columns.
    pub solution: Solution,
}

fn events_of(table: &TrainingTable, rows: &[usize]) -> Vec<bool> {
    rows.iter().map(|&row| table.events.get(row).copied().unwrap_or_default()).collect()
}

/// Fits on the given rows with one penalty.
///
/// # Errors
/// When nothing can be learned or the solver fails.
pub fn fit(table: &TrainingTable, rows: &[usize], penalty: f64, plan: &TrainingPlan) -> Result<Fitted, TrainError> {
    let design = Design::learn(table, rows, plan.min_level_rows);
    if design.width() == 0 {
        return Err(TrainError::NoFeatures(design.notes));
    }
    let mut matrix = design.matrix(table, rows);
    let events = events_of(table, rows);
    let solution = solve(&mut matrix, &events, penalty, EXACT, None, &design.signs(table))?;
    Ok(Fitted { design, solution })
}

/// Fits with columns whose coefficients must not have the wrong sign: a column that gets it is taken out (its coefficient is 0)
/// and the rest is fitted again, until no sign is wrong.
fn solve(
    matrix: &mut Array2<f64>,
    events: &[bool],
    penalty: f64,
    tolerance: f64,
    start: Option<&Solution>,
    signs: &[(usize, f64)],
) -> Result<Solution, TrainError> {
    loop {
        let solution = solver::fit(&Problem { matrix: matrix.view(), events, penalty, tolerance }, start)?;
        let wrong: Vec<usize> = signs
            .iter()
            .filter(|(column, sign)| solution.coefficients.get(*column).is_some_and(|c| c * sign < 0.0))
            .map(|&(column, _)| column)
            .filter(|&column| matrix.column(column).iter().any(|x| x.abs() > 0.0))
            .collect();
        if wrong.is_empty() {
            return Ok(solution);
        }
        for column in wrong {
            matrix.column_mut(column).fill(0.0);
        }
    }
}

/// Log-odds of some rows by a fitted model, not calibrated.
pub fn log_odds(table: &TrainingTable, rows: &[usize], fitted: &Fitted) -> Vec<f64> {
    fitted.solution.log_odds(fitted.design.matrix(table, rows).view()).to_vec()
}

/// Chooses the penalty and the calibration by cross-validation over groups.
///
/// # Errors
/// When no fold can be fitted.
pub fn select(table: &TrainingTable, rows: &[usize], plan: &TrainingPlan) -> Result<Selection, TrainError> {
    let rows = folds::sample(table, rows, MAX_SELECTION_ROWS, plan.seed);
    let wanted = if rows.len() > LARGE_ROWS { LARGE_FOLDS.min(plan.folds as usize) } else { plan.folds as usize };
    let held_out = folds::folds(table, &rows, wanted, plan.seed);
    let mut penalties = plan.penalties.clone();
    // From the strongest down: each solution is a good start for the next.
    penalties.sort_by(|a, b| b.total_cmp(a));
    let paths: Vec<Vec<Vec<f64>>> =
        held_out.par_iter().map(|fold| path(table, &rows, fold, &penalties, plan)).collect::<Result<_, _>>()?;
    let events: Vec<Vec<bool>> = held_out.iter().map(|fold| events_of(table, fold)).collect();
    let loss = |penalty: usize| -> f64 {
        let of_fold = |(path, events): (&Vec<Vec<f64>>, &Vec<bool>)| {
            let predicted = probabilities(path.get(penalty).map(Vec::as_slice).unwrap_or_default(), Calibration::NONE);
            metrics::log_loss(events, &predicted) * events.len() as f64
        };
        paths.iter().zip(&events).map(of_fold).sum()
    };
    let losses: Vec<f64> = (0..penalties.len()).map(loss).collect();
    let best = (0..penalties.len())
        .min_by(|&a, &b| losses.get(a).partial_cmp(&losses.get(b)).unwrap_or(std::cmp::Ordering::Equal))
        .unwrap_or_default();
    let out_of_fold: Vec<&[f64]> =
        paths.iter().map(|path| path.get(best).map(Vec::as_slice).unwrap_or_default()).collect();
    let (calibration, predicted) = calibrate(&out_of_fold, &events);
    Ok(Selection {
        penalty: penalties.get(best).copied().unwrap_or(1.0),
        calibration,
        folds: held_out.len() as u32,
        rows: held_out.concat(),
        predicted: predicted.concat(),
    })
}

/// Log-odds of the held-out rows for every penalty, by models of the other rows.
fn path(
    table: &TrainingTable,
    rows: &[usize],
    held_out: &[usize],
    penalties: &[f64],
    plan: &TrainingPlan,
) -> Result<Vec<Vec<f64>>, TrainError> {
    let kept: Vec<usize> = rows.iter().copied().filter(|row| held_out.binary_search(row).is_err()).collect();
    let design = Design::learn(table, &kept, plan.min_level_rows);
    if design.width() == 0 {
        return Err(TrainError::NoFeatures(design.notes));
    }
    let (matrix, judged) = (design.matrix(table, &kept), design.matrix(table, held_out));
    let signs = design.signs(table);
    let events = events_of(table, &kept);
    let mut start: Option<Solution> = None;
    let mut path = Vec::with_capacity(penalties.len());
    for &penalty in penalties {
        let solution = if signs.is_empty() {
            let problem = Problem { matrix: matrix.view(), events: &events, penalty, tolerance: FOR_COMPARISON };
            solver::fit(&problem, start.as_ref())?
        } else {
            solve(&mut matrix.clone(), &events, penalty, FOR_COMPARISON, start.as_ref(), &signs)?
        };
        path.push(solution.log_odds(judged.view()).to_vec());
        start = Some(solution);
    }
    Ok(path)
}

/// Probabilities of log-odds after a correction.
pub fn probabilities(log_odds: &[f64], calibration: Calibration) -> Vec<f64> {
    let corrected = |&x: &f64| LogOdds(calibration.slope * x + calibration.intercept).probability();
    log_odds.iter().map(corrected).map(Probability::get).collect()
}

/// The correction learned from all folds if corrections learned without each fold lower that fold's log-loss in sum; and the
/// predictions of every fold by what was learned without it.
fn calibrate(log_odds: &[&[f64]], events: &[Vec<bool>]) -> (Calibration, Vec<Vec<f64>>) {
    let without = |left_out: usize| {
        let others = || (0..log_odds.len()).filter(move |&fold| fold != left_out);
        let x: Vec<f64> = others().filter_map(|fold| log_odds.get(fold)).flat_map(|x| x.iter().copied()).collect();
        let y: Vec<bool> = others().filter_map(|fold| events.get(fold)).flatten().copied().collect();
        platt(&x, &y).unwrap_or(Calibration::NONE)
    };
    let predict = |correction: &dyn Fn(usize) -> Calibration| -> Vec<Vec<f64>> {
        log_odds.iter().enumerate().map(|(fold, x)| probabilities(x, correction(fold))).collect()
    };
    let loss = |predicted: &[Vec<f64>]| -> f64 {
        events.iter().zip(predicted).map(|(y, p)| metrics::log_loss(y, p) * y.len() as f64).sum()
    };
    let plain = predict(&|_| Calibration::NONE);
    let corrected = predict(&without);
    if loss(&corrected) < loss(&plain) { (without(usize::MAX), corrected) } else { (Calibration::NONE, plain) }
}

/// The correction that minimises the log-loss of corrected log-odds (Platt 1999, without the target smoothing, which would move
/// the mean). `None` when there is no minimum with a positive slope.
fn platt(log_odds: &[f64], events: &[bool]) -> Option<Calibration> {
    line(log_odds, events).filter(|calibration| calibration.slope > 0.0)
}

/// Slope and intercept of the logistic regression on one number, by Newton's method; `None` when there is no minimum.
pub(crate) fn line(x: &[f64], events: &[bool]) -> Option<Calibration> {
    let rate = events.iter().filter(|&&event| event).count() as f64 / events.len().max(1) as f64;
    let mut line = Calibration { slope: 0.0, intercept: (rate / (1.0 - rate)).ln() };
    for _ in 0..CALIBRATION_STEPS {
        let (mut g, mut h) = ([0.0; 2], [0.0; 3]);
        for (&x, &event) in x.iter().zip(events) {
            let p = LogOdds(line.slope * x + line.intercept).probability().get();
            let (error, weight) = (p - f64::from(u8::from(event)), p * (1.0 - p));
            g[0] += error * x;
            g[1] += error;
            h[0] += weight * x * x;
            h[1] += weight * x;
            h[2] += weight;
        }
        let determinant = h[0] * h[2] - h[1] * h[1];
        if determinant.is_nan() || determinant <= 0.0 {
            return None;
        }
        let step = [(h[2] * g[0] - h[1] * g[1]) / determinant, (h[0] * g[1] - h[1] * g[0]) / determinant];
        line.slope -= step[0];
        line.intercept -= step[1];
        if step[0].abs().max(step[1].abs()) < 1e-10 {
            return Some(line);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platt_finds_the_correction_that_was_applied() {
        // Expected counts at true log-odds x; the model said 2 x + 1, so the correction is (x' - 1) / 2.
        let (mut stated, mut events) = (Vec::new(), Vec::new());
        for step in -20..=20 {
            let truth = f64::from(step) / 8.0;
            let yes = (LogOdds(truth).probability().get() * 1000.0).round() as usize;
            for i in 0..1000 {
                stated.push(2.0 * truth + 1.0);
                events.push(i < yes);
            }
        }
        let calibration = platt(&stated, &events);
        assert!(
            calibration.is_some_and(|c| (c.slope - 0.5).abs() < 1e-3 && (c.intercept + 0.5).abs() < 1e-3),
            "{calibration:?}"
        );
    }

    #[test]
    fn a_calibration_that_separates_is_refused() {
        assert_eq!(platt(&[-1.0, 1.0], &[false, true]), None);
    }
}
