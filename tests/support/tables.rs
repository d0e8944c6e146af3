//! CSV files as a client would read them, knowing nothing of the engine.

use std::collections::HashMap;
use std::path::Path;

/// A table: named columns, rows of texts.
#[derive(Clone, Debug)]
pub(crate) struct CsvTable {
    columns: HashMap<String, usize>,
    rows: Vec<Vec<String>>,
}

impl CsvTable {
    /// Reads a file whose fields may be quoted (RFC 4180).
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut records = records(&text).into_iter();
        let header = records.next().unwrap_or_else(|| panic!("{} is empty", path.display()));
        let rows: Vec<Vec<String>> = records.collect();
        assert!(rows.iter().all(|row| row.len() == header.len()), "{}: ragged rows", path.display());
        Self { columns: header.into_iter().enumerate().map(|(i, name)| (name, i)).collect(), rows }
    }

    /// The rows.
    pub(crate) fn rows(&self) -> impl Iterator<Item = CsvRow<'_>> {
        self.rows.iter().map(|cells| CsvRow { table: self, cells })
    }

    /// Whether there is such a column.
    pub(crate) fn has(&self, column: &str) -> bool {
        self.columns.contains_key(column)
    }
}

/// A row of a [`CsvTable`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct CsvRow<'t> {
    table: &'t CsvTable,
    cells: &'t [String],
}

impl<'t> CsvRow<'t> {
    /// A cell; `None` when it is blank.
    #[track_caller]
    pub(crate) fn get(&self, column: &str) -> Option<&'t str> {
        let position = self.table.columns.get(column).unwrap_or_else(|| panic!("no column {column}"));
        Some(self.cells[*position].as_str()).filter(|text| !text.is_empty())
    }

    /// A cell that must not be blank.
    #[track_caller]
    pub(crate) fn text(&self, column: &str) -> &'t str {
        self.get(column).unwrap_or_else(|| panic!("{column} is blank in {:?}", self.cells))
    }

    /// A number; `None` when it is blank.
    #[track_caller]
    pub(crate) fn number(&self, column: &str) -> Option<f64> {
        self.get(column).map(|text| text.parse().unwrap_or_else(|_| panic!("{column} = {text}")))
    }
}

fn records(text: &str) -> Vec<Vec<String>> {
    let mut records = Vec::new();
    let mut record = Vec::new();
    let mut field = String::new();
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                field.push('"');
                characters.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut field)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            other => field.push(other),
        }
    }
    if !field.is_empty() || !record.is_empty() {
        record.push(field);
        records.push(record);
    }
    records
}
