//! SimulateChanges and FindCounterfactual: from the request, or from the score last recorded, to what the model would say.

use std::sync::Arc;

use flight_risk_proto::v1;
use flight_risk_scoring::explain::value_text;
use flight_risk_scoring::schema::{FeatureRow, Schema, Value};
use flight_risk_scoring::scorer::Assessment;
use flight_risk_scoring::what_if::{
    self, Change, ChangeProblem, Counterfactual, MAX_CHANGES, Search, Simulation, counterfactual, simulate,
};
use flight_risk_scoring::{EmployeeId, Scorer};
use tonic::Extensions;

use crate::audit::Decision;
use crate::core::Core;
use crate::gate::Passed;
use crate::grpc::convert_score::{self, Told, feature_value};
use crate::grpc::request_id;
use crate::grpc::score_row::known;
use crate::grpc::status::ApiError;
use crate::grpc::violations::Violations;
use crate::limits::{MAX_NUMBER, MAX_SIMULATED_CHANGES};
use crate::store::StoredScore;

/// What a what-if is not; in every answer.
const CAVEAT: &str = "This is association, not effect: the model saw that people with such facts leave less, or more, often. \
It does not know that changing the facts changes what a person does. Take it as a reason to talk, not as a promise.";

/// Changes of a counterfactual where the request does not say how many.
const USUAL_CHANGES: u32 = 3;

/// The facts that either request brings, if any.
type Subject = v1::score_employee_request::Subject;

/// Answers SimulateChanges.
pub(crate) async fn simulate_changes(
    core: &Core,
    scorer: &Scorer,
    extensions: &Extensions,
    request: v1::SimulateChangesRequest,
) -> Result<v1::SimulateChangesResponse, ApiError> {
    let passed = core.gate.admit(extensions, "flightrisk.v1.ScoringService/SimulateChanges", &request.purpose)?;
    let subject = request.subject.map(|subject| match subject {
        v1::simulate_changes_request::Subject::Features(row) => Subject::Features(row),
        v1::simulate_changes_request::Subject::History(history) => Subject::History(history),
    });
    let mut problems = Violations::default();
    let row = facts(core, scorer, &passed, &request.employee_id, subject, &mut problems).await?;
    let changes = changes(scorer.schema(), request.changes, &mut problems);
    let (Some(row), Some(changes)) = (row, changes) else { return Err(ApiError::Invalid(problems)) };
    let simulation = simulate(scorer, &row, &changes);
    for assessment in [&simulation.before, &simulation.after] {
        if !assessment.log_odds.0.is_finite() || !assessment.risk.get().is_finite() {
            return Err(ApiError::NotComputable);
        }
    }
    let version = scorer.artifact().model_version();
    core.gate.record(&passed, &[&request.employee_id], version, Decision::Allowed).await?;
    let tell = Teller { scorer, passed: &passed, employee_id: &request.employee_id, request_id: request_id::fresh() };
    Ok(v1::SimulateChangesResponse {
        before: Some(tell.score(&row, &simulation.before)),
        after: Some(tell.score(&simulation.row, &simulation.after)),
        moved: tell.moved(&row, &simulation),
        caveat: CAVEAT.to_owned(),
    })
}

/// Answers FindCounterfactual.
pub(crate) async fn find_counterfactual(
    core: &Core,
    scorer: &Arc<Scorer>,
    extensions: &Extensions,
    request: v1::FindCounterfactualRequest,
) -> Result<v1::FindCounterfactualResponse, ApiError> {
    let passed = core.gate.admit(extensions, "flightrisk.v1.ScoringService/FindCounterfactual", &request.purpose)?;
    let subject = request.subject.map(|subject| match subject {
        v1::find_counterfactual_request::Subject::Features(row) => Subject::Features(row),
        v1::find_counterfactual_request::Subject::History(history) => Subject::History(history),
    });
    let mut problems = Violations::default();
    if request.max_changes as usize > MAX_CHANGES {
        problems.push(
            || "max_changes".to_owned(),
            format!("must be 1 to {MAX_CHANGES}, got {}; leave it out for {USUAL_CHANGES}", request.max_changes),
        );
    }
    let row = facts(core, scorer, &passed, &request.employee_id, subject, &mut problems).await?;
    let Some(row) = row.filter(|_| problems.is_empty()) else { return Err(ApiError::Invalid(problems)) };
    let max_changes = if request.max_changes == 0 { USUAL_CHANGES } else { request.max_changes };
    // Thousands of rows may be scored: not on a thread that answers others.
    let found = tokio::task::spawn_blocking({
        let (scorer, row) = (Arc::clone(scorer), row.clone());
        move || counterfactual(&scorer, &row, max_changes as usize)
    });
    let search = found.await.map_err(|_| ApiError::NotComputable)?;
    if !search.before.log_odds.0.is_finite() || !search.before.risk.get().is_finite() {
        return Err(ApiError::NotComputable);
    }
    let version = scorer.artifact().model_version();
    core.gate.record(&passed, &[&request.employee_id], version, Decision::Allowed).await?;
    let tell = Teller { scorer, passed: &passed, employee_id: &request.employee_id, request_id: request_id::fresh() };
    let change = match &search.found {
        Counterfactual::Found { changes, simulation } => Some(v1::Counterfactual {
            changes: changes.iter().filter_map(|change| tell.change(change, &simulation.row)).collect(),
            after: Some(tell.score(&simulation.row, &simulation.after)),
            moved: tell.moved(&row, simulation),
        }),
        Counterfactual::AlreadyLow | Counterfactual::Abstained | Counterfactual::None { .. } => None,
    };
    Ok(v1::FindCounterfactualResponse {
        before: Some(tell.score(&row, &search.before)),
        counterfactual: change,
        explanation: explanation(scorer, &row, &search, max_changes),
        caveat: CAVEAT.to_owned(),
    })
}

