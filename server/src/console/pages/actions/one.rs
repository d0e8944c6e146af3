//! One action: follow it, close it. What somebody else changed meanwhile is shown beside what was typed, and nothing is overwritten.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use flight_risk_proto::v1;
use flight_risk_proto::v1::action_service_server::ActionService;
use prost_types::FieldMask;
use serde::Deserialize;
use tonic::{Code, Status};

use crate::access::caller::USER_ACTOR;
use crate::console::error::PageError;
use crate::console::frame::{Choice, Crumb, Field, Frame, Notice, NoticeKind};
use crate::console::pages::actions::line::{href, outcome, state};
use crate::console::pages::actions::{Line, NOTE_HINT, put_problems};
use crate::console::pages::person;
use crate::console::pages::{Page, request_id, show};
use crate::console::posted::Posted;
use crate::console::site::Site;
use crate::console::visit::{Visit, having};
use crate::console::words;

/// States that can be set, as forms send them.
const STATES: [(&str, v1::ActionState); 3] = [
    ("open", v1::ActionState::Open),
    ("in_progress", v1::ActionState::InProgress),
    ("cancelled", v1::ActionState::Cancelled),
];
/// Outcomes, as forms send them.
const OUTCOMES: [(&str, v1::ActionOutcome); 4] = [
    ("helped", v1::ActionOutcome::Helped),
    ("no_change", v1::ActionOutcome::NoChange),
    ("declined", v1::ActionOutcome::Declined),
    ("not_needed", v1::ActionOutcome::NotNeeded),
];

/// The form that changes an action.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ChangeForm {
    request_id: String,
    etag: String,
    title: String,
    assignee: String,
    due: String,
    state: String,
    note: String,
}

/// The form that completes one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CompleteForm {
    request_id: String,
    etag: String,
    outcome: String,
    result: String,
}

#[derive(Template)]
#[template(path = "action.html")]
struct ActionPage {
    frame: Frame,
    line: Line,
    created: String,
    creator: String,
    updated: String,
    /// The address of the action.
    href: String,
    etag: String,
    request_ids: [String; 2],
    /// Title, assignee, day, state, note.
    change: [Field; 5],
    states: Vec<Choice>,
    /// Outcome, result.
    complete: [Field; 2],
    outcomes: Vec<Choice>,
    others: Vec<String>,
}

/// The action of an address.
async fn action_of(site: &Site, visit: &Visit, id: &str, purpose: &str) -> Result<v1::Action, PageError> {
    let request = v1::GetActionRequest { name: format!("actions/{id}"), purpose: purpose.to_owned() };
    let reply = site.api().actions.get_action(visit.ask(request)).await.map_err(no_such)?;
    reply.into_inner().action.ok_or(PageError::Page)
}

/// A name that no action can have is that of none.
fn no_such(status: Status) -> PageError {
    if status.code() == Code::InvalidArgument { PageError::NotFound } else { status.into() }
}

impl ActionPage {
    /// The page of an action as it is now.
    fn of(site: &Site, visit: &Visit, action: &v1::Action) -> Result<Self, PageError> {
        let line = Line::of(action);
        let mut frame = visit.frame(site, action.title.clone(), "/actions");
        frame.breadcrumbs = vec![
            Crumb { label: "Actions".to_owned(), href: "/actions".to_owned() },
            Crumb { label: line.person.clone(), href: line.person_href.clone() },
        ];
        let field = |name: &str, label: &str, value: &str, hint: &str, required| Field {
            name: name.to_owned(),
            label: label.to_owned(),
            value: value.to_owned(),
            hint: hint.to_owned(),
            problem: None,
            required,
        };
        let states = STATES.iter().map(|(name, one)| Choice {
            value: (*name).to_owned(),
            label: state(*one).to_owned(),
            chosen: *one == action.state(),
        });
        let outcomes = OUTCOMES.iter().map(|(name, one)| Choice {
            value: (*name).to_owned(),
            label: outcome(*one).unwrap_or_default().to_owned(),
            chosen: false,
        });
        let none = Choice { value: String::new(), label: "Choose one".to_owned(), chosen: false };
        Ok(Self {
            frame,
            created: words::day_of(action.create_time.as_ref()),
            creator: action.creator.strip_prefix(USER_ACTOR).unwrap_or(&action.creator).to_owned(),
            updated: words::day_of(action.update_time.as_ref()),
            href: line.href.clone(),
            etag: action.etag.clone(),
            request_ids: [request_id()?, request_id()?],
            change: [
                field("title", "What is done", &action.title, "", true),
                field("assignee", "Who does it", &action.assignee, "Account or employee identifier.", false),
                field("due", "By when", &action.due_date, "", true),
                field("state", "How far it is", "", "", true),
                field("note", "Note", &action.note, NOTE_HINT, false),
            ],
            states: states.collect(),
            complete: [
                field("outcome", "What came of it", "", "", true),
                field("result", "A word on it", "", "Replaces the note above; leave it empty to keep that.", false),
            ],
            outcomes: std::iter::once(none).chain(outcomes).collect(),
            others: Vec::new(),
            line,
        })
    }

