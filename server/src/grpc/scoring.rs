//! ScoringService: one employee, a batch, a stream; all three score a row by [`score`].

use std::sync::Arc;
use std::time::Instant;

use flight_risk_proto::v1;
use flight_risk_proto::v1::scoring_service_server::ScoringService;
use flight_risk_scoring::artifact::Target;
use flight_risk_scoring::features::FeatureInput;
use flight_risk_scoring::schema::FeatureRow;
use flight_risk_scoring::{EmployeeId, Scorer};
use tokio::sync::watch;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::access::caller::Caller;
use crate::access::fields::FieldRules;
use crate::connection::ClientDeadline;
use crate::core::Core;
use crate::grpc::convert_score::Told;
use crate::grpc::status::{ApiError, grown};
use crate::grpc::violations::Violations;
use crate::grpc::{convert_features, convert_history, convert_score, request_id, stream, what_if};
use crate::limits::{MAX_BATCH_ROWS, ROWS_BETWEEN_YIELDS};

/// The service with the active model.
pub(crate) struct ScoringApi {
    core: Core,
    draining: watch::Receiver<bool>,
}

impl ScoringApi {
    /// A service that scores with whatever model is active; its streams end when `draining` turns true.
    pub(crate) fn new(core: Core, draining: watch::Receiver<bool>) -> Self {
        Self { core, draining }
    }
}

/// What rows take from the call around them where they do not say it themselves.
#[derive(Clone, Debug)]
pub(crate) struct Defaults {
    pub(crate) request_id: String,
    pub(crate) max_factors: Option<u32>,
    /// What of the answer the caller may see.
    pub(crate) fields: FieldRules,
}

/// Scores one employee.
///
/// # Errors
/// Whatever is wrong with the row, all of it at once.
pub(crate) fn score(
    scorer: &Scorer,
    request: v1::ScoreEmployeeRequest,
    defaults: &Defaults,
) -> Result<v1::EmployeeScore, ApiError> {
    let mut problems = Violations::default();
    let request_id = checked_request_id(request.request_id, &mut problems);
    problems.text(|| "employee_id".to_owned(), &request.employee_id);
    let employee_id = EmployeeId::new(&request.employee_id);
    if employee_id.is_none() {
        problems.push(|| "employee_id".to_owned(), "required");
    }
    let row = row(scorer, employee_id, request.subject, &mut problems)?;
    let Some(row) = row.filter(|_| problems.is_empty()) else { return Err(ApiError::Invalid(problems)) };
    let assessment = scorer.score(&row);
    if !assessment.log_odds.0.is_finite() || !assessment.risk.get().is_finite() {
        return Err(ApiError::NotComputable);
    }
    let max_factors = match request.max_factors.or(defaults.max_factors) {
        None | Some(0) => usize::MAX,
        Some(count) => count as usize,
    };
    Ok(v1::EmployeeScore {
        employee_id: request.employee_id,
        request_id: request_id.unwrap_or_else(|| defaults.request_id.clone()),
        model_version: scorer.artifact().model_version().to_owned(),
        outcome: Some(convert_score::outcome(&Told::by(scorer, &row, &assessment), max_factors, defaults.fields)),
    })
}

/// A request's identifier, where it has one.
fn checked_request_id(id: Option<String>, problems: &mut Violations) -> Option<String> {
    let id = id.filter(|id| !id.is_empty())?;
    problems.text(|| "request_id".to_owned(), &id);
    Some(id)
}

/// The features of the employee. `Ok(None)` where `problems` has got more.
pub(crate) fn row(
    scorer: &Scorer,
    employee_id: Option<EmployeeId>,
    subject: Option<v1::score_employee_request::Subject>,
    problems: &mut Violations,
) -> Result<Option<FeatureRow>, ApiError> {
    use v1::score_employee_request::Subject;
    match subject {
        None => {
            problems.push(|| "subject".to_owned(), "either `history` or `features` is required");
            Ok(None)
        }
        Some(Subject::Features(row)) => convert_features::row(row, scorer.schema(), problems),
        Some(Subject::History(_)) if matches!(scorer.artifact().content().target, Target::SinglePeriod { .. }) => {
            Err(ApiError::HistoryNotSupported)
        }
        Some(Subject::History(history)) => {
            let Some(subject) = convert_history::subject(employee_id, history, problems) else { return Ok(None) };
            let input = FeatureInput {
                history: &subject.history,
                team: &subject.team,
                coverage: &subject.coverage,
                as_of: subject.as_of,
            };
            scorer.row(&input).ok_or(ApiError::NotComputable).map(Some)
        }
    }
}

