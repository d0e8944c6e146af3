//! What the log tells, for an auditor.

use std::path::Path;

use crate::audit::AuditError;
use crate::audit::key::{AuditKey, SUBJECT_BYTES, to_hex};
use crate::audit::record::Record;
use crate::store::Store;

/// Which records are wanted.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// About this employee only.
    pub employee: Option<String>,
    /// Written at this time or later, in microseconds since 1970.
    pub since: Option<i64>,
}

/// A record as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its number.
    pub seq: i64,
    /// When, in microseconds since 1970 (UTC).
    pub at: i64,
    /// Who.
    pub actor: String,
    /// In which role.
    pub role: String,
    /// What they called.
    pub method: String,
    /// How many employees it was about.
    pub employees: usize,
    /// Why.
    pub purpose: String,
    /// Version of the model that answered; empty where none did.
    pub model_version: String,
    /// `allowed` or `denied`.
    pub decision: String,
    /// Its seal, in hexadecimal digits.
    pub hash: String,
}

/// Gives every wanted record to `show`, the oldest first. The key lies in `key_file`, or beside a SQLite store; it is needed only
/// for the records about one employee.
///
/// # Errors
/// [`AuditError`] when the store or the key cannot be read; whatever `show` returns ends it.
pub async fn list<E>(
    store: &Store,
    key_file: Option<&Path>,
    wanted: &Wanted,
    mut show: impl FnMut(Listed) -> Result<(), E>,
) -> Result<Result<(), E>, AuditError> {
    let subject = match &wanted.employee {
        None => None,
        Some(employee) => Some(AuditKey::for_reading(store, key_file).await?.subject(employee)),
    };
    let mut after = i64::MIN;
    loop {
        let page = store.audit_page(after).await?;
        let Some(last) = page.last() else { return Ok(Ok(())) };
        after = last.seq;
        for record in page {
            let about = |subject: &[u8; SUBJECT_BYTES]| {
                record.draft.subjects.chunks(SUBJECT_BYTES).any(|one| one == subject.as_slice())
            };
            if wanted.since.is_none_or(|since| record.draft.at >= since)
                && subject.as_ref().is_none_or(about)
                && let Err(end) = show(listed(record))
            {
                return Ok(Err(end));
            }
        }
    }
}

fn listed(record: Record) -> Listed {
    let Record { seq, draft, hash } = record;
    Listed {
        seq,
        at: draft.at,
        actor: draft.actor,
        role: draft.role,
        method: draft.method,
        employees: draft.subjects.len() / SUBJECT_BYTES,
        purpose: draft.purpose,
        model_version: draft.model_version,
        decision: draft.decision,
        hash: to_hex(&hash),
    }
}
