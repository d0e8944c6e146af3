//! Pictures of every page, for people to look at: `cargo test --workspace --test browser -- --ignored screenshots` writes them
//! to `target/screenshots`, or to the folder that FLIGHT_RISK_SCREENSHOTS names.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::browser::{Browser, Scripts};
use crate::company::{Account, Console};
use crate::pages::pages_of;

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
