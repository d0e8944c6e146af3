//! Calendar days: the only notion of time that features know.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Days in a mean Gregorian year, for turning days into years.
pub const DAYS_PER_YEAR: f64 = 365.25;
/// Days in a mean month, for turning days into months.
pub const DAYS_PER_MONTH: f64 = DAYS_PER_YEAR / 12.0;

/// Days from 0001-01-01 (chrono's day 1) to 1970-01-01.
const EPOCH_FROM_CE: i32 = 719_163;
const FIRST_YEAR: i32 = 1900;
const LAST_YEAR: i32 = 2200;

/// A calendar day, counted from 1970-01-01; differences are whole days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

/// Why a text is no date.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// Not of the form `YYYY-MM-DD` (a time of day after `T` or a blank is allowed and ignored).
    #[error("`{0}` is not a date of the form YYYY-MM-DD")]
    Form(String),
    /// Outside the years that HR records can hold.
    #[error("`{0}` is not between the years 1900 and 2200")]
    Range(String),
}

impl Day {
    /// 1970-01-01.
    pub const EPOCH: Self = Self(0);

    /// The day with this number of days after 1970-01-01; `None` outside the years 1900 to 2200.
    pub fn from_epoch_days(days: i32) -> Option<Self> {
        Self::from_naive(NaiveDate::from_num_days_from_ce_opt(days.checked_add(EPOCH_FROM_CE)?)?)
    }

    /// Days after 1970-01-01.
    pub const fn epoch_days(self) -> i32 {
        self.0
    }

    /// The day `year`-`month`-`day`, where there is such a day between 1900 and 2200.
    pub fn from_ymd(year: i32, month: u32, day: u32) -> Option<Self> {
        Self::from_naive(NaiveDate::from_ymd_opt(year, month, day)?)
    }

    fn from_naive(date: NaiveDate) -> Option<Self> {
        let known = (FIRST_YEAR..=LAST_YEAR).contains(&date.year());
        known.then(|| Self(date.num_days_from_ce() - EPOCH_FROM_CE))
    }

    /// Days from `earlier` to this day (negative when this day is the earlier one).
    pub const fn days_since(self, earlier: Self) -> i32 {
        self.0 - earlier.0
    }

    /// This day moved by a number of days, saturating at the ends of the calendar.
    #[must_use]
    pub const fn plus_days(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// This day moved by calendar months; the day of the month is cut to the month's length (31 January + 1 = 28 or 29 February).
    #[must_use]
    pub fn plus_months(self, months: i32) -> Self {
        let date = self.naive();
        let moved = if months >= 0 {
            date.checked_add_months(Months::new(months.unsigned_abs()))
        } else {
            date.checked_sub_months(Months::new(months.unsigned_abs()))
        };
        moved.map_or(self, |d| Self(d.num_days_from_ce() - EPOCH_FROM_CE))
    }

    /// Calendar year, for grouping by period.
    pub fn year(self) -> i32 {
        self.naive().year()
    }

    /// Calendar month, 1 to 12.
    pub fn month(self) -> u32 {
        self.naive().month()
    }

    /// Day of the month, 1 to 31.
    pub fn day_of_month(self) -> u32 {
        self.naive().day()
    }

    fn naive(self) -> NaiveDate {
        NaiveDate::from_num_days_from_ce_opt(self.0.saturating_add(EPOCH_FROM_CE)).unwrap_or_else(|| {
            let end = if self.0 < 0 { NaiveDate::MIN } else { NaiveDate::MAX };
            end.checked_sub_days(Days::new(0)).unwrap_or(end)
        })
    }
}

impl FromStr for Day {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let text = text.trim();
        let form = || DateError::Form(text.to_owned());
        let bytes = text.as_bytes();
        let date_part = text.get(..10).ok_or_else(form)?;
        if bytes.len() > 10 && !matches!(bytes.get(10), Some(b'T' | b' ')) {
            return Err(form());
        }
        let &[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = date_part.as_bytes() else { return Err(form()) };
        let digits = [y0, y1, y2, y3, m0, m1, d0, d1].map(|byte| u32::from(byte.wrapping_sub(b'0')));
        if digits.iter().any(|digit| *digit > 9) {
            return Err(form());
        }
        let [y0, y1, y2, y3, m0, m1, d0, d1] = digits;
        let year = (((y0 * 10 + y1) * 10 + y2) * 10 + y3) as i32;
        let date = NaiveDate::from_ymd_opt(year, m0 * 10 + m1, d0 * 10 + d1).ok_or_else(form)?;
        Self::from_naive(date).ok_or_else(|| DateError::Range(text.to_owned()))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.naive().fmt(f)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(DayText)
    }
}

/// Reads a day from text; what stands for a text is said where something else is found (a TOML date without quotes).
struct DayText;

impl serde::de::Visitor<'_> for DayText {
    type Value = Day;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a date in quotes, such as \"2024-01-31\"")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Day, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_dates_with_and_without_time_are_read() {
        for (text, expected) in [
            ("2024-02-29", "2024-02-29"),
            (" 2024-02-29 ", "2024-02-29"),
            ("2024-02-29T10:00:00Z", "2024-02-29"),
            ("2024-02-29 00:00:00", "2024-02-29"),
            ("1969-12-31", "1969-12-31"),
        ] {
            assert_eq!(text.parse::<Day>().map(|d| d.to_string()), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused_with_the_text() {
        for text in [
            "",
            "2023-02-29",
            "29.02.2024",
            "2024-2-9",
            "20240229",
            "2024-02-29x",
            "1812-01-01",
            "9999-12-31",
            "२०२४-०२-०१",
        ] {
            let message = text.parse::<Day>().map_err(|e| e.to_string());
            assert!(message.as_ref().is_err_and(|m| m.contains(text.trim())), "{text}: {message:?}");
        }
    }

    #[test]
    fn months_are_cut_to_the_month() {
        let day = |text: &str| text.parse::<Day>();
        assert_eq!(day("2024-01-31").map(|d| d.plus_months(1)), day("2024-02-29"));
        assert_eq!(day("2024-03-31").map(|d| d.plus_months(-13)), day("2023-02-28"));
        assert_eq!(day("1970-01-01").map(Day::epoch_days), Ok(0));
    }
}
