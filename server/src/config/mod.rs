//! The configuration of the server: one documented default for everything, unknown keys refused, all errors at once.
//!
//! `server/flight-risk.toml` documents every key and is compiled in as [`DEFAULT_FILE`]; a test holds it, the table of keys and the
//! types below together.

mod check;
mod console;
mod keys;
mod provider;
mod read;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use console::{Console, Oidc, PublicOrigin};
pub use provider::{IdentityProvider, Jwt, JwtAlgorithm, JwtGroups};

use crate::listen::DEFAULT_ADDRESS;

/// The configuration; every part has defaults.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Where to listen.
    pub listen: Listen,
    /// What is kept, and how long.
    pub store: StoreConfig,
    /// Who is let in.
    pub access: Access,
    /// Pages for a browser.
    pub console: Console,
    /// Encryption.
    pub tls: Option<Tls>,
    /// Changes worth telling.
    pub risk: Risk,
    /// Groups that may be shown.
    pub groups: Groups,
    /// The audit log.
    pub audit: Audit,
    /// What is recommended.
    pub actions: Actions,
    /// What is logged.
    pub log: Log,
    /// Where traces go.
    pub traces: Traces,
}

/// The documented default configuration: every key, with what it means.
pub const DEFAULT_FILE: &str = include_str!("../../flight-risk.toml");

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// Line of the file, where it stands in one.
    pub line: Option<usize>,
    /// The key with its section, such as `groups.minimum_employees`; empty where the text itself is broken.
    pub key: String,
    /// What stands there, where it can be shown.
    pub value: Option<String>,
    /// What is wrong, and what is allowed.
    pub allowed: String,
}

impl ConfigProblem {
    fn new(key: &str, value: Option<String>, allowed: impl Into<String>) -> Self {
        Self { line: None, key: key.to_owned(), value, allowed: allowed.into() }
    }
}

impl std::fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}", self.key)?;
            if let Some(value) = &self.value {
                write!(f, " = {value}")?;
            }
            write!(f, ": ")?;
        }
        write!(f, "{}", self.allowed)
    }
}

/// Everything that is wrong with a configuration, in the order of its lines.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.listed())]
pub struct ConfigErrors {
    /// The file, where it came from one.
    pub path: Option<PathBuf>,
    /// What is wrong; never empty.
    pub problems: Vec<ConfigProblem>,
}

impl ConfigErrors {
    fn listed(&self) -> String {
        let mut text = self.path.as_ref().map_or("the configuration".to_owned(), |path| path.display().to_string());
        text.push_str(match self.problems.len() {
            1 => " is refused:",
            _ => " is refused, for more than one reason:",
        });
        for problem in &self.problems {
            text.push_str(&format!("\n  {problem}"));
        }
        text
    }
}

impl ServerConfig {
    /// The configuration of a file, or the default one, with what `overrides` says instead; checked.
    ///
    /// # Errors
    /// [`ConfigErrors`] with everything that is wrong: the file's text, unknown keys, values, and what does not go together.
    pub fn load(path: Option<&Path>, overrides: impl FnOnce(&mut Self)) -> Result<Self, ConfigErrors> {
        let text = match path {
            None => String::new(),
            Some(file) => std::fs::read_to_string(file).map_err(|error| ConfigErrors {
                path: Some(file.to_owned()),
                problems: vec![ConfigProblem::new("", None, format!("it cannot be read: {error}"))],
            })?,
        };
        let read::Read { mut config, mut problems, lines } = read::read(&text);
        overrides(&mut config);
        if problems.iter().all(|problem| !problem.key.is_empty()) {
            // A key that is already refused has its default here, which is right.
            problems.extend(
                check::check(&config)
                    .into_iter()
                    .map(|problem| ConfigProblem { line: lines.get(&problem.key).copied(), ..problem }),
            );
        }
        problems.sort_by_key(|problem| (problem.line.is_none(), problem.line));
        match problems.is_empty() {
            true => Ok(config),
            false => Err(ConfigErrors { path: path.map(Path::to_owned), problems }),
        }
    }
}

