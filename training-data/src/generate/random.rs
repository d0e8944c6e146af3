//! Seeded randomness: one independent stream per purpose, so that redrawing one person's future touches nobody else's.

use flight_risk_scoring::Day;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a stream of random numbers is used for. Streams of people are told apart by their number as well.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// Who a person is.
    Traits,
    /// Pay rounds and promotions.
    Career,
    /// Surveys and feedback.
    Behaviour,
    /// What changes in the last days before an exit.
    Farewell,
    /// The mood of a unit.
    Unit,
    /// The company's first organisation chart.
    Founding,
    /// Decisions to leave.
    Exits,
    /// Successions, reorganisations and hires.
    Organisation,
}

/// Number of purposes: the distance between the streams of two people.
const PURPOSES: u64 = 8;

/// A stream of random numbers. The draws are written out here rather than taken from a distributions crate, so that a
/// seed keeps its meaning when such a crate changes.
#[derive(Clone, Debug)]
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream of this seed for one purpose and one person (or unit).
    pub(super) fn new(seed: u64, purpose: Purpose, number: usize) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(number as u64 * PURPOSES + purpose as u64);
        Self(rng)
    }

    /// Uniform from 0 up to but not including 1.
    pub(super) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform between two values.
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// True with this probability.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A whole number from 0 up to but not including `n`; 0 when `n` is 0.
    pub(super) fn below(&mut self, n: usize) -> usize {
        ((self.unit() * n as f64) as usize).min(n.saturating_sub(1))
    }

    /// A whole number of days from 0 up to but not including `n`.
    pub(super) fn days(&mut self, n: i32) -> i32 {
        ((self.unit() * f64::from(n)) as i32).clamp(0, (n - 1).max(0))
    }

    /// Mean 0, variance 1, bell-shaped: the scaled sum of four uniforms, which is the same on every platform.
    pub(super) fn normal(&mut self) -> f64 {
        (self.unit() + self.unit() + self.unit() + self.unit() - 2.0) * 3.0_f64.sqrt()
    }

    /// A day after `start`, up to and including `end`.
    pub(super) fn day_in(&mut self, start: Day, end: Day) -> Day {
        start.plus_days(1 + self.days(end.days_since(start)))
    }

    /// The position of one of these weights, in proportion to its size.
    pub(super) fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.unit() * weights.iter().sum::<f64>();
        for (i, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return i;
            }
        }
        weights.len().saturating_sub(1)
    }
}

/// 1 / (1 + exp(-x)).
pub(super) fn logistic(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}
