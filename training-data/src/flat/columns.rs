//! Feature columns of a flat table: numbers or levels.

use std::fmt::Write as _;

use crate::cell::NumberProblem;
use crate::table::TableColumn;

/// A feature column.
#[derive(Clone, Debug, PartialEq)]
pub struct FlatColumn {
    /// The column's name.
    pub name: String,
    /// Its values, one per row.
    pub values: FlatValues,
}

/// The values of a feature column.
#[derive(Clone, Debug, PartialEq)]
pub enum FlatValues {
    /// Numbers; NaN is unknown. Never infinite.
    Numeric(Vec<f64>),
    /// Levels; `None` is unknown.
    Categorical(Vec<Option<String>>),
}

/// A row (from 0) whose cell is no usable number, and why.
pub(super) type BadCell = (usize, NumberProblem);

/// All cells of some rows read as numbers.
pub(super) struct Numbers {
    pub(super) values: Vec<f64>,
    /// How many cells are numbers (infinite ones included).
    pub(super) known: usize,
    /// Cells that are none.
    pub(super) bad: Vec<BadCell>,
}

/// Reads the cells of these rows as numbers. Stops after `limit` cells that are no numbers.
pub(super) fn numbers(column: &TableColumn, rows: &[usize], limit: usize) -> Numbers {
    let mut read = Numbers { values: Vec::with_capacity(rows.len()), known: 0, bad: Vec::new() };
    let mut texts = 0;
    for &row in rows {
        match column.cell(row).number() {
            Ok(None) => read.values.push(f64::NAN),
            Ok(Some(value)) => {
                read.known += 1;
                read.values.push(value);
            }
            Err(problem) => {
                if problem == NumberProblem::Infinite {
                    read.known += 1;
                } else {
                    texts += 1;
                }
                read.bad.push((row, problem));
                read.values.push(f64::NAN);
                if texts >= limit {
                    break;
                }
            }
        }
    }
    read
}

/// The cells of these rows as levels.
pub(super) fn levels(column: &TableColumn, rows: &[usize]) -> Vec<Option<String>> {
    rows.iter().map(|&row| column.cell(row).text().map(|text| text.into_owned())).collect()
}

/// A few values for a message: `a`, `b`, `c` and 4 more.
pub(super) fn listed(values: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut text = values.iter().take(SHOWN).map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ");
    if values.len() > SHOWN {
        // Writing to a string cannot fail.
        let _ = write!(text, " and {} more", values.len() - SHOWN);
    }
    text
}
