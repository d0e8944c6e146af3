//! What validation found: every problem at once, where it is and what was done about it.

use std::collections::HashMap;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::cell::{Cell, shown};
use crate::table::Table;

/// Examples printed of each kind of finding; all of them are in the JSON form.
pub const EXAMPLES_SHOWN: usize = 5;

/// Places kept of each kind of finding. The count goes on beyond it: a broken export of millions of rows must not
/// fill the memory with the same sentence.
pub const PLACES_KEPT: usize = 100_000;

/// What was done about a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The whole data set is refused until this is mended.
    Refused,
    /// Something was left out; the rest is used.
    Dropped,
    /// Nothing was left out; worth knowing.
    Noted,
}

/// One place where something was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Data row, from 1; `None` when it concerns the column or the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<usize>,
    /// Line in the file, from 1; `None` for Parquet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The value, shortened.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
}

/// All places where the same thing was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The table.
    pub table: String,
    /// The column; empty when it concerns the row or the table.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub column: String,
    /// What is wrong, and what to do.
    pub problem: String,
    /// What was done.
    pub outcome: Outcome,
    /// What was done, in words ("row dropped").
    pub effect: &'static str,
    /// In how many places.
    pub count: usize,
    /// The places, in the order of the rows; at most [`PLACES_KEPT`].
    pub places: Vec<Place>,
}

/// What was read of one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableSummary {
    /// The table.
    pub table: String,
    /// Name of the file.
    pub file: String,
    /// Data rows in the file.
    pub rows: usize,
    /// Rows that are used.
    pub used: usize,
    /// Columns that mean nothing here, in the order of the file.
    pub unknown_columns: Vec<String>,
}

/// A table that is not there, and what stays unknown without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MissingTable {
    /// The table.
    pub table: String,
    /// Feature families that stay unknown.
    pub families: Vec<String>,
}

/// Everything that validation found in one data set.
#[derive(Clone, Debug, Default)]
pub struct ValidationReport {
    tables: Vec<TableSummary>,
    missing: Vec<MissingTable>,
    findings: Vec<Finding>,
    index: HashMap<(String, String, String, &'static str), usize>,
}

/// What is wrong with something, without its place.
#[derive(Clone, Debug)]
pub struct Problem<'a> {
    /// The column; empty when it concerns the row or the table.
    pub column: &'a str,
    /// What is wrong, and what to do.
    pub what: &'a str,
    /// What is done.
    pub outcome: Outcome,
    /// What is done, in words.
    pub effect: &'static str,
}

impl<'a> Problem<'a> {
    /// The data set is refused.
    pub fn refused(column: &'a str, what: &'a str) -> Self {
        Self { column, what, outcome: Outcome::Refused, effect: "refused" }
    }

    /// The row is left out.
    pub fn row_dropped(column: &'a str, what: &'a str) -> Self {
        Self { column, what, outcome: Outcome::Dropped, effect: "row dropped" }
    }

    /// The value counts as unknown; the rest of the row is used.
    pub fn value_dropped(column: &'a str, what: &'a str) -> Self {
        Self { column, what, outcome: Outcome::Dropped, effect: "value left out" }
    }

    /// All that is known of the employee is left out.
    pub fn employee_dropped(column: &'a str, what: &'a str) -> Self {
        Self { column, what, outcome: Outcome::Dropped, effect: "employee left out" }
    }

    /// Worth knowing; nothing is left out.
    pub fn noted(column: &'a str, what: &'a str) -> Self {
        Self { column, what, outcome: Outcome::Noted, effect: "noted" }
    }
}

impl ValidationReport {
    /// Adds a finding at a row (from 0) of a table.
    pub fn at(&mut self, table: &Table, row: usize, problem: &Problem<'_>, cell: Cell<'_>) {
        self.at_value(table, row, problem, shown(cell));
    }

    /// Adds a finding at a row (from 0) of a table, with a value made for the message.
    pub fn at_value(&mut self, table: &Table, row: usize, problem: &Problem<'_>, value: String) {
        self.push(table.name(), problem, Place { row: Some(row + 1), line: table.line_of(row), value });
    }

    /// Adds a finding about a whole table or column.
    pub fn about(&mut self, table: &str, problem: &Problem<'_>, value: &str) {
        self.push(table, problem, Place { row: None, line: None, value: value.to_owned() });
    }

