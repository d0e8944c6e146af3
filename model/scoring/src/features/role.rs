//! Role: how long in it, how long without promotion, how senior, how mobile.
//!
//! Lack of promotion is among the stronger antecedents of voluntary turnover (Rubenstein et al. 2018, table 3).

use super::{BLANK, Family, FeatureInput, FeatureSpec, PlausibleDirection, Unit, known};
use crate::history::{count_within, latest};

/// Window for internal moves, in days: 24 months.
const MOVES_WINDOW_DAYS: i32 = 731;

const BASE: FeatureSpec = FeatureSpec {
    family: Family::Role,
    unit: Unit::Months,
    direction: PlausibleDirection::Raises,
    actionable: true,
    ..BLANK
};

/// The registry entries, in the order in which the values are computed.
pub const SPECS: &[FeatureSpec] = &[
    FeatureSpec {
        name: "months_in_role",
        label: "time in the current role",
        clock: true,
        phrase: "{value} in the same role",
        otherwise: "time in role not known",
        definition: "months since the last change of job title, or since the hire date",
        ..BASE
    },
    FeatureSpec {
        name: "months_since_promotion",
        label: "time since the last promotion",
        clock: true,
        phrase: "no promotion for {value}",
        otherwise: "time since the last promotion not known",
        definition: "months since the job level last rose, or since the hire date",
        ..BASE
    },
    FeatureSpec {
        name: "job_level",
        label: "job level",
        unit: Unit::Number,
        direction: PlausibleDirection::Either,
        actionable: false,
        phrase: "job level {value}",
        otherwise: "job level not known",
        definition: "the number in the job level in force",
        ..BASE
    },
    FeatureSpec {
        name: "moves_24m_count",
        label: "internal moves in 24 months",
        unit: Unit::Count,
        direction: PlausibleDirection::Either,
        phrase: "{value} internal moves in 24 months",
        otherwise: "internal moves not known",
        definition: "changes of job title, department or location in the 731 days up to as_of",
        ..BASE
    },
];

pub(super) fn compute(input: &FeatureInput<'_>) -> [f64; SPECS.len()] {
    let Some(current) = input.history.assignment_on(input.as_of) else { return [f64::NAN; SPECS.len()] };
    let history = input.history;
    let since = |days| input.months_since(latest(days, input.as_of).unwrap_or(history.hire_date()));
    [
        known(current.job_title.as_ref().map(|_| since(&history.role_starts))),
        known(current.job_level.map(|_| since(&history.promotions))),
        known(current.job_level),
        if input.covers(input.coverage.assignments_since, MOVES_WINDOW_DAYS)
            && (current.job_title.is_some() || current.department.is_some() || current.location.is_some())
        {
            count_within(&history.moves, input.as_of, MOVES_WINDOW_DAYS) as f64
        } else {
            f64::NAN
        },
    ]
}
