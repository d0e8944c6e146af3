//! Identifiers for requests that come without one.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Differs between runs of the server; the counter differs within one.
static RUN: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0_u64));
static COUNT: AtomicU64 = AtomicU64::new(0);

/// A new identifier. It says nothing about the request.
pub(crate) fn fresh() -> String {
    format!("{:016x}-{:x}", *RUN, COUNT.fetch_add(1, Ordering::Relaxed))
}
