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

/// What a link is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// It signs the holder of this account in, now and never again.
    Good(String),
    /// It was used before, or is too old: a link of this account.
    Spent(String),
    /// There is no such link, or no longer.
    Unknown,
}

/// Makes the token of a link that signs the holder of an account in, once, within an hour of a time. Only its hash is kept.
pub(crate) async fn create_at(tx: &mut Tx, user: &str, now: i64) -> Result<String, StoreError> {
    let token = random::token().map_err(|error| StoreError::Damaged(error.to_string()))?;
    tx.execute("DELETE FROM sign_in_links WHERE expires_at <= $1", params![now]).await?;
    let sql = "INSERT INTO sign_in_links (token_sha256, user_name, expires_at) VALUES ($1, $2, $3)";
    tx.execute(sql, params![key(&token), name_as_kept(user), now + GOOD_FOR]).await?;
    Ok(token)
}

/// Deletes the links of an account (its name as it is kept) with the transaction.
pub(crate) async fn delete_links_of(tx: &mut Tx, name: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM sign_in_links WHERE user_name = $1", params![name]).await?;
    Ok(())
}

impl Store {
    /// What a link is worth: it is good the first time that it is asked in time.
    pub(crate) async fn use_sign_in_link(&self, token: &str) -> Result<Link, StoreError> {
        self.use_sign_in_link_at(token, now_micros()).await
    }

    async fn use_sign_in_link_at(&self, token: &str, now: i64) -> Result<Link, StoreError> {
        let known = "SELECT user_name FROM sign_in_links WHERE token_sha256 = $1";
        // What is no link costs no write.
        let Some(row) = self.db().first(known, params![key(token)]).await? else { return Ok(Link::Unknown) };
        let user = row.text(0)?;
        let mut tx = self.db().begin().await?;
        let sql =
            "UPDATE sign_in_links SET used_at = $1 WHERE token_sha256 = $2 AND used_at IS NULL AND expires_at > $3";
        let good = tx.execute(sql, params![now, key(token), now]).await? > 0;
        tx.commit().await?;
        Ok(if good { Link::Good(user) } else { Link::Spent(user) })
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
            let (good, spent) = (Link::Good("ada".into()), Link::Spent("ada".into()));
            assert_eq!(store.use_sign_in_link(&one).await.unwrap(), good);
            assert_eq!(store.use_sign_in_link(&one).await.unwrap(), spent);
            for refused in ["", "AAAA", &other.to_uppercase()] {
                assert_eq!(store.use_sign_in_link(refused).await.unwrap(), Link::Unknown, "{refused}");
            }
            assert_eq!(store.use_sign_in_link(&other).await.unwrap(), good);
            let mut tx = store.db().begin().await.unwrap();
            let late = create_at(&mut tx, "ada", 0).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(store.use_sign_in_link_at(&late, GOOD_FOR).await.unwrap(), spent);
            assert_eq!(store.use_sign_in_link_at(&late, GOOD_FOR - 1).await.unwrap(), good);
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
                signed_in += usize::from(matches!(task.await.unwrap(), Link::Good(_)));
            }
            assert_eq!(signed_in, 1);
        })
        .await;
    }
}
