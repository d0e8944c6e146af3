//! What a model says of one employee.

use crate::explain::Factor;
use crate::probability::{LogOdds, Probability};

/// How a headline risk is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Band {
    /// Less than 1.5 times the odds of the base rate.
    Low,
    /// From 1.5 times the odds of the base rate.
    Elevated,
    /// From 3 times the odds of the base rate.
    High,
    /// The model does not know enough to say.
    Abstained,
}

impl Band {
    /// The name in files and replies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Elevated => "elevated",
            Self::High => "high",
            Self::Abstained => "abstained",
        }
    }
}

/// Why the model says that it does not know.
#[derive(Clone, Debug, PartialEq)]
pub enum AbstentionReason {
    /// Fewer facts are known than of all but a thousandth of the employees it learned from.
    TooLittleKnown {
        /// Known features.
        known: u32,
        /// Features of the model.
        of: u32,
    },
    /// The values are far from everything seen in training: the standard error is beyond the limit, or features that matter
    /// are far outside their range, or have levels that training never saw. The features outside are named; there may be none
    /// when only the combination is unusual.
    OutsideRange {
        /// Positions of the features in the schema.
        features: Vec<usize>,
    },
}

/// The risk at one horizon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HorizonRisk {
    /// Length of the horizon in months.
    pub months: u32,
    /// Probability of a voluntary exit within it.
    pub risk: Probability,
    /// Lower end of the 90 % interval.
    pub low: Probability,
    /// Upper end of the 90 % interval.
    pub high: Probability,
}

/// What the model says of one employee.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// Log-odds of a voluntary exit in the next period (or of the target of a flat table).
    pub log_odds: LogOdds,
    /// Headline risk: at the model's headline horizon, or the one probability of a flat table.
    pub risk: Probability,
    /// Lower end of its 90 % interval.
    pub low: Probability,
    /// Upper end of its 90 % interval.
    pub high: Probability,
    /// Risk at every horizon; empty for a flat table.
    pub horizons: Vec<HorizonRisk>,
    /// Headline risk over the base rate at the same horizon.
    pub multiple_of_base_rate: f64,
    /// How to take the headline risk; [`Band::Abstained`] when there are `doubts`.
    pub band: Band,
    /// Contribution of every feature in log-odds, in the schema's order.
    pub contributions: Vec<f64>,
    /// Why the model abstains; empty when it answers.
    pub doubts: Vec<AbstentionReason>,
}

impl Assessment {
    /// The factors, strongest first.
    pub fn factors(&self) -> Vec<Factor> {
        self.strongest(usize::MAX, |_| true)
    }

    /// The strongest factors of those features that are named, strongest first, at most so many.
    pub fn strongest(&self, count: usize, named: impl Fn(usize) -> bool) -> Vec<Factor> {
        /// Up to so many are kept in their order while they are found; more are sorted.
        const FEW: usize = 16;
        let positions = self.contributions.iter().enumerate().filter(|(feature, _)| named(*feature));
        let ranked = positions.map(|(feature, part)| (rank(*part), feature));
        let room = if count <= FEW { count } else { self.contributions.len() };
        let mut order: Vec<(u64, usize)> = Vec::with_capacity(room);
        if count <= FEW {
            for one in ranked {
                if order.len() == count && order.pop_if(|weakest| one < *weakest).is_none() {
                    continue;
                }
                let place = order.partition_point(|stronger| *stronger < one);
                order.insert(place, one);
            }
        } else {
            order.extend(ranked);
            if count < order.len() {
                order.select_nth_unstable(count);
                order.truncate(count);
            }
            order.sort_unstable();
        }
        let factor = |(_, feature): (u64, usize)| {
            let contribution_log_odds = self.contributions.get(feature).copied().unwrap_or_default();
            Factor { feature, contribution_log_odds }
        };
        order.into_iter().map(factor).collect()
    }
}

/// Ascending as contributions get weaker, whatever their sign: the bits of a positive number grow with it. Equal contributions
/// stay in the schema's order where it decides among equals.
fn rank(contribution_log_odds: f64) -> u64 {
    !contribution_log_odds.abs().to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_are_the_first_of_all_whichever_are_named() {
        let contributions: Vec<f64> = (0..60).map(|i| f64::from((i * 37 % 23) - 11) / 7.0).collect();
        let certain = Probability::new(0.5).unwrap_or_else(|| unreachable!());
        let assessment = Assessment {
            log_odds: LogOdds(0.0),
            risk: certain,
            low: certain,
            high: certain,
            horizons: Vec::new(),
            multiple_of_base_rate: 1.0,
            band: Band::Low,
            contributions,
            doubts: Vec::new(),
        };
        let all = assessment.factors();
        assert_eq!(all.len(), 60);
        for pair in all.windows(2) {
            let [a, b] = [pair[0], pair[1]].map(|f| (-f.contribution_log_odds.abs(), f.feature));
            assert!(a < b, "{pair:?}");
        }
        let odd = |feature: usize| feature % 2 == 1;
        for count in [0, 1, 5, 16, 17, 29, 30, 31, 100] {
            let expected: Vec<Factor> = all.iter().copied().filter(|f| odd(f.feature)).take(count).collect();
            assert_eq!(assessment.strongest(count, odd), expected, "{count}");
        }
    }
}
