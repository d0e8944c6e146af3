//! What became of those who were scored: how the risks of the past compare with exits, and those acted on with those not.
//!
//! Pure: the store brings the facts, the services send the results.

pub(crate) mod calibration;
pub(crate) mod comparison;

use flight_risk_scoring::Day;

/// An exit, as far as outcomes are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exit {
    /// The last day of employment.
    pub(crate) day: Day,
    /// Whether the employee resigned; any other exit ends the observation.
    pub(crate) voluntary: bool,
}

/// A score of the past, and the employee's exit if one was reported.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PastScore {
    /// The day on which the facts were known.
    pub(crate) as_of: Day,
    /// The probability of a voluntary exit after that day, up to and including the last day of the horizon.
    pub(crate) risk: f64,
    /// Length of the horizon.
    pub(crate) horizon_months: u32,
    /// The exit.
    pub(crate) exit: Option<Exit>,
}

impl PastScore {
    /// The last day of the horizon.
    pub(crate) fn horizon_end(&self) -> Day {
        self.as_of.plus_months(i32::try_from(self.horizon_months).unwrap_or(i32::MAX))
    }

    /// Whether the exit falls into the horizon.
    pub(crate) fn left_within_horizon(&self) -> bool {
        self.exit.is_some_and(|exit| exit.day > self.as_of && exit.day <= self.horizon_end())
    }
}
