//! The server as a whole: services, the accept loop, and the orderly end.

use std::net::SocketAddr;
use std::sync::Arc;

use flight_risk_proto::encoded::scoring_service_server::ScoringServiceServer;
use flight_risk_proto::v1::action_service_server::ActionServiceServer;
use flight_risk_proto::v1::insight_service_server::InsightServiceServer;
use flight_risk_proto::v1::model_service_server::ModelServiceServer;
use flight_risk_proto::v1::privacy_service_server::PrivacyServiceServer;
use flight_risk_proto::v1::risk_service_server::RiskServiceServer;
use flight_risk_scoring::Scorer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tonic::service::Routes;

use crate::access::door::Door;
use crate::access::jwks::JwksError;
use crate::audit::{AuditKeyError, AuditLog};
use crate::config::ServerConfig;
use crate::connection::{self, Shared};
use crate::console::{self, Oidc, WebShared};
use crate::core::Core;
use crate::gate::Gate;
use crate::grpc::{ActionApi, InsightApi, ModelApi, PrivacyApi, RiskApi, ScoringApi};
use crate::health::Health;
use crate::limits::{
    DRAIN_DEADLINE, DRAIN_WATCHERS_AFTER, MAX_CONNECTIONS, MAX_MESSAGE_BYTES, MAX_PAGE_CONNECTIONS, MAX_REQUESTS,
};
use crate::listen::accept;
use crate::models::{ModelFolder, ModelLoadError, Models, StartError, TrialError, trial};
use crate::playbook::{Playbook, PlaybookError};
use crate::store::{Store, StoreError};
use crate::telemetry::{MetricsError, MetricsPage, Telemetry};
use crate::tls::{Certificate, TlsError};
use crate::upkeep;

