//! What takes longer to work out than anybody wants to wait: worked out behind the scenes, once for all who ask, and kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, watch};

use super::snapshot::{MANY, QUICK, STALE_AFTER};
use crate::grpc::status::ApiError;

/// Longest wait for something of which nobody knows how long it takes: what a page can spare.
const PATIENCE: Duration = Duration::from_millis(25);
/// Longest wait for what took no longer than this the last time.
const SHORT: Duration = Duration::from_secs(3);
/// Answers that are kept.
const MOST_KEPT: usize = 512;
/// How many are worked out at a time.
const AT_A_TIME: usize = 2;

/// Answers by question.
pub(crate) struct Kept<T> {
    entries: Arc<Mutex<HashMap<String, Entry<T>>>>,
    room: Arc<Semaphore>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { entries: Arc::default(), room: Arc::new(Semaphore::new(AT_A_TIME)) }
    }
}

struct Entry<T> {
    ready: Option<Ready<T>>,
    /// Where one is worked out: tells when it is done, and whether it could be.
    running: Option<(Instant, Running<T>)>,
}

/// Nothing until it is done; then the value, or that there is none.
type Running<T> = watch::Receiver<Option<Option<Arc<T>>>>;

struct Ready<T> {
    value: Arc<T>,
    /// The snapshot that it is made of.
    of: u64,
    /// When it was last what is true.
    good_at: Instant,
    took: Duration,
}

impl<T: Send + Sync + 'static> Kept<T> {
    /// The answer from snapshot number `of` or a later one; while that is worked out and it takes long, the one before. `rows` tells
    /// how many rows are to be read: few are waited for, of many it is said when to come again.
    pub(crate) async fn get<W>(&self, key: String, of: u64, rows: usize, work: W) -> Result<Arc<T>, ApiError>
    where
        W: Future<Output = Result<T, ApiError>> + Send + 'static,
    {
        self.answer(key, of, Some(rows), work).await
    }

    /// Works an answer out before anybody asks for it, if it is not yet.
    pub(super) async fn ahead<W>(&self, key: String, of: u64, work: W)
    where
        W: Future<Output = Result<T, ApiError>> + Send + 'static,
    {
        // What cannot be worked out is tried again when somebody asks.
        let _ = self.answer(key, of, None, work).await;
    }

    /// How many answers are ready.
    #[cfg(test)]
    pub(super) fn ready(&self) -> usize {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.values().filter(|entry| entry.ready.is_some()).count()
    }

    /// Without `rows` it is waited for, however long it takes.
    async fn answer<W>(&self, key: String, of: u64, rows: Option<usize>, work: W) -> Result<Arc<T>, ApiError>
    where
        W: Future<Output = Result<T, ApiError>> + Send + 'static,
    {
        let (began, mut done) = {
            let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            if entries.len() >= MOST_KEPT && !entries.contains_key(&key) {
                entries.retain(|_, entry| entry.running.is_some());
            }
            let entry = entries.entry(key.clone()).or_insert_with(|| Entry { ready: None, running: None });
            if let Some(ready) = entry.ready.as_mut().filter(|ready| ready.of >= of) {
                ready.good_at = Instant::now();
                return Ok(Arc::clone(&ready.value));
            }
            // A task that ended without saying so has failed.
            let under_way = entry.running.clone().filter(|(_, done)| done.has_changed().is_ok());
            let running = under_way.unwrap_or_else(|| {
                let running = (Instant::now(), self.start(key, of, work));
                entry.running = Some(running.clone());
                running
            });
            let stale = entry.ready.as_ref().filter(|_| rows.is_some_and(|rows| rows >= MANY));
            if let Some(ready) = stale.filter(|ready| ready.took > QUICK && ready.good_at.elapsed() < STALE_AFTER) {
                return Ok(Arc::clone(&ready.value));
            }
            running
        };
        let Some(rows) = rows else {
            let done = done.wait_for(Option::is_some).await;
            return done.ok().and_then(|value| value.clone().flatten()).ok_or(ApiError::StoreUnavailable);
        };
        let expected = expected(rows);
        let patience = if expected < SHORT { 2 * SHORT } else { PATIENCE };
        match tokio::time::timeout(patience, done.wait_for(Option::is_some)).await {
            Ok(Ok(value)) => value.clone().flatten().ok_or(ApiError::StoreUnavailable),
            Ok(Err(_)) => Err(ApiError::StoreUnavailable),
            Err(_) => Err(ApiError::being_read(expected.saturating_sub(began.elapsed()))),
        }
    }

    fn start<W>(&self, key: String, of: u64, work: W) -> watch::Receiver<Option<Option<Arc<T>>>>
    where
        W: Future<Output = Result<T, ApiError>> + Send + 'static,
    {
        let (tell, done) = watch::channel(None);
        let (entries, room) = (Arc::clone(&self.entries), Arc::clone(&self.room));
        tokio::spawn(async move {
            let _room = room.acquire().await;
            let began = Instant::now();
            let value = work.await.ok().map(Arc::new);
            let mut entries = entries.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(entry) = entries.get_mut(&key) {
                entry.running = None;
                if let Some(value) = &value {
                    let (value, good_at) = (Arc::clone(value), Instant::now());
                    entry.ready = Some(Ready { value, of, good_at, took: began.elapsed() });
                }
            }
            tell.send_replace(Some(value));
        });
        done
    }
}

