//! Filters of lists: the part of Google AIP-160 that is comparisons joined by AND.
//!
//! A list says in a table which fields may be named, what they are compared with, and which column they are. The same filter
//! becomes conditions of a query, or is asked of one row.

use crate::grpc::filter_fields::{AtLeast, Differs, Equal, Less, More};
pub(crate) use crate::grpc::filter_fields::{BOUNDS, Cell, FROM, Field, Kind, Operator, SAME, SAME_OR_NOT};
use crate::grpc::filter_text::{Token, tokens};
use crate::grpc::violations::Violations;
use crate::store::conditions::Conditions;
use crate::store::db::Param;
use crate::store::org_facts::folded;

/// Longest filter, in bytes.
const MAX_FILTER_BYTES: usize = 2_048;
/// Most comparisons of a filter.
const MAX_COMPARISONS: usize = 20;

#[derive(Clone, Debug, PartialEq)]
enum Operand {
    Text(String),
    /// Texts that begin so.
    Beginning(String),
    Int(i64),
    Real(f64),
}

/// One comparison.
#[derive(Clone, Debug)]
struct Comparison {
    field: &'static Field,
    operator: Operator,
    operand: Operand,
}

impl Comparison {
    /// Adds the condition that matching rows meet, of a column as it is written.
    fn restrict(&self, column: &str, conditions: &mut Conditions) {
        let sign = self.operator.sign();
        let value = match &self.operand {
            Operand::Text(text) => Param::from(text),
            Operand::Beginning(beginning) => {
                // A range rather than LIKE: both databases read it from an index.
                conditions.add(&format!("{column} >= ?"), [Param::from(beginning)]);
                if let Some(end) = after_all_that_begin_with(beginning) {
                    conditions.add(&format!("{column} < ?"), [Param::from(end)]);
                }
                return;
            }
            Operand::Int(number) => Param::from(*number),
            Operand::Real(number) => Param::from(*number),
        };
        let text = match self.operator {
            Differs => format!("({column} <> ? OR {column} IS NULL)"),
            _ => format!("{column} {sign} ?"),
        };
        conditions.add(&text, [value]);
    }
}

/// Comparisons, all of which must hold; none: every row does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    comparisons: Vec<Comparison>,
}

/// What is wrong with a filter, and where: the number of the character, counted from 1.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("character {position}: {what}")]
pub(crate) struct FilterError {
    /// Number of the character, from 1.
    pub(crate) position: usize,
    /// What is wrong, and what belongs there.
    pub(crate) what: String,
}

impl FilterError {
    /// An error at a character.
    pub(crate) fn at(position: usize, what: impl Into<String>) -> Self {
        Self { position, what: what.into() }
    }
}

impl Filter {
    /// Reads the filter of a request; notes in `problems`, under `filter`, what is wrong with it.
    pub(crate) fn read(text: &str, fields: &'static [Field], problems: &mut Violations) -> Self {
        Self::parse(text, fields).unwrap_or_else(|error| {
            problems.push(|| "filter".to_owned(), error.to_string());
            Self::default()
        })
    }

