//! WatchRiskChanges: material changes as they are recorded.
//!
//! Changes are rows with numbers in the order in which they became visible, without gaps in between. A stream reads them after its
//! position, again and again; a token is the position up to which everything was dealt with. So nothing is missed and nothing told
//! twice, whatever happens to the connection or the server.

use std::time::Duration;

use flight_risk_proto::v1;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::audit::Decision;
use crate::clock::{MICROS_PER_DAY, now_micros, timestamp};
use crate::connection::drained;
use crate::core::Core;
use crate::gate::Passed;
use crate::grpc::filter::Filter;
use crate::grpc::page_token::Binding;
use crate::grpc::risk::WATCH;
use crate::grpc::risk::employee_risk::{org_facts, place, point};
use crate::grpc::risk::order::{FIELDS, cell};
use crate::grpc::status::ApiError;
use crate::grpc::violations::Violations;
use crate::limits::{WATCH_CHANGES_AT_A_TIME, WATCH_HEARTBEAT, WATCH_LONGEST, WATCH_MESSAGES_WAITING, WATCH_PAUSE};
use crate::store::stored_score::stale_before;
use crate::store::told_changes::ToldChange;

type Reply = Result<v1::WatchRiskChangesResponse, Status>;

/// Up to where everything was dealt with, and as of when that is known (microseconds since 1970).
#[derive(Clone, Copy, Debug)]
struct Position {
    seq: i64,
    at: i64,
}

struct Watcher {
    core: Core,
    passed: Passed,
    filter: Filter,
    binding: Binding,
    replies: mpsc::Sender<Reply>,
}

/// Starts to tell changes; ends when the client does, at the deadline, or when the server drains.
pub(super) async fn start(
    core: Core,
    passed: Passed,
    request: &v1::WatchRiskChangesRequest,
    deadline: Option<Instant>,
    draining: watch::Receiver<bool>,
) -> Result<ReceiverStream<Reply>, ApiError> {
    if !passed.fields.numbers {
        return Err(ApiError::NotPermitted);
    }
    let mut problems = Violations::default();
    let mut filter = Filter::read(&request.filter, FIELDS, &mut problems);
    filter.old_before(stale_before(now_micros(), core.config.store.stale_after_days));
    let binding = Binding::method(WATCH);
    let resumed = resumed(&core, &binding, &request.resume_token, &mut problems);
    if !problems.is_empty() {
        return Err(ApiError::Invalid(problems));
    }
    let position = match resumed {
        None => Position { seq: core.store.sequence("change").await?, at: now_micros() },
        Some(position) => {
            let kept = i64::from(core.config.store.retention_days).saturating_mul(MICROS_PER_DAY);
            if now_micros().saturating_sub(position.at) > kept {
                return Err(ApiError::ResumeTokenExpired);
            }
            position
        }
    };
    core.gate.record(&passed, &[], "", Decision::Allowed).await?;
    let (replies, stream) = mpsc::channel(WATCH_MESSAGES_WAITING);
    let watcher = Watcher { core, passed, filter, binding, replies };
    tokio::spawn(async move {
        let end = tokio::select! {
            end = watcher.run(position) => end,
            error = ended(deadline, draining) => Err(error),
            () = watcher.replies.closed() => return,
            // Who watches for long is asked again now and then whether they still may.
            () = tokio::time::sleep(WATCH_LONGEST) => return,
        };
        if let Err(error) = end {
            // The client may be gone, or may not read any more.
            let _ = watcher.replies.send(Err(error.into_status(None))).await;
        }
    });
    Ok(ReceiverStream::new(stream))
}

/// Why a stream ends that would go on.
async fn ended(deadline: Option<Instant>, draining: watch::Receiver<bool>) -> ApiError {
    let late = async {
        match deadline {
            Some(deadline) => tokio::time::sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = late => ApiError::DeadlineExceeded,
        () = drained(draining) => ApiError::ShuttingDown,
    }
}

fn resumed(core: &Core, binding: &Binding, token: &str, problems: &mut Violations) -> Option<Position> {
    if token.is_empty() {
        return None;
    }
    let position = binding.open(core.store.token_key(), token).ok().and_then(|(content, at)| {
        let seq = content.try_into().map(i64::from_le_bytes).ok()?;
        Some(Position { seq, at })
    });
    if position.is_none() {
        problems.push(|| "resume_token".to_owned(), "not a token of this server; send it as it came");
    }
    position
}

impl Watcher {
    /// Tells changes for ever, or until the client is gone.
    async fn run(&self, mut position: Position) -> Result<(), ApiError> {
        // A token at once: whoever is cut off before the first change can go on from here as well.
        let mut next_sign = Instant::now();
        loop {
            let changes = self.core.store.changes_after(position.seq, WATCH_CHANGES_AT_A_TIME).await?;
            let all = changes.len() < WATCH_CHANGES_AT_A_TIME;
            if let Some(last) = changes.last() {
                let reached = Position { seq: last.seq, at: last.changed_at };
                self.tell(changes).await?;
                position = reached;
            }
            if !all {
                continue;
            }
            position.at = now_micros();
            if Instant::now() >= next_sign {
                self.send(None, position).await?;
                next_sign = Instant::now() + WATCH_HEARTBEAT;
            }
            tokio::time::sleep(WATCH_PAUSE.min(next_sign.saturating_duration_since(Instant::now()) + MOMENT)).await;
        }
    }

    async fn tell(&self, changes: Vec<ToldChange>) -> Result<(), ApiError> {
        let scope = &self.passed.caller.scope;
        let matching: Vec<ToldChange> = changes
            .into_iter()
            .filter(|change| scope.covers(place(&change.current.org)))
            .filter(|change| self.filter.matches(|column| cell(&change.current, column)))
            .collect();
        if matching.is_empty() {
            return Ok(());
        }
        let ids: Vec<&str> = matching.iter().map(|change| change.current.employee_id.as_str()).collect();
        self.core.gate.record(&self.passed, &ids, "", Decision::Allowed).await?;
        for change in matching {
            let position = Position { seq: change.seq, at: change.changed_at };
            self.send(Some(risk_change(change)), position).await?;
        }
        Ok(())
    }

    async fn send(&self, change: Option<v1::RiskChange>, position: Position) -> Result<(), ApiError> {
        let key = self.core.store.token_key();
        let resume_token = self.binding.seal_at(key, &position.seq.to_le_bytes(), position.at)?;
        // A client that is gone ends the stream elsewhere.
        let _ = self.replies.send(Ok(v1::WatchRiskChangesResponse { change, resume_token })).await;
        Ok(())
    }
}

/// So that a sign of life is due when it is looked for.
const MOMENT: Duration = Duration::from_millis(1);

fn risk_change(change: ToldChange) -> v1::RiskChange {
    v1::RiskChange {
        change_time: Some(timestamp(change.changed_at)),
        // The numbers of the kinds are those of the API.
        kind: change.kind as i32,
        previous: change.previous.as_ref().map(point),
        current: Some(point(&change.current)),
        employee_id: change.current.employee_id,
        org: Some(org_facts(change.current.org)),
    }
}
