//! Slowing down whoever tries passwords.
//!
//! Every try counts as wrong until it proves right: so a hundred tries at a time are no better than a hundred one after the
//! other. Names that nobody has are counted too, or the wait would tell which ones there are.

use sha2::{Digest, Sha256};

use crate::clock::now_micros;
use crate::store::db::{Tx, params};
use crate::store::{Store, StoreError};

/// Microseconds of a minute.
const MINUTE: i64 = 60 * 1_000_000;
/// Passwords that can be tried before there is a wait.
const FREE_TRIES: i64 = 5;
/// The first wait, in minutes; it doubles with each further try.
const FIRST_WAIT: i64 = 1;
/// The longest wait, in minutes.
const LONGEST_WAIT: i64 = 15;
/// Tries are forgotten when there was none for this long.
const FORGOTTEN_AFTER: i64 = 60 * MINUTE;

/// Whether a password may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// It may, and is counted.
    Allowed,
    /// Not for so many minutes.
    Wait(i64),
}

/// When the next password may be tried after so many.
fn wait_after(tried: i64, now: i64) -> i64 {
    let doublings = tried - FREE_TRIES;
    if doublings < 0 {
        return 0;
    }
    // Beyond a few doublings it is the longest wait anyway.
    let minutes = (FIRST_WAIT << doublings.min(10)).min(LONGEST_WAIT);
    now + minutes * MINUTE
}

/// The wait until a time, in whole minutes and never less.
fn wait(until: i64, now: i64) -> Attempt {
    Attempt::Wait((until - now + MINUTE - 1) / MINUTE)
}

/// The time before which a last try no longer counts.
pub(super) fn forgotten_before(now: i64) -> i64 {
    now - FORGOTTEN_AFTER
}

fn key(name: &str) -> Vec<u8> {
    Sha256::digest(name).to_vec()
}

impl Store {
    /// Counts a try for a name (as accounts keep it), unless it must wait.
    pub(crate) async fn begin_attempt(&self, name: &str) -> Result<Attempt, StoreError> {
        self.begin_attempt_at(name, now_micros()).await
    }

    async fn begin_attempt_at(&self, name: &str, now: i64) -> Result<Attempt, StoreError> {
        let key = key(name);
        // Whoever must wait is told so by reading: a flood of tries must not keep the one who writes from the audit log.
        let waiting = "SELECT wait_until FROM sign_in_attempts WHERE name_sha256 = $1 AND wait_until > $2";
        if let Some(row) = self.db().first(waiting, params![key.clone(), now]).await? {
            return Ok(wait(row.int(0)?, now));
        }
        let mut tx = self.db().begin().await?;
        // The row is made first, so that two tries at a time wait for each other on it.
        let made = "INSERT INTO sign_in_attempts (name_sha256, tried, last_at, wait_until) VALUES ($1, 0, $2, 0) \
                    ON CONFLICT (name_sha256) DO UPDATE SET last_at = sign_in_attempts.last_at \
                    RETURNING tried, last_at, wait_until";
        let Some(row) = tx.first(made, params![key.clone(), now]).await? else {
            return Err(StoreError::Damaged("a try to sign in is not counted".to_owned()));
        };
        let (tried, last_at, wait_until) = (row.int(0)?, row.int(1)?, row.int(2)?);
        if now < wait_until {
            return Ok(wait(wait_until, now));
        }
        let tried = if now - last_at > FORGOTTEN_AFTER { 1 } else { tried + 1 };
        let sql = "UPDATE sign_in_attempts SET tried = $1, last_at = $2, wait_until = $3 WHERE name_sha256 = $4";
        tx.execute(sql, params![tried, now, wait_after(tried, now), key]).await?;
        tx.commit().await?;
        Ok(Attempt::Allowed)
    }

    /// Forgets the tries for a name: the last one was right.
    pub(crate) async fn forget_attempts(&self, name: &str) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        forget_attempts_in(&mut tx, name).await?;
        tx.commit().await
    }
}

/// Forgets the tries for a name (as accounts keep it), with the transaction.
pub(super) async fn forget_attempts_in(tx: &mut Tx, name: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM sign_in_attempts WHERE name_sha256 = $1", params![key(name)]).await.map(|_| ())
}

/// Deletes tries that no longer count, at a time (microseconds since 1970), with the transaction.
pub(super) async fn forget_old_attempts_in(tx: &mut Tx, now: i64) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM sign_in_attempts WHERE last_at < $1", params![forgotten_before(now)]).await
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;
    use crate::tests::databases::each_store;

    #[tokio::test]
    async fn after_five_tries_each_further_one_waits_longer() {
        each_store(async |store| {
            let mut now = 1_000 * MINUTE;
            for _ in 0..FREE_TRIES {
                assert_eq!(store.begin_attempt_at("a", now).await.unwrap(), Attempt::Allowed);
            }
            for minutes in [1, 2, 4, 8, 15, 15] {
                assert_eq!(store.begin_attempt_at("a", now).await.unwrap(), Attempt::Wait(minutes));
                let late = now + minutes * MINUTE - 1;
                assert_eq!(store.begin_attempt_at("a", late).await.unwrap(), Attempt::Wait(1), "to the last moment");
                assert_eq!(store.begin_attempt_at("b", now).await.unwrap(), Attempt::Allowed, "another name");
                store.forget_attempts("b").await.unwrap();
                now += minutes * MINUTE;
                assert_eq!(store.begin_attempt_at("a", now).await.unwrap(), Attempt::Allowed);
            }
            // The right password ends it.
            store.forget_attempts("a").await.unwrap();
            assert_eq!(store.begin_attempt_at("a", now).await.unwrap(), Attempt::Allowed);
            assert_eq!(store.begin_attempt_at("a", now).await.unwrap(), Attempt::Allowed);
        })
        .await;
    }

    async fn forget_old(store: &Store, now: i64) -> u64 {
        let mut tx = store.db().begin().await.unwrap();
        let forgotten = forget_old_attempts_in(&mut tx, now).await.unwrap();
        tx.commit().await.unwrap();
        forgotten
    }

    #[tokio::test]
    async fn tries_are_forgotten_after_an_hour_without_any() {
        each_store(async |store| {
            for _ in 0..FREE_TRIES {
                store.begin_attempt_at("a", 0).await.unwrap();
            }
            assert_eq!(forget_old(&store, FORGOTTEN_AFTER).await, 0);
            let later = FORGOTTEN_AFTER + 1;
            for _ in 1..FREE_TRIES {
                assert_eq!(store.begin_attempt_at("a", later).await.unwrap(), Attempt::Allowed);
            }
            assert_eq!(store.begin_attempt_at("a", later).await.unwrap(), Attempt::Allowed, "the fifth");
            assert_eq!(store.begin_attempt_at("a", later).await.unwrap(), Attempt::Wait(1));
            assert_eq!(forget_old(&store, later + FORGOTTEN_AFTER + 1).await, 1);
        })
        .await;
    }

    #[tokio::test]
    async fn many_at_a_time_are_counted_one_by_one() {
        each_store(async |store| {
            let tasks: Vec<_> = (0..20)
                .map(|_| {
                    let store = store.clone();
                    tokio::spawn(async move { store.begin_attempt_at("a", 1).await.unwrap() == Attempt::Allowed })
                })
                .collect();
            let mut allowed = 0;
            for task in tasks {
                allowed += i64::from(task.await.unwrap());
            }
            assert_eq!(allowed, FREE_TRIES);
        })
        .await;
    }
}
