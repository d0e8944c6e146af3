//! ModelService: what is to be known about the models, and which one scores.

use flight_risk_proto::v1;
use flight_risk_proto::v1::model_service_server::ModelService;
use flight_risk_scoring::Scorer;
use flight_risk_scoring::artifact::{ArtifactContent, Target};
use flight_risk_scoring::features::{PlausibleDirection, Unit};
use flight_risk_scoring::metrics::{HorizonQuality, ListLift, Metrics, Quality, ReliabilityGroup, Split};
use flight_risk_scoring::schema::{FeatureKind, SourceFeature};
use tonic::{Extensions, Request, Response, Status};

use crate::audit::Decision;
use crate::core::Core;
use crate::grpc::convert_score::{family, typical};
use crate::grpc::once::{self, Once};
use crate::grpc::page_token::{Binding, page_size};
use crate::grpc::status::ApiError;
use crate::grpc::violations::Violations;
use crate::limits::MAX_TEXT_BYTES;
use crate::models::{ActivationError, Summary, etag, is_name_character};

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
        let (_, extensions, request) = request.into_parts();
        self.get(&extensions, &request).await.map(Response::new).map_err(|error| self.status(error))
    }

    async fn list_models(
        &self,
        request: Request<v1::ListModelsRequest>,
    ) -> Result<Response<v1::ListModelsResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        self.list(&extensions, request).await.map(Response::new).map_err(|error| self.status(error))
    }

    async fn activate_model(
        &self,
        request: Request<v1::ActivateModelRequest>,
    ) -> Result<Response<v1::ActivateModelResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        self.activate(&extensions, request).await.map(Response::new).map_err(|error| self.status(error))
    }

    async fn rollback_model(
        &self,
        request: Request<v1::RollbackModelRequest>,
    ) -> Result<Response<v1::RollbackModelResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        self.roll_back(&extensions, request).await.map(Response::new).map_err(|error| self.status(error))
    }
}

impl ModelApi {
    fn status(&self, error: ApiError) -> Status {
        error.into_status(Some(self.core.active.load().artifact().model_version()))
    }

    async fn get(
        &self,
        extensions: &Extensions,
        request: &v1::GetModelRequest,
    ) -> Result<v1::GetModelResponse, ApiError> {
        self.core.gate.admit(extensions, "flightrisk.v1.ModelService/GetModel", "")?;
        let scorer = match version(&request.name, true)? {
            None => self.core.active.load_full(),
            Some(version) => self.core.models.get(version).await.map_err(ActivationError::from)?,
        };
        Ok(v1::GetModelResponse { model: Some(self.told(&scorer, self.core.models.etag())) })
    }

    async fn list(
        &self,
        extensions: &Extensions,
        request: v1::ListModelsRequest,
    ) -> Result<v1::ListModelsResponse, ApiError> {
        let passed = self.core.gate.admit(extensions, "flightrisk.v1.ModelService/ListModels", "")?;
        let mut problems = Violations::default();
        let binding = Binding::page(&passed, &v1::ListModelsRequest::default());
        let key = self.core.store.token_key();
        let size = page_size(request.page_size, &mut problems);
        let after = binding.open_page(key, &request.page_token, &mut problems);
        if !problems.is_empty() {
            return Err(ApiError::Invalid(problems));
        }
        // A token names the last version of its page: the active model, which comes first, is on the first page only.
        let after = after.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let found = self.core.models.list().await.map_err(|error| ApiError::ModelRefused { why: error.reason() })?;
        let mut models = found.into_iter().enumerate().map(|(place, summary)| (place == 0, summary));
        let active = models.next();
        let mut rest: Vec<(bool, Summary)> = models.collect();
        if let Some(after) = &after {
            rest.retain(|(_, summary)| summary.version > *after);
        }
        let mut all: Vec<(bool, Summary)> = active.filter(|_| after.is_none()).into_iter().chain(rest).collect();
        let more = all.len() > size;
        all.truncate(size);
        let last = all.last().filter(|_| more);
        // After a page of the active model alone the others come from the first on.
        let last = last.map(|(active, summary)| if *active { "" } else { summary.version.as_str() });
        let next_page_token = last.map(|last| binding.seal(key, last.as_bytes())).unwrap_or_default();
        Ok(v1::ListModelsResponse { models: all.into_iter().map(summary).collect(), next_page_token })
    }

