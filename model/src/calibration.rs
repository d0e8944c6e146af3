//! Corrections of log-odds, learned out of fold: an affine one (Platt 1999), and the blend of additive effects with rules.

use flight_risk_scoring::artifact::Calibration;
use flight_risk_scoring::{LogOdds, Probability};
use ndarray::{Array1, Array2};

use crate::cholesky::Cholesky;
use crate::metrics;

/// Newton steps for the few numbers of a correction.
const STEPS: usize = 50;
/// The additive part keeps at least this factor beside rules: a correction must not turn effects round.
const LEAST_SLOPE: f64 = 0.05;
/// Rules that would count less than this are left out.
const LEAST_WEIGHT: f64 = 0.1;
/// Standard errors by which rules must lower the held-out log-loss.
const RULES_WORTH: f64 = 1.0;

/// Probabilities of log-odds after a correction.
pub fn probabilities(log_odds: &[f64], calibration: Calibration) -> Vec<f64> {
    let corrected = |&x: &f64| LogOdds(calibration.slope * x + calibration.intercept).probability();
    log_odds.iter().map(corrected).map(Probability::get).collect()
}

/// Log-odds of held-out rows by fold, and what happened.
#[derive(Clone, Copy)]
pub(crate) struct HeldOut<'a> {
    pub(crate) log_odds: &'a [Vec<f64>],
    pub(crate) events: &'a [Vec<bool>],
}

fn summed_loss(events: &[Vec<bool>], predicted: &[Vec<f64>]) -> f64 {
    events.iter().zip(predicted).map(|(y, p)| metrics::log_loss(y, p) * y.len() as f64).sum()
}

/// All folds but one, one after the other.
fn others<T: Copy>(folds: &[Vec<T>], left_out: usize) -> Vec<T> {
    folds.iter().enumerate().filter(|(fold, _)| *fold != left_out).flat_map(|(_, x)| x.iter().copied()).collect()
}

/// The correction learned from all folds if corrections learned without each fold lower that fold's log-loss in sum; and the
/// predictions of every fold by what was learned without it.
pub(crate) fn calibrate(held_out: HeldOut<'_>) -> (Calibration, Vec<Vec<f64>>) {
    let HeldOut { log_odds, events } = held_out;
    let without = |left_out: usize| platt(&others(log_odds, left_out), &others(events, left_out)).unwrap_or(Calibration::NONE);
    let predict = |correction: &dyn Fn(usize) -> Calibration| -> Vec<Vec<f64>> {
        log_odds.iter().enumerate().map(|(fold, x)| probabilities(x, correction(fold))).collect()
    };
    let plain = predict(&|_| Calibration::NONE);
    let corrected = predict(&without);
    if summed_loss(events, &corrected) < summed_loss(events, &plain) {
        (without(usize::MAX), corrected)
    } else {
        (Calibration::NONE, plain)
    }
}

/// The correction that minimises the log-loss of corrected log-odds (Platt 1999, without the target smoothing, which would move
/// the mean). `None` when there is no minimum with a positive slope.
fn platt(log_odds: &[f64], events: &[bool]) -> Option<Calibration> {
    line(log_odds, events).filter(|calibration| calibration.slope > 0.0)
}

/// Slope and intercept of the logistic regression on one number; `None` when there is no minimum.
pub(crate) fn line(x: &[f64], events: &[bool]) -> Option<Calibration> {
    let found = logistic(&[x], None, events)?;
    Some(Calibration { intercept: *found.first()?, slope: *found.get(1)? })
}

/// Intercept and coefficients of the logistic regression on a few numbers, by Newton's method; `None` when there is no minimum.
fn logistic(columns: &[&[f64]], offset: Option<&[f64]>, events: &[bool]) -> Option<Vec<f64>> {
    let rate = events.iter().filter(|&&event| event).count() as f64 / events.len().max(1) as f64;
    let size = columns.len() + 1;
    let mut at = Array1::<f64>::zeros(size);
    if offset.is_none() {
        at[0] = (rate / (1.0 - rate)).ln();
    }
    let mut row = vec![1.0; size];
    for _ in 0..STEPS {
        let (mut g, mut h) = (Array1::<f64>::zeros(size), Array2::<f64>::zeros((size, size)));
        for (place, &event) in events.iter().enumerate() {
            for (cell, column) in row.iter_mut().skip(1).zip(columns) {
                *cell = column.get(place).copied().unwrap_or_default();
            }
            let x = row.iter().zip(&at).map(|(x, b)| x * b).sum::<f64>()
                + offset.and_then(|offset| offset.get(place)).copied().unwrap_or_default();
            let p = LogOdds(x).probability().get();
            let (error, weight) = (p - f64::from(u8::from(event)), p * (1.0 - p));
            for (i, a) in row.iter().enumerate() {
                g[i] += error * a;
                for (j, b) in row.iter().enumerate().take(i + 1) {
                    h[[i, j]] += weight * a * b;
                }
            }
        }
        let step = Cholesky::new(&h)?.solve(g.view());
        at -= &step;
        let largest = step.iter().fold(0.0_f64, |m, s| m.max(s.abs()));
        if !largest.is_finite() {
            return None;
        }
        if largest < 1e-9 {
            return Some(at.to_vec());
        }
    }
    None
}

