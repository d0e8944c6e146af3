//! Actions as a list, one of them, and what came of them.

use axum::http::StatusCode;
use flight_risk_scoring::Day;

use super::visitor::{Console, Seen, Visitor};
use crate::access::caller::{Role, Scope};
use crate::clock::today;
use crate::store::OrgFacts;
use crate::tests::fixture::native;
use crate::tests::risk::{department, record, with_risk};

async fn company() -> Console {
    let scorer = native();
    let console = Console::of(native()).await;
    let team = |manager: &str| OrgFacts { manager_id: Some(manager.into()), ..department("Sales") };
    let scores = [with_risk(&scorer, "e-1", 0.6, team("m-1")), with_risk(&scorer, "e-2", 0.5, team("m-2"))];
    record(&console.store, &scorer, &scores).await;
    console
}

async fn partner(console: &Console) -> Visitor {
    let mut partner = console.partner().await;
    partner.state_purpose().await;
    partner
}

async fn start(visitor: &mut Visitor, employee: &str, title: &str, assignee: &str, due: Day) {
    let due = due.to_string();
    let form = [("title", title), ("assignee", assignee), ("due", &*due), ("request_id", title)];
    let seen = visitor.send(&format!("/people/{employee}/actions"), &form).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.text);
}

/// The page of the action with this title, by the link in a list.
async fn follow(visitor: &mut Visitor, list: &str, title: &str) -> (String, Seen) {
    let page = visitor.page(list).await;
    let (before, _) = page.split_once(&format!(">{title}</a>")).unwrap_or_else(|| panic!("no {title} in {page}"));
    let (_, href) = before.rsplit_once("href=\"").unwrap();
    let href = href.trim_end_matches('"').to_owned();
    let seen = visitor.open(&href).await;
    assert_eq!(seen.status, StatusCode::OK, "{}", seen.text);
    (href, seen)
}

/// The fields of a form as it stands in a page, with those that somebody typed.
fn filled<'a>(seen: &Seen, form: &str, typed: &[(&'a str, &'a str)]) -> Vec<(&'a str, String)> {
    let hidden = ["etag", "request_id"].map(|name| {
        let (_, rest) = seen.text.split_once(&format!("/{form}\"")).unwrap();
        let (_, rest) = rest.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
        (name, rest.split_once('"').unwrap().0.to_owned())
    });
    hidden.into_iter().chain(typed.iter().map(|(name, value)| (*name, (*value).to_owned()))).collect()
}

async fn send(visitor: &mut Visitor, path: &str, fields: &[(&str, String)]) -> Seen {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    visitor.send(path, &fields).await
}

#[tokio::test]
async fn what_is_due_and_overdue_comes_first_and_whose_can_be_chosen() {
    let console = company().await;
    let mut partner = partner(&console).await;
    start(&mut partner, "e-1", "Late talk", "m-1", today().plus_days(-3)).await;
    start(&mut partner, "e-2", "Talk now", "partner", today()).await;
    start(&mut partner, "e-2", "Talk later", "partner", today().plus_days(60)).await;
    let due = partner.page("/actions").await;
    let (late, now) = (due.find("Late talk").unwrap(), due.find("Talk now").unwrap());
    assert!(late < now && due.contains("overdue by 3 days") && due.contains("due today"), "{due}");
    assert!(due.contains("1 action on this page is overdue") && !due.contains("Talk later"));
    for (query, there, absent) in [
        ("view=open", "Talk later", "no such"),
        ("who=partner", "Talk now", "Late talk"),
        ("view=open&who=partner", "Talk later", "Late talk"),
        ("who=m-1", "Late talk", "Talk now"),
        ("view=done", "Nothing here yet", "Late talk"),
        ("who=%22+OR+1%3D1", "Nothing here", "Late talk"),
        ("view=done&who=%22+OR+1%3D1", "Nothing here", "Late talk"),
        ("view=nonsense", "Late talk", "Talk later"),
    ] {
        let page = partner.page(&format!("/actions?{query}")).await;
        assert!(page.contains(there) && !page.contains(absent), "{query}: {page}");
    }
    let scope = Scope::Reports { manager_id: "m-1".into() };
    let mut manager = console.visitor("manager", Role::Manager, scope).await;
    let page = manager.page("/actions?view=open").await;
    assert!(page.contains("Late talk") && !page.contains("Talk later"), "{page}");
    assert!(page.contains("who=m-1") && !page.contains("What came of it</a>"), "{page}");
}

