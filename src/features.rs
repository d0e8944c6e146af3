//! `flight-risk features`: the training rows for anyone's own model, and the data dictionary.

use std::io::Write;
use std::process::ExitCode;

use flight_risk_data::export::{ExportColumn, write_table};
use flight_risk_model::snapshots::{Snapshots, snapshots};
use flight_risk_scoring::{Company, features};

use crate::Output;
use crate::cli::Features;
use crate::failure::{Kind, failed};
use crate::load;
use crate::progress::Stages;

pub(crate) fn run(options: &Features, output: Output) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let (Some(data), Some(file)) = (&options.data, &options.out) else {
        write!(out, "{}", features::data_dictionary())?;
        return Ok(ExitCode::SUCCESS);
    };
    load::check_output(file, data)?;
    let plan = load::plan(options.config.as_deref())?;
    let stages = Stages::start(output.quiet);
    stages.stage("Reading the records");
    let data = load::native(data, &plan)?;
    stages.stage("Building employee-periods");
    let rows = snapshots(&data.company, &plan);
    stages.stage("Writing the rows");
    write_table(file, columns(&rows, &data.company)).map_err(failed(Kind::Output))?;
    drop(stages);
    let events = rows.rows.iter().filter(|row| row.event).count();
    if output.json {
        let summary = serde_json::json!({
            "file": file, "rows": rows.rows.len(), "events": events, "censored": rows.censored,
            "observed_from": rows.observed_from, "data_end": rows.grid.data_end,
        });
        writeln!(out, "{summary}")?;
    } else {
        writeln!(
            out,
            "{} employee-periods with {events} voluntary exits in {}; {} more were censored. Columns: flight-risk features --dictionary",
            rows.rows.len(),
            file.display(),
            rows.censored
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

fn columns(snapshots: &Snapshots, company: &Company) -> Vec<(String, ExportColumn)> {
    let rows = &snapshots.rows;
    let id = |employee: usize| company.histories().get(employee).map(|history| history.employee_id().to_string());
    // The period that a row predicts, as an ISO 8601 interval: after the first day, up to and including the second.
    let mut periods = std::collections::HashMap::new();
    for back in 1.. {
        let as_of = snapshots.grid.as_of(back);
        if as_of < snapshots.observed_from {
            break;
        }
        let (after, until) = snapshots.grid.predicted(back);
        periods.insert(as_of, format!("{after}/{until}"));
    }
    let mut columns = vec![
        ("employee_id".to_owned(), ExportColumn::Text(rows.iter().map(|row| id(row.employee)).collect())),
        ("as_of".to_owned(), ExportColumn::Day(rows.iter().map(|row| row.as_of).collect())),
    ];
    for (position, spec) in features::registry().enumerate() {
        let values = rows.iter().map(|row| row.values.get(position).copied().unwrap_or(f64::NAN)).collect();
        columns.push((spec.name.to_owned(), ExportColumn::Number(values)));
    }
    columns.push(("label".to_owned(), ExportColumn::Integer(rows.iter().map(|row| i64::from(row.event)).collect())));
    let period = rows.iter().map(|row| periods.get(&row.as_of).cloned()).collect();
    columns.push(("period".to_owned(), ExportColumn::Text(period)));
    columns
}
