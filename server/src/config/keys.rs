//! Every key of the configuration file, and what may stand behind it.

use std::net::SocketAddr;

use toml::Value;
use toml::de::DeValue;

/// Longest time that is configured in days: a century.
pub(super) const MAX_DAYS: u32 = 36_500;
/// Longest time without a page after which somebody is still signed in: a day.
const MAX_IDLE_MINUTES: u32 = 1_440;
/// Longest time for which somebody stays signed in: a week.
const MAX_SESSION_HOURS: u32 = 168;

/// What may stand behind a key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// Any text but the empty one.
    Text,
    /// `true` or `false`.
    Bool,
    /// A whole number from the first to the second.
    Whole(u32, u32),
    /// A number above 0 and below 1.
    Share,
    /// An IP address and a port.
    Address,
    /// One of these.
    Choice(&'static [&'static str]),
}

impl Kind {
    /// What is allowed, for people.
    pub(super) fn allowed(self) -> String {
        match self {
            Self::Text => "a text in quotes is needed".to_owned(),
            Self::Bool => "true or false is needed".to_owned(),
            Self::Whole(least, u32::MAX) => format!("a whole number of {least} or more is needed"),
            Self::Whole(least, most) => format!("a whole number from {least} to {most} is needed"),
            Self::Share => "a number above 0 and below 1 is needed".to_owned(),
            Self::Address => "an IP address and a port are needed, such as \"127.0.0.1:50051\"".to_owned(),
            Self::Choice(choices) => {
                let quoted: Vec<String> = choices.iter().map(|choice| format!("{choice:?}")).collect();
                format!("one of {} is needed", quoted.join(", "))
            }
        }
    }

    /// A value, where it is allowed.
    pub(super) fn accept(self, value: &DeValue<'_>) -> Option<Value> {
        let text = || value.as_str().filter(|text| !text.is_empty());
        match self {
            Self::Text => Some(Value::String(text()?.to_owned())),
            Self::Bool => Some(Value::Boolean(value.as_bool()?)),
            Self::Whole(least, most) => {
                let number = value.as_integer()?;
                let number = u32::from_str_radix(number.as_str(), number.radix()).ok()?;
                (least..=most).contains(&number).then_some(Value::Integer(number.into()))
            }
            Self::Share => {
                let number: f64 = value.as_float()?.as_str().parse().ok()?;
                (number > 0.0 && number < 1.0).then_some(Value::Float(number))
            }
            Self::Address => {
                let text = text()?;
                text.parse::<SocketAddr>().is_ok().then(|| Value::String(text.to_owned()))
            }
            Self::Choice(choices) => {
                let text = text()?;
                choices.contains(&text).then(|| Value::String(text.to_owned()))
            }
        }
    }
}

/// Sections, by name; those within others after a dot.
pub(super) const SECTIONS: [&str; 15] = [
    "listen",
    "store",
    "access",
    "access.jwt",
    "access.jwt.groups",
    "console",
    "console.oidc",
    "console.oidc.groups",
    "tls",
    "risk",
    "groups",
    "audit",
    "actions",
    "log",
    "traces",
];

/// Every key with its section before it.
pub(super) const KEYS: [(&str, Kind); 63] = [
    ("listen.address", Kind::Address),
    ("listen.metrics_address", Kind::Address),
    ("store.url", Kind::Text),
    ("store.retention_days", Kind::Whole(1, MAX_DAYS)),
    ("store.keep_details_days", Kind::Whole(1, MAX_DAYS)),
    ("store.stale_after_days", Kind::Whole(1, MAX_DAYS)),
    ("access.mode", Kind::Choice(&["required", "off"])),
    ("access.managers_see_numbers", Kind::Bool),
    ("access.jwt.issuer", Kind::Text),
    ("access.jwt.audience", Kind::Text),
    ("access.jwt.algorithm", Kind::Choice(&["RS256", "ES256", "EdDSA"])),
    ("access.jwt.jwks_file", Kind::Text),
    ("access.jwt.jwks_url", Kind::Text),
    ("access.jwt.jwks_ca", Kind::Text),
    ("access.jwt.role_claim", Kind::Text),
    ("access.jwt.departments_claim", Kind::Text),
    ("access.jwt.locations_claim", Kind::Text),
    ("access.jwt.manager_id_claim", Kind::Text),
    ("access.jwt.groups.hris", Kind::Text),
    ("access.jwt.groups.hr_partner", Kind::Text),
    ("access.jwt.groups.manager", Kind::Text),
    ("access.jwt.groups.analyst", Kind::Text),
    ("access.jwt.groups.auditor", Kind::Text),
    ("access.jwt.groups.admin", Kind::Text),
    ("console.enabled", Kind::Bool),
    ("console.address", Kind::Address),
    ("console.public_url", Kind::Text),
    ("console.idle_minutes", Kind::Whole(1, MAX_IDLE_MINUTES)),
    ("console.session_hours", Kind::Whole(1, MAX_SESSION_HOURS)),
    ("console.oidc.issuer", Kind::Text),
    ("console.oidc.client_id", Kind::Text),
    ("console.oidc.client_secret_file", Kind::Text),
    ("console.oidc.redirect_url", Kind::Text),
    ("console.oidc.authorization_endpoint", Kind::Text),
    ("console.oidc.token_endpoint", Kind::Text),
    ("console.oidc.scopes", Kind::Text),
    ("console.oidc.algorithm", Kind::Choice(&["RS256", "ES256", "EdDSA"])),
    ("console.oidc.jwks_file", Kind::Text),
    ("console.oidc.jwks_url", Kind::Text),
    ("console.oidc.jwks_ca", Kind::Text),
    ("console.oidc.role_claim", Kind::Text),
    ("console.oidc.departments_claim", Kind::Text),
    ("console.oidc.locations_claim", Kind::Text),
    ("console.oidc.manager_id_claim", Kind::Text),
    ("console.oidc.groups.hris", Kind::Text),
    ("console.oidc.groups.hr_partner", Kind::Text),
    ("console.oidc.groups.manager", Kind::Text),
    ("console.oidc.groups.analyst", Kind::Text),
    ("console.oidc.groups.auditor", Kind::Text),
    ("console.oidc.groups.admin", Kind::Text),
    ("tls.certificate", Kind::Text),
    ("tls.key", Kind::Text),
    ("tls.client_ca", Kind::Text),
    ("risk.material_change", Kind::Share),
    ("risk.cool_down_days", Kind::Whole(0, MAX_DAYS)),
    ("groups.minimum_employees", Kind::Whole(10, u32::MAX)),
    ("groups.minimum_answers", Kind::Whole(5, u32::MAX)),
    ("audit.enabled", Kind::Bool),
    ("audit.key_file", Kind::Text),
    ("actions.playbook", Kind::Text),
    ("log.json", Kind::Bool),
    ("log.level", Kind::Choice(&["error", "warn", "info", "debug", "trace"])),
    ("traces.endpoint", Kind::Text),
];

/// Keys without which their section means nothing.
pub(super) const REQUIRED: [&str; 9] = [
    "access.jwt.issuer",
    "access.jwt.audience",
    "access.jwt.algorithm",
    "console.oidc.issuer",
    "console.oidc.client_id",
    "console.oidc.redirect_url",
    "console.oidc.algorithm",
    "tls.certificate",
    "tls.key",
];
