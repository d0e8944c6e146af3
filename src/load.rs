//! Reading what the subcommands share: data, configuration, model.

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use flight_risk_data::flat::{FlatSchema, FlatTable, ScoringTable, WantedColumn, read_flat, read_flat_for_scoring};
use flight_risk_data::native::TABLES;
use flight_risk_data::{DataError, NativeData, NativeOptions, ValidationReport, read_native};
use flight_risk_model::bulk::{Scored, score_company, score_table};
use flight_risk_model::{TrainingConfig, TrainingPlan};
use flight_risk_scoring::artifact::Target;
use flight_risk_scoring::schema::FeatureKind;
use flight_risk_scoring::{Day, Scorer};

use crate::cli::Data;
use crate::failure::{Kind, failed};
use crate::progress::Stages;

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
    let found = std::fs::metadata(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => named(&"there is no such file; --config names a TOML file"),
        _ => named(&e),
    })?;
    // A pipe would be waited for without end, and a device may never end.
    if !found.is_file() {
        return Err(named(&"is no file; --config names a TOML file"));
    }
    let size = found.len();
    if size > MAX_CONFIG_BYTES {
        return Err(named(&format!("{size} bytes are too many for a configuration")));
    }
    let bytes = std::fs::read(path).map_err(|e| named(&e))?;
    let text = String::from_utf8(bytes).map_err(|_| named(&"is not UTF-8; save it as UTF-8 text"))?;
    let plan = TrainingConfig::from_toml(&text).and_then(TrainingConfig::check).map_err(|e| named(&e))?;
    let today = today()?;
    for (key, day) in [("data_end", plan.data_end), ("observed_from", plan.observed_from)] {
        if let Some(day) = day.filter(|&day| day > today) {
            return Err(named(&format!(
                "{key} = \"{day}\" lies after today ({today}); nothing is on record from then"
            )));
        }
    }
    Ok(plan)
}

/// Refuses an output that would replace what is being read.
pub(crate) fn check_output(out: &Path, data: &Path) -> anyhow::Result<()> {
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (Ok(folder), Ok(read), Some(name)) = (folder.canonicalize(), data.canonicalize(), out.file_name()) else {
        return Ok(());
    };
    let table = || TABLES.iter().any(|table| Path::new(name).file_stem().is_some_and(|stem| stem == *table));
    if folder.join(name) == read || (folder == read && table()) {
        return Err(failed(Kind::Output)(format!(
            "--out {} would replace the data that is read from {}; choose another output",
            out.display(),
            data.display()
        )));
    }
    Ok(())
}

/// Notes shown after a result; more are counted.
const NOTES_SHOWN: usize = 12;

/// What reading the data found, one line each; places and values are `flight-risk check`'s.
pub(crate) fn notes(report: &ValidationReport) -> Vec<String> {
    let unknown = report.tables().iter().filter(|table| !table.unknown_columns.is_empty());
    let unknown =
        unknown.map(|table| format!("{}: columns not used: {}", table.file, shortened(&table.unknown_columns)));
    let findings = report.findings().iter().map(|finding| {
        let dot = if finding.column.is_empty() { "" } else { "." };
        let example = finding.places.first().filter(|place| !place.value.is_empty());
        let example = example.map_or(String::new(), |place| format!(", such as `{}`", place.value));
        let count = if finding.count == 1 { String::new() } else { format!("{} times, ", finding.count) };
        format!("{}{dot}{}: {}{example} ({count}{})", finding.table, finding.column, finding.problem, finding.effect)
    });
    let mut notes: Vec<String> = unknown.chain(findings).collect();
    if notes.len() > NOTES_SHOWN {
        let more = notes.len() - NOTES_SHOWN;
        notes.truncate(NOTES_SHOWN);
        notes.push(format!("{more} more kinds of findings in the data"));
    }
    if !report.findings().is_empty() {
        notes.push("`flight-risk check` lists every place in the data where something was found".to_owned());
    }
    notes
}

/// The first few of many names.
fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 10;
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
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

