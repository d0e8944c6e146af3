//! The audit log, for those who check: who asked what about whom and why, and whether the log is as it was written. Reading it is
//! itself in it.

mod filter;
mod verification;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use flight_risk_scoring::wording::numbers;
use serde::Deserialize;

use crate::audit::{Decision, Expected, Record, SUBJECT_BYTES, from_hex};
use crate::console::calls;
use crate::console::error::PageError;
use crate::console::frame::{Choice, Frame, Notice, NoticeKind, Pager};
use crate::console::methods;
use crate::console::pages::audit::filter::Asked;
use crate::console::pages::audit::verification::{Showed, State as Standing};
use crate::console::pages::place::Place;
use crate::console::pages::{Page, show};
use crate::console::posted::Posted;
use crate::console::site::Site;
use crate::console::visit::Visit;
use crate::console::words::{count, moment};
use crate::gate::Passed;
use crate::grpc::status::ApiError;
use crate::store::audit_search::Found;

pub(crate) use verification::Verification;

/// Why the log is read, in the log, where no person is named.
const PURPOSE: &str = "reading the audit log in the console";
/// Records on a page.
const PAGE_SIZE: usize = 50;
/// Keyed hashes shown of a record about many people.
const MOST_HASHES: usize = 4;

/// The pages.
pub(crate) fn routes() -> Router<Site> {
    Router::new().route("/audit", get(page)).route("/audit/verify", post(verify))
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    asked: Asked,
    calls: Vec<Choice>,
    decisions: Vec<Choice>,
    filtered: bool,
    rows: Vec<Row>,
    pager: Pager,
    verification: Notice,
    running: bool,
    /// What to note down of a log in which nothing is wrong: how many records, and the last seal.
    noted: Option<(u64, String)>,
    kept: bool,
    /// The end of the command that verifies the log without the server.
    store: &'static str,
}

/// A record.
struct Row {
    seq: i64,
    when: String,
    who: String,
    role: String,
    what: String,
    method: String,
    people: String,
    hashes: Vec<Hash>,
    more: usize,
    purpose: String,
    model: String,
    allowed: bool,
}

/// Somebody, by the keyed hash.
struct Hash {
    short: String,
    whole: String,
    href: String,
}

/// What an auditor noted at an earlier visit.
#[derive(Debug, Deserialize)]
struct Noted {
    #[serde(default)]
    count: String,
    #[serde(default)]
    last: String,
}

fn admit(site: &Site, visit: &Visit, method: &'static str, purpose: &str) -> Result<Passed, PageError> {
    site.core().gate.admit(visit.ask(()).extensions(), method, purpose).map_err(refused)
}

fn refused(error: ApiError) -> PageError {
    error.into_status(None).into()
}

async fn page(State(site): State<Site>, visit: Visit, Query(asked): Query<Asked>) -> Page {
    let person = asked.person.trim();
    // Who may not read the log is told so before anything is asked of them.
    admit(&site, &visit, methods::LIST_RECORDS, PURPOSE)?;
    let purpose = if person.is_empty() { PURPOSE.to_owned() } else { visit.purpose()? };
    let passed = admit(&site, &visit, methods::LIST_RECORDS, &purpose)?;
    let about: &[&str] = if person.is_empty() { &[] } else { &[person] };
    let found = find(&site, &asked).await?;
    site.core().gate.record(&passed, about, "", Decision::Allowed).await.map_err(refused)?;
    let rows: Vec<Row> = found.records.iter().map(|record| row(record, &asked)).collect();
    let state = site.verification().state();
    let said = match rows.len() {
        0 => String::new(),
        shown => count(shown, "record, the newest first", "records, the newest first"),
    };
    let next = found.before.map_or_else(String::new, |before| before.to_string());
    show(&AuditPage {
        frame: visit.frame(&site, "Audit log", "/audit"),
        calls: asked.calls(),
        decisions: asked.decisions(),
        filtered: asked.is_filtered(),
        pager: asked.place().pager(said, &next, rows.len(), |place| asked.href(place)),
        rows,
        running: state.running_since.is_some(),
        noted: noted(&state),
        verification: told(&state),
        kept: site.core().config.audit.enabled,
        store: if site.core().config.store.url.starts_with("postgres") { "postgres://…" } else { "flight-risk.db" },
        asked,
    })
}