    async fn activate(
        &self,
        extensions: &Extensions,
        request: v1::ActivateModelRequest,
    ) -> Result<v1::ActivateModelResponse, ApiError> {
        let passed = self.core.gate.admit(extensions, "flightrisk.v1.ModelService/ActivateModel", &request.purpose)?;
        let mut problems = Violations::default();
        problems.text(|| "request_id".to_owned(), &request.request_id);
        problems.text(|| "etag".to_owned(), &request.etag);
        if !problems.is_empty() {
            return Err(ApiError::Invalid(problems));
        }
        let Some(version) = version(&request.name, false)? else { return Err(ApiError::ModelNotFound) };
        // Read, verified and tried before anything else waits for it.
        let scorer = self.core.models.read(version).await;
        let decision = if scorer.is_ok() { Decision::Allowed } else { Decision::Denied };
        self.core.gate.record(&passed, &[], version, decision).await?;
        let key = once::key(&passed, &request.request_id, &request, None);
        let changing = self.core.models.change().await;
        let mut write = match once::begin(&self.core.store, key).await? {
            Once::Answered(response) => return Ok(response),
            Once::New(write) => write,
        };
        let scorer = scorer.map_err(ActivationError::from)?;
        let activation = changing.activate(write.tx(), version, &request.etag, &passed.caller.actor).await?;
        let model = self.activated(&scorer, activation.seq);
        let response = once::finish(write, v1::ActivateModelResponse { model: Some(model) }).await?;
        changing.done(scorer, activation.seq);
        Ok(response)
    }

    async fn roll_back(
        &self,
        extensions: &Extensions,
        request: v1::RollbackModelRequest,
    ) -> Result<v1::RollbackModelResponse, ApiError> {
        let passed = self.core.gate.admit(extensions, "flightrisk.v1.ModelService/RollbackModel", &request.purpose)?;
        let mut problems = Violations::default();
        problems.text(|| "request_id".to_owned(), &request.request_id);
        problems.text(|| "etag".to_owned(), &request.etag);
        if !problems.is_empty() {
            return Err(ApiError::Invalid(problems));
        }
        let before = self.core.store.activation_before().await?;
        let scorer = match &before {
            Some(before) => self.core.models.read(&before.model_version).await.map_err(ActivationError::from),
            None => Err(ActivationError::NoEarlier),
        };
        let version = before.as_ref().map_or("", |before| before.model_version.as_str());
        let decision = if scorer.is_ok() { Decision::Allowed } else { Decision::Denied };
        self.core.gate.record(&passed, &[], version, decision).await?;
        let key = once::key(&passed, &request.request_id, &request, None);
        let changing = self.core.models.change().await;
        let mut write = match once::begin(&self.core.store, key).await? {
            Once::Answered(response) => return Ok(response),
            Once::New(write) => write,
        };
        let scorer = scorer?;
        let activation = changing.roll_back(write.tx(), &request.etag, &passed.caller.actor).await?;
        if activation.model_version != version {
            // Somebody else activated or rolled back between the reading and now.
            return Err(ApiError::EtagMismatch);
        }
        let model = self.activated(&scorer, activation.seq);
        let response = once::finish(write, v1::RollbackModelResponse { model: Some(model) }).await?;
        changing.done(scorer, activation.seq);
        Ok(response)
    }

    fn told(&self, scorer: &Scorer, etag: String) -> v1::Model {
        let version = scorer.artifact().model_version();
        v1::Model { active: self.core.active.load().artifact().model_version() == version, etag, ..model(scorer) }
    }

    /// A model that is active once this activation is committed.
    fn activated(&self, scorer: &Scorer, activation: i64) -> v1::Model {
        let etag = etag(activation, scorer.artifact().model_version());
        v1::Model { active: true, etag, ..model(scorer) }
    }
}

impl From<ActivationError> for ApiError {
    fn from(error: ActivationError) -> Self {
        match error {
            ActivationError::NotFound => Self::ModelNotFound,
            ActivationError::Refused(why) => Self::ModelRefused { why },
            ActivationError::EtagMismatch => Self::EtagMismatch,
            ActivationError::NoEarlier => Self::NoEarlierModel,
            ActivationError::Store(error) => error.into(),
        }
    }
}

/// The version that a name names; `None` for `models/active`, where that is allowed.
fn version(name: &str, active: bool) -> Result<Option<&str>, ApiError> {
    match name.strip_prefix("models/") {
        Some("active") if active => Ok(None),
        Some(version)
            if !version.is_empty() && version.len() <= MAX_TEXT_BYTES && version.chars().all(is_name_character) =>
        {
            Ok(Some(version))
        }
        _ => {
            let mut problems = Violations::default();
            let allowed = if active { "`models/active` or `models/{version}`" } else { "`models/{version}`" };
            problems.push(|| "name".to_owned(), format!("must be {allowed}"));
            Err(ApiError::Invalid(problems))
        }
    }
}

fn summary((active, summary): (bool, Summary)) -> v1::ModelSummary {
    v1::ModelSummary {
        name: format!("models/{}", summary.version),
        active,
        data_until: summary.data_until,
        auc: summary.auc,
        training_rows: summary.training_rows,
        refusal: summary.refusal.unwrap_or_default(),
    }
}

/// What is to be said of a model, but for whether it is active.
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
        active: false,
        etag: String::new(),
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
