//! The page of somebody who left: when, and what can still be seen and corrected. There is no risk to show.

use askama::Template;
use flight_risk_proto::v1;

use crate::console::error::{PageError, encoded};
use crate::console::frame::Frame;
use crate::console::methods;
use crate::console::pages::actions::Line;
use crate::console::pages::person::{Person, crumbs, exit, href, listed, purpose_href};
use crate::console::pages::{Page, show};
use crate::console::site::Site;
use crate::console::visit::Visit;
use crate::console::words;
use crate::grpc::Left;

#[derive(Template)]
#[template(path = "person_left.html")]
struct LeftPage {
    frame: Frame,
    id: String,
    href: String,
    day: String,
    /// Why; none where who looks may not record it either.
    kind: Option<&'static str>,
    may_record_exit: bool,
    export_href: Option<String>,
    /// None where who looks may not see actions.
    actions: Option<Vec<Line>>,
    more_actions: bool,
    purpose: String,
    purpose_href: String,
}

/// The exit of somebody who left; `None` for everybody else, and for those whom who looks may not see.
pub(super) async fn exit_of(site: &Site, visit: &Visit, id: &str, purpose: &str) -> Result<Option<Left>, PageError> {
    let request = v1::GetEmployeeRiskRequest { name: format!("employees/{id}/risk"), purpose: purpose.to_owned() };
    Ok(site.api().risk.left(visit.ask(request)).await?)
}

/// The page.
pub(super) async fn page(site: &Site, visit: &Visit, id: &str, left: &Left, purpose: &str) -> Page {
    let actions = listed(site, visit, id, purpose).await?;
    let mut frame = visit.frame(site, id, "/at-risk");
    frame.breadcrumbs = crumbs(visit, None);
    let may_record_exit = visit.may(methods::REPORT_EXIT);
    show(&LeftPage {
        frame,
        href: href(id),
        day: words::day(&left.day),
        kind: may_record_exit.then(|| exit::kind_words(left.kind)).flatten(),
        may_record_exit,
        export_href: visit.may(methods::EXPORT_EMPLOYEE).then(|| format!("/privacy/person?id={}", encoded(id))),
        more_actions: actions.as_ref().is_some_and(|(_, more)| *more),
        actions: actions.map(|(lines, _)| lines),
        purpose: purpose.to_owned(),
        purpose_href: purpose_href(id),
        id: id.to_owned(),
    })
}

impl Person {
    /// Somebody who left: by the identifier, for a name is kept with a score only.
    pub(super) fn gone(id: &str, left: Left) -> Self {
        Self { id: id.to_owned(), title: id.to_owned(), left: Some(left) }
    }
}
