//! The one command: parses, wires, prints. Decisions are made in the crates.

mod audit;
mod backup;
mod check;
mod cli;
mod demo;
mod evaluate;
mod explain;
mod failure;
mod features;
mod figures;
mod generate;
mod holder;
mod keep;
mod keys;
mod load;
mod progress;
mod score;
mod serve;
mod train;
mod users;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    // Before anything that could speak TLS: two providers in one process stop it at the first handshake.
    flight_risk_server::tls::install_provider();
    let cli = Cli::parse();
    let output = Output { quiet: cli.quiet, json: cli.json };
    let done = match &cli.command {
        Command::Demo(options) => demo::run(options, output),
        Command::Generate(options) => generate::run(options, output),
        Command::Check(options) => check::run(options, output),
        Command::Features(options) => features::run(options, output),
        Command::Train(options) => train::run(options, output),
        Command::Evaluate(options) => evaluate::run(options, output),
        Command::Score(options) => score::run(options, output),
        Command::Explain(options) => explain::run(options, output),
        Command::Keys(options) => keys::run(options, output),
        Command::Users(options) => users::run(options, output),
        Command::Serve(options) => serve::run(options, output),
        Command::Audit(options) => audit::run(options, output),
        Command::Backup(options) => backup::run(options, output),
    };
    match done {
        Ok(code) => code,
        Err(error) => failure::report(&error),
    }
}

/// How results are shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// Without progress.
    pub(crate) quiet: bool,
    /// As JSON.
    pub(crate) json: bool,
}
