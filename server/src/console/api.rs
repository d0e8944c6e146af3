//! The services of the API, asked within the process.

use std::sync::Arc;

use flight_risk_proto::v1;
use flight_risk_scoring::schema::Value;
use tokio::sync::watch;

use crate::core::Core;
use crate::grpc::{ActionApi, InsightApi, ModelApi, PrivacyApi, RiskApi, ScoringApi};

/// The services, as the gRPC port serves them.
pub(crate) struct Api {
    pub(crate) scoring: ScoringApi,
    pub(crate) risk: RiskApi,
    pub(crate) insight: InsightApi,
    pub(crate) actions: ActionApi,
    pub(crate) models: ModelApi,
    pub(crate) privacy: PrivacyApi,
}

impl Api {
    /// The services of a server; `draining` turns true when it ends.
    pub(crate) fn new(core: &Core, draining: &watch::Receiver<bool>) -> Arc<Self> {
        Arc::new(Self {
            scoring: ScoringApi::new(core.clone(), draining.clone()),
            risk: RiskApi::new(core.clone(), draining.clone()),
            insight: InsightApi::new(core.clone()),
            actions: ActionApi::new(core.clone()),
            models: ModelApi::new(core.clone()),
            privacy: PrivacyApi::new(core.clone()),
        })
    }
}

/// What the model says in a score, where it answers.
pub(crate) fn assessment(score: Option<&v1::EmployeeScore>) -> Option<&v1::Assessment> {
    match score?.outcome.as_ref()? {
        v1::employee_score::Outcome::Assessment(assessment) => Some(assessment),
        v1::employee_score::Outcome::Abstention(_) => None,
    }
}

/// What the model says in a risk, where it answers and who asks may see it.
pub(crate) fn scored(risk: &v1::EmployeeRisk) -> Option<&v1::Assessment> {
    match risk.outcome.as_ref()? {
        v1::employee_risk::Outcome::Assessment(assessment) => Some(assessment),
        v1::employee_risk::Outcome::Abstention(_) => None,
    }
}

/// A value of a feature.
pub(crate) fn value(told: Option<&v1::FeatureValue>) -> Value {
    match told.and_then(|told| told.value.as_ref()) {
        Some(v1::feature_value::Value::Number(number)) => Value::Number(*number),
        Some(v1::feature_value::Value::Level(level)) => Value::Level(level.clone()),
        None => Value::Unknown,
    }
}
