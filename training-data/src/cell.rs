//! One rule each for blanks, numbers, booleans and dates as HR systems export them.
//!
//! Whether a cell comes from a CSV file or a typed Parquet column, it is read by the functions here and nowhere else, so
//! that the same export means the same in either format.

use std::borrow::Cow;

use flight_risk_scoring::Day;
use flight_risk_scoring::date::DateError;

/// Words that stand for "not known", in any case. The dash is what spreadsheets print for an empty amount.
pub const BLANK_WORDS: [&str; 6] = ["na", "n/a", "#n/a", "null", "nan", "-"];

/// Signs and codes of currencies that may stand before or after an amount.
const CURRENCIES: [&str; 18] = [
    "$", "€", "£", "¥", "₹", "USD", "EUR", "GBP", "CHF", "CAD", "AUD", "JPY", "INR", "CNY", "SEK", "NOK", "DKK", "PLN",
];

/// Characters that may separate groups of three digits: comma, apostrophes, blank, no-break blanks.
const GROUP_SEPARATORS: [char; 6] = [',', '\'', '\u{2019}', ' ', '\u{a0}', '\u{202f}'];

const NOT_A_DATE: &str = "is not a date of the form YYYY-MM-DD";
/// HR systems write 9999-12-31 for "no end"; guessing that from any far date would hide typing errors.
const OUTSIDE_THE_CALENDAR: &str = "is not between the years 1900 and 2200; leave it blank when there is no date";

/// Longer values are cut in messages.
const SHOWN_CHARACTERS: usize = 40;

/// One cell, whatever the file's format.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Nothing, or a word for nothing.
    Blank,
    /// Text, trimmed and not blank.
    Text(&'a str),
    /// A double (never NaN; may be infinite).
    Number(f64),
    /// A whole number.
    Integer(i64),
    /// A boolean.
    Flag(bool),
    /// A day.
    Day(Day),
}

/// Why a cell is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberProblem {
    /// Not a number in any accepted form.
    #[error("is not a number")]
    NotANumber,
    /// A decimal comma, or dots between groups of digits: reading it either way could be wrong.
    #[error("could be read in two ways; write numbers with a decimal point, like 1234.50")]
    Ambiguous,
    /// Infinite, or too large for a double.
    #[error("is infinite")]
    Infinite,
}

/// Trims blanks of all kinds (also the no-break ones that spreadsheets leave).
pub fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

/// Whether a trimmed text stands for "not known".
pub fn is_blank(trimmed: &str) -> bool {
    trimmed.len() <= 4 && (trimmed.is_empty() || BLANK_WORDS.iter().any(|word| trimmed.eq_ignore_ascii_case(word)))
}

impl<'a> Cell<'a> {
    /// The cell of a text.
    pub fn from_text(text: &'a str) -> Self {
        let text = trim(text);
        if is_blank(text) { Self::Blank } else { Self::Text(text) }
    }

    /// The cell of a double; NaN is blank.
    pub fn from_number(value: f64) -> Self {
        if value.is_nan() { Self::Blank } else { Self::Number(value) }
    }

    /// Whether nothing is known.
    pub fn is_blank(self) -> bool {
        self == Self::Blank
    }

    /// The cell as text; `None` when blank. Whole numbers have no `.0`, booleans are `true` and `false`.
    pub fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Blank => None,
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Number(value) => Some(Cow::Owned(value.to_string())),
            Self::Integer(value) => Some(Cow::Owned(value.to_string())),
            Self::Flag(value) => Some(Cow::Borrowed(if value { "true" } else { "false" })),
            Self::Day(day) => Some(Cow::Owned(day.to_string())),
        }
    }

    /// The cell as a number; `None` when blank. See [`parse_number`] for the accepted texts.
    pub fn number(self) -> Result<Option<f64>, NumberProblem> {
        match self {
            Self::Blank => Ok(None),
            Self::Text(text) => parse_number(text).map(Some),
            Self::Number(value) if value.is_infinite() => Err(NumberProblem::Infinite),
            Self::Number(value) => Ok(Some(value)),
            // Beyond 2^53 the nearest double is what any reader of numbers would take.
            Self::Integer(value) => Ok(Some(value as f64)),
            Self::Flag(_) | Self::Day(_) => Err(NumberProblem::NotANumber),
        }
    }

    /// The cell as a boolean (`true`, `false`, `yes`, `no`, `y`, `n`, `1`, `0`, in any case); outer `None`: neither.
    pub fn flag(self) -> Option<Option<bool>> {
        match self {
            Self::Blank => Some(None),
            Self::Flag(value) => Some(Some(value)),
            Self::Text(text) => parse_flag(text).map(Some),
            Self::Integer(0) => Some(Some(false)),
            Self::Integer(1) => Some(Some(true)),
            Self::Number(value) if value.to_bits() == 1.0_f64.to_bits() => Some(Some(true)),
            Self::Number(value) if value.to_bits() == 0.0_f64.to_bits() => Some(Some(false)),
            Self::Integer(_) | Self::Number(_) | Self::Day(_) => None,
        }
    }

    /// The cell as a day; `None` when blank, an error when it is anything but a date.
    pub fn day(self) -> Result<Option<Day>, &'static str> {
        match self {
            Self::Blank => Ok(None),
            Self::Day(day) => Ok(Some(day)),
            Self::Text(text) => text.parse().map(Some).map_err(|e| match e {
                DateError::Form(_) => NOT_A_DATE,
                DateError::Range(_) => OUTSIDE_THE_CALENDAR,
            }),
            Self::Number(_) | Self::Integer(_) | Self::Flag(_) => Err(NOT_A_DATE),
        }
    }
}

