//! The keyboard alone: the way past the navigation comes first, every stop is visible, and everything can be reached.

use fantoccini::key::Key;
use serde_json::{Value, json};

use crate::browser::Scripts;
use crate::company::{Account, Console};

/// What has the focus: its text, whether it can be seen, and whether an outline shows where it is.
const FOCUS: &str = "const it = document.activeElement, box = it.getBoundingClientRect(), style = getComputedStyle(it);
return {text: (it.textContent || it.name || '').trim().slice(0, 60), tag: it.tagName, id: it.id,
  seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight,
  outlined: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2};";

/// How many elements can have the focus.
const STOPS: &str = "return [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex=\"0\"]')]
  .filter(it => it.checkVisibility() && !it.disabled).length";

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_walked_by_keyboard_and_every_stop_is_visible() {
    let console = Console::start();
    let browser = console.signed_in(Account::Partner).await;
    browser.open("/at-risk").await;
    let tab = Key::Tab.to_string();
    let stops = browser.run(STOPS, Vec::new()).await.as_u64().expect("a count");
    let mut walked = Vec::new();
    for _ in 0..stops {
        browser.keys(&tab).await;
        // Moving in is animated.
        tokio::time::sleep(std::time::Duration::from_millis(if walked.is_empty() { 300 } else { 0 })).await;
        let focus = browser.run(FOCUS, Vec::new()).await;
        assert_eq!((&focus["seen"], &focus["outlined"]), (&json!(true), &json!(true)), "{focus}");
        walked.push(focus);
    }
    assert_eq!(walked[0]["text"], "Skip to the content");
    assert!(walked.iter().any(|focus| focus["tag"] == "SUMMARY"), "{walked:?}");
    // Each once: nothing traps the focus.
    browser.keys(&tab).await;
    assert_eq!(browser.run(FOCUS, Vec::new()).await["tag"], "BODY");

    browser.open("/at-risk").await;
    browser.keys(&tab).await;
    browser.keys(&Key::Enter.to_string()).await;
    let focus: Value = browser.run(FOCUS, Vec::new()).await;
    assert_eq!(focus["id"], "main", "past the navigation");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_signs_in_by_keyboard() {
    let console = Console::start();
    let browser = console.browser(Scripts::On).await;
    browser.open("/sign-in").await;
    let (tab, enter) = (Key::Tab.to_string(), Key::Enter.to_string());
    // Past the skip link and the name of the product.
    for _ in 0..3 {
        browser.keys(&tab).await;
    }
    browser.keys(Account::Partner.name()).await;
    browser.keys(&tab).await;
    browser.keys("correct horse battery").await;
    browser.keys(&enter).await;
    assert_eq!(browser.path().await, "/at-risk", "{}", browser.text().await);
    assert!(browser.has(".whoami").await);
}
