//! The sums of the risks of those in force, kept up to date by whoever changes scores, in the same transaction.
//!
//! Adding a million risks takes a quarter of a second; a list with a capacity tells the sum on its first page. Sums of floats
//! would drift with every change, so whole numbers are added: they are the same in whatever order scores came and went.

use std::collections::HashMap;

use crate::access::caller::Scope;
use crate::store::conditions::Conditions;
use crate::store::db::{Row, Tx, params};
use crate::store::reading::in_force_by_value;
use crate::store::statement::{pieces, tuples};
use crate::store::stored_score::IN_FORCE;
use crate::store::{Store, StoreError};

/// Parts of a risk of 1 in which sums are kept: more than 90 million people fit, and a million roundings add up to less than a
/// hundred thousandth of a leaver.
const PARTS: f64 = 1e11;

/// What is needed of a score in force to take it out of the sums: columns of the table `scores`.
pub(crate) const SUMMED_COLUMNS: &str = "department, location, risk";

/// What has to be added to the sums.
#[derive(Default)]
pub(crate) struct SumChanges(HashMap<(String, String), (i64, i64)>);

impl SumChanges {
    /// A score came into force; `risk` is negative where the model abstained, and those are not counted.
    pub(crate) fn enter(&mut self, department: Option<&str>, location: Option<&str>, risk: f64) {
        self.add(department, location, risk, 1);
    }

    /// A score is no longer in force.
    pub(crate) fn leave(&mut self, department: Option<&str>, location: Option<&str>, risk: f64) {
        self.add(department, location, risk, -1);
    }

    /// The same of a row whose columns from `first` on are [`SUMMED_COLUMNS`].
    pub(crate) fn leave_row(&mut self, row: &Row, first: usize) -> Result<(), StoreError> {
        self.leave(row.opt_text(first)?.as_deref(), row.opt_text(first + 1)?.as_deref(), row.real(first + 2)?);
        Ok(())
    }

    fn add(&mut self, department: Option<&str>, location: Option<&str>, risk: f64, sign: i64) {
        if risk >= 0.0 {
            let group = (department.unwrap_or_default().to_owned(), location.unwrap_or_default().to_owned());
            let (employees, parts) = self.0.entry(group).or_default();
            *employees += sign;
            *parts += sign * (risk * PARTS).round() as i64;
        }
    }

    /// Adds them to the sums. The transaction must have taken the sequence of scores.
    pub(crate) async fn keep(self, tx: &mut Tx) -> Result<(), StoreError> {
        let mut changes: Vec<_> = self.0.into_iter().filter(|(_, change)| *change != (0, 0)).collect();
        changes.sort_unstable();
        for piece in pieces(&changes) {
            let sql = format!(
                "INSERT INTO risk_sums (department, location, employees, parts) VALUES {} ON CONFLICT (department, location) \
                 DO UPDATE SET employees = risk_sums.employees + excluded.employees, parts = risk_sums.parts + excluded.parts",
                tuples(piece.len(), 4)
            );
            let cells = piece.iter().flat_map(|((department, location), (employees, parts))| {
                params![department, location, *employees, *parts]
            });
            tx.execute(&sql, cells.collect()).await?;
        }
        if changes.iter().any(|(_, (employees, _))| *employees < 0) {
            tx.execute("DELETE FROM risk_sums WHERE employees <= 0", Vec::new()).await?;
        }
        Ok(())
    }
}

/// Takes the score of an employee that is in force, if there is one, out of the sums; it is about to end.
pub(crate) async fn leave(tx: &mut Tx, employee_id: &str) -> Result<(), StoreError> {
    add_in_force(tx, employee_id, -1).await
}

/// Adds the score of an employee that is in force again to the sums.
pub(crate) async fn enter(tx: &mut Tx, employee_id: &str) -> Result<(), StoreError> {
    add_in_force(tx, employee_id, 1).await
}

async fn add_in_force(tx: &mut Tx, employee_id: &str, sign: i64) -> Result<(), StoreError> {
    let sql = format!("SELECT {SUMMED_COLUMNS} FROM scores WHERE employee_id = $1 AND to_seq = {IN_FORCE}");
    let mut changes = SumChanges::default();
    for row in tx.query(&sql, params![employee_id]).await? {
        changes.add(row.opt_text(0)?.as_deref(), row.opt_text(1)?.as_deref(), row.real(2)?, sign);
    }
    changes.keep(tx).await
}

impl Store {
    /// The sum of the risks of all employees within the scope who are still there and for whom the model answers.
    pub(crate) async fn expected_leavers(&self, scope: &Scope) -> Result<f64, StoreError> {
        let mut conditions = Conditions::default();
        if let Scope::Reports { .. } = scope {
            // Few, and found by an index.
            scope.restrict("s", &mut conditions);
            let sql = format!(
                "SELECT COALESCE(SUM(s.risk), 0.0) FROM scores s WHERE {} AND s.risk + 0.0 >= 0 AND {}",
                in_force_by_value(),
                conditions.sql()
            );
            return self.db().first(&sql, conditions.params()).await?.map_or(Ok(0.0), |row| row.real(0));
        }
        scope.restrict("r", &mut conditions);
        let sql =
            format!("SELECT CAST(COALESCE(SUM(r.parts), 0) AS BIGINT) FROM risk_sums r WHERE {}", conditions.sql());
        let parts = self.db().first(&sql, conditions.params()).await?.map_or(Ok(0), |row| row.int(0))?;
        Ok(parts as f64 / PARTS)
    }
}
