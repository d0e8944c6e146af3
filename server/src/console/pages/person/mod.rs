//! A person: what is known of the risk, why, and what can be done.
//!
//! Everything here is what the services answer about the person to whoever is signed in. The first question is the risk itself; who is
//! not answered it is asked nothing else, so that the audit log has one refusal and not six.

mod actions;
mod exit;
mod factors;
mod headline;
mod history;
mod joint;
mod left;
mod start;
mod team;
mod what_if;

use askama::Template;
use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::routing::{get, post};
use flight_risk_proto::v1;
use flight_risk_proto::v1::action_service_server::ActionService;
use flight_risk_proto::v1::risk_service_server::RiskService;

use crate::console::error::{PageError, encoded};
use crate::console::frame::{Crumb, Frame, Notice, NoticeKind};
use crate::console::methods;
use crate::console::pages::actions::Line;
use crate::console::pages::at_risk::quoted;
use crate::console::pages::person::actions::Recommended;
use crate::console::pages::person::factors::Factors;
use crate::console::pages::person::headline::{Headline, Unknown};
use crate::console::pages::person::history::Past;
use crate::console::pages::person::team::Team;
use crate::console::pages::person::what_if::{Smallest, WhatIf};
use crate::console::pages::{Page, show};
use crate::console::site::Site;
use crate::console::visit::Visit;
use crate::console::words;
use crate::grpc::Left;

/// Actions of a person that are shown.
const ACTIONS: i32 = 50;

/// The pages.
pub(crate) fn routes() -> Router<Site> {
    Router::new()
        .route("/people/{id}", get(page))
        .route("/people/{id}/actions", post(start::start))
        .route("/people/{id}/actions/new", get(start::page))
        .route("/people/{id}/exit", get(exit::page).post(exit::record))
        .route("/people/{id}/exit/withdraw", get(exit::withdraw_page).post(exit::withdraw))
}

/// What the model says, as far as it may be shown.
enum Answer {
    /// A probability.
    Risk(Box<Told>),
    /// That it does not know.
    Unknown(Unknown),
    /// Nothing that who looks may see.
    Withheld,
}

/// A probability and what belongs to it.
struct Told {
    headline: Headline,
    factors: Factors,
}

