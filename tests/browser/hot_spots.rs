//! Groups: those that are too small to be shown stay so under every filter, and nothing that is shown lets them be worked out.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::browser::Browser;
use crate::company::{Account, Console};

/// Fewest people of a group that is shown, unless configured otherwise.
const MINIMUM: u64 = 10;

/// Every figure that says how many people there are in a group: by the name of the group.
const GROUPS: &str = "return [...document.querySelectorAll('table.data tbody tr')].map(row => [
  row.querySelector('th').textContent.trim(), (row.querySelector('td[data-label=People]') || {textContent: ''}).textContent.trim()])";

/// Cells of the heat map that say that they are not shown, and those that show anything.
const CELLS: &str = "const cells = [...document.querySelectorAll('.heat:not(li)')];
return {hidden: cells.filter(cell => cell.textContent.includes('not shown')).map(cell => cell.textContent.trim()),
  shown: cells.filter(cell => !cell.textContent.includes('not shown')).map(cell => cell.textContent.trim())};";

async fn groups(browser: &Browser) -> BTreeMap<String, u64> {
    let found: Value = browser.run(GROUPS, Vec::new()).await;
    let number = |text: &str| text.split_whitespace().next().and_then(|first| first.replace(',', "").parse().ok());
    let rows = found.as_array().expect("rows").iter();
    let pair = |row: &Value| Some((row[0].as_str()?.to_owned(), number(row[1].as_str()?)?));
    rows.filter_map(pair).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_small_to_be_shown_stays_so_under_every_filter() {
    let console = Console::start();
    let browser = console.signed_in(Account::Analyst).await;
    browser.open("/hot-spots").await;
    let views = browser.attributes("nav.tabs a", "href").await;
    assert!(views.len() >= 5, "{views:?}");
    let mut hidden = 0;
    for view in &views {
        browser.open(view).await;
        let plain = groups(&browser).await;
        assert!(plain.values().all(|people| *people >= MINIMUM), "{view}: {plain:?}");
        let cells = browser.run(CELLS, Vec::new()).await;
        let not_shown = cells["hidden"].as_array().expect("cells").len();
        hidden += not_shown;
        for order in browser.attributes("select[name=order] option", "value").await {
            browser.open(&format!("{view}&order={}", order.replace(' ', "+"))).await;
            assert_eq!(groups(&browser).await, plain, "{view} by {order:?}: another order shows other groups");
            let same = browser.run(CELLS, Vec::new()).await;
            assert_eq!(same["hidden"].as_array().expect("cells").len(), not_shown, "{view} by {order:?}");
        }
    }
    assert!(hidden > 5, "a company of 300 has small groups: {hidden}");

    // Asked for alone by its address, a small group is not told about either: here teams, most of which are small.
    browser.open("/hot-spots?by=manager").await;
    let shown = groups(&browser).await;
    let small = Console::small_teams();
    assert!(!small.is_empty());
    for manager in small {
        assert!(!shown.contains_key(manager), "{manager}: {shown:?}");
        browser.open(&format!("/drivers?by=manager&group={manager}")).await;
        let said = browser.text().await;
        assert!(said.contains("Not shown") && !said.contains(" people: what moves"), "{manager}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_cell_one_comes_to_its_drivers_and_from_there_to_its_people() {
    let console = Console::start();
    let browser = console.signed_in(Account::Partner).await;
    browser.open("/hot-spots?by=department").await;
    let group = groups(&browser).await.into_keys().next().expect("a department");
    let to_drivers = browser.attributes("td[data-label=More] a", "href").await.remove(0);
    let to_people = browser.attributes("td[data-label=More] a[href^='/at-risk']", "href").await.remove(0);
    browser.open(&to_drivers).await;
    assert!(browser.text().await.contains(&group), "{group}: {}", browser.text().await);
    browser.open(&to_people).await;
    let teams = browser.texts("td[data-label=Team]").await;
    assert!(!teams.is_empty() && teams.iter().all(|team| team.starts_with(&group)), "{group}: {teams:?}");
    // Those who may not see people are led to none.
    let analyst = console.signed_in(Account::Analyst).await;
    analyst.open("/hot-spots?by=department").await;
    assert!(!analyst.has("main a[href^='/at-risk']").await, "{}", analyst.source().await);
}
