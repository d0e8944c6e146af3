//! A browser in a test's hands: what a person does with a page, and what they see of it.

use std::path::PathBuf;

use fantoccini::elements::Element;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};

use crate::driver::Driver;
use crate::support::new_folder;

/// How long a page may take on a machine that does other things besides.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Whether pressing an element leads to another page: a link that is no download, or a button of a form that can be sent.
const LEADS_AWAY: &str = "const it = arguments[0].closest('a, button');
if (!it) return false;
if (it.tagName === 'A') return !it.hasAttribute('download') && it.pathname + it.search !== location.pathname + location.search;
return it.form !== null && it.type === 'submit' && it.form.checkValidity();";

/// What tells a page from the one before.
const DOCUMENT: &str = "return performance.timeOrigin";

/// A browser at the console.
#[derive(Debug)]
pub(crate) struct Browser {
    client: Client,
    origin: String,
    downloads: PathBuf,
    _driver: Driver,
}

/// Whether pages may run scripts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scripts {
    On,
    Off,
}

impl Browser {
    /// A new browser at the pages of this origin, with nothing in it.
    pub(crate) async fn at(origin: &str, scripts: Scripts) -> Self {
        let driver = Driver::start();
        let downloads = new_folder("downloads");
        let mut args = vec!["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--lang=en"];
        // No other machine is asked, whatever a page wants.
        args.push("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE 127.0.0.2");
        if scripts == Scripts::Off {
            args.push("--blink-settings=scriptEnabled=false");
        }
        let prefs = json!({"download.default_directory": downloads, "download.prompt_for_download": false});
        // Machines that do other things besides are slow; what does not come at all fails all the same.
        let timeouts = json!({"script": 180_000, "pageLoad": 60_000});
        let capabilities = json!({"goog:chromeOptions": {"args": args, "prefs": prefs}, "timeouts": timeouts});
        let Value::Object(capabilities) = capabilities else { unreachable!("an object") };
        let client = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(capabilities)
            .connect(&driver.url())
            .await
            .unwrap_or_else(|error| panic!("no browser: {error}. Debian: apt-get install chromium chromium-driver"));
        let browser = Self { client, origin: origin.to_owned(), downloads, _driver: driver };
        browser.resize(1280, 900).await;
        browser
    }

