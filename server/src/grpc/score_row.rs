//! One row: from the request to its score, and to what is kept of it. All ways of asking for a score go through [`score`].

use std::sync::Arc;

use flight_risk_proto::v1;
use flight_risk_scoring::artifact::Target;
use flight_risk_scoring::features::FeatureInput;
use flight_risk_scoring::schema::FeatureRow;
use flight_risk_scoring::{Day, EmployeeId, Scorer};

use crate::access::caller::Caller;
use crate::access::fields::FieldRules;
use crate::clock::{MICROS_PER_DAY, now_micros};
use crate::grpc::convert_history::Subject;
use crate::grpc::encode_score::{Encoded, Heading, Shapes};
use crate::grpc::status::ApiError;
use crate::grpc::violations::Violations;
use crate::grpc::{convert_features, convert_history, convert_org, encode_score};
use crate::store::{NewScore, OrgFacts};

/// What rows take from the call around them where they do not say it themselves.
#[derive(Clone, Debug)]
pub(crate) struct Defaults {
    pub(crate) request_id: String,
    pub(crate) max_factors: Option<u32>,
    /// Whether every score is to be kept.
    pub(crate) record: bool,
    /// Who asks.
    pub(crate) caller: Arc<Caller>,
    /// What of the answer they may see.
    pub(crate) fields: FieldRules,
}

/// A scored row.
#[derive(Debug)]
pub(crate) struct Scored {
    /// The answer.
    pub(crate) reply: Encoded,
    /// What is to be kept, if that was asked for.
    pub(crate) new: Option<Box<NewScore>>,
}

/// Scores one employee, whose identifier was taken out of the request; nothing is kept yet.
///
/// # Errors
/// Whatever is wrong with the row, all of it at once; NotPermitted for an employee who is not known to lie in the caller's scope.
pub(crate) fn score(
    scorer: &Scorer,
    shapes: &Shapes,
    employee_id: &str,
    request: v1::ScoreEmployeeRequest,
    defaults: &Defaults,
) -> Result<Scored, ApiError> {
    let mut problems = Violations::default();
    let request_id = checked_request_id(request.request_id, &mut problems);
    problems.text(|| "employee_id".to_owned(), employee_id);
    if EmployeeId::is_blank(employee_id) {
        problems.push(|| "employee_id".to_owned(), "required");
    }
    let record = request.record || defaults.record;
    let org = request.org.map(|org| convert_org::facts(org, "org", &mut problems));
    let as_of = day_of_values(&request.as_of, &request.subject, record, &mut problems);
    let known = known(scorer, employee_id, request.subject, &mut problems)?;
    if let Some(Known { subject: Some(subject), .. }) = &known
        && record
    {
        not_to_come("history.as_of", subject.as_of, &mut problems);
    }
    let Some(known) = known.filter(|_| problems.is_empty()) else { return Err(ApiError::Invalid(problems)) };
    let Known { row, subject } = known;
    let scope = &defaults.caller.scope;
    // Where the employee stands is looked up for those who need it.
    let org = if record || !scope.is_everybody() {
        match (org, &subject) {
            (None, Some(subject)) => OrgFacts::on(&subject.history, subject.as_of),
            (Some(org), Some(subject)) if org.is_only_a_name() => {
                OrgFacts { display_name: org.display_name, ..OrgFacts::on(&subject.history, subject.as_of) }
            }
            (org, _) => org.unwrap_or_default(),
        }
    } else {
        OrgFacts::default()
    };
    if !scope.is_everybody() && !scope.covers(org.place()) {
        return Err(ApiError::NotPermitted);
    }
    let assessment = scorer.score(&row);
    if !assessment.log_odds.0.is_finite() || !assessment.risk.get().is_finite() {
        return Err(ApiError::NotComputable);
    }
    let max_factors = match request.max_factors.or(defaults.max_factors) {
        None | Some(0) => usize::MAX,
        Some(count) => count as usize,
    };
    let heading = Heading {
        employee_id,
        request_id: request_id.as_deref().unwrap_or(&defaults.request_id),
        max_factors,
        fields: defaults.fields,
        shapes,
    };
    let reply = encode_score::score(scorer, &row, &assessment, heading);
    if !record {
        return Ok(Scored { reply, new: None });
    }
    let scored_at = now_micros();
    let as_of = subject.map(|subject| subject.as_of).or(as_of).or_else(|| day_of(scored_at));
    // A clock that is centuries off: what it dates cannot be kept.
    let as_of = as_of.ok_or(ApiError::StoreUnavailable)?;
    let employee_id = EmployeeId::new(employee_id).map(|id| id.as_str().to_owned()).unwrap_or_default();
    let new = NewScore { employee_id, as_of, scored_at, row, assessment, org };
    Ok(Scored { reply, new: Some(Box::new(new)) })
}

