//! Sessions of browsers in the store.
//!
//! The store has a session's identifier as a hash only, and its data encrypted under a key that is made from the identifier: who
//! reads the store can neither take a session over nor learn what is in it. Only the browser that has the cookie knows the
//! identifier (128 random bits).

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tower_sessions::SessionStore;
use tower_sessions::cookie::time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

use crate::clock::now_micros;
use crate::sealed;
use crate::store::sessions::KeptSession;
use crate::store::{Store, StoreError};

/// What the hash under which a session is found is made of, besides its identifier.
const FOUND_BY: &[u8] = b"flight-risk console session: found by";
/// What the key of its data is made of, besides its identifier.
const SEALED_BY: &[u8] = b"flight-risk console session: sealed by";
/// Times that an identifier is drawn before there must be something wrong.
const DRAWS: usize = 3;

/// The sessions of the console.
#[derive(Clone)]
pub(crate) struct StoreSessions(Arc<Store>);

impl fmt::Debug for StoreSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreSessions")
    }
}

impl StoreSessions {
    /// The sessions of a store.
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self(store)
    }
}

fn failed(error: StoreError) -> Error {
    Error::Backend(error.to_string())
}

/// 32 bytes that only who knows the identifier can make.
fn made_of(purpose: &[u8], id: Id) -> [u8; 32] {
    Sha256::new().chain_update(purpose).chain_update(id.0.to_le_bytes()).finalize().into()
}

/// The data, encrypted. Each session has its own key.
fn seal(id: Id, data: &HashMap<String, Value>) -> Result<Vec<u8>> {
    let bytes = serde_json::to_vec(data).map_err(|error| Error::Encode(error.to_string()))?;
    sealed::seal(&made_of(SEALED_BY, id), &bytes).map_err(|error| Error::Encode(error.to_string()))
}

fn open(id: Id, sealed: &[u8]) -> Result<HashMap<String, Value>> {
    let damaged = || Error::Decode("a session is damaged".to_owned());
    let bytes = sealed::open(&made_of(SEALED_BY, id), sealed).ok_or_else(damaged)?;
    serde_json::from_slice(&bytes).map_err(|_| damaged())
}

fn kept(record: &Record) -> Result<KeptSession> {
    let ends_at = i64::try_from(record.expiry_date.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX);
    Ok(KeptSession { id: made_of(FOUND_BY, record.id), data: seal(record.id, &record.data)?, ends_at })
}

#[async_trait]
impl SessionStore for StoreSessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        for _ in 0..DRAWS {
            if self.0.create_session(&kept(record)?, now_micros()).await.map_err(failed)? {
                return Ok(());
            }
            record.id = Id::default();
        }
        Err(Error::Backend("identifiers of sessions come up again and again".to_owned()))
    }

    async fn save(&self, record: &Record) -> Result<()> {
        self.0.save_session(&kept(record)?, now_micros()).await.map_err(failed)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let found = self.0.session(made_of(FOUND_BY, *id), now_micros()).await.map_err(failed)?;
        let Some(found) = found else { return Ok(None) };
        let expiry_date = OffsetDateTime::from_unix_timestamp_nanos(i128::from(found.ends_at) * 1_000)
            .map_err(|_| Error::Decode("a session has no end".to_owned()))?;
        Ok(Some(Record { id: *id, data: open(*id, &found.data)?, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.0.delete_session(made_of(FOUND_BY, *id)).await.map_err(failed)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use tower_sessions::cookie::time::Duration;

    use super::*;
    use crate::store::db::params;
    use crate::tests::databases::each_store;

    fn record(text: &str, ends_in: Duration) -> Record {
        let data = HashMap::from([("text".to_owned(), Value::from(text))]);
        Record { id: Id::default(), data, expiry_date: OffsetDateTime::now_utc() + ends_in }
    }

    #[tokio::test]
    async fn a_session_is_read_back_changed_and_ended() {
        each_store(async |store| {
            let sessions = StoreSessions::new(Arc::new(store));
            let mut first = record("one", Duration::hours(1));
            sessions.create(&mut first).await.unwrap();
            let found = sessions.load(&first.id).await.unwrap().unwrap();
            assert_eq!(found.data, first.data);
            assert!((found.expiry_date - first.expiry_date).abs() < Duration::milliseconds(1));
            // Another one with the same identifier gets another.
            let mut second = Record { id: first.id, ..record("two", Duration::hours(1)) };
            sessions.create(&mut second).await.unwrap();
            assert_ne!(second.id, first.id);
            first.data.insert("text".to_owned(), Value::from("three"));
            sessions.save(&first).await.unwrap();
            assert_eq!(sessions.load(&first.id).await.unwrap().unwrap().data, first.data);
            sessions.delete(&first.id).await.unwrap();
            sessions.save(&first).await.unwrap();
            assert!(sessions.load(&first.id).await.unwrap().is_none(), "what was ended stays so");
            assert_eq!(sessions.load(&second.id).await.unwrap().unwrap().data, second.data);
            assert!(sessions.load(&Id::default()).await.unwrap().is_none());
            let mut over = record("four", Duration::milliseconds(-1));
            sessions.create(&mut over).await.unwrap();
            assert!(sessions.load(&over.id).await.unwrap().is_none());
        })
        .await;
    }

    #[tokio::test]
    async fn the_store_has_neither_identifiers_nor_data_and_what_was_changed_there_is_refused() {
        each_store(async |store| {
            let sessions = StoreSessions::new(Arc::new(store.clone()));
            let mut kept = record("a secret of the session", Duration::hours(1));
            sessions.create(&mut kept).await.unwrap();
            let rows = store.db().query("SELECT id_sha256, data FROM sessions", params![]).await.unwrap();
            let bytes: Vec<u8> =
                rows.iter().flat_map(|row| [row.bytes(0).unwrap(), row.bytes(1).unwrap()].concat()).collect();
            let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
            assert_eq!(rows.len(), 1);
            assert!(!holds(b"secret") && !holds(&kept.id.0.to_le_bytes()) && !holds(kept.id.to_string().as_bytes()));
            // One session's data under another's name.
            let mut other = record("another", Duration::hours(1));
            sessions.create(&mut other).await.unwrap();
            let mut tx = store.db().begin().await.unwrap();
            let stolen = rows[0].bytes(1).unwrap();
            let id = made_of(FOUND_BY, other.id);
            tx.execute("UPDATE sessions SET data = $1 WHERE id_sha256 = $2", params![stolen, id.as_slice()])
                .await
                .unwrap();
            tx.commit().await.unwrap();
            assert!(sessions.load(&other.id).await.is_err());
            assert!(sessions.load(&kept.id).await.is_ok());
        })
        .await;
    }
}
