//! The at-risk list: who, how likely, how sure, why, and what comes next.

mod choices;
mod export;
mod filter;
mod row;

use askama::Template;
use axum::extract::{Query, State};
use flight_risk_proto::v1;
use flight_risk_proto::v1::risk_service_server::RiskService;

use crate::clock::today;
use crate::console::api::scored;
use crate::console::error::PageError;
use crate::console::frame::{Band, Choice, Frame, Notice, NoticeKind, Pager, Tab};
use crate::console::pages::at_risk::filter::{Asked, View};
use crate::console::pages::at_risk::row::Row;
use crate::console::pages::{Page, show};
use crate::console::site::Site;
use crate::console::visit::Visit;
use crate::console::words;
use crate::store::org_values::ValuesOf;

pub(crate) use choices::ChoiceCache;
pub(crate) use export::export;
pub(crate) use filter::quoted;

/// People on a page.
const PAGE_SIZE: i32 = 35;
/// Reasons told of each.
const REASONS: u32 = 3;
/// What the audit log says of those who look at the list and did not say why: the page itself says what it is for.
const PURPOSE: &str = "reviewing the at-risk list in the console";

#[derive(Template)]
#[template(path = "at_risk.html")]
struct ListPage {
    frame: Frame,
    view: View,
    tabs: Vec<Tab>,
    asked: Asked,
    departments: Vec<Choice>,
    locations: Vec<Choice>,
    levels: Vec<Choice>,
    bands: Vec<Choice>,
    critical: Vec<Choice>,
    years: Vec<Choice>,
    changed: Vec<Choice>,
    sorts: Vec<Choice>,
    /// What the form of the capacity keeps.
    beside_capacity: Vec<(String, String)>,
    /// Whether everybody on the page has an old score: said once then.
    all_stale: Option<String>,
    /// Whether any filter is set.
    filtered: bool,
    /// Whether who looks may see numbers.
    numbers: bool,
    rows: Vec<Row>,
    pager: Pager,
    outlook: Option<Notice>,
    within: String,
    typical: String,
    export_href: String,
    /// Whether the list is a file at once, rather than after a purpose was stated.
    may_export: bool,
    /// Whether nothing was recorded at all.
    nothing: bool,
}

/// The list.
pub(crate) async fn page(State(site): State<Site>, visit: Visit, Query(mut asked): Query<Asked>) -> Page {
    let numbers = site.core().gate.fields_of(&visit.caller).numbers;
    let capacity = asked.capacity(numbers)?;
    let look = async |asked: &Asked| -> Result<_, PageError> {
        let request = v1::ListAtRiskEmployeesRequest { page_size: PAGE_SIZE, ..asked.request(&visit, numbers)? };
        let (listed, covered) = tokio::join!(
            site.api().risk.list_at_risk_employees(visit.ask(request.clone())),
            covered(&site, &visit, &request, capacity),
        );
        Ok((listed?.into_inner(), covered?))
    };
    let values_of = if numbers { ValuesOf::ThoseAtRisk } else { ValuesOf::Everybody };
    let (found, choices) =
        tokio::join!(look(&asked), site.choices().of(&site.core().store, &visit.caller.scope, values_of));
    let (mut listed, mut covered) = found?;
    if let Some(named) = asked.by_name().filter(|_| listed.employees.is_empty()) {
        // No identifier begins so; perhaps a name does.
        (listed, covered) = look(&named).await?;
        asked = named;
    }
    let outlook = covered
        .filter(|covered| covered.length > 0)
        .map(|covered| outlook(&covered, &site.within(), asked.sort.is_empty()));
    // Those within the capacity are marked where the riskiest come first.
    let within = match capacity {
        Some(capacity) if asked.sort.is_empty() => (capacity as usize).saturating_sub(asked.place().before),
        _ => 0,
    };
    let most = listed.employees.iter().filter_map(scored).map(|told| told.high).fold(0.0, f64::max);
    let rows: Vec<Row> = listed.employees.iter().enumerate().map(|(i, risk)| Row::of(risk, i < within, most)).collect();
    let filtered = asked.is_filtered();
    let view = asked.view();
    let nothing = rows.is_empty() && !filtered && asked.page.is_empty();
    let listed_choices = |names: &[String], chosen: &str| {
        let mut all = vec![Choice::of("", "All", chosen)];
        if !chosen.is_empty() && !names.iter().any(|name| name == chosen) {
            all.push(Choice::of(chosen, chosen, chosen));
        }
        all.extend(names.iter().map(|name| Choice::of(name, name, chosen)));
        all
    };
    let sorts: &[(&str, &str)] = if numbers { &filter::SORTS } else { &filter::SORTS_WITHOUT_NUMBERS };
    let page = ListPage {
        frame: visit.frame(&site, "Who may leave", "/at-risk"),
        tabs: filter::tabs(&asked, numbers),
        departments: listed_choices(&choices.departments, &asked.department),
        locations: listed_choices(&choices.locations, &asked.location),
        levels: listed_choices(&choices.levels, &asked.level),
        bands: Choice::all(&filter::BANDS, &asked.band),
        years: Choice::all(&filter::YEARS, &asked.years),
        critical: Choice::all(&filter::CRITICAL, &asked.critical),
        changed: filter::changed(today(), &asked.changed)
            .iter()
            .map(|(day, label)| Choice::of(day, label, &asked.changed))
            .collect(),
        sorts: Choice::all(sorts, &asked.sort),
        beside_capacity: asked.beside_capacity(),
        all_stale: rows.first().filter(|_| rows.iter().all(|row| row.stale)).map(|row| row.as_of.clone()),
        filtered,
        numbers,
        pager: pager(&asked, &rows, &listed.next_page_token),
        rows,
        outlook,
        within: site.within(),
        typical: words::percent(site.base_rate()),
        may_export: visit.purpose().is_ok(),
        export_href: asked.first_page("/at-risk.csv"),
        nothing,
        view,
        asked,
    };
    show(&page)
}

