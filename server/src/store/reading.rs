//! How a list is read from the indexes.
//!
//! Both databases get the same text, and SQLite knows little of how often a value occurs. So it is looked here, with a count that
//! stops early, whether a condition leaves so few rows that it is quicker to find and sort them than to go through everybody in
//! order; conditions that must not be read from an index are written so that none fits.

use crate::store::conditions::Conditions;
use crate::store::lists::Order;
use crate::store::stored_score::IN_FORCE;
use crate::store::{Store, StoreError};

/// Up to so many rows are found and sorted.
const FEW: i64 = 4_000;

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
/// Columns that come after `to_seq` in an index of all scores.
const AFTER_TO_SEQ: [&str; 3] = ["employee_id", "risk", "scored_at"];

/// That a score of the table `s` is in force, for an index that has only those in force: as its definition says it.
pub(crate) fn in_force_by_value() -> String {
    format!("s.to_seq > {}", IN_FORCE - 1)
}

impl Reading {
    /// The column in a condition of the list: as it is where an index by it may be used, or else as an expression of the same value.
    pub(crate) fn column(self, column: &'static str) -> String {
        match self {
            Self::Few(by) if by != column => match column {
                "as_of" | "band" | "critical_role" | "scored_at" => format!("s.{column} + 0"),
                "risk" | "tenure_years" => format!("s.{column} + 0.0"),
                _ => format!("s.{column} || ''"),
            },
            _ => format!("s.{column}"),
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
            let sql = format!(
                "SELECT COUNT(*) FROM (SELECT 1 AS one FROM scores s WHERE {in_force} AND {} LIMIT {}) AS found",
                condition.sql(),
                FEW + 1
            );
            let count = self.db().first(&sql, condition.params()).await?.map_or(Ok(0), |row| row.int(0))?;
            if count <= FEW && fewest.is_none_or(|(fewest, _)| count < fewest) {
                fewest = Some((count, column));
            }
        }
        let by_value = candidates
            .iter()
            .find(|candidate| candidate.is_one_value && IN_ORDER_OF_RISK.contains(&candidate.column))
            .filter(|_| order.is_by_risk() && !at_risk_only);
        Ok(match (fewest, by_value) {
            (Some((_, column)), _) => Reading::Few(column),
            (None, Some(candidate)) => Reading::ByValue(candidate.column),
            // Those at risk have an index with everything that lists filter by.
            (None, None) => Reading::InOrder,
        })
    }
}
