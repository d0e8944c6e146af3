//! Who asks: a role, and the part of the company that they may see.

use std::fmt;

use crate::limits::MAX_TEXT_BYTES;

/// What somebody is to this system. One key or token has one role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// A human-resources information system: brings facts, records scores, keeps copies up to date.
    Hris,
    /// Reviews those at risk, and sees to it that something is done.
    HrPartner,
    /// Leads people; sees what concerns the own reports.
    Manager,
    /// Retrains, compares, promotes; sees models and groups, no people.
    Analyst,
    /// Checks who did what; changes nothing.
    Auditor,
    /// Runs the system: models, erasure; sees no risk of a person.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] = [Self::Hris, Self::HrPartner, Self::Manager, Self::Analyst, Self::Auditor, Self::Admin];

    /// The name in tokens, keys, configuration and the audit log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hris => "hris",
            Self::HrPartner => "hr_partner",
            Self::Manager => "manager",
            Self::Analyst => "analyst",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }

    /// The role of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// The part of the company that somebody may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everybody.
    All,
    /// Employees of these departments or, where locations are given, at these locations: an employee must match every list that
    /// is not empty.
    Units {
        /// Departments; empty: any.
        departments: Vec<String>,
        /// Locations; empty: any.
        locations: Vec<String>,
    },
    /// Those who report to this employee.
    Reports {
        /// The manager's employee identifier.
        manager_id: String,
    },
}

impl Scope {
    /// Whether holders of a role can have it: a manager's is reports, and only a manager's.
    pub(crate) fn fits(&self, role: Role) -> bool {
        (role == Role::Manager) == matches!(self, Self::Reports { .. })
    }

    /// What in it is no text that can be compared; `None` where all is good.
    pub(crate) fn bad_text(&self) -> Option<&'static str> {
        let bad = |texts: &[String]| texts.iter().any(|text| !good_text(text));
        match self {
            Self::Units { departments, .. } if bad(departments) => Some("department"),
            Self::Units { locations, .. } if bad(locations) => Some("location"),
            Self::Reports { manager_id } if !good_text(manager_id) => Some("manager id"),
            Self::All | Self::Units { .. } | Self::Reports { .. } => None,
        }
    }
}

/// As people are told.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("everybody"),
            Self::Units { departments, locations } => {
                let parts = [("departments", departments), ("locations", locations)];
                let parts = parts.iter().filter(|(_, list)| !list.is_empty());
                f.write_str(
                    &parts.map(|(what, list)| format!("{what} {}", list.join(", "))).collect::<Vec<_>>().join("; "),
                )
            }
            Self::Reports { manager_id } => write!(f, "reports of {manager_id}"),
        }
    }
}

/// Whether a text names something: not blank, not too long, without control characters.
pub(crate) fn good_text(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= MAX_TEXT_BYTES && !text.chars().any(char::is_control)
}

/// Somebody who was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Subject of the token, `key:` and the name of the key, or `user:` and the name of the account.
    pub actor: String,
    /// What they are.
    pub role: Role,
    /// Whom they may see.
    pub scope: Scope,
    /// The purpose of every call that does not state another.
    pub standing_purpose: Option<String>,
}

impl Caller {
    /// Who asks a server whose access control is off (loopback only): an HR partner and whatever else it takes.
    pub(crate) fn anybody() -> Self {
        Self {
            actor: ANYBODY.to_owned(),
            role: Role::HrPartner,
            scope: Scope::All,
            standing_purpose: Some("access control is off".to_owned()),
        }
    }

    /// Whether an actor is one that only this server gives: nobody else may pass for a key, for an account, or for the one to
    /// whom everything is open.
    pub(crate) fn is_own_actor(actor: &str) -> bool {
        [KEY_ACTOR, USER_ACTOR, COMMAND_ACTOR].iter().any(|own| actor.starts_with(own))
            || [ANYBODY, UNKNOWN_ACTOR, SERVER_ACTOR].contains(&actor)
    }

    /// Whether access control is off: every method is open.
    pub(crate) fn is_anybody(&self) -> bool {
        self.actor == ANYBODY
    }
}

/// What the actor of a key begins with; after it comes the name of the key.
pub(crate) const KEY_ACTOR: &str = "key:";
/// What the actor of an account begins with; after it comes the name of the account.
pub(crate) const USER_ACTOR: &str = "user:";
/// What the actor of a change made on the command line begins with; after it comes the name of whoever made it.
pub(crate) const COMMAND_ACTOR: &str = "command:";
/// The actor of what the server does by itself.
pub(crate) const SERVER_ACTOR: &str = "server";
/// The actor who gave a name to sign in that no account has. The name itself is not kept: it may be a password in the wrong field.
pub(crate) const UNKNOWN_ACTOR: &str = "unknown";
/// The actor where nobody needs to say who they are. No key or account has this name, for theirs begin otherwise, and tokens with
/// this subject are refused.
const ANYBODY: &str = "anybody";