/// The facts to start from: those that the request brings, or those of the score last recorded. `Ok(None)` where `problems` has
/// got more.
///
/// Who may not see everybody may ask about somebody only whose recorded place is within the scope, whatever the request brings.
async fn facts(
    core: &Core,
    scorer: &Scorer,
    passed: &Passed,
    employee_id: &str,
    subject: Option<Subject>,
    problems: &mut Violations,
) -> Result<Option<FeatureRow>, ApiError> {
    problems.text(|| "employee_id".to_owned(), employee_id);
    let named = !EmployeeId::is_blank(employee_id);
    if !named {
        problems.push(|| "employee_id".to_owned(), "required");
    }
    let everybody = passed.caller.scope.is_everybody();
    let wanted = named && !(everybody && subject.is_some());
    let recorded = if wanted { core.store.current_score(employee_id).await? } else { None };
    let place = recorded.as_ref().map(|score| score.record.org.place());
    if named && !everybody && !place.is_some_and(|place| passed.caller.scope.covers(place)) {
        core.gate.record(passed, &[employee_id], scorer.artifact().model_version(), Decision::Denied).await?;
        return Err(ApiError::NotPermitted);
    }
    match (subject, recorded) {
        (Some(subject), _) => Ok(known(scorer, employee_id, Some(subject), problems)?.map(|known| known.row)),
        (None, Some(score)) => recorded_row(core, scorer, score).await.map(Some),
        (None, None) if named => Err(ApiError::EmployeeNotFound),
        (None, None) => Ok(None),
    }
}

/// The values of a recorded score for the active model.
async fn recorded_row(core: &Core, scorer: &Scorer, score: StoredScore) -> Result<FeatureRow, ApiError> {
    let schema = scorer.schema();
    let model = core.store.model(&score.record.model_version).await?.ok_or(ApiError::RecordedOtherwise)?;
    let recorded = model.schema.packed_row(score.values).map_err(|_| ApiError::RecordedOtherwise)?;
    if model.schema.digest() == schema.digest() {
        return Ok(recorded);
    }
    // Another model's: by name, where it knew every feature of this one.
    let mut values = Vec::with_capacity(schema.features().len());
    for feature in schema.features() {
        let position = model.schema.position(&feature.name).ok_or(ApiError::RecordedOtherwise)?;
        let value = model.schema.value(&recorded, position);
        values.push(Schema::pack_value(feature, &value).map_err(|_| ApiError::RecordedOtherwise)?);
    }
    schema.packed_row(values).map_err(|_| ApiError::RecordedOtherwise)
}

/// The changes of a request. `None` where `problems` has got more.
fn changes(schema: &Schema, sent: Vec<v1::FeatureChange>, problems: &mut Violations) -> Option<Vec<Change>> {
    use v1::feature_value::Value as Sent;
    if sent.is_empty() {
        problems.push(|| "changes".to_owned(), "at least one change is required");
    }
    if !problems.length(|| "changes".to_owned(), sent.len(), MAX_SIMULATED_CHANGES) {
        return None;
    }
    let path = |index: usize, field: &str| format!("changes[{index}].{field}");
    let mut wanted = Vec::with_capacity(sent.len());
    for (index, change) in sent.into_iter().enumerate() {
        problems.text(|| path(index, "feature"), &change.feature);
        let value = match change.value.and_then(|value| value.value) {
            None => Value::Unknown,
            Some(Sent::Number(number)) => {
                problems.number(|| path(index, "value.number"), number, -MAX_NUMBER, MAX_NUMBER);
                Value::Number(number)
            }
            Some(Sent::Level(level)) => {
                problems.text(|| path(index, "value.level"), &level);
                Value::Level(level)
            }
        };
        wanted.push((change.feature, value));
    }
    if !problems.is_empty() {
        return None;
    }
    what_if::changes(schema, &wanted)
        .inspect_err(|wrong| {
            for (index, problem) in wrong {
                let field = if is_of_the_value(problem) { "value" } else { "feature" };
                problems.push(|| path(*index, field), problem.to_string());
            }
        })
        .ok()
}

