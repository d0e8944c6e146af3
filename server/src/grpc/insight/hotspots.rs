//! ListHotspots.

use std::cmp::Ordering;

use flight_risk_proto::v1;

use super::snapshot::{Snapshot, Snapshots};
use crate::clock::timestamp;
use crate::core::Core;
use crate::gate::Passed;
use crate::grpc::page_token::{Binding, page_size};
use crate::grpc::status::ApiError;
use crate::grpc::violations::Violations;
use crate::insight::dimension::{Dimension, MOST_YEARS, tenure_bounds, tenure_place, uncrossed};
use crate::insight::figures::{Figures, View};

/// In which order groups are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Excess,
    MeanRisk,
    Employees,
    Group,
}

impl Order {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "" | "excess desc" => Some(Self::Excess),
            "mean_risk desc" => Some(Self::MeanRisk),
            "employees desc" => Some(Self::Employees),
            "group" => Some(Self::Group),
            _ => None,
        }
    }

    /// Larger comes first; names decide between equals.
    fn rank(self, view: &View, dimension: Dimension, figures: &Figures) -> f64 {
        match self {
            Self::Excess => view.ratio(Some(dimension), figures).mean(),
            Self::MeanRisk => figures.mean_risk()[0],
            Self::Employees => figures.employees as f64,
            Self::Group => 0.0,
        }
    }
}

/// A place in the list.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Place<'a> {
    rank: f64,
    name: &'a str,
}

impl Place<'_> {
    fn cmp(&self, other: &Place<'_>) -> Ordering {
        other.rank.total_cmp(&self.rank).then_with(|| self.name.cmp(other.name))
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.rank.to_le_bytes().to_vec();
        bytes.extend(self.name.as_bytes());
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Place<'_>> {
        let (rank, name) = bytes.split_first_chunk::<8>()?;
        Some(Place { rank: f64::from_le_bytes(*rank), name: std::str::from_utf8(name).ok()? })
    }
}

