//! Numbers that can be drawn, and how they are said: whole percents.

pub(super) use flight_risk_scoring::wording::numbers::count;

/// A share or probability: finite, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct Share(f64);

impl Share {
    /// A share; what lies outside of 0 to 1 is drawn to the edge, and what is no number is none.
    pub(crate) fn new(value: f64) -> Option<Self> {
        (!value.is_nan()).then(|| Self(value.clamp(0.0, 1.0)))
    }

    /// Its value.
    pub(crate) fn get(self) -> f64 {
        self.0
    }
}

/// A finite number.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct Real(f64);

impl Real {
    /// A number; none if it is not finite.
    pub(crate) fn new(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(value))
    }

    /// Its value.
    pub(crate) fn get(self) -> f64 {
        self.0
    }
}

/// A value with its interval, all finite, the value inside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate {
    value: f64,
    low: f64,
    high: f64,
}

impl Estimate {
    /// A value and the ends of its interval; none if one of them is not finite. An end beyond the value becomes the value.
    pub(crate) fn new(value: f64, low: f64, high: f64) -> Option<Self> {
        let finite = value.is_finite() && low.is_finite() && high.is_finite();
        finite.then(|| Self { value, low: low.min(value), high: high.max(value) })
    }

    /// A probability and the ends of its interval, from 0 to 1.
    pub(crate) fn share(value: f64, low: f64, high: f64) -> Option<Self> {
        let clamped = |value: f64| Share::new(value).map(Share::get);
        Self::new(clamped(value)?, clamped(low)?, clamped(high)?)
    }

    /// The value.
    pub(crate) fn value(self) -> f64 {
        self.value
    }

    /// The lower end.
    pub(crate) fn low(self) -> f64 {
        self.low
    }

    /// The upper end.
    pub(crate) fn high(self) -> f64 {
        self.high
    }
}

/// A share in whole percents, such as "12 %".
pub(crate) fn percent(share: f64) -> String {
    let whole = (100.0 * share).round();
    if share > 0.0 && whole < 1.0 {
        "under 1\u{a0}%".to_owned()
    } else if share < 1.0 && whole >= 100.0 {
        "over 99\u{a0}%".to_owned()
    } else {
        format!("{whole:.0}\u{a0}%")
    }
}

/// An interval in whole percents, such as "8 to 17 %".
pub(crate) fn range(estimate: Estimate) -> String {
    let (low, high) = ((100.0 * estimate.low).round(), (100.0 * estimate.high).round());
    if low < high { format!("{low:.0} to {high:.0}\u{a0}%") } else { percent(estimate.high) }
}

/// How many times as large the odds become, such as "×1.6".
pub(super) fn times(log_odds: f64) -> String {
    let factor = log_odds.exp();
    if factor >= 1e4 {
        "over ×9,999".to_owned()
    } else if factor >= 9.95 {
        format!("×{factor:.0}")
    } else if factor >= 0.095 {
        format!("×{factor:.1}")
    } else if factor >= 0.0095 {
        format!("×{factor:.2}")
    } else {
        "under ×0.01".to_owned()
    }
}

/// "1 person", "12 people".
pub(super) fn people(number: u64) -> String {
    if number == 1 { "1 person".to_owned() } else { format!("{} people", count(number)) }
}
