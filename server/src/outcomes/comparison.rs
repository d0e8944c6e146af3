//! Those for whom something was done beside those for whom nothing was: exits expected and observed.
//!
//! An employee is followed from the day on which the action was completed (or, where none was, on which the risk was elevated)
//! until the exit, today, or the end of the horizon. What is expected in that time is the cumulative hazard of the score of that
//! day, `-ln(1 - risk)` over the horizon, in proportion to the time: summed until each employee's exit it has the same mean as the
//! count of exits, if the scores are right (Andersen & Gill 1982). Later scores are not looked at: what was done may be in them.

use flight_risk_scoring::Day;

use super::PastScore;
use crate::interval;

/// Largest risk that is taken at its word: that of 1 would expect infinitely many exits.
const MAX_RISK: f64 = 0.999;

/// What the comparison cannot tell.
pub(crate) const CAVEAT: &str = "This compares groups; it does not show an effect. Who is acted on is chosen, often because more \
is at stake or because there is a way to help, and those who resign before anything could be done count among the others. Only \
exits that were reported are counted. To learn whether an action helps, decide by lot for whom it is done first.";

/// One employee, followed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct FollowUp {
    /// Voluntary exits expected in the time observed.
    pub(crate) expected: f64,
    /// Whether the employee left voluntarily in that time.
    pub(crate) left: bool,
}

/// Follows an employee from the end of a day on; `None` where there is no time to observe.
pub(crate) fn follow(score: &PastScore, from: Day, today: Day) -> Option<FollowUp> {
    let from = from.max(score.as_of);
    let end = score.horizon_end().min(today);
    let exit = score.exit.filter(|exit| exit.day <= end);
    let until = exit.map_or(end, |exit| exit.day);
    if until <= from {
        return None;
    }
    let horizon_days = f64::from(score.horizon_end().days_since(score.as_of));
    let hazard_per_day = -(-score.risk.clamp(0.0, MAX_RISK)).ln_1p() / horizon_days;
    Some(FollowUp {
        expected: hazard_per_day * f64::from(until.days_since(from)),
        left: exit.is_some_and(|exit| exit.voluntary),
    })
}

/// One side of the comparison.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Side {
    /// Employees.
    pub(crate) employees: u64,
    /// Exits expected.
    pub(crate) expected: f64,
    /// Exits observed.
    pub(crate) observed: u64,
    /// Observed over expected.
    pub(crate) ratio: f64,
    /// Lower end of its 90 % interval.
    pub(crate) ratio_low: f64,
    /// Upper end of its 90 % interval.
    pub(crate) ratio_high: f64,
}

/// A side, unless it is smaller than the minimum.
pub(crate) fn side(followed: &[FollowUp], minimum: usize) -> Option<Side> {
    if followed.is_empty() || followed.len() < minimum {
        return None;
    }
    let expected: f64 = followed.iter().map(|followed| followed.expected).sum();
    if expected <= 0.0 {
        return None;
    }
    let observed = followed.iter().filter(|followed| followed.left).count() as u64;
    let (low, high) = interval::poisson_mean(observed);
    Some(Side {
        employees: followed.len() as u64,
        expected,
        observed,
        ratio: observed as f64 / expected,
        ratio_low: low / expected,
        ratio_high: high / expected,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::super::Exit;
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn somebody_is_followed_from_the_action_to_the_exit_today_or_the_end_of_the_horizon() {
        let exit = |text: &str, voluntary| Some(Exit { day: day(text), voluntary });
        // 2025 has 365 days; with this risk a whole year's cumulative hazard is 0.365: a thousandth a day.
        let risk = 1.0 - (-0.365_f64).exp();
        for (exit, from, today, expected) in [
            (None, "2025-02-01", "2025-03-03", Some((30, false))),
            (None, "2025-02-01", "2027-01-01", Some((334, false))),
            (None, "2024-06-01", "2025-01-11", Some((10, false))),
            (exit("2025-02-11", true), "2025-02-01", "2025-03-03", Some((10, true))),
            (exit("2025-02-11", false), "2025-02-01", "2025-03-03", Some((10, false))),
            (exit("2025-04-01", true), "2025-02-01", "2025-03-03", Some((30, false))),
            (exit("2026-02-01", true), "2025-02-01", "2027-01-01", Some((334, false))),
            (exit("2025-01-15", true), "2025-02-01", "2025-03-03", None),
            (exit("2025-02-01", true), "2025-02-01", "2025-03-03", None),
            (None, "2025-03-03", "2025-03-03", None),
            (None, "2026-03-03", "2027-03-03", None),
        ] {
            let score = PastScore { as_of: day("2025-01-01"), risk, horizon_months: 12, exit };
            let got = follow(&score, day(from), day(today));
            assert_eq!(got.map(|f| f.left), expected.map(|(_, left)| left), "{exit:?} {from} {today}");
            let days = expected.map_or(0.0, |(days, _)| f64::from(days));
            assert!((got.map_or(0.0, |f| f.expected) - days * 0.001).abs() < 1e-12, "{got:?} {days}");
        }
    }

    #[test]
    fn a_side_adds_up_and_small_ones_are_not_shown() {
        let followed: Vec<FollowUp> = (0..20).map(|i| FollowUp { expected: 0.25, left: i < 10 }).collect();
        let side = side(&followed, 10).unwrap();
        assert_eq!((side.employees, side.observed), (20, 10));
        for (got, expected) in [
            (side.expected, 5.0),
            (side.ratio, 2.0),
            (side.ratio_low, 5.425_405_7 / 5.0),
            (side.ratio_high, 16.962_219 / 5.0),
        ] {
            assert!((got - expected).abs() < 1e-6, "{got} {expected}");
        }
        assert_eq!(super::side(&followed[..9], 10), None);
        assert_eq!(super::side(&[], 0), None);
    }

    #[test]
    fn a_certain_exit_is_not_infinitely_many() {
        let score = PastScore { as_of: day("2025-01-01"), risk: 1.0, horizon_months: 12, exit: None };
        assert!(follow(&score, day("2025-01-01"), day("2026-01-01")).unwrap().expected < 10.0);
    }
}
