//! What figures about groups are made of: all scores of a moment, exits, and what scores came from. Read in pieces, so that a
//! million rows never lie in memory as rows.

use crate::access::caller::Scope;
use crate::insight::dimension::{Dimension, tenure_bounds, uncrossed};
use crate::store::conditions::Conditions;
use crate::store::db::{Param, Row, params};
use crate::store::exits::is_voluntary;
use crate::store::statement::{list, pieces};
use crate::store::stored_score::{IN_FORCE, unpacked};
use crate::store::{Store, StoreError};

/// Rows that are read at a time.
const PIECE: i64 = 10_000;

/// What tells whether anything that figures depend on has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct InsightState {
    score_seq: i64,
    erased: i64,
    exits: i64,
    last_exit_report: i64,
    /// When the first score was recorded, in microseconds since 1970; none: no score is.
    pub(crate) first_score: Option<i64>,
}

impl InsightState {
    /// How many scores were ever recorded.
    pub(crate) fn scores(&self) -> usize {
        usize::try_from(self.score_seq).unwrap_or(0)
    }

    /// What past months depend on beside their scores.
    pub(crate) fn exits_key(&self) -> String {
        format!("{} {}", self.exits, self.last_exit_report)
    }
}

/// A score as figures about groups need it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Standing {
    /// Its number.
    pub(crate) seq: i64,
    /// The model.
    pub(crate) model_version: String,
    /// 0 abstained, 1 low, 2 elevated, 3 high.
    pub(crate) band: i64,
    /// Headline risk and its interval; below 0 where the model abstained.
    pub(crate) risk: [f64; 3],
    /// Months of the headline horizon; 0 for a model of a flat table.
    pub(crate) horizon_months: i64,
    /// Department, location, manager and job level.
    pub(crate) facts: [Option<String>; 4],
    /// Years with the company.
    pub(crate) tenure_years: Option<f64>,
    /// The day on which the employee left, if reported, and whether by their own will.
    pub(crate) exit: Option<(i64, bool)>,
}

impl Standing {
    fn read(row: &Row) -> Result<Self, StoreError> {
        let exit_type = row.opt_int(13)?;
        Ok(Self {
            seq: row.int(0)?,
            model_version: row.text(1)?,
            band: row.int(2)?,
            risk: [row.real(3)?, row.real(4)?, row.real(5)?],
            horizon_months: row.int(6)?,
            facts: [row.opt_text(7)?, row.opt_text(8)?, row.opt_text(9)?, row.opt_text(10)?],
            tenure_years: row.opt_real(11)?,
            exit: row.opt_int(12)?.map(|day| (day, exit_type.is_some_and(is_voluntary))),
        })
    }
}

/// A piece of all scores in force now, or at a past moment.
fn standings_sql(past: bool) -> String {
    // `+ 0` keeps the databases from taking the index by `to_seq`: rows are wanted in their order.
    let condition = if past {
        "s.seq > $1 AND s.seq <= $2 AND s.to_seq + 0 > $2".to_owned()
    } else {
        // Word for word the condition of the index that has those in force in their order.
        format!("s.to_seq >= {IN_FORCE} AND s.seq > $1")
    };
    format!(
        "SELECT {STANDING_COLUMNS} FROM scores s LEFT JOIN exits e ON e.employee_id = s.employee_id \
         WHERE {condition} ORDER BY s.seq LIMIT {PIECE}"
    )
}

const STANDING_COLUMNS: &str = "s.seq, s.model_version, s.band, s.risk, s.low, s.high, s.horizon_months, s.department, \
     s.location, s.manager_id, s.job_level, s.tenure_years, e.exit_day, e.exit_type";

/// A member of a group in one of several moments.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Membership {
    /// The employee.
    pub(crate) employee_id: String,
    /// First score number from which on this holds.
    pub(crate) seq: i64,
    /// First score number from which on it no longer does.
    pub(crate) to_seq: i64,
    /// 0 abstained, 1 low, 2 elevated, 3 high.
    pub(crate) band: i64,
    /// Headline risk; below 0 where the model abstained.
    pub(crate) risk: f64,
    /// The day on which the employee left, if reported.
    pub(crate) exit_day: Option<i64>,
    /// The model.
    pub(crate) model_version: String,
}

impl Store {
    /// What tells whether anything has changed.
    pub(crate) async fn insight_state(&self) -> Result<InsightState, StoreError> {
        let sql = "SELECT (SELECT value FROM sequences WHERE name = 'score'), \
                   (SELECT value FROM sequences WHERE name = 'erased'), (SELECT COUNT(*) FROM exits), \
                   (SELECT MAX(reported_at) FROM exits), (SELECT MIN(scored_at) FROM scores)";
        let Some(row) = self.db().first(sql, Vec::new()).await? else { return Ok(InsightState::default()) };
        Ok(InsightState {
            score_seq: row.opt_int(0)?.unwrap_or(0),
            erased: row.opt_int(1)?.unwrap_or(0),
            exits: row.int(2)?,
            last_exit_report: row.opt_int(3)?.unwrap_or(0),
            first_score: row.opt_int(4)?,
        })
    }

    /// How many scores are in force.
    pub(crate) async fn count_in_force(&self) -> Result<usize, StoreError> {
        let sql = format!("SELECT COUNT(*) FROM scores WHERE to_seq = {IN_FORCE}");
        let row = self.db().first(&sql, Vec::new()).await?;
        Ok(row.map(|row| row.count(0)).transpose()?.and_then(|count| usize::try_from(count).ok()).unwrap_or(0))
    }

