//! Parquet: typed columns, brought to the few types a cell can have.

use std::io::Cursor;

use flight_risk_scoring::Day;
use polars_core::prelude::{Column, DataType};
use polars_io::SerReader;
use polars_io::prelude::ParquetReader;

use super::{LineIndex, Parts, TableColumn, TableProblem, Values};
use crate::cell::trim;

pub(super) fn read(bytes: Vec<u8>) -> Result<Parts, TableProblem> {
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