/// Log-odds = intercept + slope x additive + weight x rules.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Blend {
    pub(crate) intercept: f64,
    pub(crate) slope: f64,
    pub(crate) weight: f64,
}

impl Blend {
    fn learn(additive: &[f64], rules: &[f64], events: &[bool]) -> Option<Self> {
        let found = logistic(&[additive, rules], None, events)?;
        let (intercept, slope, weight) = (*found.first()?, *found.get(1)?, *found.get(2)?);
        if slope >= LEAST_SLOPE {
            return (weight > 0.0).then_some(Self { intercept, slope, weight });
        }
        let kept: Vec<f64> = additive.iter().map(|x| LEAST_SLOPE * x).collect();
        let found = logistic(&[rules], Some(&kept), events)?;
        let (intercept, weight) = (*found.first()?, *found.get(1)?);
        (weight > 0.0).then_some(Self { intercept, slope: LEAST_SLOPE, weight })
    }

    pub(crate) fn probability(&self, additive: f64, rules: f64) -> f64 {
        LogOdds(self.intercept + self.slope * additive + self.weight * rules).probability().get()
    }

    fn predict(&self, additive: &[f64], rules: &[f64]) -> Vec<f64> {
        additive.iter().zip(rules).map(|(&a, &r)| self.probability(a, r)).collect()
    }
}

/// The number of rounds (a place in `rules`, which holds held-out log-odds by rounds and fold) at which rules blended with
/// additive log-odds predict best, where that lowers the log-loss of `plain`, the predictions without rules, by more than noise;
/// with the blend, and the predictions of every fold by a blend learned without it.
pub(crate) fn blend(
    held_out: HeldOut<'_>,
    rules: &[Vec<Vec<f64>>],
    plain: &[Vec<f64>],
) -> Option<(usize, Blend, Vec<Vec<f64>>)> {
    let HeldOut { log_odds, events } = held_out;
    let blended = |rules: &[Vec<f64>]| -> Option<Vec<Vec<f64>>> {
        let without = |fold: usize| Blend::learn(&others(log_odds, fold), &others(rules, fold), &others(events, fold));
        (0..log_odds.len()).map(|fold| Some(without(fold)?.predict(log_odds.get(fold)?, rules.get(fold)?))).collect()
    };
    let tried = rules.iter().enumerate().filter_map(|(place, rules)| {
        let predicted = blended(rules)?;
        Some((summed_loss(events, &predicted), place, predicted))
    });
    let (_, place, predicted) = tried.min_by(|a, b| a.0.total_cmp(&b.0))?;
    let gain = |event: bool, before: f64, after: f64| {
        let of = |p: f64| if event { p } else { 1.0 - p }.max(1e-15).ln();
        of(after) - of(before)
    };
    let gains: Vec<f64> = events
        .iter()
        .zip(plain)
        .zip(&predicted)
        .flat_map(|((y, before), after)| y.iter().zip(before).zip(after).map(|((&y, &b), &a)| gain(y, b, a)))
        .collect();
    let rows = gains.len().max(1) as f64;
    let mean = gains.iter().sum::<f64>() / rows;
    let error = (gains.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / rows / rows).sqrt();
    if mean <= RULES_WORTH * error {
        return None;
    }
    let all = Blend::learn(&log_odds.concat(), &rules.get(place)?.concat(), &events.concat())?;
    (all.weight >= LEAST_WEIGHT).then_some((place, all, predicted))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of each stated log-odds a thousand rows, as many of them events as the truth expects.
    fn expected(truths: impl Iterator<Item = f64>) -> (Vec<f64>, Vec<bool>) {
        let (mut true_log_odds, mut events) = (Vec::new(), Vec::new());
        for truth in truths {
            let yes = (LogOdds(truth).probability().get() * 1000.0).round() as usize;
            for i in 0..1000 {
                true_log_odds.push(truth);
                events.push(i < yes);
            }
        }
        (true_log_odds, events)
    }

    #[test]
    fn platt_finds_the_correction_that_was_applied() {
        // The model said 2 x + 1, so the correction is (x' - 1) / 2.
        let (truth, events) = expected((-20..=20).map(|step| f64::from(step) / 8.0));
        let stated: Vec<f64> = truth.iter().map(|x| 2.0 * x + 1.0).collect();
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

    #[test]
    fn rules_count_where_they_know_more_and_not_where_they_do_not() {
        let (truth, events) = expected((-20..=20).map(|step| f64::from(step) / 8.0));
        let half = truth.len() / 2;
        let split = |x: &[f64]| vec![x[..half].to_vec(), x[half..].to_vec()];
        let (y, one_sided) = (vec![events[..half].to_vec(), events[half..].to_vec()], truth.iter().map(|x| x.abs()).collect::<Vec<_>>());
        let (knows, guesses) = (split(&truth), split(&one_sided));
        let additive = HeldOut { log_odds: &guesses, events: &y };
        let plain = calibrate(additive).1;
        assert!(blend(additive, std::slice::from_ref(&knows), &plain).is_some_and(|found| found.1.weight > 0.8));
        let additive = HeldOut { log_odds: &knows, events: &y };
        let plain = calibrate(additive).1;
        assert_eq!(blend(additive, &[guesses.clone()], &plain).map(|found| found.0), None);
    }
}
