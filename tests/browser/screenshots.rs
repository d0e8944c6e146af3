//! Pictures of every page, for people to look at: `cargo test --workspace --test browser -- --ignored screenshots` writes them
//! to `target/screenshots`, or to the folder that FLIGHT_RISK_SCREENSHOTS names. `... --ignored pictures_of_the_guide` writes
//! those of `server/console-guide.md` anew.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::browser::{Browser, Scripts};
use crate::company::{Account, Console, days_from_now, state_purpose};
use crate::pages::pages_of;
use crate::support::root;

/// Widths: a telephone, a small window, a large one.
const WIDTHS: [u32; 3] = [375, 1024, 1600];
/// Nobody looks at what is further down than this.
const MAX_HEIGHT: f64 = 6_000.0;

fn folder() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder");
    std::env::var_os("FLIGHT_RISK_SCREENSHOTS").map_or_else(|| target.join("screenshots"), PathBuf::from)
}

/// A picture of the whole page as it stands.
pub(crate) async fn picture(browser: &Browser, width: u32) -> Vec<u8> {
    browser.resize(width, 800).await;
    let height = browser.run("return document.documentElement.scrollHeight", Vec::new()).await;
    let height = height.as_f64().expect("a height").min(MAX_HEIGHT);
    let clip = json!({"x": 0, "y": 0, "width": width, "height": height, "scale": 1});
    let taken = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
    let shot = browser.devtools("Page.captureScreenshot", taken).await;
    STANDARD.decode(shot["data"].as_str().expect("a picture")).expect("base64")
}

/// An address as the name of a file.
fn name(path: &str) -> String {
    let plain = |sign: char| if sign.is_ascii_alphanumeric() || sign == '-' { sign } else { '_' };
    let name: String = path.trim_matches('/').chars().take(60).map(plain).collect();
    if name.is_empty() { "first".to_owned() } else { name }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes pictures for people to look at"]
async fn screenshots() {
    let folder = folder();
    std::fs::create_dir_all(&folder).expect("the folder can be written");
    let console = Console::start();
    let browser = console.browser(Scripts::On).await;
    let mut written = 0;
    for account in [
        None,
        Some(Account::Partner),
        Some(Account::Manager),
        Some(Account::Analyst),
        Some(Account::Auditor),
        Some(Account::Admin),
    ] {
        let (who, pages) = match account {
            Some(account) => (account.role(), pages_of(&browser, account).await),
            None => ("stranger", ["/sign-in", "/nowhere"].map(str::to_owned).into()),
        };
        for path in pages {
            browser.open(&path).await;
            for width in WIDTHS {
                for (dark, mode) in [(false, "light"), (true, "dark")] {
                    browser.dark(dark).await;
                    let file = folder.join(format!("{who}-{}-{width}-{mode}.png", name(&path)));
                    std::fs::write(&file, picture(&browser, width).await).expect("the folder can be written");
                    written += 1;
                }
            }
            browser.dark(false).await;
        }
        if account.is_some() {
            browser.resize(1280, 900).await;
            browser.press("Sign out").await;
        }
    }
    println!("{written} pictures in {}", folder.display());
}

/// Width of the guide's pictures, and most of their height.
const GUIDE: (u32, f64) = (1100, 640.0);
/// Most bytes of a picture in the repository.
const MAX_PICTURE_BYTES: usize = 150_000;

/// A picture of the page from the first element of a selector on.
async fn for_the_guide(browser: &Browser, name: &str, from: &str) {
    let (width, most) = GUIDE;
    browser.resize(width, 800).await;
    let place = "const box = document.querySelector(arguments[0]).getBoundingClientRect();
return [Math.max(0, box.top + scrollY - 16), document.documentElement.scrollHeight];";
    let place = browser.run(place, vec![json!(from)]).await;
    let (top, bottom) = (place[0].as_f64().expect("a place"), place[1].as_f64().expect("a height"));
    let clip = json!({"x": 0, "y": top, "width": width, "height": most.min(bottom - top), "scale": 1});
    let taken = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
    let shot = browser.devtools("Page.captureScreenshot", taken).await;
    let bytes = STANDARD.decode(shot["data"].as_str().expect("a picture")).expect("base64");
    assert!(bytes.len() < MAX_PICTURE_BYTES, "{name} has {} bytes", bytes.len());
    let folder = root().join("server/guide");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join(format!("{name}.png")), bytes).expect("the folder can be written");
    browser.resize(1280, 900).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes the pictures of the guide"]
async fn pictures_of_the_guide() {
    let console = Console::start();
    let browser = console.signed_in(Account::Partner).await;
    browser.open("/at-risk?capacity=20").await;
    browser.run("document.querySelectorAll('details').forEach(fold => fold.open = false)", Vec::new()).await;
    for_the_guide(&browser, "at-risk", "body").await;
    // Somebody with a score before this one.
    let known = "return [...document.querySelectorAll('table.people tbody tr')].find(row => row.querySelector('.delta-up')).querySelector('a').getAttribute('href')";
    let person = browser.run(known, Vec::new()).await.as_str().expect("a person").to_owned();
    browser.open(&person).await;
    for_the_guide(&browser, "purpose", "body").await;
    state_purpose(&browser).await;
    for_the_guide(&browser, "person", "body").await;
    for_the_guide(&browser, "why", "#why").await;
    for_the_guide(&browser, "what-can-be-done", "#do").await;
    browser.open(&format!("{person}/actions/new?playbook=stay-conversation")).await;
    browser.set("due", &days_from_now(3)).await;
    browser.press("Start").await;
    browser.open("/actions").await;
    for_the_guide(&browser, "actions", "body").await;
    browser.open("/hot-spots?by=department").await;
    for_the_guide(&browser, "hot-spots", "figure").await;
    browser.open("/drivers").await;
    for_the_guide(&browser, "drivers", "body").await;
    browser.open("/model").await;
    for_the_guide(&browser, "model", "body").await;
    let manager = console.signed_in(Account::Manager).await;
    manager.open("/at-risk").await;
    for_the_guide(&manager, "manager", "body").await;
}
