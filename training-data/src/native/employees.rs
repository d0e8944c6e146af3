//! The employees: who, from when, until when and why. Nothing here may be in doubt.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use flight_risk_scoring::Day;
use flight_risk_scoring::history::{EmployeeId, Exit, ExitKind, HistoryFacts};

use super::NativeOptions;
use super::rows::{Columns, People, cell, word};
use crate::cell::Cell;
use crate::report::{Problem, ValidationReport};
use crate::table::{Table, TableColumn};

const KNOWN: [&str; 5] = ["employee_id", "hire_date", "exit_date", "exit_type", "observed_until"];

/// Reads the employees; what is wrong with any of them is refused in the report.
pub(super) fn read(table: &Table, options: &NativeOptions, report: &mut ValidationReport) -> People {
    let mut columns = Columns::of(table);
    let id = columns.required("employee_id", report);
    let hire = columns.required("hire_date", report);
    let exit = columns.optional("exit_date", report);
    let exit_type = columns.optional("exit_type", report);
    let observed = columns.optional("observed_until", report);
    if table.column("exit_date").is_some() != table.column("exit_type").is_some() {
        let what = "exit_date and exit_type belong together: one of the columns is missing";
        report.about(table.name(), &Problem::refused("", what), "");
    } else if exit.is_none() {
        let what = "no column exit_date: everybody counts as employed";
        report.about(table.name(), &Problem::noted("", what), "");
    }
    let protected = protected_columns(table, options, report);
    let mut people = People {
        facts: Vec::with_capacity(table.rows()),
        by_id: HashMap::with_capacity(table.rows()),
        protected: protected.iter().map(|(name, _)| (name.clone(), Vec::with_capacity(table.rows()))).collect(),
    };
    let known: Vec<&str> = KNOWN.into_iter().chain(protected.iter().map(|(_, column)| column.name())).collect();
    if let (Some(id), Some(hire), true) = (id, hire, columns.complete()) {
        let mut first_row = HashMap::with_capacity(table.rows());
        let reader = Reader { table, id, hire, exit, exit_type, observed, today: options.today };
        for row in 0..table.rows() {
            if table.columns().iter().all(|column| column.cell(row).is_blank()) {
                report.at(table, row, &Problem::row_dropped("", "the row is blank"), Cell::Blank);
                continue;
            }
            let Some(id) = reader.id(row, &mut first_row, report) else { continue };
            let Some(facts) = reader.facts(row, &id, report) else {
                people.by_id.insert(id.as_str().to_owned(), None);
                continue;
            };
            people.by_id.insert(id.as_str().to_owned(), Some(people.facts.len()));
            people.facts.push(facts);
            for (name, column) in &protected {
                if let Some(values) = people.protected.get_mut(name) {
                    values.push(column.cell(row).text().map(|text| text.into_owned()));
                }
            }
        }
    }
    columns.summarise(people.facts.len(), &known, report);
    people
}

/// The protected attributes by the name in the options. One that is missing is refused: an audit must not be empty by a typo.
fn protected_columns<'t>(
    table: &'t Table,
    options: &NativeOptions,
    report: &mut ValidationReport,
) -> Vec<(String, &'t TableColumn)> {
    let mut found = Vec::new();
    for name in &options.protected {
        let lower = name.trim().to_lowercase();
        if KNOWN.contains(&lower.as_str()) {
            let what = "cannot be a protected attribute: the column has a meaning of its own";
            report.about(table.name(), &Problem::refused(&lower, what), "");
        } else if let Some(column) = table.column(&lower) {
            found.push((name.clone(), column));
        } else {
            let what = format!(
                "is named as a protected attribute but is no column; the table has {}",
                table.column_names().join(", ")
            );
            report.about(table.name(), &Problem::refused(&lower, &what), "");
        }
    }
    found
}

struct Reader<'t> {
    table: &'t Table,
    id: &'t TableColumn,
    hire: &'t TableColumn,
    exit: Option<&'t TableColumn>,
    exit_type: Option<&'t TableColumn>,
    observed: Option<&'t TableColumn>,
    today: Day,
}

