//! Contributions in words: what moves one person's risk away from that of the reference population.

use crate::features::Unit;
use crate::schema::{FeatureKind, SourceFeature, Value};

/// Which way a factor moves the risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Above that of the reference population.
    Raises,
    /// Below it.
    Lowers,
    /// Not at all.
    None,
}

impl Direction {
    /// The direction of a contribution in log-odds.
    pub fn of(contribution_log_odds: f64) -> Self {
        if contribution_log_odds > 0.0 {
            Self::Raises
        } else if contribution_log_odds < 0.0 {
            Self::Lowers
        } else {
            Self::None
        }
    }

    /// The verb for readers.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Raises => "raises",
            Self::Lowers => "lowers",
            Self::None => "does not move",
        }
    }
}

/// One source feature's part in one person's score. The contributions of all features add up to the person's log-odds less
/// those of the reference population.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factor {
    /// Position of the feature in the schema.
    pub feature: usize,
    /// Its part in log-odds; positive raises the risk.
    pub contribution_log_odds: f64,
}

/// Decimals after which a plain number carries no more meaning for a reader.
const DECIMALS: u32 = 2;

/// Shorter times are told in months.
const YEARS_FROM: f64 = 2.0;

/// A unit as it follows a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    Months,
    Days,
    Years,
    Percent,
}

impl Said {
    /// The word, after one of them or after any other number.
    fn word(self, one: bool) -> &'static str {
        match (self, one) {
            (Self::Nothing, _) => "",
            (Self::Months, true) => " month",
            (Self::Months, false) => " months",
            (Self::Days, true) => " day",
            (Self::Days, false) => " days",
            (Self::Years, _) => " years",
            (Self::Percent, _) => " %",
        }
    }
}

/// Writes a number as people do; gives its unit, and the word for it.
fn write_number(out: &mut String, unit: Unit, value: f64) -> (Said, &'static str) {
    let said = match unit {
        Unit::Years if value < YEARS_FROM => return write_number(out, Unit::Months, value * 12.0),
        Unit::Years => Said::Years,
        Unit::Months if value < 0.5 => {
            out.push_str("less than 1");
            return (Said::Months, Said::Months.word(true));
        }
        Unit::Months => Said::Months,
        Unit::Days => Said::Days,
        Unit::Percent | Unit::Share | Unit::Ratio => Said::Percent,
        Unit::Count | Unit::Number | Unit::Flag => Said::Nothing,
    };
    match unit {
        Unit::Years | Unit::Percent => write_trimmed(out, value, 1),
        Unit::Months | Unit::Days => write_fixed(out, value, 0),
        Unit::Share | Unit::Ratio => write_fixed(out, value * 100.0, 0),
        Unit::Count | Unit::Number | Unit::Flag => write_trimmed(out, value, DECIMALS),
    }
    // What is written as 1: a half is rounded to the even neighbour.
    (said, said.word(value > 0.5 && value < 1.5))
}

/// Writes a number with at most `decimals` decimals and no trailing zeros.
fn write_trimmed(out: &mut String, value: f64, decimals: u32) {
    let start = out.len();
    write_fixed(out, value, decimals);
    if out.get(start..).is_some_and(|text| text.contains('.')) {
        let kept = out.trim_end_matches('0').trim_end_matches('.').len();
        out.truncate(kept.max(start));
    }
}

/// Writes a number with exactly so many decimals (at most 3), as `format!` does, and never a negative zero. This runs for every
/// factor of every score, so numbers of everyday size are written by way of whole numbers.
fn write_fixed(out: &mut String, value: f64, decimals: u32) {
    /// Beyond it, and this close to the middle between two numbers, `format!` decides.
    const LARGEST: f64 = 1e9;
    const NEAR_MIDDLE: f64 = 1e-4;
    let power: u64 = match decimals {
        0 => 1,
        1 => 10,
        2 => 100,
        _ => 1_000,
    };
    let scaled = value.abs() * power as f64;
    // What is too large or not a number becomes something else, and is found out right below.
    let whole = scaled as u64;
    let rest = scaled - whole as f64;
    if !(scaled < LARGEST && (rest - 0.5).abs() > NEAR_MIDDLE) {
        let text = format!("{value:.*}", decimals as usize);
        let nought = text.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
        out.push_str(if nought { text.trim_start_matches('-') } else { &text });
        return;
    }
    let rounded = whole + u64::from(rest > 0.5);
    if value < 0.0 && rounded > 0 {
        out.push('-');
    }
    if decimals == 0 {
        return write_digits(out, rounded, 1);
    }
    write_digits(out, rounded / power, 1);
    out.push('.');
    write_digits(out, rounded % power, decimals as usize);
}

