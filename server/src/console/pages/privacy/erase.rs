//! Erasing a person: asked first, with what is lost, and only when the identifier is typed again.

use askama::Template;
use axum::extract::{Query, State};
use flight_risk_proto::v1;
use flight_risk_proto::v1::privacy_service_server::PrivacyService;
use serde::Deserialize;
use serde_json::Value;
use tonic::Code;

use crate::console::error::PageError;
use crate::console::frame::{Crumb, Field, Frame};
use crate::console::methods;
use crate::console::pages::privacy::{About, export};
use crate::console::pages::{Page, show};
use crate::console::posted::Posted;
use crate::console::site::Site;
use crate::console::visit::Visit;
use crate::console::words::count;

/// The form.
#[derive(Debug, Deserialize)]
pub(super) struct Sent {
    #[serde(default)]
    id: String,
    #[serde(default)]
    again: String,
}

#[derive(Template)]
#[template(path = "privacy_erase.html")]
struct ErasePage {
    frame: Frame,
    id: String,
    lost: Vec<String>,
    /// Whether nothing is held.
    nothing: bool,
    fields: Vec<Field>,
}

/// What is lost, and whether it shall be.
pub(super) async fn ask(State(site): State<Site>, visit: Visit, Query(about): Query<About>) -> Page {
    confirm(&site, &visit, about.id.trim(), None).await
}

async fn confirm(site: &Site, visit: &Visit, id: &str, problem: Option<String>) -> Page {
    visit.permitted(methods::ERASE_EMPLOYEE)?;
    let lost = match export::held(site, visit, id).await {
        Ok(held) => lost(&held.json),
        Err(PageError::Status(status)) if status.code() == Code::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    let mut frame = visit.frame(site, "Erase everything about this person?", "/privacy");
    frame.breadcrumbs = vec![Crumb { label: "Privacy".to_owned(), href: "/privacy".to_owned() }];
    show(&ErasePage {
        frame,
        id: id.to_owned(),
        nothing: lost.is_empty(),
        lost,
        fields: vec![Field {
            name: "again".to_owned(),
            label: "Type the identifier again".to_owned(),
            hint: "Exactly as it stands above. This cannot be undone.".to_owned(),
            problem,
            required: true,
            ..Field::default()
        }],
    })
}

/// What is held, counted.
fn lost(json: &str) -> Vec<String> {
    let held: Value = serde_json::from_str(json).unwrap_or_default();
    let long = |key: &str| held.get(key).and_then(Value::as_array).map_or(0, Vec::len) as u64;
    let mentions = held.get("named_in_what_is_held_about_others").and_then(Value::as_object);
    let mentions: u64 = mentions.map_or(0, |all| all.values().filter_map(Value::as_u64).sum());
    let mut lost = Vec::new();
    let mut push = |number: u64, text: String| {
        if number > 0 {
            lost.push(text);
        }
    };
    let scores = long("scores");
    push(scores, format!("{}, with the facts they came from", count(scores, "score", "scores")));
    let changes = long("changes_told");
    push(changes, format!("{} that HR was told of", count(changes, "change of risk", "changes of risk")));
    let actions = long("actions");
    push(actions, format!("{}, with notes and outcomes", count(actions, "action", "actions")));
    push(u64::from(held.get("exit").is_some_and(Value::is_object)), "the exit that was recorded".to_owned());
    let answers = long("answers_kept_for_a_day");
    push(answers, format!("{} kept for a day in case a request is sent twice", count(answers, "answer", "answers")));
    let times = count(mentions, "place where", "places where");
    push(mentions, format!("{times} the person is named in what is held about others: the name is blanked there"));
    lost
}

/// Erases.
pub(super) async fn erase(State(site): State<Site>, posted: Posted<Sent>) -> Page {
    let Posted { visit, form } = posted;
    let id = form.id.trim();
    if form.again.trim() != id || id.is_empty() {
        let problem = "this is not the identifier above; nothing was erased".to_owned();
        return confirm(&site, &visit, id, Some(problem)).await;
    }
    visit.permitted(methods::ERASE_EMPLOYEE)?;
    let request = v1::EraseEmployeeRequest { name: format!("employees/{id}"), purpose: visit.purpose()? };
    let erased = site.api().privacy.erase_employee(visit.ask(request)).await?.into_inner();
    let told = format!(
        "/privacy?scores={}&actions={}&others={}&kept={}",
        erased.scores, erased.actions, erased.others, erased.kept_in_audit
    );
    visit.lead_to(&told).await
}
