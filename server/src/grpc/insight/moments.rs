//! The ends of the last months, and who was there.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use flight_risk_scoring::Day;

use super::snapshot::{Snapshot, day};
use crate::clock::MICROS_PER_DAY;
use crate::grpc::status::ApiError;
use crate::insight::trend::MOST_MONTHS;
use crate::store::Store;
use crate::store::insight::Membership;

/// The end of a month, or of what there is of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) first_day: Day,
    pub(super) last_day: i64,
    /// The number of the last score until then.
    pub(super) at: i64,
}

impl Moment {
    /// The month, `YYYY-MM`.
    pub(super) fn month(&self) -> String {
        format!("{:04}-{:02}", self.first_day.year(), self.first_day.month())
    }

    /// Whether somebody was there with this score.
    pub(super) fn has(&self, membership: &Membership) -> bool {
        membership.seq <= self.at
            && membership.to_seq > self.at
            && membership.exit_day.is_none_or(|day| day > self.last_day)
    }
}

/// The first day of the month in which it was read.
pub(super) fn this_month(snapshot: &Snapshot) -> Option<Day> {
    day(snapshot.today).and_then(|today| Day::from_ymd(today.year(), today.month(), 1))
}

/// The ends of the last months, the earliest first; of months before the first score there are none.
pub(super) async fn moments(store: &Store, snapshot: &Snapshot) -> Result<Vec<Moment>, ApiError> {
    let Some(this_month) = this_month(snapshot) else { return Ok(Vec::new()) };
    let mut moments = Vec::new();
    for back in (0..MOST_MONTHS).rev() {
        let first_day = this_month.plus_months(-i32::try_from(back).unwrap_or(0));
        let end = first_day.plus_months(1);
        let last_day = i64::from(end.epoch_days() - 1).min(snapshot.today);
        let before = (last_day + 1).saturating_mul(MICROS_PER_DAY);
        let found = store.last_score_before(before).await.map_err(|_| ApiError::StoreUnavailable)?;
        moments.extend(found.map(|at| Moment { first_day, last_day, at }));
    }
    Ok(moments)
}

/// In which moments (bit by bit) everybody was there.
#[derive(Default)]
pub(super) struct Masks {
    // By a hash of the identifier: a million of them would not fit as texts, and that two have the same out of 2^64 does not happen.
    masks: HashMap<u64, u64>,
    hasher: RandomState,
}

impl Masks {
    /// Somebody was there in these moments too.
    pub(super) fn add(&mut self, employee_id: &str, mask: u64) {
        if mask != 0 {
            *self.masks.entry(self.hasher.hash_one(employee_id)).or_default() |= mask;
        }
    }

    /// All of them.
    pub(super) fn into_values(self) -> impl Iterator<Item = u64> {
        self.masks.into_values()
    }
}
