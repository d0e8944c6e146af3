//! What all services share.

use std::sync::Arc;

use arc_swap::ArcSwap;
use flight_risk_scoring::Scorer;

use crate::config::ServerConfig;
use crate::gate::Gate;
use crate::grpc::InsightShared;
use crate::grpc::encode_score::ShapeCache;
use crate::models::Models;
use crate::playbook::Playbook;
use crate::store::Store;
use crate::telemetry::Telemetry;

/// What all services share: the active model, the store, the gate and the configuration.
#[derive(Clone)]
pub(crate) struct Core {
    /// Every request takes the model once and keeps it to its end, whatever becomes active meanwhile.
    pub(crate) active: Arc<ArcSwap<Scorer>>,
    /// The models, and which one is active.
    pub(crate) models: Arc<Models>,
    /// What of the replies is the same for everybody.
    pub(crate) shapes: Arc<ShapeCache>,
    /// What is kept.
    pub(crate) store: Arc<Store>,
    /// What every call about people passes.
    pub(crate) gate: Gate,
    /// What is counted.
    pub(crate) telemetry: Arc<Telemetry>,
    /// What is recommended.
    pub(crate) playbook: Arc<Playbook>,
    /// How the server is set up.
    pub(crate) config: Arc<ServerConfig>,
    /// Everybody at once, for figures about groups.
    pub(crate) insight: Arc<InsightShared>,
}
