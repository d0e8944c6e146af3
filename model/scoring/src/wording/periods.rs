//! How a model does from period to period, in words.

use crate::metrics::PeriodQuality;
use crate::wording::numbers::{count, fixed};
use crate::wording::summary::wilson;

/// Whether it held, in words.
pub fn sentence(periods: &[PeriodQuality]) -> String {
    let within = |p: &&PeriodQuality| {
        let (low, high) = wilson(p.observed_rate, p.rows);
        (low..=high).contains(&p.mean_predicted)
    };
    let held = periods.iter().filter(within).count() as u64;
    let aucs: Vec<f64> = periods.iter().filter_map(|p| p.auc).collect();
    let least = aucs.iter().copied().fold(f64::INFINITY, f64::min);
    let most = aucs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let ranked = if aucs.is_empty() {
        String::new()
    } else if fixed(least, 2) == fixed(most, 2) {
        format!(" The AUC was {}.", fixed(least, 2))
    } else {
        format!(" The AUC was between {} and {}.", fixed(least, 2), fixed(most, 2))
    };
    let better = periods.iter().filter(|p| p.log_loss < p.log_loss_base_rate).count() as u64;
    let all = count(periods.len() as u64);
    format!(
        "In {} of {all} {} the expected rate lay within the 90 % interval of what was observed; in {} it predicted better than the base rate.{ranked}",
        count(held),
        if periods.len() == 1 { "period" } else { "periods" },
        count(better)
    )
}
