//! Where people leave: groups by how many left and were expected to, and by their mean risk.

mod heat;
mod line;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use flight_risk_proto::v1;
use flight_risk_proto::v1::insight_service_server::InsightService;
use serde::Deserialize;

use crate::console::charts::{Against, Chart, Groups, HiddenRows, Markup};
use crate::console::error::encoded;
use crate::console::frame::{Choice, Frame, Pager, Tab};
use crate::console::methods;
use crate::console::pages::hot_spots::heat::Cells;
use crate::console::pages::hot_spots::line::Line;
use crate::console::pages::place::Place;
use crate::console::pages::{Page, show};
use crate::console::site::Site;
use crate::console::visit::Visit;
use crate::console::words;

pub(in crate::console::pages) use line::members;

/// Groups on a page; of what is crossed all of them, for a table needs every cell.
const PAGE_SIZE: i32 = 50;
const CROSSED_PAGE_SIZE: i32 = 1_000;
/// Departments crossed with years that are drawn as a table; of more, the first.
const MOST_ROWS: usize = 60;

/// The pages.
pub(crate) fn routes() -> Router<Site> {
    Router::new().route("/hot-spots", get(page))
}

/// By what people are grouped: the name in addresses, the words, and the dimension of the API.
pub(in crate::console::pages) const DIMENSIONS: [(&str, &str, v1::GroupDimension); 6] = [
    ("crossed", "Department and years", v1::GroupDimension::DepartmentAndTenure),
    ("department", "Departments", v1::GroupDimension::Department),
    ("location", "Locations", v1::GroupDimension::Location),
    ("manager", "Teams", v1::GroupDimension::Manager),
    ("level", "Levels", v1::GroupDimension::JobLevel),
    ("tenure", "Years with the company", v1::GroupDimension::Tenure),
];

/// What stands in the address.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    by: String,
    order: String,
    cells: String,
    page: String,
    back: String,
}

/// What the cells of departments crossed with years are coloured by.
const CELLS: [(&str, &str); 2] = [("", "Left against expected"), (BY_RISK, "Mean risk against everybody’s")];
const BY_RISK: &str = "risk";

/// Orders.
const ORDERS: [(&str, &str); 4] = [
    ("", "More left than expected, first"),
    ("mean_risk desc", "Highest mean risk first"),
    ("employees desc", "Largest first"),
    ("group", "By name"),
];

#[derive(Template)]
#[template(path = "hot_spots.html")]
struct HotSpotsPage {
    frame: Frame,
    tabs: Vec<Tab>,
    by: &'static str,
    orders: Vec<Choice>,
    /// What cells can be coloured by; empty where there is nothing to choose.
    cells: Vec<Choice>,
    total: Option<Line>,
    /// From when to when exits were observed; absent while nothing was.
    observed: Option<String>,
    heat: Markup,
    dots: Option<Markup>,
    lines: Vec<Line>,
    /// Groups that are not shown, where no row of the table says it.
    hidden: u32,
    /// Why groups are not shown.
    why_hidden: String,
    within: String,
    pager: Pager,
    crossed: bool,
    read: Option<String>,
}

/// The groups.
async fn page(State(site): State<Site>, visit: Visit, Query(asked): Query<Asked>) -> Page {
    let known = DIMENSIONS.iter().find(|(name, _, _)| *name == asked.by);
    let &(by, _, dimension) = known.unwrap_or(&DIMENSIONS[0]);
    let crossed = dimension == v1::GroupDimension::DepartmentAndTenure;
    let order = ORDERS.iter().find(|(name, _)| *name == asked.order).map_or("", |(name, _)| *name);
    let request = v1::ListHotspotsRequest {
        group_by: dimension.into(),
        page_size: if crossed { CROSSED_PAGE_SIZE } else { PAGE_SIZE },
        page_token: asked.page.clone(),
        order_by: order.to_owned(),
        ..Default::default()
    };
    let told = site.api().insight.list_hotspots(visit.ask(request)).await?.into_inner();
    let observed = (!told.observed_from.is_empty())
        .then(|| format!("{} to {}", words::day(&told.observed_from), words::day(&told.observed_until)));
    let may_list = visit.may(methods::LIST_AT_RISK_EMPLOYEES);
    let most = told.hotspots.iter().map(|group| group.mean_risk_high).fold(0.0, f64::max);
    let base = told.total.as_ref().map_or(0.0, |total| total.mean_risk);
    let when = observed.clone().unwrap_or_default();
    let line = |group: &v1::Hotspot| {
        let mut line = Line::of(group, by, (base, most), &when, may_list);
        if crossed {
            // There are hundreds, and the heat map draws them.
            line.chart = None;
        }
        line
    };
    let cells = Cells { told: &told, by };
    // Before exits were observed the mean risk is what there is to compare.
    let against = match observed.is_none() || asked.cells == BY_RISK {
        true => Against::Everybody,
        false => Against::Expected,
    };
    let why_hidden = words::why_hidden(told.minimum_group_size);
    let next = told.next_page_token.as_str();
    let last = next.is_empty();
    let hidden = (last && told.suppressed_groups > 0).then(|| HiddenRows {
        label: words::count(told.suppressed_groups, "more group", "more groups"),
        reason: why_hidden.clone(),
    });
    let heat = match crossed {
        true => cells.crossed(against, MOST_ROWS),
        false => cells.of_one_kind(observed.is_some(), hidden),
    };
    let dots = (!crossed && observed.is_some()).then(|| Groups {
        title: "How many left, and how many were expected to".to_owned(),
        groups: told.hotspots.iter().filter_map(|group| line::dots(by, group)).collect(),
    });
    let said = words::count(told.hotspots.len(), "group", "groups");
    let href = |place: &Place| {
        let (page, back) = (encoded(&place.page), encoded(&place.back));
        format!("/hot-spots?by={by}&order={}&page={page}&back={back}", encoded(order))
    };
    let page = HotSpotsPage {
        frame: visit.frame(&site, "Where people leave", "/hot-spots"),
        tabs: DIMENSIONS
            .iter()
            .map(|(name, label, one)| Tab {
                label: (*label).to_owned(),
                count: None,
                href: format!("/hot-spots?by={name}"),
                current: *one == dimension,
            })
            .collect(),
        by,
        orders: Choice::all(&ORDERS, order),
        cells: if crossed && observed.is_some() { Choice::all(&CELLS, &asked.cells) } else { Vec::new() },
        total: told.total.as_ref().map(line),
        observed,
        heat: heat.figure(),
        dots: dots.filter(|dots| !dots.groups.is_empty()).map(|dots| dots.figure()),
        lines: told.hotspots.iter().map(line).collect(),
        hidden: if last { 0 } else { told.suppressed_groups },
        why_hidden,
        within: site.within(),
        pager: Place::of(&asked.page, "", &asked.back).pager(said, next, told.hotspots.len(), href),
        crossed,
        read: words::time(told.read_time.as_ref()),
    };
    show(&page)
}
