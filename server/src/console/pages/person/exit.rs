//! Recording that a person left, so that scores can be compared with what happened.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use flight_risk_proto::v1;
use flight_risk_proto::v1::action_service_server::ActionService;
use serde::Deserialize;

use crate::console::frame::{Choice, Field, Frame};
use crate::console::methods;
use crate::console::pages::actions::put_problems;
use crate::console::pages::person::{Person, crumbs, href, person_of};
use crate::console::pages::{Page, request_id, show};
use crate::console::posted::Posted;
use crate::console::site::Site;
use crate::console::visit::{Visit, having};
use crate::console::words;

/// Why an employment ends, as forms send it and as it is read.
const TYPES: [(&str, &str, v1::ExitType); 6] = [
    ("", "Choose one", v1::ExitType::Unspecified),
    ("voluntary", "The person resigned", v1::ExitType::Voluntary),
    ("involuntary", "The employer ended it", v1::ExitType::Involuntary),
    ("retirement", "Retirement", v1::ExitType::Retirement),
    ("end_of_contract", "A fixed term ended", v1::ExitType::EndOfContract),
    ("other", "Anything else", v1::ExitType::Other),
];

/// The form as sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    request_id: String,
    date: String,
    kind: String,
    confirm: String,
}

#[derive(Template)]
#[template(path = "person_exit.html")]
struct ExitPage {
    frame: Frame,
    href: String,
    person: String,
    /// The exit that is recorded and would be replaced, with its day and, where it is known, why.
    recorded: Option<(String, Option<&'static str>)>,
    request_id: String,
    /// Day, type, confirmation.
    fields: [Field; 3],
    types: Vec<Choice>,
    others: Vec<String>,
}

impl Form {
    fn page(self, site: &Site, visit: &Visit, person: Person) -> ExitPage {
        let heading = if person.left.is_some() { "Correct an exit" } else { "Record an exit" };
        let mut frame = visit.frame(site, heading, "/at-risk");
        frame.breadcrumbs = crumbs(visit, Some((&person.id, person.title.clone())));
        let field = |name: &str, label: &str, value: &str| Field {
            name: name.to_owned(),
            label: label.to_owned(),
            value: value.to_owned(),
            required: true,
            ..Field::default()
        };
        let types = TYPES.iter().map(|&(value, label, _)| Choice::of(value, label, &self.kind));
        ExitPage {
            frame,
            href: href(&person.id),
            recorded: person.left.map(|left| (words::day(&left.day), kind_words(left.kind))),
            person: person.title,
            request_id: self.request_id,
            types: types.collect(),
            fields: [
                field("date", "Last day of employment", &self.date),
                field("kind", "Why it ends", ""),
                field("confirm", "Confirmation", ""),
            ],
            others: Vec::new(),
        }
    }
}

/// Why an employment ended, in words; none where it is not said.
pub(super) fn kind_words(kind: v1::ExitType) -> Option<&'static str> {
    Some(match kind {
        v1::ExitType::Unspecified => return None,
        v1::ExitType::Voluntary => "the person resigned",
        v1::ExitType::Involuntary => "the employer ended it",
        v1::ExitType::Retirement => "retirement",
        v1::ExitType::EndOfContract => "a fixed term ended",
        v1::ExitType::Other => "for another reason",
    })
}

/// The form.
pub(super) async fn page(State(site): State<Site>, visit: Visit, Path(id): Path<String>) -> Page {
    visit.permitted(methods::REPORT_EXIT)?;
    let purpose = visit.purpose()?;
    let person = person_of(&site, &visit, &id, &purpose).await?;
    let (date, kind) = person.left.as_ref().map_or_else(Default::default, |left| {
        let kind = TYPES.iter().find(|(_, _, kind)| *kind == left.kind).map(|(name, _, _)| (*name).to_owned());
        (left.day.clone(), kind.unwrap_or_default())
    });
    let form = Form { request_id: request_id()?, date, kind, ..Form::default() };
    show(&form.page(&site, &visit, person))
}

