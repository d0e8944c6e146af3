//! Reading a flat table to learn from it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use flight_risk_scoring::Day;
use rayon::prelude::*;

use super::columns::{BadCell, FlatColumn, FlatValues, levels, listed, numbers};
use super::schema::FlatSchema;
use crate::cell::{Cell, NumberProblem, parse_number};
use crate::error::DataError;
use crate::report::{Problem, TableSummary, ValidationReport};
use crate::table::{Names, Table, TableColumn, TableProblem};

/// Cells that are no numbers, after which a column is known to be text and its reading as numbers ends.
const TEXTS_UNTIL_CATEGORICAL: usize = 100;

/// Most feature columns. The time of a fit grows with their cube and a model with their square: 1,000 take half a minute
/// and 12 MB, 5,000 would take an hour and 300 MB.
const MAX_FEATURES: usize = 1000;

/// A flat table with known outcomes.
#[derive(Clone, Debug)]
pub struct FlatTable {
    /// Who each row is about, as in the file; `r1`, `r2` ... without an id column.
    pub ids: Vec<String>,
    /// Whether the employee left.
    pub target: Vec<bool>,
    /// The period of each row, where the schema names one.
    pub time: Option<Vec<String>>,
    /// The person of each row, where the schema names a column for it.
    pub group: Option<Vec<String>>,
    /// The features, in the order of the file.
    pub columns: Vec<FlatColumn>,
    /// Values of each protected attribute, parallel to the rows.
    pub protected: BTreeMap<String, Vec<Option<String>>>,
    /// What validation found; nothing in it is refused.
    pub report: ValidationReport,
    /// SHA-256 of the file's bytes, in hexadecimal.
    pub digest: String,
}

/// Reads and validates a flat table for training. Periods that lie after `today` are noted.
///
/// # Errors
/// [`DataError::Schema`] when the schema does not fit the table, [`DataError::Refused`] with the whole report when the data
/// cannot be used, [`DataError::Table`] when the file cannot be read.
pub fn read_flat(path: &Path, schema: &FlatSchema, today: Day) -> Result<FlatTable, DataError> {
    let mut table = Table::read(path, Names::AsWritten)?;
    if table.rows() == 0 {
        return Err(table.error(TableProblem::NoRows).into());
    }
    let mut problems = schema.contradictions();
    let missing = schema.missing_from(&table.column_names());
    if !missing.is_empty() {
        problems.extend(missing);
        let names: Vec<String> = table.column_names().into_iter().map(str::to_owned).collect();
        problems.push(format!("{} has the columns {}", table.file_name(), listed(&names)));
    }
    let features: Vec<String> =
        table.column_names().into_iter().filter(|name| schema.is_feature(name)).map(str::to_owned).collect();
    if features.is_empty() {
        problems.push(format!(
            "no column is left as a feature: every one of {} has another role; take one out of drop or protected, or add columns",
            table.file_name()
        ));
    }
    if features.len() > MAX_FEATURES {
        problems.push(format!(
            "{} columns of {} would be features, and at most {MAX_FEATURES} can be learned from; name those that say \
             nothing about leaving in drop, or export fewer columns",
            features.len(),
            table.file_name()
        ));
    }
    problems.extend(unreadable_types(&table, schema));
    if !problems.is_empty() {
        return Err(DataError::Schema { path: Default::default(), problems });
    }

    let mut report = ValidationReport::default();
    let rows = rows_with_outcome(&table, schema, &mut report);
    let (rows, target): (Vec<usize>, Vec<bool>) = rows.into_iter().unzip();
    let ids = ids(&table, schema.id.as_deref(), &rows, &mut report);
    if schema.group.is_none() && schema.time.is_none() {
        note_repeated_ids(&table, &ids, &mut report);
    }
    let time = schema.time.as_deref().and_then(|name| times(&table, name, &rows, today, &mut report));
    let group = schema.group.as_deref().and_then(|name| groups(&table, name, &rows, &ids, &mut report));
    let protected =
        schema.protected.iter().filter_map(|name| Some((name.clone(), levels(table.column(name)?, &rows)))).collect();

    // Each column is taken out of the table and freed when its values are read: a wide table is never held twice.
    let taken: Vec<TableColumn> = features.iter().filter_map(|name| table.take_column(name)).collect();
    let read: Vec<ReadColumn> = taken.into_par_iter().map(|column| read_column(&column, &rows, schema)).collect();
    let mut problems = Vec::new();
    let mut columns = Vec::with_capacity(read.len());
    for column in read {
        column.report(&table, schema, &mut report, &mut problems);
        columns.push(column.column);
    }
    if !problems.is_empty() {
        return Err(DataError::Schema { path: Default::default(), problems });
    }
    report.add_table(TableSummary {
        table: table.name().to_owned(),
        file: table.file_name(),
        rows: table.rows(),
        used: rows.len(),
        unknown_columns: Vec::new(),
    });
    if report.refused() {
        return Err(DataError::Refused(Box::new(report)));
    }
    Ok(FlatTable { ids, target, time, group, columns, protected, report, digest: table.digest().to_owned() })
}

