//! Reading what the subcommands share: data, configuration, model.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use flight_risk_data::flat::{FlatSchema, FlatTable, ScoringTable, WantedColumn, read_flat, read_flat_for_scoring};
use flight_risk_data::{NativeData, NativeOptions, read_native};
use flight_risk_model::bulk::{Scored, score_company, score_table};
use flight_risk_model::{TrainingConfig, TrainingPlan};
use flight_risk_scoring::artifact::Target;
use flight_risk_scoring::schema::FeatureKind;
use flight_risk_scoring::{Day, Scorer};

use crate::cli::Data;
use crate::failure::{Kind, failed};

/// Largest configuration file that is read.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// The day of the machine's clock (UTC): the one after which a recorded date is a mistake.
pub(crate) fn today() -> anyhow::Result<Day> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).context("the machine's clock is before 1970")?.as_secs();
    let days = i32::try_from(seconds / 86_400).context("the machine's clock is far in the future")?;
    Day::from_epoch_days(days).context("the machine's clock is far in the future")
}

/// The checked configuration; the defaults when no file is named.
pub(crate) fn plan(path: Option<&Path>) -> anyhow::Result<TrainingPlan> {
    let Some(path) = path else { return TrainingConfig::default().check().map_err(failed(Kind::Data)) };
    let named =
        |error: &dyn std::fmt::Display| failed(Kind::Data)(format!("configuration {}: {error}", path.display()));
    let size = std::fs::metadata(path).map_err(|e| named(&e))?.len();
    if size > MAX_CONFIG_BYTES {
        return Err(named(&format!("{size} bytes are too many for a configuration")));
    }
    let text = std::fs::read_to_string(path).map_err(|e| named(&e))?;
    TrainingConfig::from_toml(&text).and_then(TrainingConfig::check).map_err(|e| named(&e))
}

/// Reads a folder of HR tables.
pub(crate) fn native(dir: &Path, config: &TrainingConfig) -> anyhow::Result<NativeData> {
    let options = NativeOptions { today: today()?, data_end: config.data_end, protected: config.protected.clone() };
    read_native(dir, &options).map_err(failed(Kind::Data))
}

/// Labelled data of either form.
pub(crate) enum Labelled {
    Native(Box<NativeData>),
    Flat { table: Box<FlatTable>, schema: Box<FlatSchema> },
}

/// Reads labelled data: a folder of HR tables, or a flat table with its schema.
pub(crate) fn labelled(data: &Data, config: &TrainingConfig) -> anyhow::Result<Labelled> {
    if data.data.is_dir() {
        if data.schema.is_some() {
            return Err(failed(Kind::Data)(
                "--schema belongs to a flat table, but --data names a folder; HR tables in a folder need no schema",
            ));
        }
        return Ok(Labelled::Native(Box::new(native(&data.data, config)?)));
    }
    let Some(schema_path) = &data.schema else {
        std::fs::metadata(&data.data).map_err(|e| failed(Kind::Data)(format!("{}: {e}", data.data.display())))?;
        return Err(failed(Kind::Data)(format!(
            "{} is a flat table and needs --schema SCHEMA.toml, which names at least `target` and `positive`",
            data.data.display()
        )));
    };
    let schema = FlatSchema::read(schema_path).map_err(failed(Kind::Data))?;
    let table = read_flat(&data.data, &schema, today()?).map_err(failed(Kind::Data))?;
    Ok(Labelled::Flat { table: Box::new(table), schema: Box::new(schema) })
}

/// Reads and verifies a model.
pub(crate) fn model(path: &Path) -> anyhow::Result<Scorer> {
    flight_risk_server::load_model(path).map_err(failed(Kind::Model))
}

/// Everybody that a model scored, with the records that they came from.
pub(crate) struct ScoredData {
    pub(crate) scored: Vec<Scored>,
    pub(crate) source: Source,
}

/// Where scored rows came from.
pub(crate) enum Source {
    Native { data: Box<NativeData>, as_of: Day },
    Flat(Box<ScoringTable>),
}

impl ScoredData {
    /// The identifier of a scored row.
    pub(crate) fn id(&self, scored: &Scored) -> &str {
        match &self.source {
            Source::Native { data, .. } => {
                data.company.histories().get(scored.employee).map_or("", |history| history.employee_id().as_str())
            }
            Source::Flat(table) => table.ids.get(scored.employee).map_or("", String::as_str),
        }
    }
}

/// Reads the data that fits a model and scores everybody in it.
pub(crate) fn score(scorer: &Scorer, path: &Path, as_of: Option<Day>) -> anyhow::Result<ScoredData> {
    match (&scorer.artifact().content().target, path.is_dir()) {
        (Target::Hazard { .. }, true) => {
            let data = native(path, &training_config(scorer))?;
            let as_of = as_of.unwrap_or(data.company.data_end());
            let scored = score_company(scorer, &data.company, as_of);
            Ok(ScoredData { scored, source: Source::Native { data: Box::new(data), as_of } })
        }
        (Target::SinglePeriod { id_column, .. }, false) => {
            if as_of.is_some() {
                return Err(failed(Kind::Data)("--as-of belongs to HR tables; a flat table has one row per employee"));
            }
            let table =
                read_flat_for_scoring(path, id_column.as_deref(), &wanted(scorer)).map_err(failed(Kind::Data))?;
            let scored = score_table(scorer, &table);
            Ok(ScoredData { scored, source: Source::Flat(Box::new(table)) })
        }
        (Target::Hazard { .. }, false) => {
            let message = match std::fs::metadata(path) {
                Ok(_) => "is a file, but the model was trained on a folder of HR tables; name such a folder".to_owned(),
                Err(error) => format!("cannot be read: {error}"),
            };
            Err(failed(Kind::Data)(format!("{} {message}", path.display())))
        }
        (Target::SinglePeriod { .. }, true) => Err(failed(Kind::Data)(format!(
            "{} is a folder, but the model was trained on a flat table; name a file with the same columns",
            path.display()
        ))),
    }
}

/// The columns of a flat table that a model needs.
pub(crate) fn wanted(scorer: &Scorer) -> Vec<WantedColumn> {
    let features = scorer.schema().features().iter();
    features
        .map(|feature| WantedColumn {
            name: feature.name.clone(),
            categorical: matches!(feature.kind, FeatureKind::Categorical { .. }),
        })
        .collect()
}

/// The configuration with which a model was trained: protected columns stay protected when scoring.
pub(crate) fn training_config(scorer: &Scorer) -> TrainingConfig {
    let config = TrainingConfig::from_toml(&scorer.artifact().content().provenance.config).unwrap_or_default();
    // The end of the training data says nothing about the end of other data.
    TrainingConfig { data_end: None, observed_from: None, ..config }
}