/// Whether a problem is one of the value rather than of the feature's name.
fn is_of_the_value(problem: &ChangeProblem) -> bool {
    use flight_risk_scoring::schema::RowProblem;
    match problem {
        ChangeProblem::NotActionable(_) | ChangeProblem::Confidential(_) => false,
        ChangeProblem::NoValue(_) => true,
        ChangeProblem::Row(problem) => match problem {
            RowProblem::UnknownFeature(_) | RowProblem::Repeated(_) | RowProblem::Length { .. } => false,
            RowProblem::NotANumber { .. }
            | RowProblem::NotALevel { .. }
            | RowProblem::NotFinite(_)
            | RowProblem::NoSuchLevel { .. } => true,
        },
    }
}

/// What was found, in words.
fn explanation(scorer: &Scorer, row: &FeatureRow, search: &Search, max_changes: u32) -> String {
    let percent = |risk: f64| format!("{:.1} %", risk * 100.0);
    let bound = percent(scorer.artifact().content().bands.elevated);
    let now = percent(search.before.risk.get());
    match &search.found {
        Counterfactual::AlreadyLow => format!("The risk is {now}, below the {bound} from which it counts as elevated."),
        Counterfactual::Abstained => {
            "The model abstains: too little is known, or the facts are unlike all seen in training.".to_owned()
        }
        Counterfactual::None { lowest_risk } => format!(
            "No plausible change of up to {max_changes} facts that somebody can act on brings the risk of {now} below \
             {bound}; the lowest that was found is {}.",
            percent(*lowest_risk)
        ),
        Counterfactual::Found { changes, simulation } => {
            let schema = scorer.schema();
            let told = changes.iter().filter_map(|change| {
                let feature = schema.features().get(change.feature())?;
                let text = |row: &FeatureRow| value_text(feature, &schema.value(row, change.feature()));
                Some(format!("{} {} instead of {}", feature.label, text(&simulation.row), text(row)))
            });
            let told = told.collect::<Vec<_>>().join("; ");
            format!("With {told}, the model would say {} instead of {now}.", percent(simulation.after.risk.get()))
        }
    }
}

/// Writes answers about one employee.
struct Teller<'a> {
    scorer: &'a Scorer,
    passed: &'a Passed,
    employee_id: &'a str,
    request_id: String,
}

impl Teller<'_> {
    fn score(&self, row: &FeatureRow, assessment: &Assessment) -> v1::EmployeeScore {
        let told = Told::by(self.scorer, row, assessment);
        v1::EmployeeScore {
            employee_id: self.employee_id.to_owned(),
            request_id: self.request_id.clone(),
            model_version: self.scorer.artifact().model_version().to_owned(),
            outcome: Some(convert_score::outcome(&told, usize::MAX, self.passed.fields)),
        }
    }

    fn change(&self, change: &Change, row: &FeatureRow) -> Option<v1::FeatureChange> {
        let feature = self.scorer.schema().features().get(change.feature())?;
        let value = feature_value(self.scorer.schema().value(row, change.feature()));
        Some(v1::FeatureChange { feature: feature.name.clone(), value })
    }

    /// What moves, without what comes from confidential answers: their parts would tell them.
    fn moved(&self, row: &FeatureRow, simulation: &Simulation) -> Vec<v1::MovedFactor> {
        let schema = self.scorer.schema();
        let factors = simulation.moved.iter().filter_map(|moved| {
            let feature = schema.features().get(moved.feature).filter(|feature| !feature.confidential)?;
            Some(v1::MovedFactor {
                feature: feature.name.clone(),
                label: feature.label.clone(),
                before_log_odds: moved.before_log_odds,
                after_log_odds: moved.after_log_odds,
                before: feature_value(schema.value(row, moved.feature)),
                after: feature_value(schema.value(&simulation.row, moved.feature)),
                follows: moved.follows,
            })
        });
        factors.collect()
    }
}
