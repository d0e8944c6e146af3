//! Which pages there are: every page that links lead to, for each role, so that none is forgotten by the checks of all pages.

use std::collections::{BTreeMap, VecDeque};

use crate::browser::Browser;
use crate::company::{Account, Console, sign_in, state_purpose};

/// Most pages of the same kind that are looked at.
const OF_A_KIND: usize = 1;

/// The kind of a page: its path with identifiers left out, and which fields of the query are set. Departments crossed with years
/// look unlike groups of one kind.
fn kind(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let known = |part: &&str| part.chars().all(|sign| sign.is_ascii_lowercase() || sign == '-' || sign == '_');
    let parts: Vec<&str> = path.split('/').map(|part| if known(&part) { part } else { "*" }).collect();
    let mut fields: Vec<&str> = query
        .split('&')
        .filter_map(|pair| if pair == "by=crossed" { Some((pair, "")) } else { pair.split_once('=') })
        .map(|(name, _)| name)
        .collect();
    fields.sort_unstable();
    fields.dedup();
    format!("{}?{}", parts.join("/"), fields.join("&"))
}

/// What a page says that nobody should be led to.
const LOST: [&str; 4] =
    ["There is no such page", "Not yours to see", "This page could not be made", "Nothing is held about this"];

/// The addresses of all pages that somebody comes to by links, one of each kind, in the order in which they are met. No link leads
/// to what is not there, or is not theirs.
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
        let heading = browser.heading().await;
        assert!(!LOST.contains(&heading.as_str()), "{account:?} is led to {path}: {heading}");
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
        ("/hot-spots?by=crossed", "/hot-spots?by=crossed"),
        ("/hot-spots?by=level", "/hot-spots?by"),
    ] {
        assert_eq!(kind(path), expected);
    }
}

/// Those of the other roles are walked by the check of their accessibility.
#[tokio::test(flavor = "multi_thread")]
async fn no_link_of_an_auditor_or_an_hr_system_leads_nowhere() {
    let console = Console::start();
    let browser = console.browser(crate::browser::Scripts::On).await;
    for account in [Account::Auditor, Account::Hris] {
        assert!(pages_of(&browser, account).await.len() > 1, "{account:?}");
        browser.press("Sign out").await;
    }
}
