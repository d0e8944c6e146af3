//! Is a model better than the base rate by more than noise makes it? Two tests on rows that it had not seen.
//!
//! Both standard errors are clustered: the rows of one employee are not independent, and what they add to a figure is summed
//! before it is squared (for the AUC: Obuchowski 1997, after DeLong, DeLong & Clarke-Pearson 1988).

use flight_risk_scoring::metrics::{Evidence, Split};

use crate::metrics::log_loss_of;

/// A figure with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate {
    pub(crate) value: f64,
    pub(crate) standard_error: f64,
}

impl Estimate {
    /// Standard errors above a value; infinite where nothing varies and the figure is above it.
    pub(crate) fn z_above(self, value: f64) -> f64 {
        let distance = self.value - value;
        if distance == 0.0 { 0.0 } else { distance / self.standard_error }
    }
}

/// Rows with their outcomes, predictions and employees, and the rate of the rows that the model learned from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JudgedRows<'a> {
    pub(crate) events: &'a [bool],
    pub(crate) predicted: &'a [f64],
    pub(crate) groups: &'a [u32],
    pub(crate) base_rate: f64,
}

/// Tests predictions against the base rate: they pass when their AUC is above one half, or their log-loss below that of the
/// base rate, by `z` standard errors.
pub(crate) fn evidence(split: Split, rows: &JudgedRows<'_>, z: f64) -> Evidence {
    let auc = auc(rows);
    let gain = log_loss_gain(rows);
    Evidence {
        split,
        events: rows.events.iter().filter(|&&event| event).count() as u64,
        auc: auc.map(|auc| auc.value),
        auc_standard_error: auc.map(|auc| auc.standard_error),
        log_loss_gain: gain.value,
        log_loss_gain_standard_error: gain.standard_error,
        passed: auc.is_some_and(|auc| auc.z_above(0.5) >= z) || gain.z_above(0.0) >= z,
    }
}

/// Area under the ROC curve, ties counting half; `None` with one class only.
pub(crate) fn auc(rows: &JudgedRows<'_>) -> Option<Estimate> {
    let JudgedRows { events, predicted, groups, .. } = *rows;
    let is_event = |i: usize| events.get(i).copied().unwrap_or_default();
    let at = |i: usize| predicted.get(i).copied().unwrap_or(f64::NAN);
    let positives = events.iter().filter(|&&event| event).count() as f64;
    let negatives = events.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return None;
    }
    let mut order: Vec<usize> = (0..events.len()).collect();
    order.sort_by(|&a, &b| at(a).total_cmp(&at(b)));
    // Of each row the share of the other class that it is in order with.
    let mut in_order = vec![0.0; events.len()];
    let (mut positives_below, mut negatives_below) = (0.0, 0.0);
    for tied in order.chunk_by(|&a, &b| at(a).total_cmp(&at(b)).is_eq()) {
        let tied_positives = tied.iter().filter(|&&i| is_event(i)).count() as f64;
        let tied_negatives = tied.len() as f64 - tied_positives;
        for &i in tied {
            if let Some(share) = in_order.get_mut(i) {
                *share = if is_event(i) {
                    (negatives_below + tied_negatives / 2.0) / negatives
                } else {
                    (positives - positives_below - tied_positives / 2.0) / positives
                };
            }
        }
        positives_below += tied_positives;
        negatives_below += tied_negatives;
    }
    let value = (0..events.len()).filter(|&i| is_event(i)).filter_map(|i| in_order.get(i)).sum::<f64>() / positives;
    let influence = |(i, share): (usize, &f64)| (share - value) / if is_event(i) { positives } else { negatives };
    let influences = in_order.iter().enumerate().map(influence);
    Some(Estimate { value, standard_error: clustered(influences, groups) })
}

/// Mean log-loss of the base rate less that of the predictions.
pub(crate) fn log_loss_gain(rows: &JudgedRows<'_>) -> Estimate {
    let gain = |(&event, &p): (&bool, &f64)| log_loss_of(event, rows.base_rate) - log_loss_of(event, p);
    let gains: Vec<f64> = rows.events.iter().zip(rows.predicted).map(gain).collect();
    let count = gains.len().max(1) as f64;
    let value = gains.iter().sum::<f64>() / count;
    Estimate { value, standard_error: clustered(gains.iter().map(|gain| (gain - value) / count), rows.groups) }
}