    /// The number of the last score that was recorded before a time.
    pub(crate) async fn last_score_before(&self, micros: i64) -> Result<Option<i64>, StoreError> {
        let sql =
            "SELECT MAX(seq) FROM scores WHERE scored_at = (SELECT MAX(scored_at) FROM scores WHERE scored_at < $1)";
        Ok(match self.db().first(sql, params![micros]).await? {
            Some(row) => row.opt_int(0)?,
            None => None,
        })
    }

    /// The model that gave a score; empty where there is none of this number.
    pub(crate) async fn model_of(&self, seq: i64) -> Result<String, StoreError> {
        let row = self.db().first("SELECT model_version FROM scores WHERE seq = $1", params![seq]).await?;
        Ok(row.map(|row| row.text(0)).transpose()?.unwrap_or_default())
    }

    /// All scores that were in force when number `at` was recorded, in their order; `None`: those in force now.
    pub(crate) async fn standings(&self, at: Option<i64>, mut each: impl FnMut(Standing)) -> Result<(), StoreError> {
        let sql = standings_sql(at.is_some());
        let mut last = -1_i64;
        loop {
            let mut values = params![last];
            values.extend(at.map(Param::from));
            let rows = self.db().query(&sql, values).await?;
            for row in &rows {
                let standing = Standing::read(row)?;
                last = standing.seq;
                each(standing);
            }
            if rows.len() < PIECE as usize {
                return Ok(());
            }
        }
    }

    /// Calls `each` with everybody who was in a group, or in all of the scope, in any of these moments (numbers of scores).
    pub(crate) async fn memberships(
        &self,
        scope: &Scope,
        group: Option<(Dimension, &str)>,
        moments: &[i64],
        mut each: impl FnMut(Membership),
    ) -> Result<(), StoreError> {
        let mut conditions = Conditions::default();
        scope.restrict("s", &mut conditions);
        let group = match group {
            Some((Dimension::DepartmentAndTenure, name)) => {
                let Some((department, tenure)) = uncrossed(name) else { return Ok(()) };
                conditions.add("s.department = ?", [department.into()]);
                Some((Dimension::Tenure, tenure))
            }
            group => group,
        };
        match group {
            Some((Dimension::Department, name)) => conditions.add("s.department = ?", [name.into()]),
            Some((Dimension::Location, name)) => conditions.add("s.location = ?", [name.into()]),
            Some((Dimension::Manager, name)) => conditions.add("s.manager_id = ?", [name.into()]),
            Some((Dimension::JobLevel, name)) => conditions.add("s.job_level = ?", [name.into()]),
            // By the bounds of the groups, below.
            Some((Dimension::Tenure, name)) => {
                if let Some((from, until)) = tenure_bounds(name) {
                    conditions.add("s.tenure_years >= ? AND s.tenure_years < ?", [from.into(), until.into()]);
                } else {
                    return Ok(());
                }
            }
            Some((Dimension::DepartmentAndTenure, _)) | None => {}
        }
        let any = vec!["s.seq <= ? AND s.to_seq + 0 > ?"; moments.len()].join(" OR ");
        if any.is_empty() {
            return Ok(());
        }
        conditions.add(&any, moments.iter().flat_map(|&moment| [Param::from(moment), Param::from(moment)]));
        let last_name = conditions.value(-1_i64);
        let sql = format!(
            "SELECT s.employee_id, s.seq, s.to_seq, s.band, s.risk, e.exit_day, s.model_version FROM scores s \
             LEFT JOIN exits e ON e.employee_id = s.employee_id WHERE {} AND s.seq > {last_name} ORDER BY s.seq LIMIT {PIECE}",
            conditions.sql()
        );
        let mut values = conditions.params();
        let mut last = -1_i64;
        loop {
            let rows = self.db().query(&sql, values.clone()).await?;
            for row in &rows {
                last = row.int(1)?;
                each(Membership {
                    employee_id: row.text(0)?,
                    seq: last,
                    to_seq: row.int(2)?,
                    band: row.int(3)?,
                    risk: row.real(4)?,
                    exit_day: row.opt_int(5)?,
                    model_version: row.text(6)?,
                });
            }
            if rows.len() < PIECE as usize {
                return Ok(());
            }
            if let Some(slot) = values.last_mut() {
                *slot = Param::from(last);
            }
        }
    }

    /// The values and the contributions that these scores came from, in any order; scores that are gone are left out.
    pub(crate) async fn score_parts(
        &self,
        numbers: &[i64],
        mut each: impl FnMut(&[f64], &[f64]),
    ) -> Result<(), StoreError> {
        for piece in pieces(numbers) {
            let sql =
                format!("SELECT feature_values, contributions FROM score_details WHERE seq IN ({})", list(piece.len()));
            for row in self.db().query(&sql, piece.iter().map(|&seq| seq.into()).collect()).await? {
                each(&unpacked(&row.bytes(0)?), &unpacked(&row.bytes(1)?));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_piece_of_everybody_is_read_in_order_without_sorting_all() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store.db").to_str().unwrap()).await.unwrap();
        for (past, values) in [(false, params![-1_i64]), (true, params![-1_i64, 5_i64])] {
            let rows = store.db().query(&format!("EXPLAIN QUERY PLAN {}", standings_sql(past)), values).await.unwrap();
            let plan: Vec<String> = rows.iter().map(|row| row.text(3).unwrap()).collect();
            assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{past}: {plan:?}");
            assert!(past || plan.iter().any(|step| step.contains("scores_in_order")), "{plan:?}");
        }
    }
}
