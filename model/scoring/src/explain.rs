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
const DECIMALS: usize = 2;

/// Shorter times are told in months.
const YEARS_FROM: f64 = 2.0;

/// A number and its unit as people write them.
fn written(unit: Unit, value: f64) -> (String, &'static str) {
    let whole = |x: f64| format!("{:.0}", x + 0.0);
    match unit {
        Unit::Years if value < YEARS_FROM => written(Unit::Months, value * 12.0),
        Unit::Years => (trimmed(value, 1), " years"),
        Unit::Months if value < 0.5 => ("less than 1".to_owned(), " month"),
        Unit::Months => (whole(value), if whole(value) == "1" { " month" } else { " months" }),
        Unit::Days => (whole(value), if whole(value) == "1" { " day" } else { " days" }),
        Unit::Percent => (trimmed(value, 1), " %"),
        Unit::Share | Unit::Ratio => (whole(value * 100.0), " %"),
        Unit::Count | Unit::Number | Unit::Flag => (trimmed(value, DECIMALS), ""),
    }
}

/// A number with at most `decimals` decimals and no trailing zeros.
fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// A value with its unit, as people write it. Confidential values are not withheld here.
pub fn value_text(feature: &SourceFeature, value: &Value) -> String {
    match value {
        Value::Unknown => "not known".to_owned(),
        Value::Level(level) => level.clone(),
        Value::Number(number) if feature.unit == Unit::Flag => if *number >= 0.5 { "yes" } else { "no" }.to_owned(),
        Value::Number(number) => {
            let (text, unit) = written(feature.unit, *number);
            text + unit
        }
    }
}

/// What is typical for the feature, as people write it.
pub fn typical_text(feature: &SourceFeature) -> String {
    match &feature.kind {
        FeatureKind::Numeric { typical, .. } => value_text(feature, &Value::Number(*typical)),
        FeatureKind::Categorical { typical, .. } => typical.clone(),
    }
}

/// The factor in plain words, such as "no one-on-one for 94 days; typical 12". What comes from confidential answers is named
/// as a driver and its value is never told.
pub fn factor_text(feature: &SourceFeature, value: &Value) -> String {
    if feature.confidential {
        return format!("{} (from confidential survey answers)", feature.label);
    }
    let number = match value {
        Value::Unknown => return feature.otherwise.clone(),
        Value::Level(level) => {
            return format!("{}; typical {}", feature.phrase.replace("{value}", level), typical_text(feature));
        }
        Value::Number(number) => *number,
    };
    if feature.unit == Unit::Flag {
        return if number >= 0.5 { feature.phrase.clone() } else { feature.otherwise.clone() };
    }
    let (text, unit) = written(feature.unit, number);
    let sentence = feature.phrase.replace("{value}", &(text + unit));
    let FeatureKind::Numeric { typical, .. } = feature.kind else { return sentence };
    let (text, typical_unit) = written(feature.unit, typical);
    // The unit is not said twice.
    let same = unit.trim_end_matches('s') == typical_unit.trim_end_matches('s') && unit != " %";
    format!("{sentence}; typical {text}{}", if same { "" } else { typical_unit })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::registry;

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
            ("first_90_days_flag", 0.0, 1.0, "in the first 90 days"),
            ("first_90_days_flag", 0.0, 0.0, "past the first 90 days"),
            ("review_rating", 3.0, f64::NAN, "no rated review yet"),
        ] {
            let value = if value.is_nan() { Value::Unknown } else { Value::Number(value) };
            assert_eq!(factor_text(&feature(name, typical), &value), expected);
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
