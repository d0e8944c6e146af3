//! Whether the log is as it was written: the chain is walked from its first record to its last.

use std::path::Path;

use crate::audit::key::{AuditKey, AuditKeyError, from_hex, to_hex};
use crate::audit::record::Record;
use crate::store::{Store, StoreError};

/// Why the log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The key.
    #[error(transparent)]
    Key(#[from] AuditKeyError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was noted is no hash.
    #[error("{0} is no hash: 64 hexadecimal digits are needed, as `flight-risk audit verify` shows them")]
    NoHash(String),
}

/// What an auditor noted at an earlier visit.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// How many records there were.
    pub count: Option<u64>,
    /// The last hash; with `count`, of the record of that number.
    pub last: Option<String>,
}

/// A log in which nothing is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many records it has.
    pub count: u64,
    /// The hash of the last one in hexadecimal digits; empty without records.
    pub last: String,
}

/// The first thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// A number is left out.
    #[error("record {seq} is missing")]
    Missing {
        /// The number.
        seq: i64,
    },
    /// The counter went further than the records do.
    #[error("record {seq} is missing at the end: the last number given out is {given}")]
    MissingAtEnd {
        /// The first that is missing.
        seq: i64,
        /// The last number that was given out.
        given: i64,
    },
    /// A number that is never given out.
    #[error("record {seq} was put in: numbers begin with 1 and end with {given}")]
    PutIn {
        /// The number.
        seq: i64,
        /// The last number that was given out.
        given: i64,
    },
    /// The seal does not fit the content.
    #[error("record {seq} was altered: its hash does not fit its content and the record before")]
    Altered {
        /// The number.
        seq: i64,
    },
    /// Another record stands in its place.
    #[error("record {seq} is out of order: in its place stands what was written as record {written}")]
    Reordered {
        /// The place.
        seq: i64,
        /// The place where it was written.
        written: i64,
    },
    /// Fewer than there were.
    #[error("there are {count} records, and there were {expected} before: records at the end are missing")]
    FewerThanBefore {
        /// How many there are.
        count: u64,
        /// How many there were.
        expected: u64,
    },
    /// The noted hash is gone.
    #[error("no record has the noted hash {hash}: the log was cut off and written anew")]
    NotedHashGone {
        /// The hash.
        hash: String,
    },
    /// The record of the noted number has another hash.
    #[error("record {seq} has another hash than the noted {hash}: the log was cut off and written anew")]
    OtherHash {
        /// The number.
        seq: u64,
        /// The noted hash.
        hash: String,
    },
}

/// Walks the chain. The key lies in `key_file`, or beside a SQLite store. The server may write meanwhile.
///
/// # Errors
/// [`AuditError`] when the store or the key cannot be read. What is wrong with the log is the inner error.
pub async fn verify(
    store: &Store,
    key_file: Option<&Path>,
    expected: &Expected,
) -> Result<Result<Verified, Finding>, AuditError> {
    let noted = match &expected.last {
        None => None,
        Some(text) => match from_hex(text.trim()).filter(|hash| hash.len() == 32) {
            Some(hash) => Some(hash),
            None => return Err(AuditError::NoHash(text.clone())),
        },
    };
    let key = AuditKey::for_reading(store, key_file).await?;
    // Before the records: those that are written meanwhile have higher numbers.
    let given = store.audit_given().await?;
    let (mut count, mut last) = (0_i64, Vec::new());
    let mut noted_at = None;
    let mut after = i64::MIN;
    loop {
        let page = store.audit_page(after).await?;
        let Some(end) = page.last() else { break };
        after = end.seq;
        for record in page {
            let due = count + 1;
            if record.seq < due {
                return Ok(Err(Finding::PutIn { seq: record.seq, given }));
            }
            if record.seq > due {
                return Ok(Err(Finding::Missing { seq: due }));
            }
            if key.seal(record.seq, &record.draft, &last) != record.hash {
                return Ok(Err(misfit(store, &key, &record, &last).await?));
            }
            if noted.as_ref() == Some(&record.hash) {
                noted_at = Some(record.seq.unsigned_abs());
            }
            (count, last) = (record.seq, record.hash);
        }
    }
    if count < given {
        return Ok(Err(Finding::MissingAtEnd { seq: count + 1, given }));
    }
    let counter = store.audit_given().await?;
    if count > counter {
        return Ok(Err(Finding::PutIn { seq: counter + 1, given: counter }));
    }
    let count = count.unsigned_abs();
    if let Some(expected) = expected.count.filter(|expected| *expected > count) {
        return Ok(Err(Finding::FewerThanBefore { count, expected }));
    }
    if let Some(noted) = noted {
        let hash = to_hex(&noted);
        match (noted_at, expected.count) {
            (None, None) => return Ok(Err(Finding::NotedHashGone { hash })),
            (at, Some(seq)) if at != Some(seq) => return Ok(Err(Finding::OtherHash { seq, hash })),
            _ => {}
        }
    }
    Ok(Ok(Verified { count, last: to_hex(&last) }))
}

/// A record whose seal does not fit where it stands: was it written elsewhere? The seals before and at every place are tried as
/// the one that it was written after; the one at the place itself, because what stood before may be what took its place.
async fn misfit(store: &Store, key: &AuditKey, record: &Record, before: &[u8]) -> Result<Finding, StoreError> {
    let seq = record.seq;
    let fits = |written: i64, last: &[u8]| key.seal(written, &record.draft, last) == record.hash;
    let (mut after, mut last) = (i64::MIN, Vec::new());
    loop {
        let page = store.audit_page(after).await?;
        let Some(end) = page.last() else { return Ok(Finding::Altered { seq }) };
        after = end.seq;
        for other in page {
            if other.seq != seq && (fits(other.seq, &last) || fits(other.seq, &other.hash) || fits(other.seq, before)) {
                return Ok(Finding::Reordered { seq, written: other.seq });
            }
            last = other.hash;
        }
    }
}
