//! `flight-risk train`: data in, model directory out.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use flight_risk_model::directory::{check_model_directory, write_model_directory};
use flight_risk_model::{TrainError, TrainOptions, train_flat, train_native};
use flight_risk_scoring::Artifact;

use crate::cli::Train;
use crate::failure::{Kind, failed};
use crate::progress::Stages;
use crate::{Output, figures, load};

pub(crate) fn run(options: &Train, output: Output) -> anyhow::Result<ExitCode> {
    let plan = load::plan(options.config.as_deref())?;
    // Asked before the work, not after it.
    check_model_directory(&options.out).map_err(failed(Kind::Output))?;
    let stages = Stages::start(output.quiet);
    stages.stage("Reading the records");
    let data = load::labelled(&options.data, &plan)?;
    let wanted = TrainOptions { allow_weak: options.allow_weak, backtest: options.backtest };
    let progress = |stage: &str| stages.stage(stage);
    let artifact = match &data {
        load::Labelled::Native(data) => train_native(data, &plan, wanted, &progress),
        load::Labelled::Flat { table, schema } => train_flat(table, schema, &plan, wanted, &progress),
    }
    .map_err(|error| failed(kind(&error))(error))?;
    stages.stage("Writing the model");
    write(&options.out, &artifact)?;
    drop(stages);
    let mut out = std::io::stdout().lock();
    if output.json {
        let content = artifact.content();
        let summary = serde_json::json!({
            "folder": options.out, "model_version": artifact.model_version(), "sha256": artifact.sha256(),
            "metrics": content.metrics, "notes": content.provenance.notes, "data_notes": load::notes(data.report()),
        });
        writeln!(out, "{summary}")?;
    } else {
        let metrics = &artifact.content().metrics;
        figures::print_verdict(&mut out, &metrics.verdict)?;
        figures::print_metrics(&mut out, metrics)?;
        figures::print_periods(
            &mut out,
            "Walking forward, each period judged by a model of what was known before",
            &metrics.backtest,
        )?;
        figures::print_guards(&mut out, &metrics.guards)?;
        figures::print_notes(&mut out, &artifact.content().provenance.notes)?;
        figures::print_notes(&mut out, &load::notes(data.report()))?;
        writeln!(
            out,
            "Model {} in {}; read {} first",
            artifact.model_version(),
            options.out.display(),
            options.out.join("report.html").display()
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a model directory.
pub(crate) fn write(dir: &Path, artifact: &Artifact) -> anyhow::Result<()> {
    write_model_directory(dir, artifact).map_err(failed(Kind::Output))
}

/// The exit code of a failed training.
pub(crate) fn kind(error: &TrainError) -> Kind {
    match error {
        TrainError::NoRows(_)
        | TrainError::OneEmployee { .. }
        | TrainError::TooFewEvents { .. }
        | TrainError::NoFeatures(_) => Kind::NothingToLearn,
        TrainError::Solve(_) => Kind::NothingToLearn,
        TrainError::NoTime => Kind::Data,
        TrainError::NotPublishable(_) => Kind::NotPublishable,
        TrainError::Artifact(_) => Kind::Model,
    }
}
