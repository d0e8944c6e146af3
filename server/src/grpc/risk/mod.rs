//! RiskService: what is recorded about the risk of employees: one, a list, the history of one, and changes as they come.

mod capacity;
mod changed;
mod employee_risk;
mod get;
mod history;
mod left;
mod list;
pub(crate) mod order;
mod watch;

use flight_risk_proto::v1;
use flight_risk_proto::v1::risk_service_server::RiskService;
use tokio::sync::watch as tokio_watch;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::connection::ClientDeadline;
use crate::core::Core;
pub(crate) use crate::grpc::risk::left::Left;

const LIST: &str = "flightrisk.v1.RiskService/ListAtRiskEmployees";
const GET: &str = "flightrisk.v1.RiskService/GetEmployeeRisk";
const HISTORY: &str = "flightrisk.v1.RiskService/ListEmployeeRiskHistory";
const WATCH: &str = "flightrisk.v1.RiskService/WatchRiskChanges";

/// The service.
pub(crate) struct RiskApi {
    core: Core,
    draining: tokio_watch::Receiver<bool>,
}

impl RiskApi {
    /// A service of what is stored; its streams end when `draining` turns true.
    pub(crate) fn new(core: Core, draining: tokio_watch::Receiver<bool>) -> Self {
        Self { core, draining }
    }

    /// The exit of an employee who left; `None` for everybody else, and for those whom the caller may not see. As GetEmployeeRisk for
    /// who may ask and in the audit log, which tells of it only where there is one.
    pub(crate) async fn left(&self, request: Request<v1::GetEmployeeRiskRequest>) -> Result<Option<Left>, Status> {
        let (_, extensions, request) = request.into_parts();
        let employee_id = request.name.strip_prefix("employees/").and_then(|rest| rest.strip_suffix("/risk"));
        let left = async {
            let passed = self.core.gate.admit(&extensions, GET, &request.purpose)?;
            left::left(&self.core, &passed, employee_id.unwrap_or_default()).await
        };
        left.await.map_err(|error| error.into_status(None))
    }
}

#[tonic::async_trait]
impl RiskService for RiskApi {
    async fn list_at_risk_employees(
        &self,
        request: Request<v1::ListAtRiskEmployeesRequest>,
    ) -> Result<Response<v1::ListAtRiskEmployeesResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        let listed = async {
            let passed = self.core.gate.admit(&extensions, LIST, &request.purpose)?;
            list::list(&self.core, &passed, request).await
        };
        listed.await.map(Response::new).map_err(|error| error.into_status(None))
    }

    async fn get_employee_risk(
        &self,
        request: Request<v1::GetEmployeeRiskRequest>,
    ) -> Result<Response<v1::GetEmployeeRiskResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        let risk = async {
            let passed = self.core.gate.admit(&extensions, GET, &request.purpose)?;
            get::get(&self.core, &passed, &request.name).await
        };
        let risk = risk.await.map_err(|error| error.into_status(None))?;
        Ok(Response::new(v1::GetEmployeeRiskResponse { risk: Some(risk) }))
    }

    async fn list_employee_risk_history(
        &self,
        request: Request<v1::ListEmployeeRiskHistoryRequest>,
    ) -> Result<Response<v1::ListEmployeeRiskHistoryResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        let listed = async {
            let passed = self.core.gate.admit(&extensions, HISTORY, &request.purpose)?;
            history::history(&self.core, &passed, request).await
        };
        listed.await.map(Response::new).map_err(|error| error.into_status(None))
    }

    type WatchRiskChangesStream = ReceiverStream<Result<v1::WatchRiskChangesResponse, Status>>;

    async fn watch_risk_changes(
        &self,
        request: Request<v1::WatchRiskChangesRequest>,
    ) -> Result<Response<Self::WatchRiskChangesStream>, Status> {
        let (_, extensions, request) = request.into_parts();
        let started = async {
            let passed = self.core.gate.admit(&extensions, WATCH, &request.purpose)?;
            let deadline = extensions.get::<ClientDeadline>().map(|deadline| deadline.0);
            watch::start(self.core.clone(), passed, &request, deadline, self.draining.clone()).await
        };
        started.await.map(Response::new).map_err(|error| error.into_status(None))
    }
}
