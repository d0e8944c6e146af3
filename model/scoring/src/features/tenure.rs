//! Tenure: how long, how close to an anniversary, and whether the first ninety days are over.
//!
//! Exits cluster at work anniversaries and are frequent early (Griffeth, Hom & Gaertner 2000; Rubenstein et al. 2018).

use super::{BLANK, Family, FeatureInput, FeatureSpec, PlausibleDirection, Unit, flag};
use crate::date::{DAYS_PER_MONTH, DAYS_PER_YEAR};

/// Length of the probation that most companies have, in days.
const FIRST_DAYS: f64 = 90.0;

const BASE: FeatureSpec = FeatureSpec { family: Family::Tenure, unit: Unit::Years, clock: true, ..BLANK };

/// The registry entries, in the order in which the values are computed.
pub const SPECS: &[FeatureSpec] = &[
    FeatureSpec {
        name: "tenure_years",
        label: "time with the company",
        direction: PlausibleDirection::Lowers,
        phrase: "with the company for {value}",
        otherwise: "time with the company not known",
        definition: "days since the hire date / 365.25",
        ..BASE
    },
    FeatureSpec {
        name: "anniversary_distance_days",
        label: "days to or from the nearest work anniversary",
        unit: Unit::Days,
        direction: PlausibleDirection::Lowers,
        phrase: "{value} from a work anniversary",
        otherwise: "distance to a work anniversary not known",
        definition: "days between as_of and the nearest anniversary of the hire date (years of 365.25 days), at most half a year; the day of hiring is no anniversary",
        ..BASE
    },
    FeatureSpec {
        name: "first_90_days_flag",
        label: "in the first 90 days",
        unit: Unit::Flag,
        direction: PlausibleDirection::Raises,
        phrase: "in the first 90 days",
        otherwise: "past the first 90 days",
        definition: "1 while fewer than 90 days have passed since the hire date",
        ..BASE
    },
];

fn values(tenure_years: f64) -> [f64; SPECS.len()] {
    let past = tenure_years.fract();
    let distance = if tenure_years < 1.0 { (1.0 - tenure_years).min(0.5) } else { past.min(1.0 - past) };
    [tenure_years, distance * DAYS_PER_YEAR, flag(tenure_years * DAYS_PER_YEAR < FIRST_DAYS)]
}

pub(super) fn compute(input: &FeatureInput<'_>) -> [f64; SPECS.len()] {
    values(input.days_since(input.history.hire_date()) / DAYS_PER_YEAR)
}

/// The value of the tenure feature at this position after some months.
#[inline]
pub(super) fn advance(position: usize, tenure_years: f64, months: i32) -> Option<f64> {
    let moved = (tenure_years + f64::from(months) * DAYS_PER_MONTH / DAYS_PER_YEAR).max(0.0);
    values(moved).get(position).copied()
}