/// Columns that are used but hold lists or structures.
fn unreadable_types(table: &Table, schema: &FlatSchema) -> Vec<String> {
    let used = |name: &str| !schema.drop.iter().any(|dropped| dropped == name);
    let columns = table.columns().iter().filter(|column| used(column.name()));
    columns
        .filter_map(|column| {
            let kind = column.unsupported()?;
            Some(format!("`{}` is of the type {kind}, which cannot be read; put it into drop", column.name()))
        })
        .collect()
}

/// Texts that mean the same outcome have the same key: `1` and `1.0`, `Yes` and `yes`.
fn outcome_key(text: &str) -> String {
    let text = text.trim();
    parse_number(text).map_or_else(|_| text.to_lowercase(), |value| value.to_string())
}

/// The rows (from 0) whose outcome is known, each with the outcome.
fn rows_with_outcome(table: &Table, schema: &FlatSchema, report: &mut ValidationReport) -> Vec<(usize, bool)> {
    let Some(target) = table.column(&schema.target) else { return Vec::new() };
    let positive = outcome_key(&schema.positive);
    let mut rows = Vec::with_capacity(table.rows());
    // Distinct values in the order of the file, each with its count.
    let mut values: Vec<(String, usize)> = Vec::new();
    let mut by_text: HashMap<String, usize> = HashMap::new();
    let mut keys: Vec<String> = Vec::new();
    for row in 0..table.rows() {
        let cell = target.cell(row);
        let Some(text) = cell.text() else {
            report.at(table, row, &Problem::row_dropped(&schema.target, "the target is blank"), Cell::Blank);
            continue;
        };
        let index = by_text.get(text.as_ref()).copied().unwrap_or_else(|| {
            let key = outcome_key(&text);
            let index = keys.iter().position(|k| *k == key).unwrap_or_else(|| {
                keys.push(key);
                values.push((text.clone().into_owned(), 0));
                values.len() - 1
            });
            // A target of free text is refused anyway; only few distinct texts are worth remembering.
            if by_text.len() < 1000 {
                by_text.insert(text.into_owned(), index);
            }
            index
        });
        if let Some(value) = values.get_mut(index) {
            value.1 += 1;
        }
        rows.push((row, keys.get(index) == Some(&positive)));
        if values.len() > 1000 {
            break;
        }
    }
    let found: Vec<String> = values.iter().map(|(text, _)| text.clone()).collect();
    let has_positive = keys.contains(&positive);
    let what = match (found.len(), has_positive) {
        (0, _) => Some("the target is blank in every row".to_owned()),
        (1, true) => Some(format!(
            "everybody left: every target is {}; the rows of those who stayed are needed too",
            listed(&found)
        )),
        (_, false) => Some(format!(
            "nobody left: no target is `{}` (the schema's positive), found {}; mend `positive`, or add the rows of those who left",
            schema.positive,
            listed(&found)
        )),
        (2, true) => None,
        (count, true) => Some(format!(
            "the target must have two values, but has {}: {}; merge or remove the others, or name another column as target",
            if count > 1000 { "more than 1000".to_owned() } else { count.to_string() },
            listed(&found)
        )),
    };
    if let Some(what) = what {
        report.about(table.name(), &Problem::refused(&schema.target, &what), "");
    }
    rows
}

/// Who each row is about. Blank identifiers are refused.
pub(super) fn ids(table: &Table, column: Option<&str>, rows: &[usize], report: &mut ValidationReport) -> Vec<String> {
    let Some(column) = column.and_then(|name| table.column(name)) else {
        return rows.iter().map(|row| format!("r{}", row + 1)).collect();
    };
    let id = |&row: &usize| match column.cell(row).text() {
        Some(text) => text.into_owned(),
        None => {
            report.at(table, row, &Problem::refused(column.name(), "the identifier is blank"), Cell::Blank);
            String::new()
        }
    };
    rows.iter().map(id).collect()
}

fn note_repeated_ids(table: &Table, ids: &[String], report: &mut ValidationReport) {
    let mut seen = HashSet::with_capacity(ids.len());
    let repeated = ids.iter().filter(|id| !seen.insert(id.as_str())).count();
    if repeated > 0 {
        let what = "identifiers occur in several rows; if a person has several rows, name their column as group, \
                    so that nobody is learned from and tested on at once";
        report.about(table.name(), &Problem::noted("", what), &format!("{repeated} rows repeat an identifier"));
    }
}

