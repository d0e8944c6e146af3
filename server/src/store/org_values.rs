//! Which departments, locations and levels those at risk have, to choose from.

use crate::access::caller::Scope;
use crate::store::conditions::Conditions;
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

impl Store {
    /// The values of those at risk within a scope.
    pub(crate) async fn org_values(&self, scope: &Scope) -> Result<OrgValues, StoreError> {
        Ok(OrgValues {
            departments: self.values_of("department", scope).await?,
            locations: self.values_of("location", scope).await?,
            levels: self.values_of("job_level", scope).await?,
        })
    }

    async fn values_of(&self, column: &str, scope: &Scope) -> Result<Vec<String>, StoreError> {
        let mut conditions = Conditions::default();
        conditions.add(&format!("to_seq = {IN_FORCE} AND band >= 2 AND {column} IS NOT NULL"), []);
        scope.restrict("scores", &mut conditions);
        let limit = conditions.value(MOST);
        let found = conditions.sql();
        let sql = format!("SELECT DISTINCT {column} FROM scores WHERE {found} ORDER BY {column} LIMIT {limit}");
        self.db().query(&sql, conditions.params()).await?.iter().map(|row| row.text(0)).collect()
    }
}
