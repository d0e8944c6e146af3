//! ScoringService: one employee, a batch, a stream; all three score a row by [`score`].

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use flight_risk_proto::encoded::scoring_service_server::ScoringService;
use flight_risk_proto::{encoded, v1};
use flight_risk_scoring::Scorer;
use prost::Message;
use tokio::sync::watch;
use tonic::{Extensions, Request, Response, Status, Streaming};

use crate::access::caller::Caller;
use crate::connection::ClientDeadline;
use crate::core::Core;
use crate::grpc::release::{Purposes, Row, release};
use crate::grpc::score_row::{Defaults, checked_request_id, score};
use crate::grpc::status::{ApiError, grown};
use crate::grpc::stream::Call;
use crate::grpc::violations::Violations;
use crate::grpc::{request_id, stream, what_if};
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

const SCORE: &str = "flightrisk.v1.ScoringService/ScoreEmployee";
const BATCH: &str = "flightrisk.v1.ScoringService/BatchScoreEmployees";
const STREAM: &str = "flightrisk.v1.ScoringService/StreamScores";

#[tonic::async_trait]
impl ScoringService for ScoringApi {
    async fn score_employee(
        &self,
        request: Request<v1::ScoreEmployeeRequest>,
    ) -> Result<Response<encoded::ScoreEmployeeResponse>, Status> {
        let scorer = self.core.active.load_full();
        let (_, extensions, message) = request.into_parts();
        let score = one(&self.core, &scorer, &extensions, message)
            .await
            .map_err(|error| error.into_status(Some(scorer.artifact().model_version())))?;
        Ok(Response::new(encoded::ScoreEmployeeResponse { score }))
    }

    async fn batch_score_employees(
        &self,
        request: Request<v1::BatchScoreEmployeesRequest>,
    ) -> Result<Response<encoded::BatchScoreEmployeesResponse>, Status> {
        let started = Instant::now();
        let scorer = self.core.active.load_full();
        let model_version = scorer.artifact().model_version();
        let (_, extensions, message) = request.into_parts();
        let reply = batch(&self.core, &scorer, &extensions, message)
            .await
            .map_err(|error| error.into_status(Some(model_version)))?;
        tracing::debug!(rows = reply.results.len(), micros = started.elapsed().as_micros() as u64, "batch scored");
        Ok(Response::new(reply))
    }

    type StreamScoresStream = stream::Results;

    async fn stream_scores(
        &self,
        request: Request<Streaming<v1::StreamScoresRequest>>,
    ) -> Result<Response<Self::StreamScoresStream>, Status> {
        let (_, extensions, requests) = request.into_parts();
        let caller = caller(&extensions).map_err(|error| error.into_status(None))?;
        let deadline = extensions.get::<ClientDeadline>().map(|deadline| deadline.0);
        let draining = self.draining.clone();
        let call = Call { core: self.core.clone(), method: STREAM, extensions, caller, deadline, draining };
        Ok(Response::new(stream::start(call, requests)))
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

/// Who asks.
fn caller(extensions: &Extensions) -> Result<Arc<Caller>, ApiError> {
    extensions.get::<Arc<Caller>>().cloned().ok_or(ApiError::NotPermitted)
}

/// Scores one employee.
async fn one(
    core: &Core,
    scorer: &Scorer,
    extensions: &Extensions,
    mut request: v1::ScoreEmployeeRequest,
) -> Result<Bytes, ApiError> {
    let mut purposes = Purposes::of(SCORE);
    let purpose = purposes.admit(&core.gate, extensions, &request.purpose)?;
    let caller = caller(extensions)?;
    let defaults = Defaults {
        request_id: request_id::fresh(),
        max_factors: None,
        record: false,
        fields: core.gate.fields_of(&caller),
        caller,
    };
    let employee_id = std::mem::take(&mut request.employee_id);
    let scored = score(scorer, &core.shapes.of(scorer), &employee_id, request, &defaults);
    let mut rows = [Row { employee_id, purpose, scored }];
    release(core, scorer, &purposes, &mut rows).await?;
    let [row] = rows;
    row.scored.map(|scored| scored.reply.score)
}

/// Scores the rows of a batch in turn, and lets other requests run in between; dropped at the deadline, it stops there.
async fn batch(
    core: &Core,
    scorer: &Scorer,
    extensions: &Extensions,
    request: v1::BatchScoreEmployeesRequest,
) -> Result<encoded::BatchScoreEmployeesResponse, ApiError> {
    let mut problems = Violations::default();
    let request_id = checked_request_id(request.request_id, &mut problems);
    if request.requests.is_empty() {
        problems.push(|| "requests".to_owned(), "at least one row is required");
    }
    problems.length(|| "requests".to_owned(), request.requests.len(), MAX_BATCH_ROWS);
    if !problems.is_empty() {
        return Err(ApiError::Invalid(problems));
    }
    let caller = caller(extensions)?;
    let defaults = Defaults {
        request_id: request_id.unwrap_or_else(request_id::fresh),
        max_factors: request.max_factors,
        record: request.record,
        fields: core.gate.fields_of(&caller),
        caller,
    };
    let mut purposes = Purposes::of(BATCH);
    let shapes = core.shapes.of(scorer);
    let mut rows = Vec::with_capacity(request.requests.len());
    let mut bytes = 0;
    for (index, mut row) in request.requests.into_iter().enumerate() {
        if index % ROWS_BETWEEN_YIELDS == 0 {
            tokio::task::yield_now().await;
        }
        let stated = if row.purpose.is_empty() { &request.purpose } else { &row.purpose };
        let purpose = purposes.admit(&core.gate, extensions, stated)?;
        let employee_id = std::mem::take(&mut row.employee_id);
        let scored = score(scorer, &shapes, &employee_id, row, &defaults);
        let more = match &scored {
            Ok(scored) => scored.reply.score.len(),
            Err(error) => error.row_error().encoded_len(),
        };
        bytes = grown(bytes, more).ok_or(ApiError::ReplyTooLarge { fitting: index })?;
        rows.push(Row { employee_id, purpose, scored });
    }
    release(core, scorer, &purposes, &mut rows).await?;
    let results = rows.into_iter().map(|row| encoded::ScoreResult {
        result: Some(match row.scored {
            Ok(scored) => encoded::score_result::Result::Score(scored.reply.score),
            Err(error) => encoded::score_result::Result::Error(error.row_error()),
        }),
    });
    let model_version = scorer.artifact().model_version().to_owned();
    let request_id = defaults.request_id;
    Ok(encoded::BatchScoreEmployeesResponse { results: results.collect(), request_id, model_version })
}