#[tonic::async_trait]
impl ScoringService for ScoringApi {
    async fn score_employee(
        &self,
        request: Request<v1::ScoreEmployeeRequest>,
    ) -> Result<Response<v1::ScoreEmployeeResponse>, Status> {
        let scorer = self.core.active.load_full();
        let defaults = Defaults {
            request_id: request_id::fresh(),
            max_factors: None,
            fields: FieldRules::of(&Caller::anybody(), true),
        };
        let score = score(&scorer, request.into_inner(), &defaults)
            .map_err(|error| error.into_status(Some(scorer.artifact().model_version())))?;
        Ok(Response::new(v1::ScoreEmployeeResponse { score: Some(score) }))
    }

    async fn batch_score_employees(
        &self,
        request: Request<v1::BatchScoreEmployeesRequest>,
    ) -> Result<Response<v1::BatchScoreEmployeesResponse>, Status> {
        let started = Instant::now();
        let scorer = self.core.active.load_full();
        let model_version = scorer.artifact().model_version();
        let reply =
            batch(&scorer, request.into_inner()).await.map_err(|error| error.into_status(Some(model_version)))?;
        tracing::debug!(rows = reply.results.len(), micros = started.elapsed().as_micros() as u64, "batch scored");
        Ok(Response::new(reply))
    }

    type StreamScoresStream = ReceiverStream<Result<v1::StreamScoresResponse, Status>>;

    async fn stream_scores(
        &self,
        request: Request<Streaming<v1::StreamScoresRequest>>,
    ) -> Result<Response<Self::StreamScoresStream>, Status> {
        let deadline = request.extensions().get::<ClientDeadline>().copied();
        let results = stream::start(
            Arc::clone(&self.core.active),
            request.into_inner(),
            deadline.map(|deadline| deadline.0),
            self.draining.clone(),
        );
        Ok(Response::new(results))
    }

    async fn simulate_changes(
        &self,
        request: Request<v1::SimulateChangesRequest>,
    ) -> Result<Response<v1::SimulateChangesResponse>, Status> {
        let scorer = self.core.active.load_full();
        let (_, extensions, request) = request.into_parts();
        let reply = what_if::simulate_changes(&self.core, &scorer, &extensions, request).await;
        reply.map(Response::new).map_err(|error| error.into_status(Some(scorer.artifact().model_version())))
    }

    async fn find_counterfactual(
        &self,
        request: Request<v1::FindCounterfactualRequest>,
    ) -> Result<Response<v1::FindCounterfactualResponse>, Status> {
        let scorer = self.core.active.load_full();
        let (_, extensions, request) = request.into_parts();
        let reply = what_if::find_counterfactual(&self.core, &scorer, &extensions, request).await;
        reply.map(Response::new).map_err(|error| error.into_status(Some(scorer.artifact().model_version())))
    }
}

/// Scores the rows of a batch in turn, and lets other requests run in between; dropped at the deadline, it stops there.
async fn batch(
    scorer: &Scorer,
    request: v1::BatchScoreEmployeesRequest,
) -> Result<v1::BatchScoreEmployeesResponse, ApiError> {
    let mut problems = Violations::default();
    let request_id = checked_request_id(request.request_id, &mut problems);
    if request.requests.is_empty() {
        problems.push(|| "requests".to_owned(), "at least one row is required");
    }
    problems.length(|| "requests".to_owned(), request.requests.len(), MAX_BATCH_ROWS);
    if !problems.is_empty() {
        return Err(ApiError::Invalid(problems));
    }
    let defaults = Defaults {
        request_id: request_id.unwrap_or_else(request_id::fresh),
        max_factors: request.max_factors,
        fields: FieldRules::of(&Caller::anybody(), true),
    };
    let mut results = Vec::with_capacity(request.requests.len());
    let mut bytes = 0;
    for (index, row) in request.requests.into_iter().enumerate() {
        if index % ROWS_BETWEEN_YIELDS == 0 {
            tokio::task::yield_now().await;
        }
        let result = match score(scorer, row, &defaults) {
            Ok(score) => v1::score_result::Result::Score(score),
            Err(error) => v1::score_result::Result::Error(error.into_row_error()),
        };
        let result = v1::ScoreResult { result: Some(result) };
        bytes = grown(bytes, &result).ok_or(ApiError::ReplyTooLarge { fitting: results.len() })?;
        results.push(result);
    }
    let model_version = scorer.artifact().model_version().to_owned();
    Ok(v1::BatchScoreEmployeesResponse { results, request_id: defaults.request_id, model_version })
}
