//! Why a data set cannot be used.

use std::path::PathBuf;

use crate::report::{Outcome, ValidationReport};
use crate::table::TableError;

/// Why a data set cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A path or file that cannot be read as a table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A folder without the one table that is required.
    #[error(
        "{path} holds neither employees.csv nor employees.parquet; {}; export the employees table into it, or name another folder",
        if found.is_empty() { "the folder is empty".to_owned() } else { format!("it holds {}", shortened(found)) },
        path = path.display()
    )]
    NoEmployees {
        /// The folder.
        path: PathBuf,
        /// What is in it instead.
        found: Vec<String>,
    },
    /// A schema that cannot be read or does not fit the table; every problem at once.
    #[error("the schema{} cannot be used:\n  {}", if .path.as_os_str().is_empty() { String::new() } else { format!(" {}", .path.display()) }, .problems.join("\n  "))]
    Schema {
        /// The schema's file; empty when it did not come from one.
        path: PathBuf,
        /// What is wrong.
        problems: Vec<String>,
    },
    /// The table lacks columns that the model needs.
    #[error(
        "{path} lacks {} that the model needs: {}; add what is missing (blank where nothing is known), or name the file with it",
        if .columns.len() == 1 { "a column" } else { "columns" },
        .columns.join(", "),
        path = path.display()
    )]
    MissingColumns {
        /// The table's file.
        path: PathBuf,
        /// The names, with what the file holds that looks alike.
        columns: Vec<String>,
    },
    /// Validation refused the data; the report holds every problem.
    #[error("the data are refused: {} to be mended first\n\n{report}", problems(.0), report = .0)]
    Refused(Box<ValidationReport>),
}

/// The first few of many names.
fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 10;
    let more = names.len().saturating_sub(SHOWN);
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

fn problems(report: &ValidationReport) -> String {
    match report.count(Outcome::Refused) {
        1 => "one problem is".to_owned(),
        count => format!("{count} problems are"),
    }
}
