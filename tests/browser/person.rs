//! A person's page: the purpose asked once, a what-if, an action from start to end, an exit; the same without scripts; and nothing
//! of another team for a manager.

use crate::browser::{Browser, Scripts};
use crate::company::{Account, Console, sign_in, state_purpose};

/// The links to the people of the list.
const PEOPLE: &str = "table.people tbody th a";

/// What somebody does about a person.
async fn walk(browser: &Browser) {
    browser.open("/at-risk").await;
    let people = browser.attributes(PEOPLE, "href").await;
    browser.click(PEOPLE).await;
    assert_eq!(browser.heading().await, "Why do you look at a person?");
    // Not without a reason.
    browser.press("Go on").await;
    assert!(browser.has("[role=alert]").await, "{}", browser.text().await);
    state_purpose(browser).await;
    assert_eq!(browser.path().await, people[0], "one is where one wanted to go");
    browser.open(&people[1]).await;
    assert_eq!(browser.path().await, people[1], "asked once");

    // What if there were a talk every week?
    browser.open(&people[0]).await;
    let before = browser.texts(".big").await;
    browser.click("#what-if ~ details > summary, section[aria-labelledby=what-if] details > summary").await;
    let field = browser.attributes("input[name^='if.']", "name").await.remove(0);
    browser.one(&format!("input[name='{field}']")).await.send_keys("1").await.expect("a number");
    browser.press("Try it").await;
    let said = browser.text().await;
    assert!(said.contains("What the model would say"), "{said}");
    browser.open(&people[0]).await;
    assert_eq!(browser.texts(".big").await, before, "nothing was changed by it");

    // An action, from start to end.
    browser.press("Start an action").await;
    browser.fill("title", "Talk about the way ahead").await;
    browser.set("due", &crate::company::days_from_now(3)).await;
    browser.fill("note", "In the first week").await;
    browser.press("Start").await;
    assert!(browser.text().await.contains("The action is started"), "{}", browser.text().await);
    browser.open("/actions").await;
    browser.press("Talk about the way ahead").await;
    assert!(browser.text().await.contains("In the first week"), "{}", browser.text().await);
    let outcomes = browser.attributes("select[name=outcome] option", "value").await;
    browser.choose("outcome", outcomes.iter().find(|value| !value.is_empty()).expect("an outcome")).await;
    browser.press("Complete").await;
    assert!(browser.text().await.contains("The action is completed"), "{}", browser.text().await);
    browser.open("/actions").await;
    assert!(!browser.text().await.contains("Talk about the way ahead"), "it is due no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_looked_at_tried_out_and_acted_on() {
    let console = Console::start();
    walk(&console.signed_in(Account::Partner).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_looked_at_tried_out_and_acted_on_without_scripts() {
    let console = Console::start();
    let browser = console.browser(Scripts::Off).await;
    sign_in(&browser, Account::Partner).await;
    walk(&browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exit_is_recorded_and_the_person_listed_no_more() {
    let console = Console::start();
    let browser = console.signed_in(Account::Partner).await;
    browser.open("/at-risk").await;
    let person = browser.texts(PEOPLE).await.remove(0);
    browser.click(PEOPLE).await;
    state_purpose(&browser).await;
    browser.press("Record that this person leaves or has left").await;
    browser.set("date", &crate::company::days_from_now(0)).await;
    let kinds = browser.attributes("select[name=kind] option", "value").await;
    browser.choose("kind", kinds.iter().find(|value| !value.is_empty()).expect("a kind")).await;
    browser.press("Record the exit").await;
    assert!(browser.has("[role=alert]").await, "not unless one is sure: {}", browser.text().await);
    browser.click("input[name=confirm]").await;
    browser.press("Record the exit").await;
    assert!(browser.text().await.contains("The exit is recorded"), "{}", browser.text().await);
    browser.open(&format!("/at-risk?view=all&q={person}")).await;
    assert!(!browser.has(PEOPLE).await, "{}", browser.text().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_link_leads_a_manager_to_another_team() {
    let console = Console::start();
    let partner = console.signed_in(Account::Partner).await;
    partner.open("/at-risk?view=all").await;
    let other = partner.texts(PEOPLE).await.into_iter().find(|id| !Console::is_report(id)).expect("somebody else's");
    partner.open(&format!("/people/{other}")).await;
    state_purpose(&partner).await;
    partner.open(&format!("/people/{other}/actions/new")).await;
    partner.fill("title", "Only for the partner").await;
    partner.set("due", &crate::company::days_from_now(3)).await;
    partner.press("Start").await;
    partner.open("/actions").await;
    let action = partner.attributes("main table tbody th a", "href").await.remove(0);

    let manager = console.signed_in(Account::Manager).await;
    manager.open("/at-risk").await;
    let own = manager.attributes(PEOPLE, "href").await.remove(0);
    manager.open(&own).await;
    state_purpose(&manager).await;
    // Their own, without numbers.
    assert!(!manager.text().await.contains(" %"), "{}", manager.text().await);
    // Links that somebody who may see the other would send.
    for path in [
        format!("/people/{other}"),
        format!("/people/{other}?if.tenure_years=1"),
        format!("/people/{other}/actions/new"),
        format!("/people/{other}/exit"),
        action,
    ] {
        manager.open(&path).await;
        let said = manager.text().await;
        assert_eq!(manager.heading().await, "Not yours to see", "{path}: {said}");
        assert!(!said.contains(other.as_str()) && !said.contains("Only for the partner"), "{path}: {said}");
    }
    manager.open("/actions").await;
    assert!(!manager.text().await.contains("Only for the partner"));
    // Somebody who is not there is answered alike.
    manager.open("/people/nobody-at-all").await;
    assert_eq!(manager.heading().await, "Not yours to see");
}
