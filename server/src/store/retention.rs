//! What is deleted because of its age.

use crate::clock::MICROS_PER_DAY;
use crate::store::db::{Param, params};
use crate::store::requests::KEEP_ANSWERS_MICROS;
use crate::store::risk_sums::{SUMMED_COLUMNS, SumChanges};
use crate::store::statement::{list, pieces};
use crate::store::stored_score::IN_FORCE;
use crate::store::{Store, StoreError};

/// Rows deleted in one transaction, so that others can write in between.
const ROWS_AT_A_TIME: usize = 1_000;

impl Store {
    /// Deletes scores that were recorded more than `retention_days` before `now` (microseconds since 1970), the one in force too,
    /// with what they came from; changes that were told before then; and the answers to requests of more than a day ago. Gives
    /// the number of scores.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer; what was deleted until then stays deleted.
    pub async fn delete_expired(&self, now: i64, retention_days: u32) -> Result<usize, StoreError> {
        let before = now.saturating_sub(i64::from(retention_days).saturating_mul(MICROS_PER_DAY));
        let mut count = 0;
        loop {
            let deleted = self.delete_some_scores(before).await?;
            count += deleted;
            if deleted < ROWS_AT_A_TIME {
                break;
            }
        }
        for (table, column, before) in
            [("changes", "changed_at", before), ("requests", "at", now.saturating_sub(KEEP_ANSWERS_MICROS))]
        {
            let due = format!("SELECT 1 FROM {table} WHERE {column} < $1 LIMIT 1");
            if self.db().first(&due, params![before]).await?.is_some() {
                let mut tx = self.db().begin().await?;
                tx.execute(&format!("DELETE FROM {table} WHERE {column} < $1"), params![before]).await?;
                tx.commit().await?;
            }
        }
        Ok(count)
    }

    async fn delete_some_scores(&self, before: i64) -> Result<usize, StoreError> {
        let expired = format!(
            "SELECT seq, employee_id, to_seq, {SUMMED_COLUMNS} FROM scores WHERE scored_at < $1 ORDER BY scored_at, seq LIMIT {ROWS_AT_A_TIME}"
        );
        // Nearly always there is nothing to do; looking does not keep others from writing.
        if self.db().first(&expired, params![before]).await?.is_none() {
            return Ok(0);
        }
        let mut tx = self.db().begin().await?;
        // Taken first by all who change scores: nobody waits for another in a circle.
        tx.next_numbers("score", 0).await?;
        let rows = tx.query(&expired, params![before]).await?;
        let mut sums = SumChanges::default();
        for row in &rows {
            if row.int(2)? == IN_FORCE {
                sums.leave_row(row, 3)?;
            }
        }
        sums.keep(&mut tx).await?;
        let rows = rows.iter().map(|row| Ok((row.int(0)?, row.text(1)?))).collect::<Result<Vec<_>, StoreError>>()?;
        for piece in pieces(&rows) {
            let places = list(piece.len());
            let numbers = || piece.iter().map(|(seq, _)| Param::from(*seq)).collect();
            let employees = || piece.iter().map(|(_, employee)| Param::from(employee)).collect();
            tx.execute(&format!("DELETE FROM score_details WHERE seq IN ({places})"), numbers()).await?;
            tx.execute(&format!("DELETE FROM scores WHERE seq IN ({places})"), numbers()).await?;
            // Nothing is left of the band and the risk that were told last, either: what is told next is measured from the score
            // in force, which differs by less than what is worth telling.
            let in_force = format!("s.employee_id = told.employee_id AND s.to_seq = {IN_FORCE}");
            let rebased = format!(
                "UPDATE told SET seq = s.seq, band = s.band, risk = s.risk FROM scores s WHERE {in_force} \
                 AND told.employee_id IN ({places}) AND NOT EXISTS (SELECT 1 FROM scores o WHERE o.seq = told.seq)"
            );
            tx.execute(&rebased, employees()).await?;
            let orphaned = format!(
                "DELETE FROM told WHERE employee_id IN ({places}) AND NOT EXISTS (SELECT 1 FROM scores s WHERE {in_force})"
            );
            tx.execute(&orphaned, employees()).await?;
        }
        tx.commit().await?;
        Ok(rows.len())
    }
}