/// How long so many rows take to be read, on a slow day.
pub(super) fn expected(rows: usize) -> Duration {
    Duration::from_micros(20).saturating_mul(u32::try_from(rows).unwrap_or(u32::MAX))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tonic_types::StatusExt;

    use super::*;

    const VERY_MANY: usize = 10_000_000;

    #[tokio::test]
    async fn the_same_is_worked_out_once_for_all_who_ask() {
        let kept: Arc<Kept<u32>> = Arc::default();
        let runs = Arc::new(AtomicU32::new(0));
        let ask = |of: u64| {
            let (kept, runs) = (Arc::clone(&kept), Arc::clone(&runs));
            tokio::spawn(async move {
                let work = async move {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    Ok(runs.fetch_add(1, Ordering::SeqCst))
                };
                kept.get("key".into(), of, 10, work).await.map(|value| *value)
            })
        };
        let both = [ask(1), ask(1)];
        for asked in both {
            assert_eq!(asked.await.unwrap(), Ok(0));
        }
        assert_eq!(ask(1).await.unwrap(), Ok(0));
        // Of another snapshot, it is worked out anew.
        assert_eq!(ask(2).await.unwrap(), Ok(1));
    }

    #[tokio::test]
    async fn who_asks_for_much_is_told_when_to_come_again_and_then_answered() {
        let kept: Kept<u32> = Kept::default();
        let work = |value: u32| async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            Ok(value)
        };
        let told = kept.get("key".into(), 1, VERY_MANY, work(1)).await.unwrap_err();
        let ApiError::BeingRead { seconds: seconds @ 100..=201 } = told else { panic!("{told:?}") };
        let status = told.into_status(None);
        assert_eq!(status.code(), tonic::Code::Unavailable);
        assert_eq!(status.get_details_retry_info().unwrap().retry_delay, Some(Duration::from_secs(seconds)));
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(kept.get("key".into(), 1, VERY_MANY, work(2)).await, Ok(Arc::new(1)));
    }

    #[tokio::test]
    async fn what_took_long_is_answered_with_the_one_before_until_it_is_worked_out_anew() {
        let kept: Kept<u32> = Kept::default();
        let work = |takes: u64, value: u32| async move {
            tokio::time::sleep(Duration::from_millis(takes)).await;
            Ok(value)
        };
        let ask = async |key: &str, of: u64, rows: usize, takes: u64, value: u32| {
            *kept.get(key.into(), of, rows, work(takes, value)).await.unwrap()
        };
        assert_eq!((ask("slow", 1, MANY, 300, 1).await, ask("slow", 2, MANY, 300, 2).await), (1, 1));
        assert_eq!((ask("quick", 1, MANY, 1, 1).await, ask("quick", 2, MANY, 1, 2).await), (1, 2));
        assert_eq!((ask("few", 1, 10, 300, 1).await, ask("few", 2, 10, 300, 2).await), (1, 2));
        tokio::time::sleep(Duration::from_millis(600)).await;
        assert_eq!(ask("slow", 2, MANY, 300, 3).await, 2);
        // Who still asks of an earlier one gets what is newer.
        assert_eq!(ask("slow", 1, MANY, 300, 4).await, 2);
        kept.ahead("slow".into(), 3, work(300, 5)).await;
        kept.ahead("slow".into(), 3, work(300, 6)).await;
        assert_eq!(ask("slow", 3, MANY, 300, 7).await, 5);
    }

    #[tokio::test]
    async fn what_fails_is_tried_again() {
        let kept: Kept<u32> = Kept::default();
        let failed = kept.get("key".into(), 1, 10, async { Err(ApiError::StoreUnavailable) }).await;
        assert_eq!(failed, Err(ApiError::StoreUnavailable));
        let panics = async {
            if VERY_MANY > 0 {
                std::panic::resume_unwind(Box::new("gone"));
            }
            Ok(1)
        };
        assert_eq!(kept.get("key".into(), 1, 10, panics).await, Err(ApiError::StoreUnavailable));
        assert_eq!(kept.get("key".into(), 1, 10, async { Ok(3) }).await, Ok(Arc::new(3)));
    }
}
