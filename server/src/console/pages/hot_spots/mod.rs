//! Where people leave: groups by how many left and were expected to, and by their mean risk.

mod heat;
mod line;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use flight_risk_proto::v1;
use flight_risk_proto::v1::insight_service_server::InsightService;
use flight_risk_scoring::wording::numbers;
use serde::Deserialize;

use crate::console::charts::{Against, Chart, Groups, HiddenRows, Markup};
use crate::console::error::encoded;
use crate::console::frame::{Choice, Frame, Pager, Tab};
use crate::console::methods;
use crate::console::pages::hot_spots::heat::{Cells, MOST_ROWS, Rows};
use crate::console::pages::hot_spots::line::Line;
use crate::console::pages::place::Place;
use crate::console::pages::{Page, show};
use crate::console::site::Site;
use crate::console::visit::Visit;
use crate::console::words;

pub(in crate::console::pages) use line::{members, named};

/// Groups in the table of a page: so many that the page stays small.
const PAGE_SIZE: i32 = 20;
/// Groups of two kinds that are asked for to draw them: a heat map needs every cell.
const MOST_CELLS: i32 = 1_000;

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
    /// From which department on the heat map is drawn, by name; empty: the hottest.
    rows: String,
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
    /// How many people there are in all.
    everybody: String,
    /// From when to when exits were observed; absent while nothing was.
    observed: Option<String>,
    /// Absent on the later pages of a table of which the first has all of it.
    heat: Option<Markup>,
    /// Which departments are drawn, where not all are.
    drawn: Option<Drawn>,
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

/// Which rows of a large heat map are drawn.
struct Drawn {
    said: String,
    /// The ways to the others: label and address.
    others: Vec<(String, String)>,
}

impl Drawn {
    /// Of so many departments; `None` where all of them are drawn. `href` gives the address of other rows.
    fn of(rows: Rows, all: usize, against: Against, href: impl Fn(&str) -> String) -> Option<Self> {
        if all <= MOST_ROWS {
            return None;
        }
        let from = |first: usize| href(&first.to_string());
        Some(match rows {
            Rows::Hottest => {
                let furthest = match against {
                    Against::Expected => "furthest above what was expected",
                    Against::Everybody => "with the highest mean risk",
                };
                Self {
                    said: format!("Drawn are the {MOST_ROWS} of {all} departments that have the groups {furthest}."),
                    others: vec![("All departments by name".to_owned(), from(0))],
                }
            }
            Rows::From(first) => {
                let end = first.saturating_add(MOST_ROWS).min(all);
                let before = (first > 0).then(|| ("Those before".to_owned(), from(first.saturating_sub(MOST_ROWS))));
                let after = (end < all).then(|| ("Those after".to_owned(), from(end)));
                let hottest = ("The hottest".to_owned(), href(""));
                Self {
                    said: format!("Drawn are departments {} to {end} of {all}, by name.", first.min(end) + 1),
                    others: before.into_iter().chain(after).chain([hottest]).collect(),
                }
            }
        })
    }
}

/// The groups.
async fn page(State(site): State<Site>, visit: Visit, Query(asked): Query<Asked>) -> Page {
    let known = DIMENSIONS.iter().find(|(name, _, _)| *name == asked.by);
    let &(by, _, dimension) = known.unwrap_or(&DIMENSIONS[0]);
    let crossed = dimension == v1::GroupDimension::DepartmentAndTenure;
    let order = ORDERS.iter().find(|(name, _)| *name == asked.order).map_or("", |(name, _)| *name);
    let ask = async |page_size, page_token: &str, order_by: &str| {
        let (page_token, order_by) = (page_token.to_owned(), order_by.to_owned());
        let group_by = dimension.into();
        let request = v1::ListHotspotsRequest { group_by, page_size, page_token, order_by, ..Default::default() };
        site.api().insight.list_hotspots(visit.ask(request)).await
    };
    let told = ask(PAGE_SIZE, &asked.page, order).await?.into_inner();
    let all_cells = match crossed && asked.page.is_empty() {
        true => Some(ask(MOST_CELLS, "", "").await?.into_inner()),
        false => None,
    };
    let observed = (!told.observed_from.is_empty())
        .then(|| format!("{} to {}", words::day(&told.observed_from), words::day(&told.observed_until)));
    let may_list = visit.may(methods::LIST_AT_RISK_EMPLOYEES);
    let most = told.hotspots.iter().map(|group| group.mean_risk_high).fold(0.0, f64::max);
    let base = told.total.as_ref().map_or(0.0, |total| total.mean_risk);
    let when = observed.clone().unwrap_or_default();
    let line = |group: &v1::Hotspot| {
        let mut line = Line::of(group, by, (base, most), &when, may_list);
        if crossed {
            // The heat map draws them.
            line.chart = None;
        }
        line
    };
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
    let rows = asked.rows.parse().map_or(Rows::Hottest, Rows::From);
    let heat = match (&all_cells, crossed) {
        (Some(told), _) if told.departments.len() > MOST_ROWS => Some(Cells { told, by }.crossed(against, rows)),
        (Some(told), _) => Some(Cells { told, by }.crossed(against, Rows::From(0))),
        (None, true) => None,
        (None, false) => Some(Cells { told: &told, by }.of_one_kind(observed.is_some(), hidden)),
    };
    let drawn = all_cells.as_ref().and_then(|told| {
        Drawn::of(rows, told.departments.len(), against, |rows| {
            format!("/hot-spots?by={by}&order={}&cells={}&rows={rows}", encoded(order), encoded(&asked.cells))
        })
    });
    let dots = (!crossed && observed.is_some()).then(|| Groups {
        title: "How many left, and how many were expected to".to_owned(),
        groups: told.hotspots.iter().filter_map(|group| line::dots(by, group)).collect(),
    });
    let said = words::count(told.hotspots.len(), "group", "groups");
    let href = |place: &Place| {
        let (page, back) = (encoded(&place.page), encoded(&place.back));
        format!("/hot-spots?by={by}&order={}&cells={}&page={page}&back={back}", encoded(order), encoded(&asked.cells))
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
        // Nothing is coloured on the later pages of the table.
        cells: if all_cells.is_some() && observed.is_some() { Choice::all(&CELLS, &asked.cells) } else { Vec::new() },
        total: told.total.as_ref().map(line),
        everybody: told.total.as_ref().map_or_else(String::new, |total| numbers::count(total.employees)),
        observed,
        heat: heat.map(|heat| heat.figure()),
        drawn,
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
