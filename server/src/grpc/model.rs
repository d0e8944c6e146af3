//! ModelService: what is to be known about the model that scores.

use flight_risk_proto::v1;
use flight_risk_proto::v1::model_service_server::ModelService;
use flight_risk_scoring::Scorer;
use flight_risk_scoring::artifact::{ArtifactContent, Target};
use flight_risk_scoring::features::{PlausibleDirection, Unit};
use flight_risk_scoring::metrics::{HorizonQuality, ListLift, Metrics, Quality, ReliabilityGroup, Split};
use flight_risk_scoring::schema::{FeatureKind, SourceFeature};
use tonic::{Request, Response, Status};

use crate::core::Core;
use crate::grpc::convert_score::{family, typical};
use crate::grpc::status::ApiError;
use crate::grpc::violations::Violations;

/// What the model is for.
const INTENDED_USE: &str = "To help HR partners and managers see who may be about to leave voluntarily, and why, so that they \
can talk to them and improve what can be improved. People decide; the score is one reason among others to look closer.";

/// What it cannot do and must not be used for.
const LIMITATIONS: [&str; 5] = [
    "Not for decisions about hiring, pay, promotion, dismissal or any other detriment to a person.",
    "Factors are associations in past records: they tell what the model saw, not what would happen if something were changed.",
    "It speaks about voluntary exits only, and about the company (or companies) from whose records it learned.",
    "The intervals cover doubt about the coefficients, not changes of the labour market or of the company after training.",
    "Where too little is known about a person, or the values are unlike all seen in training, it abstains rather than guesses.",
];

/// The service with the active model.
pub(crate) struct ModelApi {
    core: Core,
}

impl ModelApi {
    /// A service that describes whatever model is active.
    pub(crate) fn new(core: Core) -> Self {
        Self { core }
    }
}

#[tonic::async_trait]
impl ModelService for ModelApi {
    async fn get_model(&self, request: Request<v1::GetModelRequest>) -> Result<Response<v1::GetModelResponse>, Status> {
        let scorer = self.core.active.load_full();
        let active = scorer.artifact().model_version();
        match find(&request.into_inner().name, active) {
            Ok(()) => Ok(Response::new(v1::GetModelResponse { model: Some(model(&scorer)) })),
            Err(error) => Err(error.into_status(Some(active))),
        }
    }

    async fn list_models(&self, _: Request<v1::ListModelsRequest>) -> Result<Response<v1::ListModelsResponse>, Status> {
        Err(Status::unimplemented("not yet"))
    }

    async fn activate_model(
        &self,
        _: Request<v1::ActivateModelRequest>,
    ) -> Result<Response<v1::ActivateModelResponse>, Status> {
        Err(Status::unimplemented("not yet"))
    }

    async fn rollback_model(
        &self,
        _: Request<v1::RollbackModelRequest>,
    ) -> Result<Response<v1::RollbackModelResponse>, Status> {
        Err(Status::unimplemented("not yet"))
    }
}

/// Whether a name is that of the active model.
fn find(name: &str, active: &str) -> Result<(), ApiError> {
    match name.strip_prefix("models/") {
        Some("active") => Ok(()),
        Some(version) if version == active => Ok(()),
        Some(version) if !version.is_empty() && version.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            Err(ApiError::ModelNotFound)
        }
        _ => {
            let mut problems = Violations::default();
            problems.push(|| "name".to_owned(), "must be `models/active` or `models/{version}`");
            Err(ApiError::Invalid(problems))
        }
    }
}

fn model(scorer: &Scorer) -> v1::Model {
    let artifact = scorer.artifact();
    let content = artifact.content();
    v1::Model {
        name: format!("models/{}", artifact.model_version()),
        version: artifact.model_version().to_owned(),
        sha256: artifact.sha256().to_owned(),
        target: Some(target(&content.target)),
        features: content.features.iter().zip(&content.importance).map(feature).collect(),
        schema_digest: scorer.schema().digest().to_owned(),
        metrics: Some(metrics(&content.metrics)),
        base_rates: Some(base_rates(content)),
        bands: Some(v1::RiskBandBounds { elevated: content.bands.elevated, high: content.bands.high }),
        provenance: Some(provenance(content)),
        intended_use: INTENDED_USE.to_owned(),
        limitations: LIMITATIONS.map(str::to_owned).to_vec(),
        active: true,
        etag: artifact.model_version().to_owned(),
    }
}

fn target(target: &Target) -> v1::model::Target {
    match target {
        Target::Hazard { period_months, blackout_days, horizons_months, risk_horizon_months } => {
            v1::model::Target::Hazard(v1::HazardTarget {
                period_months: *period_months,
                blackout_days: *blackout_days,
                horizons_months: horizons_months.clone(),
                risk_horizon_months: *risk_horizon_months,
            })
        }
        Target::SinglePeriod { target, positive, .. } => v1::model::Target::SinglePeriod(v1::SinglePeriodTarget {
            target: target.clone(),
            positive: positive.clone(),
        }),
    }
}