/// Records it.
pub(super) async fn record(State(site): State<Site>, Path(id): Path<String>, posted: Posted<Form>) -> Page {
    let Posted { visit, form } = posted;
    let purpose = visit.purpose_or_ask(href(&id))?;
    let exit_type = TYPES.iter().find(|(name, _, _)| *name == form.kind).map(|(_, _, kind)| *kind);
    let request = v1::ReportExitRequest {
        employee: format!("employees/{id}"),
        exit_date: form.date.trim().to_owned(),
        exit_type: exit_type.unwrap_or_default().into(),
        request_id: form.request_id.clone(),
        purpose: purpose.clone(),
    };
    let refused = if form.confirm == "yes" {
        match site.api().actions.report_exit(visit.ask(request)).await {
            Ok(_) => return visit.lead_to(&having(&href(&id), "exit-recorded")).await,
            Err(status) if status.code() == tonic::Code::InvalidArgument => Some(status),
            Err(status) => return Err(status.into()),
        }
    } else {
        None
    };
    let person = person_of(&site, &visit, &id, &purpose).await?;
    let mut page = form.page(&site, &visit, person);
    match refused {
        None => {
            let [_, _, confirm] = &mut page.fields;
            confirm.problem = Some("tick the box, so that nobody is taken off the list by a slip".to_owned());
        }
        Some(status) => {
            page.others = put_problems(&status, &[("exit_date", "date"), ("exit_type", "kind")], &mut page.fields);
        }
    }
    Ok((StatusCode::BAD_REQUEST, show(&page)?).into_response())
}

/// The form that takes an exit back, as sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Withdrawal {
    request_id: String,
    confirm: String,
}

#[derive(Template)]
#[template(path = "person_exit_withdraw.html")]
struct WithdrawPage {
    frame: Frame,
    href: String,
    person: String,
    recorded: Option<(String, Option<&'static str>)>,
    request_id: String,
    problem: Option<&'static str>,
}

async fn withdraw_page_of(
    site: &Site,
    visit: &Visit,
    id: &str,
    purpose: &str,
    request_id: String,
    problem: Option<&'static str>,
) -> Page {
    let person = person_of(site, visit, id, purpose).await?;
    let mut frame = visit.frame(site, "Take an exit back", "/at-risk");
    frame.breadcrumbs = crumbs(visit, Some((&person.id, person.title.clone())));
    let recorded = person.left.map(|left| (words::day(&left.day), kind_words(left.kind)));
    show(&WithdrawPage { frame, href: href(&person.id), person: person.title, recorded, request_id, problem })
}

/// Asks whether the exit was none.
pub(super) async fn withdraw_page(State(site): State<Site>, visit: Visit, Path(id): Path<String>) -> Page {
    visit.permitted(methods::WITHDRAW_EXIT)?;
    let purpose = visit.purpose()?;
    withdraw_page_of(&site, &visit, &id, &purpose, request_id()?, None).await
}

/// Takes it back.
pub(super) async fn withdraw(State(site): State<Site>, Path(id): Path<String>, posted: Posted<Withdrawal>) -> Page {
    let Posted { visit, form } = posted;
    let purpose = visit.purpose_or_ask(href(&id))?;
    if form.confirm != "yes" {
        let problem = Some("tick the box, so that nothing is taken back by a slip");
        let page = withdraw_page_of(&site, &visit, &id, &purpose, form.request_id, problem).await?;
        return Ok((StatusCode::BAD_REQUEST, page).into_response());
    }
    let request = v1::WithdrawExitRequest { employee: format!("employees/{id}"), request_id: form.request_id, purpose };
    let listed = site.api().actions.withdraw_exit(visit.ask(request)).await?.into_inner().listed;
    // Nobody's page, where there is no score to show yet.
    let to = if listed { having(&href(&id), "exit-withdrawn") } else { having("/at-risk", "exit-withdrawn-waiting") };
    visit.lead_to(&to).await
}
