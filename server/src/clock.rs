//! What time it is, in the units of the store.

use std::time::{SystemTime, UNIX_EPOCH};

use flight_risk_scoring::Day;

/// Microseconds of a second.
const MICROS_PER_SECOND: i64 = 1_000_000;
/// Microseconds of a day.
pub(crate) const MICROS_PER_DAY: i64 = 24 * 3_600 * MICROS_PER_SECOND;

/// Microseconds since 1970 (UTC).
pub fn now_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Today (UTC).
pub(crate) fn today() -> Day {
    day_of(now_micros())
}

/// The day (UTC) of a time of the store.
pub(crate) fn day_of(micros: i64) -> Day {
    Day::EPOCH.plus_days(i32::try_from(micros.div_euclid(MICROS_PER_DAY)).unwrap_or_default())
}

/// A time of the store as the API writes it.
pub(crate) fn timestamp(micros: i64) -> prost_types::Timestamp {
    let nanos = micros.rem_euclid(MICROS_PER_SECOND) * 1_000;
    // The remainder is below a second.
    prost_types::Timestamp { seconds: micros.div_euclid(MICROS_PER_SECOND), nanos: i32::try_from(nanos).unwrap_or(0) }
}

/// A time of the store as texts write it (RFC 3339, UTC, whole seconds).
pub(crate) fn rfc3339(micros: i64) -> String {
    let second = micros.rem_euclid(MICROS_PER_DAY) / MICROS_PER_SECOND;
    format!("{}T{:02}:{:02}:{:02}Z", day_of(micros), second / 3_600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_rfc_3339_has_them() {
        for (micros, expected) in
            [(0, "1970-01-01T00:00:00Z"), (-1, "1969-12-31T23:59:59Z"), (1_700_000_000_999_999, "2023-11-14T22:13:20Z")]
        {
            assert_eq!(rfc3339(micros), expected);
        }
    }
}
