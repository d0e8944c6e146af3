//! Flat tables: one row per employee or per employee-period, any columns; a schema names the roles.

mod columns;
mod schema;
mod scoring;
mod training;

#[cfg(test)]
mod tests;

pub use self::columns::{FlatColumn, FlatValues};
pub use self::schema::{FeatureNotes, FlatSchema, Monotone};
pub use self::scoring::{ScoringTable, WantedColumn, read_flat_for_scoring};
pub use self::training::{FlatTable, read_flat};
