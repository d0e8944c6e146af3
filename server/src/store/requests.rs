//! Writes that are carried out once however often they are sent.
//!
//! A client that got no answer sends its request again and cannot know whether the first one was carried out. With a `request_id`
//! it need not: the answer is kept in the transaction that carries the write out, under who calls, what they call and that id, and
//! whoever comes with the same request again gets the same bytes. A key that another transaction is about to keep makes this one
//! wait (the one writer of SQLite; the unique key of PostgreSQL), so that of two at a time one is carried out.
//!
//! Without a `request_id` every request is carried out: the server makes none up, as two requests that say the same may be meant.

use crate::clock::{MICROS_PER_DAY, now_micros};
use crate::store::db::{Tx, params};
use crate::store::{Store, StoreError};

/// How long an answer is kept.
pub(crate) const KEEP_ANSWERS_MICROS: i64 = MICROS_PER_DAY;

const FORGET: &str = "DELETE FROM requests WHERE at < $1";

/// What makes two requests the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestKey {
    /// Who calls.
    pub(crate) caller: String,
    /// What they call.
    pub(crate) method: &'static str,
    /// Their name for the request; empty: it is like no other.
    pub(crate) request_id: String,
    /// SHA-256 of what the request says.
    pub(crate) digest: [u8; 32],
    /// The employee whom it is about, so that it can be erased.
    pub(crate) employee_id: Option<String>,
}

/// What became of a request so far.
pub(crate) enum Begun {
    /// It is new: carry it out.
    New(Write),
    /// It was carried out: this was the answer.
    Answered(Vec<u8>),
    /// The id was used for a request that said something else.
    Reused,
}

/// A write under way: nothing of it lasts unless [`Write::finish`] returns well.
pub(crate) struct Write {
    tx: Tx,
    key: RequestKey,
}

impl Write {
    /// The transaction to write in.
    pub(crate) fn tx(&mut self) -> &mut Tx {
        &mut self.tx
    }

    /// Keeps what was written, and the answer with it.
    pub(crate) async fn finish(mut self, response: &[u8]) -> Result<(), StoreError> {
        let RequestKey { caller, method, request_id, .. } = &self.key;
        if !request_id.is_empty() {
            let sql = "UPDATE requests SET response = $1 WHERE caller = $2 AND method = $3 AND request_id = $4";
            self.tx.execute(sql, params![response, caller, *method, request_id]).await?;
        }
        self.tx.commit().await
    }
}

impl Store {
    /// Begins a write, unless it was carried out before.
    pub(crate) async fn begin_once(&self, key: RequestKey) -> Result<Begun, StoreError> {
        self.begin_once_at(key, now_micros()).await
    }

    /// Deletes answers that are older than a day at a time (microseconds since 1970), and gives their number: what is said of
    /// people is not kept because nothing else was written since.
    pub(crate) async fn forget_answers(&self, now: i64) -> Result<u64, StoreError> {
        let mut tx = self.db().begin().await?;
        let forgotten = tx.execute(FORGET, params![now - KEEP_ANSWERS_MICROS]).await?;
        tx.commit().await?;
        Ok(forgotten)
    }

    async fn begin_once_at(&self, key: RequestKey, now: i64) -> Result<Begun, StoreError> {
        let mut tx = self.db().begin().await?;
        if key.request_id.is_empty() {
            return Ok(Begun::New(Write { tx, key }));
        }
        tx.execute(FORGET, params![now - KEEP_ANSWERS_MICROS]).await?;
        let RequestKey { caller, method, request_id, digest, employee_id } = &key;
        let sql = "INSERT INTO requests (caller, method, request_id, digest, response, employee_id, at) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (caller, method, request_id) DO NOTHING";
        let empty: &[u8] = &[];
        let values = params![caller, *method, request_id, digest.as_slice(), empty, employee_id.as_deref(), now];
        if tx.execute(sql, values).await? > 0 {
            return Ok(Begun::New(Write { tx, key }));
        }
        let sql = "SELECT digest, response FROM requests WHERE caller = $1 AND method = $2 AND request_id = $3";
        let row = tx.first(sql, params![caller, *method, request_id]).await?;
        // What stood in the way of the new row is committed, and so to be seen.
        let Some(row) = row else { return Err(StoreError::Damaged("an answered request is gone".to_owned())) };
        Ok(if row.bytes(0)? == digest { Begun::Answered(row.bytes(1)?) } else { Begun::Reused })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;
    use crate::tests::databases::each_store;

    fn key(caller: &str, request_id: &str, digest: u8) -> RequestKey {
        RequestKey {
            caller: caller.to_owned(),
            method: "Service/Write",
            request_id: request_id.to_owned(),
            digest: [digest; 32],
            employee_id: None,
        }
    }

    /// Carries a write out that counts; gives the answer, or `None` for an id that was used otherwise.
    async fn count(store: &Store, key: RequestKey, now: i64) -> Option<Vec<u8>> {
        match store.begin_once_at(key, now).await.unwrap() {
            Begun::New(mut write) => {
                let answer = format!("number {}", write.tx().next_numbers("action", 1).await.unwrap()).into_bytes();
                write.finish(&answer).await.unwrap();
                Some(answer)
            }
            Begun::Answered(answer) => Some(answer),
            Begun::Reused => None,
        }
    }

    #[tokio::test]
    async fn the_same_request_is_carried_out_once_and_kept_for_a_day() {
        each_store(async |store| {
            let day = KEEP_ANSWERS_MICROS;
            for (caller, id, digest, at, expected) in [
                ("a", "x", 1, 0, Some(1)),
                ("a", "x", 1, 10, Some(1)),
                ("a", "x", 2, 20, None),
                ("b", "x", 2, 30, Some(2)),
                ("a", "y", 2, 40, Some(3)),
                ("a", "x", 1, day, Some(1)),
                ("a", "x", 2, day + 1, Some(4)),
                ("a", "", 1, day + 2, Some(5)),
                ("a", "", 1, day + 3, Some(6)),
            ] {
                let answer = count(&store, key(caller, id, digest), at).await;
                let expected = expected.map(|number| format!("number {number}").into_bytes());
                assert_eq!(answer, expected, "{caller} {id} {digest} {at}");
            }
            // What is left is deleted a day after it was carried out, without any write.
            for (now, expected) in [(day + 1, 0), (2 * day + 1, 2), (2 * day + 2, 1), (2 * day + 3, 0)] {
                assert_eq!(store.forget_answers(now).await.unwrap(), expected, "{now}");
            }
        })
        .await;
    }

    #[tokio::test]
    async fn a_write_that_is_given_up_leaves_nothing_and_can_be_repeated() {
        each_store(async |store| {
            let Begun::New(mut write) = store.begin_once_at(key("a", "x", 1), 0).await.unwrap() else {
                panic!("not new")
            };
            write.tx().next_numbers("action", 1).await.unwrap();
            drop(write);
            assert_eq!(count(&store, key("a", "x", 1), 1).await, Some(b"number 1".to_vec()));
        })
        .await;
    }

    #[tokio::test]
    async fn of_many_at_a_time_one_is_carried_out() {
        each_store(async |store| {
            let tasks: Vec<_> = (0..16)
                .map(|_| {
                    let store = store.clone();
                    tokio::spawn(async move { count(&store, key("a", "x", 1), 0).await })
                })
                .collect();
            for task in tasks {
                assert_eq!(task.await.unwrap(), Some(b"number 1".to_vec()));
            }
        })
        .await;
    }
}