fn feature((feature, &importance): (&SourceFeature, &f64)) -> v1::ModelFeature {
    let (kind, levels, range, unit) = match &feature.kind {
        FeatureKind::Numeric { min, max, .. } => {
            (v1::FeatureKind::Numeric, Vec::new(), Some((*min, *max)), unit(feature.unit))
        }
        FeatureKind::Categorical { levels, .. } => {
            (v1::FeatureKind::Categorical, levels.clone(), None, v1::FeatureUnit::Unspecified)
        }
    };
    let range = range.filter(|_| !feature.confidential);
    v1::ModelFeature {
        name: feature.name.clone(),
        label: feature.label.clone(),
        family: family(feature.family).into(),
        kind: kind.into(),
        unit: unit.into(),
        direction: direction(feature.direction).into(),
        actionable: feature.actionable,
        confidential: feature.confidential,
        levels,
        min: range.map(|(min, _)| min),
        max: range.map(|(_, max)| max),
        typical: typical(feature),
        known_share: feature.known_share,
        importance,
    }
}

fn unit(unit: Unit) -> v1::FeatureUnit {
    match unit {
        Unit::Years => v1::FeatureUnit::Years,
        Unit::Months => v1::FeatureUnit::Months,
        Unit::Days => v1::FeatureUnit::Days,
        Unit::Count => v1::FeatureUnit::Count,
        Unit::Percent => v1::FeatureUnit::Percent,
        Unit::Share => v1::FeatureUnit::Share,
        Unit::Ratio => v1::FeatureUnit::Ratio,
        Unit::Flag => v1::FeatureUnit::Flag,
        Unit::Number => v1::FeatureUnit::Number,
    }
}

fn direction(direction: PlausibleDirection) -> v1::PlausibleDirection {
    match direction {
        PlausibleDirection::Raises => v1::PlausibleDirection::Raises,
        PlausibleDirection::Lowers => v1::PlausibleDirection::Lowers,
        PlausibleDirection::Either => v1::PlausibleDirection::Either,
    }
}

fn base_rates(content: &ArtifactContent) -> v1::BaseRates {
    let months: &[u32] = match &content.target {
        Target::Hazard { horizons_months, .. } => horizons_months,
        Target::SinglePeriod { .. } => &[],
    };
    let rates = months.iter().zip(&content.base_rates.horizons);
    v1::BaseRates {
        period: content.base_rates.period,
        horizons: rates.map(|(&months, &rate)| v1::HorizonBaseRate { months, rate }).collect(),
    }
}

fn provenance(content: &ArtifactContent) -> v1::Provenance {
    let provenance = &content.provenance;
    v1::Provenance {
        software_version: provenance.software_version.clone(),
        data_digest: provenance.data_digest.clone(),
        data_from: provenance.data_from.clone(),
        data_until: provenance.data_until.clone(),
        training_rows: content.reference.rows,
        training_events: content.reference.events,
        training_employees: content.reference.employees,
        seed: provenance.seed,
        effective_parameters: content.metrics.verdict.effective_parameters,
        notes: provenance.notes.clone(),
    }
}

fn metrics(metrics: &Metrics) -> v1::ModelMetrics {
    let split = match &metrics.split {
        Split::ByTime { from } => v1::model_metrics::Split::ByTime(v1::TimeSplit { from: from.clone() }),
        Split::CrossValidation { folds } => {
            v1::model_metrics::Split::CrossValidation(v1::CrossValidationSplit { folds: *folds })
        }
    };
    v1::ModelMetrics {
        split: Some(split),
        rows: Some(quality(&metrics.rows)),
        horizon: metrics.horizon.as_ref().map(horizon_quality),
    }
}

fn horizon_quality(horizon: &HorizonQuality) -> v1::HorizonQuality {
    v1::HorizonQuality {
        months: horizon.months,
        as_of: horizon.as_of.clone(),
        censored: horizon.censored,
        quality: Some(quality(&horizon.quality)),
    }
}

fn quality(quality: &Quality) -> v1::Quality {
    let lift = |list: &ListLift| v1::ListLift {
        length: list.length,
        expected: list.expected,
        found: list.found,
        lift: list.lift,
    };
    let group = |group: &ReliabilityGroup| v1::ReliabilityGroup {
        rows: group.rows,
        predicted: group.predicted,
        observed: group.observed,
    };
    v1::Quality {
        rows: quality.rows,
        events: quality.events,
        observed_rate: quality.observed_rate,
        mean_predicted: quality.mean_predicted,
        log_loss: quality.log_loss,
        log_loss_base_rate: quality.log_loss_base_rate,
        auc: quality.auc,
        average_precision: quality.average_precision,
        brier: quality.brier,
        brier_base_rate: quality.brier_base_rate,
        calibration_error: quality.calibration_error,
        lift: quality.lift.iter().map(lift).collect(),
        reliability: quality.reliability.iter().map(group).collect(),
    }
}
