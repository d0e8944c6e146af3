//! The configuration of the server: one documented default for everything, unknown keys refused, all errors at once.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use crate::listen::DEFAULT_ADDRESS;

/// The configuration; every part has defaults.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Where to listen.
    pub listen: Listen,
    /// What is kept, and how long.
    pub store: StoreConfig,
    /// Who is let in.
    pub access: Access,
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
}

/// Where to listen.
#[derive(Clone, Debug, Deserialize)]
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
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// A SQLite file, or `postgres://...`.
    pub url: String,
    /// Scores older than this are deleted, in days.
    pub retention_days: u32,
    /// A score older than this is marked as stale, in days.
    pub stale_after_days: u32,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self { url: "flight-risk.db".to_owned(), retention_days: 400, stale_after_days: 45 }
    }
}

/// Who is let in.
#[derive(Clone, Debug, Default, Deserialize)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessMode {
    /// They must.
    #[default]
    Required,
    /// They need not: everybody who reaches the port may do everything.
    Off,
}

/// Tokens of an identity provider (RFC 7519).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jwt {
    /// The `iss` that tokens must have.
    pub issuer: String,
    /// The `aud` that tokens must have.
    pub audience: String,
    /// RS256, ES256 or EdDSA: what tokens must be signed with, whatever they say.
    pub algorithm: String,
    /// The provider's public keys (JWKS), as a file; this or `jwks_url`.
    pub jwks_file: Option<PathBuf>,
    /// The provider's public keys, as an https address.
    pub jwks_url: Option<String>,
}

/// Encryption.
#[derive(Clone, Debug, Deserialize)]
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
#[derive(Clone, Debug, Deserialize)]
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
#[derive(Clone, Debug, Deserialize)]
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
#[derive(Clone, Debug, Deserialize)]
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
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Actions {
    /// A playbook of your own (TOML) instead of the one compiled in.
    pub playbook: Option<PathBuf>,
}

/// What is logged.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// One JSON object per line instead of text.
    pub json: bool,
}
