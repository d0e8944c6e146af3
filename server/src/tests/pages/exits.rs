//! Exits recorded and corrected on a person's page.

use axum::http::StatusCode;

use super::person::{audited, company, manager, partner, said_of, start};
use super::visitor::Visitor;
use crate::access::caller::{Role, Scope};
use crate::clock::today;

#[tokio::test]
async fn an_exit_is_recorded_when_it_is_confirmed() {
    let console = company().await;
    let mut partner = partner(&console).await;
    let form = partner.open("/people/e-1/exit").await;
    let request_id = form.value_after("name=\"request_id\"");
    let today = today().to_string();
    let whole = [("date", today.as_str()), ("kind", "voluntary"), ("confirm", "yes"), ("request_id", &request_id)];
    for (without, problem) in [("confirm", "confirm-problem"), ("date", "date-problem"), ("kind", "kind-problem")] {
        let part: Vec<(&str, &str)> = whole.into_iter().filter(|(name, _)| *name != without).collect();
        let seen = partner.send("/people/e-1/exit", &part).await;
        assert_eq!(seen.status, StatusCode::BAD_REQUEST, "{without}");
        assert!(seen.text.contains(problem), "{without}: {}", seen.text);
    }
    assert!(partner.page("/people/e-1").await.contains("How likely"), "nothing was recorded so far");
    let seen = partner.send("/people/e-1/exit", &whole).await;
    assert_eq!((seen.status, seen.location.as_str()), (StatusCode::SEE_OTHER, "/people/e-1?done=exit-recorded"));
    assert!(!partner.page("/at-risk?view=all").await.contains("e-1</a>"));
}

#[tokio::test]
async fn who_may_not_send_a_form_is_not_shown_it_and_the_audit_log_has_that() {
    let console = company().await;
    let mut manager = manager(&console).await;
    assert_eq!(manager.open("/people/e-1/exit").await.status, StatusCode::FORBIDDEN);
    let mut analyst = console.visitor("analyst", Role::Analyst, Scope::All).await;
    assert_eq!(analyst.open("/people/e-1/actions/new").await.status, StatusCode::FORBIDDEN, "before asking why");
    let records = console.store.audit_page(0).await.unwrap();
    let refused = records.iter().map(|record| &record.draft).filter(|draft| draft.decision == "denied");
    let refused: Vec<_> = refused.map(|draft| (draft.actor.as_str(), draft.method.as_str())).collect();
    let expected = [
        ("user:manager", "flightrisk.v1.ActionService/ReportExit"),
        ("user:analyst", "flightrisk.v1.ActionService/CreateAction"),
    ];
    assert_eq!(refused, expected);
}

#[tokio::test]
async fn an_exit_is_corrected_by_those_who_may_record_it() {
    let console = company().await;
    let mut partner = partner(&console).await;
    start(&mut partner, "e-1", "r-1").await;
    let day = |back: i32| today().plus_days(-back).to_string();
    let exit = |date: String, kind: &str, id: &str| {
        [("date", date), ("kind", kind.to_owned()), ("confirm", "yes".to_owned()), ("request_id", id.to_owned())]
    };
    let send = async |visitor: &mut Visitor, form: [(&'static str, String); 4]| {
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        visitor.send("/people/e-1/exit", &form).await
    };
    assert_eq!(send(&mut partner, exit(day(10), "voluntary", "x-1")).await.status, StatusCode::SEE_OTHER);
    let left = partner.page("/people/e-1").await;
    for part in ["Left on", "the person resigned", "Talk it over", "/people/e-1/exit", "/privacy/person?id=e-1"] {
        assert!(left.contains(part), "{part}: {left}");
    }
    let form = partner.open("/people/e-1/exit").await;
    assert_eq!((form.status, form.value_after("id=\"date\"")), (StatusCode::OK, day(10)));
    assert!(form.text.contains("value=\"voluntary\" selected"), "{}", form.text);
    // Sent with a mistake, the form comes back; without, it replaces what was recorded.
    assert_eq!(send(&mut partner, exit(day(10), "", "x-2")).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(send(&mut partner, exit(day(3), "retirement", "x-3")).await.status, StatusCode::SEE_OTHER);
    let left = partner.page("/people/e-1").await;
    assert!(left.contains("Left on") && left.contains("retirement"), "{left}");
    assert_eq!(partner.open("/people/e-1/exit").await.value_after("id=\"date\""), day(3));
    let allowed = |entry: &(String, String, String)| entry.2 == "allowed";
    assert!(audited(&console, "e-1").await.iter().all(allowed), "nothing was refused on the way");
    // The manager is told that the person left, and not why; another team's manager is told nothing.
    let page = manager(&console).await.page("/people/e-1").await;
    assert!(page.contains("Left on") && !page.contains("retirement") && !page.contains("/exit"), "{page}");
    let scope = Scope::Reports { manager_id: "m-2".into() };
    let mut other = console.visitor("other", Role::Manager, scope).await;
    other.state_purpose().await;
    assert_eq!(said_of(&mut other, "e-1").await, said_of(&mut other, "nobody").await);
}

#[tokio::test]
async fn an_exit_that_was_recorded_in_error_is_taken_back_after_a_question() {
    let console = company().await;
    let mut partner = partner(&console).await;
    let page = "/people/e-1/exit/withdraw";
    assert!(partner.page(page).await.contains("No exit is recorded for"), "nothing to take back");
    let date = today().to_string();
    let exit = [("date", date.as_str()), ("kind", "voluntary"), ("confirm", "yes"), ("request_id", "x-1")];
    assert_eq!(partner.send("/people/e-1/exit", &exit).await.status, StatusCode::SEE_OTHER);
    assert!(partner.page("/people/e-1").await.contains(page), "the way there");
    assert!(partner.page("/people/e-1/exit").await.contains(page), "from the correction too");
    let form = partner.open(page).await;
    assert!(form.text.contains("the person resigned"), "{}", form.text);
    let request_id = form.value_after("name=\"request_id\"");
    let unsure = partner.send(page, &[("request_id", &request_id)]).await;
    assert!(unsure.status == StatusCode::BAD_REQUEST && unsure.text.contains("confirm-problem"), "{}", unsure.text);
    assert!(partner.page("/people/e-1").await.contains("Left on"), "nothing was taken back");
    for _ in 0..2 {
        let seen = partner.send(page, &[("request_id", &request_id), ("confirm", "yes")]).await;
        assert_eq!((seen.status, seen.location.as_str()), (StatusCode::SEE_OTHER, "/people/e-1?done=exit-withdrawn"));
    }
    let back = partner.page("/people/e-1?done=exit-withdrawn").await;
    assert!(back.contains("How likely") && back.contains("is listed again"), "{back}");
    assert!(partner.page("/at-risk?view=all").await.contains("e-1</a>"));
    let seen = partner.send(page, &[("request_id", "another"), ("confirm", "yes")]).await;
    assert_eq!(seen.status, StatusCode::NOT_FOUND, "there is none any more");

    let mut manager = manager(&console).await;
    assert_eq!(manager.open(page).await.status, StatusCode::FORBIDDEN);
    let seen = manager.send(page, &[("request_id", "m"), ("confirm", "yes")]).await;
    assert_eq!(seen.status, StatusCode::FORBIDDEN);
    let log = audited(&console, "e-1").await;
    assert!(log.iter().any(|entry| entry.0.ends_with("WithdrawExit") && entry.2 == "allowed"), "{log:?}");
}
