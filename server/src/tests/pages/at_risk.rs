//! The at-risk list as a page.

use axum::http::StatusCode;

use super::visitor::Console;
use crate::access::caller::{Role, Scope};
use crate::store::OrgFacts;
use crate::store::audit_search::Sought;
use crate::tests::fixture::native;
use crate::tests::risk::{department, record, with_risk};

async fn company() -> Console {
    let scorer = native();
    let console = Console::of(native()).await;
    let reports = OrgFacts { manager_id: Some("m-1".into()), ..department("Sales") };
    let scores = [
        with_risk(&scorer, "e-1", 0.62, reports.clone()),
        with_risk(&scorer, "e-2", 0.21, department("Research & <Design>")),
        with_risk(&scorer, "e-3", 0.05, reports),
        with_risk(&scorer, "e-4", -1.0, department("Sales")),
    ];
    record(&console.store, &scorer, &scores).await;
    console
}

#[tokio::test]
async fn those_at_risk_come_with_whole_percents_and_filters_keep_to_the_fields() {
    let console = company().await;
    let mut partner = console.partner().await;
    let page = partner.page("/at-risk").await;
    let (first, second) = (page.find("e-1</a>").unwrap(), page.find("e-2</a>").unwrap());
    assert!(first < second && page.contains("62\u{a0}%") && page.contains("21\u{a0}%"), "{page}");
    assert!(!page.contains("e-3</a>") && !page.contains("e-4</a>"));
    for (query, there, absent) in [
        ("band=HIGH", "e-1</a>", "e-2</a>"),
        ("department=Research+%26+%3CDesign%3E", "e-2</a>", "e-1</a>"),
        ("manager=m-1&view=all", "e-3</a>", "e-2</a>"),
        ("view=unknown", "e-4</a>", "e-1</a>"),
        ("q=e-3", "e-3</a>", "e-1</a>"),
        ("sort=probability", "e-1</a>", "e-3</a>"),
        ("department=Sales%22+OR+1%3D1", "Nobody matches", "e-1</a>"),
    ] {
        let page = partner.page(&format!("/at-risk?{query}")).await;
        assert!(page.contains(there) && !page.contains(absent), "{query}: {page}");
    }
    assert!(partner.page("/at-risk").await.contains("Research &#38; &#60;Design&#62;"), "shown as text");
}

