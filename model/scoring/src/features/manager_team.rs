//! Manager and team: who leads, since when, how many, and who has just left.
//!
//! A colleague's exit raises the risk of those who stay for about four months, most near day 70 (turnover contagion:
//! Felps et al. 2009; shocks: Hom et al. 2017).

use super::{BLANK, Family, FeatureInput, FeatureSpec, PlausibleDirection, Unit, flag, known};
use crate::date::Day;
use crate::history::{count_within, latest};

/// How long a colleague's voluntary exit is felt, in days.
pub const EXIT_WINDOW_DAYS: i32 = 135;
/// The day after a colleague's exit on which it is felt most.
const EXIT_PEAK_DAYS: f64 = 70.0;
/// How long the manager's own exit is felt, in days.
pub const MANAGER_EXIT_WINDOW_DAYS: i32 = 180;
/// Window for manager changes, in days.
const YEAR_DAYS: i32 = 365;

const BASE: FeatureSpec =
    FeatureSpec { family: Family::ManagerAndTeam, unit: Unit::Count, direction: PlausibleDirection::Raises, ..BLANK };

/// The registry entries, in the order in which the values are computed.
pub const SPECS: &[FeatureSpec] = &[
    FeatureSpec {
        name: "months_with_manager",
        label: "time with the current manager",
        unit: Unit::Months,
        direction: PlausibleDirection::Lowers,
        clock: true,
        phrase: "with the same manager for {value}",
        otherwise: "manager not known",
        definition: "months since the manager last changed, or since the hire date",
        ..BASE
    },
    FeatureSpec {
        name: "manager_changes_12m_count",
        label: "manager changes in 12 months",
        phrase: "{value} manager changes in 12 months",
        otherwise: "manager changes not known",
        definition: "changes of manager_id in the 365 days up to as_of",
        ..BASE
    },
    FeatureSpec {
        name: "manager_span_count",
        label: "people who report to the manager",
        actionable: true,
        phrase: "manager leads {value} people",
        otherwise: "manager's span not known",
        definition: "employees under the same manager on as_of, the employee included",
        ..BASE
    },
    FeatureSpec {
        name: "manager_left_180d_flag",
        label: "manager left the company in 180 days",
        unit: Unit::Flag,
        phrase: "the manager left the company in the last 180 days",
        otherwise: "no manager left in the last 180 days",
        definition: "1 when somebody left the company in the 180 days up to as_of who managed the employee then, or until at most 31 days before",
        ..BASE
    },
    FeatureSpec {
        name: "team_size_count",
        label: "people in the same department and location",
        direction: PlausibleDirection::Either,
        phrase: "{value} people in the same department and location",
        otherwise: "size of the department not known",
        definition: "employees with the same department and location on as_of, the employee included",
        ..BASE
    },
    FeatureSpec {
        name: "teammate_exits_135d_count",
        label: "colleagues who left in 135 days",
        phrase: "{value} colleagues under the same manager left in 135 days",
        otherwise: "colleagues' exits not known",
        definition: "voluntary exits of others under the same manager in the 135 days up to as_of",
        ..BASE
    },
    FeatureSpec {
        name: "teammate_exit_pressure",
        label: "recent exits of colleagues, felt most after 70 days",
        unit: Unit::Number,
        phrase: "pressure of colleagues' recent exits at {value}",
        otherwise: "colleagues' exits not known",
        definition: "sum over those exits of a triangle over the days since: 0 at day 0, 1 at day 70, 0 at day 135",
        ..BASE
    },
    FeatureSpec {
        name: "team_engagement_index",
        label: "engagement of the team",
        unit: Unit::Share,
        direction: PlausibleDirection::Lowers,
        actionable: true,
        confidential: true,
        phrase: "team engagement at {value}",
        otherwise: "fewer than five colleagues answered",
        definition: "mean engagement index of the colleagues under the same manager who answered within a year; unknown below five",
        ..BASE
    },
];

/// How strongly an exit some days ago is felt, 0 to 1.
fn pressure(days_ago: f64) -> f64 {
    let end = f64::from(EXIT_WINDOW_DAYS);
    let rising = days_ago / EXIT_PEAK_DAYS;
    let falling = (end - days_ago) / (end - EXIT_PEAK_DAYS);
    rising.min(falling).max(0.0)
}

pub(super) fn compute(input: &FeatureInput<'_>) -> [f64; SPECS.len()] {
    let (history, team, as_of) = (input.history, input.team, input.as_of);
    let current = history.assignment_on(as_of).filter(|a| a.manager_id.is_some());
    let within = |day: &Day, window: i32| (0..window).contains(&as_of.days_since(*day));
    let exits = team.teammate_exits.as_ref().map(|days| days.iter().filter(|day| within(day, EXIT_WINDOW_DAYS)));
    [
        known(
            current.map(|_| input.months_since(latest(&history.manager_changes, as_of).unwrap_or(history.hire_date()))),
        ),
        if current.is_some() && input.covers(input.coverage.assignments_since, YEAR_DAYS) {
            count_within(&history.manager_changes, as_of, YEAR_DAYS) as f64
        } else {
            f64::NAN
        },
        known(team.manager_span.map(f64::from)),
        known(
            team.manager_exits.as_ref().map(|days| flag(days.iter().any(|day| within(day, MANAGER_EXIT_WINDOW_DAYS)))),
        ),
        known(team.team_size.map(f64::from)),
        known(exits.clone().map(|days| days.count() as f64)),
        known(exits.map(|days| days.map(|day| pressure(f64::from(as_of.days_since(*day)))).sum())),
        known(team.team_engagement),
    ]
}
