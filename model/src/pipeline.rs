//! Training, from top to bottom: rows, split, evaluation on what the model has not seen, the fit on everything, the artifact.

use flight_risk_data::flat::{FlatSchema, FlatTable};
use flight_risk_data::native::NativeData;
use flight_risk_scoring::artifact::{Artifact, ArtifactError, Target};
use flight_risk_scoring::metrics::{HorizonQuality, Verdict};
use flight_risk_scoring::{Day, Scorer};

use crate::bulk::score_company;
use crate::config::TrainingPlan;
use crate::folds::time_cut;
use crate::guards::{self, Sides, on_both_sides};
use crate::job::Job;
use crate::metrics::quality;
use crate::snapshots::{Outcome, Snapshots, outcome, snapshots};
use crate::solver::SolveError;
use crate::table::TrainingTable;

/// Fewer exits, or fewer rows without one, and there is nothing that could be told from chance.
pub const MIN_EVENTS: usize = 10;
/// Share of the exits that must stay before the cut for the judged time to be stretched to the headline horizon.
const ENOUGH_BEFORE_CUT: f64 = 0.6;

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Nothing to learn from.
    #[error("no employee-period can be built: {0}")]
    NoRows(String),
    /// Too few exits or too few who stayed.
    #[error(
        "{events} voluntary exits in {rows} rows: at least {MIN_EVENTS} exits and {MIN_EVENTS} rows without one are needed to learn anything; add more history or more employees"
    )]
    TooFewEvents {
        /// Rows.
        rows: usize,
        /// Exits among them.
        events: usize,
    },
    /// Rows that belong together cannot be judged against each other.
    #[error(
        "all {rows} rows belong to one employee, and nobody is left to judge the model on; check the columns named as `id` and `group`"
    )]
    OneEmployee {
        /// Rows.
        rows: usize,
    },
    /// No feature varies.
    #[error("no feature can be used: {}", .0.join("; "))]
    NoFeatures(Vec<String>),
    /// The fit failed.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// Nothing to walk forward over.
    #[error(
        "a backtest walks forward over time, and the schema names no `time` column; name the column with the period of each row, or leave out --backtest"
    )]
    NoTime,
    /// The model should not be used.
    #[error(
        "not publishable: {}; nothing is written. More history, more employees or other features may help; --allow-weak writes the model all the same and records that in it",
        crate::verdict::reasons(.0).join("; ")
    )]
    NotPublishable(Box<Verdict>),
    /// The artifact would contradict itself.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
}

/// Says which stage has begun.
pub type Progress<'a> = &'a (dyn Fn(&str) + Sync);

/// What is asked for beside the plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrainOptions {
    /// Whether a model that should not be published is made all the same; the artifact records it.
    pub allow_weak: bool,
    /// Whether to walk forward over time too.
    pub backtest: bool,
}

/// Trains on the histories of a company.
///
/// # Errors
/// See [`TrainError`].
pub fn train_native(
    data: &NativeData,
    plan: &TrainingPlan,
    options: TrainOptions,
    progress: Progress<'_>,
) -> Result<Artifact, TrainError> {
    progress("Building employee-periods");
    let snapshots = snapshots(&data.company, plan);
    let table = snapshots.table();
    if table.rows() == 0 {
        return Err(TrainError::NoRows(why_no_rows(data, &snapshots)));
    }
    learnable(&table)?;
    let target = Target::Hazard {
        period_months: plan.period_months,
        blackout_days: plan.blackout_days,
        horizons_months: plan.horizons_months.clone(),
        risk_horizon_months: plan.risk_horizon_months,
    };
    let mut notes = vec![format!(
        "employee-periods begin on {}; {} were left out because another kind of exit or the end of observation falls into them",
        snapshots.observed_from, snapshots.censored
    )];
    let job = Job { table: &table, plan, options, target, digest: &data.digest, progress };
    let mut sides = Sides::default();
    let mut judged = match native_cut(&table, &snapshots, plan) {
        Some(cut) => {
            progress("Judging on later time");
            let (trained, later) = (trained_before(&snapshots, cut), table.rows_in(cut..));
            sides = Sides { by_time: true, on_both: on_both_sides(&table, &trained, &later) };
            let mut judged = job.judge_later(cut, &trained, &later)?;
            if let Some(model) = judged.model.take() {
                let artifact = job.artifact(&trained, model, judged.metrics.clone(), Vec::new())?;
                judged.metrics.horizon = horizon_quality(data, &snapshots, cut, &artifact, plan);
            }
            judged
        }
        None => {
            progress("Judging by cross-validation");
            notes.push(NO_TIME_SPLIT.to_owned());
            job.judge_by_folds()?
        }
    };
    if options.backtest {
        judged.metrics.backtest = job.backtest(&|cut| trained_before(&snapshots, cut), &mut notes);
    }
    job.finish(judged, guards::native(&table, plan, sides), notes)
}

