//! Why a file is not a table that can be read.

use std::io;
use std::path::PathBuf;

/// A file that cannot be read as a table, and why.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {problem}", path = path.display())]
pub struct TableError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: TableProblem,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum TableProblem {
    /// Nothing there.
    #[error("there is no such file; a CSV or Parquet file was expected here")]
    NotFound,
    /// Nothing there, where a folder was expected.
    #[error("there is no such folder; a folder with the tables (employees.csv ...) was expected here")]
    NoFolder,
    /// A folder where a file was expected.
    #[error("is a folder; a CSV or Parquet file was expected here")]
    Folder,
    /// A pipe, a device or a socket.
    #[error("is no file but a pipe or a device; write the table to a file first")]
    NotAFile,
    /// A file where a folder was expected.
    #[error("is a file; a folder with the tables (employees.csv ...) was expected here")]
    NotAFolder,
    /// The ending names no format that can be read.
    #[error("cannot tell the format from the name's ending; .csv and .parquet are read")]
    UnknownEnding,
    /// The system refused to read it.
    #[error("cannot be read: {0}")]
    Io(io::Error),
    /// The bytes are those of another format.
    #[error("is {0}; export it as CSV in UTF-8")]
    OtherFormat(&'static str),
    /// Bytes that are no UTF-8, first on this line.
    #[error("is not UTF-8 (first on line {line}); export it as CSV in UTF-8")]
    NotUtf8 {
        /// The line, from 1.
        line: usize,
    },
    /// No line at all, or only blank ones.
    #[error("is empty; the first line must name the columns")]
    Empty,
    /// The first line holds data.
    #[error("has no header: the first line must name the columns, but reads `{0}`")]
    NoHeader(String),
    /// A header, but nothing below it.
    #[error("has a header but no rows; export it again with its rows")]
    NoRows,
    /// A column with data but without a name.
    #[error("column {0} has no name; name it in the first line, or remove it")]
    UnnamedColumn(usize),
    /// Two columns of one name.
    #[error("has two columns named `{0}`; names must be distinct")]
    DuplicateColumn(String),
    /// Lines that end as on a Mac before 2001: everything is one line.
    #[error("ends its lines with a carriage return alone; export it again with line feeds (CSV for Windows or Unix)")]
    CarriageReturns,
    /// Rows with more or fewer fields than the header.
    #[error(
        "has {count} {} whose number of fields is not the header's {expected}: {}",
        if *count == 1 { "row" } else { "rows" },
        lines.iter().map(|(line, fields)| format!("line {line} has {fields}")).collect::<Vec<_>>().join(", ")
    )]
    Ragged {
        /// Fields in the header.
        expected: usize,
        /// Number of such rows.
        count: usize,
        /// The first of them: line and number of fields.
        lines: Vec<(usize, usize)>,
    },
    /// A quote that opens nothing or is never closed.
    #[error(
        "line {line}: a quote that is not closed, or stands within a field that is not quoted; \
         put quotes around the whole field and double those within"
    )]
    StrayQuote {
        /// The line, from 1.
        line: usize,
    },
    /// polars refused it.
    #[error("is no readable {format} file ({reason}); it may be cut off or damaged: export it again")]
    Unreadable {
        /// CSV or Parquet.
        format: &'static str,
        /// What polars said.
        reason: String,
    },
}
