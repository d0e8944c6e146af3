//! PrivacyService: what is held about a person, and its erasure.

use std::collections::HashMap;
use std::sync::Arc;

use flight_risk_proto::v1;
use flight_risk_proto::v1::privacy_service_server::PrivacyService;
use tonic::{Extensions, Request, Response, Status};

use crate::audit::{Decision, Record};
use crate::clock::{now_micros, timestamp};
use crate::core::Core;
use crate::gate::Passed;
use crate::grpc::status::ApiError;
use crate::grpc::violations::Violations;
use crate::privacy::{Held, json, text};
use crate::store::StoreError;

/// The service.
pub(crate) struct PrivacyApi {
    core: Core,
}

impl PrivacyApi {
    /// A service of what is stored.
    pub(crate) fn new(core: Core) -> Self {
        Self { core }
    }
}

#[tonic::async_trait]
impl PrivacyService for PrivacyApi {
    async fn export_employee(
        &self,
        request: Request<v1::ExportEmployeeRequest>,
    ) -> Result<Response<v1::ExportEmployeeResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        let reply = export(&self.core, &extensions, &request).await;
        reply.map(Response::new).map_err(|error| error.into_status(None))
    }

    async fn erase_employee(
        &self,
        request: Request<v1::EraseEmployeeRequest>,
    ) -> Result<Response<v1::EraseEmployeeResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        let reply = erase(&self.core, &extensions, &request).await;
        reply.map(Response::new).map_err(|error| error.into_status(None))
    }
}

async fn export(
    core: &Core,
    extensions: &Extensions,
    request: &v1::ExportEmployeeRequest,
) -> Result<v1::ExportEmployeeResponse, ApiError> {
    let passed = core.gate.admit(extensions, "flightrisk.v1.PrivacyService/ExportEmployee", &request.purpose)?;
    let employee_id = employee(&request.name)?;
    within_scope(core, &passed, employee_id).await?;
    let holdings = core.store.holdings(employee_id).await?;
    let accesses = core.gate.accesses(&core.store, employee_id).await?;
    core.gate.record(&passed, &[employee_id], "", Decision::Allowed).await?;
    if holdings.is_empty() {
        return Err(ApiError::EmployeeNotFound);
    }
    let mut models = HashMap::new();
    for score in &holdings.scores {
        let version = &score.record.model_version;
        if !models.contains_key(version)
            && let Some(model) = core.store.model(version).await?
        {
            models.insert(version.clone(), model);
        }
    }
    let held = Held { employee_id: employee_id.to_owned(), at: now_micros(), holdings, models, accesses };
    Ok(v1::ExportEmployeeResponse {
        json: json(&held),
        text: text(&held),
        accesses: held.accesses.into_iter().map(access).collect(),
    })
}

async fn erase(
    core: &Core,
    extensions: &Extensions,
    request: &v1::EraseEmployeeRequest,
) -> Result<v1::EraseEmployeeResponse, ApiError> {
    let passed = core.gate.admit(extensions, "flightrisk.v1.PrivacyService/EraseEmployee", &request.purpose)?;
    let employee_id = employee(&request.name)?;
    within_scope(core, &passed, employee_id).await?;
    core.gate.record(&passed, &[employee_id], "", Decision::Allowed).await?;
    // Goes on when the client does not wait for it: files may be large.
    let (store, id) = (Arc::clone(&core.store), employee_id.to_owned());
    let work = tokio::spawn(async move {
        let mut texts = store.names(&id).await?;
        let erased = store.erase(&id).await?;
        texts.push(id);
        store.erase_traces(&texts).await?;
        Ok::<_, StoreError>(erased)
    });
    let erased = work.await.map_err(|_| ApiError::StoreUnavailable)??;
    Ok(v1::EraseEmployeeResponse {
        scores: erased.scores,
        actions: erased.actions,
        others: erased.others,
        kept_in_audit: erased.kept_in_audit,
    })
}

/// The employee of a name.
fn employee(name: &str) -> Result<&str, ApiError> {
    let mut problems = Violations::default();
    let employee_id = name.strip_prefix("employees/").filter(|employee_id| !employee_id.trim().is_empty());
    match employee_id {
        Some(employee_id) if problems.text(|| "name".to_owned(), employee_id) => return Ok(employee_id),
        Some(_) => {}
        None => problems.push(|| "name".to_owned(), "must be `employees/{employee_id}`"),
    }
    Err(ApiError::Invalid(problems))
}

/// Whoever may not see everybody may ask about those only whose recorded place is within the scope; others and nobody look the
/// same.
async fn within_scope(core: &Core, passed: &Passed, employee_id: &str) -> Result<(), ApiError> {
    if passed.caller.scope.is_everybody() {
        return Ok(());
    }
    match core.store.standing(employee_id).await? {
        Some(standing) if passed.caller.scope.covers(standing.org.place()) => Ok(()),
        _ => {
            core.gate.record(passed, &[employee_id], "", Decision::Denied).await?;
            Err(ApiError::NotPermitted)
        }
    }
}

fn access(record: Record) -> v1::AccessRecord {
    let draft = record.draft;
    v1::AccessRecord {
        time: Some(timestamp(draft.at)),
        actor: draft.actor,
        role: draft.role,
        method: draft.method,
        purpose: draft.purpose,
        allowed: draft.decision == Decision::Allowed.name(),
    }
}