/// Writes a whole number with at least so many digits.
fn write_digits(out: &mut String, mut number: u64, least: usize) {
    /// A u64 has no more.
    const MOST: usize = 20;
    let mut digits = [b'0'; MOST];
    let mut written = 0;
    for digit in digits.iter_mut().rev() {
        if number == 0 && written >= least {
            break;
        }
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        written += 1;
    }
    let text = digits.get(MOST - written..).and_then(|digits| std::str::from_utf8(digits).ok());
    out.push_str(text.unwrap_or_default());
}

/// A value with its unit, as people write it. Confidential values are not withheld here.
pub fn value_text(feature: &SourceFeature, value: &Value) -> String {
    match value {
        Value::Unknown => "not known".to_owned(),
        Value::Level(level) => level.clone(),
        Value::Number(number) if feature.unit == Unit::Flag => if *number >= 0.5 { "yes" } else { "no" }.to_owned(),
        Value::Number(number) => {
            let mut text = String::new();
            let (_, unit) = write_number(&mut text, feature.unit, *number);
            text + unit
        }
    }
}

/// How the values of one feature are told; made once for a model, used for every score.
#[derive(Clone, Debug)]
pub struct FactorWords {
    unknown: String,
    known: Known,
}

/// How a known value is told.
#[derive(Clone, Debug)]
enum Known {
    /// Never: it comes from confidential answers.
    Confidential,
    /// One sentence for yes, one for no.
    Flag { yes: String, no: String },
    /// The pieces around the value; the last one ends with what is typical, whose unit comes after it.
    Sentence { unit: Unit, pieces: Vec<String>, typical_unit: (Said, &'static str) },
}

impl FactorWords {
    /// The words for a feature.
    pub fn of(feature: &SourceFeature) -> Self {
        if feature.confidential {
            let named = format!("{} (from confidential survey answers)", feature.label);
            return Self { unknown: named, known: Known::Confidential };
        }
        let unknown = feature.otherwise.clone();
        let pieces = |typical: &str| {
            let mut pieces: Vec<String> = feature.phrase.split("{value}").map(str::to_owned).collect();
            if let Some(last) = pieces.last_mut() {
                last.push_str("; typical ");
                last.push_str(typical);
            }
            pieces
        };
        let known = match &feature.kind {
            FeatureKind::Categorical { typical, .. } => {
                Known::Sentence { unit: feature.unit, pieces: pieces(typical), typical_unit: (Said::Nothing, "") }
            }
            FeatureKind::Numeric { .. } if feature.unit == Unit::Flag => {
                Known::Flag { yes: feature.phrase.clone(), no: feature.otherwise.clone() }
            }
            FeatureKind::Numeric { typical, .. } => {
                let mut text = String::new();
                let typical_unit = write_number(&mut text, feature.unit, *typical);
                Known::Sentence { unit: feature.unit, pieces: pieces(&text), typical_unit }
            }
        };
        Self { unknown, known }
    }

    /// Adds what a number tells, such as "no one-on-one for 94 days; typical 12"; NaN is not known.
    pub fn write_number(&self, out: &mut String, number: f64) {
        match &self.known {
            Known::Confidential => out.push_str(&self.unknown),
            _ if number.is_nan() => out.push_str(&self.unknown),
            Known::Flag { yes, no } => out.push_str(if number >= 0.5 { yes } else { no }),
            Known::Sentence { unit, pieces, typical_unit } => {
                let mut said = Said::Nothing;
                for (position, piece) in pieces.iter().enumerate() {
                    let mut piece = piece.as_str();
                    if position > 0 {
                        let start = out.len();
                        let (unit, word) = write_number(out, *unit, number);
                        out.push_str(word);
                        said = unit;
                        if out.get(start..) == Some("1") {
                            piece = one_of(piece, out, start);
                        }
                    }
                    out.push_str(piece);
                }
                // The unit is not said twice.
                let (unit, word) = *typical_unit;
                if said != unit || said == Said::Percent {
                    out.push_str(word);
                }
            }
        }
    }

    /// What a value tells.
    pub fn text(&self, value: &Value) -> String {
        match (value, &self.known) {
            (Value::Unknown, _) | (_, Known::Confidential) => self.unknown.clone(),
            (Value::Number(number), _) => {
                let mut text = String::with_capacity(64);
                self.write_number(&mut text, *number);
                text
            }
            (Value::Level(level), Known::Sentence { pieces, .. }) => pieces.join(level),
            (Value::Level(level), Known::Flag { .. }) => level.clone(),
        }
    }
}

/// What sentences count, several and one of it.
const COUNTED: [(&str, &str); 6] = [
    (" one-on-ones", " one-on-one"),
    (" contacts", " contact"),
    (" internal moves", " internal move"),
    (" manager changes", " manager change"),
    (" people", " person"),
    (" colleagues", " colleague"),
];

/// Writes what is counted as one of it after the number 1, which begins at `start`; gives the rest of the piece.
fn one_of<'a>(piece: &'a str, out: &mut String, start: usize) -> &'a str {
    if let Some(rest) = piece.strip_prefix(" times") {
        out.truncate(start);
        out.push_str("once");
        return rest;
    }
    let counted = COUNTED.iter().find_map(|(several, one)| Some((piece.strip_prefix(several)?, one)));
    counted.map_or(piece, |(rest, one)| {
        out.push_str(one);
        rest
    })
}

