//! A table as it lies in a file: named columns whose cells look the same whether they come from CSV or Parquet.
//!
//! polars reads the bytes; its columns are kept as they are (no string per cell) and cells are viewed through
//! [`Cell`], so that every rule about numbers, dates and blanks lives in [`crate::cell`] alone.

mod csv;
mod error;
mod parquet;

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use flight_risk_scoring::Day;
use polars_core::prelude::{BooleanChunked, Float64Chunked, Int32Chunked, Int64Chunked, StringChunked};
use sha2::{Digest, Sha256};

pub use self::error::{TableError, TableProblem};
use crate::cell::Cell;

/// The endings of files that can be read.
pub const ENDINGS: [&str; 2] = ["csv", "parquet"];

/// How column names are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// As written, blanks around them aside.
    AsWritten,
    /// In lower case, for tables whose columns are fixed.
    LowerCase,
}

/// The values of one column, in the type of the file.
#[derive(Clone, Debug)]
enum Values {
    Text(StringChunked),
    Number(Float64Chunked),
    Integer(Int64Chunked),
    Flag(BooleanChunked),
    /// Days after 1970-01-01.
    Day(Int32Chunked),
    /// A type that holds no single value (lists, structures ...); its name.
    Unsupported(String),
}

/// A named column.
#[derive(Clone, Debug)]
pub struct TableColumn {
    name: String,
    values: Values,
}

impl TableColumn {
    /// The name, trimmed (and in lower case where the table was read so).
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the column's type when cells of it cannot be read (lists, structures, times of day).
    pub fn unsupported(&self) -> Option<&str> {
        match &self.values {
            Values::Unsupported(name) => Some(name),
            _ => None,
        }
    }

    /// The cell of a row, from 0; blank beyond the last.
    pub fn cell(&self, row: usize) -> Cell<'_> {
        match &self.values {
            Values::Text(values) if row < values.len() => values.get(row).map_or(Cell::Blank, Cell::from_text),
            Values::Number(values) if row < values.len() => values.get(row).map_or(Cell::Blank, Cell::from_number),
            Values::Integer(values) if row < values.len() => values.get(row).map_or(Cell::Blank, Cell::Integer),
            Values::Flag(values) if row < values.len() => values.get(row).map_or(Cell::Blank, Cell::Flag),
            Values::Day(values) if row < values.len() => {
                values.get(row).and_then(Day::from_epoch_days).map_or(Cell::Blank, Cell::Day)
            }
            _ => Cell::Blank,
        }
    }
}

/// Which line of the file each row starts on.
#[derive(Clone, Debug, Default)]
struct LineIndex {
    /// From this row (from 0) on, a row's line is the row plus this number; ascending. Empty: the format has no lines.
    shifts: Vec<(usize, usize)>,
}

impl LineIndex {
    fn line_of(&self, row: usize) -> Option<usize> {
        let end = self.shifts.partition_point(|&(first, _)| first <= row);
        let &(_, shift) = end.checked_sub(1).and_then(|i| self.shifts.get(i))?;
        Some(row + shift)
    }

    /// Records the line of the next row.
    fn push(&mut self, row: usize, line: usize) {
        let shift = line.saturating_sub(row);
        if self.shifts.last().is_none_or(|last| last.1 != shift) {
            self.shifts.push((row, shift));
        }
    }
}

/// A table read from one file.
#[derive(Clone, Debug)]
pub struct Table {
    name: String,
    path: PathBuf,
    rows: usize,
    columns: Vec<TableColumn>,
    lines: LineIndex,
    digest: String,
}

impl Table {
    /// Reads a CSV or Parquet file, by its ending.
    pub fn read(path: &Path, names: Names) -> Result<Self, TableError> {
        let problem = |problem: TableProblem| TableError { path: path.to_owned(), problem };
        let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
        let bytes = read_bytes(path, ENDINGS.contains(&ending.as_str())).map_err(problem)?;
        let digest = hex(&Sha256::digest(&bytes));
        let read = match ending.as_str() {
            "csv" => csv::read(bytes),
            _ => parquet::read(bytes),
        };
        let Parts { rows, mut columns, lines } = read.map_err(problem)?;
        if names == Names::LowerCase {
            for column in &mut columns {
                column.name = column.name.to_lowercase();
            }
        }
        let mut seen = HashSet::new();
        if let Some(twice) = columns.iter().find(|column| !seen.insert(column.name.as_str())) {
            return Err(problem(TableProblem::DuplicateColumn(twice.name.clone())));
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, path: path.to_owned(), rows, columns, lines, digest })
    }

    /// The file's name without its ending.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file's name.
    pub fn file_name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Where the table was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of data rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns in the order of the file.
    pub fn columns(&self) -> &[TableColumn] {
        &self.columns
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&TableColumn> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Takes the column of this name out of the table, so that its memory is free when the caller is done with it.
    pub fn take_column(&mut self, name: &str) -> Option<TableColumn> {
        let at = self.columns.iter().position(|column| column.name == name)?;
        Some(self.columns.remove(at))
    }

    /// The names of the columns in the order of the file.
    pub fn column_names(&self) -> Vec<&str> {
        self.columns.iter().map(TableColumn::name).collect()
    }

    /// The line (from 1) on which a row (from 0) starts; `None` for Parquet.
    pub fn line_of(&self, row: usize) -> Option<usize> {
        self.lines.line_of(row)
    }

    /// SHA-256 of the file's bytes, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// An error about this table's file.
    pub fn error(&self, problem: TableProblem) -> TableError {
        TableError { path: self.path.clone(), problem }
    }
}

/// What a format's reader hands over.
struct Parts {
    rows: usize,
    columns: Vec<TableColumn>,
    lines: LineIndex,
}

fn read_bytes(path: &Path, known_ending: bool) -> Result<Vec<u8>, TableProblem> {
    let found = fs::metadata(path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => TableProblem::NotFound,
        _ => TableProblem::Io(e),
    })?;
    if found.is_dir() {
        return Err(TableProblem::Folder);
    }
    if !known_ending {
        return Err(TableProblem::UnknownEnding);
    }
    // A pipe would be waited for without end, and a device may never end.
    if !found.is_file() {
        return Err(TableProblem::NotAFile);
    }
    fs::read(path).map_err(TableProblem::Io)
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
