//! Which pages there are: every page that links lead to, for each role, so that none is forgotten by the checks of all pages.

use std::collections::{BTreeMap, VecDeque};

use crate::browser::Browser;
use crate::company::{Account, Console, sign_in, state_purpose};

/// Most pages of the same kind that are looked at.
const OF_A_KIND: usize = 1;

/// The kind of a page: its path with identifiers left out, and which fields of the query are set.
fn kind(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let known = |part: &&str| part.chars().all(|sign| sign.is_ascii_lowercase() || sign == '-' || sign == '_');
    let parts: Vec<&str> = path.split('/').map(|part| if known(&part) { part } else { "*" }).collect();
    let mut fields: Vec<&str> =
        query.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, _)| name).collect();
    fields.sort_unstable();
    fields.dedup();
    format!("{}?{}", parts.join("/"), fields.join("&"))
}

/// The addresses of all pages that somebody comes to by links, one of each kind, in the order in which they are met.
pub(crate) async fn pages_of(browser: &Browser, account: Account) -> Vec<String> {
    sign_in(browser, account).await;
    let mut open: VecDeque<String> = browser.attributes(".mainnav a", "href").await.into();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut found = Vec::new();
    while let Some(path) = open.pop_front() {
        let count = seen.entry(kind(&path)).or_default();
        *count += 1;
        if *count > OF_A_KIND {
            continue;
        }
        browser.open(&path).await;
        if browser.path().await.starts_with("/purpose") {
            state_purpose(browser).await;
        }
        found.push(path);
        for href in browser.attributes("main a[href^='/']:not([download])", "href").await {
            let href = href.split('#').next().unwrap_or_default().to_owned();
            if href.len() > 1 && !href.contains(".csv") && !open.contains(&href) {
                open.push_back(href);
            }
        }
    }
    found
}

/// Everything about one kind of page that differs between addresses is left out.
#[test]
fn pages_of_a_kind_are_told_from_others() {
    for (path, expected) in [
        ("/at-risk", "/at-risk?"),
        ("/people/E-00012", "/people/*?"),
        ("/people/E-00012/actions/new", "/people/*/actions/new?"),
        ("/at-risk?view=all&page=AbC", "/at-risk?page&view"),
    ] {
        assert_eq!(kind(path), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_link_of_any_role_leads_nowhere() {
    let console = Console::start();
    let browser = console.browser(crate::browser::Scripts::On).await;
    for account in Account::ALL {
        for path in pages_of(&browser, account).await {
            browser.open(&path).await;
            let heading = browser.heading().await;
            let lost = [
                "There is no such page",
                "Not yours to see",
                "This page could not be made",
                "Nothing is held about this",
            ];
            assert!(!lost.contains(&heading.as_str()), "{account:?} is led to {path}: {heading}");
        }
        browser.press("Sign out").await;
    }
}
