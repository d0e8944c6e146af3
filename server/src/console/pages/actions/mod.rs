//! What was promised: due, overdue, done, and what came of it.

mod line;
mod one;
mod outcomes;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::{get, post};
use flight_risk_proto::v1;
use flight_risk_proto::v1::action_service_server::ActionService;
use flight_risk_scoring::Day;
use serde::{Deserialize, Serialize};
use tonic::Status;
use tonic_types::StatusExt;

use crate::access::caller::{Scope, USER_ACTOR};
use crate::clock::today;
use crate::console::error::PageError;
use crate::console::frame::{Field, Frame, Pager, Tab};
use crate::console::methods;
use crate::console::pages::actions::outcomes::Outcomes;
use crate::console::pages::at_risk::quoted;
use crate::console::pages::place::Place;
use crate::console::pages::{Page, address, show};
use crate::console::site::Site;
use crate::console::visit::Visit;
use crate::console::words;

pub(crate) use line::Line;

/// Actions on a page.
const PAGE_SIZE: i32 = 50;
/// Days ahead within which an action counts as due.
const DUE_DAYS: i32 = 7;
/// A day after all.
const LAST_DAY: &str = "2199-12-31";
/// What the audit log says of those who look at actions and did not say why.
const PURPOSE: &str = "following up on actions in the console";

/// How to write a note.
pub(crate) const NOTE_HINT: &str = "What was agreed, in a line or two. Not what somebody said in confidence, nothing about health or \
family: others who look after the person read it, and the person may ask to.";

/// The pages.
pub(crate) fn routes() -> Router<Site> {
    Router::new()
        .route("/actions", get(page))
        .route("/actions/{id}", get(one::page))
        .route("/actions/{id}/change", post(one::change))
        .route("/actions/{id}/complete", post(one::complete))
}

/// What stands in the address. All of it is text: an empty field of a form is not set.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Asked {
    #[serde(skip_serializing_if = "String::is_empty")]
    view: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    who: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    page: String,
    /// The last day that counts as due, on all pages of a list: it may go on after midnight.
    #[serde(skip_serializing_if = "String::is_empty")]
    until: String,
    /// How many actions stand on the pages before.
    #[serde(skip_serializing_if = "String::is_empty")]
    before: String,
    /// The pages before.
    #[serde(skip_serializing_if = "String::is_empty")]
    back: String,
}

/// Which actions are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    /// Overdue, or due within days.
    Due,
    /// All under way.
    Open,
    /// Completed.
    Done,
    /// Cancelled.
    Dropped,
    /// No list: what came of them.
    Outcomes,
}

impl View {
    const ALL: [(Self, &'static str, &'static str); 5] = [
        (Self::Due, "", "Due"),
        (Self::Open, "open", "All under way"),
        (Self::Done, "done", "Done"),
        (Self::Dropped, "dropped", "Dropped"),
        (Self::Outcomes, "outcomes", "What came of it"),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(view, _, _)| *view == self).map_or("", |(_, name, _)| name)
    }

    /// Whether it is this one, for templates.
    fn is(self, name: &str) -> bool {
        self.name() == name
    }
}

impl Asked {
    /// Which page of the list is shown.
    fn place(&self) -> Place {
        Place::of(&self.page, &self.before, &self.back)
    }

    /// The address of a page of the same list.
    fn href(&self, place: &Place) -> String {
        // The first page begins anew, with the days of then.
        let until = if place.page.is_empty() { String::new() } else { self.until.clone() };
        let (page, back) = (place.page.clone(), place.back.clone());
        address("/actions", &Self { page, before: place.rows(), back, until, ..self.clone() })
    }
}

