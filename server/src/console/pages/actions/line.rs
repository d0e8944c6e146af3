//! An action as lists show it.

use flight_risk_proto::v1;
use flight_risk_scoring::Day;

use crate::clock::today;
use crate::console::error::encoded;
use crate::console::pages::person;
use crate::console::words;

/// An action.
pub(crate) struct Line {
    pub(crate) href: String,
    pub(crate) title: String,
    pub(crate) person: String,
    pub(crate) person_href: String,
    pub(crate) assignee: String,
    pub(crate) due: String,
    /// How the day stands to today; empty for what is closed.
    pub(crate) when: String,
    pub(crate) is_overdue: bool,
    pub(crate) is_open: bool,
    pub(crate) state: &'static str,
    pub(crate) outcome: Option<&'static str>,
    pub(crate) completed: String,
    pub(crate) note: String,
}

impl Line {
    /// An action of the API.
    pub(crate) fn of(action: &v1::Action) -> Self {
        let is_open = matches!(action.state(), v1::ActionState::Open | v1::ActionState::InProgress);
        let days = action.due_date.parse::<Day>().ok().map(|day| day.days_since(today())).filter(|_| is_open);
        Self {
            href: href(action.name.strip_prefix("actions/").unwrap_or(&action.name)),
            title: action.title.clone(),
            person: action.employee_id.clone(),
            person_href: person::href(&action.employee_id),
            assignee: action.assignee.clone(),
            due: words::day(&action.due_date),
            when: match days {
                None => String::new(),
                Some(days) if days < 0 => {
                    format!("overdue by {}", words::count(days.unsigned_abs(), "day", "days"))
                }
                Some(0) => "due today".to_owned(),
                Some(days) => format!("in {}", words::count(days.unsigned_abs(), "day", "days")),
            },
            is_overdue: days.is_some_and(|days| days < 0),
            is_open,
            state: state(action.state()),
            outcome: outcome(action.outcome()),
            completed: words::day_of(action.complete_time.as_ref()),
            note: action.note.clone(),
        }
    }
}

/// Where an action is.
pub(super) fn href(id: &str) -> String {
    format!("/actions/{}", encoded(id))
}

/// How far an action is.
pub(super) fn state(state: v1::ActionState) -> &'static str {
    match state {
        v1::ActionState::Open => "Agreed, not begun",
        v1::ActionState::InProgress => "Begun",
        v1::ActionState::Completed => "Done",
        v1::ActionState::Cancelled => "Dropped",
        v1::ActionState::Unspecified => "",
    }
}

/// What came of an action.
pub(super) fn outcome(outcome: v1::ActionOutcome) -> Option<&'static str> {
    Some(match outcome {
        v1::ActionOutcome::Helped => "It helped, as far as one can see",
        v1::ActionOutcome::NoChange => "It changed nothing",
        v1::ActionOutcome::Declined => "The person did not want it",
        v1::ActionOutcome::NotNeeded => "It turned out not to be needed",
        v1::ActionOutcome::Unspecified => return None,
    })
}
