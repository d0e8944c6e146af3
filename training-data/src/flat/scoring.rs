//! Reading a flat table to score it: the model says which columns it needs and of what kind.

use std::collections::HashSet;
use std::path::Path;

use rayon::prelude::*;

use super::columns::{FlatColumn, FlatValues, levels, numbers};
use super::schema::absent;
use super::training::ids;
use crate::cell::NumberProblem;
use crate::error::DataError;
use crate::report::{PLACES_KEPT, Problem, TableSummary, ValidationReport};
use crate::table::{Names, Table, TableColumn, TableProblem};

/// A column that the model needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedColumn {
    /// The name in the file.
    pub name: String,
    /// Whether its values are levels; otherwise they are numbers.
    pub categorical: bool,
}

/// A flat table ready to be scored.
#[derive(Clone, Debug)]
pub struct ScoringTable {
    /// Who each row is about, as in the file; `r1`, `r2` ... without an id column.
    pub ids: Vec<String>,
    /// The wanted columns, in the order in which they were wanted.
    pub columns: Vec<FlatColumn>,
    /// What validation found; nothing in it is refused.
    pub report: ValidationReport,
}

/// Reads the wanted columns of a flat table. The same identifier may occur in several rows.
///
/// # Errors
/// [`DataError::MissingColumns`] names all columns that are not there; [`DataError::Refused`] lists all cells that hold text
/// where a number belongs, and all blank identifiers.
pub fn read_flat_for_scoring(
    path: &Path,
    id_column: Option<&str>,
    wanted: &[WantedColumn],
) -> Result<ScoringTable, DataError> {
    let mut table = Table::read(path, Names::AsWritten)?;
    if table.rows() == 0 {
        return Err(table.error(TableProblem::NoRows).into());
    }
    let names = table.column_names();
    let needed = || id_column.into_iter().chain(wanted.iter().map(|column| column.name.as_str()));
    let missing: Vec<String> = needed()
        .filter(|name| !names.contains(name))
        .map(|name| format!("`{name}`{}", absent(name, &names).trim_start_matches("which the table lacks")))
        .collect();
    if !missing.is_empty() {
        return Err(DataError::MissingColumns { path: path.to_owned(), columns: missing });
    }
    let unknown_columns: Vec<String> =
        names.iter().filter(|name| needed().all(|known| known != **name)).map(|name| (*name).to_owned()).collect();

    let mut report = ValidationReport::default();
    let rows: Vec<usize> = (0..table.rows()).collect();
    let ids = ids(&table, id_column, &rows, &mut report);
    note_several_rows(&table, &ids, &mut report);
    let mut taken: Vec<(&WantedColumn, TableColumn)> = Vec::with_capacity(wanted.len());
    for wanted in wanted {
        // A column may be the identifier and a feature at once.
        let column = if id_column == Some(wanted.name.as_str()) {
            table.column(&wanted.name).cloned()
        } else {
            table.take_column(&wanted.name)
        };
        taken.extend(column.map(|column| (wanted, column)));
    }
    let read: Vec<(FlatColumn, Vec<Bad>)> =
        taken.into_par_iter().map(|(wanted, column)| read_column(wanted, &column, &rows)).collect();
    let mut columns = Vec::with_capacity(read.len());
    for (column, bad) in read {
        for Bad { row, problem, text } in bad {
            let what = match problem {
                Some(problem) => problem.to_string(),
                None => "is of a type that cannot be read".to_owned(),
            };
            let problem = match problem {
                Some(NumberProblem::Infinite) => Problem::value_dropped(&column.name, &what),
                _ => Problem::refused(&column.name, &what),
            };
            report.at_value(&table, row, &problem, text);
        }
        columns.push(column);
    }
    report.add_table(TableSummary {
        table: table.name().to_owned(),
        file: table.file_name(),
        rows: table.rows(),
        used: rows.len(),
        unknown_columns,
    });
    if report.refused() {
        return Err(DataError::Refused(Box::new(report)));
    }
    Ok(ScoringTable { ids, columns, report })
}

fn note_several_rows(table: &Table, ids: &[String], report: &mut ValidationReport) {
    let mut seen = HashSet::with_capacity(ids.len());
    let repeated = ids.iter().filter(|id| !seen.insert(id.as_str())).count();
    if repeated > 0 {
        let what = "identifiers occur in several rows: each row is scored for itself";
        report.about(table.name(), &Problem::noted("", what), &format!("{repeated} rows repeat an identifier"));
    }
}

/// A cell that cannot be used. `problem` is `None` when the whole column cannot be read.
struct Bad {
    row: usize,
    problem: Option<NumberProblem>,
    text: String,
}

fn read_column(wanted: &WantedColumn, column: &TableColumn, rows: &[usize]) -> (FlatColumn, Vec<Bad>) {
    let name = wanted.name.clone();
    let mut bad = Vec::new();
    if let Some(kind) = column.unsupported() {
        bad.push(Bad { row: 0, problem: None, text: kind.to_owned() });
    }
    let values = if wanted.categorical {
        FlatValues::Categorical(levels(column, rows))
    } else {
        let read = numbers(column, rows, PLACES_KEPT);
        let cells = read.bad.into_iter();
        bad.extend(cells.map(|(row, problem)| Bad {
            row,
            problem: Some(problem),
            text: crate::cell::shown(column.cell(row)),
        }));
        FlatValues::Numeric(read.values)
    };
    (FlatColumn { name, values }, bad)
}
