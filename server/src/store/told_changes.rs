//! Material changes read back, in the order in which they are told.

use std::collections::HashMap;

use crate::store::db::{Row, params};
use crate::store::statement::{list, pieces};
use crate::store::stored_score::RECORD_COLUMNS;
use crate::store::{ChangeKind, ScoreRecord, Store, StoreError};

/// A material change.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ToldChange {
    /// Its number.
    pub(crate) seq: i64,
    /// When it was told (microseconds since 1970).
    pub(crate) changed_at: i64,
    /// Why it is material.
    pub(crate) kind: ChangeKind,
    /// The score that was told before, where it is still kept.
    pub(crate) previous: Option<ScoreRecord>,
    /// The score that is told.
    pub(crate) current: ScoreRecord,
}

impl Store {
    /// The changes after this number, in order, at most `limit`. Numbers become visible in their order, so that none comes later
    /// with a number that is not after the last one here.
    pub(crate) async fn changes_after(&self, seq: i64, limit: usize) -> Result<Vec<ToldChange>, StoreError> {
        let sql = format!(
            "SELECT c.seq, c.changed_at, c.kind, c.previous_seq, {RECORD_COLUMNS} FROM changes c \
             JOIN scores s ON s.seq = c.current_seq WHERE c.seq > $1 ORDER BY c.seq LIMIT $2"
        );
        let rows = self.db().query(&sql, params![seq, i64::try_from(limit).unwrap_or(i64::MAX)]).await?;
        let previous = rows.iter().map(|row| row.opt_int(3)).collect::<Result<Vec<_>, _>>()?;
        let mut numbers: Vec<i64> = previous.iter().copied().flatten().collect();
        numbers.sort_unstable();
        numbers.dedup();
        let records = self.records(&numbers).await?;
        let change = |(row, previous): (&Row, Option<i64>)| {
            Ok(ToldChange {
                seq: row.int(0)?,
                changed_at: row.int(1)?,
                kind: ChangeKind::of(row.int(2)?)?,
                previous: previous.and_then(|seq| records.get(&seq)).cloned(),
                current: ScoreRecord::read(row, 4)?,
            })
        };
        rows.iter().zip(previous).map(change).collect()
    }

    async fn records(&self, numbers: &[i64]) -> Result<HashMap<i64, ScoreRecord>, StoreError> {
        let mut records = HashMap::with_capacity(numbers.len());
        for piece in pieces(numbers) {
            let sql = format!("SELECT {RECORD_COLUMNS} FROM scores s WHERE s.seq IN ({})", list(piece.len()));
            for row in self.db().query(&sql, piece.iter().map(|&number| number.into()).collect()).await? {
                let record = ScoreRecord::read(&row, 0)?;
                records.insert(record.seq, record);
            }
        }
        Ok(records)
    }
}