/// Lists groups, the worst first.
pub(super) async fn answer(
    core: &Core,
    snapshots: &Snapshots,
    passed: &Passed,
    request: v1::ListHotspotsRequest,
) -> Result<v1::ListHotspotsResponse, ApiError> {
    let mut problems = Violations::default();
    let dimension = super::dimension(request.group_by, &mut problems);
    super::group_text(dimension, &request.group, &mut problems);
    if request.group_by == 0 {
        problems.push(|| "group_by".to_owned(), "required: by what to group");
    }
    let order = Order::parse(&request.order_by);
    if order.is_none() {
        let allowed = "must be `excess desc`, `mean_risk desc`, `employees desc` or `group`";
        problems.push(|| "order_by".to_owned(), allowed);
    }
    let size = page_size(request.page_size, &mut problems);
    let fixed = v1::ListHotspotsRequest { page_size: 0, page_token: String::new(), ..request.clone() };
    let binding = Binding::page(passed, &fixed);
    let after = binding.open_page(core.store.token_key(), &request.page_token, &mut problems);
    let (Some(dimension), Some(order), true) = (dimension, order, problems.is_empty()) else {
        return Err(ApiError::Invalid(problems));
    };
    let snapshot = snapshots.current().await?;
    let view = snapshot.view(&passed.caller.scope).await?;

    let position = dimension.position();
    let groups = (0_u32..).zip(view.groups.get(position).into_iter().flatten());
    let mut shown: Vec<(Place<'_>, &Figures)> = groups
        .filter(|&(group, _)| view.shown.has(position, group))
        .map(|(group, figures)| {
            let rank = order.rank(&view, dimension, figures);
            (Place { rank, name: snapshot.names.name(position, group) }, figures)
        })
        .collect();
    let (departments, tenures) = match dimension {
        Dimension::DepartmentAndTenure => sides(&snapshot, &view),
        _ => (Vec::new(), Vec::new()),
    };
    let existing = match dimension {
        Dimension::DepartmentAndTenure => departments.len() * tenures.len(),
        _ => view.existing.get(position).copied().unwrap_or(0),
    };
    let suppressed = existing.saturating_sub(shown.len());
    if !request.group.is_empty() {
        shown.retain(|(place, _)| place.name == request.group);
    }
    if let Some(last) = after.as_deref().and_then(Place::read) {
        shown.retain(|(place, _)| place.cmp(&last) == Ordering::Greater);
    }
    let more = shown.len() > size;
    if more {
        shown.select_nth_unstable_by(size, |(a, _), (b, _)| a.cmp(b));
        shown.truncate(size);
    }
    shown.sort_by(|(a, _), (b, _)| a.cmp(b));
    let last = shown.last().filter(|_| more);
    let next_page_token = last.map(|(place, _)| binding.seal(core.store.token_key(), &place.bytes())).transpose()?;
    Ok(v1::ListHotspotsResponse {
        hotspots: shown.iter().map(|(place, figures)| hotspot(&view, Some(dimension), place.name, figures)).collect(),
        next_page_token: next_page_token.unwrap_or_default(),
        total: view.shown.total.then(|| hotspot(&view, None, "", &view.total)),
        suppressed_groups: u32::try_from(suppressed).unwrap_or(u32::MAX),
        observed_from: observed(&snapshot, 0),
        observed_until: observed(&snapshot, 1),
        minimum_group_size: snapshot.minimum,
        read_time: Some(timestamp(snapshot.read_at)),
        departments,
        tenures,
    })
}

/// Departments and years that are shown by themselves: what is crossed is made of these.
fn sides(snapshot: &Snapshot, view: &View) -> (Vec<String>, Vec<String>) {
    let names = |dimension: Dimension| -> Vec<String> {
        let position = dimension.position();
        let groups = (0_u32..).zip(view.groups.get(position).into_iter().flatten());
        let shown = groups.map(|(group, _)| group).filter(|&group| view.shown.has(position, group));
        shown.map(|group| snapshot.names.name(position, group).to_owned()).collect()
    };
    let mut tenures = names(Dimension::Tenure);
    tenures.sort_by_key(|name| tenure_place(name));
    (names(Dimension::Department), tenures)
}

fn observed(snapshot: &Snapshot, end: usize) -> String {
    snapshot.observed.map(|(from, until)| if end == 0 { from } else { until }.to_string()).unwrap_or_default()
}

fn hotspot(view: &View, dimension: Option<Dimension>, name: &str, figures: &Figures) -> v1::Hotspot {
    let [mean_risk, mean_risk_low, mean_risk_high] = figures.mean_risk();
    let excess = view.ratio(dimension, figures).excess();
    let (department, tenure) =
        uncrossed(name).filter(|_| dimension == Some(Dimension::DepartmentAndTenure)).unwrap_or_default();
    v1::Hotspot {
        group: name.to_owned(),
        employees: figures.employees,
        mean_risk,
        mean_risk_low,
        mean_risk_high,
        expected_leavers: figures.expected_leavers(),
        observed_exits: figures.exits.observed as u64,
        expected_exits: figures.exits.expected,
        excess: excess.mean,
        excess_low: excess.low,
        excess_high: excess.high,
        hot: excess.low > 1.0,
        department: department.to_owned(),
        tenure: tenure.to_owned(),
        filter: dimension.map(|dimension| filter(dimension, name)).unwrap_or_default(),
    }
}

/// The filter of a list of a group's members.
fn filter(dimension: Dimension, name: &str) -> String {
    let same = |field: &str, name: &str| format!("{field} = \"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
    match dimension {
        Dimension::Department => same("department", name),
        Dimension::Location => same("location", name),
        Dimension::Manager => same("manager_id", name),
        Dimension::JobLevel => same("job_level", name),
        Dimension::Tenure => match tenure_bounds(name) {
            Some((from, until)) if until >= MOST_YEARS => format!("tenure_years >= {from}"),
            Some((from, until)) if from > 0.0 => format!("tenure_years >= {from} AND tenure_years < {until}"),
            Some((_, until)) => format!("tenure_years < {until}"),
            None => String::new(),
        },
        Dimension::DepartmentAndTenure => uncrossed(name)
            .map(|(department, tenure)| {
                format!("{} AND {}", same("department", department), filter(Dimension::Tenure, tenure))
            })
            .unwrap_or_default(),
    }
}