/// The records that are asked for.
async fn find(site: &Site, asked: &Asked) -> Result<Found, PageError> {
    let (before, sought) = (asked.before()?, asked.sought()?);
    let core = site.core();
    let mut records = match (asked.person.trim(), asked.hash.trim()) {
        ("", "") => return Ok(core.store.audit_search(before, &sought, PAGE_SIZE).await?),
        ("", hash) => {
            let subject = from_hex(hash).filter(|subject| subject.len() == SUBJECT_BYTES);
            let subject =
                subject.ok_or_else(|| PageError::Form("the keyed hash must have 32 hexadecimal digits".to_owned()))?;
            core.store.audit_about(&subject).await?
        }
        (person, _) => core.gate.accesses(&core.store, person).await.map_err(refused)?,
    };
    // Those of one person are few: they are all at hand.
    records.reverse();
    records.retain(|record| before.is_none_or(|before| record.seq < before) && sought.is(record));
    let more = records.len() > PAGE_SIZE;
    records.truncate(PAGE_SIZE);
    let next = records.last().filter(|_| more).map(|last| last.seq);
    Ok(Found { records, before: next })
}

fn row(record: &Record, asked: &Asked) -> Row {
    let draft = &record.draft;
    let people = draft.subject_hashes().count();
    let hash = |whole: String| Hash {
        short: whole.get(..8).unwrap_or(&whole).to_owned(),
        href: Asked { person: String::new(), hash: whole.clone(), ..asked.clone() }.href(&Place::default()),
        whole,
    };
    Row {
        seq: record.seq,
        when: moment(draft.at),
        who: draft.actor.clone(),
        role: draft.role.replace('_', " "),
        what: calls::said(&draft.method).to_owned(),
        method: draft.method.clone(),
        people: if people == 0 { String::new() } else { count(people, "person", "people") },
        hashes: draft.subject_hashes().take(MOST_HASHES).map(hash).collect(),
        more: people.saturating_sub(MOST_HASHES),
        purpose: draft.purpose.clone(),
        model: draft.model_version.clone(),
        allowed: draft.decision == Decision::Allowed.name(),
    }
}

/// How it stands with the verification, in words.
fn told(state: &Standing) -> Notice {
    let Some(walked) = &state.last else {
        let text = "It has not been verified since the server started.";
        return match state.running_since {
            Some(since) => running(since),
            None => Notice::new(NoticeKind::Info, "Not verified yet", text),
        };
    };
    if let Some(since) = state.running_since {
        return running(since);
    }
    let took = match walked.seconds {
        seconds if seconds < 1.0 => "less than a second".to_owned(),
        seconds => format!("{seconds:.0} seconds"),
    };
    let when = format!("Verified on {}, in {took}.", moment(walked.at));
    match &walked.showed {
        Showed::Good(verified) => {
            let compared = if walked.compared { " What you noted before fits, too." } else { "" };
            let title = format!("All {} records are as they were written", numbers::count(verified.count));
            Notice::new(NoticeKind::Done, title, when + compared)
        }
        Showed::Wrong(finding) => Notice::new(
            NoticeKind::Error,
            format!("The log is not as it was written: {finding}"),
            when + " This is the first thing that is wrong; what comes after it was not looked at. Keep a copy of the store as it is, \
                    with the key, and compare it with a backup.",
        ),
        Showed::NoHash => Notice::new(
            NoticeKind::Error,
            "What you noted is no seal",
            "A seal has 64 hexadecimal digits, as it is shown here when nothing is wrong.",
        ),
        Showed::Unreadable => Notice::new(
            NoticeKind::Error,
            "The log or its key could not be read",
            when + " The server’s own log says why.",
        ),
    }
}

fn running(since: i64) -> Notice {
    let text = format!("Since {}. Open this page again in a moment.", moment(since));
    Notice::new(NoticeKind::Info, "The log is being verified", text)
}

fn noted(state: &Standing) -> Option<(u64, String)> {
    match &state.last.as_ref().filter(|_| state.running_since.is_none())?.showed {
        Showed::Good(verified) => Some((verified.count, verified.last.clone())),
        _ => None,
    }
}

async fn verify(State(site): State<Site>, posted: Posted<Noted>) -> Page {
    let Posted { visit, form } = posted;
    let passed = admit(&site, &visit, methods::VERIFY, PURPOSE)?;
    let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let digits = text(&form.count).map(|count| count.replace([',', ' ', '.'], ""));
    let count = match digits.map(|count| count.parse::<u64>()) {
        None => None,
        Some(Ok(count)) => Some(count),
        Some(Err(_)) => return Err(PageError::Form("the number of records is not a number".to_owned())),
    };
    site.core().gate.record(&passed, &[], "", Decision::Allowed).await.map_err(refused)?;
    site.verification().start(site.core(), Expected { count, last: text(&form.last) });
    Ok(Redirect::to("/audit").into_response())
}