#[tokio::test]
async fn lists_go_on_where_a_page_ends() {
    let console = company().await;
    let mut partner = partner(&console).await;
    for number in 0..53 {
        start(&mut partner, "e-1", &format!("Talk no. {number:02}"), "", today().plus_days(number)).await;
    }
    let first = partner.page("/actions?view=open").await;
    assert!(first.contains("Talk no. 49") && !first.contains("Talk no. 50") && first.contains("1 to 50"), "{first}");
    let (before, _) = first.split_once("rel=\"next\"").unwrap();
    let (_, rest) = first.split_at(before.len());
    let href = rest.split_once("href=\"").unwrap().1.split_once('"').unwrap().0.replace("&#38;", "&");
    let second = partner.page(&href).await;
    assert!(
        second.contains("Talk no. 52") && !second.contains("Talk no. 49") && second.contains("51 to 53"),
        "{second}"
    );
}

#[tokio::test]
async fn an_action_is_followed_and_closed_with_what_came_of_it() {
    let console = company().await;
    let mut partner = partner(&console).await;
    start(&mut partner, "e-1", "Talk", "m-1", today()).await;
    let (href, seen) = follow(&mut partner, "/actions", "Talk").await;
    let due = today().plus_days(5).to_string();
    let typed =
        [("title", "Long talk"), ("assignee", "m-9"), ("due", &*due), ("state", "in_progress"), ("note", "agreed")];
    let sent = send(&mut partner, &format!("{href}/change"), &filled(&seen, "change", &typed)).await;
    assert_eq!(sent.location, "/people/e-1?done=action-changed#actions");
    let (_, seen) = follow(&mut partner, "/actions", "Long talk").await;
    assert!(seen.text.contains("m-9") && seen.text.contains("Begun") && seen.text.contains("in 5 days"));
    let missing =
        send(&mut partner, &format!("{href}/complete"), &filled(&seen, "complete", &[("result", "kept")])).await;
    assert_eq!(missing.status, StatusCode::BAD_REQUEST);
    assert!(missing.text.contains("outcome-problem") && missing.text.contains("kept</textarea>"), "{}", missing.text);
    let form = filled(&seen, "complete", &[("outcome", "helped"), ("result", "")]);
    for _ in 0..2 {
        // Sent twice, carried out once.
        let sent = send(&mut partner, &format!("{href}/complete"), &form).await;
        assert_eq!(sent.location, "/people/e-1?done=action-completed#actions", "{}", sent.text);
    }
    let done = partner.page("/actions?view=done").await;
    assert!(done.contains("It helped, as far as one can see"), "{done}");
    let closed = partner.page(&href).await;
    assert!(!closed.contains("/change") && closed.contains("agreed"), "the note was kept: {closed}");
    let late = send(&mut partner, &format!("{href}/change"), &filled(&seen, "change", &typed)).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.text.contains("closed already"), "{}", late.text);
}

