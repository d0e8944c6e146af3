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

#[tokio::test]
async fn of_many_departments_the_hottest_are_drawn_and_the_others_a_link_away() {
    let console = Console::filled(native(), async |store| {
        // 45 departments of 48, of whom half came this year; the exits are in the last department.
        let department = |n: usize| -> &'static str { format!("Unit {:02}", n / 48).leak() };
        let who = |n: usize| {
            (department(n), "East", format!("m-{}", n / 48), "L1", if n.is_multiple_of(2) { 0.5 } else { 3.0 })
        };
        let people: Vec<(usize, Who)> = (0..45 * 48).map(|n| (n, who(n))).collect();
        record(store, &native(), &people, 100).await;
        record(store, &native(), &people, 0).await;
        for n in 44 * 48..44 * 48 + 16 {
            exit(store, n, 10, 1).await;
        }
    })
    .await;
    let mut partner = console.partner().await;
    let page = partner.page("/hot-spots").await;
    let rows = heat(&page);
    assert_eq!(rows.len(), 20);
    assert!(rows[19].starts_with("Unit 44") && page.contains("the 20 of 45 departments"), "{rows:?}");
    assert!(page.contains("20 groups"), "{page}");
    // By name, all of them, each once.
    let (mut path, mut seen) = ("/hot-spots?rows=0".to_owned(), Vec::new());
    loop {
        let page = partner.page(&path).await;
        seen.extend(heat(&page).iter().map(|row| row[.."Unit 00".len()].to_owned()));
        let Some((before, _)) = page.split_once("\">Those after</a>") else { break };
        path = before.rsplit_once("href=\"").unwrap().1.replace("&#38;", "&");
    }
    assert_eq!(seen, (0..45).map(|n| format!("Unit {n:02}")).collect::<Vec<_>>());
    // Places that nobody made.
    for rows in ["900", "-1", "x", "18446744073709551615"] {
        let page = partner.page(&format!("/hot-spots?rows={rows}")).await;
        assert!(heat(&page).len() == 20 || heat(&page).is_empty(), "{rows}");
    }
    // The second page of the table has no second drawing.
    let (before, _) = page.split_once("\">Next <").unwrap();
    let next = before.rsplit_once("href=\"").unwrap().1.replace("&#38;", "&");
    let page = partner.page(&next).await;
    assert!(!page.contains("class=\"heatmap\"") && page.contains("Unit "), "{page}");
}
