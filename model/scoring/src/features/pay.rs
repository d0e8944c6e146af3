//! Pay: against the range, since the last raise, its growth, and good work without growth.
//!
//! Pay level matters less than pay growth, and low growth drives out the best first (Trevor, Gerhart & Boudreau 1997;
//! Nyberg 2010).

use super::{BLANK, Family, FeatureInput, FeatureSpec, PlausibleDirection, Unit, known};
use crate::date::Day;
use crate::history::latest;

/// Growth below this many percent in a year does not keep up with what usual pay rounds give.
pub(crate) const USUAL_GROWTH_PERCENT: f64 = 3.0;

const BASE: FeatureSpec = FeatureSpec {
    family: Family::Pay,
    unit: Unit::Percent,
    direction: PlausibleDirection::Lowers,
    actionable: true,
    ..BLANK
};

/// The registry entries, in the order in which the values are computed.
pub const SPECS: &[FeatureSpec] = &[
    FeatureSpec {
        name: "compa_ratio",
        label: "pay against the middle of the pay range",
        unit: Unit::Ratio,
        phrase: "paid {value} of the range's midpoint",
        otherwise: "pay against the range not known",
        definition: "annual_pay / pay_midpoint in force",
        ..BASE
    },
    FeatureSpec {
        name: "months_since_raise",
        label: "time since the last raise",
        unit: Unit::Months,
        direction: PlausibleDirection::Raises,
        phrase: "no raise for {value}",
        otherwise: "time since the last raise not known",
        definition: "months since annual_pay last rose, or since the hire date",
        ..BASE
    },
    FeatureSpec {
        name: "pay_growth_12m_percent",
        label: "pay growth in 12 months",
        phrase: "pay grew by {value} in 12 months",
        otherwise: "pay growth in 12 months not known",
        definition: "percent by which annual_pay exceeds that of 12 months before; unknown in the first 12 months",
        ..BASE
    },
    FeatureSpec {
        name: "pay_growth_24m_percent",
        label: "pay growth in 24 months",
        phrase: "pay grew by {value} in 24 months",
        otherwise: "pay growth in 24 months not known",
        definition: "percent by which annual_pay exceeds that of 24 months before; unknown in the first 24 months",
        ..BASE
    },
    FeatureSpec {
        name: "performance_without_growth",
        label: "good reviews without pay growth",
        unit: Unit::Number,
        direction: PlausibleDirection::Raises,
        phrase: "good reviews without pay growth (index {value})",
        otherwise: "reviews against pay growth not known",
        definition: "latest review rating x percentage points by which pay growth in 12 months falls short of 3",
        ..BASE
    },
];

pub(super) fn compute(input: &FeatureInput<'_>) -> [f64; SPECS.len()] {
    let history = input.history;
    let Some(current) = history.assignment_on(input.as_of) else { return [f64::NAN; SPECS.len()] };
    let growth = |months: i32| -> Option<f64> {
        let before: Day = input.as_of.plus_months(-months);
        let earlier = (before >= history.hire_date()).then(|| history.assignment_on(before))??.annual_pay?;
        Some((current.annual_pay? / earlier - 1.0) * 100.0)
    };
    let growth_12m = growth(12);
    let rating = history
        .reviews
        .partition_point(|r| r.0 <= input.as_of)
        .checked_sub(1)
        .and_then(|i| history.reviews.get(i))
        .map(|review| review.1);
    [
        known(current.annual_pay.zip(current.pay_midpoint).map(|(pay, midpoint)| pay / midpoint)),
        known(
            current
                .annual_pay
                .map(|_| input.months_since(latest(&history.raises, input.as_of).unwrap_or(history.hire_date()))),
        ),
        known(growth_12m),
        known(growth(24)),
        known(rating.zip(growth_12m).map(|(rating, growth)| rating * (USUAL_GROWTH_PERCENT - growth).max(0.0))),
    ]
}
