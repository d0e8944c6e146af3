//! ActionService: what is done to keep people, and what came of it.

mod convert;
mod outcomes;
mod read;
mod visible;
mod write;

use flight_risk_proto::v1;
use flight_risk_proto::v1::action_service_server::ActionService;
use tonic::{Request, Response, Status};

use crate::core::Core;
pub(crate) use outcomes::{USUAL_MONTHS, calibrated, compared};

/// The service.
pub(crate) struct ActionApi {
    core: Core,
}

impl ActionApi {
    /// A service of what is stored.
    pub(crate) fn new(core: Core) -> Self {
        Self { core }
    }
}

/// Lets a call in and answers it: `method` is the name in the policy table, `purpose` that of the request or none.
macro_rules! answer {
    ($self:ident, $request:ident, $method:literal, $purpose:expr, $answer:path) => {{
        let (_, extensions, request) = $request.into_parts();
        let answered = async {
            let purpose: fn(&_) -> &str = $purpose;
            let method = concat!("flightrisk.v1.ActionService/", $method);
            let passed = $self.core.gate.admit(&extensions, method, purpose(&request))?;
            $answer(&$self.core, &passed, request).await
        };
        answered.await.map(Response::new).map_err(|error| error.into_status(None))
    }};
}

#[tonic::async_trait]
impl ActionService for ActionApi {
    async fn list_playbook_entries(
        &self,
        request: Request<v1::ListPlaybookEntriesRequest>,
    ) -> Result<Response<v1::ListPlaybookEntriesResponse>, Status> {
        answer!(self, request, "ListPlaybookEntries", |_| "", read::playbook)
    }

    async fn create_action(
        &self,
        request: Request<v1::CreateActionRequest>,
    ) -> Result<Response<v1::CreateActionResponse>, Status> {
        answer!(self, request, "CreateAction", |r: &v1::CreateActionRequest| &r.purpose, write::create)
    }

    async fn get_action(
        &self,
        request: Request<v1::GetActionRequest>,
    ) -> Result<Response<v1::GetActionResponse>, Status> {
        answer!(self, request, "GetAction", |r: &v1::GetActionRequest| &r.purpose, read::get)
    }

    async fn list_actions(
        &self,
        request: Request<v1::ListActionsRequest>,
    ) -> Result<Response<v1::ListActionsResponse>, Status> {
        answer!(self, request, "ListActions", |r: &v1::ListActionsRequest| &r.purpose, read::list)
    }

    async fn list_due_actions(
        &self,
        request: Request<v1::ListDueActionsRequest>,
    ) -> Result<Response<v1::ListDueActionsResponse>, Status> {
        answer!(self, request, "ListDueActions", |r: &v1::ListDueActionsRequest| &r.purpose, read::due)
    }

    async fn update_action(
        &self,
        request: Request<v1::UpdateActionRequest>,
    ) -> Result<Response<v1::UpdateActionResponse>, Status> {
        answer!(self, request, "UpdateAction", |r: &v1::UpdateActionRequest| &r.purpose, write::update)
    }

    async fn complete_action(
        &self,
        request: Request<v1::CompleteActionRequest>,
    ) -> Result<Response<v1::CompleteActionResponse>, Status> {
        answer!(self, request, "CompleteAction", |r: &v1::CompleteActionRequest| &r.purpose, write::complete)
    }

    async fn report_exit(
        &self,
        request: Request<v1::ReportExitRequest>,
    ) -> Result<Response<v1::ReportExitResponse>, Status> {
        answer!(self, request, "ReportExit", |r: &v1::ReportExitRequest| &r.purpose, outcomes::report_exit)
    }

    async fn withdraw_exit(
        &self,
        request: Request<v1::WithdrawExitRequest>,
    ) -> Result<Response<v1::WithdrawExitResponse>, Status> {
        answer!(self, request, "WithdrawExit", |r: &v1::WithdrawExitRequest| &r.purpose, outcomes::withdraw_exit)
    }

    async fn compare_acted_on(
        &self,
        request: Request<v1::CompareActedOnRequest>,
    ) -> Result<Response<v1::CompareActedOnResponse>, Status> {
        answer!(self, request, "CompareActedOn", |_| "", outcomes::compare)
    }

    async fn get_realized_calibration(
        &self,
        request: Request<v1::GetRealizedCalibrationRequest>,
    ) -> Result<Response<v1::GetRealizedCalibrationResponse>, Status> {
        answer!(self, request, "GetRealizedCalibration", |_| "", outcomes::calibration)
    }
}
