//! How the risks of the past compare with what happened.
//!
//! Only scores whose whole horizon has passed are compared. To count those who left within a horizon that has not passed would
//! count leavers before stayers, and the share that left would come out too high, the more so the younger the scores.
//!
//! An exit that was not voluntary ends the observation within the horizon: whether the employee would have resigned is not known,
//! so that the score is left out (as it is where the model is trained).

use flight_risk_scoring::Day;

use super::PastScore;
use crate::interval;

/// Groups by risk at most.
const GROUPS: usize = 10;

/// What became of a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The employee left voluntarily within the horizon.
    Left,
    /// The employee did not leave within the horizon.
    Stayed,
    /// The horizon has not passed.
    Pending,
    /// Another exit ended the observation, or the employee was gone when the facts were known.
    Censored,
}

/// What became of a score by a day.
pub(crate) fn outcome(score: &PastScore, today: Day) -> Outcome {
    match score.exit {
        Some(exit) if exit.day <= score.as_of => Outcome::Censored,
        Some(exit) if score.left_within_horizon() && !exit.voluntary => Outcome::Censored,
        _ if score.horizon_end() > today => Outcome::Pending,
        Some(_) if score.left_within_horizon() => Outcome::Left,
        _ => Outcome::Stayed,
    }
}

/// A score whose outcome is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Judged {
    /// The predicted risk.
    pub(crate) risk: f64,
    /// Whether the employee left voluntarily within the horizon.
    pub(crate) left: bool,
    /// The employee, by any number of their own.
    pub(crate) employee: u32,
}

/// A group of scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Group {
    /// Scores.
    pub(crate) scores: u64,
    /// Mean predicted risk.
    pub(crate) predicted: f64,
    /// Share that left.
    pub(crate) observed: f64,
    /// Lower end of its 90 % interval.
    pub(crate) observed_low: f64,
    /// Upper end of its 90 % interval.
    pub(crate) observed_high: f64,
}

/// All scores and groups of them by risk; no group has fewer than `minimum` employees, and with fewer there is none at all.
pub(crate) fn groups(mut scores: Vec<Judged>, minimum: usize) -> (Option<Group>, Vec<Group>) {
    if scores.is_empty() || employees(&scores) < minimum {
        return (None, Vec::new());
    }
    scores.sort_unstable_by(|a, b| a.risk.total_cmp(&b.risk).then(a.employee.cmp(&b.employee)));
    let groups = cut(&scores, minimum).into_iter().map(group).collect();
    (Some(group(&scores)), groups)
}

/// How many employees there are.
fn employees(scores: &[Judged]) -> usize {
    let mut employees: Vec<u32> = scores.iter().map(|score| score.employee).collect();
    employees.sort_unstable();
    employees.dedup();
    employees.len()
}

/// Up to [`GROUPS`] pieces of nearly the same length, equal risks together, each with the minimum of employees.
fn cut(scores: &[Judged], minimum: usize) -> Vec<&[Judged]> {
    let mut pieces: Vec<&[Judged]> = Vec::new();
    let mut begin = 0;
    for number in 1..=GROUPS {
        let mut end = scores.len() * number / GROUPS;
        while let (Some(last), Some(next)) = (end.checked_sub(1).and_then(|i| scores.get(i)), scores.get(end)) {
            if last.risk.total_cmp(&next.risk).is_ne() {
                break;
            }
            end += 1;
        }
        let Some(piece) = scores.get(begin..end).filter(|piece| !piece.is_empty()) else { continue };
        // A piece that is too small grows into the next one.
        if employees(piece) >= minimum {
            pieces.push(piece);
            begin = end;
        }
    }
    // What is left over at the end joins the last piece.
    if let Some(last) = pieces.pop() {
        let begin = scores.len() - scores.get(begin..).map_or(0, <[Judged]>::len) - last.len();
        pieces.extend(scores.get(begin..));
    }
    pieces
}

