//! A line of the list.

use flight_risk_proto::v1;

use crate::console::charts::{Estimate, Markup, Share, Whisker};
use crate::console::frame::Band;
use crate::console::pages::person;
use crate::console::words;

/// A person on the list.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) href: String,
    pub(super) place: Vec<String>,
    pub(super) manager: Option<String>,
    pub(super) critical: bool,
    pub(super) band: Option<Band>,
    pub(super) answer: Answer,
    pub(super) next: Option<Next>,
    pub(super) stale: bool,
    pub(super) as_of: String,
    /// Whether they are among those whom HR can look after.
    pub(super) marked: bool,
}

/// What the model says.
pub(super) enum Answer {
    /// A probability.
    Risk(Box<Risk>),
    /// That it does not know, and why.
    Unknown(Vec<String>),
    /// Nothing that who looks may see.
    Withheld,
}

/// A probability and what belongs to it.
pub(super) struct Risk {
    pub(super) percent: String,
    pub(super) range: String,
    /// The probability with its interval, as a drawing.
    pub(super) chart: Option<Markup>,

    pub(super) multiple: String,
    pub(super) change: Option<i64>,
    pub(super) reasons: Vec<String>,
}

/// What comes next.
pub(super) struct Next {
    pub(super) title: String,
    pub(super) when: String,
    pub(super) under_way: bool,
    pub(super) href: Option<String>,
}

impl Row {
    /// A line from a risk of the API; `most` is where the drawings of all lines end.
    pub(super) fn of(risk: &v1::EmployeeRisk, marked: bool, most: f64) -> Self {
        let org = risk.org.clone().unwrap_or_default();
        let place = [org.department, org.job_level.map(|level| format!("level {level}")), org.location];
        let (band, answer) = match &risk.outcome {
            Some(v1::employee_risk::Outcome::Assessment(told)) => {
                (Some(Band::of(told.band())), Answer::Risk(Box::new(Risk::of(told, risk.previous.as_ref(), most))))
            }
            Some(v1::employee_risk::Outcome::Abstention(told)) => {
                let reasons = told.reasons.iter().map(|reason| brief(&reason.text)).collect();
                (Some(Band::NotScored), Answer::Unknown(reasons))
            }
            None => (None, Answer::Withheld),
        };
        Self {
            href: person::href(&risk.employee_id),
            id: risk.employee_id.clone(),
            name: org.display_name,
            place: place.into_iter().flatten().collect(),
            manager: org.manager_id,
            critical: org.critical_role == Some(true),
            band,
            answer,
            next: risk.next_action.as_ref().map(|next| Next::of(next, &risk.employee_id)),
            stale: risk.stale,
            as_of: words::day(&risk.as_of),
            marked,
        }
    }
}

impl Risk {
    fn of(told: &v1::Assessment, previous: Option<&v1::RiskPoint>, most: f64) -> Self {
        Self {
            percent: words::percent(told.risk),
            range: words::percent_range(told.low, told.high),
            chart: chart(told, most),

            multiple: words::multiple(told.multiple_of_base_rate),
            change: previous.and_then(|before| before.risk).map(|before| words::points(before, told.risk)),
            reasons: told.factors.iter().map(|factor| factor.text.clone()).collect(),
        }
    }
}

/// The drawing, on the axis that all lines of the page share: up to `most`.
fn chart(told: &v1::Assessment, most: f64) -> Option<Markup> {
    let risk = Estimate::share(told.risk, told.low, told.high)?;
    Some(Whisker { risk, base_rate: Share::new(told.base_rate)?, most: Share::new(most)? }.picture())
}

impl Next {
    fn of(next: &v1::NextAction, employee: &str) -> Self {
        let when = match (next.under_way, next.due_date.as_str()) {
            (true, day) if !day.is_empty() => format!("due {}", words::day(day)),
            _ => format!("within {}", words::count(next.within_days, "day", "days")),
        };
        let id = next.action.strip_prefix("actions/");
        Self {
            title: next.title.clone(),
            when,
            under_way: next.under_way,
            href: id.map(|_| format!("{}#actions", person::href(employee))),
        }
    }
}

/// A reason with the first of the facts that it names: all of them stand on the person's page.
fn brief(text: &str) -> String {
    /// Facts that a list names.
    const FACTS: usize = 3;
    /// What stands between them.
    const BETWEEN: &str = "; ";
    let facts = text.split(BETWEEN).count();
    if facts <= FACTS {
        return text.to_owned();
    }
    let first: Vec<&str> = text.split(BETWEEN).take(FACTS).collect();
    format!("{}{BETWEEN}and {} more", first.join(BETWEEN), facts - FACTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_the_first_facts_only() {
        for (text, expected) in [
            ("only 3 of 42 facts are known", "only 3 of 42 facts are known"),
            ("far: a 1; b 2; c 3", "far: a 1; b 2; c 3"),
            ("far: a 1; b 2; c 3; d 4; e 5", "far: a 1; b 2; c 3; and 2 more"),
        ] {
            assert_eq!(brief(text), expected);
        }
    }
}
