//! What the server does by itself: changes whose cool-down is over are told, and what is too old is deleted.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::clock::now_micros;
use crate::core::Core;
use crate::store::Telling;

/// How often changes that wait are looked at, and sessions that are over are deleted: whoever begins to sign in has one.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// How often expired scores, and what replaced ones came from, are deleted.
const DELETE_EVERY: Duration = Duration::from_secs(3_600);

/// Deleting what is too old, in the audit log.
pub(crate) const DELETE_EXPIRED: &str = "flightrisk.server.Retention/DeleteExpired";

/// Keeps the store in order until it is stopped; the store undoes what was not finished then. One that does not answer is asked
/// again the next time.
pub(crate) async fn run(core: Core) {
    let mut tick = interval(TELL_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut delete_at = Instant::now();
    loop {
        let now = tick.tick().await;
        tell_due(&core).await;
        delete_expired_sessions(&core).await;
        if now >= delete_at {
            delete_at = now + DELETE_EVERY;
            delete_expired(&core).await;
            thin_details(&core).await;
            forget_answers(&core).await;
        }
    }
}

async fn tell_due(core: &Core) {
    match core.store.tell_due_changes(now_micros(), Telling::from(&core.config.risk)).await {
        Ok(0) => {}
        Ok(changes) => tracing::info!(changes, "changes that waited for the cool-down were told"),
        Err(error) => tracing::error!(%error, "changes that are due could not be told"),
    }
}

pub(crate) async fn delete_expired(core: &Core) {
    if !noted(core).await {
        return;
    }
    match core.store.delete_expired(now_micros(), core.config.store.retention_days).await {
        Ok(0) => {}
        Ok(scores) => tracing::info!(scores, "expired scores were deleted"),
        Err(error) => tracing::error!(%error, "expired scores could not be deleted"),
    }
}

/// Whether scores that are about to be deleted, if any, are in the audit log: those that are not stay.
async fn noted(core: &Core) -> bool {
    let days = core.config.store.retention_days;
    let scores = match core.store.expired(now_micros(), days).await {
        Ok(0) => return true,
        Ok(scores) => scores,
        Err(error) => {
            tracing::error!(%error, "expired scores could not be counted");
            return false;
        }
    };
    let noun = if scores == 1 { "score" } else { "scores" };
    let what = format!("{scores} {noun} recorded more than {days} days ago");
    let written = core.gate.by_itself(DELETE_EXPIRED, &what).await;
    if written.is_err() {
        tracing::error!("expired scores were not deleted: the audit log cannot be written");
    }
    written.is_ok()
}

async fn thin_details(core: &Core) {
    match core.store.thin_details(now_micros(), core.config.store.keep_details_days).await {
        Ok(0) => {}
        Ok(scores) => tracing::info!(scores, "what replaced scores came from was deleted"),
        Err(error) => tracing::error!(%error, "what replaced scores came from could not be deleted"),
    }
}

async fn forget_answers(core: &Core) {
    if let Err(error) = core.store.forget_answers(now_micros()).await {
        tracing::error!(%error, "answers to repeated requests could not be deleted");
    }
}

async fn delete_expired_sessions(core: &Core) {
    let idle = i64::try_from(core.config.console.idle().as_micros()).unwrap_or(i64::MAX);
    match core.store.delete_expired_sessions(now_micros(), idle).await {
        Ok(0) => {}
        Ok(sessions) => tracing::debug!(sessions, "sessions that are over were deleted"),
        Err(error) => tracing::error!(%error, "sessions that are over could not be deleted"),
    }
}
