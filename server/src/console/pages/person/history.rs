//! The score over time, and what changed from one to the next.

use flight_risk_proto::v1;
use flight_risk_proto::v1::risk_service_server::RiskService;
use flight_risk_scoring::Day;

use crate::console::charts::{Chart, Estimate, History, HistoryPoint, Markup, ModelChange};
use crate::console::error::PageError;
use crate::console::frame::Band;
use crate::console::methods;
use crate::console::pages::person::what_if::value_words;
use crate::console::site::Site;
use crate::console::visit::Visit;
use crate::console::words;

/// Scores that are looked at: most of a year of nightly ones.
const POINTS: i32 = 250;
/// Changes that are listed.
const MOST_CHANGES: usize = 12;

/// The past of a score.
pub(super) struct Past {
    pub(super) chart: Option<Markup>,
    /// The latest changes, the last one first.
    pub(super) changes: Vec<Changed>,
    pub(super) scores: String,
    pub(super) more: bool,
}

/// A score that differs from the one before.
pub(super) struct Changed {
    pub(super) day: String,
    pub(super) risk: String,
    pub(super) range: String,
    pub(super) band: Band,
    pub(super) what: String,
    /// The facts behind it, in words.
    pub(super) facts: Vec<String>,
}

/// The past of a person's score; `None` where who looks may not see it.
pub(super) async fn past(
    site: &Site,
    visit: &Visit,
    risk: &v1::EmployeeRisk,
    purpose: &str,
) -> Result<Option<Past>, PageError> {
    if risk.number_withheld || !visit.may(methods::LIST_EMPLOYEE_RISK_HISTORY) {
        return Ok(None);
    }
    let request = v1::ListEmployeeRiskHistoryRequest {
        parent: format!("employees/{}", risk.employee_id),
        page_size: POINTS,
        purpose: purpose.to_owned(),
        ..Default::default()
    };
    let reply = site.api().risk.list_employee_risk_history(visit.ask(request)).await?.into_inner();
    // Of several scores of a day the last one counts; the earliest day first.
    let mut points: Vec<&v1::RiskPoint> = Vec::new();
    for point in &reply.points {
        if points.last().is_none_or(|later| later.as_of > point.as_of) {
            points.push(point);
        }
    }
    points.reverse();
    let more = !reply.next_page_token.is_empty();
    let note_of = |(i, point): (usize, &&v1::RiskPoint)| match i.checked_sub(1).and_then(|b| points.get(b)) {
        Some(before) => note(before, point),
        // There are earlier ones that were not read.
        None if more => String::new(),
        None => "first score that is kept".to_owned(),
    };
    let notes: Vec<String> = points.iter().enumerate().map(note_of).collect();
    let facts = |point: &v1::RiskPoint| point.changed_facts.iter().map(|fact| changed_fact(site, fact)).collect();
    let changes = points
        .iter()
        .zip(&notes)
        .filter(|(_, note)| !note.is_empty())
        .map(|(point, note)| Changed { facts: facts(point), ..changed(point, note) });
    let mut changes: Vec<Changed> = changes.collect();
    changes.reverse();
    changes.truncate(MOST_CHANGES);
    Ok(Some(Past { chart: chart(&points, &notes), changes, scores: words::count(points.len(), "day", "days"), more }))
}

/// What changed since the score before; empty where nothing did.
fn note(before: &v1::RiskPoint, now: &v1::RiskPoint) -> String {
    let mut parts = Vec::new();
    match (before.risk, now.risk) {
        (Some(was), Some(is)) => {
            let change = words::change(was, is);
            if change != "unchanged" {
                parts.push(change);
            }
            if before.band() != now.band() {
                parts.push(format!("from {} to {}", lower(before.band()), lower(now.band())));
            }
        }
        (Some(_), None) => parts.push("the model no longer knew enough".to_owned()),
        (None, Some(_)) => parts.push("the model knew enough again".to_owned()),
        (None, None) => {}
    }
    if before.model_version != now.model_version {
        parts.push("another model: part of the difference may be its".to_owned());
    }
    parts.join("; ")
}

fn lower(band: v1::RiskBand) -> String {
    words::band(band).to_lowercase()
}

fn changed(point: &v1::RiskPoint, note: &str) -> Changed {
    Changed {
        day: words::day(&point.as_of),
        risk: point.risk.map_or_else(String::new, words::percent),
        range: match (point.low, point.high) {
            (Some(low), Some(high)) => words::percent_range(low, high),
            _ => String::new(),
        },
        band: Band::of(point.band()),
        what: note.to_owned(),
        facts: Vec::new(),
    }
}

fn changed_fact(site: &Site, fact: &v1::ChangedFact) -> String {
    let text = |value| value_words(site, &fact.feature, value);
    let effect = match fact.direction() {
        v1::FactorDirection::Raises => ": raises the risk",
        v1::FactorDirection::Lowers => ": lowers the risk",
        v1::FactorDirection::None | v1::FactorDirection::Unspecified => "",
    };
    match (text(fact.after.as_ref()), text(fact.before.as_ref())) {
        // A fact of an earlier model: what its values mean is not known any more.
        (after, before) if after.is_empty() || before.is_empty() => format!("{} changed{effect}", fact.label),
        (after, before) => format!("{}, {after} instead of {before}{effect}", fact.label),
    }
}

fn chart(points: &[&v1::RiskPoint], notes: &[String]) -> Option<Markup> {
    let day = |point: &v1::RiskPoint| point.as_of.parse::<Day>().ok().map(Day::epoch_days);
    let drawn: Vec<HistoryPoint> = points
        .iter()
        .zip(notes)
        .filter_map(|(point, note)| {
            Some(HistoryPoint {
                day: day(point)?,
                label: words::day(&point.as_of),
                risk: match (point.risk, point.low, point.high) {
                    (Some(risk), Some(low), Some(high)) => Estimate::share(risk, low, high),
                    _ => None,
                },
                note: note.clone(),
            })
        })
        .collect();
    let models = points.windows(2).filter_map(|pair| {
        let [before, now] = pair else { return None };
        let label = format!("model {} from {}", now.model_version, words::day(&now.as_of));
        (before.model_version != now.model_version).then_some(ModelChange { day: day(now)?, label })
    });
    let models = models.collect();
    // One score is no history.
    (drawn.len() > 1).then(|| History { title: "The score over time".to_owned(), points: drawn, models }.figure())
}
