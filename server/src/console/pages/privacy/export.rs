//! Everything that is held about a person, to be read and to be taken away.

use askama::Template;
use axum::extract::{Query, State};
use flight_risk_proto::v1;
use flight_risk_proto::v1::privacy_service_server::PrivacyService;

use crate::clock::today;
use crate::console::calls;
use crate::console::error::{PageError, encoded};
use crate::console::frame::{Crumb, Frame};
use crate::console::methods;
use crate::console::pages::privacy::About;
use crate::console::pages::privacy::markdown::{Block, blocks};
use crate::console::pages::{Page, download, show};
use crate::console::site::Site;
use crate::console::visit::Visit;
use crate::console::words::moment;

/// The part of the text that stands on the page as a table.
const ACCESSES: &str = "Who looked, and why";

#[derive(Template)]
#[template(path = "privacy_person.html")]
struct PersonPage {
    frame: Frame,
    id: String,
    blocks: Vec<Block>,
    accesses: Vec<AccessRow>,
    file: String,
    erase: Option<String>,
}

/// Somebody who looked.
struct AccessRow {
    when: String,
    who: String,
    role: String,
    what: String,
    purpose: String,
    allowed: bool,
}

/// Asks the API for everything.
pub(super) async fn held(site: &Site, visit: &Visit, id: &str) -> Result<v1::ExportEmployeeResponse, PageError> {
    visit.permitted(methods::EXPORT_EMPLOYEE)?;
    let request = v1::ExportEmployeeRequest { name: format!("employees/{id}"), purpose: visit.purpose()? };
    Ok(site.api().privacy.export_employee(visit.ask(request)).await?.into_inner())
}

/// To be read.
pub(super) async fn page(State(site): State<Site>, visit: Visit, Query(about): Query<About>) -> Page {
    let id = about.id.trim().to_owned();
    let held = held(&site, &visit, &id).await?;
    let mut blocks = blocks(&held.text);
    if let Some(place) = blocks.iter().position(|block| matches!(block, Block::Heading(text) if text == ACCESSES)) {
        blocks.truncate(place);
    }
    let row = |access: &v1::AccessRecord| AccessRow {
        when: access.time.as_ref().map_or_else(String::new, |time| moment(time.seconds * 1_000_000)),
        who: access.actor.clone(),
        role: access.role.replace('_', " "),
        what: calls::said(&access.method).to_owned(),
        purpose: access.purpose.clone(),
        allowed: access.allowed,
    };
    let mut frame = visit.frame(&site, "What is held about a person", "/privacy");
    frame.breadcrumbs = vec![Crumb { label: "Privacy".to_owned(), href: "/privacy".to_owned() }];
    show(&PersonPage {
        frame,
        blocks,
        accesses: held.accesses.iter().rev().map(row).collect(),
        file: format!("/privacy/person.json?id={}", encoded(&id)),
        erase: visit.may(methods::ERASE_EMPLOYEE).then(|| format!("/privacy/erase?id={}", encoded(&id))),
        id,
    })
}

/// To be taken away.
pub(super) async fn file(State(site): State<Site>, visit: Visit, Query(about): Query<About>) -> Page {
    let held = held(&site, &visit, about.id.trim()).await?;
    // The name of a file ends up in lists of files: it tells nobody.
    download("application/json", &format!("personal-data-{}.json", today()), held.json)
}
