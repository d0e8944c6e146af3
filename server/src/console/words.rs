//! How pages put numbers and days: whole percents, plain words, never more precise than what is known.

use flight_risk_proto::v1;
use flight_risk_scoring::wording::numbers;

pub(crate) use crate::console::charts::percent;
use crate::console::charts::{Estimate, range};
use crate::console::frame::Band;

/// The ends of an interval in whole percents.
pub(crate) fn percent_range(low: f64, high: f64) -> String {
    Estimate::share(high, low, high).map(range).unwrap_or_default()
}

/// A multiple of what is usual.
pub(crate) fn multiple(times: f64) -> String {
    if times >= 9.5 {
        format!("{times:.0} times the usual")
    } else if times >= 1.05 {
        format!("{times:.1} times the usual")
    } else if times > 0.95 {
        "about the usual".to_owned()
    } else if times >= 0.1 {
        format!("{times:.1} of the usual")
    } else {
        "less than a tenth of the usual".to_owned()
    }
}

/// A day `YYYY-MM-DD` as people write it.
pub(crate) fn day(iso: &str) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let mut parts = iso.split('-');
    let (Some(year), Some(month), Some(day)) = (parts.next(), parts.next(), parts.next()) else {
        return iso.to_owned();
    };
    match (month.parse::<usize>().ok().and_then(|m| MONTHS.get(m.checked_sub(1)?)), day.parse::<u8>()) {
        (Some(month), Ok(day)) => format!("{day} {month} {year}"),
        _ => iso.to_owned(),
    }
}

/// The day of a time.
pub(crate) fn day_of(time: Option<&prost_types::Timestamp>) -> String {
    time.map_or_else(String::new, |time| day(&crate::clock::day_of(time.seconds * 1_000_000).to_string()))
}

/// A time of the store, to the minute.
pub(crate) fn moment(micros: i64) -> String {
    let text = crate::clock::rfc3339(micros);
    let time = text.split_once('T').and_then(|(_, time)| time.get(..5)).unwrap_or_default();
    format!("{}, {time} UTC", day(&crate::clock::day_of(micros).to_string()))
}

/// A time that the API tells, as [`moment`]; none where it tells none.
pub(crate) fn time(time: Option<&prost_types::Timestamp>) -> Option<String> {
    let time = time?;
    Some(moment(time.seconds.saturating_mul(1_000_000).saturating_add(i64::from(time.nanos / 1_000))))
}

/// A number of people that is an expectation.
pub(crate) fn about(count: f64) -> String {
    if count < 0.5 { "fewer than 1".to_owned() } else { format!("about {count:.0}") }
}

/// A level of risk.
pub(crate) fn band(band: v1::RiskBand) -> &'static str {
    Band::of(band).label()
}

/// How a probability moved, in percentage points.
pub(crate) fn change(before: f64, now: f64) -> String {
    let points = points(before, now);
    let in_words = || count(points.unsigned_abs(), "point", "points");
    match points {
        0 => "unchanged".to_owned(),
        1.. => format!("up {}", in_words()),
        _ => format!("down {}", in_words()),
    }
}

/// The percentage points by which a probability moved, as whole percents show it.
pub(crate) fn points(before: f64, now: f64) -> i64 {
    let whole = |risk: f64| (risk * 100.0).round() as i64;
    whole(now) - whole(before)
}

/// One thing, or several of it.
pub(crate) fn count(number: impl TryInto<u64>, one: &str, several: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    if number == 1 { format!("1 {one}") } else { format!("{} {several}", numbers::count(number)) }
}

/// Texts one after the other, the last after an "and".
pub(crate) fn listed(texts: &[&str]) -> String {
    match texts {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Why a group is not shown.
pub(crate) fn why_hidden(minimum: u32) -> String {
    format!("fewer than {minimum} people, or so few could be found out by subtracting other figures")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiples_are_put_in_words() {
        for (times, expected) in [
            (12.3, "12 times the usual"),
            (2.44, "2.4 times the usual"),
            (1.0, "about the usual"),
            (0.5, "0.5 of the usual"),
            (0.04, "less than a tenth of the usual"),
        ] {
            assert_eq!(multiple(times), expected);
        }
    }

    #[test]
    fn days_are_put_as_people_write_them() {
        for (iso, expected) in
            [("2026-03-01", "1 March 2026"), ("2026-13-01", "2026-13-01"), ("soon", "soon"), ("", "")]
        {
            assert_eq!(day(iso), expected);
        }
    }
}
