//! Where an employee stands, for deciding who may see what is kept about them besides scores: actions and exits have no
//! organisational facts of their own.

use crate::store::db::params;
use crate::store::stored_score::IN_FORCE;
use crate::store::{OrgFacts, Store, StoreError};

/// An employee of whom a score is recorded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Standing {
    /// Where in the organisation, as far as scopes are concerned.
    pub(crate) org: OrgFacts,
    /// Whether the score is in force: the employee has not left.
    pub(crate) in_force: bool,
}

/// The number of the score that tells where an employee stands: that in force or, for somebody who left, the last one that was.
/// `employee_id` is a column or a parameter.
pub(crate) fn last_score(employee_id: &str) -> String {
    format!(
        "COALESCE((SELECT f.seq FROM scores f WHERE f.employee_id = {employee_id} AND f.to_seq = {IN_FORCE}), \
         (SELECT l.seq FROM scores l WHERE l.employee_id = {employee_id} ORDER BY l.to_seq DESC LIMIT 1))"
    )
}

impl Store {
    /// Where an employee stands; `None` where no score is recorded.
    pub(crate) async fn standing(&self, employee_id: &str) -> Result<Option<Standing>, StoreError> {
        let sql = format!(
            "SELECT s.department, s.location, s.manager_id, s.to_seq FROM scores s WHERE s.seq = {}",
            last_score("$1")
        );
        let Some(row) = self.db().first(&sql, params![employee_id]).await? else { return Ok(None) };
        let org = OrgFacts {
            department: row.opt_text(0)?,
            location: row.opt_text(1)?,
            manager_id: row.opt_text(2)?,
            ..OrgFacts::default()
        };
        Ok(Some(Standing { org, in_force: row.int(3)? == IN_FORCE }))
    }
}
