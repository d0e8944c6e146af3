//! The rights of people as pages: what is held is shown and taken away, erased after a question, and told in a notice.

use axum::http::StatusCode;

use super::visitor::Console;
use crate::access::caller::{Role, Scope};
use crate::config::ServerConfig;
use crate::tests::fixture::{flat, native};
use crate::tests::risk::{department, record, with_risk};

/// Who is exported and erased.
const WHO: &str = "e-<4711>";

async fn company() -> Console {
    let scorer = native();
    let console = Console::of(native()).await;
    let scores = [
        with_risk(&scorer, WHO, 0.62, department("Sales & <b>Service</b>")),
        with_risk(&scorer, "e-2", 0.21, department("Research")),
    ];
    record(&console.store, &scorer, &scores).await;
    console
}

#[tokio::test]
async fn only_those_who_may_export_see_the_pages_and_only_an_administrator_erases() {
    let console = company().await;
    let roles = [
        ("hris", Role::Hris, false, false),
        ("partner", Role::HrPartner, true, false),
        ("manager", Role::Manager, false, false),
        ("analyst", Role::Analyst, false, false),
        ("auditor", Role::Auditor, false, false),
        ("admin", Role::Admin, true, true),
    ];
    for (name, role, exports, erases) in roles {
        let scope = match role {
            Role::Manager => Scope::Reports { manager_id: "m-1".into() },
            _ => Scope::All,
        };
        let mut visitor = console.visitor(name, role, scope).await;
        visitor.state_purpose_quietly().await;
        let status = |yes: bool| if yes { StatusCode::OK } else { StatusCode::FORBIDDEN };
        for path in [
            "/privacy",
            "/privacy/notice",
            "/privacy/notice.txt",
            "/privacy/person?id=e-2",
            "/privacy/person.json?id=e-2",
        ] {
            assert_eq!(visitor.open(path).await.status, status(exports), "{name} {path}");
        }
        assert_eq!(visitor.open("/privacy/erase?id=e-2").await.status, status(erases), "{name}");
        if !erases {
            let seen = visitor.send("/privacy/erase", &[("id", "e-2"), ("again", "e-2")]).await;
            assert_eq!(seen.status, StatusCode::FORBIDDEN, "{name}");
        }
    }
    let mut admin = console.visitor("admin-2", Role::Admin, Scope::All).await;
    admin.state_purpose_quietly().await;
    assert!(admin.page("/privacy/person?id=e-2").await.contains("Estimates"), "nobody erased e-2");
    assert!(console.stranger().open("/privacy").await.location.starts_with("/sign-in"));
}

