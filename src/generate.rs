//! `flight-risk generate`: the HR tables of an invented company.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use flight_risk_data::atomic::replace_directory;
use flight_risk_data::generate::{GeneratedCompany, GeneratorError, GeneratorOptions, TRUTH_FILE, generate, write};
use flight_risk_scoring::Day;

use crate::Output;
use crate::cli::{Company, Generate};
use crate::failure::{Kind, failed};
use crate::progress::Stages;

pub(crate) fn run(options: &Generate, output: Output) -> anyhow::Result<ExitCode> {
    let stages = Stages::start(output.quiet);
    stages.stage("Generating a company");
    let company = company(&options.company)?;
    stages.stage("Writing its tables");
    write_to(&company, &options.out)?;
    drop(stages);
    let mut out = std::io::stdout().lock();
    if output.json {
        let summary = serde_json::json!({"folder": options.out, "people": company.employees.len()});
        writeln!(out, "{summary}")?;
    } else {
        writeln!(
            out,
            "{} people over {} years in {}; its README.md explains each table",
            company.employees.len(),
            options.company.years,
            options.out.display()
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Generates a company.
pub(crate) fn company(options: &Company) -> anyhow::Result<GeneratedCompany> {
    generate(&options_of(options)).map_err(failed(Kind::Usage))
}

/// Generates a company whose records end on a day.
pub(crate) fn company_until(options: &Company, end: Day) -> anyhow::Result<GeneratedCompany> {
    generate(&GeneratorOptions { end, ..options_of(options) }).map_err(failed(Kind::Usage))
}

fn options_of(options: &Company) -> GeneratorOptions {
    GeneratorOptions::new(options.employees, options.years, options.seed)
}

/// Whether a folder was generated.
pub(crate) fn is_generated(dir: &Path) -> bool {
    dir.join(TRUTH_FILE).is_file()
}

/// Writes the tables; a folder is replaced only when it was generated before.
pub(crate) fn write_to(company: &GeneratedCompany, dir: &Path) -> anyhow::Result<()> {
    replace_directory(dir, is_generated, |partial| -> Result<(), GeneratorError> { write(company, partial) })
        .map_err(failed(Kind::Output))
}
