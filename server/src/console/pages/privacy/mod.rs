//! The rights of the people whom the scores are about: to see what is held, to have it erased, and to be told.

mod erase;
mod export;
mod markdown;
mod notice;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use serde::Deserialize;

use crate::console::frame::{Frame, Notice, NoticeKind, Tab};
use crate::console::methods;
use crate::console::pages::{Page, show};
use crate::console::site::Site;
use crate::console::visit::Visit;
use crate::console::words::count;

/// The pages.
pub(crate) fn routes() -> Router<Site> {
    Router::new()
        .route("/privacy", get(page))
        .route("/privacy/person", get(export::page))
        .route("/privacy/person.json", get(export::file))
        .route("/privacy/erase", get(erase::ask).post(erase::erase))
        .route("/privacy/notice", get(notice::page))
        .route("/privacy/notice.txt", get(notice::file))
}

#[derive(Template)]
#[template(path = "privacy.html")]
struct PrivacyPage {
    frame: Frame,
    tabs: Vec<Tab>,
    may_erase: bool,
}

/// What an erasure did, told on the page that follows it.
#[derive(Debug, Default, Deserialize)]
struct Erased {
    scores: Option<u64>,
    actions: Option<u64>,
    others: Option<u64>,
    kept: Option<u64>,
}

/// Whom it is about.
#[derive(Debug, Deserialize)]
struct About {
    #[serde(default)]
    id: String,
}

async fn page(State(site): State<Site>, visit: Visit, Query(erased): Query<Erased>) -> Page {
    visit.permitted(methods::EXPORT_EMPLOYEE)?;
    let mut frame = visit.frame(&site, "Privacy", "/privacy");
    if let (Some(scores), Some(actions), Some(others), Some(kept)) =
        (erased.scores, erased.actions, erased.others, erased.kept)
        && visit.was_led_here()
    {
        frame.notices = vec![counts(scores, actions, others, kept)];
    }
    show(&PrivacyPage { frame, tabs: tabs("/privacy"), may_erase: visit.may(methods::ERASE_EMPLOYEE) })
}

fn counts(scores: u64, actions: u64, others: u64, kept: u64) -> Notice {
    let mut text = format!(
        "Erased: {}, {} and {}.",
        count(scores, "score", "scores"),
        count(actions, "action", "actions"),
        count(others, "other record", "other records"),
    );
    if kept > 0 {
        text.push_str(&format!(
            " {} of the audit log name the person as a user of this server, or in somebody’s purpose; they stay, because the log \
             cannot be changed.",
            count(kept, "record", "records")
        ));
    }
    if scores == 0 && actions == 0 && others == 0 {
        return Notice::new(NoticeKind::Info, "Nothing was held about this person.", "Nothing was there to be erased.");
    }
    let then = " What your HR system sends again is scored again: take the person out there, too. Backups of the store hold the \
                person until they are deleted.";
    Notice::new(NoticeKind::Done, "Everything that was held about the person is erased.", text + then)
}

/// The tabs.
fn tabs(current: &str) -> Vec<Tab> {
    [("A person’s data", "/privacy"), ("Notice to employees", "/privacy/notice")]
        .map(|(label, href)| Tab {
            label: label.to_owned(),
            count: None,
            href: href.to_owned(),
            current: href == current,
        })
        .to_vec()
}