/// The period of each row. Blank periods are refused: the row could belong before or after any cut.
fn times(table: &Table, name: &str, rows: &[usize], today: Day, report: &mut ValidationReport) -> Option<Vec<String>> {
    let column = table.column(name)?;
    let mut times = Vec::with_capacity(rows.len());
    for &row in rows {
        let cell = column.cell(row);
        if cell.is_blank() {
            report.at(table, row, &Problem::refused(name, "the period is blank"), cell);
        }
        if cell.day().is_ok_and(|day| day.is_some_and(|day| day > today)) {
            report.at(table, row, &Problem::noted(name, "the period lies after today"), cell);
        }
        times.push(cell.text().unwrap_or_default().into_owned());
    }
    Some(times)
}

/// The person of each row; where blank, the row stands for itself.
fn groups(
    table: &Table,
    name: &str,
    rows: &[usize],
    ids: &[String],
    report: &mut ValidationReport,
) -> Option<Vec<String>> {
    let column = table.column(name)?;
    let mut groups = Vec::with_capacity(rows.len());
    for (&row, id) in rows.iter().zip(ids) {
        let cell = column.cell(row);
        groups.push(cell.text().map_or_else(
            || {
                report.at(table, row, &Problem::noted(name, "the group is blank: the row is a group of its own"), cell);
                format!("row {} ({id})", row + 1)
            },
            |text| text.into_owned(),
        ));
    }
    Some(groups)
}

/// A feature column, and what is to be said about it.
struct ReadColumn {
    column: FlatColumn,
    /// Cells that are no usable numbers, with their text.
    bad: Vec<(BadCell, String)>,
    /// How many cells are numbers although the column is text.
    numbers_among_text: usize,
    dates: bool,
}

fn read_column(column: &TableColumn, rows: &[usize], schema: &FlatSchema) -> ReadColumn {
    let name = column.name().to_owned();
    let categorical = |bad, numbers_among_text, dates| {
        let values = FlatValues::Categorical(levels(column, rows));
        ReadColumn { column: FlatColumn { name: name.clone(), values }, bad, numbers_among_text, dates }
    };
    if schema.categorical.contains(&name) {
        return categorical(Vec::new(), 0, false);
    }
    let read = numbers(column, rows, TEXTS_UNTIL_CATEGORICAL);
    let with_text = |(row, problem): BadCell| ((row, problem), crate::cell::shown(column.cell(row)));
    if read.bad.iter().any(|(_, problem)| *problem == NumberProblem::NotANumber) {
        let known = || rows.iter().map(|&row| column.cell(row)).filter(|cell| !cell.is_blank());
        let dates = known().all(|cell| cell.day().is_ok());
        let texts = read.bad.into_iter().filter(|(_, p)| *p == NumberProblem::NotANumber);
        let numbers = if read.known == 0 { 0 } else { known().filter(|cell| cell.number().is_ok()).count() };
        return categorical(texts.map(with_text).collect(), numbers, dates);
    }
    let bad = read.bad.into_iter().map(with_text).collect();
    ReadColumn {
        column: FlatColumn { name, values: FlatValues::Numeric(read.values) },
        bad,
        numbers_among_text: 0,
        dates: false,
    }
}

impl ReadColumn {
    fn report(&self, table: &Table, schema: &FlatSchema, report: &mut ValidationReport, problems: &mut Vec<String>) {
        let name = self.column.name.as_str();
        match &self.column.values {
            FlatValues::Numeric(_) => {
                for ((row, problem), text) in &self.bad {
                    let what = match problem {
                        NumberProblem::Ambiguous => format!("{problem} (or name the column in categorical)"),
                        _ => problem.to_string(),
                    };
                    let problem = match problem {
                        NumberProblem::Ambiguous => Problem::refused(name, &what),
                        _ => Problem::value_dropped(name, &what),
                    };
                    report.at_value(table, *row, &problem, text.clone());
                }
            }
            FlatValues::Categorical(levels) => {
                if schema.features.get(name).is_some_and(|notes| notes.monotone.is_some()) {
                    let texts: Vec<String> = levels.iter().flatten().take(1).cloned().collect();
                    problems.push(format!(
                        "`features.{name}.monotone` needs a numeric column, but it holds text such as {}",
                        listed(&texts)
                    ));
                }
                if self.dates {
                    let what = "holds dates, read as levels; put it into drop, or a number of days in its place";
                    report.about(table.name(), &Problem::noted(name, what), "");
                } else if self.numbers_among_text > 0 {
                    let mut seen = HashSet::new();
                    let texts = self.bad.iter().map(|(_, text)| text).filter(|text| seen.insert(text.as_str()));
                    let texts: Vec<String> = texts.cloned().collect();
                    let what = format!(
                        "holds numbers ({} cells) and text such as {}: read as levels, not as numbers",
                        self.numbers_among_text,
                        listed(texts.get(..3).unwrap_or(&texts))
                    );
                    report.about(table.name(), &Problem::noted(name, &what), "");
                }
            }
        }
    }
}
