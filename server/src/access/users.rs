//! Accounts of the console: a name, a password, a role, and whom its holder may see.

use crate::access::caller::{Caller, Role, Scope, USER_ACTOR, good_text};
use crate::access::password::PasswordHash;
use crate::limits::MAX_TEXT_BYTES;
use crate::store::StoreError;

/// An account to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// What its holder types to sign in; no other account has it. Capital letters count as small ones.
    pub name: String,
    /// What its holder is.
    pub role: Role,
    /// Whom its holder may see; a manager's are reports, and only a manager's.
    pub scope: Scope,
}

/// Why an account was not made.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// A text is empty, too long or holds control characters.
    #[error("{field}: 1 to {MAX_TEXT_BYTES} bytes without control characters are needed")]
    Text {
        /// Which.
        field: &'static str,
    },
    /// The scope does not fit the role.
    #[error("an account for a manager needs the manager's employee id, and only such an account has one")]
    ScopeOfManager,
    /// Another account has the name, perhaps one that is disabled.
    #[error("there is an account named {0}; choose another name: the audit log names people by it")]
    NameInUse(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A name as accounts are found by it: without blanks around it, in small letters.
pub(crate) fn name_as_kept(typed: &str) -> String {
    typed.trim().to_lowercase()
}

impl NewUser {
    /// Whether an account can be made so.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub(crate) fn check(&self) -> Result<(), UserError> {
        if !good_text(&name_as_kept(&self.name)) {
            return Err(UserError::Text { field: "name" });
        }
        if !self.scope.fits(self.role) {
            return Err(UserError::ScopeOfManager);
        }
        self.scope.bad_text().map_or(Ok(()), |field| Err(UserError::Text { field }))
    }
}

/// An account as the store holds it.
#[derive(Clone, Debug)]
pub struct StoredUser {
    /// What its holder types to sign in.
    pub name: String,
    /// What its holder is.
    pub role: Role,
    /// Whom its holder may see.
    pub scope: Scope,
    /// When it was made; like all its times in microseconds since 1970.
    pub created_at: i64,
    /// When its password was last changed.
    pub password_changed_at: i64,
    /// Since when its holder cannot sign in.
    pub disabled_at: Option<i64>,
    /// Who signed in before this is signed out.
    pub(crate) signed_out_at: i64,
    /// What is kept of its password.
    pub(crate) password: PasswordHash,
}

impl StoredUser {
    /// Its holder, as the services know them.
    pub(crate) fn caller(&self) -> Caller {
        Caller {
            actor: format!("{USER_ACTOR}{}", self.name),
            role: self.role,
            scope: self.scope.clone(),
            standing_purpose: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_must_have_a_name_and_a_scope_that_fits_its_role() {
        let user = |name: &str, role, scope| NewUser { name: name.into(), role, scope };
        let reports = |id: &str| Scope::Reports { manager_id: id.into() };
        let units = |location: &str| Scope::Units { departments: Vec::new(), locations: vec![location.into()] };
        for (user, good) in [
            (user("partner", Role::HrPartner, Scope::All), true),
            (user("partner", Role::HrPartner, units("Graz")), true),
            (user("m", Role::Manager, reports("m-1")), true),
            (user(" ", Role::HrPartner, Scope::All), false),
            (user("a\nb", Role::HrPartner, Scope::All), false),
            (user(&"x".repeat(MAX_TEXT_BYTES + 1), Role::HrPartner, Scope::All), false),
            (user("m", Role::Manager, Scope::All), false),
            (user("m", Role::Manager, reports(" ")), false),
            (user("m", Role::Analyst, reports("m-1")), false),
            (user("partner", Role::HrPartner, units("")), false),
        ] {
            assert_eq!(user.check().is_ok(), good, "{user:?}");
        }
        assert_eq!(name_as_kept(" Ada.L@Example.COM "), "ada.l@example.com");
    }
}
