//! Observed over expected exits, drawn towards that of all the more, the smaller the group is.
//!
//! Gamma-Poisson: the exits of a group are Poisson around `ratio x expected`, and the ratios of the groups are Gamma around the
//! one of all. What is between the groups beyond chance is estimated from them by moments (Marshall 1991, Applied Statistics
//! 40:2; the model is that of Clayton and Kaldor 1987, Biometrics 43:3). The prior never weighs more than all that was
//! observed, so that groups that look alike do not make it certain.

use crate::interval::{TAIL, gamma_quantile};

/// Exits of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Exits {
    /// That were reported.
    pub(crate) observed: f64,
    /// That scores expected.
    pub(crate) expected: f64,
}

/// What is believed of a ratio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Excess {
    /// Its mean.
    pub(crate) mean: f64,
    /// Lower end of the 90 % interval.
    pub(crate) low: f64,
    /// Upper end of it.
    pub(crate) high: f64,
}

/// A Gamma distribution of ratios.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Gamma {
    shape: f64,
    /// Also the exits by which the group's own must be outweighed.
    rate: f64,
}

/// What the ratio of all is before anything was observed: 1, as sure as one expected exit makes it.
const BEFORE: Gamma = Gamma { shape: 1.0, rate: 1.0 };

impl Gamma {
    /// What is believed of the ratio of all.
    pub(crate) fn of_all(all: Exits) -> Self {
        BEFORE.seeing(all)
    }

    /// What is believed of the ratio of a group before its own exits are seen, from those of all and of the other groups.
    pub(crate) fn between(all: Exits, groups: &[Exits]) -> Self {
        let mean = Self::of_all(all).mean();
        let most = all.expected + BEFORE.rate;
        let told: Vec<&Exits> = groups.iter().filter(|group| group.expected > 0.0).collect();
        let expected: f64 = told.iter().map(|group| group.expected).sum();
        if told.len() < 2 || expected <= 0.0 {
            return Self { shape: mean * most, rate: most };
        }
        let spread: f64 =
            told.iter().map(|g| g.expected * (g.observed / g.expected - mean).powi(2)).sum::<f64>() / expected;
        // What chance alone would spread: the Poisson variance over the exits expected of a group on average.
        let beyond = spread - mean * told.len() as f64 / expected;
        let rate = if beyond > 0.0 { (mean / beyond).min(most) } else { most };
        Self { shape: mean * rate, rate }
    }

    /// What is believed once these exits are seen.
    pub(crate) fn seeing(self, exits: Exits) -> Self {
        Self { shape: self.shape + exits.observed, rate: self.rate + exits.expected }
    }

    /// The mean.
    pub(crate) fn mean(self) -> f64 {
        self.shape / self.rate
    }

    /// Mean and 90 % interval.
    pub(crate) fn excess(self) -> Excess {
        Excess { mean: self.mean(), low: self.quantile(TAIL), high: self.quantile(1.0 - TAIL) }
    }

    /// The value below which this share lies.
    fn quantile(self, share: f64) -> f64 {
        gamma_quantile(self.shape, share) / self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exits(observed: f64, expected: f64) -> Exits {
        Exits { observed, expected }
    }

    #[test]
    fn quantiles_are_those_of_tables() {
        // Shape, 5 % and 95 % quantile; twice a Gamma of half the degrees of freedom is chi-squared (its tables).
        for (shape, low, high) in [
            (0.5, 0.003_932_14 / 2.0, 3.841_458_8 / 2.0),
            (1.0, 0.051_293_29, 2.995_732_3),
            (5.0, 3.940_299_1 / 2.0, 18.307_038 / 2.0),
            (50.0, 77.929_465 / 2.0, 124.342_113 / 2.0),
        ] {
            let gamma = Gamma { shape, rate: 1.0 };
            assert!((gamma.quantile(0.05) / low - 1.0).abs() < 1e-5, "{shape}: {}", gamma.quantile(0.05));
            assert!((gamma.quantile(0.95) / high - 1.0).abs() < 1e-5, "{shape}: {}", gamma.quantile(0.95));
        }
    }

    #[test]
    fn small_groups_are_drawn_towards_all_more_than_large_ones() {
        let groups = [exits(30.0, 10.0), exits(3.0, 1.0), exits(40.0, 60.0), exits(27.0, 29.0)];
        let prior = Gamma::between(exits(100.0, 100.0), &groups);
        let large = prior.seeing(groups[0]).excess();
        let small = prior.seeing(groups[1]).excess();
        assert!(large.mean > small.mean && small.mean > 1.0 && large.mean < 3.0, "{large:?} {small:?}");
        assert!(large.high - large.low < small.high - small.low);
        assert!(large.low > 1.0 && small.low < 1.0);
    }

    #[test]
    fn groups_that_differ_by_chance_alone_are_all_like_the_whole() {
        let groups = [exits(10.0, 10.0), exits(11.0, 10.0), exits(9.0, 10.0)];
        let prior = Gamma::between(exits(30.0, 30.0), &groups);
        for group in groups {
            let excess = prior.seeing(group).excess();
            assert!((excess.mean - 1.0).abs() < 0.05 && excess.low < 1.0 && excess.high > 1.0, "{excess:?}");
        }
    }

    #[test]
    fn nothing_observed_says_nothing() {
        let excess = Gamma::of_all(Exits::default()).excess();
        assert!((excess.mean - 1.0).abs() < 1e-12 && excess.low < 0.1 && excess.high > 2.9, "{excess:?}");
        assert!((Gamma::between(Exits::default(), &[Exits::default()]).mean() - 1.0).abs() < 1e-12);
    }
}
