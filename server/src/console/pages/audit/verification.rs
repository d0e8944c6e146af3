//! Whether the audit log is as it was written: walked in the background, because a long log takes long; the last result is kept.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::audit::{AuditError, Expected, Finding, Verified, verify};
use crate::clock::now_micros;
use crate::core::Core;

/// The last result, and whether the log is being walked.
#[derive(Debug, Default)]
pub(crate) struct Verification(Mutex<State>);

/// As it stands now.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// Since when it is being walked, in microseconds since 1970.
    pub(super) running_since: Option<i64>,
    /// The last result since the server started.
    pub(super) last: Option<Walked>,
}

/// A walk that ended.
#[derive(Clone, Debug)]
pub(super) struct Walked {
    /// When it began, in microseconds since 1970.
    pub(super) at: i64,
    /// How long it took, in seconds.
    pub(super) seconds: f64,
    /// Whether something noted before was compared.
    pub(super) compared: bool,
    /// What it showed.
    pub(super) showed: Showed,
}

/// What a walk showed.
#[derive(Clone, Debug)]
pub(super) enum Showed {
    /// Nothing is wrong.
    Good(Verified),
    /// The first thing that is wrong.
    Wrong(Finding),
    /// What was noted is no hash.
    NoHash,
    /// The log or its key could not be read; the server's log says why.
    Unreadable,
}

impl Verification {
    /// As it stands now.
    pub(super) fn state(&self) -> State {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Walks the log, unless it is being walked.
    pub(super) fn start(self: &Arc<Self>, core: &Core, expected: Expected) {
        let at = now_micros();
        {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if state.running_since.is_some() {
                return;
            }
            state.running_since = Some(at);
        }
        let ending = Ending(Arc::clone(self));
        let core = core.clone();
        tokio::spawn(async move {
            let begun = Instant::now();
            let compared = expected.count.is_some() || expected.last.is_some();
            let key_file = core.config.audit.key_file.as_deref();
            let showed = match verify(&core.store, key_file, &expected).await {
                Ok(Ok(verified)) => Showed::Good(verified),
                Ok(Err(finding)) => {
                    tracing::error!(%finding, "the audit log is not as it was written");
                    Showed::Wrong(finding)
                }
                Err(AuditError::NoHash(_)) => Showed::NoHash,
                Err(error) => {
                    tracing::error!(%error, "the audit log could not be verified");
                    Showed::Unreadable
                }
            };
            let walked = Walked { at, seconds: begun.elapsed().as_secs_f64(), compared, showed };
            ending.0.0.lock().unwrap_or_else(PoisonError::into_inner).last = Some(walked);
            drop(ending);
        });
    }
}

/// However a walk ends, the next one may begin.
struct Ending(Arc<Verification>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).running_since = None;
    }
}
