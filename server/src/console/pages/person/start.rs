//! Starting an action for a person, from a recommendation or of one's own.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use flight_risk_proto::v1;
use flight_risk_proto::v1::action_service_server::ActionService;
use serde::Deserialize;

use crate::clock::today;
use crate::console::frame::{Field, Frame};
use crate::console::methods;
use crate::console::pages::actions::{NOTE_HINT, me, put_problems};
use crate::console::pages::person::{crumbs, href, risk_of, title};
use crate::console::pages::{Page, request_id, show};
use crate::console::posted::Posted;
use crate::console::site::Site;
use crate::console::visit::{Visit, having};
use crate::playbook::{Owner, PlaybookEntry};

/// Days in which an action of one's own is due unless said otherwise.
const USUAL_DAYS: i32 = 14;

/// What the address says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    playbook: String,
}

/// The form as sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    request_id: String,
    playbook: String,
    title: String,
    assignee: String,
    due: String,
    note: String,
}

#[derive(Template)]
#[template(path = "person_action_new.html")]
struct StartPage {
    frame: Frame,
    href: String,
    playbook: String,
    request_id: String,
    advice: Option<Advice>,
    /// Title, assignee, day, note.
    fields: [Field; 4],
    others: Vec<String>,
}

/// What the playbook says of the action.
struct Advice {
    what: String,
    prompt: String,
    owner: &'static str,
}

/// The form.
pub(super) async fn page(
    State(site): State<Site>,
    visit: Visit,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Page {
    visit.permitted(methods::CREATE_ACTION)?;
    let purpose = visit.purpose()?;
    let risk = risk_of(&site, &visit, &id, &purpose).await?;
    let entry = site.core().playbook.entry(&asked.playbook);
    let manager = risk.org.as_ref().and_then(|org| org.manager_id.clone());
    let assignee = match entry.map(|entry| entry.owner) {
        Some(Owner::Manager) => manager.unwrap_or_default(),
        Some(Owner::Leadership) => String::new(),
        Some(Owner::HrPartner) | None => me(&visit),
    };
    let days = entry.map_or(USUAL_DAYS, |entry| i32::try_from(entry.within_days).unwrap_or(USUAL_DAYS));
    let form = Form {
        request_id: request_id()?,
        playbook: entry.map(|entry| entry.id.clone()).unwrap_or_default(),
        title: entry.map(|entry| entry.title.clone()).unwrap_or_default(),
        assignee,
        due: today().plus_days(days).to_string(),
        note: String::new(),
    };
    show(&form.page(&site, &visit, &risk, entry))
}

impl Form {
    fn page(self, site: &Site, visit: &Visit, risk: &v1::EmployeeRisk, entry: Option<&PlaybookEntry>) -> StartPage {
        let mut frame = visit.frame(site, "Start an action", "/at-risk");
        frame.breadcrumbs = crumbs(visit, Some((&risk.employee_id, title(risk))));
        let field = |name: &str, label: &str, value: String, hint: &str, required| Field {
            name: name.to_owned(),
            label: label.to_owned(),
            value,
            hint: hint.to_owned(),
            problem: None,
            required,
        };
        StartPage {
            frame,
            href: href(&risk.employee_id),
            playbook: self.playbook,
            request_id: self.request_id,
            advice: entry.map(|entry| Advice {
                what: entry.what.clone(),
                prompt: entry.conversation_prompt.clone(),
                owner: match entry.owner {
                    Owner::Manager => "The manager",
                    Owner::HrPartner => "The HR partner",
                    Owner::Leadership => "The manager’s manager or the head of the unit",
                },
            }),
            fields: [
                field("title", "What is done, in a few words", self.title, "", true),
                field("assignee", "Who does it", self.assignee, "Account or employee identifier.", false),
                field("due", "By when", self.due, "", true),
                field("note", "Note", self.note, NOTE_HINT, false),
            ],
            others: Vec::new(),
        }
    }
}

/// Starts it.
pub(super) async fn start(State(site): State<Site>, Path(id): Path<String>, posted: Posted<Form>) -> Page {
    let Posted { visit, form } = posted;
    let purpose = visit.purpose_or_ask(href(&id))?;
    let request = v1::CreateActionRequest {
        action: Some(v1::Action {
            employee_id: id.clone(),
            playbook_id: form.playbook.clone(),
            // Empty is an error here, though the playbook could give it: the form showed it, and it was deleted.
            title: if form.title.trim().is_empty() { " ".to_owned() } else { form.title.clone() },
            assignee: form.assignee.trim().to_owned(),
            due_date: form.due.trim().to_owned(),
            note: form.note.clone(),
            ..Default::default()
        }),
        request_id: form.request_id.clone(),
        purpose: purpose.clone(),
    };
    let status = match site.api().actions.create_action(visit.ask(request)).await {
        Ok(_) => {
            return visit.lead_to(&format!("{}#actions", having(&href(&id), "action-started"))).await;
        }
        Err(status) if status.code() == tonic::Code::InvalidArgument => status,
        Err(status) => return Err(status.into()),
    };
    let risk = risk_of(&site, &visit, &id, &purpose).await?;
    let entry = site.core().playbook.entry(&form.playbook);
    let mut page = form.page(&site, &visit, &risk, entry);
    let names = [
        ("action.title", "title"),
        ("action.assignee", "assignee"),
        ("action.due_date", "due"),
        ("action.note", "note"),
    ];
    page.others = put_problems(&status, &names, &mut page.fields);
    Ok((StatusCode::BAD_REQUEST, show(&page)?).into_response())
}
