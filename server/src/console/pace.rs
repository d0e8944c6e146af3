//! How often strangers may make the server keep something.

use std::sync::{Mutex, PoisonError};

/// A minute, in microseconds.
const MINUTE: i64 = 60_000_000;

/// What was let through in the minute that runs.
#[derive(Debug, Default)]
pub(crate) struct Pace(Mutex<(i64, u32)>);

impl Pace {
    /// Whether one more is let through at a time (microseconds since 1970), with so many in each minute.
    pub(crate) fn admits(&self, now: i64, most: u32) -> bool {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = now.div_euclid(MINUTE);
        if kept.0 != minute {
            *kept = (minute, 0);
        }
        let admitted = kept.1 < most;
        kept.1 += u32::from(admitted);
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_let_through_in_each_minute() {
        let pace = Pace::default();
        let admitted = |now| (0..5).filter(|_| pace.admits(now, 3)).count();
        assert_eq!((admitted(0), admitted(MINUTE - 1), admitted(MINUTE), admitted(5 * MINUTE)), (3, 0, 3, 3));
    }
}
