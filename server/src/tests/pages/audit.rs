//! The audit log as a page: who may read it, what it shows and hides, and that what was altered is named.

use std::time::Duration;

use axum::http::StatusCode;

use super::visitor::{Console, Visitor};
use crate::access::caller::{Role, Scope};
use crate::store::db::params;
use crate::tests::fixture::native;
use crate::tests::risk::{department, record, with_risk};

async fn company() -> Console {
    let scorer = native();
    let console = Console::of(native()).await;
    let scores = ["e-1", "e-2", "e-<3>"].map(|id| with_risk(&scorer, id, 0.62, department("Sales")));
    record(&console.store, &scorer, &scores).await;
    console
}

async fn auditor(console: &Console) -> Visitor {
    console.visitor("auditor", Role::Auditor, Scope::All).await
}

/// Exports somebody, so that the log has something.
async fn look_at(visitor: &mut Visitor, id: &str) {
    visitor.page(&format!("/privacy/person?id={id}")).await;
}

/// The numbers of the records on a page.
fn numbers(page: &str) -> Vec<i64> {
    let parts = page.split("data-label=\"No.\" class=\"num\">").skip(1);
    parts.map(|part| part.split('<').next().unwrap().parse().unwrap()).collect()
}

/// Verifies and waits for the result.
async fn verified(auditor: &mut Visitor, fields: &[(&str, &str)]) -> String {
    let seen = auditor.send("/audit/verify", fields).await;
    assert_eq!((seen.status, seen.location.as_str()), (StatusCode::SEE_OTHER, "/audit"), "{}", seen.text);
    for _ in 0..200 {
        let page = auditor.page("/audit").await;
        if !page.contains("is being verified") {
            return page;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the verification does not end");
}

#[tokio::test]
async fn only_auditors_and_administrators_read_the_log_and_reading_it_is_in_it() {
    let console = company().await;
    for (name, role, reads) in [
        ("hris", Role::Hris, false),
        ("partner", Role::HrPartner, false),
        ("manager", Role::Manager, false),
        ("analyst", Role::Analyst, false),
        ("auditor", Role::Auditor, true),
        ("admin", Role::Admin, true),
    ] {
        let scope = match role {
            Role::Manager => Scope::Reports { manager_id: "m-1".into() },
            _ => Scope::All,
        };
        let mut visitor = console.visitor(name, role, scope).await;
        let status = if reads { StatusCode::OK } else { StatusCode::FORBIDDEN };
        for path in ["/audit", "/audit?person=e-1"] {
            visitor.state_purpose_quietly().await;
            assert_eq!(visitor.open(path).await.status, status, "{name} {path}");
        }
        let seen = visitor.send("/audit/verify", &[]).await;
        assert_eq!(seen.status, if reads { StatusCode::SEE_OTHER } else { StatusCode::FORBIDDEN }, "{name}");
    }
    assert!(console.stranger().open("/audit").await.location.starts_with("/sign-in"));
    let records = console.store.audit_page(0).await.unwrap();
    for (method, decision, times) in [
        ("flightrisk.console.Audit/ListRecords", "allowed", 4),
        ("flightrisk.console.Audit/ListRecords", "denied", 8),
        ("flightrisk.console.Audit/Verify", "allowed", 2),
        ("flightrisk.console.Audit/Verify", "denied", 4),
    ] {
        let found = records.iter().filter(|record| record.draft.method == method && record.draft.decision == decision);
        assert_eq!(found.count(), times, "{method} {decision}");
    }
}

#[tokio::test]
async fn records_are_filtered_paged_and_name_nobody() {
    let console = company().await;
    let mut partner = console.partner().await;
    let seen = partner.send("/purpose", &[("other", "<script>alert(1)</script>"), ("next", "/at-risk")]).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER);
    for _ in 0..30 {
        look_at(&mut partner, "e-1").await;
    }
    for _ in 0..30 {
        look_at(&mut partner, "e-2").await;
    }
    let mut auditor = auditor(&console).await;
    let page = auditor.page("/audit").await;
    let first = numbers(&page);
    // The two who signed in are there, too.
    assert_eq!(first, (13..=62).rev().collect::<Vec<i64>>(), "the newest first");
    assert!(page.contains("Exported what is held about a person") && !page.contains("<script>alert"));
    assert!(page.contains("&#60;script&#62;alert(1)"), "text is text");
    let (_, rest) = page.split_once("rel=\"next\" href=\"").unwrap();
    let next = rest.split_once('"').unwrap().0.replace("&#38;", "&");
    assert_eq!(numbers(&auditor.page(&next).await), (1..=12).rev().collect::<Vec<i64>>());
    for (query, count) in [
        ("who=nobody", 0),
        ("who=partner", 50),
        ("who=user%3Apartner&decision=allowed", 50),
        ("what=flightrisk.v1.PrivacyService%2FEraseEmployee", 0),
        ("what=flightrisk.v1.PrivacyService%2FExportEmployee", 50),
        ("decision=denied", 0),
        ("from=2099-01-01", 0),
        ("until=2001-01-01", 0),
        ("from=2001-01-01&until=2099-01-01&decision=allowed", 50),
    ] {
        assert_eq!(numbers(&auditor.page(&format!("/audit?{query}")).await).len(), count, "{query}");
    }
    for query in ["from=yesterday", "before=x", "before=-1", "hash=zz", "until=2026-02-30"] {
        assert_eq!(auditor.open(&format!("/audit?{query}")).await.status, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn records_about_a_person_are_found_by_identifier_and_by_hash() {
    let console = company().await;
    let mut partner = console.partner().await;
    partner.state_purpose().await;
    look_at(&mut partner, "e-1").await;
    look_at(&mut partner, "e-%3C3%3E").await;
    look_at(&mut partner, "e-1").await;
    let mut auditor = auditor(&console).await;
    let seen = auditor.open("/audit?person=e-1").await;
    assert!(
        seen.location.starts_with("/purpose"),
        "why one person's records are read is in the log: {}",
        seen.location
    );
    auditor.state_purpose_quietly().await;
    let page = auditor.page("/audit?person=e-1").await;
    assert_eq!(numbers(&page), [4, 2], "{page}");
    let (_, rest) = page.split_once("href=\"/audit?hash=").unwrap();
    let hash = rest.get(..32).unwrap();
    // Reading them was itself about the person.
    assert_eq!(numbers(&auditor.page(&format!("/audit?hash={hash}")).await), [6, 4, 2]);
    let page = auditor.page("/audit?person=e-%3C3%3E").await;
    assert_eq!(numbers(&page), [3]);
    assert!(!page.contains("e-<3>"), "{page}");
    assert_eq!(numbers(&auditor.page("/audit?person=e-99").await), [] as [i64; 0]);
    // After the person is erased the records stay, and still name nobody.
    let mut admin = console.visitor("admin", Role::Admin, Scope::All).await;
    admin.state_purpose_quietly().await;
    admin.send("/privacy/erase", &[("id", "e-1"), ("again", "e-1")]).await;
    assert!(numbers(&auditor.page("/audit?person=e-1").await).len() > 3);
}

#[tokio::test]
async fn a_record_that_was_altered_is_named_on_the_page() {
    let console = company().await;
    let mut partner = console.partner().await;
    partner.state_purpose().await;
    for _ in 0..5 {
        look_at(&mut partner, "e-1").await;
    }
    let mut auditor = auditor(&console).await;
    assert!(auditor.page("/audit").await.contains("Not verified yet"));
    let page = verified(&mut auditor, &[]).await;
    assert!(page.contains("records are as they were written"), "{page}");
    let (_, rest) = page.split_once("<dt>Last seal</dt><dd><code>").unwrap();
    let seal = rest.get(..64).unwrap().to_owned();
    let (_, rest) = page.split_once("<dt>Records</dt><dd>").unwrap();
    let count = rest.split_once('<').unwrap().0.to_owned();
    let page = verified(&mut auditor, &[("count", &count), ("last", &seal)]).await;
    assert!(page.contains("What you noted before fits"), "{page}");
    let page = verified(&mut auditor, &[("count", "9000")]).await;
    assert!(page.contains("there were 9000 before"), "{page}");
    assert!(verified(&mut auditor, &[("last", "zz")]).await.contains("is no seal"));
    let seen = auditor.send("/audit/verify", &[("count", "many")]).await;
    assert_eq!(seen.status, StatusCode::BAD_REQUEST);
    let mut tx = console.store.db().begin().await.unwrap();
    tx.execute("UPDATE audit SET purpose = 'another' WHERE seq = 3", params![]).await.unwrap();
    tx.commit().await.unwrap();
    let page = verified(&mut auditor, &[]).await;
    assert!(page.contains("record 3 was altered") && !page.contains("<dt>Last seal</dt>"), "{page}");
    let mut tx = console.store.db().begin().await.unwrap();
    tx.execute("DELETE FROM audit WHERE seq = 2", params![]).await.unwrap();
    tx.commit().await.unwrap();
    assert!(verified(&mut auditor, &[]).await.contains("record 2 is missing"));
}

#[tokio::test]
async fn what_a_role_may_not_open_is_written_down_as_over_the_api() {
    let console = company().await;
    let mut auditor = auditor(&console).await;
    for (name, role, path, said) in [
        ("ana", Role::Analyst, "/people/e-1", "Opened a person"),
        ("par", Role::HrPartner, "/audit", "Read the audit log"),
        ("aud", Role::Auditor, "/privacy/person?id=e-1", "Exported what is held about a person"),
        ("pri", Role::HrPartner, "/privacy/erase?id=e-1", "Erased a person"),
        ("rol", Role::Auditor, "/model/roll-back", "Went back to the model before"),
        ("act", Role::Admin, "/actions", "Looked at actions"),
        ("lis", Role::Admin, "/at-risk", "Opened the at-risk list"),
    ] {
        let mut visitor = console.visitor(name, role, Scope::All).await;
        visitor.state_purpose_quietly().await;
        let refused = visitor.open(path).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
        assert!(refused.text.contains("aria-label=\"Main\"") && refused.text.contains("Sign out"), "{}", refused.text);
        let page = auditor.page(&format!("/audit?decision=denied&who=user:{name}")).await;
        assert_eq!(numbers(&page).len(), 1, "{path}: {page}");
        assert!(page.contains(said), "{path}: {page}");
    }
}