/// Why the server could not begin to serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The model does not stand a trial run.
    #[error(transparent)]
    Model(#[from] TrialError),
    /// There is no model to serve.
    #[error(transparent)]
    Models(#[from] ModelLoadError),
    /// The store does not say which model is active.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The description of the API cannot be read.
    #[error("the API's own description cannot be read: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// What is recommended cannot be read.
    #[error(transparent)]
    Playbook(#[from] PlaybookError),
    /// The key of the audit log.
    #[error(transparent)]
    AuditKey(#[from] AuditKeyError),
    /// The numbers of the server.
    #[error("the metrics cannot be set up: {0}")]
    Telemetry(#[from] metrics_exporter_prometheus::BuildError),
    /// The identity provider of the console cannot be used as it is set up.
    #[error("{0}")]
    Oidc(String),
    /// The console's port is gone.
    #[error("the console's port was taken away: {0}")]
    Console(#[from] std::io::Error),
    /// The address of the metrics.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The keys of the identity provider cannot be used.
    #[error(transparent)]
    Jwks(#[from] JwksError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl From<StartError> for ServeError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Store(error) => Self::Store(error),
            StartError::Load(error) => Self::Models(error),
        }
    }
}

/// The server with its models and its store.
pub struct App {
    core: Core,
    audit: AuditLog,
    metrics: Option<MetricsPage>,
    console: Option<TcpListener>,
}

impl App {
    /// A server of this model and no other, with this store.
    ///
    /// # Errors
    /// [`ServeError`] when the playbook is wrong, the store does not answer, the audit log cannot be written under its key, or the address of the metrics
    /// cannot be taken.
    pub async fn new(scorer: Scorer, store: Store, config: ServerConfig) -> Result<Self, ServeError> {
        let models = Models::only(scorer, &store).await?;
        Self::of(models, store, config).await
    }

    /// A server of the models of a folder, with this store. The one that was active last scores, or else the one that learned
    /// from the latest data; the log says which and why.
    ///
    /// # Errors
    /// As [`App::new`]; [`ServeError::Models`] when no model can be served.
    pub async fn open(models: ModelFolder, store: Store, config: ServerConfig) -> Result<Self, ServeError> {
        let models = Models::start(models, &store).await?;
        Self::of(models, store, config).await
    }

    async fn of(models: Models, store: Store, config: ServerConfig) -> Result<Self, ServeError> {
        let playbook = Arc::new(Playbook::load(config.actions.playbook.as_deref())?);
        let (store, models) = (Arc::new(store), Arc::new(models));
        let active = models.active();
        let telemetry = Arc::new(Telemetry::new(Arc::clone(&active))?);
        let audit = if config.audit.enabled {
            AuditLog::open(&store, config.audit.key_file.as_deref(), telemetry.audit.clone()).await?
        } else {
            AuditLog::off()
        };
        let gate = Gate::new(audit.clone(), config.access.managers_see_numbers);
        let metrics = match config.listen.metrics_address {
            None => None,
            Some(address) => Some(MetricsPage::bind(address).await?),
        };
        let shapes = Arc::default();
        let core = Core {
            active,
            models,
            shapes,
            store,
            gate,
            telemetry,
            playbook,
            config: Arc::new(config),
            insight: Arc::default(),
        };
        Ok(Self { core, audit, metrics, console: None })
    }

    /// Where the metrics are told, where they are.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().and_then(MetricsPage::address)
    }

    /// Serves the console on this listener too.
    #[must_use]
    pub fn with_console(mut self, listener: Option<TcpListener>) -> Self {
        self.console = listener;
        self
    }

    /// Whether there is somebody whom the console would let in.
    pub(crate) async fn people_can_sign_in(&self) -> bool {
        let by_provider = self.core.config.console.oidc.is_some();
        self.console.is_some() && (by_provider || self.core.store.any_user().await.unwrap_or(false))
    }

    /// Version of the model that scores.
    pub fn model_version(&self) -> String {
        self.core.active.load().artifact().model_version().to_owned()
    }

    /// What all services share.
    #[cfg(test)]
    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    /// Serves on the listener until `shutdown` ends; then refuses what is new, ends what is under way and returns within
    /// [`DRAIN_DEADLINE`].
    ///
    /// # Errors
    /// [`ServeError`] when the model does not stand a trial run, or the certificate or the identity provider's keys cannot be used.
    /// Nothing that clients or the network do ends it.
    pub async fn serve(mut self, listener: TcpListener, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
        let (drain, draining) = watch::channel(false);
        let telemetry = &self.core.telemetry;
        let health = Health::new(Arc::clone(telemetry)).await;
        let scoring = ScoringServiceServer::new(ScoringApi::new(self.core.clone(), draining.clone()))
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES);
        let routes = self.routes(&health, draining.clone())?;
        let (access, store) = (&self.core.config.access, Arc::clone(&self.core.store));
        let door = Arc::new(Door::open(access, store, self.core.gate.clone()).await?);
        door.warn_if_closed(self.people_can_sign_in().await).await;
        let tls = match &self.core.config.tls {
            None => None,
            Some(tls) => Some(Arc::new(Certificate::open(tls)?)),
        };
        let requests = Arc::new(Semaphore::new(MAX_REQUESTS));
        let telemetry = Arc::clone(telemetry);
        let shared = Arc::new(Shared { scoring, routes, door, tls, requests, draining, telemetry });
        trial(&self.core.active.load())?;
        health.try_store(&self.core.store).await;
        let mut background = JoinSet::new();
        let console = match self.console.take() {
            None => None,
            Some(listener) => {
                let provider = match &self.core.config.console.oidc {
                    None => None,
                    Some(oidc) => {
                        Some(Arc::new(Oidc::open(oidc).map_err(|error| ServeError::Oidc(error.to_string()))?))
                    }
                };
                let router = console::router(&self.core, &listener, provider.clone(), &shared.draining)?;
                if let Some(provider) = provider {
                    background.spawn(async move { provider.keep_up().await });
                }
                let (tls, draining) = (shared.tls.clone(), shared.draining.clone());
                Some((listener, WebShared { router, tls, draining }))
            }
        };
        background.spawn(health.clone().watch(Arc::clone(&self.core.store)));
        background.spawn(Arc::clone(&shared.telemetry).keep_up());
        background.spawn(Arc::clone(&shared.door).keep_up());
        if let Some(tls) = shared.tls.clone() {
            background.spawn(tls.keep_up());
        }
        background.spawn(upkeep::run(self.core.clone()));
        background.spawn({
            let (models, store) = (Arc::clone(&self.core.models), Arc::clone(&self.core.store));
            async move { models.follow(&store).await }
        });
        if let Some(page) = self.metrics.take() {
            background.spawn(page.serve(Arc::clone(&shared.telemetry)));
        }
        let address = listener.local_addr().map(|address| address.to_string()).unwrap_or_default();
        tracing::info!(address, model_version = self.core.active.load().artifact().model_version(), "serving");

        let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut connections = JoinSet::new();
        let pages_room = Arc::new(Semaphore::new(MAX_PAGE_CONNECTIONS));
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = shutdown.as_mut() => break,
                (stream, permit) = accept(&listener, &room) => {
                    connections.spawn(connection::serve(stream, Arc::clone(&shared), permit));
                }
                (stream, permit, pages) = accept_browser(console.as_ref(), &pages_room) => {
                    connections.spawn(console::serve_connection(stream, pages, permit));
                }
                Some(ended) = connections.join_next() => note_end(ended),
            }
        }
        drop((listener, console));
        // First: it would say that the server is there again.
        background.shutdown().await;
        health.set(false).await;
        let _ = drain.send(true);
        drain_connections(connections, health).await;
        self.audit.close().await;
        self.core.store.close().await;
        Ok(())
    }

    /// All services but the one that scores.
    fn routes(&self, health: &Health, draining: watch::Receiver<bool>) -> Result<Routes, ServeError> {
        // Larger than other messages where much is held: no limit to what is sent.
        let privacy =
            PrivacyServiceServer::new(PrivacyApi::new(self.core.clone())).max_decoding_message_size(MAX_MESSAGE_BYTES);
        let model =
            ModelServiceServer::new(ModelApi::new(self.core.clone())).max_decoding_message_size(MAX_MESSAGE_BYTES);
        let risk = RiskServiceServer::new(RiskApi::new(self.core.clone(), draining))
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES);
        let actions = ActionServiceServer::new(ActionApi::new(self.core.clone()))
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES);
        let insight = InsightServiceServer::new(InsightApi::new(self.core.clone()))
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES);
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(flight_risk_proto::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let health = tonic_health::server::HealthService::from_health_reporter(health.reporter());
        Ok(Routes::new(model)
            .add_service(privacy)
            .add_service(risk)
            .add_service(insight)
            .add_service(actions)
            .add_service(tonic_health::pb::health_server::HealthServer::new(health))
            .add_service(reflection().build_v1()?)
            .add_service(reflection().build_v1alpha()?)
            .prepare())
    }
}