impl Reader<'_> {
    fn id(&self, row: usize, first: &mut HashMap<String, usize>, report: &mut ValidationReport) -> Option<EmployeeId> {
        let cell = self.id.cell(row);
        let Some(id) = cell.text().and_then(|text| EmployeeId::new(&text)) else {
            report.at(self.table, row, &Problem::refused("employee_id", "employee_id is blank"), cell);
            return None;
        };
        match first.entry(id.as_str().to_owned()) {
            Entry::Occupied(entry) => {
                let what = "the same employee_id occurs again; one row per employment, with an identifier of its own";
                let value = format!("{id}, first in row {}", entry.get() + 1);
                report.at_value(self.table, row, &Problem::refused("employee_id", what), value);
                None
            }
            Entry::Vacant(entry) => {
                entry.insert(row);
                Some(id)
            }
        }
    }

    fn day(&self, column: Option<&TableColumn>, row: usize, report: &mut ValidationReport) -> Option<Day> {
        let column = column?;
        let cell = column.cell(row);
        cell.day().unwrap_or_else(|what| {
            report.at(self.table, row, &Problem::refused(column.name(), what), cell);
            None
        })
    }

    /// The facts of one row; `None` when it is refused or the employee is left out.
    fn facts(&self, row: usize, id: &EmployeeId, report: &mut ValidationReport) -> Option<HistoryFacts> {
        let table = self.table;
        let hire = self.day(Some(self.hire), row, report);
        let exit = self.exit(row, report);
        let observed = self.day(self.observed, row, report);
        let Some(hire) = hire else {
            if self.hire.cell(row).is_blank() {
                let problem = Problem::refused("hire_date", "hire_date is missing");
                report.at_value(table, row, &problem, id.to_string());
            }
            return None;
        };
        if let Some(exit) = exit.filter(|exit| exit.date < hire) {
            let problem = Problem::refused("exit_date", "the exit lies before the hire");
            report.at_value(table, row, &problem, format!("{}, hired {hire}", exit.date));
        }
        if let Some(observed) = observed.filter(|&observed| observed < hire) {
            let problem = Problem::refused("observed_until", "observed_until lies before the hire");
            report.at_value(table, row, &problem, format!("{observed}, hired {hire}"));
        }
        if hire > self.today {
            report.at(table, row, &Problem::employee_dropped("hire_date", "hired after today"), self.hire.cell(row));
            return None;
        }
        let exit = exit.filter(|exit| {
            let past = exit.date <= self.today;
            if !past {
                let problem = Problem::noted("exit_date", "the exit lies after today: the employee counts as employed");
                report.at_value(table, row, &problem, exit.date.to_string());
            }
            past
        });
        let observed_until = observed.map(|observed| {
            if observed > self.today {
                let problem = Problem::noted("observed_until", "observed_until lies after today: today is taken");
                report.at_value(table, row, &problem, observed.to_string());
            }
            observed.min(self.today)
        });
        Some(HistoryFacts {
            employee_id: id.clone(),
            hire_date: hire,
            exit,
            observed_until,
            assignments: Vec::new(),
            survey_responses: Vec::new(),
            feedback: Vec::new(),
        })
    }

    fn exit(&self, row: usize, report: &mut ValidationReport) -> Option<Exit> {
        let (date_cell, kind_cell) = (cell(self.exit, row), cell(self.exit_type, row));
        let date = self.day(self.exit, row, report);
        let kind = kind_cell.text().and_then(|text| {
            let kind = ExitKind::parse(&word(&text));
            if kind.is_none() {
                let names: Vec<&str> = ExitKind::NAMES.iter().map(|(name, _)| *name).collect();
                let what = format!("is none of {}", names.join(", "));
                report.at(self.table, row, &Problem::refused("exit_type", &what), kind_cell);
            }
            kind
        });
        match (date_cell.is_blank(), kind_cell.is_blank()) {
            (true, false) => {
                let problem = Problem::refused("exit_date", "exit_type without exit_date");
                report.at(self.table, row, &problem, kind_cell);
            }
            (false, true) => {
                let problem = Problem::refused("exit_type", "exit_date without exit_type");
                report.at(self.table, row, &problem, date_cell);
            }
            _ => {}
        }
        Some(Exit { date: date?, kind: kind? })
    }
}