#[tokio::test]
async fn what_is_held_is_shown_with_who_looked_and_taken_away() {
    let console = company().await;
    let mut partner = console.partner().await;
    let path = "/privacy/person?id=e-%3C4711%3E";
    let seen = partner.open(path).await;
    assert!(seen.location.starts_with("/purpose?next="), "first why: {}", seen.location);
    partner.state_purpose().await;
    partner.page(path).await;
    let page = partner.page(path).await;
    assert!(page.contains("e-&#60;4711&#62;") && !page.contains("e-<4711>"), "text is text: {page}");
    assert!(page.contains("Sales &#38; &#60;b&#62;Service") && page.contains("<h2>Estimates</h2>"));
    assert!(page.contains("Exported what is held about a person") && page.contains("preparing a talk"));
    let seen = partner.open("/privacy/person.json?id=e-%3C4711%3E").await;
    assert!(seen.headers["content-disposition"].to_str().unwrap().starts_with("attachment; filename=\"personal-data-"));
    assert!(!seen.headers["content-disposition"].to_str().unwrap().contains("4711"));
    let json: serde_json::Value = serde_json::from_str(&seen.text).unwrap();
    assert_eq!((json["employee_id"].as_str(), json["scores"].as_array().unwrap().len()), (Some(WHO), 1));
    assert_eq!(json["accesses"].as_array().unwrap().len(), 2, "who opened the page");
    assert_eq!(partner.open("/privacy/person?id=e-9").await.status, StatusCode::NOT_FOUND);
    assert_eq!(partner.open("/privacy/person?id=").await.status, StatusCode::BAD_REQUEST);
    // Whose part of the company it is not learns nothing.
    let scope = Scope::Units { departments: vec!["Research".into()], locations: Vec::new() };
    let mut other = console.visitor("other", Role::HrPartner, scope).await;
    other.state_purpose().await;
    assert_eq!(other.open(path).await.status, StatusCode::FORBIDDEN);
    assert_eq!(other.open("/privacy/person?id=e-9").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_person_is_erased_after_the_identifier_is_typed_again() {
    let console = company().await;
    let mut admin = console.visitor("admin", Role::Admin, Scope::All).await;
    admin.state_purpose_quietly().await;
    let page = admin.page("/privacy/erase?id=e-%3C4711%3E").await;
    assert!(page.contains("1 score, with the facts they came from"), "{page}");
    for again in ["", "e-2", "E-<4711>"] {
        let seen = admin.send("/privacy/erase", &[("id", WHO), ("again", again)]).await;
        assert!(seen.text.contains("nothing was erased"), "{again:?}: {}", seen.text);
    }
    admin.page("/privacy/person?id=e-%3C4711%3E").await;
    let seen = admin.send("/privacy/erase", &[("id", WHO), ("again", WHO)]).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.text);
    assert!(seen.location.starts_with("/privacy?scores=1&actions=0&others="), "{}", seen.location);
    let page = admin.page(&seen.location).await;
    assert!(page.contains("Erased: 1 score, 0 actions"), "{page}");
    assert_eq!(admin.open("/privacy/person?id=e-%3C4711%3E").await.status, StatusCode::NOT_FOUND);
    let mut partner = console.partner().await;
    let list = partner.page("/at-risk?view=all").await;
    assert!(list.contains("e-2</a>") && !list.contains("4711"), "{list}");
    assert!(admin.page("/privacy/erase?id=e-%3C4711%3E").await.contains("Nothing is held"));
}

#[tokio::test]
async fn the_notice_says_what_this_server_does() {
    let mut config = ServerConfig::default();
    config.store.retention_days = 123;
    config.access.managers_see_numbers = true;
    let console = Console::with(native(), config).await;
    let mut partner = console.partner().await;
    let plain = partner.page("/privacy/notice.txt").await;
    for text in [
        "123 days",
        "within 3, 6 and 12 months",
        "Answers to our surveys enter the estimate.",
        "sees the estimate of their own reports",
        "of 10 people or more",
        "the last 30 days before a possible exit",
        "[Company]",
    ] {
        assert!(plain.contains(text), "{text} is not in {plain}");
    }
    for feature in &native().artifact().content().features {
        assert!(plain.contains(&feature.label), "{}", feature.label);
    }
    let page = partner.page("/privacy/notice").await;
    assert!(page.contains("123 days") && page.contains("Whom to ask"));
    // Another server, another notice.
    let console = Console::of(flat()).await;
    let plain = console.partner().await.page("/privacy/notice.txt").await;
    assert!(plain.contains("surveys do not enter") && !plain.contains("months"), "{plain}");
    assert!(plain.contains("but no estimate and no number") && plain.contains("400 days"));
}

#[tokio::test]
async fn an_address_that_says_what_was_done_is_not_believed() {
    let console = company().await;
    let mut admin = console.visitor("another", Role::Admin, Scope::All).await;
    let (counts, done) = ("/privacy?scores=7&actions=0&others=0&kept=0", "/privacy?done=erased");
    for path in [counts, done] {
        assert!(!admin.page(path).await.contains("held about the person is erased."), "{path}");
    }
    admin.state_purpose_quietly().await;
    let told = admin.send("/privacy/erase", &[("id", "e-2"), ("again", "e-2")]).await.location;
    assert!(
        !admin.page(counts).await.contains("held about the person is erased."),
        "another address than the one the form led to"
    );
    assert!(admin.page(&told).await.contains("held about the person is erased."), "{told}");
    assert!(!admin.page(&told).await.contains("held about the person is erased."), "told once");
}
