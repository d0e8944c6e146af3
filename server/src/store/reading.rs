//! How a list is read from the indexes.
//!
//! Both databases get the same text, and SQLite knows little of how often a value occurs. So it is looked here, with a count that
//! stops early, whether a condition leaves so few rows that it is quicker to find and sort them than to go through everybody in
//! order; conditions that must not be read from an index are written so that none fits.

use crate::store::conditions::Conditions;
use crate::store::db::Param;
use crate::store::lists::Order;
use crate::store::stored_score::IN_FORCE;
use crate::store::{Store, StoreError};

/// Up to so many rows are found and sorted.
pub(crate) const FEW: i64 = 6_000;

/// How the rows of a list are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// In the order of the list; those that do not match are passed over.
    InOrder,
    /// Among those with one value of this column, which an index has in the order of the risk.
    ByValue(&'static str),
    /// By their value of this column, which few have; then they are sorted.
    Few(&'static str),
}

/// A condition from which rows may be found.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// The column that it is about.
    pub(crate) column: &'static str,
    /// Whether it asks for one value.
    pub(crate) is_one_value: bool,
    /// The condition, on the table `s`.
    pub(crate) condition: Conditions,
}

/// Columns with an index of the scores in force by their value.
const BY_VALUE: [&str; 6] = ["manager_id", "department", "location", "job_level", "as_of", "display_key"];
/// Those of them whose index goes on in the order of the risk.
const IN_ORDER_OF_RISK: [&str; 4] = ["manager_id", "department", "location", "job_level"];
/// Those whose index has all of [`COVERED`], so that conditions on these are asked of the index.
const COVERING: [&str; 3] = ["department", "location", "job_level"];
/// Columns that such an index has.
const COVERED: [&str; 9] =
    ["department", "location", "job_level", "risk", "employee_id", "band", "as_of", "critical_role", "tenure_years"];
/// Columns that come after `to_seq` in an index of all scores.
const AFTER_TO_SEQ: [&str; 3] = ["employee_id", "risk", "scored_at"];

/// That a score of the table `s` is in force, for an index that has only those in force: as its definition says it.
pub(crate) fn in_force_by_value() -> String {
    format!("s.to_seq > {}", IN_FORCE - 1)
}

impl Reading {
    /// The column in a condition of a list of this order: as it is where an index by it may be used, or else as an expression of
    /// the same value.
    pub(crate) fn column(self, column: &'static str, order: Order) -> String {
        let may_lead = match self {
            Self::Few(by) => by == column,
            // An index by another column than that of the order would find many, who would all have to be sorted.
            Self::InOrder | Self::ByValue(_) => column == order.column_name() || !AFTER_TO_SEQ.contains(&column),
        };
        match column {
            _ if may_lead => format!("s.{column}"),
            "as_of" | "band" | "critical_role" | "scored_at" => format!("s.{column} + 0"),
            "risk" | "tenure_years" => format!("s.{column} + 0.0"),
            _ => format!("s.{column} || ''"),
        }
    }

    /// That a score is in force.
    pub(crate) fn in_force(self) -> String {
        match self {
            Self::ByValue(column) | Self::Few(column) if BY_VALUE.contains(&column) => in_force_by_value(),
            _ => format!("s.to_seq = {IN_FORCE}"),
        }
    }
}

