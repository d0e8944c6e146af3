//! Where people leave, and why: about groups, never about a person. Pure: no store, no transport.

mod design;
pub(crate) mod dimension;
pub(crate) mod drivers;
pub(crate) mod excess;
pub(crate) mod figures;
mod leverage;
pub(crate) mod population;
#[cfg(test)]
pub(crate) mod scale_tests;
pub(crate) mod suppression;
#[cfg(test)]
mod suppression_tests;
pub(crate) mod trend;
