//! Fixtures: the command, a sample company, a flat table, models trained on them, a server, and a client's view of the tables.
//!
//! Each is made once per run, at first use, in a folder below `target/tmp`; tests read them and never change them.

mod bent;
mod client;
mod command;
mod drawn;
mod flat;
mod folder;
mod models;
mod plain;
mod scores;
mod server;
mod tables;
mod tools;

pub(crate) use bent::{Bent, bent_model, bent_table, namesakes_model, namesakes_table, train_flat};
pub(crate) use client::ClientCompany;
pub(crate) use command::{Output, command, flight_risk};
pub(crate) use drawn::{DRAWN_SCHEMA, Drawn};
pub(crate) use flat::{FlatFixture, flat_table};
pub(crate) use folder::{new_folder, root};
pub(crate) use models::{committed_sample, generate, sample_company, trained_flat_model, trained_model};
pub(crate) use plain::{Plain, PlainFeature, PlainKind};
pub(crate) use scores::{FileScore, score};
pub(crate) use server::Server;
pub(crate) use tables::{CsvRow, CsvTable};
pub(crate) use tools::{node_packages, run};