impl Store {
    /// How a list with these conditions, among others, is best read.
    pub(crate) async fn reading(
        &self,
        candidates: &[Candidate],
        order: Order,
        at_risk_only: bool,
    ) -> Result<Reading, StoreError> {
        // People have few reports, and one identifier.
        let sure =
            |candidate: &&Candidate| candidate.is_one_value && matches!(candidate.column, "manager_id" | "employee_id");
        if let Some(candidate) = candidates.iter().find(sure) {
            return Ok(Reading::Few(candidate.column));
        }
        let mut fewest: Option<(i64, &'static str)> = None;
        for Candidate { column, condition, .. } in candidates {
            let in_force = match *column {
                // The list is read as a range of its own index.
                column if column == order.column_name() => continue,
                column if BY_VALUE.contains(&column) => in_force_by_value(),
                column if AFTER_TO_SEQ.contains(&column) => format!("s.to_seq = {IN_FORCE}"),
                _ => continue,
            };
            // The order leads to the index that begins with the column, and not to another one that has it somewhere.
            let found = format!("scores s WHERE {in_force} AND {} ORDER BY s.{column}", condition.sql());
            let count = self.counted(&found, condition.params()).await?;
            if count <= FEW && fewest.is_none_or(|(fewest, _)| count < fewest) {
                fewest = Some((count, column));
            }
        }
        let by_value = candidates
            .iter()
            .find(|candidate| candidate.is_one_value && IN_ORDER_OF_RISK.contains(&candidate.column))
            .filter(|_| order.is_by_risk() && !at_risk_only);
        if fewest.is_none() && by_value.is_none() && !(order.is_by_risk() && at_risk_only) {
            fewest = self.few_together(candidates, at_risk_only).await?;
        }
        Ok(match (fewest, by_value) {
            (Some((_, column)), _) => Reading::Few(column),
            (None, Some(candidate)) => Reading::ByValue(candidate.column),
            // Those at risk have an index with everything that lists filter by.
            (None, None) => Reading::InOrder,
        })
    }

    /// How many meet all conditions of which one asks for a value that an index covers, and that value's column, if they are few
    /// though more meet each condition by itself.
    async fn few_together(
        &self,
        candidates: &[Candidate],
        at_risk_only: bool,
    ) -> Result<Option<(i64, &'static str)>, StoreError> {
        let covered = candidates.iter().filter(|candidate| COVERED.contains(&candidate.column));
        let mut all = Conditions::default();
        covered.clone().for_each(|candidate| all.join(&candidate.condition));
        let one = covered.clone().find(|candidate| candidate.is_one_value && COVERING.contains(&candidate.column));
        let Some(one) = one.filter(|_| covered.count() > 1) else { return Ok(None) };
        if at_risk_only {
            all.add("s.band >= 2", []);
        }
        let found = format!("scores s WHERE {} AND {}", in_force_by_value(), all.sql());
        let count = self.counted(&found, all.params()).await?;
        Ok((count <= FEW).then_some((count, one.column)))
    }

    /// How many rows are found by what stands after FROM; of more than [`FEW`] one more than that.
    pub(super) async fn counted(&self, rows: &str, params: Vec<Param>) -> Result<i64, StoreError> {
        let sql = format!("SELECT COUNT(*) FROM (SELECT 1 AS one FROM {rows} LIMIT {}) AS found", FEW + 1);
        self.db().first(&sql, params).await?.map_or(Ok(0), |row| row.int(0))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;
    use crate::store::db::params;

    fn is(column: &'static str, sign: &str, value: impl Into<Param>) -> Candidate {
        let mut condition = Conditions::default();
        condition.add(&format!("s.{column} {sign} ?"), [value.into()]);
        Candidate { column, is_one_value: sign == "=", condition }
    }

    #[tokio::test]
    async fn where_common_values_meet_in_few_people_these_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store.db").to_str().unwrap()).await.unwrap();
        let mut tx = store.db().begin().await.unwrap();
        // Half of 16,000 people are in each of two levels; one of these is nowhere but in Oslo.
        let people = format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 16000) \
             INSERT INTO scores SELECT i, {IN_FORCE}, 'e' || i, $1, 1, 'm', 1 + (i % 2) * 2, 0.1, 0.1, 0.1, 1, 12, 'Sales', \
             CASE WHEN i % 2 = 0 THEN 'Oslo' ELSE 'Rome' END, 'b', 'L' || (i % 2), 0, 1, NULL, NULL FROM n"
        );
        tx.execute(&people, params![1_i64]).await.unwrap();
        tx.commit().await.unwrap();
        let (oslo, l0, l1) = (is("location", "=", "Oslo"), is("job_level", "=", "L0"), is("job_level", "=", "L1"));
        use Reading::{ByValue, Few, InOrder};
        for (candidates, order, at_risk_only, expected) in [
            (vec![oslo.clone(), l1.clone()], Order::EmployeeUp, false, Few("location")),
            (vec![oslo.clone(), l0.clone()], Order::EmployeeUp, false, InOrder),
            (vec![oslo.clone(), l0.clone()], Order::TimeDown, true, Few("location")),
            (vec![oslo.clone(), l1.clone()], Order::RiskDown, false, ByValue("location")),
            (vec![oslo.clone(), l1.clone()], Order::RiskDown, true, InOrder),
            (vec![oslo.clone()], Order::TimeUp, false, InOrder),
            (vec![l0, is("tenure_years", "<", 1.0)], Order::EmployeeUp, false, Few("job_level")),
            (vec![is("critical_role", "=", 1_i64), is("tenure_years", "<", 1.0)], Order::EmployeeUp, false, InOrder),
        ] {
            let reading = store.reading(&candidates, order, at_risk_only).await.unwrap();
            assert_eq!(reading, expected, "{candidates:?} {order:?} {at_risk_only}");
        }
    }
}
