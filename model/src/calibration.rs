//! What is learned from log-odds out of fold: an affine correction (Platt 1999), and the share of rules beside additive effects.

use flight_risk_scoring::artifact::Calibration;
use flight_risk_scoring::{LogOdds, Probability};
use ndarray::{ArrayView2, ShapeBuilder};
use rayon::prelude::*;

use crate::metrics;
use crate::solver::{self, EXACT, Problem, sigmoid};

/// Newton steps for the few numbers of a correction.
const STEPS: usize = 50;
/// The solver's penalty where there should be none: a thousandth of what one row weighs.
const NEXT_TO_NONE: f64 = 1e-3;
/// Standard errors by which rules must lower the held-out log-loss to count for as much as is best.
const RULES_WORTH: f64 = 0.5;
/// The same where effects are known to be additive by design: then rules are left out altogether unless they are sure to help.
const RULES_WORTH_DESIGNED: f64 = 2.0;
/// Their share where held-out rows cannot tell: two different models err less together than either does.
const HEDGED_SHARE: f64 = 0.2;

/// Probabilities of log-odds after a correction.
pub(crate) fn probabilities(log_odds: &[f64], calibration: Calibration) -> Vec<f64> {
    let corrected = |&x: &f64| LogOdds(calibration.slope * x + calibration.intercept).probability();
    log_odds.iter().map(corrected).map(Probability::get).collect()
}

/// Log-odds of held-out rows by fold, and what happened.
#[derive(Clone, Copy)]
pub(crate) struct HeldOut<'a> {
    pub(crate) log_odds: &'a [Vec<f64>],
    pub(crate) events: &'a [Vec<bool>],
}

impl HeldOut<'_> {
    /// By how much the loss falls from some log-odds of the rows to others: the mean over the rows, and its standard error.
    pub(crate) fn gain(&self, before: &[Vec<f64>], after: &[Vec<f64>]) -> (f64, f64) {
        let of_fold = |((before, after), y): ((&Vec<f64>, &Vec<f64>), &Vec<bool>)| -> Vec<f64> {
            losses(before, y).into_iter().zip(losses(after, y)).map(|(a, b)| a - b).collect()
        };
        let gains: Vec<f64> = before.iter().zip(after).zip(self.events).flat_map(of_fold).collect();
        let rows = gains.len().max(1) as f64;
        let mean = gains.iter().sum::<f64>() / rows;
        (mean, (gains.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / rows / rows).sqrt())
    }
}

fn summed_loss(events: &[Vec<bool>], predicted: &[Vec<f64>]) -> f64 {
    events.iter().zip(predicted).map(|(y, p)| metrics::log_loss(y, p) * y.len() as f64).sum()
}

/// All folds but one, one after the other.
fn others<T: Copy>(folds: &[Vec<T>], left_out: usize) -> Vec<T> {
    folds.iter().enumerate().filter(|(fold, _)| *fold != left_out).flat_map(|(_, x)| x.iter().copied()).collect()
}

/// Learns a correction of each kind of rows from log-odds and what happened.
type Learn<const K: usize> = fn([(&[f64], &[bool]); K]) -> [Calibration; K];

