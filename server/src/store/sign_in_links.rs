//! Links that sign somebody in once, without a password: what `flight-risk demo` prints.

use sha2::{Digest, Sha256};

use crate::access::users::name_as_kept;
use crate::clock::now_micros;
use crate::random;
use crate::store::db::{Tx, params};
use crate::store::{Store, StoreError};

/// How long a link is good, in microseconds: an hour.
const GOOD_FOR: i64 = 3_600 * 1_000_000;

fn key(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}

impl Store {
    /// Makes the token of a link that signs the holder of an account in, once, within an hour. Only its hash is kept.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer, or the system gives no random numbers.
    pub async fn create_sign_in_link(&self, user: &str) -> Result<String, StoreError> {
        self.create_sign_in_link_at(user, now_micros()).await
    }

    async fn create_sign_in_link_at(&self, user: &str, now: i64) -> Result<String, StoreError> {
        let token = random::token().map_err(|error| StoreError::Damaged(error.to_string()))?;
        let mut tx = self.db().begin().await?;
        tx.execute("DELETE FROM sign_in_links WHERE expires_at <= $1", params![now]).await?;
        let sql = "INSERT INTO sign_in_links (token_sha256, user_name, expires_at) VALUES ($1, $2, $3)";
        tx.execute(sql, params![key(&token), name_as_kept(user), now + GOOD_FOR]).await?;
        tx.commit().await?;
        Ok(token)
    }

    /// Whose link this is, the first time that it is asked in time; `None` afterwards, and for what is no link.
    pub(crate) async fn use_sign_in_link(&self, token: &str) -> Result<Option<String>, StoreError> {
        self.use_sign_in_link_at(token, now_micros()).await
    }

    /// Deletes the links of an account (its name as it is kept) with the transaction.
    pub(crate) async fn delete_sign_in_links_in(&self, tx: &mut Tx, name: &str) -> Result<(), StoreError> {
        tx.execute("DELETE FROM sign_in_links WHERE user_name = $1", params![name]).await?;
        Ok(())
    }

    async fn use_sign_in_link_at(&self, token: &str, now: i64) -> Result<Option<String>, StoreError> {
        let mut tx = self.db().begin().await?;
        let sql = "UPDATE sign_in_links SET used_at = $1 WHERE token_sha256 = $2 AND used_at IS NULL \
                   AND expires_at > $3 RETURNING user_name";
        let row = tx.first(sql, params![now, key(token), now]).await?;
        let user = row.map(|row| row.text(0)).transpose()?;
        tx.commit().await?;
        Ok(user)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;
    use crate::tests::databases::each_store;

    #[tokio::test]
    async fn a_link_is_good_once_and_for_an_hour() {
        each_store(async |store| {
            let (one, other) =
                (store.create_sign_in_link("Ada").await.unwrap(), store.create_sign_in_link("ada").await.unwrap());
            assert_eq!(one.len(), 43, "256 bits");
            assert_ne!(one, other);
            assert_eq!(store.use_sign_in_link(&one).await.unwrap().as_deref(), Some("ada"));
            for refused in [one.as_str(), "", "AAAA", &other.to_uppercase()] {
                assert_eq!(store.use_sign_in_link(refused).await.unwrap(), None, "{refused}");
            }
            assert_eq!(store.use_sign_in_link(&other).await.unwrap().as_deref(), Some("ada"));
            let late = store.create_sign_in_link_at("ada", 0).await.unwrap();
            assert_eq!(store.use_sign_in_link_at(&late, GOOD_FOR).await.unwrap(), None);
            assert_eq!(store.use_sign_in_link_at(&late, GOOD_FOR - 1).await.unwrap().as_deref(), Some("ada"));
        })
        .await;
    }

    #[tokio::test]
    async fn of_many_at_a_time_one_is_signed_in() {
        each_store(async |store| {
            let token = store.create_sign_in_link("ada").await.unwrap();
            let tasks: Vec<_> = (0..16)
                .map(|_| {
                    let (store, token) = (store.clone(), token.clone());
                    tokio::spawn(async move { store.use_sign_in_link(&token).await.unwrap() })
                })
                .collect();
            let mut signed_in = 0;
            for task in tasks {
                signed_in += usize::from(task.await.unwrap().is_some());
            }
            assert_eq!(signed_in, 1);
        })
        .await;
    }
}
