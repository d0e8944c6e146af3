//! Numbers as readers want them: whole percents where that is enough, never a `NaN`.

use crate::explain::value_text;
use crate::features::Unit;
use crate::schema::{FeatureKind, SourceFeature, Value};

/// Keeps a number and its unit on one line.
const NARROW: char = '\u{a0}';
/// Stands for a number that does not exist.
pub const NO_NUMBER: &str = "–";
/// Years that people write of.
const CALENDAR: (f64, f64) = (1900.0, 2100.0);
/// From here on a number is written with an exponent.
const HUGE: f64 = 1e9;

/// A probability or share in percent: no decimals from 10 %, one from 1 %, two below.
pub fn percent(share: f64) -> String {
    if !share.is_finite() {
        return NO_NUMBER.to_owned();
    }
    let magnitude = share.abs();
    if magnitude > 0.0 && magnitude < 0.0001 {
        return format!("under 0.01{NARROW}%");
    }
    let decimals = if magnitude < 0.01 && magnitude > 0.0 {
        2
    } else if magnitude < 0.0995 && magnitude > 0.0 || (0.995..1.0).contains(&magnitude) {
        1
    } else {
        0
    };
    format!("{}{NARROW}%", fixed(share * 100.0, decimals))
}

/// A count with commas between thousands.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with this many decimals.
pub fn fixed(number: f64, decimals: usize) -> String {
    if !number.is_finite() {
        return NO_NUMBER.to_owned();
    }
    let text = format!("{number:.decimals$}");
    // A number that rounds to zero has no sign.
    if text.starts_with('-') && !text.contains(|c: char| ('1'..='9').contains(&c)) {
        text.trim_start_matches('-').to_owned()
    } else {
        text
    }
}

/// A number of people that need not be whole: one decimal below ten, none above.
pub fn people(number: f64) -> String {
    if number.abs() < 9.95 { trimmed(&fixed(number, 1)) } else { whole(number) }
}

/// A factor on the odds from a difference in log-odds: `×1.35`.
pub fn multiple(log_odds: f64) -> String {
    let factor = log_odds.exp();
    if log_odds.is_nan() {
        NO_NUMBER.to_owned()
    } else if factor >= 999.5 {
        "over ×1000".to_owned()
    } else if factor >= 9.95 {
        format!("×{}", fixed(factor, 0))
    } else if factor >= 0.01 {
        format!("×{}", fixed(factor, 2))
    } else {
        "under ×0.01".to_owned()
    }
}

/// Any number: few digits, commas between thousands, an exponent only when it is huge or tiny.
pub fn number(value: f64) -> String {
    let magnitude = value.abs();
    if !value.is_finite() {
        NO_NUMBER.to_owned()
    } else if magnitude >= HUGE || (magnitude > 0.0 && magnitude < 5e-4) {
        format!("{value:.1e}")
    } else if magnitude >= 1000.0 {
        whole(value)
    } else {
        let decimals = if magnitude >= 100.0 {
            1
        } else if magnitude >= 1.0 {
            2
        } else {
            3
        };
        trimmed(&fixed(value, decimals))
    }
}

/// Whether the numbers of a feature look like years of the calendar, which are written without a comma.
pub fn is_calendar_year(feature: &SourceFeature) -> bool {
    let within = |value: f64| (CALENDAR.0..=CALENDAR.1).contains(&value) && value.fract().abs() < 1e-9;
    let FeatureKind::Numeric { min, max, .. } = feature.kind else { return false };
    feature.unit == Unit::Number && within(min) && within(max)
}

/// A value of a numeric feature with its unit.
pub fn value(feature: &SourceFeature, value: f64) -> String {
    if is_calendar_year(feature) {
        return trimmed(&fixed(value, 1));
    }
    let plain = matches!(feature.unit, Unit::Number | Unit::Count);
    if plain || value.abs() >= 1e6 { number(value) } else { value_text(feature, &Value::Number(value)) }
}

/// A value at which something is about: counts are whole.
pub fn about(feature: &SourceFeature, at: f64) -> String {
    if feature.unit == Unit::Count { whole(at) } else { value(feature, at) }
}

fn whole(value: f64) -> String {
    let digits = count(value.abs().round() as u64);
    if value < 0.0 && digits != "0" { format!("-{digits}") } else { digits }
}

fn trimmed(text: &str) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_carry_as_many_digits_as_they_deserve() {
        for (share, expected) in [
            (0.0, "0 %"),
            (0.000_01, "under 0.01 %"),
            (0.0123, "1.2 %"),
            (0.0042, "0.42 %"),
            (0.0999, "10 %"),
            (0.4549, "45 %"),
            (0.9976, "99.8 %"),
            (1.0, "100 %"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(percent(share).replace('\u{a0}', " "), expected, "{share}");
        }
    }

    #[test]
    fn numbers_are_short_and_finite() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.000_000_1, "-1.0e-7"),
            (12.5, "12.5"),
            (1009.0, "1,009"),
            (-1_234_567.0, "-1,234,567"),
            (f64::MAX, "1.8e308"),
            (f64::INFINITY, "–"),
        ] {
            assert_eq!(number(value), expected, "{value}");
        }
        for (log_odds, expected) in
            [(0.0, "×1.00"), (0.3, "×1.35"), (3.0, "×20"), (900.0, "over ×1000"), (-900.0, "under ×0.01")]
        {
            assert_eq!(multiple(log_odds), expected);
        }
        assert_eq!((count(0), count(999), count(1_000_000)), ("0".into(), "999".into(), "1,000,000".into()));
        assert_eq!((people(2.04), people(8.96), people(1234.2)), ("2".into(), "9".into(), "1,234".into()));
        assert_eq!(fixed(-0.001, 2), "0.00", "no minus before nothing");
    }
}
