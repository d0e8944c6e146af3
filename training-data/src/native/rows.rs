//! What the tables share: finding columns, and whose row it is and of which day.

use std::collections::{BTreeMap, HashMap};

use flight_risk_scoring::Day;
use flight_risk_scoring::history::HistoryFacts;

use crate::cell::Cell;
use crate::report::{Problem, TableSummary, ValidationReport};
use crate::table::{Table, TableColumn};

/// The employees read so far, and how to find them.
pub(super) struct People {
    /// The facts of each employee who is used.
    pub(super) facts: Vec<HistoryFacts>,
    /// Position in `facts`; `None`: known, but left out.
    pub(super) by_id: HashMap<String, Option<usize>>,
    /// Values of each protected attribute, parallel to `facts`.
    pub(super) protected: BTreeMap<String, Vec<Option<String>>>,
}

/// The columns of a table that mean something.
pub(super) struct Columns<'t> {
    table: &'t Table,
    complete: bool,
}

impl<'t> Columns<'t> {
    pub(super) fn of(table: &'t Table) -> Self {
        Self { table, complete: true }
    }

    /// A column that must be there; its absence is refused.
    pub(super) fn required(&mut self, name: &str, report: &mut ValidationReport) -> Option<&'t TableColumn> {
        let column = self.optional(name, report);
        if self.table.column(name).is_none() {
            let found = self.table.column_names().join(", ");
            let what = format!("the column is missing; the table has {found}");
            report.about(self.table.name(), &Problem::refused(name, &what), "");
        }
        self.complete &= column.is_some();
        column
    }

    /// A column that may be there.
    pub(super) fn optional(&self, name: &str, report: &mut ValidationReport) -> Option<&'t TableColumn> {
        let column = self.table.column(name)?;
        if let Some(kind) = column.unsupported() {
            let what = format!("columns of the type {kind} cannot be read; export text, numbers or dates");
            report.about(self.table.name(), &Problem::refused(name, &what), "");
            return None;
        }
        Some(column)
    }

    /// Whether all required columns were there.
    pub(super) fn complete(&self) -> bool {
        self.complete
    }

    /// Adds the summary of the table to the report.
    pub(super) fn summarise(&self, used: usize, known: &[&str], report: &mut ValidationReport) {
        let unknown = self.table.column_names().into_iter().filter(|name| !known.contains(name));
        report.add_table(TableSummary {
            table: self.table.name().to_owned(),
            file: self.table.file_name(),
            rows: self.table.rows(),
            used,
            unknown_columns: unknown.map(str::to_owned).collect(),
        });
    }
}

/// The cell of a column that may not be there.
pub(super) fn cell(column: Option<&TableColumn>, row: usize) -> Cell<'_> {
    column.map_or(Cell::Blank, |column| column.cell(row))
}

/// Finds whose row it is and of which day; a row that belongs to nobody or to no possible day is reported and left out.
pub(super) struct RowKeys<'t> {
    pub(super) table: &'t Table,
    pub(super) id: &'t TableColumn,
    pub(super) date: &'t TableColumn,
    pub(super) today: Day,
}

impl RowKeys<'_> {
    /// The employee's position and the day, or nothing when the row is left out.
    pub(super) fn resolve(&self, row: usize, people: &People, report: &mut ValidationReport) -> Option<(usize, Day)> {
        let (id, date) = (self.id.cell(row), self.date.cell(row));
        let mut drop = |column: &str, what: &str, value: Cell<'_>| {
            report.at(self.table, row, &Problem::row_dropped(column, what), value);
            None
        };
        let Some(text) = id.text() else { return drop("employee_id", "employee_id is blank", id) };
        let Some(known) = people.by_id.get(text.as_ref()) else {
            return drop("employee_id", "no such employee in the employees table", id);
        };
        let Some(position) = *known else { return drop("employee_id", "the employee is left out", id) };
        let name = self.date.name();
        let day = match date.day() {
            Ok(Some(day)) => day,
            Ok(None) => return drop(name, "the date is missing", date),
            Err(what) => return drop(name, what, date),
        };
        if day > self.today {
            return drop(name, "the date lies after today", date);
        }
        let exit = people.facts.get(position).and_then(|facts| facts.exit);
        if let Some(exit) = exit.filter(|exit| day > exit.date) {
            let value = format!("{day}, exit {}", exit.date);
            report.at_value(self.table, row, &Problem::row_dropped(name, "the date lies after the exit"), value);
            return None;
        }
        Some((position, day))
    }
}

/// A number that may be left out: what is no number is reported and unknown.
pub(super) fn number_or_report(
    table: &Table,
    column: Option<&TableColumn>,
    row: usize,
    report: &mut ValidationReport,
) -> Option<f64> {
    let column = column?;
    let cell = column.cell(row);
    cell.number().unwrap_or_else(|problem| {
        report.at(table, row, &Problem::value_dropped(column.name(), &problem.to_string()), cell);
        None
    })
}

/// The name that a table's word stands for: in lower case, with underscores for blanks and hyphens.
pub(super) fn word(text: &str) -> String {
    text.to_lowercase().replace([' ', '-'], "_")
}
