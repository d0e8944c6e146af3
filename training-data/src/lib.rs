//! HR tables in, validated histories out; the generator of sample companies.

pub mod atomic;
pub mod export;
pub mod generate;