    /// What was typed instead of what is kept.
    fn keeping(&mut self, form: &ChangeForm) {
        let typed = [&form.title, &form.assignee, &form.due, &form.state, &form.note];
        for (field, typed) in self.change.iter_mut().zip(typed) {
            field.value.clone_from(typed);
        }
        for choice in &mut self.states {
            choice.chosen = choice.value == form.state;
        }
    }

    /// The same for the form that completes it.
    fn keeping_result(&mut self, form: &CompleteForm) {
        let [_, result] = &mut self.complete;
        result.value.clone_from(&form.result);
        for choice in &mut self.outcomes {
            choice.chosen = choice.value == form.outcome;
        }
    }

    /// Says why it was not carried out; gives the status of the page.
    fn refused(&mut self, status: &Status) -> StatusCode {
        let (title, text) = match status.code() {
            Code::InvalidArgument => return StatusCode::BAD_REQUEST,
            Code::Aborted if self.line.is_open => (
                "Somebody else changed this action meanwhile",
                "Nothing of yours was saved over it. What is kept now stands above the form; what you typed is still in it. Look at \
                 both, and send it again if it still holds.",
            ),
            _ => (
                "This action is closed already",
                "Somebody completed or dropped it meanwhile; it stays as it is. Start another one if there is more to do.",
            ),
        };
        self.frame.notices.push(Notice::new(NoticeKind::Caution, title, text));
        StatusCode::CONFLICT
    }
}

/// Whether a page can be made of a refusal; anything else is an error page.
fn is_of_the_form(status: &Status) -> bool {
    matches!(status.code(), Code::InvalidArgument | Code::Aborted | Code::FailedPrecondition)
}

/// The page.
pub(super) async fn page(State(site): State<Site>, visit: Visit, Path(id): Path<String>) -> Page {
    let purpose = visit.purpose()?;
    let action = action_of(&site, &visit, &id, &purpose).await?;
    show(&ActionPage::of(&site, &visit, &action)?)
}

/// Changes it.
pub(super) async fn change(State(site): State<Site>, Path(id): Path<String>, posted: Posted<ChangeForm>) -> Page {
    let Posted { visit, form } = posted;
    let purpose = visit.purpose_or_ask(href(&id))?;
    let to = STATES.iter().find(|(name, _)| *name == form.state).map_or(v1::ActionState::Unspecified, |(_, to)| *to);
    let request = v1::UpdateActionRequest {
        action: Some(v1::Action {
            name: format!("actions/{id}"),
            etag: form.etag.clone(),
            title: form.title.clone(),
            assignee: form.assignee.trim().to_owned(),
            due_date: form.due.trim().to_owned(),
            state: to.into(),
            note: form.note.clone(),
            ..Default::default()
        }),
        update_mask: Some(FieldMask {
            paths: ["title", "assignee", "due_date", "state", "note"].map(str::to_owned).into(),
        }),
        request_id: form.request_id.clone(),
        purpose: purpose.clone(),
    };
    let status = match site.api().actions.update_action(visit.ask(request)).await {
        Ok(reply) => return done(&visit, reply.into_inner().action, "action-changed").await,
        Err(status) if is_of_the_form(&status) => status,
        Err(status) => return Err(status.into()),
    };
    let action = action_of(&site, &visit, &id, &purpose).await?;
    let mut page = ActionPage::of(&site, &visit, &action)?;
    page.keeping(&form);
    let names = [
        ("action.title", "title"),
        ("action.assignee", "assignee"),
        ("action.due_date", "due"),
        ("action.state", "state"),
        ("action.note", "note"),
    ];
    let code = page.refused(&status);
    if code == StatusCode::BAD_REQUEST {
        page.others = put_problems(&status, &names, &mut page.change);
    }
    Ok((code, show(&page)?).into_response())
}

/// Completes it.
pub(super) async fn complete(State(site): State<Site>, Path(id): Path<String>, posted: Posted<CompleteForm>) -> Page {
    let Posted { visit, form } = posted;
    let purpose = visit.purpose_or_ask(href(&id))?;
    let came = OUTCOMES.iter().find(|(name, _)| *name == form.outcome).map(|(_, outcome)| *outcome);
    let request = v1::CompleteActionRequest {
        name: format!("actions/{id}"),
        outcome: came.unwrap_or_default().into(),
        note: form.result.clone(),
        etag: form.etag.clone(),
        request_id: form.request_id.clone(),
        purpose: purpose.clone(),
    };
    let status = match site.api().actions.complete_action(visit.ask(request)).await {
        Ok(reply) => return done(&visit, reply.into_inner().action, "action-completed").await,
        Err(status) if is_of_the_form(&status) => status,
        Err(status) => return Err(status.into()),
    };
    let action = action_of(&site, &visit, &id, &purpose).await?;
    let mut page = ActionPage::of(&site, &visit, &action)?;
    page.keeping_result(&form);
    let code = page.refused(&status);
    if code == StatusCode::BAD_REQUEST {
        page.others = put_problems(&status, &[("outcome", "outcome"), ("note", "result")], &mut page.complete);
    }
    Ok((code, show(&page)?).into_response())
}

/// Back to the person.
async fn done(visit: &Visit, action: Option<v1::Action>, what: &str) -> Page {
    let back = action.map_or_else(|| "/actions".to_owned(), |action| person::href(&action.employee_id));
    visit.lead_to(&format!("{}#actions", having(&back, what))).await
}
