//! Quality of predicted probabilities, beside the base-rate model.

use flight_risk_scoring::metrics::{ListLift, Quality, ReliabilityGroup};

use crate::curves::curves;

/// Groups of equal size in reliability curve and calibration error.
const GROUPS: usize = 10;
/// Probabilities are kept this far from 0 and 1 in the log-loss, as scikit-learn's users expect.
const CLIP: f64 = 1e-15;

/// Negative log-likelihood of one row in nats.
pub(crate) fn log_loss_of(event: bool, p: f64) -> f64 {
    let p = p.clamp(CLIP, 1.0 - CLIP);
    -(if event { p } else { 1.0 - p }).ln()
}

/// Negative log-likelihood of an outcome at some log-odds, without overflow in either tail.
pub(crate) fn loss_at(log_odds: f64, event: bool) -> f64 {
    log_odds.max(0.0) + (-log_odds.abs()).exp().ln_1p() - if event { log_odds } else { 0.0 }
}

/// Mean negative log-likelihood in nats.
pub fn log_loss(events: &[bool], predicted: &[f64]) -> f64 {
    let sum: f64 = events.iter().zip(predicted).map(|(&event, &p)| log_loss_of(event, p)).sum();
    sum / events.len().max(1) as f64
}

/// Area under the ROC curve by ranks, ties counting half (Mann & Whitney 1947); `None` with one class only.
pub fn auc(events: &[bool], predicted: &[f64]) -> Option<f64> {
    let mut order: Vec<usize> = (0..events.len()).collect();
    let at = |i: usize| predicted.get(i).copied().unwrap_or(f64::NAN);
    order.sort_by(|&a, &b| at(a).total_cmp(&at(b)));
    let positives = events.iter().filter(|&&event| event).count() as f64;
    let negatives = events.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return None;
    }
    let mut rank_sum = 0.0;
    let mut rank = 1.0;
    for tied in order.chunk_by(|&a, &b| at(a).total_cmp(&at(b)).is_eq()) {
        let mean_rank = rank + (tied.len() as f64 - 1.0) / 2.0;
        rank_sum += mean_rank * tied.iter().filter(|&&i| events.get(i).copied().unwrap_or_default()).count() as f64;
        rank += tied.len() as f64;
    }
    Some((rank_sum - positives * (positives + 1.0) / 2.0) / (positives * negatives))
}

/// Average precision: mean over the events of the precision at their threshold; ties share one threshold.
pub fn average_precision(events: &[bool], predicted: &[f64]) -> Option<f64> {
    let positives = events.iter().filter(|&&event| event).count() as f64;
    if positives == 0.0 || positives as usize == events.len() {
        return None;
    }
    let at = |i: usize| predicted.get(i).copied().unwrap_or(f64::NAN);
    let (mut listed, mut found, mut sum) = (0.0, 0.0, 0.0);
    for tied in by_risk(predicted).chunk_by(|&a, &b| at(a).total_cmp(&at(b)).is_eq()) {
        let hits = tied.iter().filter(|&&i| events.get(i).copied().unwrap_or_default()).count() as f64;
        listed += tied.len() as f64;
        found += hits;
        sum += hits * found / listed;
    }
    Some(sum / positives)
}

/// Positions ordered from the highest prediction to the lowest; ties keep their order.
fn by_risk(predicted: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..predicted.len()).collect();
    let at = |i: usize| predicted.get(i).copied().unwrap_or(f64::NAN);
    order.sort_by(|&a, &b| at(b).total_cmp(&at(a)));
    order
}

/// Everything about some predictions; `base_rate` is the rate of the training rows.
pub fn quality(events: &[bool], predicted: &[f64], base_rate: f64, list_lengths: &[u32]) -> Quality {
    let rows = events.len();
    let count = rows.max(1) as f64;
    let total = events.iter().filter(|&&event| event).count();
    let y = |event: bool| f64::from(u8::from(event));
    let observed_rate = total as f64 / count;
    let order = by_risk(predicted);
    let summed = |part: &[usize]| {
        let expected: f64 = part.iter().filter_map(|&i| predicted.get(i)).sum();
        let found = part.iter().filter(|&&i| events.get(i).copied().unwrap_or_default()).count();
        (expected, found)
    };
    let lift = list_lengths
        .iter()
        .map(|&length| length as usize)
        .filter(|&length| length < rows)
        .map(|length| {
            let (expected, found) = summed(order.get(..length).unwrap_or_default());
            let rate = found as f64 / length as f64;
            ListLift {
                length: length as u64,
                expected,
                found: found as u64,
                lift: rate / observed_rate.max(f64::MIN_POSITIVE),
            }
        })
        .collect();
    let reliability: Vec<ReliabilityGroup> = (0..GROUPS)
        .filter_map(|group| order.get(group * rows / GROUPS..(group + 1) * rows / GROUPS))
        .filter(|part| !part.is_empty())
        .rev()
        .map(|part| {
            let (expected, found) = summed(part);
            let n = part.len() as f64;
            ReliabilityGroup { rows: part.len() as u64, predicted: expected / n, observed: found as f64 / n }
        })
        .collect();
    let calibration_error =
        reliability.iter().map(|g| g.rows as f64 / count * (g.predicted - g.observed).abs()).sum::<f64>();
    let brier = |p: &dyn Fn(usize) -> f64| {
        events.iter().enumerate().map(|(i, &event)| (p(i) - y(event)).powi(2)).sum::<f64>() / count
    };
    let (roc, precision_recall) = curves(events, predicted, &order);
    Quality {
        rows: rows as u64,
        events: total as u64,
        observed_rate,
        mean_predicted: predicted.iter().sum::<f64>() / count,
        log_loss: log_loss(events, predicted),
        log_loss_base_rate: events.iter().map(|&event| log_loss_of(event, base_rate)).sum::<f64>() / count,
        auc: auc(events, predicted),
        average_precision: average_precision(events, predicted),
        brier: brier(&|i| predicted.get(i).copied().unwrap_or_default()),
        brier_base_rate: brier(&|_| base_rate),
        calibration_error,
        lift,
        reliability,
        roc,
        precision_recall,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_figures() {
        // Checked by hand: of the six pairs of one event and one other, 4 are in order and 1 is tied.
        let events = [true, false, true, false, false];
        let predicted = [0.9, 0.8, 0.5, 0.5, 0.1];
        assert_eq!(auc(&events, &predicted), Some(4.5 / 6.0));
        assert_eq!(average_precision(&events, &predicted), Some((1.0 + 2.0 / 4.0) / 2.0));
        let expected = -(0.9_f64.ln() + 0.2_f64.ln() + 0.5_f64.ln() + 0.5_f64.ln() + 0.9_f64.ln()) / 5.0;
        assert!((log_loss(&events, &predicted) - expected).abs() < 1e-15);
        assert_eq!(auc(&[true, true], &[0.1, 0.2]), None);
        let quality = quality(&events, &predicted, 0.4, &[2, 100]);
        assert_eq!(
            quality.lift.iter().map(|l| (l.length, l.found)).collect::<Vec<_>>(),
            [(2, 1)],
            "a list longer than the data is no list"
        );
        assert!((quality.brier_base_rate - 0.24).abs() < 1e-15);
    }
}