/// The next connection of a browser, and what it is served with; none comes where there is no console.
async fn accept_browser(
    console: Option<&(TcpListener, WebShared)>,
    room: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit, WebShared) {
    let Some((listener, shared)) = console else { return std::future::pending().await };
    let (stream, permit) = accept(listener, room).await;
    (stream, permit, shared.clone())
}

/// Waits for the connections to end; those that do not are cut off at the deadline.
async fn drain_connections(mut connections: JoinSet<()>, health: Health) {
    let deadline = tokio::time::Instant::now() + DRAIN_DEADLINE;
    let watchers = tokio::time::timeout(DRAIN_WATCHERS_AFTER, all_ended(&mut connections)).await;
    if watchers.is_err() {
        // Watching the health never ends by itself; without the status it does.
        health.end().await;
        if tokio::time::timeout_at(deadline, all_ended(&mut connections)).await.is_err() {
            tracing::warn!(connections = connections.len(), "connections were cut off: they did not end in time");
            connections.abort_all();
            all_ended(&mut connections).await;
        }
    }
    tracing::info!("stopped");
}

async fn all_ended(connections: &mut JoinSet<()>) {
    while let Some(ended) = connections.join_next().await {
        note_end(ended);
    }
}

fn note_end(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!("a connection ended in a fault of the server");
    }
}
