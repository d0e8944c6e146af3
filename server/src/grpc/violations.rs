//! Everything that is wrong with a request, collected so that the client learns all of it at once.

use flight_risk_scoring::Day;

use crate::limits::{MAX_DESCRIPTION_BYTES, MAX_FIELD_VIOLATIONS, MAX_TEXT_BYTES};

/// One wrong field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// Path of the field, such as `history.assignments[3].effective_date`.
    pub(crate) field: String,
    /// What is wrong with it and what belongs there.
    pub(crate) description: String,
}

/// The wrong fields of one request: the first ones, and how many there are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Violations {
    first: Vec<Violation>,
    count: usize,
}

impl Violations {
    /// Notes a wrong field. The path is made only where something is wrong: most requests are right.
    pub(crate) fn push(&mut self, field: impl FnOnce() -> String, description: impl Into<String>) {
        self.count += 1;
        if self.first.len() < MAX_FIELD_VIOLATIONS {
            let description = shortened(description.into());
            self.first.push(Violation { field: field(), description });
        }
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The first violations, at most [`MAX_FIELD_VIOLATIONS`].
    pub(crate) fn first(&self) -> &[Violation] {
        &self.first
    }

    /// All of it in one sentence.
    pub(crate) fn message(&self) -> String {
        let Some(first) = self.first.first() else { return "the request is wrong".to_owned() };
        let shown = format!("{}: {}", first.field, first.description);
        shortened(match self.count {
            1 => shown,
            count => format!("{count} fields are wrong, first {shown}"),
        })
    }

    /// A date.
    pub(crate) fn date(&mut self, field: impl FnOnce() -> String, text: &str) -> Option<Day> {
        if text.is_empty() {
            self.push(field, "a date of the form YYYY-MM-DD is required");
            return None;
        }
        match text.parse() {
            Ok(day) => Some(day),
            Err(error) => {
                let description = match text.len() {
                    0..=MAX_TEXT_BYTES => error.to_string(),
                    _ => "not a date of the form YYYY-MM-DD".to_owned(),
                };
                self.push(field, description);
                None
            }
        }
    }

    /// Whether a text has an allowed length and can be stored: PostgreSQL keeps no NUL characters.
    pub(crate) fn text(&mut self, field: impl FnOnce() -> String, text: &str) -> bool {
        let problem = if text.len() > MAX_TEXT_BYTES {
            format!("{} bytes long; at most {MAX_TEXT_BYTES} are allowed", text.len())
        } else if text.contains('\0') {
            "must not contain a NUL character".to_owned()
        } else {
            return true;
        };
        self.push(field, problem);
        false
    }

    /// Whether a list has an allowed length.
    pub(crate) fn length(&mut self, field: impl FnOnce() -> String, length: usize, limit: usize) -> bool {
        let fits = length <= limit;
        if !fits {
            self.push(field, format!("{length} entries; at most {limit} are allowed"));
        }
        fits
    }

    /// A number within bounds; NaN and infinity are in none.
    pub(crate) fn number(&mut self, field: impl FnOnce() -> String, number: f64, min: f64, max: f64) -> Option<f64> {
        if (min..=max).contains(&number) {
            return Some(number);
        }
        self.push(
            field,
            format!("must be a number from {min} to {max}, got {number}; leave it out if it is not known"),
        );
        None
    }
}

/// A text cut to the length that an error may have, at the end of a character.
pub(crate) fn shortened(mut text: String) -> String {
    if text.len() > MAX_DESCRIPTION_BYTES {
        let end = (0..=MAX_DESCRIPTION_BYTES).rev().find(|&end| text.is_char_boundary(end)).unwrap_or_default();
        text.truncate(end);
        text.push_str(" ...");
    }
    text
}
