//! StreamScores: requests are read, scored and answered one after the other.
//!
//! What has arrived is scored as a group, so that the audit log and the store are written once for many rows; a row that comes
//! alone does not wait for others. One group is on its way to the client while another is made; then nothing more is read, so that
//! HTTP/2's flow control stops a client that sends without receiving, and memory stays bounded.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant as Clock;

use flight_risk_proto::{encoded, v1};
use flight_risk_scoring::Scorer;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_stream::Stream;
use tonic::{Extensions, Status, Streaming};

use crate::access::caller::Caller;
use crate::connection::drained;
use crate::core::Core;
use crate::grpc::encode_score::Shapes;
use crate::grpc::release::{Purposes, Row, release};
use crate::grpc::request_id;
use crate::grpc::score_row::{Defaults, score};
use crate::grpc::status::ApiError;
use crate::grpc::violations::Violations;
use crate::limits::{STREAM_GROUP_FACTORS, STREAM_GROUP_ROWS, STREAM_GROUP_TIME};

type Reply = Result<encoded::StreamScoresResponse, Status>;

/// What a call brings besides its messages.
pub(crate) struct Call {
    pub(crate) core: Core,
    pub(crate) method: &'static str,
    pub(crate) extensions: Extensions,
    pub(crate) caller: Arc<Caller>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) draining: watch::Receiver<bool>,
}

/// The results of a stream, in order.
pub(crate) struct Results {
    ready: std::vec::IntoIter<Reply>,
    groups: mpsc::Receiver<Vec<Reply>>,
}

impl Stream for Results {
    type Item = Reply;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Reply>> {
        loop {
            if let Some(reply) = self.ready.next() {
                return Poll::Ready(Some(reply));
            }
            match self.groups.poll_recv(context) {
                Poll::Ready(Some(group)) => self.ready = group.into_iter(),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// Starts to answer a stream; ends when the client does, at the deadline, or when the server drains.
pub(crate) fn start(call: Call, requests: Streaming<v1::StreamScoresRequest>) -> Results {
    let (replies, groups) = mpsc::channel(1);
    tokio::spawn(async move {
        let end = run(call, requests, &replies).await;
        if let Err(status) = end {
            // The client may be gone, or may not read any more.
            let _ = replies.send(vec![Err(status)]).await;
        }
    });
    Results { ready: Vec::new().into_iter(), groups }
}

async fn run(
    call: Call,
    mut requests: Streaming<v1::StreamScoresRequest>,
    replies: &mpsc::Sender<Vec<Reply>>,
) -> Result<(), Status> {
    let late = async {
        match call.deadline {
            Some(deadline) => tokio::time::sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(late);
    let drained = drained(call.draining.clone());
    tokio::pin!(drained);
    let mut group = Group::of(&call);
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
        let Some(first) = next else { return Ok(()) };
        // The model is taken anew for every group: a long stream follows a change of model.
        let scorer = call.core.active.load_full();
        let end = group.fill(&scorer, first, &mut requests).await;
        let released = tokio::select! {
            biased;
            () = late.as_mut() => Err(ApiError::DeadlineExceeded),
            released = group.released(&scorer) => released,
        };
        match released {
            Ok(results) => room.send(results),
            Err(error) => {
                drop(room);
                return Err(error.into_status(Some(scorer.artifact().model_version())));
            }
        }
        if let Some(end) = end {
            return end;
        }
    }
}

/// Rows that were scored and are not answered yet.
struct Group<'a> {
    call: &'a Call,
    defaults: Defaults,
    purposes: Purposes,
    rows: Vec<Row>,
    correlation_ids: Vec<String>,
}

impl<'a> Group<'a> {
    fn of(call: &'a Call) -> Self {
        let defaults = Defaults {
            request_id: request_id::fresh(),
            max_factors: None,
            record: false,
            fields: call.core.gate.fields_of(&call.caller),
            caller: Arc::clone(&call.caller),
        };
        let purposes = Purposes::of(call.method);
        Self { call, defaults, purposes, rows: Vec::new(), correlation_ids: Vec::new() }
    }

    /// Scores a request and those that have arrived behind it. Gives how the stream ended, if it did.
    async fn fill(
        &mut self,
        scorer: &Scorer,
        first: v1::StreamScoresRequest,
        requests: &mut Streaming<v1::StreamScoresRequest>,
    ) -> Option<Result<(), Status>> {
        self.purposes.forget_many();
        let shapes = self.call.core.shapes.of(scorer);
        let started = Clock::now();
        let mut factors = 0;
        let mut next = first;
        loop {
            factors += self.push(scorer, &shapes, next);
            if self.rows.len() >= STREAM_GROUP_ROWS
                || factors >= STREAM_GROUP_FACTORS
                || started.elapsed() >= STREAM_GROUP_TIME
            {
                return None;
            }
            let arrived =
                std::future::poll_fn(|context| Poll::Ready(Pin::new(&mut *requests).poll_next(context))).await;
            next = match arrived {
                Poll::Pending => return None,
                Poll::Ready(None) => return Some(Ok(())),
                Poll::Ready(Some(Err(status))) => return Some(Err(status)),
                Poll::Ready(Some(Ok(request))) => request,
            };
        }
    }

    /// Scores a request; gives the number of factors in its answer.
    fn push(&mut self, scorer: &Scorer, shapes: &Shapes, request: v1::StreamScoresRequest) -> usize {
        let v1::StreamScoresRequest { correlation_id, request } = request;
        let mut problems = Violations::default();
        problems.text(|| "correlation_id".to_owned(), &correlation_id);
        self.correlation_ids.push(correlation_id);
        let Some(mut request) = request else {
            problems.push(|| "request".to_owned(), "required");
            self.rows.push(Row { employee_id: String::new(), purpose: 0, scored: Err(ApiError::Invalid(problems)) });
            return 0;
        };
        let purpose = self.purposes.admit(&self.call.core.gate, &self.call.extensions, &request.purpose);
        let employee_id = std::mem::take(&mut request.employee_id);
        let (purpose, scored) = match purpose {
            _ if !problems.is_empty() => (0, Err(ApiError::Invalid(problems))),
            Ok(purpose) => (purpose, score(scorer, shapes, &employee_id, request, &self.defaults)),
            Err(error) => (0, Err(error)),
        };
        let factors = scored.as_ref().map_or(0, |scored| scored.reply.factors);
        self.rows.push(Row { employee_id, purpose, scored });
        factors
    }

    /// The results, once they may be answered.
    async fn released(&mut self, scorer: &Scorer) -> Result<Vec<Reply>, ApiError> {
        use encoded::stream_scores_response::Result as Outcome;
        release(&self.call.core, scorer, &self.purposes, &mut self.rows).await?;
        let rows = self.rows.drain(..).zip(self.correlation_ids.drain(..));
        let reply = |(row, correlation_id): (Row, String)| encoded::StreamScoresResponse {
            correlation_id,
            model_version: scorer.artifact().model_version().to_owned(),
            result: Some(match row.scored {
                Ok(scored) => Outcome::Score(scored.reply.score),
                Err(error) => Outcome::Error(error.row_error()),
            }),
        };
        Ok(rows.map(|row| Ok(reply(row))).collect())
    }
}