    fn push(&mut self, table: &str, problem: &Problem<'_>, place: Place) {
        let key = (table.to_owned(), problem.column.to_owned(), problem.what.to_owned(), problem.effect);
        let next = self.findings.len();
        let index = *self.index.entry(key).or_insert(next);
        if index == next {
            self.findings.push(Finding {
                table: table.to_owned(),
                column: problem.column.to_owned(),
                problem: problem.what.to_owned(),
                outcome: problem.outcome,
                effect: problem.effect,
                count: 0,
                places: Vec::new(),
            });
        }
        if let Some(finding) = self.findings.get_mut(index) {
            finding.count += 1;
            if finding.places.len() < PLACES_KEPT {
                finding.places.push(place);
            }
        }
    }

    /// Adds what was read of a table.
    pub fn add_table(&mut self, summary: TableSummary) {
        self.tables.push(summary);
    }

    /// Adds a table that is not there.
    pub fn add_missing(&mut self, table: &str, families: &[&str]) {
        let families = families.iter().map(|f| (*f).to_owned()).collect();
        self.missing.push(MissingTable { table: table.to_owned(), families });
    }

    /// The tables that were read.
    pub fn tables(&self) -> &[TableSummary] {
        &self.tables
    }

    /// The tables that are not there.
    pub fn missing_tables(&self) -> &[MissingTable] {
        &self.missing
    }

    /// The findings in the order in which they were met.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether the data set must not be used.
    pub fn refused(&self) -> bool {
        self.findings.iter().any(|finding| finding.outcome == Outcome::Refused)
    }

    /// How many places have this outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.findings.iter().filter(|f| f.outcome == outcome).map(|f| f.count).sum()
    }

    fn sorted(&self) -> Vec<&Finding> {
        let mut findings: Vec<&Finding> = self.findings.iter().collect();
        findings.sort_by_key(|finding| finding.outcome);
        findings
    }
}

impl Serialize for ValidationReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Form<'a> {
            refused: bool,
            tables: &'a [TableSummary],
            missing_tables: &'a [MissingTable],
            findings: Vec<&'a Finding>,
        }
        let form = Form {
            refused: self.refused(),
            tables: &self.tables,
            missing_tables: &self.missing,
            findings: self.sorted(),
        };
        form.serialize(serializer)
    }
}

/// A count with thousands separated, as in `4,374`.
fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(c);
    }
    text
}

fn rows(count: usize) -> String {
    format!("{} {}", grouped(count), if count == 1 { "row" } else { "rows" })
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.column.is_empty() { self.table.clone() } else { format!("{}.{}", self.table, self.column) };
        write!(f, "{place}: {}", self.problem)?;
        let times = if self.places.first().is_some_and(|p| p.row.is_some()) {
            format!(" ({}; {})", rows(self.count), self.effect)
        } else {
            format!(" ({})", self.effect)
        };
        f.write_str(&times)?;
        for place in self.places.iter().take(EXAMPLES_SHOWN) {
            let mut parts = Vec::new();
            parts.extend(place.row.map(|row| format!("row {row}")));
            parts.extend(place.line.map(|line| format!("line {line}")));
            let at = parts.join(", ");
            match (at.is_empty(), place.value.is_empty()) {
                (false, false) => write!(f, "\n    {at}: `{}`", place.value)?,
                (false, true) => write!(f, "\n    {at}")?,
                (true, false) => write!(f, "\n    `{}`", place.value)?,
                (true, true) => {}
            }
        }
        if self.count > EXAMPLES_SHOWN {
            write!(f, "\n    and {} more", grouped(self.count - EXAMPLES_SHOWN))?;
        }
        Ok(())
    }
}

impl fmt::Display for ValidationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for table in &self.tables {
            let used =
                if table.used == table.rows { "all used".to_owned() } else { format!("{} used", grouped(table.used)) };
            writeln!(f, "{} ({}): {}, {used}", table.table, table.file, rows(table.rows))?;
            if !table.unknown_columns.is_empty() {
                writeln!(f, "    columns not used: {}", table.unknown_columns.join(", "))?;
            }
        }
        for missing in &self.missing {
            writeln!(f, "{}: no such table; unknown without it: {}", missing.table, missing.families.join(", "))?;
        }
        for (outcome, title) in [
            (Outcome::Refused, "Refused, to be mended first"),
            (Outcome::Dropped, "Left out"),
            (Outcome::Noted, "Noted"),
        ] {
            let mut findings = self.findings.iter().filter(|finding| finding.outcome == outcome).peekable();
            if findings.peek().is_some() {
                writeln!(f, "\n{title}:")?;
            }
            for finding in findings {
                writeln!(f, "  {finding}")?;
            }
        }
        if self.findings.is_empty() {
            writeln!(f, "No problems found.")?;
        }
        Ok(())
    }
}
