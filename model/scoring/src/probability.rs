//! Probabilities and log-odds as types of their own, so that neither is mistaken for the other.

use serde::{Deserialize, Serialize};

/// A probability, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Probability(f64);

/// The natural logarithm of the odds of a probability.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogOdds(pub f64);

impl LogOdds {
    /// The logistic function 1 / (1 + e^-x), computed so that neither tail overflows.
    pub fn probability(self) -> Probability {
        let x = self.0;
        Probability(if x >= 0.0 {
            1.0 / (1.0 + (-x).exp())
        } else {
            let e = x.exp();
            e / (1.0 + e)
        })
    }
}

impl Probability {
    /// A probability; `None` outside 0 to 1 or NaN.
    pub fn new(value: f64) -> Option<Self> {
        (0.0..=1.0).contains(&value).then_some(Self(value))
    }

    /// The number, 0 to 1.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// The log-odds; infinite at 0 and 1.
    pub fn log_odds(self) -> LogOdds {
        LogOdds((self.0 / (1.0 - self.0)).ln())
    }

    /// The probability that an event with this probability in each of the given periods happens in at least one of them:
    /// 1 - prod(1 - p).
    pub fn of_any(periods: impl Iterator<Item = Self>) -> Self {
        Self(1.0 - periods.map(|p| 1.0 - p.0).product::<f64>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logistic_function_holds_in_both_tails() {
        for (x, expected) in
            [(0.0, 0.5), (800.0, 1.0), (-800.0, 0.0), (2.0, 0.880_797_077_977_882_3), (-2.0, 0.119_202_922_022_117_56)]
        {
            assert!((LogOdds(x).probability().get() - expected).abs() < 1e-15, "{x}");
        }
    }

    #[test]
    fn risk_over_periods_never_falls_with_their_number() {
        let monthly = [0.02, 0.0, 0.5, 0.01].map(Probability);
        let risks: Vec<f64> = (0..=4).map(|n| Probability::of_any(monthly.into_iter().take(n)).get()).collect();
        assert!(risks.is_sorted(), "{risks:?}");
        assert!((risks.last().copied().unwrap_or_default() - (1.0 - 0.98 * 0.5 * 0.99)).abs() < 1e-15);
    }
}