/// The factor in plain words, such as "no one-on-one for 94 days; typical 12". What comes from confidential answers is named
/// as a driver and its value is never told.
pub fn factor_text(feature: &SourceFeature, value: &Value) -> String {
    FactorWords::of(feature).text(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{FeatureSpec, registry};

    fn feature(name: &str, typical: f64) -> SourceFeature {
        let kind = FeatureKind::Numeric { min: 0.0, max: 1.0, typical };
        let spec = registry().find(|spec| spec.name == name);
        SourceFeature::native(spec.unwrap_or_else(|| unreachable!("no feature {name}")), kind, 1.0)
    }

    #[test]
    fn factors_are_told_in_plain_words() {
        for (name, typical, value, expected) in [
            ("days_since_one_on_one", 12.2, 94.0, "no one-on-one for 94 days; typical 12"),
            ("tenure_years", 4.04, 5.26, "with the company for 5.3 years; typical 4"),
            ("tenure_years", 4.04, 1.0, "with the company for 12 months; typical 4 years"),
            ("tenure_years", 4.04, 0.01, "with the company for less than 1 month; typical 4 years"),
            ("tenure_years", 1.5, 0.08, "with the company for 1 month; typical 18"),
            ("months_since_promotion", 17.0, 0.9, "no promotion for 1 month; typical 17"),
            ("pay_growth_12m_percent", 2.52, -0.04, "pay grew by 0 % in 12 months; typical 2.5 %"),
            ("compa_ratio", 1.0, 0.871, "paid 87 % of the range's midpoint; typical 100 %"),
            ("recognition_received_180d_count", 2.0, 1.0, "recognised once in 180 days; typical 2"),
            ("recognition_received_180d_count", 1.0, 11.0, "recognised 11 times in 180 days; typical 1"),
            ("first_90_days_flag", 0.0, 1.0, "in the first 90 days"),
            ("first_90_days_flag", 0.0, 0.0, "past the first 90 days"),
            ("review_rating", 3.0, f64::NAN, "no rated review yet"),
        ] {
            let value = if value.is_nan() { Value::Unknown } else { Value::Number(value) };
            assert_eq!(factor_text(&feature(name, typical), &value), expected);
        }
    }

    #[test]
    fn one_is_told_as_one() {
        let counted: Vec<&FeatureSpec> =
            registry().filter(|spec| spec.unit == Unit::Count && !spec.confidential).collect();
        assert!(counted.len() >= 10, "{}", counted.len());
        for spec in counted {
            let [one, two] = [1.0, 2.0].map(|number| factor_text(&feature(spec.name, 3.0), &Value::Number(number)));
            let (before, after) = spec.phrase.split_once("{value} ").unwrap_or_default();
            let noun = after.split(" in ").next().unwrap_or_default();
            assert!(two.contains(&format!("{before}2 {noun}")), "{two}");
            assert!(!one.contains(&format!("1 {noun}")), "{one}");
        }
        for (name, expected) in [
            ("contacts_90d_count", "1 contact of any kind in 90 days; typical 3"),
            ("manager_span_count", "manager leads 1 person; typical 3"),
        ] {
            assert_eq!(factor_text(&feature(name, 3.0), &Value::Number(1.0)), expected);
        }
    }

    #[test]
    fn numbers_are_written_as_the_language_writes_them() {
        let mut numbers =
            vec![0.0, -0.0, 0.5, 1.5, 2.5, -2.5, 0.25, 0.125, 0.05, 9.95, 99.995, 1e8, 1e12, 1e300, -1e-9];
        numbers.extend([f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.1 + 0.2, 1.0 - 1e-16, 123_456.789]);
        numbers.extend((0..20_000).map(|i| (f64::from(i) - 9_000.0) * 0.037_1));
        for number in numbers {
            for decimals in 0..=3 {
                let mut text = String::new();
                write_fixed(&mut text, number, decimals);
                let expected = format!("{number:.*}", decimals as usize);
                let nought = expected.trim_matches(['-', '0', '.']).is_empty();
                assert_eq!(text, if nought { expected.trim_start_matches('-') } else { &expected }, "{number:?}");
            }
        }
    }

    #[test]
    fn a_confidential_answer_is_never_told() {
        for name in registry().filter(|spec| spec.confidential).map(|spec| spec.name) {
            let feature = feature(name, 0.6);
            let texts = [0.0, 0.25, 1.0].map(|answer| factor_text(&feature, &Value::Number(answer)));
            assert!(texts.iter().all(|text| *text == texts[0] && text.contains("confidential")), "{texts:?}");
            assert_eq!(factor_text(&feature, &Value::Unknown), texts[0], "not even whether there is an answer");
        }
    }
}
