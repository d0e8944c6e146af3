//! The console: where it is served, how long somebody stays signed in, and the identity provider at which they sign in.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::access::web;
use crate::config::IdentityProvider;
use crate::listen::DEFAULT_CONSOLE_ADDRESS;

/// Pages for a browser.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Console {
    /// Whether there are any.
    pub enabled: bool,
    /// Where they are served.
    pub address: SocketAddr,
    /// Its address as browsers know it, where that is another: behind a reverse proxy. Decided by it: the host and the origin of
    /// requests that are let in, and whether cookies go over encrypted connections only.
    pub public_url: Option<String>,
    /// Whoever asks for no page for this long is signed out, in minutes.
    pub idle_minutes: u32,
    /// Whoever signed in this long ago is signed out, in hours.
    pub session_hours: u32,
    /// The identity provider at which people sign in; absent: with accounts of this server.
    pub oidc: Option<Oidc>,
}

impl Default for Console {
    fn default() -> Self {
        Self {
            enabled: true,
            address: DEFAULT_CONSOLE_ADDRESS,
            public_url: None,
            idle_minutes: 30,
            session_hours: 8,
            oidc: None,
        }
    }
}

/// Where browsers find a console: what they name in `Host` and `Origin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicOrigin {
    /// Whether the way to it is encrypted.
    pub encrypted: bool,
    /// Name, with the port where it is not the usual one; in small letters.
    pub host: String,
}

impl PublicOrigin {
    /// The origin that an address names; `None` for one with a path, a query or a user in it, and for one without encryption that
    /// leads off this machine.
    pub fn parse(url: &str) -> Option<Self> {
        let uri = web::address(url).ok()?;
        let authority = uri.authority()?;
        let port = match authority.as_str().strip_prefix(authority.host())? {
            "" => None,
            port => Some(port.strip_prefix(':')?.parse::<u16>().ok()?),
        };
        if uri.path() != "/" || uri.query().is_some() || url.contains('#') {
            return None;
        }
        let encrypted = uri.scheme_str() == Some("https");
        let usual = if encrypted { 443 } else { 80 };
        let name = authority.host().to_ascii_lowercase();
        let host = match port {
            Some(port) if port != usual => format!("{name}:{port}"),
            _ => name,
        };
        Some(Self { encrypted, host })
    }

    /// Whether an `Origin` is this one.
    pub(crate) fn is(&self, origin: &str) -> bool {
        let scheme = if self.encrypted { "https" } else { "http" };
        origin.split_once("://").is_some_and(|(said, host)| said == scheme && self.is_host(host))
    }

    /// Whether a `Host` is this one.
    pub(crate) fn is_host(&self, host: &str) -> bool {
        let usual = if self.encrypted { ":443" } else { ":80" };
        host.strip_suffix(usual).unwrap_or(host).eq_ignore_ascii_case(&self.host)
    }
}

impl Console {
    /// Where browsers find it, where the configuration says so.
    pub fn public(&self) -> Option<PublicOrigin> {
        PublicOrigin::parse(self.public_url.as_deref()?)
    }

    /// How long somebody may ask for nothing.
    pub fn idle(&self) -> Duration {
        Duration::from_secs(u64::from(self.idle_minutes) * 60)
    }

    /// How long somebody may stay signed in.
    pub fn longest(&self) -> Duration {
        Duration::from_secs(u64::from(self.session_hours) * 3_600)
    }
}

/// Signing in at an identity provider (OpenID Connect, authorization code with PKCE).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Oidc {
    /// What the provider calls this server; also the `aud` that its tokens must have.
    pub client_id: String,
    /// A file with the secret that the provider gave; absent: none is needed.
    pub client_secret_file: Option<PathBuf>,
    /// The console's address as browsers know it, with `/sign-in/return` at its end; registered at the provider.
    pub redirect_url: String,
    /// Where people sign in at the provider; absent: the provider is asked.
    pub authorization_endpoint: Option<String>,
    /// Where codes are changed for tokens; absent: the provider is asked.
    pub token_endpoint: Option<String>,
    /// What the provider is asked to tell (`scope`), with blanks between.
    #[serde(default = "Oidc::default_scopes")]
    pub scopes: String,
    /// Who the provider is, and what its tokens say of people. Without a place of its keys it is asked for that too.
    #[serde(flatten)]
    pub provider: IdentityProvider,
}

impl Oidc {
    fn default_scopes() -> String {
        "openid".to_owned()
    }
}
