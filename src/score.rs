//! `flight-risk score`: everybody's risk in a file, in a store, or in both.

use std::io::Write;
use std::process::ExitCode;

use flight_risk_data::export::{ExportColumn, write_table};
use flight_risk_model::bulk::Scored;
use flight_risk_scoring::Scorer;
use flight_risk_scoring::explain::FactorWords;
use flight_risk_scoring::scorer::{Band, HorizonRisk};

use crate::cli::Score;
use crate::failure::{Kind, failed};
use crate::keep::{self, Keeper};
use crate::load::ScoredData;
use crate::progress::Stages;
use crate::{Output, figures, holder, load};

pub(crate) fn run(options: &Score, output: Output) -> anyhow::Result<ExitCode> {
    if let Some(out) = &options.out {
        load::check_output(out, &options.data)?;
    }
    let scorer = load::model(&options.model)?;
    if options.store.is_some() {
        keep::check(&scorer, options.as_of)?;
    }
    let stages = Stages::start(output.quiet);
    let data = load::score(&scorer, &options.data, options.as_of, &stages)?;
    if let Some(out) = &options.out {
        stages.stage("Writing the scores");
        let factors = if options.explain { usize::from(options.factors) } else { 0 };
        write_table(out, columns(&scorer, &data, factors)).map_err(failed(Kind::Output))?;
    }
    if let Some(url) = &options.store {
        stages.stage("Writing to the store");
        let (key_file, name) = (options.key_file.as_deref(), holder::own_name());
        Keeper { url, key_file, name: &name }.write(&scorer, &data)?;
    }
    let seconds = stages.seconds();
    drop(stages);
    let abstained = data.scored.iter().filter(|scored| scored.assessment.band == Band::Abstained).count();
    let stored = options.store.is_some();
    let mut out = std::io::stdout().lock();
    if output.json {
        let stages: Vec<_> =
            seconds.iter().map(|(stage, seconds)| serde_json::json!({ "stage": stage, "seconds": seconds })).collect();
        let summary = serde_json::json!({
            "file": options.out, "stored": stored, "stages": stages, "scored": data.scored.len(), "abstained": abstained,
            "model_version": scorer.artifact().model_version(), "data_notes": data.notes(),
        });
        writeln!(out, "{summary}")?;
    } else {
        // The store's address may hold a password.
        let file = options.out.as_ref().map(|out| out.display().to_string());
        let places: Vec<String> = file.into_iter().chain(stored.then(|| "the store".to_owned())).collect();
        writeln!(
            out,
            "{} scored in {} by model {}; for {abstained} of them the model abstains (band `abstained`, reason in `doubt`)",
            data.scored.len(),
            places.join(" and in "),
            scorer.artifact().model_version()
        )?;
        figures::print_notes(&mut out, &data.notes())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The columns of a score file: employee_id, risk, risk at each horizon, low, high, band, doubt, and the strongest factors.
pub(crate) fn columns(scorer: &Scorer, data: &ScoredData, factors: usize) -> Vec<(String, ExportColumn)> {
    let scored = &data.scored;
    let number = |value: &dyn Fn(&Scored) -> f64| ExportColumn::Number(scored.iter().map(value).collect());
    let text = |value: &dyn Fn(&Scored) -> Option<String>| ExportColumn::Text(scored.iter().map(value).collect());
    let mut columns = vec![
        ("employee_id".to_owned(), text(&|s| Some(data.id(s).to_owned()))),
        ("risk".to_owned(), number(&|s| s.assessment.risk.get())),
    ];
    let horizons: Vec<u32> = scored
        .first()
        .map(|s| s.assessment.horizons.iter().map(|h: &HorizonRisk| h.months).collect())
        .unwrap_or_default();
    for (position, months) in horizons.iter().enumerate() {
        let risk = |s: &Scored| s.assessment.horizons.get(position).map_or(f64::NAN, |horizon| horizon.risk.get());
        columns.push((format!("risk_{months}m"), number(&risk)));
    }
    columns.push(("low".to_owned(), number(&|s| s.assessment.low.get())));
    columns.push(("high".to_owned(), number(&|s| s.assessment.high.get())));
    columns.push(("band".to_owned(), text(&|s| Some(s.assessment.band.name().to_owned()))));
    let doubts = |s: &Scored| {
        let doubts: Vec<String> = s.assessment.doubts.iter().map(|reason| figures::doubt(scorer, reason)).collect();
        (!doubts.is_empty()).then(|| doubts.join("; "))
    };
    columns.push(("doubt".to_owned(), text(&doubts)));
    let features = scorer.schema().features();
    let words: Vec<FactorWords> = features.iter().map(FactorWords::of).collect();
    let strongest: Vec<_> =
        if factors > 0 { scored.iter().map(|s| s.assessment.factors()).collect() } else { Vec::new() };
    for rank in 0..factors.min(features.len()) {
        let factor = |row: usize| strongest.get(row).and_then(|factors| factors.get(rank)).copied();
        let rows = || scored.iter().enumerate().map(|(row, s)| (s, factor(row)));
        let feature = |at: usize| features.get(at);
        columns.push((
            format!("factor_{}", rank + 1),
            ExportColumn::Text(rows().map(|(_, f)| feature(f?.feature).map(|feature| feature.name.clone())).collect()),
        ));
        columns.push((
            format!("factor_{}_log_odds", rank + 1),
            ExportColumn::Number(rows().map(|(_, f)| f.map_or(f64::NAN, |f| f.contribution_log_odds)).collect()),
        ));
        let told = |s: &Scored, at: usize| words.get(at).map(|words| words.text(&scorer.schema().value(&s.row, at)));
        columns.push((
            format!("factor_{}_text", rank + 1),
            ExportColumn::Text(rows().map(|(s, f)| told(s, f?.feature)).collect()),
        ));
    }
    columns
}
