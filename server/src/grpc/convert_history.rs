//! From the history of a request to the domain's, with everything that is wrong in it.

use flight_risk_proto::v1;
use flight_risk_scoring::history::{
    Assignment, Coverage, FeedbackEvent, FeedbackKind, HistoryFacts, SurveyResponse, parse_job_level,
};
use flight_risk_scoring::{Day, EmployeeHistory, EmployeeId, TeamContext};

use crate::grpc::violations::Violations;
use crate::limits::{
    MAX_ASSIGNMENTS, MAX_DATES, MAX_FEEDBACK_EVENTS, MAX_PAY, MAX_RATING, MAX_SURVEY_RESPONSES, MIN_PAY,
};

/// Everything from which features are computed.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) history: EmployeeHistory,
    pub(crate) team: TeamContext,
    pub(crate) coverage: Coverage,
    pub(crate) as_of: Day,
}

/// Converts a history. `None` exactly where `problems` has got more.
pub(crate) fn subject(
    employee_id: Option<EmployeeId>,
    history: v1::EmployeeHistory,
    problems: &mut Violations,
) -> Option<Subject> {
    let hire_date = problems.date(|| "history.hire_date".to_owned(), &history.hire_date);
    let as_of = problems.date(|| "history.as_of".to_owned(), &history.as_of);
    if let (Some(hire_date), Some(as_of)) = (hire_date, as_of)
        && as_of < hire_date
    {
        problems.push(|| "history.as_of".to_owned(), format!("{as_of} is before the hire date {hire_date}"));
    }
    let mut assignments = list("assignments", history.assignments, MAX_ASSIGNMENTS, problems, assignment);
    // Of two of the same day the later one stands, as in the tables from which models learn.
    assignments.reverse();
    assignments.sort_by_key(|assignment| assignment.effective_date);
    assignments.dedup_by_key(|assignment| assignment.effective_date);
    let survey_responses =
        list("survey_responses", history.survey_responses, MAX_SURVEY_RESPONSES, problems, survey_response);
    let feedback = list("feedback", history.feedback, MAX_FEEDBACK_EVENTS, problems, feedback_event);
    let team = history.team.map_or_else(TeamContext::default, |team| team_context(team, problems));
    let coverage = history.coverage.map_or_else(always, |coverage| record_coverage(coverage, problems));
    if !problems.is_empty() {
        return None;
    }
    let facts = HistoryFacts {
        employee_id: employee_id?,
        hire_date: hire_date?,
        exit: None,
        observed_until: None,
        assignments,
        survey_responses,
        feedback,
    };
    Some(Subject { history: EmployeeHistory::new(facts), team, coverage, as_of: as_of? })
}

/// Every kind of record has been kept since before any date that a request can carry.
fn always() -> Coverage {
    Day::from_ymd(1900, 1, 1).map_or(Coverage::NONE, Coverage::everything_since)
}

/// Converts the entries of a list whose length is allowed.
fn list<From, To>(
    name: &str,
    entries: Vec<From>,
    limit: usize,
    problems: &mut Violations,
    convert: impl Fn(From, &dyn Fn(&str) -> String, &mut Violations) -> Option<To>,
) -> Vec<To> {
    if !problems.length(|| format!("history.{name}"), entries.len(), limit) {
        return Vec::new();
    }
    let entries = entries.into_iter().enumerate();
    entries
        .filter_map(|(index, entry)| convert(entry, &|field| format!("history.{name}[{index}].{field}"), problems))
        .collect()
}

fn assignment(entry: v1::Assignment, path: &dyn Fn(&str) -> String, problems: &mut Violations) -> Option<Assignment> {
    let mut text = |field: &str, text: Option<String>| -> Option<String> {
        let text = text?;
        problems.text(|| path(field), &text);
        let trimmed = text.trim();
        (!trimmed.is_empty()).then(|| trimmed.to_owned())
    };
    let manager_id = text("manager_id", entry.manager_id).and_then(|id| EmployeeId::new(&id));
    let department = text("department", entry.department);
    let location = text("location", entry.location);
    let job_title = text("job_title", entry.job_title);
    let job_level = text("job_level", entry.job_level).and_then(|level| parse_job_level(&level));
    let employment_type = text("employment_type", entry.employment_type);
    let mut number =
        |field: &str, number: Option<f64>, min: f64, max: f64| problems.number(|| path(field), number?, min, max);
    let job_level = number("job_level", job_level, 0.0, MAX_RATING);
    let annual_pay = number("annual_pay", entry.annual_pay, MIN_PAY, MAX_PAY);
    let pay_midpoint = number("pay_midpoint", entry.pay_midpoint, MIN_PAY, MAX_PAY);
    let effective_date = problems.date(|| path("effective_date"), &entry.effective_date)?;
    Some(Assignment {
        effective_date,
        manager_id,
        department,
        location,
        job_title,
        job_level,
        employment_type,
        annual_pay,
        pay_midpoint,
        critical_role: entry.critical_role,
    })
}