/// Trains on a flat table.
///
/// # Errors
/// See [`TrainError`].
pub fn train_flat(
    data: &FlatTable,
    schema: &FlatSchema,
    plan: &TrainingPlan,
    options: TrainOptions,
    progress: Progress<'_>,
) -> Result<Artifact, TrainError> {
    let (table, duplicates) = TrainingTable::from_flat(data, schema);
    if options.backtest && table.times.is_none() {
        return Err(TrainError::NoTime);
    }
    learnable(&table)?;
    let target = Target::SinglePeriod {
        target: schema.target.clone(),
        positive: schema.positive.clone(),
        id_column: schema.id.clone(),
    };
    let mut notes = Vec::new();
    let job = Job { table: &table, plan, options, target, digest: &data.digest, progress };
    let cut = table
        .times
        .as_ref()
        .and_then(|times| time_cut(&table.events, times, plan.test_share, None, ENOUGH_BEFORE_CUT, MIN_EVENTS));
    let mut sides = Sides::default();
    let mut judged = match cut {
        Some(cut) => {
            progress("Judging on later time");
            let trained = table.rows_in(..cut);
            let later = table.rows_in(cut..);
            sides = Sides { by_time: true, on_both: on_both_sides(&table, &trained, &later) };
            job.judge_later(cut, &trained, &later)?
        }
        None => {
            progress("Judging by cross-validation");
            if table.times.is_some() {
                notes.push(NO_TIME_SPLIT.to_owned());
            }
            job.judge_by_folds()?
        }
    };
    if options.backtest {
        judged.metrics.backtest = job.backtest(&|cut| table.rows_in(..cut), &mut notes);
    }
    let knows_people = schema.id.is_some() || schema.group.is_some();
    job.finish(judged, guards::flat(&table, &duplicates, plan, knows_people, sides), notes)
}

const NO_TIME_SPLIT: &str =
    "too few exits to judge on later time: judged by cross-validation, which does not see changes over time";

fn why_no_rows(data: &NativeData, snapshots: &Snapshots) -> String {
    if data.company.histories().iter().all(|history| history.exit().is_none()) {
        return "no exit is on record: `exit_date` is blank in every row of the employees table, and who left cannot be \
                learned from those who stayed; add the exits of the past years"
            .to_owned();
    }
    let grid = snapshots.grid;
    format!(
        "the records run from {} to {}, and a row needs facts, then {} days of blackout, then a period of {} month(s); check the dates, `data_end`, `observed_from` and `blackout_days`",
        snapshots.observed_from, grid.data_end, grid.blackout_days, grid.period_months
    )
}

fn learnable(table: &TrainingTable) -> Result<(), TrainError> {
    let (rows, events) = (table.rows(), table.event_count());
    if events < MIN_EVENTS || rows - events < MIN_EVENTS {
        return Err(TrainError::TooFewEvents { rows, events });
    }
    if table.groups.iter().all(|group| table.groups.first() == Some(group)) {
        return Err(TrainError::OneEmployee { rows });
    }
    Ok(())
}

/// The first judged day: the latest quarter of the exits, or the last headline horizon where enough exits lie before it.
fn native_cut(table: &TrainingTable, snapshots: &Snapshots, plan: &TrainingPlan) -> Option<usize> {
    let times = table.times.as_ref()?;
    let whole_horizon = snapshots.grid.as_of(plan.risk_horizon_months / plan.period_months).to_string();
    let preferred = times.labels.binary_search(&whole_horizon).ok();
    time_cut(&table.events, times, plan.test_share, preferred, ENOUGH_BEFORE_CUT, MIN_EVENTS).filter(|&cut| {
        let trained = trained_before(snapshots, cut);
        trained.iter().filter(|&&row| table.events.get(row).copied().unwrap_or_default()).count() >= MIN_EVENTS
    })
}

/// Rows whose predicted period had ended on the first judged day: nothing learned from them was still in the future then.
fn trained_before(snapshots: &Snapshots, cut: usize) -> Vec<usize> {
    let days = snapshots.days();
    let Some(&first_judged) = days.get(cut) else { return Vec::new() };
    let last_day = |as_of: Day| {
        as_of.plus_months(snapshots.grid.period_months as i32).plus_days(snapshots.grid.blackout_days as i32)
    };
    (0..snapshots.rows.len())
        .filter(|&row| snapshots.rows.get(row).is_some_and(|row| last_day(row.as_of) <= first_judged))
        .collect()
}

/// The risk at the headline horizon on the first judged day that can be followed for the whole of it.
fn horizon_quality(
    data: &NativeData,
    snapshots: &Snapshots,
    cut: usize,
    artifact: &Artifact,
    plan: &TrainingPlan,
) -> Option<HorizonQuality> {
    let days = snapshots.days();
    let as_of = *days.get(cut)?;
    let quality = judge_horizon(data, &Scorer::new(artifact.clone()), as_of, &plan.list_lengths)?;
    Some(quality)
}

/// How the headline risk of everybody employed on a day turned out; `None` when the data ends before the horizon does.
pub fn judge_horizon(data: &NativeData, scorer: &Scorer, as_of: Day, list_lengths: &[u32]) -> Option<HorizonQuality> {
    let Target::Hazard { risk_horizon_months: months, .. } = scorer.artifact().content().target else { return None };
    let company = &data.company;
    let until = as_of.plus_months(i32::try_from(months).ok()?);
    if until > company.data_end() {
        return None;
    }
    let (mut events, mut predicted, mut censored) = (Vec::new(), Vec::new(), 0);
    for scored in score_company(scorer, company, as_of) {
        let history = company.histories().get(scored.employee)?;
        match outcome(history, as_of, until, company.data_end()) {
            Outcome::Stayed => events.push(false),
            Outcome::Left => events.push(true),
            Outcome::Censored | Outcome::Gone => {
                censored += 1;
                continue;
            }
        }
        predicted.push(scored.assessment.risk.get());
    }
    if events.is_empty() {
        return None;
    }
    let quality = quality(&events, &predicted, scorer.base_rate(), list_lengths);
    Some(HorizonQuality { months, as_of: as_of.to_string(), censored, quality })
}