/// A request's identifier, where it has one.
pub(crate) fn checked_request_id(id: Option<String>, problems: &mut Violations) -> Option<String> {
    let id = id.filter(|id| !id.is_empty())?;
    problems.text(|| "request_id".to_owned(), &id);
    Some(id)
}

/// The day on which the values of a row were known, where the request says so. A history has its own.
fn day_of_values(
    text: &str,
    subject: &Option<v1::score_employee_request::Subject>,
    record: bool,
    problems: &mut Violations,
) -> Option<Day> {
    if text.is_empty() {
        return None;
    }
    if matches!(subject, Some(v1::score_employee_request::Subject::History(_))) {
        problems.push(|| "as_of".to_owned(), "leave it out with a history, which has its own `as_of`");
        return None;
    }
    let day = problems.date(|| "as_of".to_owned(), text)?;
    if record {
        not_to_come("as_of", day, problems);
    }
    Some(day)
}

/// A score of a day to come would stay in force until then, whatever is recorded meanwhile.
fn not_to_come(field: &str, day: Day, problems: &mut Violations) {
    let today = day_of(now_micros());
    // East of Greenwich, tomorrow has begun before it has in UTC.
    if today.is_some_and(|today| day.epoch_days() > today.epoch_days().saturating_add(1)) {
        problems.push(|| field.to_owned(), format!("{day} is a day to come: its score cannot be recorded"));
    }
}

/// The day (UTC) of a time in microseconds since 1970.
fn day_of(micros: i64) -> Option<Day> {
    i32::try_from(micros.div_euclid(MICROS_PER_DAY)).ok().and_then(Day::from_epoch_days)
}

/// What is known of an employee.
#[derive(Debug)]
pub(crate) struct Known {
    /// The values of the features.
    pub(crate) row: FeatureRow,
    /// The facts that they come from, if these were sent.
    pub(crate) subject: Option<Box<Subject>>,
}

/// The features of the employee. `Ok(None)` where `problems` has got more.
pub(crate) fn known(
    scorer: &Scorer,
    employee_id: &str,
    subject: Option<v1::score_employee_request::Subject>,
    problems: &mut Violations,
) -> Result<Option<Known>, ApiError> {
    use v1::score_employee_request::Subject;
    match subject {
        None => {
            problems.push(|| "subject".to_owned(), "either `history` or `features` is required");
            Ok(None)
        }
        Some(Subject::Features(row)) => {
            let row = convert_features::row(row, scorer.schema(), problems)?;
            Ok(row.map(|row| Known { row, subject: None }))
        }
        Some(Subject::History(history)) => known_history(scorer, EmployeeId::new(employee_id), history, problems),
    }
}

/// The features of a history. `Ok(None)` where `problems` has got more.
fn known_history(
    scorer: &Scorer,
    employee_id: Option<EmployeeId>,
    history: v1::EmployeeHistory,
    problems: &mut Violations,
) -> Result<Option<Known>, ApiError> {
    if matches!(scorer.artifact().content().target, Target::SinglePeriod { .. }) {
        return Err(ApiError::HistoryNotSupported);
    }
    let Some(subject) = convert_history::subject(employee_id, history, problems) else { return Ok(None) };
    let input = FeatureInput {
        history: &subject.history,
        team: &subject.team,
        coverage: &subject.coverage,
        as_of: subject.as_of,
    };
    let row = scorer.row(&input).ok_or(ApiError::NotComputable)?;
    Ok(Some(Known { row, subject: Some(Box::new(subject)) }))
}
