//! Whether the server may be sent requests: once a verified model is active, and while the store can be written. Without the store
//! there is no audit record, and without it no answer.

use std::sync::Arc;
use std::time::Duration;

use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::access::policy::POLICIES;
use crate::store::{Store, StoreError};
use crate::telemetry::Telemetry;

/// Pause between two trials of the store.
const TRIAL_INTERVAL: Duration = Duration::from_secs(3);
/// The same while the store fails.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// Longest trial: beyond it the store counts as failing.
const TRIAL_DEADLINE: Duration = Duration::from_secs(15);

/// The health of the server, as gRPC's health service and `/healthz` tell it.
#[derive(Clone)]
pub(crate) struct Health {
    reporter: HealthReporter,
    telemetry: Arc<Telemetry>,
}

impl Health {
    /// Not serving yet.
    pub(crate) async fn new(telemetry: Arc<Telemetry>) -> Self {
        let health = Self { reporter: HealthReporter::new(), telemetry };
        health.set(false).await;
        health
    }

    /// For the health service.
    pub(crate) fn reporter(&self) -> HealthReporter {
        self.reporter.clone()
    }

    /// Says whether the server answers.
    pub(crate) async fn set(&self, serving: bool) {
        self.telemetry.set_serving(serving);
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        for name in names() {
            self.reporter.set_service_status(name, status).await;
        }
    }

    /// Sends those who watch away: their streams never end by themselves.
    pub(crate) async fn end(mut self) {
        for name in names() {
            self.reporter.clear_service_status(name).await;
        }
    }

    /// Tries the store now.
    pub(crate) async fn try_store(&self, store: &Store) -> bool {
        let trial = tokio::time::timeout(TRIAL_DEADLINE, store.try_writing()).await;
        let serving = match trial {
            Ok(Ok(())) => true,
            Ok(Err(error)) => self.note(&error),
            Err(_) => self.note(&StoreError::Database(sqlx::Error::PoolTimedOut)),
        };
        if serving != self.telemetry.serving() {
            self.set(serving).await;
            if serving {
                tracing::info!("the store can be written: serving");
            }
        }
        serving
    }

    /// Told once, not at every trial.
    fn note(&self, error: &StoreError) -> bool {
        if self.telemetry.serving() {
            tracing::error!(%error, "the store cannot be written: not serving until it can");
        }
        false
    }

    /// Tries the store again and again.
    pub(crate) async fn watch(self, store: Arc<Store>) {
        loop {
            let pause = if self.telemetry.serving() { TRIAL_INTERVAL } else { RETRY_INTERVAL };
            tokio::time::sleep(pause).await;
            self.try_store(&store).await;
        }
    }
}

/// The names under which the health is told: the empty one is that of the whole, the others those of the services.
fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = POLICIES.iter().filter_map(|policy| policy.method.split('/').next()).collect();
    names.dedup();
    names.insert(0, "");
    names
}
