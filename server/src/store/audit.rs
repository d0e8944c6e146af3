//! The audit log's records.

use std::fmt::Write;
use std::sync::LazyLock;

use crate::audit::{AuditKey, Draft, Record};
use crate::store::db::{Db, Param, Row, Tx, params};
use crate::store::{Store, StoreError};

/// Records of one page.
const PAGE: i64 = 5_000;
/// Columns of a record, and how many they are.
pub(super) const COLUMNS: &str = "seq, at, actor, role, method, subjects, purpose, model_version, decision, hash";
const WIDTH: usize = 10;
/// Records per statement, the largest first: as few statements as possible, and few different ones, each prepared once.
const CHUNKS: [usize; 3] = [64, 8, 1];

static INSERTS: LazyLock<[String; 3]> = LazyLock::new(|| CHUNKS.map(insert));

fn insert(rows: usize) -> String {
    let mut sql = format!("INSERT INTO audit ({COLUMNS}) VALUES ");
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for column in 1..=WIDTH {
            let comma = if column == 1 { "" } else { ", " };
            let _ = write!(sql, "{comma}${}", row * WIDTH + column);
        }
        sql.push(')');
    }
    sql
}

/// Writes records in their order after the last one, with the transaction: last in it, so that others wait shortly.
pub(crate) async fn append(tx: &mut Tx, drafts: &[Draft], key: &AuditKey) -> Result<(), StoreError> {
    let count = i64::try_from(drafts.len()).unwrap_or(i64::MAX);
    // The counter first: its lock keeps other servers out until the commit, so that the last record stays the last.
    let first = tx.next_numbers("audit", count).await?;
    let last = tx.first("SELECT hash FROM audit WHERE seq < $1 ORDER BY seq DESC LIMIT 1", params![first]).await?;
    let mut hash = match last {
        Some(row) => row.bytes(0)?,
        None => Vec::new(),
    };
    let mut seq = first;
    let mut rest = drafts;
    for (size, sql) in CHUNKS.into_iter().zip(INSERTS.iter()) {
        while let Some((chunk, after)) = rest.split_at_checked(size) {
            let mut values = Vec::with_capacity(size * WIDTH);
            for draft in chunk {
                hash = key.seal(seq, draft, &hash);
                values.extend(columns(seq, draft, &hash));
                seq += 1;
            }
            tx.execute(sql, values).await?;
            rest = after;
        }
    }
    Ok(())
}

impl Store {
    /// Writes records in their order after the last one; on the disk when this returns.
    pub(crate) async fn append_audit(&self, drafts: &[Draft], key: &AuditKey) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        append(&mut tx, drafts, key).await?;
        tx.commit().await
    }

    /// The records after a number, one page of them, in their order.
    pub(crate) async fn audit_page(&self, after: i64) -> Result<Vec<Record>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2");
        self.db().query(&sql, params![after, PAGE]).await?.iter().map(record).collect()
    }

    /// The records about an employee, by their keyed hash, in their order.
    pub(crate) async fn audit_about(&self, subject: &[u8]) -> Result<Vec<Record>, StoreError> {
        // The one thing that the databases say differently.
        let contains = match self.db() {
            Db::Sqlite { .. } => "INSTR(subjects, $1)",
            Db::Postgres(_) => "POSITION($1 IN subjects)",
        };
        let sql = format!("SELECT {COLUMNS} FROM audit WHERE {contains} > 0 ORDER BY seq");
        let records = self.db().query(&sql, params![subject]).await?;
        let records = records.iter().map(record).collect::<Result<Vec<_>, _>>()?;
        // The bytes could lie across two employees.
        let about = |record: &Record| record.draft.subjects.chunks(subject.len().max(1)).any(|one| one == subject);
        Ok(records.into_iter().filter(about).collect())
    }

    /// The last number that was given to a record.
    pub(crate) async fn audit_given(&self) -> Result<i64, StoreError> {
        let row = self.db().first("SELECT value FROM sequences WHERE name = $1", params!["audit"]).await?;
        row.ok_or_else(|| StoreError::Damaged("sequence audit is missing".to_owned()))?.int(0)
    }

    /// Whether anything was ever written to the log.
    pub(crate) async fn audit_begun(&self) -> Result<bool, StoreError> {
        Ok(self.audit_key_fingerprint().await?.is_some() || self.audit_given().await? > 0)
    }

    /// What tells under which key the log is written, without telling the key.
    pub(crate) async fn audit_key_fingerprint(&self) -> Result<Option<String>, StoreError> {
        let row = self.db().first("SELECT fingerprint FROM audit_key WHERE id = 1", params![]).await?;
        row.map(|row| row.text(0)).transpose()
    }

    /// Ties the log to a key, once and for all. Whether it is tied to this one.
    pub(crate) async fn claim_audit_key(&self, fingerprint: &str) -> Result<bool, StoreError> {
        if let Some(tied) = self.audit_key_fingerprint().await? {
            return Ok(tied == fingerprint);
        }
        let mut tx = self.db().begin().await?;
        let sql = "INSERT INTO audit_key (id, fingerprint) VALUES (1, $1) ON CONFLICT (id) DO NOTHING";
        tx.execute(sql, params![fingerprint]).await?;
        tx.commit().await?;
        Ok(self.audit_key_fingerprint().await?.as_deref() == Some(fingerprint))
    }
}

fn columns(seq: i64, draft: &Draft, hash: &[u8]) -> [Param; WIDTH] {
    [
        seq.into(),
        draft.at.into(),
        (&draft.actor).into(),
        (&draft.role).into(),
        (&draft.method).into(),
        draft.subjects.as_slice().into(),
        (&draft.purpose).into(),
        (&draft.model_version).into(),
        (&draft.decision).into(),
        hash.into(),
    ]
}

/// A record of a row with all columns in their order.
pub(super) fn record(row: &Row) -> Result<Record, StoreError> {
    Ok(Record {
        seq: row.int(0)?,
        draft: Draft {
            at: row.int(1)?,
            actor: row.text(2)?,
            role: row.text(3)?,
            method: row.text(4)?,
            subjects: row.bytes(5)?,
            purpose: row.text(6)?,
            model_version: row.text(7)?,
            decision: row.text(8)?,
        },
        hash: row.bytes(9)?,
    })
}