impl Labelled {
    /// What validation found.
    pub(crate) fn report(&self) -> &ValidationReport {
        match self {
            Self::Native(data) => &data.report,
            Self::Flat { table, .. } => &table.report,
        }
    }
}

/// A path that cannot be looked at.
fn not_there(path: &Path, error: &std::io::Error) -> anyhow::Error {
    let why = match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file or folder; check what --data names".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    failed(Kind::Data)(format!("{}: {why}", path.display()))
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
        std::fs::metadata(&data.data).map_err(|e| not_there(&data.data, &e))?;
        return Err(failed(Kind::Data)(format!(
            "{} is a flat table and needs --schema SCHEMA.toml, which names at least `target` and `positive`",
            data.data.display()
        )));
    };
    let schema = FlatSchema::read(schema_path).map_err(failed(Kind::Data))?;
    let table = read_flat(&data.data, &schema, today()?).map_err(|error| match error {
        // A schema that contradicts the table is mended in its file.
        DataError::Schema { problems, .. } => {
            failed(Kind::Data)(DataError::Schema { path: schema_path.clone(), problems })
        }
        error => failed(Kind::Data)(error),
    })?;
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
    Native { data: Arc<NativeData>, as_of: Day },
    Flat(Box<ScoringTable>),
}

impl ScoredData {
    /// What reading the data found, and what the day of scoring means for it.
    pub(crate) fn notes(&self) -> Vec<String> {
        let (data, as_of) = match &self.source {
            Source::Native { data, as_of } => (data, *as_of),
            Source::Flat(table) => return notes(&table.report),
        };
        let end = data.company.data_end();
        let late = (as_of > end).then(|| format!("the records end on {end}: nothing later is known on {as_of}"));
        late.into_iter().chain(notes(&data.report)).collect()
    }

    /// Everybody who was employed on an earlier day, scored by what was known then; `None` for flat tables, and where nobody was.
    pub(crate) fn earlier(&self, scorer: &Scorer, as_of: Day) -> Option<Self> {
        let Source::Native { data, .. } = &self.source else { return None };
        let scored = score_company(scorer, &data.company, as_of);
        let source = Source::Native { data: Arc::clone(data), as_of };
        (!scored.is_empty()).then_some(Self { scored, source })
    }

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

/// Reads the data that fits a model and scores everybody in it: two stages.
pub(crate) fn score(scorer: &Scorer, path: &Path, as_of: Option<Day>, stages: &Stages) -> anyhow::Result<ScoredData> {
    stages.stage("Reading");
    match (&scorer.artifact().content().target, path.is_dir()) {
        (Target::Hazard { .. }, true) => {
            let data = native(path, &training_config(scorer))?;
            let as_of = as_of.unwrap_or(data.company.data_end());
            stages.stage("Scoring");
            let scored = score_company(scorer, &data.company, as_of);
            if scored.is_empty() {
                return Err(failed(Kind::Data)(format!(
                    "nobody in {} is employed on {as_of}, and the records end on {}; choose another day with --as-of",
                    path.display(),
                    data.company.data_end()
                )));
            }
            Ok(ScoredData { scored, source: Source::Native { data: Arc::new(data), as_of } })
        }
        (Target::SinglePeriod { id_column, .. }, false) => {
            if as_of.is_some() {
                return Err(failed(Kind::Data)("--as-of belongs to HR tables; a flat table has one row per employee"));
            }
            let table =
                read_flat_for_scoring(path, id_column.as_deref(), &wanted(scorer)).map_err(failed(Kind::Data))?;
            stages.stage("Scoring");
            let scored = score_table(scorer, &table);
            Ok(ScoredData { scored, source: Source::Flat(Box::new(table)) })
        }
        (Target::Hazard { .. }, false) => {
            std::fs::metadata(path).map_err(|error| not_there(path, &error))?;
            Err(failed(Kind::Data)(format!(
                "{} is a file, but the model was trained on a folder of HR tables; name such a folder",
                path.display()
            )))
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