/// The cell for a message: quoted by the caller, cut when long, without control characters.
pub fn shown(cell: Cell<'_>) -> String {
    let text = cell.text().unwrap_or_default();
    let mut shown: String = text.chars().take(SHOWN_CHARACTERS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(SHOWN_CHARACTERS).is_some() {
        shown.push('…');
    }
    shown
}

fn parse_flag(text: &str) -> Option<bool> {
    let is_one_of = |words: [&str; 4]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_one_of(["true", "yes", "y", "1"]) {
        Some(true)
    } else if is_one_of(["false", "no", "n", "0"]) {
        Some(false)
    } else {
        None
    }
}

/// A number as HR systems export it; the text is trimmed and not blank.
///
/// Accepted: `65000`, `-1.5e3`, `65,000`, `1,234.50`, `1'234.50`, `1 234`, `$65,000`, `€ 1200`, `65000 EUR`, `(250)` for
/// -250, and `12%`, which is 12. A comma that does not separate three digits, or several dots, is ambiguous and refused.
pub fn parse_number(text: &str) -> Result<f64, NumberProblem> {
    let plain = |c: u8| c.is_ascii_digit() || matches!(c, b'.' | b'-' | b'+' | b'e' | b'E');
    if text.bytes().all(plain)
        && let Ok(value) = text.parse::<f64>()
    {
        return if value.is_finite() { Ok(value) } else { Err(NumberProblem::Infinite) };
    }
    parse_dressed_number(text)
}

/// The slower rule, for numbers with signs, currencies and groups of digits around them.
fn parse_dressed_number(text: &str) -> Result<f64, NumberProblem> {
    let (mut rest, mut negative) = (trim(text), false);
    if let Some(inner) = rest.strip_prefix('(').and_then(|r| r.strip_suffix(')')) {
        (rest, negative) = (trim(inner), true);
    }
    rest = strip_sign(rest, &mut negative);
    rest = strip_currency(rest);
    rest = strip_sign(rest, &mut negative);
    rest = rest.strip_suffix('%').map_or(rest, trim);
    if ["inf", "infinity", "∞"].iter().any(|word| rest.eq_ignore_ascii_case(word)) {
        return Err(NumberProblem::Infinite);
    }
    let digits = without_groups(rest)?;
    let value: f64 = digits.parse().map_err(|_| NumberProblem::NotANumber)?;
    if !value.is_finite() {
        return Err(NumberProblem::Infinite);
    }
    Ok(if negative { -value } else { value })
}

fn strip_sign<'a>(text: &'a str, negative: &mut bool) -> &'a str {
    if *negative {
        return text;
    }
    if let Some(rest) = text.strip_prefix(['-', '\u{2212}']) {
        *negative = true;
        return trim(rest);
    }
    text.strip_prefix('+').map_or(text, trim)
}

fn strip_currency(text: &str) -> &str {
    for currency in CURRENCIES {
        if let Some(rest) = text.strip_prefix(currency).or_else(|| text.strip_suffix(currency)) {
            return trim(rest);
        }
    }
    text
}

