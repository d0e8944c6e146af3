//! Who asks: a role, and the part of the company that they may see.

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

/// Somebody who was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Subject of the token, or `key:` and the name of the key.
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

    /// Whether access control is off: every method is open.
    pub(crate) fn is_anybody(&self) -> bool {
        self.actor == ANYBODY
    }
}

/// The actor where nobody needs to say who they are. No key has this name, for theirs begin with `key:`, and tokens with this
/// subject are refused.
const ANYBODY: &str = "anybody";
