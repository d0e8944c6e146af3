//! `flight-risk check`: every problem of the data at once.

use std::io::Write;
use std::process::ExitCode;

use flight_risk_data::{DataError, NativeOptions, ValidationReport, read_native};

use crate::Output;
use crate::cli::Check;
use crate::failure::{Kind, failed};
use crate::load;
use crate::progress::Stages;

pub(crate) fn run(options: &Check, output: Output) -> anyhow::Result<ExitCode> {
    let plan = load::plan(options.config.as_deref())?;
    let stages = Stages::start(output.quiet);
    stages.stage("Checking the records");
    let report = if options.data.data.is_dir() && options.data.schema.is_none() {
        let native =
            NativeOptions { today: load::today()?, data_end: plan.data_end, protected: plan.protected.clone() };
        report_of(read_native(&options.data.data, &native).map(|data| data.report))
    } else {
        match load::labelled(&options.data, &plan) {
            Ok(load::Labelled::Flat { table, .. }) => Ok(table.report),
            Ok(load::Labelled::Native(data)) => Ok(data.report),
            Err(error) => Err(error),
        }
    }?;
    drop(stages);
    let mut out = std::io::stdout().lock();
    if output.json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{report}")?;
    }
    Ok(if report.refused() { ExitCode::from(Kind::Data as u8) } else { ExitCode::SUCCESS })
}

/// The report of data that can be used and of data that are refused alike.
fn report_of(read: Result<ValidationReport, DataError>) -> anyhow::Result<ValidationReport> {
    match read {
        Ok(report) => Ok(report),
        Err(DataError::Refused(report)) => Ok(*report),
        Err(error) => Err(failed(Kind::Data)(error)),
    }
}