/// Where to listen.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// For gRPC.
    pub address: SocketAddr,
    /// For metrics over HTTP (`/metrics`); absent: none.
    pub metrics_address: Option<SocketAddr>,
}

impl Default for Listen {
    fn default() -> Self {
        Self { address: DEFAULT_ADDRESS, metrics_address: None }
    }
}

/// What is kept, and how long.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// A SQLite file, or `postgres://...`.
    pub url: String,
    /// Scores older than this are deleted, in days.
    pub retention_days: u32,
    /// What a score came from is deleted so many days after another one took its place.
    pub keep_details_days: u32,
    /// A score older than this is marked as stale, in days.
    pub stale_after_days: u32,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self { url: "flight-risk.db".to_owned(), retention_days: 400, keep_details_days: 90, stale_after_days: 45 }
    }
}

/// Who is let in.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Access {
    /// Whether callers must say who they are. Only on a loopback address it can be turned off.
    pub mode: AccessMode,
    /// Tokens of an identity provider; absent: API keys only.
    pub jwt: Option<Jwt>,
    /// Whether managers see the numbers of their reports, rather than group drivers and prompts.
    pub managers_see_numbers: bool,
}

/// Whether callers must say who they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessMode {
    /// They must.
    #[default]
    Required,
    /// They need not: everybody who reaches the port may do everything.
    Off,
}

/// Encryption.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate and those that vouch for it (PEM). Read again when the file changes.
    pub certificate: PathBuf,
    /// Its private key (PEM).
    pub key: PathBuf,
    /// Whose certificates clients must show (PEM); absent: they need none.
    pub client_ca: Option<PathBuf>,
}

/// Changes worth telling.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Risk {
    /// A probability that moved by this much is worth telling.
    pub material_change: f64,
    /// Days after a change was told in which no further one of the same employee is, unless the band rises.
    pub cool_down_days: u32,
}

impl Default for Risk {
    fn default() -> Self {
        Self { material_change: 0.05, cool_down_days: 7 }
    }
}

/// Groups that may be shown.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Groups {
    /// Fewest employees of a group whose risk and drivers are shown; 10 or more.
    pub minimum_employees: u32,
    /// Fewest answers of a group whose survey scores are shown; 5 or more.
    pub minimum_answers: u32,
}

impl Default for Groups {
    fn default() -> Self {
        Self { minimum_employees: 10, minimum_answers: 5 }
    }
}

/// The audit log.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// Whether it is kept. Only on a loopback address it can be turned off.
    pub enabled: bool,
    /// The key under which employees are hashed; absent: beside a SQLite store, with `.key` after its name. Made if there is none.
    pub key_file: Option<PathBuf>,
}

impl Default for Audit {
    fn default() -> Self {
        Self { enabled: true, key_file: None }
    }
}

/// What is recommended.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Actions {
    /// A playbook of your own (TOML) instead of the one compiled in.
    pub playbook: Option<PathBuf>,
}

/// What is logged.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// One JSON object per line instead of text.
    pub json: bool,
    /// The least that is logged.
    pub level: LogLevel,
}

/// The least that is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// What needs somebody.
    Error,
    /// What may need somebody.
    Warn,
    /// What happens to the server.
    #[default]
    Info,
    /// One line per request.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// As the log knows it.
    pub fn filter(self) -> tracing::level_filters::LevelFilter {
        use tracing::level_filters::LevelFilter;
        match self {
            Self::Error => LevelFilter::ERROR,
            Self::Warn => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
            Self::Trace => LevelFilter::TRACE,
        }
    }
}

/// Where traces go.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Traces {
    /// Where they are sent (OTLP over gRPC), such as `http://127.0.0.1:4317`; absent: nowhere.
    pub endpoint: Option<String>,
}
