//! ModelService: what is to be known about the models, and which one scores.

use flight_risk_proto::v1;
use flight_risk_proto::v1::model_service_server::ModelService;
use flight_risk_scoring::Scorer;
use tonic::{Extensions, Request, Response, Status};

use crate::audit::Decision;
use crate::core::Core;
use crate::grpc::convert_model::model;
use crate::grpc::once::{self, Once};
use crate::grpc::page_token::{Binding, page_size};
use crate::grpc::status::ApiError;
use crate::grpc::violations::Violations;
use crate::limits::MAX_TEXT_BYTES;
use crate::models::{ActivationError, Summary, etag, is_name_character};

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
        let next_page_token = last.map(|last| binding.seal(key, last.as_bytes())).transpose()?.unwrap_or_default();
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
