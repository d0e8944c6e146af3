//! Tables out: CSV or Parquet by the file's ending, whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flight_risk_scoring::Day;
use polars_core::prelude::{Column, DataFrame, DataType, IntoColumn, NamedFrom, Series};
use polars_io::prelude::ParquetWriter;
use rayon::prelude::*;

use crate::atomic::{AtomicError, write_atomically};

/// Rows that one thread turns into text at a time.
const ROWS_PER_CHUNK: usize = 16_384;

/// The values of one column.
#[derive(Clone, Debug, PartialEq)]
pub enum ExportColumn {
    /// Text; `None` is a blank cell.
    Text(Vec<Option<String>>),
    /// Numbers; NaN is a blank cell. Written in the shortest form that reads back to the same double.
    Number(Vec<f64>),
    /// Whole numbers.
    Integer(Vec<i64>),
    /// Days, as `YYYY-MM-DD` or Parquet's date.
    Day(Vec<Day>),
    /// Days; `None` is a blank cell.
    OptionalDay(Vec<Option<Day>>),
    /// `true` or `false`.
    Flag(Vec<bool>),
}

impl ExportColumn {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Number(values) => values.len(),
            Self::Integer(values) => values.len(),
            Self::Day(values) => values.len(),
            Self::OptionalDay(values) => values.len(),
            Self::Flag(values) => values.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn write_cell(&self, row: usize, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Text(values) => write_text(values.get(row).and_then(Option::as_deref).unwrap_or_default(), out),
            Self::Number(values) => write_number(values.get(row).copied().unwrap_or(f64::NAN), out),
            Self::Integer(values) => values.get(row).map_or(Ok(()), |value| write!(out, "{value}")),
            Self::Day(values) => values.get(row).map_or(Ok(()), |day| write!(out, "{day}")),
            Self::OptionalDay(values) => values.get(row).copied().flatten().map_or(Ok(()), |day| write!(out, "{day}")),
            Self::Flag(values) => {
                out.extend_from_slice(if values.get(row) == Some(&true) { b"true" } else { b"false" });
                Ok(())
            }
        }
    }

    fn into_polars(self, name: &str) -> Result<Column, polars_core::error::PolarsError> {
        let series = match self {
            Self::Text(values) => Series::new(name.into(), values),
            Self::Number(values) => {
                let known: Vec<Option<f64>> = values.into_iter().map(|v| (!v.is_nan()).then_some(v)).collect();
                Series::new(name.into(), known)
            }
            Self::Integer(values) => Series::new(name.into(), values),
            Self::Day(values) => {
                let days: Vec<i32> = values.into_iter().map(Day::epoch_days).collect();
                Series::new(name.into(), days).cast(&DataType::Date)?
            }
            Self::OptionalDay(values) => {
                let days: Vec<Option<i32>> = values.into_iter().map(|day| day.map(Day::epoch_days)).collect();
                Series::new(name.into(), days).cast(&DataType::Date)?
            }
            Self::Flag(values) => Series::new(name.into(), values),
        };
        Ok(series.into_column())
    }
}

