//! Scales and their ticks: one for all charts.

use super::markup::plain;

/// Smallest range of log-odds that fills an axis.
const SMALLEST_ODDS: f64 = 0.3;

/// A range of values and the ones that are labelled.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    /// Labelled values, ascending.
    pub(super) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// Any range with labels of one's own.
    pub(super) fn new(low: f64, high: f64, ticks: Vec<(f64, String)>) -> Self {
        Self { low, high, ticks }
    }

    /// Percents from 0 to at least this share.
    pub(super) fn percent(highest: f64) -> Self {
        let highest = if highest.is_finite() { highest.clamp(0.02, 1.0) } else { 1.0 };
        let mut axis = Self::up_to(highest, 4);
        axis.high = axis.high.min(1.0);
        axis.ticks.retain(|(value, _)| *value <= 1.0 + 1e-9);
        for (value, label) in &mut axis.ticks {
            *label = format!("{}\u{a0}%", plain(100.0 * *value));
        }
        axis
    }

    /// Whole numbers from 0 to at least this one.
    pub(super) fn count(highest: f64) -> Self {
        let mut axis = Self::up_to(highest.max(1.0), 3);
        axis.ticks.retain(|(value, _)| value.fract().abs() < 1e-9);
        axis
    }

    /// Numbers over a range, as wide as the data; ticks only inside.
    pub(super) fn over(low: f64, high: f64, count: usize) -> Self {
        let ticks = ticks(low, high, count).into_iter().map(|value| (value, number(value))).collect();
        Self { low, high, ticks }
    }

    /// From 0 to the first tick that is no smaller.
    fn up_to(highest: f64, count: usize) -> Self {
        let step = step(highest, count);
        let last = (highest / step - 1e-9).ceil().max(1.0);
        let ticks = (0..=last as usize).map(|i| i as f64 * step).map(|value| (value, number(value))).collect();
        Self { low: 0.0, high: last * step, ticks }
    }

    /// Times the odds (the values are logarithms), around 1, from at most `low` to at least `high`.
    pub(super) fn odds(low: f64, high: f64) -> Self {
        let (mut low, mut high) = (low.min(0.0), high.max(0.0));
        // So that next to nothing looks like next to nothing.
        let missing = (SMALLEST_ODDS - (high - low)).max(0.0);
        (low, high) = (low - missing / 2.0, high + missing / 2.0);
        let reach = high.max(-low);
        let factors: &[f64] = match reach {
            reach if reach < 0.25 => &[1.1, 1.2],
            reach if reach < 0.6 => &[1.2, 1.5],
            reach if reach < 0.95 => &[1.5, 2.0],
            reach if reach < 1.6 => &[2.0, 4.0],
            reach if reach < 3.3 => &[3.0, 10.0],
            reach if reach < 7.0 => &[10.0, 100.0],
            _ => &[100.0, 10_000.0, 1e8],
        };
        let room = 0.08 * (high - low);
        (low, high) = (low - room, high + room);
        let mut ticks = vec![(0.0, "×1".to_owned())];
        for &factor in factors {
            ticks.push((factor.ln(), format!("×{}", number(factor))));
            ticks.push((-factor.ln(), inverse(factor)));
        }
        ticks.retain(|(value, _)| (low..=high).contains(value));
        ticks.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self { low, high, ticks }
    }

    /// Where a value lies, from 0 (lowest) to 1 (highest). What is outside is drawn on the edge.
    pub(super) fn at(&self, value: f64) -> f64 {
        // Halved, so that the difference of two huge values is still finite.
        let share = (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0);
        if share.is_nan() { 0.5 } else { share.clamp(0.0, 1.0) }
    }

    /// How far from the top a value lies in a drawing of this height.
    pub(super) fn down(&self, value: f64, height: f64) -> f64 {
        height * (1.0 - self.at(value))
    }
}

/// One part in so many, as a factor.
fn inverse(factor: f64) -> String {
    let share = 1.0 / factor;
    if share >= 0.1 { format!("×{}", plain(share)) } else { format!("×1/{}", number(factor)) }
}

/// The smallest of 1, 2 and 5 times a power of ten by which a range has at most about `count` steps.
fn step(range: f64, count: usize) -> f64 {
    let rough = range / count.max(1) as f64;
    if !rough.is_finite() || rough <= 0.0 {
        return 1.0;
    }
    let magnitude = 10_f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0].into_iter().map(|s| s * magnitude).find(|s| *s >= rough * 0.999).unwrap_or(10.0 * magnitude)
}

/// Round numbers inside a range.
fn ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let step = step((high / 2.0 - low / 2.0) * 2.0, count);
    let first = (low / step - 1e-9).ceil();
    let all = (0..=2 * count.max(1)).map(|i| (first + i as f64) * step + 0.0);
    all.take_while(|tick| *tick <= high + step * 1e-9).collect()
}

/// A number for an axis: thousands apart, no needless decimals.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 1e15 || (size > 0.0 && size < 1e-3) {
        format!("{value:.0e}")
    } else if size >= 1_000.0 {
        let whole = super::number::count(size.round() as u64);
        if value < 0.0 { format!("−{whole}") } else { whole }
    } else {
        let text = format!("{value:.3}");
        text.trim_end_matches('0').trim_end_matches('.').replacen('-', "−", 1)
    }
}
