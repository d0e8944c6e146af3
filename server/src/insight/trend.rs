//! Which months of a group may be shown side by side.
//!
//! The means of two months over nearly the same people tell what those few had who are in one of them only. So a month is shown
//! only if, against every month shown before it, the group is exactly the same people, or at least the minimum joined or left
//! (counted together). Months are judged from the earliest on: with the months, what is shown does not change. The numbers are
//! rounded besides.

/// A month of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Month {
    /// Employees with a score.
    pub(crate) employees: u64,
    /// Those whom the model answered for.
    pub(crate) answered: u64,
    /// Sum of their risks.
    pub(crate) risk: f64,
    /// Those at elevated or high risk.
    pub(crate) at_risk: u64,
}

impl Month {
    /// Mean risk, to the nearest tenth of a percentage point.
    pub(crate) fn mean_risk(&self) -> f64 {
        (1_000.0 * self.risk / self.answered.max(1) as f64).round() / 1_000.0
    }

    /// Share at elevated or high risk, to the nearest percentage point.
    pub(crate) fn at_risk_share(&self) -> f64 {
        (100.0 * self.at_risk as f64 / self.answered.max(1) as f64).round() / 100.0
    }
}

/// Most months of a trend.
pub(crate) const MOST_MONTHS: usize = 36;

/// Most moments that are compared: the months, and now.
const MOST_MOMENTS: usize = MOST_MONTHS + 1;

/// Which months are shown. `members` has for everybody in which months (bit by bit, the first month lowest) they were counted;
/// `allowed` says of each month whether it may be shown by itself.
pub(crate) fn shown_months(members: impl Iterator<Item = u64>, allowed: &[bool], minimum: u64) -> Vec<bool> {
    let months = allowed.len().min(MOST_MOMENTS);
    // How many are in the one and not in the other.
    let mut apart = vec![[0_u64; MOST_MOMENTS]; months];
    for mask in members {
        for (month, row) in apart.iter_mut().enumerate() {
            let own = mask >> month & 1;
            for (other, count) in row.iter_mut().enumerate().take(month) {
                *count += own ^ (mask >> other & 1);
            }
        }
    }
    let mut shown = vec![false; months];
    for (month, row) in apart.iter().enumerate() {
        let enough = |other: usize| row.get(other).is_some_and(|&apart| apart == 0 || apart >= minimum);
        let fits = shown.iter().enumerate().take(month).all(|(other, &shown)| !shown || enough(other));
        if let (Some(slot), Some(true)) = (shown.get_mut(month), allowed.get(month)) {
            *slot = fits;
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The masks of people who were there in `from..until`, so many each.
    fn masks(stays: &[(u32, u32, usize)]) -> Vec<u64> {
        let mask = |from: u32, until: u32| (from..until).fold(0, |mask, month| mask | 1_u64 << month);
        stays.iter().flat_map(|&(from, until, n)| std::iter::repeat_n(mask(from, until), n)).collect()
    }

    fn shown(stays: &[(u32, u32, usize)], months: usize) -> Vec<bool> {
        shown_months(masks(stays).into_iter(), &vec![true; months], 10)
    }

    #[test]
    fn a_month_in_which_too_few_stand_out_is_not_shown() {
        for (name, stays, expected) in [
            ("nobody comes or goes", vec![(0, 3, 50)], [true, true, true]),
            ("one joins", vec![(0, 3, 50), (1, 3, 1)], [true, false, false]),
            ("nine join, then a tenth", vec![(0, 3, 50), (1, 3, 9), (2, 3, 1)], [true, false, true]),
            ("ten join", vec![(0, 3, 50), (1, 3, 10)], [true, true, true]),
            ("one is there for a month", vec![(0, 3, 50), (1, 2, 1)], [true, false, true]),
            ("five join and five leave", vec![(0, 3, 50), (1, 3, 5), (0, 1, 5)], [true, true, true]),
            // The first and the last month differ by one only, though each differs enough from the second.
            ("ten for a month, then one", vec![(0, 3, 50), (1, 2, 10), (2, 3, 1)], [true, true, false]),
        ] {
            assert_eq!(shown(&stays, 3), expected, "{name}");
        }
    }

    #[test]
    fn no_two_shown_months_differ_by_too_few() {
        let mut state = 7_u64;
        let mut draw = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        for _ in 0..50 {
            let members: Vec<u64> = (0..80).map(|_| u64::MAX << draw(14) & u64::MAX >> (52 + draw(12))).collect();
            let shown = shown_months(members.iter().copied(), &[true; 12], 10);
            for (a, b) in (0..12).flat_map(|a| (0..a).map(move |b| (a, b))).filter(|&(a, b)| shown[a] && shown[b]) {
                let apart = members.iter().filter(|&&mask| (mask >> a ^ mask >> b) & 1 == 1).count();
                assert!(apart == 0 || apart >= 10, "{a} {b} {apart}");
            }
        }
    }

    #[test]
    fn numbers_are_rounded() {
        let month = Month { employees: 30, answered: 30, risk: 30.0 * 0.123_46, at_risk: 10 };
        assert!((month.mean_risk() - 0.123).abs() < 1e-12 && (month.at_risk_share() - 0.33).abs() < 1e-12);
    }
}
