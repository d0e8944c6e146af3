//! Which departments, locations and levels there are, to choose from: those of the people at risk for whoever sees who is at risk,
//! those of everybody for the others. What is offered must not tell managers what they are not shown.

use crate::access::caller::Scope;
use crate::store::conditions::Conditions;
use crate::store::reading::in_force_by_value;
use crate::store::stored_score::IN_FORCE;
use crate::store::{Store, StoreError};

/// Most values of each kind: a list of more is not chosen from but typed into.
const MOST: i64 = 200;

/// The values, in alphabetical order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OrgValues {
    /// Organisational units.
    pub(crate) departments: Vec<String>,
    /// Places of work.
    pub(crate) locations: Vec<String>,
    /// Job levels.
    pub(crate) levels: Vec<String>,
}

/// Whose values are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValuesOf {
    /// Of those at risk, for somebody who sees bands anyway.
    ThoseAtRisk,
    /// Of everybody with a score.
    Everybody,
}

impl Store {
    /// The values within a scope: of those at risk, or of everybody.
    pub(crate) async fn org_values(&self, scope: &Scope, of: ValuesOf) -> Result<OrgValues, StoreError> {
        Ok(OrgValues {
            departments: self.values_of("department", scope, of).await?,
            locations: self.values_of("location", scope, of).await?,
            levels: self.values_of("job_level", scope, of).await?,
        })
    }

    async fn values_of(&self, column: &str, scope: &Scope, of: ValuesOf) -> Result<Vec<String>, StoreError> {
        let mut conditions = Conditions::default();
        let in_force = match scope {
            // Few, and found by an index.
            Scope::Reports { .. } => in_force_by_value(),
            Scope::All | Scope::Units { .. } => format!("s.to_seq = {IN_FORCE}"),
        };
        conditions.add(&format!("{in_force} AND s.{column} IS NOT NULL"), []);
        if of == ValuesOf::ThoseAtRisk {
            conditions.add("s.band >= 2", []);
        }
        scope.restrict("s", &mut conditions);
        let limit = conditions.value(MOST);
        let found = conditions.sql();
        let sql = format!("SELECT DISTINCT s.{column} FROM scores s WHERE {found} ORDER BY s.{column} LIMIT {limit}");
        self.db().query(&sql, conditions.params()).await?.iter().map(|row| row.text(0)).collect()
    }
}
