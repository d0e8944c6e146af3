//! The text of a notice to employees, to be read, printed and copied.

use askama::Template;
use axum::extract::State;

use crate::console::frame::{Frame, Tab};
use crate::console::methods;
use crate::console::pages::privacy::tabs;
use crate::console::pages::{Page, download, show};
use crate::console::site::Site;
use crate::console::visit::Visit;
use crate::privacy::notice::{Notice, Part, TITLE};

#[derive(Template)]
#[template(path = "privacy_notice.html")]
struct NoticePage {
    frame: Frame,
    tabs: Vec<Tab>,
    title: &'static str,
    parts: Vec<Part>,
    plain: String,
}

fn of(site: &Site) -> Notice {
    Notice::of(site.core().active.load().artifact().content(), &site.core().config)
}

/// To be read and printed.
pub(super) async fn page(State(site): State<Site>, visit: Visit) -> Page {
    visit.permitted(methods::EXPORT_EMPLOYEE)?;
    let notice = of(&site);
    show(&NoticePage {
        frame: visit.frame(&site, "Notice to employees", "/privacy"),
        tabs: tabs("/privacy/notice"),
        title: TITLE,
        plain: notice.plain(),
        parts: notice.parts,
    })
}

/// To be taken away.
pub(super) async fn file(State(site): State<Site>, visit: Visit) -> Page {
    visit.permitted(methods::EXPORT_EMPLOYEE)?;
    download("text/plain; charset=utf-8", "notice-to-employees.txt", of(&site).plain())
}
