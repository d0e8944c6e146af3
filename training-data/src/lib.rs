//! HR tables in, validated histories out; the generator of sample companies.

pub mod atomic;
pub mod cell;
pub mod error;
pub mod export;
pub mod generate;
pub mod native;
pub mod report;
pub mod table;

pub use error::DataError;
pub use native::{NativeData, NativeOptions, read_native};
pub use report::ValidationReport;
