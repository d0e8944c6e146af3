//! Engagement: what the surveys say, how it moves, and whether the person still answers.
//!
//! Not answering is a signal of its own and a feature of its own; an unknown answer is never imputed. All values of answers
//! are confidential; response behaviour is not an answer.

use super::{BLANK, Family, FeatureInput, FeatureSpec, PlausibleDirection, Unit, flag, known};
use crate::date::Day;
use crate::history::EmployeeHistory;
use crate::survey::KNOWN_DRIVERS;

/// Window for slope and response rate, in days.
const YEAR_DAYS: i32 = 365;

const BASE: FeatureSpec = FeatureSpec {
    family: Family::Engagement,
    unit: Unit::Share,
    direction: PlausibleDirection::Lowers,
    actionable: true,
    confidential: true,
    ..BLANK
};

const fn driver(
    name: &'static str,
    label: &'static str,
    phrase: &'static str,
    otherwise: &'static str,
    definition: &'static str,
) -> FeatureSpec {
    FeatureSpec { name, label, phrase, otherwise, definition, ..BASE }
}

/// The registry entries, in the order in which the values are computed.
pub const SPECS: &[FeatureSpec] = &[
    driver(
        "engagement_index",
        "engagement",
        "engagement at {value}",
        "no survey answer yet",
        "mean of the answered items (0 to 1, intent_to_stay left out) of the surveys answered in the 30 days up to the latest answer",
    ),
    FeatureSpec {
        unit: Unit::Number,
        ..driver(
            "engagement_slope_per_year",
            "change of engagement per year",
            "engagement changing by {value} a year (scale 0 to 1)",
            "too few survey answers for a trend",
            "least-squares slope per year of the index over the surveys answered in 365 days; unknown when they span less than 30 days",
        )
    },
    driver(
        "engagement_lowest_driver",
        "lowest survey driver",
        "lowest survey driver at {value}",
        "no survey answer yet",
        "lowest item of the latest answered survey (0 to 1, intent_to_stay left out)",
    ),
    driver(
        "engagement_growth",
        "view of growth",
        "growth rated {value}",
        "growth not rated yet",
        "latest answer to the driver `growth`, 0 to 1",
    ),
    driver(
        "engagement_recognition",
        "view of recognition",
        "recognition rated {value}",
        "recognition not rated yet",
        "latest answer to the driver `recognition`, 0 to 1",
    ),
    driver(
        "engagement_manager",
        "view of the manager relation",
        "manager relation rated {value}",
        "manager relation not rated yet",
        "latest answer to the driver `manager`, 0 to 1",
    ),
    driver(
        "engagement_workload",
        "view of the workload",
        "workload rated {value} (100 % is best)",
        "workload not rated yet",
        "latest answer to the driver `workload`, 0 (worst) to 1 (best)",
    ),
    driver(
        "engagement_belonging",
        "view of belonging",
        "belonging rated {value}",
        "belonging not rated yet",
        "latest answer to the driver `belonging`, 0 to 1",
    ),
    driver(
        "engagement_intent_to_stay",
        "own intent to stay",
        "intent to stay rated {value}",
        "intent to stay not rated yet",
        "latest answer to the driver `intent_to_stay`, 0 to 1",
    ),
    FeatureSpec {
        unit: Unit::Number,
        ..driver(
            "engagement_gap_to_team",
            "engagement against the team",
            "engagement {value} from the team's (scale 0 to 1)",
            "engagement against the team not known",
            "engagement_index less team_engagement_index",
        )
    },
    FeatureSpec {
        unit: Unit::Flag,
        confidential: false,
        ..driver(
            "answered_last_survey_flag",
            "answered the last survey",
            "answered the last survey",
            "did not answer the last survey",
            "1 when the latest survey to which the employee was invited has an answer",
        )
    },
    FeatureSpec {
        confidential: false,
        ..driver(
            "response_rate_12m",
            "surveys answered in 12 months",
            "answered {value} of the surveys in 12 months",
            "no survey in 12 months",
            "answered / invited surveys in the 365 days up to as_of",
        )
    },
    FeatureSpec {
        unit: Unit::Months,
        confidential: false,
        direction: PlausibleDirection::Raises,
        ..driver(
            "months_since_answer",
            "time since the last survey answer",
            "no survey answer for {value}",
            "no survey answer yet",
            "months since the latest answered survey",
        )
    },
];

/// The engagement index of somebody who answered within a year, for the team's mean.
pub(crate) fn current_index(history: &EmployeeHistory, as_of: Day) -> Option<f64> {
    history.surveys.last_answer(as_of).filter(|&day| as_of.days_since(day) <= YEAR_DAYS)?;
    history.surveys.latest_index(as_of)
}

pub(super) fn compute(input: &FeatureInput<'_>) -> [f64; SPECS.len()] {
    let (surveys, as_of) = (&input.history.surveys, input.as_of);
    let index = surveys.latest_index(as_of);
    let [growth, recognition, manager, workload, belonging, intent_to_stay] =
        std::array::from_fn::<f64, { KNOWN_DRIVERS.len() }, _>(|driver| known(surveys.latest_driver(driver, as_of)));
    [
        known(index),
        known(surveys.slope_per_year(as_of, YEAR_DAYS)),
        known(surveys.latest_lowest(as_of)),
        growth,
        recognition,
        manager,
        workload,
        belonging,
        intent_to_stay,
        known(index.zip(input.team.team_engagement).map(|(own, team)| own - team)),
        known(surveys.answered_latest(as_of).map(flag)),
        known(surveys.response_rate(as_of, YEAR_DAYS)),
        known(surveys.last_answer(as_of).map(|day| input.months_since(day))),
    ]
}
