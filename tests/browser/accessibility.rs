//! Every page is accessible (axe-core finds nothing), light and dark, from 320 to 1600 pixels; small; and asks no other host.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::browser::{Browser, Scripts};
use crate::company::{Account, Console};
use crate::pages::pages_of;
use crate::support::node_packages;

/// The rules of WCAG 2.2 AA, and what is good beyond it.
const TAGS: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/// Widths of the window; the first is 1280 at 400 %, which WCAG 1.4.10 asks for.
const WIDTHS: [u32; 4] = [320, 375, 1024, 1600];
/// Most bytes that a page may need in all.
const MAX_PAGE_BYTES: f64 = 100_000.0;

const CHECK: &str = "const done = arguments[arguments.length - 1];
axe.run(document, {runOnly: {type: 'tag', values: arguments[0]}, resultTypes: ['violations']}).then(
  result => done(result.violations.map(v => ({rule: v.id, help: v.help, nodes: v.nodes.slice(0, 3).map(n => n.html.slice(0, 200) + ' | ' + n.failureSummary)}))),
  error => done([{rule: 'axe itself', help: String(error), nodes: []}]));";

/// Bytes of the page and of all that it loads, before any compression, and the hosts that were asked.
const WEIGHT: &str = "const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
return {bytes: all.reduce((sum, entry) => sum + entry.decodedBodySize, 0), hosts: [...new Set(all.map(entry => new URL(entry.name).host))],
  images: [...document.images].length};";

/// What stands out of the page to the right, where the page as a whole scrolls sideways.
const TOO_WIDE: &str = "const page = document.documentElement, width = page.clientWidth;
if (page.scrollWidth <= width) return [];
return [...document.body.querySelectorAll('*')].filter(it => it.getBoundingClientRect().right > width && !it.closest('.scroll'))
  .slice(0, 3).map(it => it.outerHTML.slice(0, 200)).concat('the page');";

fn axe() -> String {
    let path: PathBuf = node_packages().join("node_modules/axe-core/axe.min.js");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Brings the check to the page that is open; it is half a megabyte, and stays as long as the page does.
async fn bring(browser: &Browser, axe: &str) {
    browser.run(axe, Vec::new()).await;
}

/// What is wrong with a page as it stands.
async fn violations(browser: &Browser) -> Vec<Value> {
    let found = browser.run_async(CHECK, vec![json!(TAGS)]).await;
    found.as_array().expect("a list").clone()
}

/// Everything that is wrong with a page, at every width, light and dark.
async fn check(browser: &Browser, axe: &str, path: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    browser.open(path).await;
    let own = browser.run("return location.host", Vec::new()).await;
    let weight = browser.run(WEIGHT, Vec::new()).await;
    if weight["bytes"].as_f64().is_none_or(|bytes| bytes > MAX_PAGE_BYTES) {
        wrong.push(format!("{path}: {} bytes", weight["bytes"]));
    }
    if weight["hosts"] != json!([own]) {
        wrong.push(format!("{path} asks {}", weight["hosts"]));
    }
    // Folds open, so that what is in them is looked at too.
    browser.run("document.querySelectorAll('details').forEach(fold => fold.open = true)", Vec::new()).await;
    bring(browser, axe).await;
    for width in WIDTHS {
        browser.resize(width, 900).await;
        let wide = browser.run(TOO_WIDE, Vec::new()).await;
        if wide != json!([]) {
            wrong.push(format!("{path} scrolls sideways at {width} px: {wide}"));
        }
        for (dark, mode) in [(false, "light"), (true, "dark")] {
            browser.dark(dark).await;
            for found in violations(browser).await {
                wrong.push(format!("{path} at {width} px, {mode}: {found}"));
            }
        }
        browser.dark(false).await;
    }
    wrong
}

async fn check_all(account: Account) {
    let console = Console::start();
    let (axe, browser) = (axe(), console.browser(Scripts::On).await);
    let pages = pages_of(&browser, account).await;
    let mut wrong = Vec::new();
    for path in &pages {
        wrong.extend(check(&browser, &axe, path).await);
    }
    println!("{account:?}: {}", pages.join(" "));
    assert!(!pages.is_empty() && wrong.is_empty(), "{} problems:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_can_fail() {
    let console = Console::start();
    let browser = console.browser(Scripts::On).await;
    browser.open("/sign-in").await;
    bring(&browser, &axe()).await;
    assert_eq!(violations(&browser).await, Vec::<Value>::new());
    browser.run("document.querySelector('label').remove(); document.documentElement.lang = ''", Vec::new()).await;
    let rules: Vec<String> =
        violations(&browser).await.iter().map(|v| v["rule"].as_str().unwrap().to_owned()).collect();
    assert!(["label", "html-has-lang"].iter().all(|rule| rules.iter().any(|found| found == rule)), "{rules:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_strangers_see_is_accessible() {
    let console = Console::start();
    let (axe, browser) = (axe(), console.browser(Scripts::On).await);
    let mut wrong = Vec::new();
    for path in ["/sign-in", "/sign-in?ended=yes", "/sign-in/link?token=x", "/nowhere"] {
        wrong.extend(check(&browser, &axe, path).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_pages_of_an_hr_partner_are_accessible() {
    check_all(Account::Partner).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_pages_of_a_manager_are_accessible() {
    check_all(Account::Manager).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_pages_of_an_analyst_are_accessible() {
    check_all(Account::Analyst).await;
}

/// An auditor's pages are those of an analyst and the audit log, which an administrator has too.
#[tokio::test(flavor = "multi_thread")]
async fn all_pages_of_an_administrator_are_accessible() {
    check_all(Account::Admin).await;
}
