//! How far it is with reading everybody: who has to wait is told how long.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::grpc::insight::kept::expected;

/// How far the reading is.
#[derive(Debug, Default)]
pub(super) struct Progress {
    rows: AtomicUsize,
    read: AtomicUsize,
    began: Mutex<Option<Instant>>,
}

impl Progress {
    pub(super) fn begin(&self, rows: usize) {
        self.rows.store(rows, Ordering::Relaxed);
        self.read.store(0, Ordering::Relaxed);
        *self.began.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    pub(super) fn another(&self) {
        self.read.fetch_add(1, Ordering::Relaxed);
    }

    /// How long it still takes, about.
    pub(super) fn remaining(&self) -> Duration {
        let (rows, read) = (self.rows.load(Ordering::Relaxed), self.read.load(Ordering::Relaxed));
        let elapsed = self.began.lock().unwrap_or_else(PoisonError::into_inner).map_or(Duration::ZERO, |b| b.elapsed());
        let left = rows.saturating_sub(read);
        if read < ENOUGH_ROWS { expected(left) } else { elapsed.mul_f64(left as f64 / read as f64) }
    }
}

/// Rows after which it is known how fast they are read.
const ENOUGH_ROWS: usize = 20_000;