/// What the first so many of a list cover; asked apart, so that the list goes on after them.
async fn covered(
    site: &Site,
    visit: &Visit,
    request: &v1::ListAtRiskEmployeesRequest,
    capacity: Option<i32>,
) -> Result<Option<v1::CapacityOutlook>, PageError> {
    let Some(capacity) = capacity else { return Ok(None) };
    let request = v1::ListAtRiskEmployeesRequest {
        page_size: 1,
        page_token: String::new(),
        order_by: String::new(),
        capacity: Some(capacity),
        max_factors: Some(0),
        ..request.clone()
    };
    Ok(site.api().risk.list_at_risk_employees(visit.ask(request)).await?.into_inner().capacity)
}

fn pager(asked: &Asked, rows: &[Row], next: &str) -> Pager {
    let said = match (rows.len(), asked.page.is_empty() && next.is_empty()) {
        (0, _) => String::new(),
        (shown, true) => format!("{}, all of them", words::count(shown, "person", "people")),
        (shown, false) => format!("{} on this page", words::count(shown, "person", "people")),
    };
    asked.place().pager(said, next, rows.len(), |place| asked.href("/at-risk", place))
}

/// What a list of so many people covers.
fn outlook(covered: &v1::CapacityOutlook, within: &str, marked: bool) -> Notice {
    let people = words::count(covered.length, "person", "people");
    let expected = words::about(covered.expected_leavers);
    let all = covered.expected_leavers_in_all;
    let share = match all >= 0.5 {
        true => {
            let share = words::percent(covered.expected_leavers / all);
            format!("; that is {share} of all who are expected to leave, {} people", words::about(all))
        }
        false => String::new(),
    };
    let (low, high) = (covered.expected_leavers_low, covered.expected_leavers_high);
    let where_marked =
        if marked { "They are marked below." } else { "They are marked when the highest risk comes first." };
    Notice::new(
        NoticeKind::Info,
        format!("If you talk to {people}: expect {expected} of them to leave {within} if nothing is done"),
        format!("Probably {low:.0} to {high:.0}{share}. {where_marked}"),
    )
}

/// What the address asks cannot be a list.
pub(super) fn wrong(what: &str) -> PageError {
    PageError::Form(what.to_owned())
}
