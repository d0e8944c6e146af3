//! Fixtures: the command, a sample company, a flat table, models trained on them, and a server.
//!
//! Each is made once per run, at first use, in a folder below `target/tmp`; tests read them and never change them.

mod command;
mod flat;
mod folder;
mod models;
mod server;

pub(crate) use command::{BINARY, Output, command, flight_risk};
pub(crate) use flat::{FlatFixture, flat_table};
pub(crate) use folder::{new_folder, root};
pub(crate) use models::{committed_sample, sample_company, trained_flat_model, trained_model};
pub(crate) use server::Server;