#[tokio::test]
async fn what_somebody_else_changed_is_told_and_not_overwritten() {
    let console = company().await;
    let mut partner = partner(&console).await;
    start(&mut partner, "e-1", "Talk", "m-1", today()).await;
    let (href, seen) = follow(&mut partner, "/actions", "Talk").await;
    let due = today().to_string();
    let typed = |title: &'static str| {
        [("title", title), ("assignee", ""), ("due", due.as_str()), ("state", "open"), ("note", "")]
    };
    let first = filled(&seen, "change", &typed("Theirs"));
    let mut second = filled(&seen, "change", &typed("Mine"));
    second.iter_mut().filter(|(name, _)| *name == "request_id").for_each(|(_, id)| id.push('x'));
    assert_eq!(send(&mut partner, &format!("{href}/change"), &first).await.status, StatusCode::SEE_OTHER);
    let conflict = send(&mut partner, &format!("{href}/change"), &second).await;
    assert_eq!(conflict.status, StatusCode::CONFLICT);
    assert!(conflict.text.contains("Somebody else changed this action"), "{}", conflict.text);
    assert!(conflict.text.contains("<dd>Theirs</dd>") && conflict.text.contains("value=\"Mine\""), "{}", conflict.text);
    let done = filled(&seen, "complete", &[("outcome", "helped")]);
    let conflict_too = send(&mut partner, &format!("{href}/complete"), &done).await;
    assert_eq!(conflict_too.status, StatusCode::CONFLICT);
    // What is sent from the page that told of it counts.
    let again = filled(&conflict, "change", &typed("Mine"));
    assert_eq!(send(&mut partner, &format!("{href}/change"), &again).await.status, StatusCode::SEE_OTHER);
    assert!(partner.page(&href).await.contains("<dd>Mine</dd>"));
}

/// A page without what may hold any few letters by chance: the address of its style sheet, and the token of its forms.
fn without_chance(page: &str) -> String {
    let parts: Vec<&str> = page.split('"').collect();
    let after_its_name = |place: usize| place >= 2 && parts[place - 2] == "csrf";
    let by_chance = |place: usize| parts[place].starts_with("/assets/") || after_its_name(place);
    (0..parts.len()).filter(|place| !by_chance(*place)).map(|place| parts[place]).collect::<Vec<_>>().join("\"")
}

#[tokio::test]
async fn those_who_see_no_people_see_the_comparison_only() {
    let console = company().await;
    let mut partner = partner(&console).await;
    start(&mut partner, "e-1", "Talk", "m-1", today()).await;
    let (href, _) = follow(&mut partner, "/actions", "Talk").await;
    for (name, role) in [("analyst", Role::Analyst), ("auditor", Role::Auditor)] {
        let mut visitor = console.visitor(name, role, Scope::All).await;
        for query in ["", "?view=open", "?view=done&who=m-1"] {
            let page = visitor.page(&format!("/actions{query}")).await;
            assert!(page.contains("This is no proof") && page.contains("too few to show"), "{name}{query}: {page}");
            let page = without_chance(&page);
            assert!(!page.contains("Talk") && !page.contains("e-1") && !page.contains("All under way"), "{page}");
        }
        visitor.state_purpose().await;
        assert_eq!(visitor.open(&href).await.status, StatusCode::FORBIDDEN, "{name}");
        assert_eq!(visitor.open("/people/e-1").await.status, StatusCode::FORBIDDEN, "{name}");
    }
    let mut admin = console.visitor("admin", Role::Admin, Scope::All).await;
    assert_eq!(admin.open("/actions").await.status, StatusCode::FORBIDDEN);
    assert!(partner.page("/actions?view=outcomes").await.contains("Did the scores hold?"));
}

#[tokio::test]
async fn what_is_no_action_has_no_page() {
    let console = company().await;
    let mut partner = partner(&console).await;
    for path in ["/actions/none", "/actions/..%2F..%2Fpeople", "/actions/%3Cscript%3E", "/actions/%00"] {
        let seen = partner.open(path).await;
        assert_eq!(seen.status, StatusCode::NOT_FOUND, "{path}");
        assert!(!seen.text.contains("<script>"), "{path}");
    }
    for path in ["/actions/none/change", "/actions/none/complete"] {
        let form = [("title", "T"), ("due", "2030-01-01"), ("state", "open"), ("outcome", "helped")];
        assert_eq!(partner.send(path, &form).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}
