//! API keys in the store.

use crate::access::caller::Role;
use crate::access::keys::{CreatedKey, KeyError, NewKey, StoredKey, fresh};
use crate::clock::now_micros;
use crate::store::db::{Row, Tx, params};
use crate::store::{Store, StoreError, stored_scope};

/// The columns that [`read`] expects.
const COLUMNS: &str = "id, secret_sha256, name, role, scope, purpose, created_at, expires_at, revoked_at";

fn read(row: &Row) -> Result<StoredKey, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("an API key has a {what} that cannot be read"));
    let scope = stored_scope::read(&row.text(4)?).ok_or_else(|| damaged("scope"))?;
    Ok(StoredKey {
        id: row.text(0)?,
        secret_sha256: row.bytes(1)?.try_into().map_err(|_| damaged("hash"))?,
        name: row.text(2)?,
        role: Role::parse(&row.text(3)?).ok_or_else(|| damaged("role"))?,
        scope,
        purpose: Some(row.text(5)?).filter(|purpose| !purpose.is_empty()),
        created_at: row.int(6)?,
        expires_at: row.opt_int(7)?,
        revoked_at: row.opt_int(8)?,
    })
}

/// Makes a key, with the transaction. Its secret is in the answer and nowhere else.
pub(crate) async fn create(tx: &mut Tx, key: &NewKey) -> Result<CreatedKey, KeyError> {
    key.check()?;
    let scope = stored_scope::text(&key.scope)?;
    let (created, hash) = fresh()?;
    let now = now_micros();
    let same =
        "SELECT 1 FROM api_keys WHERE name = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)";
    if tx.first(same, params![&key.name, now]).await?.is_some() {
        return Err(KeyError::NameInUse(key.name.clone()));
    }
    tx.execute(
        "INSERT INTO api_keys (id, secret_sha256, name, role, scope, purpose, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![
            &created.id,
            hash.to_vec(),
            &key.name,
            key.role.name(),
            scope,
            key.purpose.clone().unwrap_or_default(),
            now,
            key.expires_at
        ],
    )
    .await?;
    Ok(created)
}

/// Revokes a key for good, with the transaction; gives it as it was, `None` where there is none of this identifier. One that was
/// revoked before stays as it is.
pub(crate) async fn revoke(tx: &mut Tx, id: &str) -> Result<Option<StoredKey>, StoreError> {
    let find = format!("SELECT {COLUMNS} FROM api_keys WHERE id = $1");
    let Some(before) = tx.first(&find, params![id]).await?.as_ref().map(read).transpose()? else { return Ok(None) };
    let sql = "UPDATE api_keys SET revoked_at = COALESCE(revoked_at, $1) WHERE id = $2";
    tx.execute(sql, params![now_micros(), id]).await?;
    Ok(Some(before))
}

impl Store {
    /// Every key that was ever made, the latest first; those no longer in force too.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub async fn keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM api_keys ORDER BY created_at DESC, id");
        self.db().query(&sql, params![]).await?.iter().map(read).collect()
    }

    /// The keys that let somebody in now.
    pub(crate) async fn keys_in_force(&self) -> Result<Vec<StoredKey>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM api_keys WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1)"
        );
        self.db().query(&sql, params![now_micros()]).await?.iter().map(read).collect()
    }
}