/// Why a table could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file's ending names no format that can be written.
    #[error("cannot tell the format of {path} from its ending; name it .csv or .parquet", path = .0.display())]
    UnknownFormat(PathBuf),
    /// Columns of different lengths, or two of one name: the caller's mistake.
    #[error("cannot write {path}: {what}", path = path.display())]
    Columns {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
    /// The file could not be put in its place.
    #[error(transparent)]
    Write(#[from] AtomicError),
}

/// Writes a table of named columns of equal length, as CSV or Parquet by the ending of `path`.
///
/// The file appears only when it is complete; a former file of that name is replaced.
pub fn write_table(path: &Path, columns: Vec<(String, ExportColumn)>) -> Result<(), ExportError> {
    let mismatch = |what: String| ExportError::Columns { path: path.to_owned(), what };
    let rows = columns.first().map_or(0, |(_, column)| column.len());
    if let Some((name, column)) = columns.iter().find(|(_, column)| column.len() != rows) {
        return Err(mismatch(format!("column `{name}` has {} rows where the others have {rows}", column.len())));
    }
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    match ending.as_str() {
        "csv" => Ok(write_atomically(path, |out| write_csv(out, rows, &columns))?),
        "parquet" => {
            let frame: Result<Vec<Column>, _> =
                columns.into_iter().map(|(name, column)| column.into_polars(&name)).collect();
            let mut frame =
                frame.and_then(|columns| DataFrame::new(rows, columns)).map_err(|e| mismatch(e.to_string()))?;
            write_atomically(path, |out| {
                ParquetWriter::new(out).finish(&mut frame).map(drop).map_err(io::Error::other)
            })?;
            Ok(())
        }
        _ => Err(ExportError::UnknownFormat(path.to_owned())),
    }
}

fn write_csv(out: &mut BufWriter<File>, rows: usize, columns: &[(String, ExportColumn)]) -> io::Result<()> {
    let mut header = Vec::new();
    for (i, (name, _)) in columns.iter().enumerate() {
        if i > 0 {
            header.push(b',');
        }
        write_text(name, &mut header)?;
    }
    header.push(b'\n');
    out.write_all(&header)?;
    // Text is made by all threads for one stretch of rows at a time, so that memory stays small however long the table is.
    let stretch = ROWS_PER_CHUNK * rayon::current_num_threads().max(1) * 2;
    for start in (0..rows).step_by(stretch) {
        let end = rows.min(start + stretch);
        let starts: Vec<usize> = (start..end).step_by(ROWS_PER_CHUNK).collect();
        let chunks: Vec<io::Result<Vec<u8>>> =
            starts.par_iter().map(|&from| csv_rows(from..end.min(from + ROWS_PER_CHUNK), columns)).collect();
        for chunk in chunks {
            out.write_all(&chunk?)?;
        }
    }
    Ok(())
}

fn csv_rows(rows: std::ops::Range<usize>, columns: &[(String, ExportColumn)]) -> io::Result<Vec<u8>> {
    let mut text = Vec::with_capacity(rows.len() * columns.len() * 12);
    for row in rows {
        let start = text.len();
        for (i, (_, column)) in columns.iter().enumerate() {
            if i > 0 {
                text.push(b',');
            }
            column.write_cell(row, &mut text)?;
        }
        if text.len() == start {
            // One blank cell in the only column: an empty line would be no row at all.
            text.extend_from_slice(b"\"\"");
        }
        text.push(b'\n');
    }
    Ok(text)
}

fn write_text(text: &str, out: &mut Vec<u8>) -> io::Result<()> {
    let plain = !text.bytes().any(|b| matches!(b, b',' | b'"' | b'\n' | b'\r'))
        && !text.starts_with([' ', '\t'])
        && !text.ends_with([' ', '\t']);
    if plain {
        out.extend_from_slice(text.as_bytes());
    } else {
        out.push(b'"');
        out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
        out.push(b'"');
    }
    Ok(())
}

fn write_number(value: f64, out: &mut Vec<u8>) -> io::Result<()> {
    let size = value.abs();
    if value.is_nan() {
        Ok(())
    } else if size != 0.0 && !(1e-7..1e17).contains(&size) {
        // Without an exponent such numbers would be hundreds of digits long.
        write!(out, "{value:e}")
    } else {
        write!(out, "{value}")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;
    use crate::table::{Names, Table};

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    fn sample() -> Vec<(String, ExportColumn)> {
        let numbers = vec![0.1 + 0.2, f64::NAN, 1e300, -5e-324, 1234567.0, -0.0];
        let text = ["a", "x, \"y\"", "two\nlines", " edge", "é"].map(|t| Some(t.to_owned()));
        vec![
            ("text".to_owned(), ExportColumn::Text(text.into_iter().chain([None]).collect())),
            ("number, all".to_owned(), ExportColumn::Number(numbers)),
            ("whole".to_owned(), ExportColumn::Integer(vec![i64::MAX, i64::MIN, 0, 1, 2, 3])),
            ("day".to_owned(), ExportColumn::Day(vec![day("2024-02-29"); 6])),
            (
                "maybe".to_owned(),
                ExportColumn::OptionalDay([None, Some(day("1969-12-31"))].into_iter().cycle().take(6).collect()),
            ),
            ("flag".to_owned(), ExportColumn::Flag([true, false].into_iter().cycle().take(6).collect())),
        ]
    }

    #[test]
    fn csv_is_what_it_should_look_like() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        write_table(&path, sample()).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "\
text,\"number, all\",whole,day,maybe,flag
a,0.30000000000000004,9223372036854775807,2024-02-29,,true
\"x, \"\"y\"\"\",,-9223372036854775808,2024-02-29,1969-12-31,false
\"two
lines\",1e300,0,2024-02-29,,true
\" edge\",-5e-324,1,2024-02-29,1969-12-31,false
é,1234567,2,2024-02-29,,true
,-0,3,2024-02-29,1969-12-31,false
"
        );
    }

    #[test]
    fn both_formats_read_back_to_the_same_values() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["t.csv", "t.PARQUET"] {
            let path = dir.path().join(name);
            write_table(&path, sample()).unwrap();
            let table = Table::read(&path, Names::AsWritten).unwrap();
            let ExportColumn::Number(numbers) = &sample()[1].1 else { panic!("the second column") };
            for (row, &number) in numbers.iter().enumerate() {
                let read = table.column("number, all").unwrap().cell(row).number().unwrap();
                assert_eq!(read.map(f64::to_bits), (!number.is_nan()).then(|| number.to_bits()), "{name} row {row}");
            }
            let days = table.column("maybe").unwrap();
            assert_eq!((days.cell(0).day(), days.cell(1).day()), (Ok(None), Ok(Some(day("1969-12-31")))), "{name}");
            assert_eq!(table.column("flag").unwrap().cell(1).flag(), Some(Some(false)), "{name}");
            assert_eq!(table.column("text").unwrap().cell(1).text().unwrap(), "x, \"y\"", "{name}");
            assert_eq!(table.column("whole").unwrap().cell(1).text().unwrap(), i64::MIN.to_string(), "{name}");
        }
    }

    #[test]
    fn a_single_blank_cell_is_still_a_row() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        write_table(&path, vec![("a".to_owned(), ExportColumn::Number(vec![1.0, f64::NAN, 2.0]))]).unwrap();
        assert_eq!(Table::read(&path, Names::AsWritten).unwrap().rows(), 3);
    }

    #[test]
    fn what_cannot_be_written_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, columns| write_table(&dir.path().join(name), columns).unwrap_err().to_string();
        assert!(write("t.xlsx", sample()).ends_with("name it .csv or .parquet"));
        let uneven =
            vec![("a".to_owned(), ExportColumn::Integer(vec![1, 2])), ("b".to_owned(), ExportColumn::Integer(vec![1]))];
        assert!(write("t.csv", uneven).ends_with("column `b` has 1 rows where the others have 2"));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
