//! How effects on the odds are said.

use super::number::{Estimate, times};
use super::scale::Axis;

/// Smallest effect (log-odds) that is called one: below it, the factor reads ×1.0.
const VISIBLE: f64 = 0.05;

/// "raises", "lowers" or "hardly moves".
pub(super) fn direction(log_odds: f64) -> &'static str {
    if log_odds >= VISIBLE {
        "raises"
    } else if log_odds <= -VISIBLE {
        "lowers"
    } else {
        "hardly moves"
    }
}

/// Whether the largest effect is hardly more than the smallest.
pub(super) fn alike(high: f64, low: f64) -> bool {
    high - low < VISIBLE
}

/// An arrow and the factor, such as "▲ ×1.6".
pub(super) fn arrow(log_odds: f64) -> String {
    let sign = match direction(log_odds) {
        "raises" => "▲",
        "lowers" => "▼",
        _ => "●",
    };
    format!("{sign} {}", times(log_odds))
}

/// The factors at the ends of an interval, such as "×1.2 to ×2.1".
pub(super) fn range(effect: Estimate) -> String {
    format!("{} to {}", times(effect.low()), times(effect.high()))
}

/// An axis that all these values fit on.
pub(super) fn axis(values: impl Iterator<Item = f64>) -> Axis {
    let (low, high) = values.fold((0.0_f64, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    Axis::odds(low, high)
}
