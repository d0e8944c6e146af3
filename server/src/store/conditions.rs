//! Conditions of a query that is put together at run time: texts of SQL joined by AND, and the values for their parameters.
//!
//! Texts come from the program only; whatever a client sent is a parameter.

use std::fmt::Write as _;

use crate::store::db::Param;

/// Conditions, all of which must hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conditions {
    sql: String,
    params: Vec<Param>,
}

impl Conditions {
    /// Adds a condition. Every `?` in its text stands for the next value.
    pub(crate) fn add(&mut self, text: &str, values: impl IntoIterator<Item = Param>) {
        self.sql.push_str(if self.sql.is_empty() { "(" } else { " AND (" });
        let mut values = values.into_iter();
        for piece in text.split_inclusive('?') {
            match (piece.strip_suffix('?'), values.next()) {
                (Some(before), Some(value)) => {
                    let number = self.value(value);
                    self.sql.push_str(before);
                    self.sql.push_str(&number);
                }
                _ => self.sql.push_str(piece),
            }
        }
        self.sql.push(')');
    }

    /// Adds all of others.
    pub(crate) fn join(&mut self, others: &Self) {
        let mut text = String::with_capacity(others.sql.len());
        let mut rest = others.sql.as_str();
        // Parameters get the numbers that follow.
        while let Some((before, after)) = rest.split_once('$') {
            text.push_str(before);
            text.push('?');
            rest = after.trim_start_matches(|sign: char| sign.is_ascii_digit());
        }
        text.push_str(rest);
        if !text.is_empty() {
            self.add(&text, others.params());
        }
    }

    /// Adds that a column has one of these texts; none at all is met by no row.
    pub(crate) fn one_of(&mut self, column: &str, texts: &[String]) {
        let marks = vec!["?"; texts.len()].join(", ");
        match texts {
            [] => self.add("1 = 0", []),
            [text] => self.add(&format!("{column} = ?"), [Param::from(text)]),
            texts => self.add(&format!("{column} IN ({marks})"), texts.iter().map(Param::from)),
        }
    }

    /// Adds a value that belongs to no condition; gives the name of its parameter, such as `$3`.
    pub(crate) fn value(&mut self, value: impl Into<Param>) -> String {
        self.params.push(value.into());
        let mut name = String::new();
        // Writing to a text does not fail.
        let _ = write!(name, "${}", self.params.len());
        name
    }

    /// The text for after WHERE.
    pub(crate) fn sql(&self) -> &str {
        if self.sql.is_empty() { "1 = 1" } else { &self.sql }
    }

    /// The values of the parameters.
    pub(crate) fn params(&self) -> Vec<Param> {
        self.params.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_numbered_parameters() {
        let mut conditions = Conditions::default();
        assert_eq!(conditions.sql(), "1 = 1");
        conditions.add("risk >= ? AND risk < ?", [Param::from(0.5), Param::from(0.9)]);
        conditions.one_of("department", &["a".to_owned(), "b".to_owned()]);
        conditions.one_of("location", &["c'; DROP TABLE scores".to_owned()]);
        conditions.one_of("manager_id", &[]);
        let limit = conditions.value(7_i64);
        let mut joined = Conditions::default();
        joined.one_of("band", &["x".to_owned()]);
        joined.join(&conditions);
        joined.join(&Conditions::default());
        assert!(joined.sql().starts_with("(band = $1) AND ((risk >= $2 AND risk < $3) AND (department IN ($4, $5))"));
        // The limit belongs to no condition.
        assert_eq!(joined.params()[1..], conditions.params()[..5]);
        assert_eq!(
            conditions.sql(),
            "(risk >= $1 AND risk < $2) AND (department IN ($3, $4)) AND (location = $5) AND (1 = 0)"
        );
        assert_eq!(limit, "$6");
        let texts = ["a", "b", "c'; DROP TABLE scores"].map(Param::from);
        let mut expected = vec![Param::from(0.5), Param::from(0.9)];
        expected.extend(texts);
        expected.push(Param::from(7_i64));
        assert_eq!(conditions.params(), expected);
    }
}
