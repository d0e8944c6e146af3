//! Why somebody looks at people: asked once per session, before the first person is opened, for the audit log.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;

use crate::console::frame::{Frame, Notice, NoticeKind};
use crate::console::pages::sign_in::own_page;
use crate::console::pages::{Page, show};
use crate::console::posted::Posted;
use crate::console::site::Site;
use crate::console::visit::Visit;
use crate::limits::MAX_TEXT_BYTES;

/// What people usually come for.
const USUAL: [&str; 4] = [
    "Preparing a conversation with the person",
    "Reviewing the at-risk list with the manager",
    "Following up on an action",
    "Answering a question of the person about their own data",
];

/// Where to go afterwards.
#[derive(Debug, Deserialize)]
pub(crate) struct Next {
    #[serde(default)]
    next: String,
}

/// The form.
#[derive(Debug, Deserialize)]
pub(crate) struct Stated {
    #[serde(default)]
    usual: String,
    #[serde(default)]
    other: String,
    #[serde(default)]
    next: String,
}

#[derive(Template)]
#[template(path = "purpose.html")]
struct PurposePage {
    frame: Frame,
    usual: &'static [&'static str],
    other: String,
    next: String,
    problem: Option<Notice>,
}

/// Asks for the purpose.
pub(crate) async fn page(State(site): State<Site>, visit: Visit, Query(query): Query<Next>) -> Page {
    ask(&site, &visit, query.next, String::new(), None)
}

fn ask(site: &Site, visit: &Visit, next: String, other: String, problem: Option<&'static str>) -> Page {
    let problem = problem.map(|text| Notice::new(NoticeKind::Error, "", text));
    show(&PurposePage {
        frame: visit.frame(site, "Why do you look at a person?", ""),
        usual: &USUAL,
        other,
        next,
        problem,
    })
}

/// Keeps it, and goes on.
pub(crate) async fn state(State(site): State<Site>, posted: Posted<Stated>) -> Page {
    let Posted { mut visit, form } = posted;
    let other = form.other.trim();
    let purpose = if other.is_empty() { form.usual.trim() } else { other };
    let problem = if purpose.is_empty() {
        Some("Choose one of the reasons, or write your own.")
    } else if purpose.len() > MAX_TEXT_BYTES {
        Some("That is too long: at most 256 characters.")
    } else {
        None
    };
    if problem.is_some() {
        return ask(&site, &visit, form.next, form.other, problem);
    }
    visit.set_purpose(purpose.to_owned()).await?;
    Ok(Redirect::to(own_page(&form.next)).into_response())
}
