//! What of an answer somebody may see: the one place for it, whoever answers.

use crate::access::caller::{Caller, Role};

/// What a caller may see of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FieldRules {
    /// Probabilities, bands, intervals and factors. Without it: prompts only.
    pub(crate) numbers: bool,
    /// That a factor comes from confidential survey answers, as a driver: never its value, never its exact part. Without it such
    /// factors are left out.
    pub(crate) confidential_drivers: bool,
}

impl FieldRules {
    /// The rules for a caller; `managers_see_numbers` is configuration.
    pub(crate) fn of(caller: &Caller, managers_see_numbers: bool) -> Self {
        Self {
            numbers: match caller.role {
                Role::Hris | Role::HrPartner => true,
                Role::Manager => managers_see_numbers,
                Role::Analyst | Role::Auditor | Role::Admin => false,
            },
            confidential_drivers: caller.role == Role::HrPartner,
        }
    }
}
