//! Parquet: typed columns, brought to the few types a cell can have.

use std::io::Cursor;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

use flight_risk_scoring::Day;
use polars_core::prelude::{Column, DataType};
use polars_io::SerReader;
use polars_io::prelude::ParquetReader;

use super::{LineIndex, Parts, TableColumn, TableProblem, Values};
use crate::cell::trim;

/// Reads of Parquet files under way, for the panic hook.
static READING: AtomicUsize = AtomicUsize::new(0);

/// Reads a Parquet file. polars panics on some damaged files instead of returning an error; to whoever gave the file
/// that is an unreadable file like any other.
pub(super) fn read(bytes: Vec<u8>) -> Result<Parts, TableProblem> {
    check_complete(&bytes)?;
    silence_polars_while_reading();
    READING.fetch_add(1, Ordering::SeqCst);
    let read = panic::catch_unwind(AssertUnwindSafe(|| read_frame(bytes)));
    READING.fetch_sub(1, Ordering::SeqCst);
    read.unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("damaged");
        Err(TableProblem::Unreadable { format: "Parquet", reason: text.lines().next().unwrap_or_default().to_owned() })
    })
}

/// The mark at both ends of a Parquet file.
const MARK: &[u8] = b"PAR1";

/// A file that is cut off lacks its end, or the length that stands there does not fit. Checked here, because what polars
/// makes of such a file may be a request for more memory than there is, which ends the process.
fn check_complete(bytes: &[u8]) -> Result<(), TableProblem> {
    let damaged = |reason: &str| Err(TableProblem::Unreadable { format: "Parquet", reason: reason.to_owned() });
    if !bytes.starts_with(MARK) {
        return damaged("it does not begin like one");
    }
    let Some((body, [a, b, c, d, mark @ ..])) = bytes.split_last_chunk::<8>() else {
        return damaged("it is too short");
    };
    let footer = u32::from_le_bytes([*a, *b, *c, *d]);
    if mark != MARK {
        return damaged("its end is missing");
    }
    if usize::try_from(footer).map_or(true, |length| length + MARK.len() > body.len()) {
        return damaged("its end does not fit the rest");
    }
    Ok(())
}

/// Keeps the default panic message off the terminal for panics within polars during a read: the error says it better.
fn silence_polars_while_reading() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let former = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let in_polars =
                info.location().is_some_and(|at| at.file().contains("polars") || at.file().starts_with("/rustc/"));
            if READING.load(Ordering::SeqCst) == 0 || !in_polars {
                former(info);
            }
        }));
    });
}

fn read_frame(bytes: Vec<u8>) -> Result<Parts, TableProblem> {
    let frame = ParquetReader::new(Cursor::new(bytes)).finish().map_err(unreadable)?;
    let rows = frame.height();
    let mut columns = Vec::with_capacity(frame.width());
    for (i, column) in frame.into_columns().into_iter().enumerate() {
        let name = trim(column.name()).to_owned();
        if name.is_empty() {
            return Err(TableProblem::UnnamedColumn(i + 1));
        }
        let values = values(column).map_err(unreadable)?;
        columns.push(TableColumn { name, values });
    }
    if columns.is_empty() {
        return Err(TableProblem::Empty);
    }
    Ok(Parts { rows, columns, lines: LineIndex::default() })
}

fn unreadable(error: polars_core::error::PolarsError) -> TableProblem {
    TableProblem::Unreadable { format: "Parquet", reason: error.to_string() }
}

fn values(column: Column) -> Result<Values, polars_core::error::PolarsError> {
    let wanted = match column.dtype() {
        DataType::String | DataType::Categorical(..) | DataType::Enum(..) | DataType::Binary | DataType::Null => {
            DataType::String
        }
        // Whole numbers beyond 63 bits are identifiers, not amounts.
        DataType::UInt64 if column.u64().is_ok_and(|v| v.iter().flatten().any(|v| i64::try_from(v).is_err())) => {
            DataType::String
        }
        kind if kind.is_integer() => DataType::Int64,
        DataType::Float32 | DataType::Float64 | DataType::Decimal(..) => DataType::Float64,
        DataType::Boolean => DataType::Boolean,
        DataType::Date | DataType::Datetime(..) => DataType::Date,
        other => return Ok(Values::Unsupported(other.to_string())),
    };
    let column = column.cast(&wanted)?.rechunk();
    Ok(match wanted {
        DataType::String => Values::Text(column.str()?.clone()),
        DataType::Int64 => Values::Integer(column.i64()?.clone()),
        DataType::Boolean => Values::Flag(column.bool()?.clone()),
        DataType::Date => {
            let days = column.cast(&DataType::Int32)?.i32()?.clone();
            if days.iter().flatten().all(|day| Day::from_epoch_days(day).is_some()) {
                Values::Day(days)
            } else {
                // Days outside the calendar of HR are refused as text, as they are in CSV, and not lost as blanks.
                Values::Text(column.cast(&DataType::String)?.rechunk().str()?.clone())
            }
        }
        _ => Values::Number(column.f64()?.clone()),
    })
}
