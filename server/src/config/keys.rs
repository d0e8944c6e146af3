//! Every key of the configuration file, and what may stand behind it.

use std::net::SocketAddr;

use toml::Value;
use toml::de::DeValue;

/// Longest time that is configured in days: a century.
pub(super) const MAX_DAYS: u32 = 36_500;

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
pub(super) const SECTIONS: [&str; 12] = [
    "listen",
    "store",
    "access",
    "access.jwt",
    "access.jwt.groups",
    "tls",
    "risk",
    "groups",
    "audit",
    "actions",
    "log",
    "traces",
];

/// Every key with its section before it.
pub(super) const KEYS: [(&str, Kind); 36] = [
    ("listen.address", Kind::Address),
    ("listen.metrics_address", Kind::Address),
    ("store.url", Kind::Text),
    ("store.retention_days", Kind::Whole(1, MAX_DAYS)),
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
pub(super) const REQUIRED: [&str; 5] =
    ["access.jwt.issuer", "access.jwt.audience", "access.jwt.algorithm", "tls.certificate", "tls.key"];