#[derive(Template)]
#[template(path = "person.html")]
struct PersonPage {
    frame: Frame,
    id: String,
    name: Option<String>,
    href: String,
    facts: Vec<(&'static str, String)>,
    critical: bool,
    answer: Answer,
    team: Team,
    past: Option<Past>,
    what_if: Option<WhatIf>,
    smallest: Option<Smallest>,
    recommended: Vec<Recommended>,
    /// None where who looks may not see actions.
    actions: Option<Vec<Line>>,
    more_actions: bool,
    purpose: String,
    purpose_href: String,
    may_start: bool,
    may_record_exit: bool,
    export_href: Option<String>,
}

/// Where a person's page is.
pub(crate) fn href(id: &str) -> String {
    format!("/people/{}", encoded(id))
}

/// Where the purpose is changed; the way back leads to the page of this person.
fn purpose_href(id: &str) -> String {
    format!("/purpose?next={}", encoded(&href(id)))
}

/// The latest risk of a person.
async fn risk_of(site: &Site, visit: &Visit, id: &str, purpose: &str) -> Result<v1::EmployeeRisk, PageError> {
    let request = v1::GetEmployeeRiskRequest { name: format!("employees/{id}/risk"), purpose: purpose.to_owned() };
    let reply = site.api().risk.get_employee_risk(visit.ask(request)).await?.into_inner();
    reply.risk.ok_or(PageError::Page)
}

/// Whom a form is about.
struct Person {
    id: String,
    /// How they are called.
    title: String,
    /// The exit of somebody who left.
    left: Option<Left>,
}

/// Somebody whom who looks may see, whether they left or not.
async fn person_of(site: &Site, visit: &Visit, id: &str, purpose: &str) -> Result<Person, PageError> {
    if let Some(left) = left::exit_of(site, visit, id, purpose).await? {
        return Ok(Person::gone(id, left));
    }
    let risk = risk_of(site, visit, id, purpose).await?;
    Ok(Person { title: title(&risk), id: risk.employee_id, left: None })
}

/// How a person is called: the name where one is kept, and the identifier.
fn title(risk: &v1::EmployeeRisk) -> String {
    match risk.org.as_ref().and_then(|org| org.display_name.as_deref()) {
        Some(name) => format!("{name} ({})", risk.employee_id),
        None => risk.employee_id.clone(),
    }
}

/// The way to a person, for the pages that belong to it.
fn crumbs(visit: &Visit, person: Option<(&str, String)>) -> Vec<Crumb> {
    let list = visit.may(methods::LIST_AT_RISK_EMPLOYEES);
    let list = list.then(|| Crumb { label: "At risk".to_owned(), href: "/at-risk".to_owned() });
    list.into_iter().chain(person.map(|(id, label)| Crumb { label, href: href(id) })).collect()
}

/// The page of a person.
async fn page(State(site): State<Site>, visit: Visit, Path(id): Path<String>, RawQuery(query): RawQuery) -> Page {
    let purpose = visit.purpose()?;
    if let Some(left) = left::exit_of(&site, &visit, &id, &purpose).await? {
        return left::page(&site, &visit, &id, &left, &purpose).await;
    }
    let risk = risk_of(&site, &visit, &id, &purpose).await?;
    let tried = what_if::asked(query.as_deref().unwrap_or_default());
    let (past, actions, smallest, what_if, team) = tokio::join!(
        history::past(&site, &visit, &risk, &purpose),
        listed(&site, &visit, &id, &purpose),
        what_if::smallest(&site, &visit, &risk, &purpose),
        what_if::what_if(&site, &visit, &risk, &tried, &purpose),
        team::team(&site, &visit, &risk),
    );
    let actions = actions?;
    let org = risk.org.clone().unwrap_or_default();
    let answer = match &risk.outcome {
        Some(v1::employee_risk::Outcome::Assessment(told)) => Answer::Risk(Box::new(Told {
            headline: Headline::of(&site, told, &risk, &team),
            factors: Factors::of(&site, told, &risk.model_version),
        })),
        Some(v1::employee_risk::Outcome::Abstention(told)) => {
            Answer::Unknown(Unknown::of(&site, told, &risk.model_version))
        }
        None => Answer::Withheld,
    };
    let mut frame = visit.frame(&site, title(&risk), "/at-risk");
    frame.breadcrumbs = crumbs(&visit, None);
    if risk.stale {
        frame.notices.push(Notice::new(
            NoticeKind::Caution,
            format!("The facts are of {}", words::day(&risk.as_of)),
            "That is older than they should be. Ask for a new score before you act on what stands here.",
        ));
    }
    let may_start = visit.may(methods::CREATE_ACTION);
    show(&PersonPage {
        href: href(&id),
        name: org.display_name.clone(),
        facts: facts(&org, &risk),
        critical: org.critical_role == Some(true),
        recommended: risk.recommended_actions.iter().map(|told| Recommended::of(&site, told, &id)).collect(),
        purpose_href: purpose_href(&id),
        purpose,
        may_start,
        may_record_exit: visit.may(methods::REPORT_EXIT),
        export_href: visit.may(methods::EXPORT_EMPLOYEE).then(|| format!("/privacy/person?id={}", encoded(&id))),
        more_actions: actions.as_ref().is_some_and(|(_, more)| *more),
        actions: actions.map(|(lines, _)| lines),
        past: past?,
        what_if: what_if?,
        smallest: smallest?,
        answer,
        team,
        frame,
        id,
    })
}

/// Where the person stands, in words.
fn facts(org: &v1::OrgFacts, risk: &v1::EmployeeRisk) -> Vec<(&'static str, String)> {
    let years = org.tenure_years.map(|years| match years {
        years if years < 1.0 => "less than a year".to_owned(),
        years => words::count(years as u64, "year", "years"),
    });
    let facts = [
        ("Department", org.department.clone()),
        ("Location", org.location.clone()),
        ("Level", org.job_level.clone()),
        ("Reports to", org.manager_id.clone()),
        ("With the company", years),
        ("Facts known on", Some(words::day(&risk.as_of))),
        ("Scored on", Some(words::day_of(risk.score_time.as_ref()))),
    ];
    facts.into_iter().filter_map(|(label, value)| Some((label, value.filter(|value| !value.is_empty())?))).collect()
}

/// The person's actions, and whether there are more; `None` where who looks may not see them.
async fn listed(site: &Site, visit: &Visit, id: &str, purpose: &str) -> Result<Option<(Vec<Line>, bool)>, PageError> {
    if !visit.may(methods::LIST_ACTIONS) {
        return Ok(None);
    }
    let request = v1::ListActionsRequest {
        page_size: ACTIONS,
        filter: format!("employee_id = {}", quoted(id)),
        purpose: purpose.to_owned(),
        ..Default::default()
    };
    let reply = site.api().actions.list_actions(visit.ask(request)).await?.into_inner();
    Ok(Some((reply.actions.iter().map(Line::of).collect(), !reply.next_page_token.is_empty())))
}