    /// Opens a page of the console.
    pub(crate) async fn open(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.origin)).await.unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Where it is.
    pub(crate) async fn url(&self) -> String {
        self.client.current_url().await.expect("an address").into()
    }

    /// Where it is, without the origin.
    pub(crate) async fn path(&self) -> String {
        let url = self.client.current_url().await.expect("an address");
        let path = url.as_str().strip_prefix(&self.origin).unwrap_or_else(|| panic!("left the console: {url}"));
        path.to_owned()
    }

    /// The main heading.
    pub(crate) async fn heading(&self) -> String {
        self.one("h1").await.text().await.expect("a heading")
    }

    /// All that can be read on the page.
    pub(crate) async fn text(&self) -> String {
        self.one("body").await.text().await.expect("a text")
    }

    /// The page's source as it is now.
    pub(crate) async fn source(&self) -> String {
        self.client.source().await.expect("a page")
    }

    /// Whether there is such an element.
    pub(crate) async fn has(&self, css: &str) -> bool {
        !self.all(css).await.is_empty()
    }

    /// The first element of a selector; the test ends with the page's text when there is none.
    pub(crate) async fn one(&self, css: &str) -> Element {
        match self.client.find(Locator::Css(css)).await {
            Ok(element) => element,
            Err(_) => panic!("no {css} on {}:\n{}", self.url().await, self.source().await),
        }
    }

    /// All elements of a selector.
    pub(crate) async fn all(&self, css: &str) -> Vec<Element> {
        self.client.find_all(Locator::Css(css)).await.expect("a list")
    }

    /// What can be read in each element of a selector.
    pub(crate) async fn texts(&self, css: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for element in self.all(css).await {
            texts.push(element.text().await.expect("a text"));
        }
        texts
    }

    /// An attribute of each element of a selector that has it.
    pub(crate) async fn attributes(&self, css: &str, name: &str) -> Vec<String> {
        let mut values = Vec::new();
        for element in self.all(css).await {
            values.extend(element.attr(name).await.expect("an attribute"));
        }
        values
    }

    /// Presses what a selector leads to.
    pub(crate) async fn click(&self, css: &str) {
        let element = self.one(css).await;
        self.press_on(element, css).await;
    }

    /// Follows the link, or presses the button, with exactly this text.
    pub(crate) async fn press(&self, label: &str) {
        for element in self.all("a, button, summary").await {
            if element.text().await.expect("a text").trim() == label {
                return self.press_on(element, label).await;
            }
        }
        panic!("nothing named {label:?} on {}:\n{}", self.url().await, self.text().await);
    }

    /// Presses, and waits for the page to which that leads, if it leads to one.
    async fn press_on(&self, element: Element, what: &str) {
        let leads = self.run(LEADS_AWAY, vec![serde_json::to_value(&element).expect("an element")]).await;
        let before = self.run(DOCUMENT, Vec::new()).await;
        if let Err(error) = element.click().await {
            panic!("{what} on {} cannot be pressed: {error}", self.url().await);
        }
        let began = std::time::Instant::now();
        while leads == json!(true) && self.client.execute(DOCUMENT, Vec::new()).await.is_ok_and(|now| now == before) {
            assert!(began.elapsed() < PATIENCE, "{what} on {} leads nowhere", self.url().await);
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// Types into the field of a name, in the place of what was there.
    pub(crate) async fn fill(&self, name: &str, value: &str) {
        let field = self.one(&format!("main [name={name}]")).await;
        field.clear().await.unwrap_or_else(|error| panic!("{name}: {error}"));
        field.send_keys(value).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    /// Puts a value into a field that is not typed into, such as a day.
    pub(crate) async fn set(&self, name: &str, value: &str) {
        let field = format!("main [name={name}]");
        self.run("document.querySelector(arguments[0]).value = arguments[1]", vec![json!(field), json!(value)]).await;
    }

    /// Chooses an option by its value.
    pub(crate) async fn choose(&self, name: &str, value: &str) {
        let field = self.one(&format!("main select[name={name}]")).await;
        field.select_by_value(value).await.unwrap_or_else(|error| panic!("{name} has no {value}: {error}"));
    }

    /// Presses keys; [`fantoccini::key::Key`] has those without a sign.
    pub(crate) async fn keys(&self, keys: &str) {
        self.client.active_element().await.expect("a focus").send_keys(keys).await.expect("keys");
    }

    /// Runs a script on the page, as a developer would in the browser's own tools.
    pub(crate) async fn run(&self, script: &str, args: Vec<Value>) -> Value {
        self.client.execute(script, args).await.unwrap_or_else(|error| panic!("{script:.60}: {error}"))
    }

    /// Runs a script that calls back with its result.
    pub(crate) async fn run_async(&self, script: &str, args: Vec<Value>) -> Value {
        self.client.execute_async(script, args).await.unwrap_or_else(|error| panic!("{script:.60}: {error}"))
    }

    /// How large the page may be on the screen.
    pub(crate) async fn resize(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Whether the reader wants dark colours; at once, for colours on their way from one to the other are none to be judged.
    pub(crate) async fn dark(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let features = [("prefers-color-scheme", value), ("prefers-reduced-motion", "reduce")];
        let features = features.map(|(name, value)| json!({"name": name, "value": value}));
        self.devtools("Emulation.setEmulatedMedia", json!({"features": features})).await;
    }

    /// A command of the Chrome DevTools protocol.
    pub(crate) async fn devtools(&self, command: &'static str, params: Value) -> Value {
        let sent = self.client.issue_cmd(DevTools { command, params }).await;
        sent.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// The text of a dialog that a script opened.
    pub(crate) async fn dialog(&self) -> Option<String> {
        self.client.get_alert_text().await.ok()
    }

    /// The first file that was taken away, once it is whole.
    pub(crate) async fn downloaded(&self) -> (String, String) {
        for _ in 0..100 {
            for entry in std::fs::read_dir(&self.downloads).expect("the folder").flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if !name.ends_with(".crdownload") && !name.starts_with('.') {
                    return (name, std::fs::read_to_string(entry.path()).expect("a text"));
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("nothing was downloaded");
    }
}

/// A command that WebDriver itself does not have.
#[derive(Debug)]
struct DevTools {
    command: &'static str,
    params: Value,
}

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        let body = json!({"cmd": self.command, "params": self.params});
        (http::Method::POST, Some(body.to_string()))
    }
}