#[tokio::test]
async fn a_capacity_marks_so_many_and_says_what_to_expect() {
    let console = company().await;
    let mut partner = console.partner().await;
    let page = partner.page("/at-risk?capacity=1").await;
    assert_eq!(page.matches("on your list").count(), 1, "{page}");
    assert!(page.contains("If you talk to 1 person: expect about 1 of them"), "{page}");
    assert!(page.contains("e-2</a>"), "the list goes on after them");
    assert_eq!(partner.open("/at-risk?capacity=many").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_manager_sees_the_own_reports_without_numbers() {
    let console = company().await;
    let scope = Scope::Reports { manager_id: "m-1".into() };
    let mut manager = console.visitor("manager", Role::Manager, scope).await;
    let page = manager.page("/at-risk").await;
    assert!(page.contains("e-1</a>") && page.contains("e-3</a>") && !page.contains("e-2</a>"), "{page}");
    assert!(!page.contains('%') && !page.contains("High"), "{page}");
    // Whatever the address says.
    let backwards = manager.page("/at-risk?sort=employee_id+desc").await;
    assert!(backwards.find("e-3</a>").unwrap() < backwards.find("e-1</a>").unwrap(), "{backwards}");
    for query in [
        "view=all",
        "band=HIGH",
        "capacity=1",
        "sort=probability",
        "view=unknown",
        "changed=2020-01-01",
        "sort=score_time",
    ] {
        let seen = manager.open(&format!("/at-risk?{query}")).await;
        assert!(!seen.text.contains("e-2</a>") && !seen.text.contains("62\u{a0}%"), "{query}");
    }
}

#[tokio::test]
async fn what_a_manager_can_choose_from_does_not_tell_who_is_at_risk() {
    let scorer = native();
    let console = Console::of(native()).await;
    let of = |id: &str, risk: f64, department: &str, manager: &str| {
        let org =
            OrgFacts { department: Some(department.into()), manager_id: Some(manager.into()), ..OrgFacts::default() };
        with_risk(&scorer, id, risk, org)
    };
    let scores = [
        of("e-1", 0.05, "Sales", "m-1"),
        of("e-2", 0.02, "Design", "m-1"),
        of("e-3", 0.62, "Sales", "m-2"),
        of("e-4", 0.02, "Design", "m-2"),
        of("e-5", 0.9, "Elsewhere", "m-3"),
    ];
    record(&console.store, &scorer, &scores).await;
    for (manager, name) in [("m-1", "nobody at risk"), ("m-2", "one at risk")] {
        let scope = Scope::Reports { manager_id: manager.into() };
        let mut visitor = console.visitor(manager, Role::Manager, scope).await;
        let mut page = visitor.page("/at-risk").await;
        // They are looked up beside the page, which waits for them a short while only.
        for _ in 0..100 {
            if page.contains("<select id=\"department\"") {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            page = visitor.page("/at-risk").await;
        }
        for department in ["Sales", "Design"] {
            assert!(page.contains(&format!("<option value=\"{department}\"")), "{name}: {department}: {page}");
        }
        assert!(!page.contains("Elsewhere"), "{name}: {page}");
    }
}

#[tokio::test]
async fn the_list_is_taken_away_as_a_file_that_runs_nothing() {
    let scorer = native();
    let console = company().await;
    record(&console.store, &scorer, &[with_risk(&scorer, "=1+1", 0.9, department("@SUM(A1)"))]).await;
    let mut partner = console.partner().await;
    let seen = partner.open("/at-risk.csv?view=all").await;
    assert_eq!((seen.status, seen.location.as_str()), (StatusCode::SEE_OTHER, "/purpose?next=%2Fat-risk%3Fview%3Dall"));
    partner.state_purpose().await;
    let seen = partner.open("/at-risk.csv?view=all").await;
    assert_eq!(seen.status, StatusCode::OK);
    assert!(seen.text.starts_with("\u{feff}\"employee_id\""), "spreadsheets read it as UTF-8");
    assert!(seen.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
    let lines: Vec<&str> = seen.text.lines().collect();
    assert_eq!(lines.len(), 6, "{}", seen.text);
    assert!(lines[1].starts_with("\"'=1+1\",\"\",\"'@SUM(A1)\","), "{}", lines[1]);
    let log = console.store.audit_search(None, &Sought::default(), 1).await.unwrap();
    assert!(log.records[0].draft.purpose.ends_with(" (exported as CSV)"), "{}", log.records[0].draft.purpose);
    // Those whom the page marks, whatever the order.
    let seen = partner.open("/at-risk.csv?view=all&capacity=1&sort=employee_id+desc").await;
    assert!(seen.text.contains("=1+1") && seen.text.lines().count() == 2, "{}", seen.text);
}

/// Where a list goes on, or came from.
fn lead(page: &str, rel: &str) -> Option<String> {
    let (_, link) = page.split_once(&format!("rel=\"{rel}\" href=\""))?;
    Some(link.split_once('"').unwrap().0.replace("&#38;", "&").replace("&amp;", "&"))
}

#[tokio::test]
async fn a_name_is_looked_for_on_every_page() {
    let scorer = native();
    let console = company().await;
    let named = |i: usize| OrgFacts { display_name: Some(format!("Ärmel {i:02}")), ..department("Sales") };
    let many: Vec<_> = (0..40).map(|i| with_risk(&scorer, &format!("p-{i:02}"), 0.3, named(i))).collect();
    record(&console.store, &scorer, &many).await;
    let mut partner = console.partner().await;
    let first = partner.page("/at-risk?q=%C3%84rm&capacity=3").await;
    assert!(first.contains("p-00</a>") && first.contains("If you talk to 3 people"), "{first}");
    assert!(!first.contains("First page"));
    let href = lead(&first, "next").expect("another page");
    let second = partner.page(&href).await;
    assert!(second.contains("p-39</a>") && !second.contains("p-00</a>") && second.contains("First page"), "{second}");
    let back = lead(&second, "prev").expect("a way back");
    let again = partner.page(&back).await;
    assert!(again.contains("p-00</a>") && again.contains("marked") && lead(&again, "prev").is_none(), "{again}");
    // A way back that no page of ours made is none.
    let other = partner.page(&href.replace("back=0-", "back=0-%22%3E%3Cscript%3E")).await;
    assert!(other.contains("p-39</a>") && lead(&other, "prev").is_none() && !other.contains("<script"), "{other}");
    // Whatever number of people the address says stand before.
    let (kept, _) = href.split_once("before=").unwrap();
    partner.page(&format!("{kept}before=18446744073709551615")).await;
    partner.state_purpose().await;
    let file = partner.page("/at-risk.csv?q=%C3%84rm").await;
    assert_eq!(file.lines().count(), 41, "{file}");
}

#[tokio::test]
async fn changed_means_that_a_change_was_told_not_that_a_score_was_renewed() {
    let console = company().await;
    let mut partner = console.partner().await;
    // Of e-1 and e-2 it was told that they are at risk now; the low risk of e-3 is no change.
    let page = partner.page("/at-risk?view=all&changed=2020-01-01").await;
    assert!(page.contains("e-1</a>") && page.contains("e-2</a>") && !page.contains("e-3</a>"), "{page}");
    assert!(page.contains("<option value=\"2020-01-01\" selected>Since 1 January 2020"), "{page}");
    let page = partner.page("/at-risk?view=all&changed=2199-01-01").await;
    assert!(page.contains("Nobody matches"), "{page}");
    assert_eq!(partner.open("/at-risk?changed=lately").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn views_keep_the_filters_and_those_not_scored_are_not_marked() {
    let console = company().await;
    let mut partner = console.partner().await;
    let page = partner.page("/at-risk?department=Sales&capacity=2").await;
    assert!(page.contains("/at-risk?view=unknown&#38;department=Sales&#38;capacity=2"), "{page}");
    for query in ["view=unknown&capacity=2", "department=Nowhere&capacity=2"] {
        let page = partner.page(&format!("/at-risk?{query}")).await;
        assert!(!page.contains("on your list") && !page.contains("If you talk to"), "{query}: {page}");
    }
}
