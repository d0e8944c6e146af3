//! A company with its scores and its people, and a console to look at them.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::OnceLock;

use crate::browser::{Browser, Scripts};
use crate::support::{CsvTable, Server, command, new_folder, sample_company, trained_model};

/// Of every account.
const PASSWORD: &str = "correct horse battery";

/// Somebody who can sign in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Account {
    Partner,
    Manager,
    Analyst,
    Auditor,
    Admin,
    Hris,
}

impl Account {
    pub(crate) const ALL: [Self; 6] =
        [Self::Partner, Self::Manager, Self::Analyst, Self::Auditor, Self::Admin, Self::Hris];

    /// What they type to sign in.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Partner => "pat",
            Self::Manager => "max",
            Self::Analyst => "ana",
            Self::Auditor => "aud",
            Self::Admin => "adm",
            Self::Hris => "hri",
        }
    }

    /// What they are.
    pub(crate) fn role(self) -> &'static str {
        match self {
            Self::Partner => "hr_partner",
            Self::Manager => "manager",
            Self::Analyst => "analyst",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
            Self::Hris => "hris",
        }
    }
}

/// What is made once: scores in a store, with accounts.
#[derive(Debug)]
struct Made {
    store: PathBuf,
    manager: String,
    /// Manager by employee, on the last day of the data.
    managers: BTreeMap<String, String>,
    /// Managers of two or three people with a score.
    small_teams: Vec<String>,
}

fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = new_folder("browser-company");
        let store = folder.join("store.db");
        let scores = folder.join("scores.csv");
        // Twice, so that there is something to compare with.
        for as_of in [Some(before_the_end()), None] {
            let mut score = command(["score", "--quiet"]);
            score.arg("--model").arg(trained_model()).arg("--data").arg(sample_company());
            score.arg("--store").arg(&store).arg("--out").arg(&scores);
            if let Some(day) = as_of {
                score.args(["--as-of", &day]);
            }
            let output = score.output().expect("the command can be started");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let managers = managers();
        let scored = CsvTable::read(&scores);
        let mut teams: BTreeMap<&str, usize> = BTreeMap::new();
        for row in scored.rows() {
            if let Some(manager) = managers.get(row.text("employee_id")).filter(|manager| !manager.is_empty()) {
                *teams.entry(manager).or_default() += 1;
            }
        }
        let few = teams.iter().filter(|(_, size)| (2..=3).contains(*size));
        let small_teams = few.take(5).map(|(manager, _)| (*manager).to_owned()).collect();
        let (manager, _) = teams.into_iter().max_by_key(|(_, size)| *size).expect("a manager");
        for account in Account::ALL {
            let scope = if account == Account::Manager { vec!["--manager-id", manager] } else { Vec::new() };
            create_account(&store, account.name(), account.role(), &scope);
        }
        Made { store, manager: manager.to_owned(), managers: managers.clone(), small_teams }
    })
}

/// A day two months before the data end.
fn before_the_end() -> String {
    let table = CsvTable::read(&sample_company().join("assignments.csv"));
    let last = table.rows().map(|row| row.text("effective_date").to_owned()).max().expect("rows");
    let (year, month) = (last[..4].parse::<i32>().unwrap(), last[5..7].parse::<i32>().unwrap());
    let month = year * 12 + month - 1 - 2;
    format!("{:04}-{:02}-01", month / 12, month % 12 + 1)
}

fn managers() -> BTreeMap<String, String> {
    let table = CsvTable::read(&sample_company().join("assignments.csv"));
    let mut latest: BTreeMap<String, (String, String)> = BTreeMap::new();
    for row in table.rows() {
        let (day, manager) =
            (row.text("effective_date").to_owned(), row.get("manager_id").unwrap_or_default().to_owned());
        let entry = latest.entry(row.text("employee_id").to_owned()).or_default();
        if day >= entry.0 {
            *entry = (day, manager);
        }
    }
    latest.into_iter().map(|(id, (_, manager))| (id, manager)).collect()
}

/// Makes an account as an administrator does.
pub(crate) fn create_account(store: &std::path::Path, name: &str, role: &str, scope: &[&str]) {
    let mut create = command(["users", "create", "--password-stdin", "--role", role]);
    create.arg(format!("--name={name}")).args(scope).arg("--store").arg(store);
    create.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = create.spawn().expect("the command can be started");
    writeln!(child.stdin.take().expect("a pipe"), "{PASSWORD}").expect("the password is read");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A server of the company with a store of its own.
#[derive(Debug)]
pub(crate) struct Console {
    pub(crate) server: Server,
    pub(crate) store: PathBuf,
}

impl Console {
    /// Starts it.
    pub(crate) fn start() -> Self {
        let made = made();
        let store = new_folder("console").join("store.db");
        std::fs::copy(&made.store, &store).expect("a copy of the store");
        let key = |path: &PathBuf| PathBuf::from(format!("{}.key", path.display()));
        if key(&made.store).exists() {
            std::fs::copy(key(&made.store), key(&store)).expect("a copy of its key");
        }
        let server = Server::with_console(trained_model(), &store.display().to_string());
        Self { server, store }
    }

    /// Starts it at this address, with more configuration.
    pub(crate) fn start_at(address: SocketAddr, text: &str) -> Self {
        let store = new_folder("console").join("store.db");
        let server = Server::with_console_at(trained_model(), &store.display().to_string(), address, text);
        Self { server, store }
    }

    /// A browser at its first page.
    pub(crate) async fn browser(&self, scripts: Scripts) -> Browser {
        Browser::at(&format!("http://{}", self.server.console()), scripts).await
    }

    /// A browser in which somebody has signed in.
    pub(crate) async fn signed_in(&self, account: Account) -> Browser {
        let browser = self.browser(Scripts::On).await;
        sign_in(&browser, account).await;
        browser
    }

    /// Some managers of few people.
    pub(crate) fn small_teams() -> &'static [String] {
        &made().small_teams
    }

    /// Whether somebody reports to [`Account::Manager`].
    pub(crate) fn is_report(employee: &str) -> bool {
        made().managers.get(employee).is_some_and(|manager| *manager == made().manager)
    }
}

/// Signs in by the page.
pub(crate) async fn sign_in(browser: &Browser, account: Account) {
    sign_in_as(browser, account.name()).await;
}

/// Signs in by the page with the account of this name.
pub(crate) async fn sign_in_as(browser: &Browser, name: &str) {
    browser.open("/").await;
    assert!(browser.path().await.starts_with("/sign-in"), "{}", browser.path().await);
    browser.fill("name", name).await;
    browser.fill("password", PASSWORD).await;
    browser.press("Sign in").await;
    assert!(browser.has(".whoami").await, "{name}: {}", browser.text().await);
}

/// States the purpose on the page that asks for it.
pub(crate) async fn state_purpose(browser: &Browser) {
    assert!(browser.path().await.starts_with("/purpose"), "{}", browser.path().await);
    browser.click("#usual-1").await;
    browser.press("Go on").await;
}

/// A day as forms take it.
pub(crate) fn days_from_now(days: u64) -> String {
    let now = std::time::SystemTime::now() + std::time::Duration::from_secs(days * 86_400);
    let day = now.duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs() / 86_400;
    // Days to a date: Howard Hinnant, "chrono-compatible low-level date algorithms".
    let z = day + 719_468;
    let (era, of_era) = (z / 146_097, z % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let (day, month) = (of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    format!("{:04}-{month:02}-{day:02}", year + era * 400 + u64::from(month <= 2))
}
