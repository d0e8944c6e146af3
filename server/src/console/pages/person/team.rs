//! The people around: how the person's risk compares with the department and the team, and, where no number may be shown, what moves
//! the risk in the group as a whole.

use flight_risk_proto::v1;
use flight_risk_proto::v1::insight_service_server::InsightService;

use crate::console::methods;
use crate::console::site::Site;
use crate::console::visit::Visit;
use crate::console::words;

/// Drivers of a group that are named.
const DRIVERS: i32 = 6;

/// What is told of the people around.
#[derive(Default)]
pub(super) struct Team {
    pub(super) groups: Vec<GroupLine>,
    /// What moves the risk among all whom who looks may see.
    pub(super) drivers: Option<Drivers>,
}

/// A group to compare with.
pub(super) struct GroupLine {
    pub(super) label: String,
    /// What is said: a mean, or why there is none.
    pub(super) said: String,
    mean: Option<f64>,
    is_team: bool,
}

/// What moves the risk in a group.
pub(super) enum Drivers {
    /// Labels, with how many it moves, and whether somebody can act on it.
    Shown(Vec<DriverLine>),
    /// The group is too small to be shown, or cannot be just now.
    Not(&'static str),
}

/// One of them.
pub(super) struct DriverLine {
    pub(super) label: String,
    pub(super) said: String,
    pub(super) actionable: bool,
}

impl Team {
    /// The mean risk of the manager's team, where it is shown.
    pub(super) fn mean_risk(&self) -> Option<f64> {
        self.groups.iter().find(|group| group.is_team)?.mean
    }
}

/// What may be told of the people around somebody. It is left out where it cannot be had just now: the page is about the person.
pub(super) async fn team(site: &Site, visit: &Visit, risk: &v1::EmployeeRisk) -> Team {
    let org = risk.org.clone().unwrap_or_default();
    if risk.number_withheld {
        return Team { groups: Vec::new(), drivers: drivers(site, visit).await };
    }
    if !visit.may(methods::LIST_HOTSPOTS) {
        return Team::default();
    }
    let (team, department) = tokio::join!(
        group(site, visit, v1::GroupDimension::Manager, org.manager_id, "the team of manager"),
        group(site, visit, v1::GroupDimension::Department, org.department, "the department"),
    );
    Team { groups: team.into_iter().chain(department).collect(), drivers: None }
}

async fn group(
    site: &Site,
    visit: &Visit,
    dimension: v1::GroupDimension,
    name: Option<String>,
    label: &str,
) -> Option<GroupLine> {
    let name = name?;
    let request =
        v1::ListHotspotsRequest { group_by: dimension.into(), page_size: 1, group: name.clone(), ..Default::default() };
    let reply = site.api().insight.list_hotspots(visit.ask(request)).await.ok()?.into_inner();
    let (said, mean) = match reply.hotspots.first() {
        Some(group) => (
            format!(
                "{} on average ({}), over {}",
                words::percent(group.mean_risk),
                words::percent_range(group.mean_risk_low, group.mean_risk_high),
                words::count(group.employees, "person", "people"),
            ),
            Some(group.mean_risk),
        ),
        None => (
            format!(
                "not shown: it has fewer than {} people with a score, or showing it would tell of a smaller group",
                reply.minimum_group_size
            ),
            None,
        ),
    };
    Some(GroupLine { label: format!("{label} {name}"), said, mean, is_team: dimension == v1::GroupDimension::Manager })
}

async fn drivers(site: &Site, visit: &Visit) -> Option<Drivers> {
    if !visit.may(methods::LIST_DRIVERS) {
        return None;
    }
    let request = v1::ListDriversRequest { page_size: DRIVERS, ..Default::default() };
    Some(match site.api().insight.list_drivers(visit.ask(request)).await {
        Ok(reply) => Drivers::Shown(reply.into_inner().drivers.iter().map(DriverLine::of).collect()),
        Err(status) if status.code() == tonic::Code::FailedPrecondition => Drivers::Not(
            "There are too few people in your team to say what moves them as a group without telling of one of them.",
        ),
        Err(_) => Drivers::Not("The figures of the team are not there yet. Open the page again in a minute."),
    })
}

impl DriverLine {
    fn of(driver: &v1::Driver) -> Self {
        let said = match driver.raised_share {
            share if share >= 0.8 => "raises the risk of nearly everybody",
            share if share >= 0.6 => "raises the risk of most",
            share if share > 0.4 => "raises the risk of about half, lowers it for the others",
            share if share > 0.2 => "lowers the risk of most",
            _ => "lowers the risk of nearly everybody",
        };
        Self { label: driver.label.clone(), said: said.to_owned(), actionable: driver.actionable }
    }
}
