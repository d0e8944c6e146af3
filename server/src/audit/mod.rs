//! The audit log: who asked what about whom, why, by which model, and what was decided. Append-only and chained.
//!
//! Employees stand in it as keyed hashes only: it survives the erasure of a person without telling who it was. Every record is
//! sealed under a key that lies outside the database (HMAC-SHA-256 over its number, all its fields and the seal before), so that a
//! record that is altered, taken out or moved is found by [`verify`]. What nobody can see from the log alone is that records at
//! its very end are gone together with the counter: for that an auditor notes the count and the last hash.

mod key;
mod list;
mod record;
mod verify;
mod writer;

use std::path::Path;
use std::sync::Arc;

pub use key::AuditKeyError;
pub use list::{Listed, Wanted, list};
pub use verify::{AuditError, Expected, Finding, Verified, verify};

pub(crate) use key::{AuditKey, from_hex, to_hex};
pub(crate) use record::{Draft, Record};

pub(crate) use key::SUBJECT_BYTES;
use writer::Queue;

use crate::clock::now_micros;
use crate::store::{Store, StoreError};
use crate::telemetry::AuditMeters;

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Answered, or carried out.
    Allowed,
    /// Refused.
    Denied,
}

impl Decision {
    /// The name in the log.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
        }
    }
}

/// One record to be written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    /// Who.
    pub(crate) actor: &'a str,
    /// In which role.
    pub(crate) role: &'a str,
    /// What they called.
    pub(crate) method: &'a str,
    /// About whom; kept as keyed hashes only.
    pub(crate) employees: &'a [&'a str],
    /// Why; of a change of who is let in, and of a deletion by itself, what exactly.
    pub(crate) purpose: &'a str,
    /// Version of the model that answers; empty where none does.
    pub(crate) model_version: &'a str,
    /// What was decided.
    pub(crate) decision: Decision,
}

/// The log cannot be written: nothing may be answered.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the audit log cannot be written")]
pub(crate) struct AuditUnavailable;

/// The log.
#[derive(Clone)]
pub(crate) struct AuditLog {
    /// Absent where it is not kept.
    kept: Option<Kept>,
}

#[derive(Clone)]
struct Kept {
    key: Arc<AuditKey>,
    queue: Queue,
}

impl AuditLog {
    /// The log of a store, ready to be written. The key lies in `key_file`, or beside a SQLite store.
    ///
    /// # Errors
    /// [`AuditKeyError`] when the key is lost, another one, or cannot be made.
    pub(crate) async fn open(
        store: &Arc<Store>,
        key_file: Option<&Path>,
        meters: AuditMeters,
    ) -> Result<Self, AuditKeyError> {
        let key = Arc::new(AuditKey::for_writing(store, key_file).await?);
        let queue = Queue::start(Arc::clone(store), Arc::clone(&key), meters);
        Ok(Self { kept: Some(Kept { key, queue }) })
    }

    /// No log: what is to be written is forgotten.
    pub(crate) fn off() -> Self {
        Self { kept: None }
    }

    /// Writes a record; it is on the disk when this returns.
    pub(crate) async fn append(&self, entry: Entry<'_>) -> Result<(), AuditUnavailable> {
        match &self.kept {
            None => Ok(()),
            Some(Kept { key, queue }) => queue.append(draft(&entry, key)).await,
        }
    }

    /// The records about an employee, the oldest first.
    pub(crate) async fn about(&self, store: &Store, employee_id: &str) -> Result<Vec<Record>, StoreError> {
        match &self.kept {
            None => Ok(Vec::new()),
            Some(Kept { key, .. }) => store.audit_about(&key.subject(employee_id)).await,
        }
    }

    /// Takes nothing new, and returns when what waits is written. To be called once.
    pub(crate) async fn close(&self) {
        if let Some(Kept { queue, .. }) = &self.kept {
            queue.close().await;
        }
    }
}

/// A record as it is to be sealed.
pub(crate) fn draft(entry: &Entry<'_>, key: &AuditKey) -> Draft {
    let mut subjects = Vec::with_capacity(entry.employees.len() * SUBJECT_BYTES);
    for employee in entry.employees {
        subjects.extend(key.subject(employee));
    }
    Draft {
        at: now_micros(),
        actor: storable(entry.actor),
        role: storable(entry.role),
        method: storable(entry.method),
        subjects,
        purpose: storable(&without_ids(entry.purpose, entry.employees)),
        model_version: storable(entry.model_version),
        decision: entry.decision.name().to_owned(),
    }
}

/// PostgreSQL keeps no NUL in a text: one such record would make all that are written with it fail.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// What stands in a purpose instead of the identifier of the employee asked about.
const ERASED: &str = "[employee]";

/// A purpose without the identifiers of those it is about: what is in the chain can never be taken out again, and after an erasure
/// the identifier must be nowhere.
fn without_ids(purpose: &str, employees: &[&str]) -> String {
    let mut text = purpose.to_owned();
    for employee in employees.iter().filter(|id| !id.is_empty()) {
        if !text.contains(employee) {
            continue;
        }
        let mut clean = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(at) = rest.find(employee) {
            let (before, found) = rest.split_at(at);
            let (id, after) = found.split_at(employee.len());
            clean.push_str(before);
            // Part of a longer word or number it is not the identifier.
            let inner = |c: char| c.is_alphanumeric();
            let within = clean.chars().next_back().is_some_and(inner) || after.chars().next().is_some_and(inner);
            clean.push_str(if within { id } else { ERASED });
            rest = after;
        }
        clean.push_str(rest);
        text = clean;
    }
    text
}

#[cfg(test)]
mod tests;
