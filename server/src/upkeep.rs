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

async fn delete_expired(core: &Core) {
    match core.store.delete_expired(now_micros(), core.config.store.retention_days).await {
        Ok(0) => {}
        Ok(scores) => tracing::info!(scores, "expired scores were deleted"),
        Err(error) => tracing::error!(%error, "expired scores could not be deleted"),
    }
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
