//! InsightService: figures about groups. What may be shown is decided in [`crate::insight`]; here requests are read and answered.

mod ahead;
mod drivers;
mod hotspots;
mod kept;
mod moments;
mod progress;
mod snapshot;
mod trend;

use flight_risk_proto::v1;
use flight_risk_proto::v1::insight_service_server::InsightService;
use tonic::{Request, Response, Status};

use crate::audit::Decision;
use crate::core::Core;
use crate::gate::Passed;
use crate::grpc::status::ApiError;
use crate::grpc::violations::Violations;
use crate::insight::dimension::{Dimension, uncrossed};
use snapshot::Snapshots;
pub(crate) use snapshot::{MANY, Shared as InsightShared};

/// The service.
pub(crate) struct InsightApi {
    core: Core,
    snapshots: Snapshots,
}

impl InsightApi {
    /// A service over the store; begins to read it.
    pub(crate) fn new(core: Core) -> Self {
        let snapshots = Snapshots::new(&core);
        snapshots.warm();
        Self { core, snapshots }
    }

    /// The answer, once it is in the audit log; a group that may not be shown is there as refused.
    async fn answer<T>(&self, passed: &Passed, answer: Result<T, ApiError>) -> Result<Response<T>, ApiError> {
        let version = self.core.active.load().artifact().model_version().to_owned();
        match answer {
            Ok(answer) => {
                self.core.gate.record(passed, &[], &version, Decision::Allowed).await?;
                Ok(Response::new(answer))
            }
            Err(ApiError::GroupSuppressed) => {
                self.core.gate.record(passed, &[], &version, Decision::Denied).await?;
                Err(ApiError::GroupSuppressed)
            }
            Err(error) => Err(error),
        }
    }

    /// The number of the snapshot that is answered from now, and of how many people it is.
    #[cfg(test)]
    pub(crate) async fn snapshot(&self) -> Result<(u64, usize), ApiError> {
        let snapshot = self.snapshots.current().await?;
        Ok((snapshot.number, snapshot.people.len()))
    }

    /// How often all was worked out that is before anybody asks.
    #[cfg(test)]
    pub(crate) fn rounds(&self) -> u64 {
        self.snapshots.shared().rounds.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// How many answers are ready: drivers, trends, calibrations, comparisons.
    #[cfg(test)]
    pub(crate) fn ready(&self) -> [usize; 4] {
        let shared = self.snapshots.shared();
        [shared.drivers.ready(), shared.trends.ready(), shared.calibrations.ready(), shared.comparisons.ready()]
    }

    fn status(&self, error: ApiError) -> Status {
        error.into_status(Some(self.core.active.load().artifact().model_version()))
    }
}

macro_rules! method {
    ($self:ident, $request:ident, $name:literal, $module:ident) => {{
        let (_, extensions, request) = $request.into_parts();
        let method = concat!("flightrisk.v1.InsightService/", $name);
        let passed = $self.core.gate.admit(&extensions, method, "").map_err(|error| $self.status(error))?;
        let answer = $module::answer(&$self.core, &$self.snapshots, &passed, request).await;
        $self.answer(&passed, answer).await.map_err(|error| $self.status(error))
    }};
}

#[tonic::async_trait]
impl InsightService for InsightApi {
    async fn list_hotspots(
        &self,
        request: Request<v1::ListHotspotsRequest>,
    ) -> Result<Response<v1::ListHotspotsResponse>, Status> {
        method!(self, request, "ListHotspots", hotspots)
    }

    async fn list_drivers(
        &self,
        request: Request<v1::ListDriversRequest>,
    ) -> Result<Response<v1::ListDriversResponse>, Status> {
        method!(self, request, "ListDrivers", drivers)
    }

    async fn get_trend(&self, request: Request<v1::GetTrendRequest>) -> Result<Response<v1::GetTrendResponse>, Status> {
        method!(self, request, "GetTrend", trend)
    }
}

/// The dimension of a request; `None` where it is not said. What is unknown is noted in `problems`.
fn dimension(group_by: i32, problems: &mut Violations) -> Option<Dimension> {
    match v1::GroupDimension::try_from(group_by) {
        Ok(v1::GroupDimension::Unspecified) => None,
        Ok(v1::GroupDimension::Department) => Some(Dimension::Department),
        Ok(v1::GroupDimension::Location) => Some(Dimension::Location),
        Ok(v1::GroupDimension::Manager) => Some(Dimension::Manager),
        Ok(v1::GroupDimension::JobLevel) => Some(Dimension::JobLevel),
        Ok(v1::GroupDimension::Tenure) => Some(Dimension::Tenure),
        Ok(v1::GroupDimension::DepartmentAndTenure) => Some(Dimension::DepartmentAndTenure),
        Err(_) => {
            problems.push(|| "group_by".to_owned(), "must be a dimension that GroupDimension lists");
            None
        }
    }
}

/// A group without owning its name.
fn named(group: Option<&(Dimension, String)>) -> Option<(Dimension, &str)> {
    group.map(|(dimension, name)| (*dimension, name.as_str()))
}

/// Notes a group's name that nobody can have.
fn group_text(dimension: Option<Dimension>, group: &str, problems: &mut Violations) {
    // A crossed name is longer than that of its department.
    let crossed = uncrossed(group).filter(|_| dimension == Some(Dimension::DepartmentAndTenure));
    problems.text(|| "group".to_owned(), crossed.map_or(group, |(department, _)| department));
}

/// The group that a request is about; `None`: all whom the caller may see.
fn group(group_by: i32, group: String, problems: &mut Violations) -> Option<(Dimension, String)> {
    let dimension = dimension(group_by, problems);
    group_text(dimension, &group, problems);
    match (dimension, group.is_empty()) {
        (Some(_), true) => problems.push(|| "group".to_owned(), "required with `group_by`: the group's name"),
        (None, false) if group_by == 0 => {
            problems.push(|| "group_by".to_owned(), "required with `group`: what kind of group it is");
        }
        _ => {}
    }
    dimension.map(|dimension| (dimension, group))
}
