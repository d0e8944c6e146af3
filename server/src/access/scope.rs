//! Whom somebody may see, in its two forms: asked of one employee, and as conditions of a query. Both are kept here, side by
//! side, and a test holds them together.

use crate::access::caller::Scope;
use crate::store::conditions::Conditions;
use crate::store::db::Param;

/// The facts about an employee that scopes speak of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    /// Organisational unit.
    pub(crate) department: Option<&'a str>,
    /// Place of work.
    pub(crate) location: Option<&'a str>,
    /// Who the employee reports to.
    pub(crate) manager_id: Option<&'a str>,
}

impl Scope {
    /// Whether nobody is outside: only then may somebody learn that an employee does not exist.
    pub(crate) fn is_everybody(&self) -> bool {
        match self {
            Self::All => true,
            Self::Units { departments, locations } => departments.is_empty() && locations.is_empty(),
            Self::Reports { .. } => false,
        }
    }

    /// Whether an employee is within the scope. Where a fact is not known, no list has it.
    pub(crate) fn covers(&self, place: Place<'_>) -> bool {
        let listed = |list: &[String], text: Option<&str>| {
            list.is_empty() || text.is_some_and(|text| list.iter().any(|item| item == text))
        };
        match self {
            Self::All => true,
            Self::Units { departments, locations } => {
                listed(departments, place.department) && listed(locations, place.location)
            }
            Self::Reports { manager_id } => place.manager_id == Some(manager_id.as_str()),
        }
    }

    /// Adds the conditions that rows of employees within the scope meet. `table` is the name or alias of the table that has the
    /// columns `department`, `location` and `manager_id`.
    pub(crate) fn restrict(&self, table: &str, conditions: &mut Conditions) {
        self.restrict_columns(|column| format!("{table}.{column}"), conditions);
    }

    /// The same, where `written` gives the column of a name as it is to be written.
    pub(crate) fn restrict_columns(&self, written: impl Fn(&'static str) -> String, conditions: &mut Conditions) {
        match self {
            Self::All => {}
            Self::Units { departments, locations } => {
                for (column, list) in [("department", departments), ("location", locations)] {
                    if !list.is_empty() {
                        conditions.one_of(&written(column), list);
                    }
                }
            }
            Self::Reports { manager_id } => {
                conditions.add(&format!("{} = ?", written("manager_id")), [Param::from(manager_id)]);
            }
        }
    }
}