fn survey_response(
    entry: v1::SurveyResponse,
    path: &dyn Fn(&str) -> String,
    problems: &mut Violations,
) -> Option<SurveyResponse> {
    problems.text(|| path("survey"), &entry.survey);
    problems.text(|| path("driver"), &entry.driver);
    let score = match entry.score {
        Some(score) => scaled(score, entry.scale_min, entry.scale_max, path, problems),
        None => None,
    };
    let date = problems.date(|| path("date"), &entry.date)?;
    Some(SurveyResponse { date, survey: entry.survey.trim().to_owned(), driver: entry.driver, score })
}

/// An answer from 0 (worst) to 1 (best).
fn scaled(
    score: f64,
    min: Option<f64>,
    max: Option<f64>,
    path: &dyn Fn(&str) -> String,
    problems: &mut Violations,
) -> Option<f64> {
    let mut end = |field: &str, end: Option<f64>| match end {
        Some(end) => problems.number(|| path(field), end, -MAX_RATING, MAX_RATING),
        None => {
            problems.push(|| path(field), "required with `score`");
            None
        }
    };
    let (min, max) = (end("scale_min", min), end("scale_max", max));
    let (min, max) = (min?, max?);
    if max <= min {
        problems.push(|| path("scale_max"), format!("must be above scale_min, which is {min}; got {max}"));
        return None;
    }
    problems.number(|| path("score"), score, min, max).map(|score| (score - min) / (max - min))
}

fn feedback_event(
    entry: v1::FeedbackEvent,
    path: &dyn Fn(&str) -> String,
    problems: &mut Violations,
) -> Option<FeedbackEvent> {
    problems.text(|| path("kind"), &entry.kind);
    if entry.kind.trim().is_empty() {
        problems.push(|| path("kind"), "required, such as one_on_one");
    }
    let rating = entry.rating.and_then(|rating| problems.number(|| path("rating"), rating, -MAX_RATING, MAX_RATING));
    let date = problems.date(|| path("date"), &entry.date)?;
    Some(FeedbackEvent { date, kind: FeedbackKind::parse(&entry.kind), rating })
}

fn team_context(team: v1::TeamContext, problems: &mut Violations) -> TeamContext {
    let path = |field: &str| format!("history.team.{field}");
    let mut days = |field: &str, list: Option<v1::DateList>| -> Option<Vec<Day>> {
        let dates = list?.dates;
        if !problems.length(|| path(&format!("{field}.dates")), dates.len(), MAX_DATES) {
            return None;
        }
        let dates = dates.iter().enumerate();
        let mut days: Vec<Day> = dates
            .filter_map(|(index, date)| problems.date(|| path(&format!("{field}.dates[{index}]")), date))
            .collect();
        // In the order in which the whole company's records give them, so that sums come out the same to the last bit.
        days.sort_unstable();
        Some(days)
    };
    let teammate_exits = days("teammate_exits", team.teammate_exits);
    let manager_exits = days("manager_exits", team.manager_exits);
    let team_engagement =
        team.team_engagement.and_then(|index| problems.number(|| path("team_engagement"), index, 0.0, 1.0));
    TeamContext {
        manager_span: team.manager_span,
        team_size: team.team_size,
        teammate_exits,
        team_engagement,
        manager_exits,
    }
}

fn record_coverage(coverage: v1::RecordCoverage, problems: &mut Violations) -> Coverage {
    let path = |field: &str| format!("history.coverage.{field}");
    let mut result = Coverage::NONE;
    let mut since = |field: &str, date: Option<String>| date.and_then(|date| problems.date(|| path(field), &date));
    result.assignments_since = since("assignments_since", coverage.assignments_since);
    result.surveys_since = since("surveys_since", coverage.surveys_since);
    if problems.length(|| path("feedback"), coverage.feedback.len(), MAX_DATES) {
        for (index, entry) in coverage.feedback.iter().enumerate() {
            let path = |field: &str| path(&format!("feedback[{index}].{field}"));
            if entry.kind.trim().is_empty() {
                problems.push(|| path("kind"), "required, such as one_on_one");
            }
            let day = problems.date(|| path("since"), &entry.since);
            if let Some(slot) = result.feedback_since.get_mut(FeedbackKind::parse(&entry.kind) as usize) {
                // Kinds without a name of their own share a place: the earliest counts.
                *slot = [*slot, day].into_iter().flatten().min();
            }
        }
    }
    result
}
