//! Hot spots: what a table of groups shows, and what it hides.

use super::visitor::Console;
use crate::access::caller::{Role, Scope};
use crate::tests::fixture::native;
use crate::tests::insight::{Who, company, exit, record};

/// Three departments, of which more of Sales left than expected, and two of eight people each.
async fn observed() -> Console {
    let mut people: Vec<(usize, Who)> = company();
    let tiny = ["Tiny", "Tinier"];
    people.extend((360..376).map(|n| (n, (tiny[n % 2], "East", format!("m-{}", n % 2), "L1", 3.0))));
    Console::filled(native(), async |store| {
        record(store, &native(), &people, 100).await;
        record(store, &native(), &people, 0).await;
        for n in 0..30 {
            exit(store, 3 * n + 2, 10, 1).await;
        }
    })
    .await
}

/// The heat map of a page: its rows, each as the words that are read.
fn heat(page: &str) -> Vec<String> {
    let (_, table) = page.split_once("<table class=\"heatmap\">").expect("a heat map");
    let (table, _) = table.split_once("</table>").unwrap();
    let words = |row: &str| {
        let text: String = row.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    table.split("<tr>").skip(2).map(words).collect()
}

#[tokio::test]
async fn groups_of_one_kind_are_a_heat_map_of_both_measures() {
    let console = observed().await;
    let mut partner = console.partner().await;
    let page = partner.page("/hot-spots?by=department").await;
    let rows = heat(&page);
    let sales = rows.iter().find(|row| row.starts_with("Sales")).unwrap_or_else(|| panic!("{rows:?}"));
    assert!(sales.contains("90 people") && sales.contains("above expected: 30 left"), "{sales}");
    assert!(
        sales.contains("more than explained") && sales.contains("everybody’s: ") && sales.contains("likely"),
        "{sales}"
    );
    assert!(
        page.contains("<a href=\"/drivers?by=department&amp;group=Sales\"><span class=\"sign\""),
        "from a cell to its drivers: {page}"
    );
    assert!(page.contains("/at-risk?department=Sales"), "and to the list");
    let last = rows.last().unwrap();
    assert!(last.contains("2 more groups") && last.contains("not shown fewer than 10 people"), "{last}");
    assert!(!page.contains("Tin"), "{page}");
    for by in ["location", "level", "manager", "tenure"] {
        let rows = heat(&partner.page(&format!("/hot-spots?by={by}")).await);
        assert!(rows.len() > 1 && rows.iter().any(|row| row.contains(" expected: ")), "{by}: {rows:?}");
    }
    // Those who may not see people get the groups, and no way to the people.
    let mut analyst = console.visitor("analyst", Role::Analyst, Scope::All).await;
    let page = analyst.page("/hot-spots?by=department").await;
    assert!(heat(&page).len() > 1 && !page.contains("/at-risk"), "{page}");
}

#[tokio::test]
async fn departments_crossed_with_years_are_coloured_by_either_measure() {
    let console = observed().await;
    let mut partner = console.partner().await;
    let page = partner.page("/hot-spots").await;
    assert!(page.contains("Who left against who was expected to, by department"), "{page}");
    assert!(
        heat(&page).iter().any(|row| row.contains(" expected: ") && row.contains("mean risk")),
        "{:?}",
        heat(&page)
    );
    let page = partner.page("/hot-spots?cells=risk").await;
    assert!(page.contains("Mean risk against that of everybody, by department"), "{page}");
    assert!(page.contains("<option value=\"risk\" selected>"), "{page}");
    assert!(
        heat(&page).iter().any(|row| row.contains("everybody’s: mean risk") && row.contains("left,")),
        "{:?}",
        heat(&page)
    );
    let hidden = |page: &str| heat(page).join(" ").matches("not shown").count();
    assert_eq!(hidden(&page), hidden(&partner.page("/hot-spots").await), "other colours show no other cells");
}

#[tokio::test]
async fn before_exits_were_observed_the_mean_risk_is_compared() {
    let console = Console::filled(native(), async |store| record(store, &native(), &company(), 0).await).await;
    let mut partner = console.partner().await;
    for path in ["/hot-spots?by=department", "/hot-spots", "/hot-spots?cells="] {
        let page = partner.page(path).await;
        assert!(page.contains("No exits were observed yet") && !page.contains("value=\"risk\""), "{page}");
        let rows = heat(&page).join(" ");
        assert!(rows.contains("everybody’s: ") && !rows.contains(" expected: "), "{rows}");
    }
}