    /// Reads a filter. Only the fields of the table may be named.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub(crate) fn parse(text: &str, fields: &'static [Field]) -> Result<Self, FilterError> {
        if text.len() > MAX_FILTER_BYTES {
            return Err(FilterError::at(
                1,
                format!("{} bytes long; at most {MAX_FILTER_BYTES} are allowed", text.len()),
            ));
        }
        let tokens = tokens(text)?;
        let end = text.chars().count() + 1;
        let mut rest = tokens.as_slice();
        let mut comparisons = Vec::new();
        while !rest.is_empty() {
            if !comparisons.is_empty() {
                rest = joined(rest)?;
            }
            let (comparison, after) = comparison(rest, fields, end)?;
            if comparisons.len() == MAX_COMPARISONS {
                let position = rest.first().map_or(end, |(position, _)| *position);
                return Err(FilterError::at(position, format!("at most {MAX_COMPARISONS} comparisons are allowed")));
            }
            comparisons.push(comparison);
            rest = after;
        }
        Ok(Self { comparisons })
    }

    /// Whether a field is named.
    pub(crate) fn names(&self, field: &str) -> bool {
        self.comparisons.iter().any(|comparison| comparison.field.name == field)
    }

    /// Takes the comparisons of a field with times out of the filter: the first microsecond that matches all of them.
    pub(crate) fn take_from(&mut self, field: &str) -> Option<i64> {
        let (taken, kept) = std::mem::take(&mut self.comparisons).into_iter().partition(|one| one.field.name == field);
        self.comparisons = kept;
        let taken: Vec<Comparison> = taken;
        taken
            .iter()
            .filter_map(|comparison| match (&comparison.operand, comparison.operator) {
                (Operand::Int(time), More) => Some(time.saturating_add(1)),
                (Operand::Int(time), _) => Some(*time),
                _ => None,
            })
            .max()
    }

    /// The number of the name, or of yes or no, that a field must have.
    pub(crate) fn number_of(&self, field: &str) -> Option<i64> {
        self.comparisons.iter().find_map(|comparison| match comparison.operand {
            Operand::Int(number) if comparison.field.name == field && comparison.operator == Equal => Some(number),
            _ => None,
        })
    }

    /// Sets the day (in days since 1970) before which what is asked of as old is old.
    pub(crate) fn old_before(&mut self, day: i64) {
        for Comparison { field, operator, operand } in &mut self.comparisons {
            if matches!(field.kind, Kind::Old) {
                // Read as yes or no; from here on a comparison with a day.
                *operator = if *operand == Operand::Int(1) { Less } else { AtLeast };
                *operand = Operand::Int(day);
            }
        }
    }

    /// Adds the conditions that matching rows meet. `table` is the name or alias of the table.
    pub(crate) fn restrict(&self, table: &str, conditions: &mut Conditions) {
        self.restrict_columns(|column| format!("{table}.{column}"), conditions);
    }

    /// The same, where `written` gives a column as it is to be written.
    pub(crate) fn restrict_columns(&self, written: impl Fn(&'static str) -> String, conditions: &mut Conditions) {
        for comparison in &self.comparisons {
            comparison.restrict(&written(comparison.field.column), conditions);
        }
    }

    /// Its comparisons but those with `!=`, each with its column, whether it asks for one value, and its condition.
    pub(crate) fn conditions<'a>(
        &'a self,
        table: &'a str,
    ) -> impl Iterator<Item = (&'static str, bool, Conditions)> + 'a {
        self.comparisons.iter().filter(|comparison| comparison.operator != Differs).map(move |comparison| {
            let mut condition = Conditions::default();
            comparison.restrict(&format!("{table}.{}", comparison.field.column), &mut condition);
            let is_one_value = comparison.operator == Equal && !matches!(comparison.operand, Operand::Beginning(_));
            (comparison.field.column, is_one_value, condition)
        })
    }

    /// Whether a row matches; `cell` gives the value of a column.
    pub(crate) fn matches<'a>(&self, cell: impl Fn(&'static str) -> Cell<'a>) -> bool {
        self.comparisons.iter().all(|Comparison { field, operator, operand }| {
            match (cell(field.column), operand) {
                (Cell::Text(text), Operand::Text(wanted)) => operator.holds(&text, &wanted.as_str()),
                (Cell::Text(text), Operand::Beginning(wanted)) => text.starts_with(wanted),
                (Cell::Name(name), Operand::Text(wanted)) => operator.holds(&folded(name), wanted),
                (Cell::Name(name), Operand::Beginning(wanted)) => folded(name).starts_with(wanted),
                (Cell::Int(number), Operand::Int(wanted)) => operator.holds(&number, wanted),
                (Cell::Real(number), Operand::Real(wanted)) => operator.holds(&number, wanted),
                // Not known, as in the query.
                _ => *operator == Differs,
            }
        })
    }
}

/// The first text, in the order of bytes, after all that begin with this one; `None` where there is none.
fn after_all_that_begin_with(beginning: &str) -> Option<String> {
    let mut end = beginning.to_owned();
    while let Some(last) = end.pop() {
        // The order of bytes is that of characters; between U+D7FF and U+E000 there are none.
        let next = match last {
            '\u{d7ff}' => Some('\u{e000}'),
            _ => char::from_u32(last as u32 + 1),
        };
        if let Some(next) = next {
            end.push(next);
            return Some(end);
        }
    }
    None
}

type Tokens<'a> = &'a [(usize, Token)];

