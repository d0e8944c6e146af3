//! The key with which tokens of lists are sealed.

use std::fmt;

use crate::random;
use crate::store::StoreError;
use crate::store::db::{Db, params};

/// Name of the key in the table.
const NAME: &str = "token";

/// The key with which tokens of lists are sealed; the same at every server of a store.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct TokenKey([u8; 32]);

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey")
    }
}

impl TokenKey {
    /// A key of these bytes.
    #[cfg(test)]
    pub(crate) fn of(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The key of a store, made if there is none.
    pub(crate) async fn of_store(db: &Db) -> Result<Self, StoreError> {
        let stored = "SELECT value FROM secrets WHERE name = $1";
        if let Some(row) = db.first(stored, params![NAME]).await? {
            return Self::read(&row.bytes(0)?);
        }
        let fresh: [u8; 32] = random::bytes().map_err(|error| StoreError::Damaged(error.to_string()))?;
        let mut tx = db.begin().await?;
        // Another server may be making one at the same time; the first one counts.
        let insert = "INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
        tx.execute(insert, params![NAME, fresh.to_vec()]).await?;
        let row = tx.first(stored, params![NAME]).await?;
        tx.commit().await?;
        match row {
            Some(row) => Self::read(&row.bytes(0)?),
            None => Err(StoreError::Damaged("the key of the tokens is missing".to_owned())),
        }
    }

    fn read(bytes: &[u8]) -> Result<Self, StoreError> {
        let key = <[u8; 32]>::try_from(bytes);
        key.map(Self).map_err(|_| StoreError::Damaged("the key of the tokens has another length".to_owned()))
    }
}
