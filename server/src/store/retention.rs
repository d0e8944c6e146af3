//! What is deleted because of its age.

use flight_risk_scoring::Day;

use crate::clock::{MICROS_PER_DAY, day_of};
use crate::store::db::{Param, params};
use crate::store::requests::KEEP_ANSWERS_MICROS;
use crate::store::risk_sums::{SUMMED_COLUMNS, SumChanges};
use crate::store::statement::{list, pieces};
use crate::store::stored_score::IN_FORCE;
use crate::store::{Store, StoreError};

/// Rows deleted in one transaction, so that others can write in between.
const ROWS_AT_A_TIME: usize = 1_000;

/// The time `retention_days` before `now`, in microseconds since 1970.
fn expires(now: i64, retention_days: u32) -> i64 {
    now.saturating_sub(i64::from(retention_days).saturating_mul(MICROS_PER_DAY))
}

impl Store {
    /// How many scores were recorded more than `retention_days` before `now` (microseconds since 1970).
    pub(crate) async fn expired(&self, now: i64, retention_days: u32) -> Result<i64, StoreError> {
        let sql = "SELECT COUNT(*) FROM scores WHERE scored_at < $1";
        let row = self.db().first(sql, params![expires(now, retention_days)]).await?;
        row.map_or(Ok(0), |row| row.int(0))
    }

    /// Deletes scores that were recorded more than `retention_days` before `now` (microseconds since 1970), the one in force too,
    /// with what they came from; changes that were told before then; and the answers to requests of more than a day ago. Gives
    /// the number of scores.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer; what was deleted until then stays deleted.
    pub async fn delete_expired(&self, now: i64, retention_days: u32) -> Result<usize, StoreError> {
        let before = expires(now, retention_days);
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

    /// Deletes what scores came from whose force ended more than `keep_days` before `now` (microseconds since 1970), but for those
    /// that were in force at the end of a month (UTC), which tell what drove the risk then: for histories and outcomes the numbers are
    /// enough. Gives the number of scores.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer; what was deleted until then stays deleted.
    pub async fn thin_details(&self, now: i64, keep_days: u32) -> Result<usize, StoreError> {
        let before = now.saturating_sub(i64::from(keep_days).saturating_mul(MICROS_PER_DAY));
        // Numbers are given in the order of time: a score whose force ended at this number or before ended it before then.
        let Some(until) = self.last_score_before(before).await? else { return Ok(0) };
        if self.sequence("thinned").await? >= until {
            return Ok(0);
        }
        let month_ends = self.month_ends(before).await?;
        let mut count = 0;
        while self.sequence("thinned").await? < until {
            count += self.thin_some(until, &month_ends).await?;
        }
        Ok(count)
    }

    /// The numbers of the last scores of all months that ended before a time, the earliest first.
    async fn month_ends(&self, before: i64) -> Result<Vec<i64>, StoreError> {
        let mut numbers = Vec::new();
        let last = day_of(before);
        let mut month = Day::from_ymd(last.year(), last.month(), 1);
        while let Some(first_day) = month {
            let start = i64::from(first_day.epoch_days()).saturating_mul(MICROS_PER_DAY);
            let Some(number) = self.last_score_before(start).await? else { break };
            numbers.push(number);
            month = Some(first_day.plus_months(-1));
        }
        numbers.reverse();
        Ok(numbers)
    }

    async fn thin_some(&self, until: i64, month_ends: &[i64]) -> Result<usize, StoreError> {
        let mut tx = self.db().begin().await?;
        // As in all that deletes scores; then this one's own place, which nobody moves meanwhile.
        tx.next_numbers("score", 0).await?;
        let done = tx.next_numbers("thinned", 0).await? - 1;
        let ended = format!(
            "SELECT seq, to_seq FROM scores WHERE to_seq > $1 AND to_seq <= $2 ORDER BY to_seq LIMIT {ROWS_AT_A_TIME}"
        );
        let rows = tx.query(&ended, params![done, until]).await?;
        let mut numbers = Vec::with_capacity(rows.len());
        for row in &rows {
            let (seq, to_seq) = (row.int(0)?, row.int(1)?);
            // The first month that ended with it or after it ended before the score in its place.
            let first = month_ends.get(month_ends.partition_point(|&end| end < seq));
            if first.is_none_or(|&end| end >= to_seq) {
                numbers.push(seq);
            }
        }
        let mut count = 0;
        for piece in pieces(&numbers) {
            let sql = format!("DELETE FROM score_details WHERE seq IN ({})", list(piece.len()));
            count += tx.execute(&sql, piece.iter().map(|&seq| seq.into()).collect()).await?;
        }
        let reached = match rows.last().filter(|_| rows.len() == ROWS_AT_A_TIME) {
            Some(last) => last.int(1)?,
            None => until,
        };
        tx.next_numbers("thinned", reached - done).await?;
        tx.commit().await?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
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
        tx.next_numbers("erased", 1).await?;
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