/// What follows an AND.
fn joined(rest: Tokens<'_>) -> Result<Tokens<'_>, FilterError> {
    match rest {
        [(_, Token::Word(word)), after @ ..] if word == "AND" && !after.is_empty() => Ok(after),
        [(position, Token::Word(word)), ..] if word == "AND" => {
            Err(FilterError::at(*position, "a comparison must follow AND"))
        }
        [(position, Token::Word(word)), ..] if word == "OR" => {
            Err(FilterError::at(*position, "OR is not supported; only AND joins comparisons"))
        }
        [(position, _), ..] => Err(FilterError::at(*position, "AND must stand between two comparisons")),
        [] => Ok(rest),
    }
}

fn comparison<'a>(
    rest: Tokens<'a>,
    fields: &'static [Field],
    end: usize,
) -> Result<(Comparison, Tokens<'a>), FilterError> {
    let names = || fields.iter().map(|field| field.name).collect::<Vec<_>>().join(", ");
    let (position, name, rest) = match rest {
        [(position, Token::Word(word)), ..] if word == "NOT" => {
            return Err(FilterError::at(*position, "NOT is not supported; use != where a field allows it"));
        }
        [(position, Token::Word(word)), rest @ ..] => (*position, word, rest),
        [(position, _), ..] => return Err(FilterError::at(*position, format!("a field belongs here: {}", names()))),
        [] => return Err(FilterError::at(end, format!("a field belongs here: {}", names()))),
    };
    let Some(field) = fields.iter().find(|field| field.name == name) else {
        return Err(FilterError::at(position, format!("no such field; there are {}", names())));
    };
    let allowed = || field.operators.iter().map(|operator| operator.sign()).collect::<Vec<_>>().join(" or ");
    let (operator, rest) = match rest {
        [(position, Token::Sign(sign)), rest @ ..] => {
            let operator = Operator::ALL.iter().find(|(text, _)| text == sign).map(|(_, operator)| *operator);
            let operator = operator.filter(|operator| field.operators.contains(operator));
            let wrong = || format!("{name} can be compared with {} only", allowed());
            (operator.ok_or_else(|| FilterError::at(*position, wrong()))?, rest)
        }
        [(position, _), ..] => return Err(FilterError::at(*position, format!("{} belongs after {name}", allowed()))),
        [] => return Err(FilterError::at(end, format!("{} belongs after {name}", allowed()))),
    };
    let sign = operator.sign();
    match rest {
        [(position, token @ (Token::Word(text) | Token::Quoted { text, .. })), rest @ ..] => {
            let wrong = |what| FilterError::at(*position, what);
            let star = matches!(token, Token::Quoted { star: true, .. });
            let operand = match (field.kind, star.then(|| text.strip_suffix('*')).flatten()) {
                (Kind::Beginning | Kind::Name, Some(_)) if operator != Equal => {
                    return Err(wrong(format!("a * at the end needs =, not {sign}")));
                }
                (Kind::Beginning, Some(beginning)) => Operand::Beginning(beginning.to_owned()),
                (Kind::Name, Some(beginning)) => Operand::Beginning(folded(beginning)),
                (kind, _) => operand(kind, text).map_err(wrong)?,
            };
            Ok((Comparison { field, operator, operand }, rest))
        }
        [(position, _), ..] => Err(FilterError::at(*position, format!("a value belongs after {name} {sign}"))),
        [] => Err(FilterError::at(end, format!("a value belongs after {name} {sign}"))),
    }
}

