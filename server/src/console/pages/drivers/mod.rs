//! What moves the risk in the company, or in one group of it: now, in an earlier month, and what each feature does.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use flight_risk_proto::v1;
use flight_risk_proto::v1::insight_service_server::InsightService;
use flight_risk_proto::v1::model_service_server::ModelService;
use serde::Deserialize;
use tonic::{Code, Status};

use crate::console::charts::{Chart, Markup, Share, Trend, TrendMonth};
use crate::console::error::PageError;
use crate::console::frame::{Choice, Crumb, Frame};
use crate::console::methods;
use crate::console::pages::hot_spots::{DIMENSIONS, members, named};
use crate::console::pages::model::feature;
use crate::console::pages::{Page, show};
use crate::console::site::Site;
use crate::console::visit::Visit;
use crate::console::words;

/// Drivers on the page.
const DRIVERS: i32 = 15;
/// Drivers whose curve is on the page; those of the others are a link away.
const CURVES: usize = 5;
/// Months back.
const MONTHS: u32 = 24;

/// The pages.
pub(crate) fn routes() -> Router<Site> {
    Router::new().route("/drivers", get(page))
}

/// What stands in the address.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    by: String,
    group: String,
    month: String,
}

#[derive(Template)]
#[template(path = "drivers.html")]
struct DriversPage {
    frame: Frame,
    /// The group in words; absent: everybody whom who looks may see.
    group: Option<String>,
    by: String,
    name: String,
    dimensions: Vec<Choice>,
    months: Vec<Choice>,
    /// Why there is nothing to show.
    hidden: Option<&'static str>,
    people: String,
    lines: Vec<Line>,
    /// The month beside which they stand.
    then: Option<String>,
    /// Why the earlier month is not shown.
    then_hidden: bool,
    other_model: bool,
    trend: Option<Markup>,
    hidden_months: u32,
    /// Why there is no trend yet.
    waiting: Option<String>,
    curves: Vec<Markup>,
    within: String,
    /// Where the people of the group are listed, for whom may list them.
    list: Option<String>,
    read: Option<String>,
}

/// A driver.
struct Line {
    label: String,
    /// Where its curve is, for whom may see the model.
    href: Option<String>,
    family: &'static str,
    /// Its strength beside the strongest, in hundredths, for a bar.
    share: u32,
    raised: String,
    mean: String,
    actionable: bool,
    confidential: bool,
    log_odds: String,
    /// Its place in the month that is compared with.
    then: String,
}

/// What is said in the place of a trend that is being worked out.
const WAITING: &str =
    "This is being worked out for the first time since something changed. Open the page again in a moment.";

async fn page(State(site): State<Site>, visit: Visit, Query(asked): Query<Asked>) -> Page {
    let known = DIMENSIONS.iter().find(|(name, _, _)| *name == asked.by && !asked.group.trim().is_empty());
    let dimension = known.map_or(v1::GroupDimension::Unspecified, |&(_, _, dimension)| dimension);
    let by = known.map_or("", |&(by, _, _)| by);
    let group = known.map_or(String::new(), |_| asked.group.trim().to_owned());
    let request = |month: &str| v1::ListDriversRequest {
        group_by: dimension.into(),
        group: group.clone(),
        page_size: DRIVERS,
        as_of_month: month.to_owned(),
        ..Default::default()
    };
    let trend = v1::GetTrendRequest { group_by: dimension.into(), group: group.clone(), months: MONTHS };
    let insight = &site.api().insight;
    let (now, trend, effects) = tokio::join!(
        insight.list_drivers(visit.ask(request(""))),
        insight.get_trend(visit.ask(trend)),
        effects(&site, &visit),
    );
    let (now, hidden) = match now {
        Ok(now) => (now.into_inner(), None),
        Err(status) => (v1::ListDriversResponse::default(), Some(why_hidden(status)?)),
    };
    let then = match (hidden, asked.month.as_str()) {
        (None, month) if !month.is_empty() => match insight.list_drivers(visit.ask(request(month))).await {
            Ok(then) => Some(then.into_inner()),
            Err(status) => {
                why_hidden(status)?;
                None
            }
        },
        _ => None,
    };
    // A trend that is being worked out is no reason to keep the rest back.
    let waiting = trend.as_ref().err().filter(|status| status.code() == Code::Unavailable);
    let waiting = waiting.map(|_| WAITING.to_owned());
    let trend = trend.map(tonic::Response::into_inner).unwrap_or_default();
    let strongest = now.drivers.iter().map(|driver| driver.mean_strength_log_odds).fold(0.0, f64::max);
    let lines = now.drivers.iter().map(|driver| line(driver, strongest, then.as_ref(), effects.as_ref())).collect();
    let curves = now.drivers.iter().take(CURVES).filter_map(|driver| curve(effects.as_ref()?, &driver.feature));
    let mut frame = visit.frame(&site, "What moves the risk", "/drivers");
    let words_of_group = known.map(|&(by, _, _)| match (by, named(by, &group)) {
        ("manager", name) => format!("The team of {name}"),
        ("level", name) => format!("Level {name}"),
        ("tenure", name) => format!("{name} with the company"),
        (_, name) => name,
    });
    if words_of_group.is_some() {
        frame.breadcrumbs = vec![Crumb { label: "Everybody".to_owned(), href: "/drivers".to_owned() }];
    }
    let may_list = hidden.is_none() && visit.may(methods::LIST_AT_RISK_EMPLOYEES);
    let list = known.filter(|_| may_list).and_then(|&(by, _, _)| members(by, &group));
    let page = DriversPage {
        frame,
        dimensions: std::iter::once(Choice::of("", "Everybody", by))
            .chain(DIMENSIONS.iter().map(|&(name, label, _)| Choice::of(name, label, by)))
            .collect(),
        months: months(&trend, &asked.month),
        people: words::count(now.employees, "person", "people"),
        lines,
        other_model: then.as_ref().is_some_and(|then| then.model_version != now.model_version),
        then_hidden: hidden.is_none() && then.is_none() && !asked.month.is_empty(),
        then: then.map(|_| month(&asked.month)),
        hidden,
        waiting,
        hidden_months: trend.suppressed_months,
        trend: drawn(&trend),
        curves: curves.collect(),
        group: words_of_group,
        by: asked.by,
        name: group,
        within: site.within(),
        list,
        read: words::time(now.read_time.as_ref()),
    };
    show(&page)
}