/// Standard error of a sum of parts, those of one group taken together.
fn clustered(parts: impl Iterator<Item = f64>, groups: &[u32]) -> f64 {
    let mut parts: Vec<(u32, f64)> = groups.iter().copied().zip(parts).collect();
    parts.sort_by_key(|part| part.0);
    let (mut squares, mut count) = (0.0, 0.0_f64);
    for group in parts.chunk_by(|a, b| a.0 == b.0) {
        squares += group.iter().map(|part| part.1).sum::<f64>().powi(2);
        count += 1.0;
    }
    (squares * count / (count - 1.0).max(1.0)).sqrt()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;
    use crate::folds::mixed;

    fn uniform(seed: u64, index: usize) -> f64 {
        (mixed(seed, index as u64) >> 11) as f64 / (1_u64 << 53) as f64
    }

    #[test]
    fn the_area_and_its_error_are_those_computed_by_hand() {
        // Events at .9 and .5, others at .8, .5, .1: the events are in order with 1 and 1.5/3 of the others.
        let rows = JudgedRows {
            events: &[true, false, true, false, false],
            predicted: &[0.9, 0.8, 0.5, 0.5, 0.1],
            groups: &[0, 1, 2, 3, 4],
            base_rate: 0.4,
        };
        let estimate = auc(&rows).unwrap();
        assert!((estimate.value - 0.75).abs() < 1e-12);
        // DeLong: events deviate by +-.25 over 2; the others, in order with .5, .75 and 1 of the events, by -.25, 0, .25 over 3.
        let squares: f64 = 2.0 * (0.125_f64).powi(2) + 2.0 * (0.25_f64 / 3.0).powi(2);
        assert!((estimate.standard_error - (squares * 5.0 / 4.0).sqrt()).abs() < 1e-12);
        let gain = log_loss_gain(&rows);
        let expected =
            crate::metrics::log_loss(rows.events, &[0.4; 5]) - crate::metrics::log_loss(rows.events, rows.predicted);
        assert!((gain.value - expected).abs() < 1e-12);
        assert_eq!(auc(&JudgedRows { events: &[true; 5], ..rows }), None);
    }

    #[test]
    fn copies_of_a_row_are_no_more_evidence_than_the_row() {
        let events: Vec<bool> = (0..200).map(|i| uniform(1, i) < 0.3).collect();
        let predicted: Vec<f64> = (0..200).map(|i| uniform(2, i)).collect();
        let groups: Vec<u32> = (0..200).collect();
        let once = JudgedRows { events: &events, predicted: &predicted, groups: &groups, base_rate: 0.3 };
        let (events, predicted, groups) = (events.repeat(3), predicted.repeat(3), groups.repeat(3));
        let thrice = JudgedRows { events: &events, predicted: &predicted, groups: &groups, base_rate: 0.3 };
        for (a, b) in [(auc(&once).unwrap(), auc(&thrice).unwrap()), (log_loss_gain(&once), log_loss_gain(&thrice))] {
            assert!((a.value - b.value).abs() < 1e-12 && (a.standard_error - b.standard_error).abs() < 1e-12);
        }
    }

    #[test]
    fn the_error_of_the_area_is_the_spread_of_areas() {
        let areas: Vec<Estimate> = (0..400_u64)
            .map(|seed| {
                let events: Vec<bool> = (0..300).map(|i| uniform(2 * seed, i) < 0.2).collect();
                let predicted: Vec<f64> = (0..300).map(|i| uniform(2 * seed + 1, i)).collect();
                let groups: Vec<u32> = (0..300).collect();
                auc(&JudgedRows { events: &events, predicted: &predicted, groups: &groups, base_rate: 0.2 }).unwrap()
            })
            .collect();
        let beyond = areas.iter().filter(|area| area.z_above(0.5) > 1.645).count() as f64 / 400.0;
        assert!((0.02..0.085).contains(&beyond), "one in twenty lies beyond the 95 % point: {beyond}");
    }
}
