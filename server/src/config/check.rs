//! What a configuration must be beyond each key by itself.

use std::net::SocketAddr;
use std::path::Path;

use crate::access::caller::Role;
use crate::access::{jwks, web};
use crate::config::{AccessMode, ConfigProblem, Console, IdentityProvider, Oidc, PublicOrigin, ServerConfig};
use crate::playbook::Playbook;
use crate::store::{Store, is_postgres};
use crate::tls::{self, Certificate};

/// Everything that is wrong.
pub(super) fn check(config: &ServerConfig) -> Vec<ConfigProblem> {
    let mut problems = Problems(Vec::new());
    problems.listen(config);
    problems.store(config);
    if let Some(jwt) = &config.access.jwt {
        problems.provider("access.jwt", &jwt.provider, Keys::Needed);
    }
    problems.console(config);
    if let Some(tls) = &config.tls {
        let mut there = problems.file("tls.certificate", &tls.certificate);
        there &= problems.file("tls.key", &tls.key);
        there &= tls.client_ca.as_ref().is_none_or(|path| problems.file("tls.client_ca", path));
        if there && let Err(error) = Certificate::open(tls) {
            problems.0.push(ConfigProblem::new("tls", None, error.to_string()));
        }
    }
    problems.numbers(config);
    if let Some(path) = &config.actions.playbook
        && let Err(error) = Playbook::load(Some(path))
    {
        problems.add("actions.playbook", path.display(), error.to_string());
    }
    if let Some(endpoint) = &config.traces.endpoint {
        if !cfg!(feature = "otlp") {
            let allowed =
                "this program was built without traces; build it with `--features otlp`, or leave the key out";
            problems.add("traces.endpoint", endpoint, allowed);
        } else if !endpoint.starts_with("http://") {
            problems.add(
                "traces.endpoint",
                endpoint,
                "an address that begins with http:// is needed, of a collector on this machine",
            );
        }
    }
    problems.0
}

/// What is said of an address that could be changed on its way.
const NO_ADDRESS: &str = "an address that begins with https:// is needed (http:// only on this machine: 127.0.0.1)";

/// Whether a provider's keys need a place in the configuration.
#[derive(Clone, Copy, PartialEq)]
enum Keys {
    /// They do.
    Needed,
    /// The provider tells it.
    MayBeAskedFor,
}

struct Problems(Vec<ConfigProblem>);

/// Whether only this machine can reach an address.
fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

impl Problems {
    fn add(&mut self, key: &str, value: impl std::fmt::Display, allowed: impl Into<String>) {
        self.0.push(ConfigProblem::new(key, Some(value.to_string()), allowed));
    }

    fn listen(&mut self, config: &ServerConfig) {
        let address = config.listen.address;
        if config.listen.metrics_address == Some(address) && address.port() != 0 {
            self.add("listen.metrics_address", address, "another port than that of listen.address is needed");
        }
        if is_loopback(address) {
            return;
        }
        let reachable = format!("because other machines can reach listen.address {address}");
        if config.tls.is_none() {
            self.0.push(ConfigProblem::new(
                "tls",
                None,
                format!("the section [tls] is needed, {reachable}; or listen on 127.0.0.1"),
            ));
        }
        if config.access.mode == AccessMode::Off {
            self.add("access.mode", "\"off\"", format!("\"required\" is needed, {reachable}"));
        }
        if !config.audit.enabled {
            self.add("audit.enabled", "false", format!("true is needed, {reachable}"));
        }
    }

    fn store(&mut self, config: &ServerConfig) {
        if let Err(error) = Store::check_url(&config.store.url) {
            self.0.push(ConfigProblem::new("store.url", None, error.to_string()));
        }
        match &config.audit.key_file {
            None if config.audit.enabled && is_postgres(&config.store.url) => self.0.push(ConfigProblem::new(
                "audit.key_file",
                None,
                "it is needed with PostgreSQL: a file on this machine, the same for all servers of the store",
            )),
            Some(path) => {
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
                if !folder.is_dir() {
                    self.add("audit.key_file", path.display(), "a file in a folder that is there is needed");
                }
            }
            None => {}
        }
    }

    fn console(&mut self, config: &ServerConfig) {
        let console = &config.console;
        if let Some(oidc) = &console.oidc {
            self.oidc(oidc);
        }
        if !console.enabled {
            return;
        }
        let address = console.address;
        for (key, other) in
            [("listen.address", Some(config.listen.address)), ("listen.metrics_address", config.listen.metrics_address)]
        {
            if other == Some(address) && address.port() != 0 {
                self.add("console.address", address, format!("another port than that of {key} is needed"));
            }
        }
        let public = self.public_url(console);
        if is_loopback(address) && !public {
            return;
        }
        let reachable = match &console.public_url {
            Some(url) if public => format!("because other machines can reach the console at console.public_url {url}"),
            _ => format!("because other machines can reach console.address {address}"),
        };
        if config.tls.is_none() && !is_loopback(address) {
            let allowed = format!(
                "the section [tls] is needed, {reachable}; or leave the console on 127.0.0.1, behind a proxy that encrypts (console.public_url)"
            );
            self.0.push(ConfigProblem::new("tls", None, allowed));
        }
        if !config.audit.enabled {
            self.add("audit.enabled", "false", format!("true is needed, {reachable}"));
        }
        if config.access.mode == AccessMode::Off {
            self.add("access.mode", "\"off\"", format!("\"required\" is needed, {reachable}"));
        }
    }

