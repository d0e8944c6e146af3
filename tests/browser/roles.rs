//! Every role signs in, finds the pages that it may use and no others, and signs out.

use crate::browser::Scripts;
use crate::company::{Account, Console, sign_in};

/// The navigation of each role.
const NAVIGATION: [(Account, &[&str]); 6] = [
    (Account::Partner, &["At risk", "Hot spots", "Drivers", "Actions", "Model", "Privacy"]),
    (Account::Manager, &["At risk", "Drivers", "Actions"]),
    (Account::Analyst, &["Hot spots", "Drivers", "Actions", "Model"]),
    (Account::Auditor, &["Hot spots", "Drivers", "Actions", "Model", "Audit"]),
    (Account::Admin, &["Model", "Privacy", "Audit"]),
    (Account::Hris, &["At risk", "Model"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_role_signs_in_sees_its_pages_and_signs_out() {
    let console = Console::start();
    let browser = console.browser(Scripts::On).await;
    for (account, expected) in NAVIGATION {
        sign_in(&browser, account).await;
        assert_eq!(browser.texts(".mainnav a").await, expected, "{account:?}");
        let pages = browser.attributes(".mainnav a", "href").await;
        for page in &pages {
            browser.open(page).await;
            let current = browser.attributes(".mainnav a[aria-current]", "href").await;
            assert_eq!((browser.path().await.as_str(), current), (page.as_str(), vec![page.clone()]), "{account:?}");
        }
        // What is not in the navigation is not to be had by its address either.
        let all = ["/at-risk", "/hot-spots", "/drivers", "/actions", "/model", "/privacy", "/audit"];
        for page in all.iter().filter(|page| !pages.iter().any(|own| own == *page)) {
            browser.open(page).await;
            assert_eq!(browser.heading().await, "Not yours to see", "{account:?} {page}");
        }
        browser.open(&pages[0]).await;
        browser.press("Sign out").await;
        assert_eq!(browser.path().await, "/sign-in", "{account:?}");
        browser.open(&pages[0]).await;
        assert!(browser.path().await.starts_with("/sign-in?next="), "{account:?}: {}", browser.path().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_refused_in_words_and_nothing_is_shown() {
    let console = Console::start();
    let browser = console.browser(Scripts::On).await;
    browser.open("/at-risk").await;
    browser.fill("name", Account::Partner.name()).await;
    browser.fill("password", "incorrect horse battery").await;
    browser.press("Sign in").await;
    assert!(browser.has("[role=alert]").await && !browser.has(".whoami").await, "{}", browser.text().await);
    // Signed in at last, one is where one wanted to go.
    browser.fill("password", "correct horse battery").await;
    browser.press("Sign in").await;
    assert_eq!(browser.path().await, "/at-risk");
}