/// What is said where a group, or a month of it, is not shown; every other refusal is the page's.
fn why_hidden(status: Status) -> Result<&'static str, PageError> {
    match status.code() {
        Code::FailedPrecondition => Ok(
            "There is no such group, it has fewer people than may be shown, or so few could be found out by subtracting other figures.",
        ),
        _ => Err(status.into()),
    }
}

/// The features of the active model with their effects, for whom may see them.
async fn effects(site: &Site, visit: &Visit) -> Option<v1::Model> {
    if !visit.may(methods::GET_MODEL) {
        return None;
    }
    let request = v1::GetModelRequest { name: "models/active".to_owned() };
    site.api().models.get_model(visit.ask(request)).await.ok()?.into_inner().model
}

fn curve(model: &v1::Model, name: &str) -> Option<Markup> {
    feature::picture(model.features.iter().find(|feature| feature.name == name)?)
}

fn line(
    driver: &v1::Driver,
    strongest: f64,
    then: Option<&v1::ListDriversResponse>,
    model: Option<&v1::Model>,
) -> Line {
    let strength = driver.mean_strength_log_odds;
    let place = |then: &v1::ListDriversResponse| {
        let place = then.drivers.iter().position(|one| one.feature == driver.feature);
        place.map_or_else(|| format!("not among the first {DRIVERS}"), |place| format!("number {}", place + 1))
    };
    Line {
        label: driver.label.clone(),
        href: model.map(|model| feature::href(&model.version, &driver.feature)),
        family: feature::family(driver.family()),
        share: if strongest > 0.0 { (100.0 * strength / strongest).round() as u32 } else { 0 },
        raised: words::percent(driver.raised_share),
        mean: driver.mean_value.map_or_else(String::new, |mean| {
            let feature = model.and_then(|model| model.features.iter().find(|one| one.name == driver.feature));
            feature::value(mean, feature.map_or(v1::FeatureUnit::Unspecified, |feature| feature.unit()))
        }),
        actionable: driver.actionable,
        confidential: driver.confidential,
        log_odds: format!("{:+.2} on average, {strength:.2} regardless of the sign", driver.mean_contribution_log_odds),
        then: then.map_or_else(String::new, place),
    }
}

/// A month as people write it.
fn month(iso: &str) -> String {
    let day = words::day(&format!("{iso}-01"));
    day.strip_prefix("1 ").unwrap_or(iso).to_owned()
}

/// The months to compare with: those of the trend but the last, which is now.
fn months(trend: &v1::GetTrendResponse, chosen: &str) -> Vec<Choice> {
    let earlier = trend.points.split_last().map_or(&[][..], |(_, earlier)| earlier);
    let mut all = vec![Choice::of("", "no earlier month", chosen)];
    all.extend(earlier.iter().rev().map(|point| Choice::of(&point.month, month(&point.month), chosen)));
    all
}

fn drawn(trend: &v1::GetTrendResponse) -> Option<Markup> {
    if trend.points.len() < 2 {
        return None;
    }
    let months = trend
        .points
        .iter()
        .map(|point| TrendMonth {
            label: month(&point.month),
            mean_risk: Share::new(point.mean_risk),
            exits: point.observed_exits,
        })
        .collect();
    Some(Trend { title: "Mean risk and exits, month by month".to_owned(), months }.figure())
}
