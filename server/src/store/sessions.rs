//! Who is signed in to the console, in the store: sessions under the hash of their identifier, with data that cannot be read here.

use crate::store::db::params;
use crate::store::sign_in_attempts::{forget_old_attempts_in, forgotten_before};
use crate::store::{Store, StoreError};

/// A session to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptSession {
    /// SHA-256 of its identifier.
    pub(crate) id: [u8; 32],
    /// Its data, encrypted.
    pub(crate) data: Vec<u8>,
    /// When it ends, however busy it is; microseconds since 1970.
    pub(crate) ends_at: i64,
}

impl Store {
    /// Keeps a new session; gives whether its identifier is new too.
    pub(crate) async fn create_session(&self, session: &KeptSession, now: i64) -> Result<bool, StoreError> {
        let mut tx = self.db().begin().await?;
        let sql = "INSERT INTO sessions (id_sha256, data, seen_at, ends_at) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (id_sha256) DO NOTHING";
        let KeptSession { id, data, ends_at } = session;
        let made = tx.execute(sql, params![id.as_slice(), data.as_slice(), now, *ends_at]).await? > 0;
        tx.commit().await?;
        Ok(made)
    }

    /// Keeps the data of a session that there is. One that was ended meanwhile stays ended, and none ends later than it would have.
    pub(crate) async fn save_session(&self, session: &KeptSession, now: i64) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let sql = "UPDATE sessions SET data = $1, seen_at = $2 WHERE id_sha256 = $3";
        tx.execute(sql, params![session.data.as_slice(), now, session.id.as_slice()]).await?;
        tx.commit().await
    }

    /// A session that has not reached its end. Whether it was idle for too long is for who reads it to say.
    pub(crate) async fn session(&self, id: [u8; 32], now: i64) -> Result<Option<KeptSession>, StoreError> {
        let sql = "SELECT data, ends_at FROM sessions WHERE id_sha256 = $1 AND ends_at > $2";
        let row = self.db().first(sql, params![id.as_slice(), now]).await?;
        row.map(|row| Ok(KeptSession { id, data: row.bytes(0)?, ends_at: row.int(1)? })).transpose()
    }

    /// Ends a session.
    pub(crate) async fn delete_session(&self, id: [u8; 32]) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        tx.execute("DELETE FROM sessions WHERE id_sha256 = $1", params![id.as_slice()]).await?;
        tx.commit().await
    }

    /// Deletes the sessions that have reached their end or were not saved for `idle` microseconds, and the links and the tries that
    /// no longer count; gives the number of sessions.
    pub(crate) async fn delete_expired_sessions(&self, now: i64, idle: i64) -> Result<u64, StoreError> {
        // Nearly always there is nothing to do; looking does not keep others from writing.
        let due = "SELECT 1 FROM sessions WHERE ends_at <= $1 OR seen_at <= $2 \
                   UNION ALL SELECT 1 FROM sign_in_links WHERE expires_at <= $1 \
                   UNION ALL SELECT 1 FROM sign_in_attempts WHERE last_at < $3 LIMIT 1";
        if self.db().first(due, params![now, now - idle, forgotten_before(now)]).await?.is_none() {
            return Ok(0);
        }
        let mut tx = self.db().begin().await?;
        let sql = "DELETE FROM sessions WHERE ends_at <= $1 OR seen_at <= $2";
        let deleted = tx.execute(sql, params![now, now - idle]).await?;
        tx.execute("DELETE FROM sign_in_links WHERE expires_at <= $1", params![now]).await?;
        forget_old_attempts_in(&mut tx, now).await?;
        tx.commit().await?;
        Ok(deleted)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;
    use crate::tests::databases::each_store;

    const MINUTE: i64 = 60 * 1_000_000;

    fn kept(id: u8, data: &str, ends_at: i64) -> KeptSession {
        KeptSession { id: [id; 32], data: data.as_bytes().to_vec(), ends_at }
    }

    #[tokio::test]
    async fn a_session_ends_at_its_end_however_busy() {
        each_store(async |store| {
            let end = 480 * MINUTE;
            let session = kept(1, "data", end);
            assert!(store.create_session(&session, 0).await.unwrap());
            assert!(!store.create_session(&kept(1, "other", end), 0).await.unwrap(), "the identifier is taken");
            store.save_session(&kept(1, "data", 900 * MINUTE), end - 1).await.unwrap();
            assert_eq!(store.session(session.id, end - 1).await.unwrap(), Some(session.clone()));
            assert_eq!(store.session(session.id, end).await.unwrap(), None);
            assert_eq!(store.session([3; 32], 0).await.unwrap(), None);
        })
        .await;
    }

    #[tokio::test]
    async fn an_ended_session_is_not_brought_back_and_those_that_are_over_are_deleted() {
        each_store(async |store| {
            let idle = 30 * MINUTE;
            for (id, ends_at) in [(1, 100 * MINUTE), (2, 100 * MINUTE), (3, 10 * MINUTE)] {
                store.create_session(&kept(id, "one", ends_at), 0).await.unwrap();
            }
            store.save_session(&kept(1, "two", 900 * MINUTE), 20 * MINUTE).await.unwrap();
            let found = store.session([1; 32], 20 * MINUTE).await.unwrap().unwrap();
            assert_eq!(found, kept(1, "two", 100 * MINUTE), "the end stays");
            store.create_sign_in_link("ada").await.unwrap();
            assert_eq!(store.delete_expired_sessions(9 * MINUTE, idle).await.unwrap(), 0);
            assert_eq!(store.delete_expired_sessions(40 * MINUTE, idle).await.unwrap(), 2, "idle, and at its end");
            store.delete_session([1; 32]).await.unwrap();
            store.save_session(&kept(1, "three", 100 * MINUTE), 40 * MINUTE).await.unwrap();
            assert_eq!(store.session([1; 32], 40 * MINUTE).await.unwrap(), None);
        })
        .await;
    }
}