    /// Gives whether the address for browsers is one that other machines reach.
    fn public_url(&mut self, console: &Console) -> bool {
        let Some(url) = &console.public_url else { return false };
        let Some(public) = PublicOrigin::parse(url) else {
            let allowed = "an address that begins with https:// and has nothing after the name and the port is needed, such as \
                           \"https://flight-risk.example.com\" (http:// only on this machine: 127.0.0.1)";
            self.add("console.public_url", url, allowed);
            return false;
        };
        if let Some(oidc) = &console.oidc
            && let Some(back) = oidc.redirect_url.strip_suffix("/sign-in/return")
            && PublicOrigin::parse(back).as_ref() != Some(&public)
        {
            let allowed = format!("the address of console.public_url is needed before /sign-in/return: {url}");
            self.add("console.oidc.redirect_url", &oidc.redirect_url, allowed);
        }
        public.encrypted
    }

    fn oidc(&mut self, oidc: &Oidc) {
        self.provider("console.oidc", &oidc.provider, Keys::MayBeAskedFor);
        if let Some(path) = &oidc.client_secret_file {
            self.file("console.oidc.client_secret_file", path);
        }
        if !oidc.scopes.split_whitespace().any(|scope| scope == "openid") {
            self.add("console.oidc.scopes", format!("{:?}", oidc.scopes), "\"openid\" must be among them");
        }
        let addresses = [
            ("redirect_url", Some(&oidc.redirect_url)),
            ("authorization_endpoint", oidc.authorization_endpoint.as_ref()),
            ("token_endpoint", oidc.token_endpoint.as_ref()),
        ];
        for (key, url) in addresses {
            if let Some(url) = url
                && web::address(url).is_err()
            {
                self.add(&format!("console.oidc.{key}"), url, NO_ADDRESS);
            }
        }
        let asked = oidc.authorization_endpoint.is_none() || oidc.token_endpoint.is_none();
        if asked && web::address(&oidc.provider.issuer).is_err() {
            let allowed = format!("{NO_ADDRESS}, or authorization_endpoint, token_endpoint and jwks_url");
            self.add("console.oidc.issuer", &oidc.provider.issuer, allowed);
        }
    }

    fn provider(&mut self, section: &str, provider: &IdentityProvider, keys: Keys) {
        let key = |name: &str| format!("{section}.{name}");
        match (&provider.jwks_file, &provider.jwks_url) {
            (Some(file), None) => {
                if self.file(&key("jwks_file"), file)
                    && let Err(error) = jwks::check_file(file, provider.algorithm)
                {
                    self.add(&key("jwks_file"), file.display(), error.to_string());
                }
            }
            (None, Some(url)) if web::address(url).is_ok() => {}
            (None, Some(url)) => self.add(&key("jwks_url"), url, NO_ADDRESS),
            (None, None) if keys == Keys::MayBeAskedFor => {}
            (None, None) => {
                self.0.push(ConfigProblem::new(
                    section,
                    None,
                    "jwks_file or jwks_url is needed: whose keys sign the tokens",
                ));
            }
            (Some(_), Some(url)) => {
                self.add(&key("jwks_url"), url, "it and jwks_file exclude each other; leave one of them out");
            }
        }
        if let Some(path) = &provider.jwks_ca
            && self.file(&key("jwks_ca"), path)
            && let Err(error) = tls::client_config(Some(path))
        {
            self.add(&key("jwks_ca"), path.display(), error.to_string());
        }
        let groups = provider.groups.clone().unwrap_or_default();
        let named: Vec<(Role, &str)> =
            Role::ALL.into_iter().filter_map(|role| Some((role, groups.of(role)?))).collect();
        for (place, (role, group)) in named.iter().enumerate() {
            if named.iter().take(place).any(|(_, other)| other == group) {
                let key = format!("{section}.groups.{}", role.name());
                self.add(&key, format!("{group:?}"), "another role has this group: nobody has two roles");
            }
        }
        if provider.groups.is_some() && named.is_empty() {
            let allowed = "at least one role needs a group, or no token lets anybody in";
            self.0.push(ConfigProblem::new(&format!("{section}.groups"), None, allowed));
        }
    }

    /// What the reader has checked in a file, for configurations that come from elsewhere.
    fn numbers(&mut self, config: &ServerConfig) {
        use crate::config::keys::{KEYS, Kind};
        let whole = [
            ("store.retention_days", config.store.retention_days),
            ("store.keep_details_days", config.store.keep_details_days),
            ("store.stale_after_days", config.store.stale_after_days),
            ("risk.cool_down_days", config.risk.cool_down_days),
            ("groups.minimum_employees", config.groups.minimum_employees),
            ("groups.minimum_answers", config.groups.minimum_answers),
            ("console.idle_minutes", config.console.idle_minutes),
            ("console.session_hours", config.console.session_hours),
        ];
        for (key, number) in whole {
            if let Some((_, kind @ Kind::Whole(least, most))) = KEYS.iter().find(|(known, _)| *known == key)
                && !(*least..=*most).contains(&number)
            {
                self.add(key, number, kind.allowed());
            }
        }
        let change = config.risk.material_change;
        if !(change > 0.0 && change < 1.0) {
            self.add("risk.material_change", change, Kind::Share.allowed());
        }
    }

    /// A file that must be there; gives whether it is.
    fn file(&mut self, key: &str, path: &Path) -> bool {
        match std::fs::File::open(path).and_then(|file| file.metadata()) {
            Ok(meta) if meta.is_file() => return true,
            Ok(_) => self.add(key, path.display(), "it is no file; name a file that can be read"),
            Err(error) => self.add(key, path.display(), format!("{error}; name a file that can be read")),
        }
        false
    }
}
