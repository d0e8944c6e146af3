//! Employee-periods at risk: what was known on a day, and whether the employee left voluntarily in the period it predicts.
//!
//! Days count back from the end of the data in whole periods. The facts of a day predict the period that starts a blackout
//! later, `(as_of + blackout, next as_of + blackout]`: no row uses facts of the last `blackout` days before its exit, and the
//! lag is the same for those who stay, so that it says nothing about who leaves. An exit within the blackout, another kind of
//! exit or the end of observation within the period censor the row: it is left out.

use flight_risk_scoring::features::{self, FeatureInput, FeatureValues};
use flight_risk_scoring::history::{Exit, ExitKind};
use flight_risk_scoring::{Company, Day, EmployeeHistory};
use rayon::prelude::*;

use crate::config::TrainingPlan;
use crate::table::{ColumnValues, Origin, SourceColumn, Times, TrainingTable};

/// How time is cut into employee-periods.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PeriodGrid {
    /// Last day on which the records are complete.
    pub data_end: Day,
    /// Length of a period in months.
    pub period_months: u32,
    /// Days between the facts and the period that they predict.
    pub blackout_days: u32,
}

impl PeriodGrid {
    /// The grid of a plan for data that ends on a day.
    pub fn new(plan: &TrainingPlan, data_end: Day) -> Self {
        Self { data_end, period_months: plan.period_months, blackout_days: plan.blackout_days }
    }

    /// The day `periods` periods before the end of the data.
    pub fn as_of(&self, periods: u32) -> Day {
        let months = i32::try_from(periods.saturating_mul(self.period_months)).unwrap_or(i32::MAX);
        self.data_end.plus_months(-months)
    }

    /// The period predicted by the facts of `as_of(periods)`: after the first day, up to and including the second.
    pub fn predicted(&self, periods: u32) -> (Day, Day) {
        let blackout = i32::try_from(self.blackout_days).unwrap_or(i32::MAX);
        (self.as_of(periods).plus_days(blackout), self.as_of(periods.saturating_sub(1)).plus_days(blackout))
    }
}

/// One employee-period at risk.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Position of the employee in the company's histories.
    pub employee: usize,
    /// The day on which the facts were known.
    pub as_of: Day,
    /// The feature values, in the registry's order.
    pub values: FeatureValues,
    /// Whether the employee left voluntarily in the predicted period.
    pub event: bool,
}

/// All employee-periods of a company.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshots {
    /// How time was cut.
    pub grid: PeriodGrid,
    /// By day, ascending, then by the employee's identifier.
    pub rows: Vec<Snapshot>,
    /// Of each employee, by position in the company's histories, the place in the order of identifiers. Folds are dealt by it:
    /// the order of the rows in a file must not change the model.
    pub places: Vec<u32>,
    /// Employee-periods left out because another exit or the end of observation falls into them.
    pub censored: u64,
    /// The first day used.
    pub observed_from: Day,
}

/// What became of an employee in the period after the first day, up to and including the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Still there at its end.
    Stayed,
    /// Left voluntarily.
    Left,
    /// Left otherwise, or not observed to its end.
    Censored,
    /// Not employed at its start.
    Gone,
}

/// What became of an employee; see [`Outcome`].
pub fn outcome(history: &EmployeeHistory, after: Day, until: Day, data_end: Day) -> Outcome {
    let observed_until = history.observed_until().unwrap_or(data_end);
    match history.exit() {
        Some(Exit { date, .. }) if date <= after => Outcome::Gone,
        Some(Exit { date, kind }) if date <= until => {
            if kind == ExitKind::Voluntary {
                Outcome::Left
            } else {
                Outcome::Censored
            }
        }
        Some(_) => Outcome::Stayed,
        None if observed_until < until => Outcome::Censored,
        None => Outcome::Stayed,
    }
}

/// Cuts a company's records into employee-periods. Without `observed_from` in the plan, rows begin on the first exit on record:
/// those who left before exits were recorded are not in the data, so earlier rows would know only those who stayed.
pub fn snapshots(company: &Company, plan: &TrainingPlan) -> Snapshots {
    let data_end = company.data_end();
    let grid = PeriodGrid::new(plan, data_end);
    let first_exit = company.histories().iter().filter_map(|h| h.exit().map(|exit| exit.date)).min();
    let observed_from = plan.observed_from.or(first_exit).unwrap_or(data_end);
    let complete = |&periods: &u32| grid.predicted(periods).1 <= data_end;
    let days: Vec<u32> = (1..).take_while(|&periods| grid.as_of(periods) >= observed_from).filter(complete).collect();
    let mut order: Vec<(usize, &EmployeeHistory)> = company.histories().iter().enumerate().collect();
    order.sort_by_key(|(_, history)| history.employee_id());
    let mut places = vec![0; order.len()];
    for (place, (employee, _)) in (0..).zip(&order) {
        if let Some(slot) = places.get_mut(*employee) {
            *slot = place;
        }
    }
    let by_day: Vec<(Vec<Snapshot>, u64)> =
        days.par_iter().rev().map(|&periods| snapshots_on(company, &order, &grid, periods)).collect();
    let censored = by_day.iter().map(|day| day.1).sum();
    let rows = by_day.into_iter().flat_map(|day| day.0).collect();
    Snapshots { grid, rows, places, censored, observed_from }
}

fn snapshots_on(
    company: &Company,
    order: &[(usize, &EmployeeHistory)],
    grid: &PeriodGrid,
    periods: u32,
) -> (Vec<Snapshot>, u64) {
    let as_of = grid.as_of(periods);
    let (after, until) = grid.predicted(periods);
    let teams = company.teams_on(as_of);
    let mut censored = 0;
    let mut rows = Vec::new();
    for &(employee, history) in order {
        if !history.employed_on(as_of) {
            continue;
        }
        let event = match outcome(history, after, until, company.data_end()) {
            Outcome::Stayed => false,
            Outcome::Left => true,
            Outcome::Censored | Outcome::Gone => {
                censored += 1;
                continue;
            }
        };
        let team = teams.context(employee);
        let values = features::compute(&FeatureInput { history, team: &team, coverage: company.coverage(), as_of });
        rows.push(Snapshot { employee, as_of, values, event });
    }
    (rows, censored)
}

impl Snapshots {
    /// The days of the rows, ascending.
    pub fn days(&self) -> Vec<Day> {
        let mut days: Vec<Day> = self.rows.iter().map(|row| row.as_of).collect();
        days.dedup();
        days
    }

    /// The rows as columns.
    pub fn table(&self) -> TrainingTable {
        let columns = features::registry()
            .enumerate()
            .map(|(position, spec)| {
                let values =
                    self.rows.iter().map(|row| row.values.get(position).copied().unwrap_or(f64::NAN)).collect();
                SourceColumn { origin: Origin::Native(spec), values: ColumnValues::Numeric(values) }
            })
            .collect();
        let days = self.days();
        let index = self.rows.iter().map(|row| days.binary_search(&row.as_of).unwrap_or_default() as u32).collect();
        TrainingTable {
            columns,
            events: self.rows.iter().map(|row| row.event).collect(),
            groups: self.rows.iter().map(|row| self.places.get(row.employee).copied().unwrap_or_default()).collect(),
            named: true,
            times: Some(Times { index, labels: days.iter().map(Day::to_string).collect() }),
        }
    }
}
