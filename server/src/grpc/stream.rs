//! StreamScores: requests are read, scored and answered one after the other.
//!
//! A fixed number of results wait for the client; while they do, nothing more is read, so that HTTP/2's flow control stops a
//! client that sends without receiving, and memory stays bounded.

use std::sync::Arc;

use arc_swap::ArcSwap;
use flight_risk_proto::v1;
use flight_risk_scoring::Scorer;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use crate::access::caller::Caller;
use crate::access::fields::FieldRules;
use crate::connection::drained;
use crate::grpc::request_id;
use crate::grpc::scoring::{Defaults, score};
use crate::grpc::status::ApiError;
use crate::grpc::violations::Violations;
use crate::limits::STREAM_RESULTS_WAITING;

type Reply = Result<v1::StreamScoresResponse, Status>;

/// Starts to answer a stream; ends when the client does, at the deadline, or when the server drains.
pub(crate) fn start(
    active: Arc<ArcSwap<Scorer>>,
    requests: Streaming<v1::StreamScoresRequest>,
    deadline: Option<Instant>,
    draining: watch::Receiver<bool>,
) -> ReceiverStream<Reply> {
    let (replies, results) = mpsc::channel(STREAM_RESULTS_WAITING);
    tokio::spawn(async move {
        let end = run(&active, requests, deadline, draining, &replies).await;
        if let Err(status) = end {
            // The client may be gone, or may not read any more.
            let _ = replies.send(Err(status)).await;
        }
    });
    ReceiverStream::new(results)
}

async fn run(
    active: &ArcSwap<Scorer>,
    mut requests: Streaming<v1::StreamScoresRequest>,
    deadline: Option<Instant>,
    draining: watch::Receiver<bool>,
    replies: &mpsc::Sender<Reply>,
) -> Result<(), Status> {
    let late = async {
        match deadline {
            Some(deadline) => tokio::time::sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(late);
    let drained = drained(draining);
    tokio::pin!(drained);
    let defaults = Defaults {
        request_id: request_id::fresh(),
        max_factors: None,
        fields: FieldRules::of(&Caller::anybody(), true),
    };
    loop {
        let room = tokio::select! {
            biased;
            () = late.as_mut() => return Err(ApiError::DeadlineExceeded.into_status(None)),
            room = replies.reserve() => room,
        };
        let Ok(room) = room else { return Ok(()) };
        let next = tokio::select! {
            biased;
            () = late.as_mut() => {
                drop(room);
                return Err(ApiError::DeadlineExceeded.into_status(None));
            }
            () = drained.as_mut() => {
                drop(room);
                return Err(ApiError::ShuttingDown.into_status(None));
            }
            () = replies.closed() => return Ok(()),
            next = requests.message() => next?,
        };
        let Some(request) = next else { return Ok(()) };
        // The model is taken anew for every request: a long stream follows a change of model.
        room.send(Ok(result(&active.load(), request, &defaults)));
    }
}

fn result(scorer: &Scorer, request: v1::StreamScoresRequest, defaults: &Defaults) -> v1::StreamScoresResponse {
    use v1::stream_scores_response::Result as Outcome;
    let mut problems = Violations::default();
    problems.text(|| "correlation_id".to_owned(), &request.correlation_id);
    let scored = match request.request {
        _ if !problems.is_empty() => Err(ApiError::Invalid(problems)),
        Some(request) => score(scorer, request, defaults),
        None => {
            problems.push(|| "request".to_owned(), "required");
            Err(ApiError::Invalid(problems))
        }
    };
    v1::StreamScoresResponse {
        correlation_id: request.correlation_id,
        model_version: scorer.artifact().model_version().to_owned(),
        result: Some(match scored {
            Ok(score) => Outcome::Score(score),
            Err(error) => Outcome::Error(error.into_row_error()),
        }),
    }
}
