//! HR tables in, validated histories out; the generator of sample companies.

pub mod atomic;
pub mod cell;
pub mod error;
pub mod export;
pub mod flat;
pub mod generate;
pub mod native;
pub mod report;
pub mod table;

#[cfg(test)]
mod speed;

pub use error::DataError;
pub use flat::{
    FlatColumn, FlatSchema, FlatTable, FlatValues, ScoringTable, WantedColumn, read_flat, read_flat_for_scoring,
};
pub use native::{NativeData, NativeOptions, read_native};
pub use report::ValidationReport;
