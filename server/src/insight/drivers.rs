//! What drives the risk in a group: means over its members.

/// Most members of a group from whom its drivers are worked out. Of larger groups that many are drawn, the same ones as long as
/// the scores are the same; the error of a share is then below a percentage point, and shares are told to the nearest twentieth.
/// More would take longer to read than a page may.
pub(crate) const MOST_MEMBERS: usize = 5_000;

/// A feature over a group.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Driver {
    /// Place of the feature in the model.
    pub(crate) feature: usize,
    sum: f64,
    strength: f64,
    raised: u64,
    members: u64,
    values: f64,
    known: u64,
}

impl Driver {
    /// Mean contribution in log-odds.
    pub(crate) fn mean(&self) -> f64 {
        self.sum / self.members.max(1) as f64
    }

    /// Mean absolute contribution in log-odds.
    pub(crate) fn mean_strength(&self) -> f64 {
        self.strength / self.members.max(1) as f64
    }

    /// Share of those whose risk it raises, to the nearest twentieth.
    pub(crate) fn raised_share(&self) -> f64 {
        (20.0 * self.raised as f64 / self.members.max(1) as f64).round() / 20.0
    }

    /// Mean of the known values, if at least `minimum` are known, to so many significant digits: how many are known is not told,
    /// and from rounded means nobody's value follows.
    pub(crate) fn mean_value(&self, minimum: u64, digits: i32) -> Option<f64> {
        (self.known >= minimum.max(1)).then(|| {
            let mean = self.values / self.known as f64;
            let magnitude = if mean.abs() > 0.0 { mean.abs().log10().floor() as i32 } else { 0 };
            let scale = 10_f64.powi((digits - 1 - magnitude).clamp(-300, 300));
            (mean * scale).round() / scale
        })
    }
}

/// Sums over a group, member by member.
#[derive(Clone, Debug)]
pub(crate) struct Drivers(Vec<Driver>);

impl Drivers {
    /// Of a model with so many features.
    pub(crate) fn new(features: usize) -> Self {
        Self((0..features).map(|feature| Driver { feature, ..Driver::default() }).collect())
    }

    /// Adds a member: values (NaN where unknown) and contributions in the order of the model. Others than of this model are left
    /// out.
    pub(crate) fn add(&mut self, values: &[f64], contributions: &[f64]) {
        if values.len() != self.0.len() || contributions.len() != self.0.len() {
            return;
        }
        for ((driver, &value), &contribution) in self.0.iter_mut().zip(values).zip(contributions) {
            driver.members += 1;
            driver.sum += contribution;
            driver.strength += contribution.abs();
            driver.raised += u64::from(contribution > 0.0);
            if !value.is_nan() {
                driver.known += 1;
                driver.values += value;
            }
        }
    }

    /// Members that were added.
    pub(crate) fn members(&self) -> u64 {
        self.0.first().map_or(0, |driver| driver.members)
    }

    /// The strongest first; the order of the model decides between equals.
    pub(crate) fn ranked(mut self) -> Vec<Driver> {
        self.0.sort_by(|a, b| b.mean_strength().total_cmp(&a.mean_strength()).then(a.feature.cmp(&b.feature)));
        self.0
    }
}

/// At most [`MOST_MEMBERS`] of these scores, in their order; the same ones every time.
pub(crate) fn drawn(mut numbers: Vec<i64>) -> Vec<i64> {
    if numbers.len() > MOST_MEMBERS {
        numbers.sort_unstable_by_key(|&number| mixed(number));
        numbers.truncate(MOST_MEMBERS);
        numbers.sort_unstable();
    }
    numbers
}

/// A number spread over all numbers (SplitMix64; Steele et al. 2014).
fn mixed(number: i64) -> u64 {
    let mut z = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_shares_and_values_are_over_the_members() {
        let mut drivers = Drivers::new(2);
        for i in 0..20 {
            let value = if i < 10 { f64::from(i) } else { f64::NAN };
            drivers.add(&[value, 1.0], &[if i < 7 { 0.3 } else { -0.1 }, -0.01]);
        }
        drivers.add(&[1.0], &[9.0]);
        assert_eq!(drivers.members(), 20);
        let ranked = drivers.ranked();
        let (first, second) = (ranked[0], ranked[1]);
        assert_eq!((first.feature, second.feature), (0, 1));
        assert!((first.mean() - (7.0 * 0.3 - 13.0 * 0.1) / 20.0).abs() < 1e-12);
        assert!((first.mean_strength() - (7.0 * 0.3 + 13.0 * 0.1) / 20.0).abs() < 1e-12);
        assert!((first.raised_share() - 0.35).abs() < 1e-12 && second.raised_share().abs() < 1e-12);
        assert_eq!(first.mean_value(10, 3), Some(4.5));
        assert_eq!((first.mean_value(11, 3), second.mean_value(11, 3)), (None, Some(1.0)));
    }

    #[test]
    fn mean_values_are_rounded() {
        for (value, digits, expected) in [(0.123_46, 2, 0.12), (-1_234.5, 3, -1_230.0), (0.0, 2, 0.0), (9.996, 3, 10.0)]
        {
            let mut drivers = Drivers::new(1);
            drivers.add(&[value], &[0.1]);
            let mean = drivers.ranked()[0].mean_value(1, digits).unwrap_or(f64::NAN);
            assert!((mean - expected).abs() < 1e-9, "{value}: {mean}");
        }
    }

    #[test]
    fn large_groups_are_drawn_from_evenly_and_always_alike() {
        let all: Vec<i64> = (0..100_000).collect();
        let some = drawn(all.clone());
        assert_eq!((some.len(), &some), (MOST_MEMBERS, &drawn(all.iter().rev().copied().collect())));
        let half = some.iter().filter(|&&number| number < 50_000).count();
        assert!((2_300..2_700).contains(&half), "{half}");
        assert_eq!(drawn(vec![5, 3]), [5, 3]);
    }
}