/// Digits without their group separators. Only ASCII digits, one decimal point and an exponent are left.
fn without_groups(text: &str) -> Result<Cow<'_, str>, NumberProblem> {
    let allowed =
        |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '-' | '+') || GROUP_SEPARATORS.contains(&c);
    if !text.starts_with(|c: char| c.is_ascii_digit() || c == '.') || !text.chars().all(allowed) {
        return Err(NumberProblem::NotANumber);
    }
    if text.matches('.').count() > 1 {
        // 1.234.567 has dots between groups; 12.03.2024 is a date.
        let groups: Vec<&str> = text.split('.').collect();
        let grouped = groups.iter().skip(1).all(|g| g.len() == 3);
        return Err(if grouped { NumberProblem::Ambiguous } else { NumberProblem::NotANumber });
    }
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    if fraction.is_some_and(|f| f.contains(GROUP_SEPARATORS)) {
        return Err(NumberProblem::Ambiguous);
    }
    let Some(separator) = whole.chars().find(|c| GROUP_SEPARATORS.contains(c)) else {
        return Ok(Cow::Borrowed(text));
    };
    let mut groups = whole.split(separator);
    let first = groups.next().unwrap_or_default();
    let of_digits = |g: &str| !g.is_empty() && g.bytes().all(|b| b.is_ascii_digit());
    let well_grouped =
        (1..=3).contains(&first.len()) && of_digits(first) && groups.all(|g| g.len() == 3 && of_digits(g));
    if well_grouped {
        Ok(Cow::Owned(text.replace(separator, "")))
    } else if separator == ',' {
        Err(NumberProblem::Ambiguous)
    } else {
        Err(NumberProblem::NotANumber)
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "the values are written down exactly")]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_hr_systems_export_them() {
        for (text, expected) in [
            ("65000", Ok(65000.0)),
            ("-1.5e3", Ok(-1500.0)),
            (" 7 ", Ok(7.0)),
            ("65,000", Ok(65000.0)),
            ("1,234.50", Ok(1234.5)),
            ("1,234,567", Ok(1_234_567.0)),
            ("1'234.50", Ok(1234.5)),
            ("1\u{a0}234", Ok(1234.0)),
            ("$65,000", Ok(65000.0)),
            ("-$65,000.25", Ok(-65000.25)),
            ("$-65", Ok(-65.0)),
            ("€ 1200", Ok(1200.0)),
            ("1200 EUR", Ok(1200.0)),
            ("(1,250)", Ok(-1250.0)),
            ("12%", Ok(12.0)),
            ("\u{2212}3", Ok(-3.0)),
            (".5", Ok(0.5)),
            ("1.234,50", Err(NumberProblem::Ambiguous)),
            ("1.234.567", Err(NumberProblem::Ambiguous)),
            ("3,5", Err(NumberProblem::Ambiguous)),
            ("1,23,456", Err(NumberProblem::Ambiguous)),
            ("inf", Err(NumberProblem::Infinite)),
            ("-Infinity", Err(NumberProblem::Infinite)),
            ("1e999", Err(NumberProblem::Infinite)),
            ("twelve", Err(NumberProblem::NotANumber)),
            ("12.03.2024", Err(NumberProblem::NotANumber)),
            ("2024-03-12", Err(NumberProblem::NotANumber)),
            ("L3", Err(NumberProblem::NotANumber)),
            ("e5", Err(NumberProblem::NotANumber)),
            ("$", Err(NumberProblem::NotANumber)),
            ("1 2", Err(NumberProblem::NotANumber)),
            ("٣", Err(NumberProblem::NotANumber)),
        ] {
            let cell = Cell::from_text(text);
            assert_eq!(cell.number(), expected.map(Some), "{text}");
        }
    }

    #[test]
    fn blanks_in_any_case() {
        for text in ["", "  ", "NA", "n/a", "NULL", "NaN", "-", "\u{a0}", "#N/A"] {
            assert!(Cell::from_text(text).is_blank(), "{text:?}");
        }
        for text in ["0", "none", "--", "nana", "Nan Ltd"] {
            assert!(!Cell::from_text(text).is_blank(), "{text:?}");
        }
        assert!(Cell::from_number(f64::NAN).is_blank());
    }

    #[test]
    fn booleans_in_any_case_and_nothing_else() {
        for (text, expected) in [
            ("TRUE", Some(Some(true))),
            ("y", Some(Some(true))),
            ("Yes", Some(Some(true))),
            ("1", Some(Some(true))),
            ("no", Some(Some(false))),
            ("0", Some(Some(false))),
            ("N", Some(Some(false))),
            ("", Some(None)),
            ("2", None),
            ("maybe", None),
        ] {
            assert_eq!(Cell::from_text(text).flag(), expected, "{text:?}");
        }
        assert_eq!(Cell::Integer(1).flag(), Some(Some(true)));
        assert_eq!(Cell::Number(0.0).flag(), Some(Some(false)));
        assert_eq!(Cell::Number(0.5).flag(), None);
    }

    #[test]
    fn whole_numbers_are_text_without_a_point() {
        assert_eq!(Cell::Number(17.0).text().as_deref(), Some("17"));
        assert_eq!(Cell::Integer(-4).text().as_deref(), Some("-4"));
        assert_eq!(Cell::from_text(" 017 ").text().as_deref(), Some("017"));
        assert_eq!(Cell::Blank.text(), None);
    }

    #[test]
    fn dates_and_why_not() {
        for (text, expected) in [
            ("2024-02-29", Ok(Some("2024-02-29".to_owned()))),
            ("2024-02-29 10:00", Ok(Some("2024-02-29".to_owned()))),
            ("NA", Ok(None)),
            ("29/02/2024", Err(NOT_A_DATE)),
            ("45351", Err(NOT_A_DATE)),
            ("9999-12-31", Err(OUTSIDE_THE_CALENDAR)),
        ] {
            assert_eq!(Cell::from_text(text).day().map(|day| day.map(|d| d.to_string())), expected, "{text}");
        }
    }

    #[test]
    fn long_values_are_cut_in_messages() {
        assert_eq!(shown(Cell::Text(&"ab".repeat(30))), format!("{}…", "ab".repeat(20)));
        assert_eq!(shown(Cell::Text("a\nb")), "a b");
    }
}
