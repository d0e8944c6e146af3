//! Whether the store can be written, and how often it failed.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::store::{Store, StoreError};

/// Errors of the database since the process began.
static ERRORS: AtomicU64 = AtomicU64::new(0);

/// Errors of the database since the process began, over all stores of the process.
pub(crate) fn store_errors() -> u64 {
    ERRORS.load(Ordering::Relaxed)
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        ERRORS.fetch_add(1, Ordering::Relaxed);
        Self::Database(error)
    }
}

impl Store {
    /// Writes something that nobody reads, to the disk.
    pub(crate) async fn try_writing(&self) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        tx.next_numbers("trial", 1).await?;
        tx.commit().await
    }
}