fn operand(kind: Kind, text: &str) -> Result<Operand, String> {
    match kind {
        Kind::Text | Kind::Beginning => Ok(Operand::Text(text.to_owned())),
        Kind::Name => Ok(Operand::Text(folded(text))),
        Kind::YesNo | Kind::Old => match text {
            "true" => Ok(Operand::Int(1)),
            "false" => Ok(Operand::Int(0)),
            _ => Err("true or false belongs here".to_owned()),
        },
        Kind::Number => text
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
            .map(Operand::Real)
            .ok_or_else(|| "a number belongs here".to_owned()),
        Kind::Time => text
            .parse::<prost_types::Timestamp>()
            .ok()
            .and_then(|time| time.seconds.checked_mul(1_000_000)?.checked_add(i64::from(time.nanos / 1_000)))
            .map(Operand::Int)
            .ok_or_else(|| "a time such as \"2026-01-31T00:00:00Z\" belongs here".to_owned()),
        Kind::Word(names) => {
            names.iter().find(|(name, _)| *name == text).map(|(_, number)| Operand::Int(*number)).ok_or_else(|| {
                let names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
                format!("one of {} belongs here", names.join(", "))
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[Field] = &[
        Field { name: "department", column: "department", kind: Kind::Text, operators: SAME_OR_NOT },
        Field { name: "employee_id", column: "employee_id", kind: Kind::Beginning, operators: SAME_OR_NOT },
        Field { name: "display_name", column: "display_key", kind: Kind::Name, operators: SAME },
        Field { name: "stale", column: "as_of", kind: Kind::Old, operators: SAME },
        Field { name: "band", column: "band", kind: Kind::Word(&[("LOW", 1), ("HIGH", 3)]), operators: SAME },
        Field { name: "critical_role", column: "critical_role", kind: Kind::YesNo, operators: SAME },
        Field { name: "probability", column: "risk", kind: Kind::Number, operators: BOUNDS },
        Field { name: "score_time", column: "scored_at", kind: Kind::Time, operators: FROM },
    ];

    fn sql(text: &str) -> (String, Vec<Param>) {
        let mut conditions = Conditions::default();
        match Filter::parse(text, FIELDS) {
            Ok(mut filter) => {
                filter.old_before(7);
                filter.restrict("s", &mut conditions);
            }
            Err(error) => return (error.to_string(), Vec::new()),
        }
        (conditions.sql().to_owned(), conditions.params())
    }

    #[test]
    fn comparisons_become_conditions_with_parameters() {
        for (text, expected, params) in [
            ("", "1 = 1", vec![]),
            ("  ", "1 = 1", vec![]),
            ("department = Sales", "(s.department = $1)", vec![Param::from("Sales")]),
            (
                r#"department!="R \"&\" D" AND probability >= .2"#,
                "((s.department <> $1 OR s.department IS NULL)) AND (s.risk >= $2)",
                vec![Param::from("R \"&\" D"), Param::from(0.2)],
            ),
            ("band=HIGH", "(s.band = $1)", vec![Param::from(3_i64)]),
            (
                "employee_id = 'E-12*'",
                "(s.employee_id >= $1) AND (s.employee_id < $2)",
                vec!["E-12".into(), "E-13".into()],
            ),
            ("employee_id = '*'", "(s.employee_id >= $1)", vec!["".into()]),
            (r"employee_id = 'E-12\*'", "(s.employee_id = $1)", vec!["E-12*".into()]),
            ("employee_id = 'E-*2'", "(s.employee_id = $1)", vec!["E-*2".into()]),
            (r"employee_id = '\**'", "(s.employee_id >= $1) AND (s.employee_id < $2)", vec!["*".into(), "+".into()]),
            ("department = 'R*'", "(s.department = $1)", vec!["R*".into()]),
            ("display_name = 'ÄRM'", "(s.display_key = $1)", vec!["ärm".into()]),
            ("display_name = 'ÄR*'", "(s.display_key >= $1) AND (s.display_key < $2)", vec!["är".into(), "äs".into()]),
            ("stale = true", "(s.as_of < $1)", vec![7_i64.into()]),
            ("stale = false", "(s.as_of >= $1)", vec![7_i64.into()]),
            ("critical_role = true", "(s.critical_role = $1)", vec![Param::from(1_i64)]),
            ("score_time > 1970-01-01T00:00:01.5Z", "(s.scored_at > $1)", vec![Param::from(1_500_000_i64)]),
            ("department = \"x' OR 1=1; --\"", "(s.department = $1)", vec![Param::from("x' OR 1=1; --")]),
        ] {
            assert_eq!(sql(text), (expected.to_owned(), params), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, expected) in [
            ("salary > 3", "character 1: no such field; there are department, employee_id, "),
            ("department", "character 11: = or != belongs after department"),
            ("department =", "character 13: a value belongs after department ="),
            ("department = = x", "character 14: a value belongs after department ="),
            ("department > x", "character 12: department can be compared with = or != only"),
            ("employee_id != 'E-*'", "character 16: a * at the end needs =, not !="),
            ("employee_id = E-*", "character 17: a text with such a character must stand in quotes"),
            ("display_name != x", "character 14: display_name can be compared with = only"),
            ("stale = yes", "character 9: true or false belongs here"),
            ("department : x", "character 12: = or != belongs after department"),
            ("probability >= much", "character 16: a number belongs here"),
            ("probability >= NaN", "character 16: a number belongs here"),
            ("band = MEDIUM", "character 8: one of LOW, HIGH belongs here"),
            ("critical_role = yes", "character 17: true or false belongs here"),
            ("score_time >= yesterday", "character 15: a time such as"),
            ("department = x OR band = LOW", "character 16: OR is not supported"),
            ("NOT band = LOW", "character 1: NOT is not supported"),
            ("(band = LOW)", "character 1: parentheses are not supported"),
            ("band = LOW band = HIGH", "character 12: AND must stand between"),
            ("band = LOW and band = HIGH", "character 12: AND must stand between"),
            ("band = LOW AND", "character 12: a comparison must follow AND"),
            ("AND band = LOW", "character 1: no such field"),
            ("department = \"Sales", "character 14: the quote \" is not closed"),
            ("department = \"a\\n\"", "character 16: after \\ a quote, a *"),
            ("department = \"a\0\"", "character 16: a text cannot have this character"),
            ("department ! x", "character 12: = belongs after !"),
            ("department = a*", "character 15: a text with such a character must stand in quotes"),
            ("ä = 1", "character 1: no such field"),
        ] {
            let error = Filter::parse(text, FIELDS).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
        assert!(Filter::parse(&"band = LOW AND ".repeat(200), FIELDS).is_err(), "too long");
        let many = |count| vec!["band = LOW"; count].join(" AND ");
        assert!(Filter::parse(&many(20), FIELDS).is_ok());
        assert!(Filter::parse(&many(21), FIELDS).is_err(), "too many");
    }

    #[test]
    fn what_begins_with_a_text_lies_between_it_and_its_end() {
        for (beginning, end) in [
            ("a", Some("b")),
            ("az", Some("a{")),
            ("a\u{d7ff}", Some("a\u{e000}")),
            ("a\u{10ffff}", Some("b")),
            ("\u{10ffff}\u{10ffff}", None),
            ("", None),
            ("\u{7f}", Some("\u{80}")),
        ] {
            let found = after_all_that_begin_with(beginning);
            assert_eq!(found.as_deref(), end, "{beginning:?}");
            let longer = format!("{beginning}\u{10ffff}");
            assert!(found.is_none_or(|end| longer < end && end.as_str() > beginning), "{beginning:?}");
        }
    }

    #[test]
    fn any_text_is_parsed_or_refused() {
        let pieces =
            ["employee_id", "*", " ", "=", "!", "<", "\"", "'", "\\", "AND", "0.5", "é", "\0", "(", "probability"];
        let mut state = 1_u64;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..state % 9 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.push_str(pieces[(state >> 33) as usize % pieces.len()]);
            }
            state = state.wrapping_add(1);
            let _ = Filter::parse(&text, FIELDS);
        }
    }

    #[test]
    fn a_row_matches_as_in_the_query() {
        let cell = |column: &'static str| match column {
            "department" => Cell::Text("Sales"),
            "band" => Cell::Int(3),
            "risk" => Cell::Real(0.25),
            "employee_id" => Cell::Text("E-123"),
            "display_key" => Cell::Name("Ärmel, K"),
            "as_of" => Cell::Int(6),
            _ => Cell::Unknown,
        };
        for (text, expected) in [
            ("", true),
            ("department = Sales AND band = HIGH", true),
            ("department = Sales AND band = LOW", false),
            ("department != Sales", false),
            ("department != Legal", true),
            ("probability >= 0.25", true),
            ("probability > 0.25", false),
            ("probability < 1", true),
            ("critical_role = false", false),
            ("employee_id = 'E-12*'", true),
            ("employee_id = 'e-12*'", false),
            ("employee_id = 'E-124*'", false),
            ("display_name = 'ÄRMEL, k'", true),
            ("display_name = 'är*'", true),
            ("display_name = 'k*'", false),
            ("stale = true", true),
            ("stale = false", false),
        ] {
            let matches = |mut filter: Filter| {
                filter.old_before(7);
                filter.matches(cell)
            };
            assert_eq!(Filter::parse(text, FIELDS).map(matches), Ok(expected), "{text}");
        }
    }
}
