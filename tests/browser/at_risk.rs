//! The at-risk list: filtered, sorted, paged, taken away as a file and printed; the same without scripts.

use std::collections::BTreeSet;

use crate::browser::{Browser, Scripts};
use crate::company::{Account, Console, sign_in, state_purpose};

/// The links to the people of the list.
const PEOPLE: &str = "table.people tbody th a";

/// Opens the fold with the filters.
async fn unfold(browser: &Browser) {
    if !browser.has("details[open] form.filters").await {
        browser.click("details > summary").await;
    }
}

/// Whole percents of the risks as they stand.
async fn percents(browser: &Browser) -> Vec<u32> {
    let texts = browser.texts("td[data-label=Risk] b").await;
    texts
        .iter()
        .map(|text| text.trim_start_matches("under ").split_whitespace().next().unwrap().parse().unwrap())
        .collect()
}

/// What somebody does with the list in ten minutes.
async fn walk(browser: &Browser) {
    browser.open("/at-risk").await;
    let shown = percents(browser).await;
    assert!(shown.len() > 5 && shown.is_sorted_by(|a, b| a >= b), "highest first: {shown:?}");

    unfold(browser).await;
    browser.choose("sort", "probability").await;
    browser.press("Show").await;
    let shown = percents(browser).await;
    assert!(shown.len() > 5 && shown.is_sorted(), "lowest first: {shown:?}");

    browser.open("/at-risk?view=all").await;
    unfold(browser).await;
    let departments = browser.attributes("select[name=department] option", "value").await;
    let department = departments.iter().find(|value| !value.is_empty()).expect("a department");
    browser.choose("department", department).await;
    browser.press("Show").await;
    let teams = browser.texts("td[data-label=Team]").await;
    assert!(!teams.is_empty() && teams.iter().all(|team| team.starts_with(department)), "{department}: {teams:?}");
    browser.press("Clear").await;
    assert_eq!(browser.path().await, "/at-risk");

    let person = browser.texts(PEOPLE).await.remove(0);
    unfold(browser).await;
    browser.fill("q", &person).await;
    browser.press("Show").await;
    assert_eq!(browser.texts(PEOPLE).await, [person]);

    browser.open("/at-risk?view=all").await;
    let mut seen = BTreeSet::new();
    let mut pages = 0;
    loop {
        pages += 1;
        for person in browser.texts(PEOPLE).await {
            assert!(seen.insert(person.clone()), "{person} stands on two pages");
        }
        if !browser.has("a[rel=next]").await {
            break;
        }
        browser.click("a[rel=next]").await;
    }
    assert!(pages > 2 && seen.len() > 100, "{} people on {pages} pages", seen.len());
    assert!(browser.text().await.contains("First page"), "one can go back");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_filtered_sorted_searched_and_paged() {
    let console = Console::start();
    walk(&console.signed_in(Account::Partner).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_works_without_scripts() {
    let console = Console::start();
    let browser = console.browser(Scripts::Off).await;
    sign_in(&browser, Account::Partner).await;
    walk(&browser).await;
    browser.press("Sign out").await;
    assert_eq!(browser.path().await, "/sign-in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capacity_marks_people_and_the_list_is_taken_away_and_printed() {
    let console = Console::start();
    let browser = console.signed_in(Account::Partner).await;
    browser.open("/at-risk").await;
    browser.fill("capacity", "5").await;
    browser.press("Mark them").await;
    let marked = browser.all("tr.marked").await.len();
    let said = browser.text().await;
    assert!(marked == 5 && said.contains("If you talk to 5 people: expect"), "{marked}: {said}");

    let listed = browser.texts(PEOPLE).await;
    // Why it is taken away is asked once, and leads back to the list.
    browser.press("Export as CSV").await;
    state_purpose(&browser).await;
    browser.press("Export as CSV").await;
    let (name, file) = browser.downloaded().await;
    assert!(name.starts_with("at-risk-") && name.ends_with(".csv"), "{name}");
    let ids: Vec<&str> = file.lines().skip(1).map(|line| line.split('"').nth(1).unwrap()).collect();
    assert_eq!(ids, listed[..5], "those on the list, as they stand");

    // On paper: no navigation, no buttons, the list as it is.
    let print = serde_json::json!({"media": "print"});
    browser.devtools("Emulation.setEmulatedMedia", print).await;
    let gone = ["Sign out", "Export as CSV", "Hot spots", "Next", "Show"];
    let printed = browser.text().await;
    for word in gone {
        assert!(!printed.lines().any(|line| line.trim() == word), "{word} is printed: {printed}");
    }
    assert!(listed.iter().all(|person| printed.contains(person.as_str())), "{printed}");
    let paper = serde_json::json!({"preferCSSPageSize": true});
    let pdf = browser.devtools("Page.printToPDF", paper).await;
    assert!(pdf["data"].as_str().is_some_and(|data| data.starts_with("JVBER")), "a PDF");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_sees_reports_only_whatever_the_address() {
    let console = Console::start();
    let partner = console.signed_in(Account::Partner).await;
    partner.open("/at-risk?view=all").await;
    let mut others: Vec<String> = Vec::new();
    while others.len() < 3 {
        let people = partner.texts(PEOPLE).await;
        others.extend(people.into_iter().filter(|person| !Console::is_report(person)));
        partner.click("a[rel=next]").await;
    }
    let manager = console.signed_in(Account::Manager).await;
    manager.open("/at-risk").await;
    let own = manager.texts(PEOPLE).await;
    assert!(!own.is_empty() && own.iter().all(|person| Console::is_report(person)), "{own:?}");
    assert!(!manager.text().await.contains(" %"), "no numbers for managers: {}", manager.text().await);
    for query in ["?view=all", "?view=unknown", "?view=stale", "?band=HIGH", "?sort=probability", "?capacity=500"] {
        manager.open(&format!("/at-risk{query}")).await;
        let seen = manager.texts(PEOPLE).await;
        assert!(seen.iter().all(|person| Console::is_report(person)), "{query}: {seen:?}");
        assert!(!manager.text().await.contains(" %"), "{query}");
    }
    for other in &others {
        for path in [format!("/at-risk?q={other}"), format!("/at-risk?view=all&q={other}*")] {
            manager.open(&path).await;
            assert!(!manager.has(PEOPLE).await, "{path}: {}", manager.text().await);
        }
    }
}