/// The scores of one employee overlap in time and are no independent observations: the interval counts employees, which is on
/// the safe side.
fn group(scores: &[Judged]) -> Group {
    let count = scores.len() as f64;
    let predicted = scores.iter().map(|score| score.risk).sum::<f64>() / count;
    let observed = scores.iter().filter(|score| score.left).count() as f64 / count;
    let (observed_low, observed_high) = interval::share(observed, employees(scores) as f64);
    Group { scores: scores.len() as u64, predicted, observed, observed_low, observed_high }
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
    fn a_score_is_judged_when_its_horizon_has_passed_and_not_before() {
        let exit = |text: &str, voluntary| Some(Exit { day: day(text), voluntary });
        for (exit, today, expected) in [
            (None, "2026-01-30", Outcome::Pending),
            (None, "2026-01-31", Outcome::Stayed),
            (exit("2025-02-01", true), "2026-01-31", Outcome::Left),
            (exit("2026-01-31", true), "2026-01-31", Outcome::Left),
            (exit("2026-02-01", true), "2026-01-31", Outcome::Stayed),
            (exit("2025-02-01", true), "2026-01-30", Outcome::Pending),
            (exit("2025-02-01", false), "2026-01-31", Outcome::Censored),
            (exit("2025-02-01", false), "2025-06-30", Outcome::Censored),
            (exit("2026-02-01", false), "2026-06-30", Outcome::Stayed),
            (exit("2025-01-31", true), "2026-06-30", Outcome::Censored),
        ] {
            let score = PastScore { as_of: day("2025-01-31"), risk: 0.1, horizon_months: 12, exit };
            assert_eq!(outcome(&score, day(today)), expected, "{exit:?} {today}");
        }
    }

    fn judged(risk: f64, left: bool, employee: u32) -> Judged {
        Judged { risk, left, employee }
    }

    #[test]
    fn groups_are_cut_by_risk_and_added_up() {
        // 20 employees at 0.05, one of whom left, and 20 at 0.4, eight of whom left.
        let scores: Vec<Judged> =
            (0..40).map(|i| if i % 2 == 0 { judged(0.05, i == 0, i) } else { judged(0.4, i < 16, i) }).collect();
        let (total, groups) = groups(scores, 10);
        let total = total.unwrap();
        assert_eq!((total.scores, groups.len()), (40, 2));
        for (got, expected) in [
            (total.predicted, 0.225),
            (total.observed, 9.0 / 40.0),
            (groups[0].predicted, 0.05),
            (groups[0].observed, 0.05),
            (groups[1].predicted, 0.4),
            (groups[1].observed, 0.4),
        ] {
            assert!((got - expected).abs() < 1e-12, "{got} {expected}");
        }
        let (low, high) = interval::share(0.4, 20.0);
        assert_eq!(
            (groups[1].observed_low.to_bits(), groups[1].observed_high.to_bits()),
            (low.to_bits(), high.to_bits())
        );
    }

    #[test]
    fn no_group_is_smaller_than_the_minimum_and_none_is_lost() {
        for (count, minimum) in
            [(9, 10), (10, 10), (19, 10), (20, 10), (99, 10), (100, 10), (1_000, 10), (37, 5), (57, 20)]
        {
            let scores: Vec<Judged> =
                (0..count).map(|i| judged(f64::from((i * 7_919) % count) / f64::from(count), i % 3 == 0, i)).collect();
            let (total, groups) = groups(scores, minimum);
            assert_eq!(total.is_some(), count as usize >= minimum, "{count}");
            assert!(groups.iter().all(|group| group.scores >= minimum as u64), "{count}: {groups:?}");
            assert_eq!(groups.iter().map(|group| group.scores).sum::<u64>(), total.map_or(0, |total| total.scores));
            assert!(groups.windows(2).all(|pair| pair[0].predicted < pair[1].predicted));
            assert!(groups.len() <= 10);
        }
    }

    #[test]
    fn many_scores_of_few_people_are_a_small_group() {
        let of_nine: Vec<Judged> = (0..900).map(|i| judged(f64::from(i) / 1_000.0, false, i % 9)).collect();
        assert_eq!(groups(of_nine, 10), (None, Vec::new()));
        let of_ten: Vec<Judged> = (0..900).map(|i| judged(f64::from(i) / 1_000.0, i % 10 == 0, i % 10)).collect();
        let (total, _) = groups(of_ten, 10);
        let total = total.unwrap();
        let (low, high) = interval::share(0.1, 10.0);
        assert!((total.observed_low - low).abs() < 1e-12 && (total.observed_high - high).abs() < 1e-12);
    }
}