#[derive(Template)]
#[template(path = "actions.html")]
struct ActionsPage {
    frame: Frame,
    tabs: Vec<Tab>,
    view: View,
    asked: Asked,
    /// Addresses of the list of everybody and of the own, except the one that is shown.
    links: Vec<(String, &'static str)>,
    lines: Vec<Line>,
    overdue: usize,
    pager: Pager,
    outcomes: Option<Outcomes>,
}

/// The list, or what came of it.
async fn page(State(site): State<Site>, visit: Visit, Query(mut asked): Query<Asked>) -> Page {
    let lists = visit.may(methods::LIST_ACTIONS);
    let compares = visit.may(methods::COMPARE_ACTED_ON);
    if !lists && !compares {
        return Err(visit.refused(methods::LIST_ACTIONS));
    }
    let view = View::ALL.iter().find(|(_, name, _)| *name == asked.view).map_or(View::Due, |(view, _, _)| *view);
    let view = if lists { view } else { View::Outcomes };
    let view = if view == View::Outcomes && !compares { View::Due } else { view };
    asked.until = match view {
        View::Due if asked.until.parse::<Day>().is_ok() && !asked.page.is_empty() => asked.until,
        View::Due => today().plus_days(DUE_DAYS).to_string(),
        _ => String::new(),
    };
    let me = me(&visit);
    let (actions, next) = match view {
        View::Outcomes => (Vec::new(), String::new()),
        _ => listed(&site, &visit, view, &asked).await?,
    };
    let outcomes = match view {
        View::Outcomes => Some(outcomes::outcomes(&site, &visit).await?),
        _ => None,
    };
    let lines: Vec<Line> = actions.iter().map(Line::of).collect();
    let place = asked.place();
    let said = match (lines.len(), asked.page.is_empty() && next.is_empty()) {
        (0, _) => String::new(),
        (shown, true) => format!("{}, all of them", words::count(shown, "action", "actions")),
        (shown, false) => format!("{} to {}", place.before + 1, place.before + shown),
    };
    let tabs = View::ALL.iter().filter(|(view, _, _)| if *view == View::Outcomes { compares } else { lists }).map(
        |(one, name, label)| Tab {
            label: (*label).to_owned(),
            count: None,
            href: Asked { view: (*name).to_owned(), who: asked.who.clone(), ..Asked::default() }
                .href(&Place::default()),
            current: *one == view,
        },
    );
    let links = [("", "Everybody’s"), (me.as_str(), "Mine")].into_iter().filter(|(who, _)| *who != asked.who);
    let links = links.map(|(who, label)| {
        (Asked { view: asked.view.clone(), who: who.to_owned(), ..Asked::default() }.href(&Place::default()), label)
    });
    let page = ActionsPage {
        frame: visit.frame(&site, "Actions", "/actions"),
        tabs: tabs.collect(),
        view,
        links: links.collect(),
        overdue: lines.iter().filter(|line| line.is_overdue).count(),
        pager: place.pager(said, &next, lines.len(), |place| asked.href(place)),
        lines,
        outcomes,
        asked,
    };
    show(&page)
}

/// A page of actions, and the token of the next.
async fn listed(site: &Site, visit: &Visit, view: View, asked: &Asked) -> Result<(Vec<v1::Action>, String), PageError> {
    let purpose = visit.purpose_or(PURPOSE);
    let who = asked.who.trim().to_owned();
    let state = match view {
        View::Done => "COMPLETED",
        View::Dropped => "CANCELLED",
        View::Due | View::Open | View::Outcomes => {
            let due_by = match view {
                View::Due => asked.until.clone(),
                _ => LAST_DAY.to_owned(),
            };
            let request = v1::ListDueActionsRequest {
                page_size: PAGE_SIZE,
                page_token: asked.page.clone(),
                due_by,
                assignee: who,
                purpose,
            };
            let reply = site.api().actions.list_due_actions(visit.ask(request)).await?.into_inner();
            return Ok((reply.actions, reply.next_page_token));
        }
    };
    let mut filter = format!("state = {state}");
    if !who.is_empty() {
        filter.push_str(&format!(" AND assignee = {}", quoted(&who)));
    }
    let request = v1::ListActionsRequest { page_size: PAGE_SIZE, page_token: asked.page.clone(), filter, purpose };
    let reply = site.api().actions.list_actions(visit.ask(request)).await?.into_inner();
    Ok((reply.actions, reply.next_page_token))
}

/// Under which name who looks has actions: a manager by the identifier by which reports know them, others by their account.
pub(crate) fn me(visit: &Visit) -> String {
    match &visit.caller.scope {
        Scope::Reports { manager_id } => manager_id.clone(),
        Scope::All | Scope::Units { .. } => {
            let actor = &visit.caller.actor;
            actor.strip_prefix(USER_ACTOR).unwrap_or(actor).to_owned()
        }
    }
}

/// Puts what a service found wrong beside the fields of a form, by their paths; gives what belongs to none.
pub(crate) fn put_problems(status: &Status, names: &[(&str, &str)], fields: &mut [Field]) -> Vec<String> {
    let Some(bad) = status.get_details_bad_request() else { return vec![status.message().to_owned()] };
    let mut others = Vec::new();
    for violation in bad.field_violations {
        let name = names.iter().find(|(path, _)| *path == violation.field).map(|(_, name)| *name);
        match fields.iter_mut().find(|field| Some(field.name.as_str()) == name) {
            Some(field) => field.problem = Some(violation.description),
            None => others.push(violation.description),
        }
    }
    others
}

#[cfg(test)]
mod tests {
    use super::{Asked, Place};

    #[test]
    fn pages_of_a_list_have_the_same_last_day_and_the_first_begins_anew() {
        let asked = Asked { until: "2026-01-08".to_owned(), ..Asked::default() };
        let second = Place::default().next("token", 50);
        assert_eq!(asked.href(&second), "/actions?page=token&until=2026-01-08&before=50&back=0-");
        assert_eq!(asked.href(&Place::default()), "/actions");
    }
}