/// The corrections learned from all folds that lower the log-loss most when learned without each fold they are applied to, the
/// first of equals; and the predictions of every fold by what was learned without it.
fn best<const K: usize>(kinds: [HeldOut<'_>; K], ways: &[Learn<K>]) -> ([Calibration; K], [Vec<Vec<f64>>; K]) {
    let without = |learn: Learn<K>, fold: usize| {
        let parts = kinds.map(|of| (others(of.log_odds, fold), others(of.events, fold)));
        learn(parts.each_ref().map(|(x, y)| (x.as_slice(), y.as_slice())))
    };
    let mut least = (f64::INFINITY, None, [const { Vec::new() }; K]);
    for &learn in ways {
        let folds = kinds.first().map_or(0, |of| of.log_odds.len());
        let found: Vec<[Calibration; K]> = (0..folds).map(|fold| without(learn, fold)).collect();
        let predicted = std::array::from_fn(|kind| -> Vec<Vec<f64>> {
            let of_fold = |(x, found): (&Vec<f64>, &[Calibration; K])| probabilities(x, found[kind]);
            kinds[kind].log_odds.iter().zip(&found).map(of_fold).collect()
        });
        let loss = kinds.iter().zip(&predicted).map(|(of, predicted)| summed_loss(of.events, predicted)).sum();
        if loss < least.0 || least.1.is_none() {
            least = (loss, Some(learn), predicted);
        }
    }
    let (_, learn, predicted) = least;
    (learn.map_or([Calibration::NONE; K], |learn| without(learn, usize::MAX)), predicted)
}

/// No correction, a shift, or slope and shift: what lowers the log-loss most; and the predictions of every fold by what was learned
/// without it.
pub(crate) fn calibrate(held_out: HeldOut<'_>) -> (Calibration, Vec<Vec<f64>>) {
    let ways: [Learn<1>; 3] =
        [|_| [Calibration::NONE], |[(x, y)]| [shift(x, y)], |[(x, y)]| [platt(x, y).unwrap_or(Calibration::NONE)]];
    let ([correction], [predicted]) = best([held_out], &ways);
    (correction, predicted)
}

/// Log-odds of two kinds of rows and what happened.
type Kinds<'a> = [(&'a [f64], &'a [bool]); 2];

/// The correction for people whom the model knows: its slope is one that suits `strangers` too, where that lowers the log-loss of
/// both. And the predictions of the strangers, every fold's by what was learned without it.
///
/// Where rows of one person are dealt to all folds, what came later tells of what came before, and held-out log-odds look surer
/// than those of later rows are. Strangers tell nothing of that kind, but less than is known of most who are scored. Each kind
/// has a level of its own: rows of strangers are mostly of people who stayed long, whom one does not meet as strangers.
pub(crate) fn calibrate_known(known: HeldOut<'_>, strangers: HeldOut<'_>) -> (Calibration, Vec<Vec<f64>>) {
    let ways: [Learn<2>; 2] = [
        |kinds| levels(own_slope(kinds), kinds),
        |kinds| levels(common_slope(kinds).unwrap_or_else(|| own_slope(kinds)), kinds),
    ];
    let ([correction, _], [_, predicted]) = best([known, strangers], &ways);
    (correction, predicted)
}

/// The slope that suits the first kind.
fn own_slope([(x, y), _]: Kinds<'_>) -> f64 {
    platt(x, y).map_or(1.0, |own| own.slope)
}

/// A slope with the shift of each kind that makes its mean prediction the observed rate.
fn levels(slope: f64, kinds: Kinds<'_>) -> [Calibration; 2] {
    kinds.map(|(x, y)| {
        let scaled: Vec<f64> = x.iter().map(|x| slope * x).collect();
        Calibration { slope, ..shift(&scaled, y) }
    })
}

/// The slope that suits two kinds of rows, each with a shift of its own; `None` when there is no positive one.
fn common_slope([first, second]: Kinds<'_>) -> Option<f64> {
    let (known, rows) = (first.0.len(), first.0.len() + second.0.len());
    let kind = (0..rows).map(|row| f64::from(u8::from(row >= known)));
    let columns: Vec<f64> = first.0.iter().chain(second.0).copied().chain(kind).collect();
    let matrix = ArrayView2::from_shape((rows, 2).f(), &columns).ok()?;
    let events = [first.1, second.1].concat();
    let problem = Problem { matrix, events: &events, penalty: NEXT_TO_NONE, tolerance: EXACT };
    solver::fit(&problem, None).ok()?.coefficients.first().copied().filter(|slope| *slope > 0.0)
}

/// The shift that makes the mean prediction the observed rate.
fn shift(log_odds: &[f64], events: &[bool]) -> Calibration {
    let wanted = events.iter().filter(|&&event| event).count() as f64;
    let mut correction = Calibration::NONE;
    for _ in 0..STEPS {
        let predicted = probabilities(log_odds, correction);
        let slope: f64 = predicted.iter().map(|p| p * (1.0 - p)).sum();
        let step = (wanted - predicted.iter().sum::<f64>()) / slope;
        if !step.is_finite() {
            return Calibration::NONE;
        }
        correction.intercept += step;
        if step.abs() < 1e-10 {
            break;
        }
    }
    correction
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
    for _ in 0..STEPS {
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

/// Shares of the rules that are tried: the log-odds are the weighted mean of both, so that nothing but the share is learned.
const SHARES: [f64; 10] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95];

/// Rules beside additive effects.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Blend {
    /// Place of the number of rounds.
    pub(crate) place: usize,
    /// Share of the rules in the log-odds; the additive effects have the rest.
    pub(crate) share: f64,
    /// Held-out log-odds by fold.
    pub(crate) log_odds: Vec<Vec<f64>>,
}

/// Log-odds of additive effects and of rules, which have a share of them.
pub(crate) fn blended(additive: &[f64], rules: &[f64], share: f64) -> Vec<f64> {
    additive.iter().zip(rules).map(|(a, r)| a + share * (r - a)).collect()
}

/// Negative log-likelihood of every row.
fn losses(log_odds: &[f64], events: &[bool]) -> Vec<f64> {
    log_odds.iter().zip(events).map(|(&x, &event)| metrics::loss_at(x, event)).collect()
}

/// The number of rounds (a place in `rules`, which holds held-out log-odds by rounds and fold) and the share at which rules beside
/// additive log-odds predict best, where that lowers the log-loss by more than noise; otherwise a small share, or none where the
/// features are `designed` for additive effects. Every fold's log-odds use the choice that is best without it.
pub(crate) fn blend(held_out: HeldOut<'_>, rules: &[Vec<Vec<f64>>], designed: bool) -> Option<Blend> {
    let HeldOut { log_odds, events } = held_out;
    let folds = log_odds.len();
    // Summed loss of every choice in every fold.
    let choices: Vec<(usize, f64)> = (0..rules.len()).flat_map(|place| SHARES.map(|share| (place, share))).collect();
    let summed: Vec<Vec<f64>> = choices
        .par_iter()
        .map(|&(place, share)| {
            let of_fold = |fold: usize| {
                let mixed = blended(log_odds.get(fold)?, rules.get(place)?.get(fold)?, share);
                Some(sigmoid::loss(&mixed, events.get(fold)?))
            };
            (0..folds).map(|fold| of_fold(fold).unwrap_or(f64::INFINITY)).collect()
        })
        .collect();
    let best = |left_out: usize, hedged: bool| {
        let total =
            |sums: &[f64]| sums.iter().enumerate().filter(|(fold, _)| *fold != left_out).map(|(_, x)| x).sum::<f64>();
        let open =
            choices.iter().zip(&summed).filter(|(choice, _)| !hedged || choice.1.total_cmp(&HEDGED_SHARE).is_eq());
        open.min_by(|a, b| total(a.1).total_cmp(&total(b.1))).map(|(choice, _)| *choice)
    };
    let crossed = |hedged: bool| -> Option<Vec<Vec<f64>>> {
        let of_fold = |fold: usize| {
            let (place, share) = best(fold, hedged)?;
            Some(blended(log_odds.get(fold)?, rules.get(place)?.get(fold)?, share))
        };
        (0..folds).map(of_fold).collect()
    };
    let free = crossed(false)?;
    let (mean, error) = held_out.gain(log_odds, &free);
    let worth = if designed { RULES_WORTH_DESIGNED } else { RULES_WORTH };
    let hedged = mean <= worth * error;
    let log_odds_of_choice = if hedged { crossed(true)? } else { free };
    // Where rows that tell something say that they do harm, nothing is hedged.
    if hedged && (designed || held_out.gain(log_odds, &log_odds_of_choice).0 <= 0.0) {
        return None;
    }
    let (place, share) = best(usize::MAX, hedged)?;
    Some(Blend { place, share, log_odds: log_odds_of_choice })
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
    fn what_is_too_sure_of_strangers_is_corrected_for_people_who_are_known_but_not_their_level() {
        // Of those known the stated log-odds are right; of strangers they are twice as far out, and too high.
        let (truth, events) = expected((-20..=20).map(|step| f64::from(step) / 8.0));
        let far: Vec<f64> = truth.iter().map(|x| 2.0 * x + 1.5).collect();
        let dealt = |x: &[f64]| -> Vec<Vec<f64>> {
            (0..4).map(|fold| x.iter().skip(fold).step_by(4).copied().collect()).collect()
        };
        let happened: Vec<Vec<bool>> =
            (0..4).map(|fold| events.iter().skip(fold).step_by(4).copied().collect()).collect();
        let (known, strangers) = (dealt(&truth), dealt(&far));
        let of = |log_odds| HeldOut { log_odds, events: &happened };
        let (correction, predicted) = calibrate_known(of(&known), of(&strangers));
        assert!(correction.slope > 0.55 && correction.slope < 0.95, "{correction:?}");
        assert!(correction.intercept.abs() < 0.02, "{correction:?}");
        let mean = |of: &[Vec<f64>]| of.iter().flatten().sum::<f64>() / truth.len() as f64;
        let observed = events.iter().filter(|&&event| event).count() as f64 / truth.len() as f64;
        assert!((mean(&predicted) - observed).abs() < 0.01, "{} {observed}", mean(&predicted));
        let (correction, _) = calibrate_known(of(&known), of(&known));
        assert!((correction.slope - 1.0).abs() < 0.02, "{correction:?}");
    }

    #[test]
    fn a_calibration_that_separates_is_refused() {
        assert_eq!(platt(&[-1.0, 1.0], &[false, true]), None);
    }

    #[test]
    fn rules_count_where_they_know_more_and_not_where_they_do_not() {
        let (truth, events) = expected((-20..=20).map(|step| f64::from(step) / 8.0));
        let part =
            |x: &[f64]| vec![x.iter().step_by(2).copied().collect(), x.iter().skip(1).step_by(2).copied().collect()];
        let events =
            vec![events.iter().step_by(2).copied().collect(), events.iter().skip(1).step_by(2).copied().collect()];
        let one_sided: Vec<f64> = truth.iter().map(|x: &f64| -x.abs()).collect();
        let (knows, guesses) = (part(&truth), part(&one_sided));
        let found = blend(HeldOut { log_odds: &guesses, events: &events }, std::slice::from_ref(&knows), true);
        assert!(found.is_some_and(|found| found.share > 0.9));
        let found =
            |designed| blend(HeldOut { log_odds: &knows, events: &events }, std::slice::from_ref(&guesses), designed);
        // Held-out rows say that they do harm, so that not even a small share is theirs.
        assert_eq!((found(true), found(false)), (None, None));
        // Of few rows, which say a little for them but cannot tell, the rules have a small share unless effects are designed.
        let few = |of: &[Vec<f64>], by: f64| -> Vec<Vec<f64>> {
            of.iter().map(|of| of.iter().step_by(101).map(|x| by * x).collect()).collect()
        };
        let events: Vec<Vec<bool>> = events.iter().map(|of| of.iter().step_by(101).copied().collect()).collect();
        let (mild, knows) = (few(&knows, 0.8), few(&knows, 1.0));
        let found =
            |designed| blend(HeldOut { log_odds: &mild, events: &events }, std::slice::from_ref(&knows), designed);
        assert_eq!(found(true), None);
        assert!(found(false).is_some_and(|found| (found.share - HEDGED_SHARE).abs() < 1e-12), "{:?}", found(false));
    }
}
