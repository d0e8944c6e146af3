//! Looking further ahead than one period: how fast today's facts fade, and the mean hazard of later periods.
//!
//! A risk at twelve months needs the hazard of periods whose facts are not known yet. What is known today tells less and less:
//! a colleague's exit is forgotten, engagement returns to the usual. Each feature's contribution is taken to shrink by a factor
//! per period, such that after some periods there is left of it what the regression through the origin of the later contribution
//! on the earlier one says. The periods are those to the end of the longest horizon: part of most facts passes at once and part
//! stays for years, and what one period shows, taken to the twelfth power, would forget what stays. Clocks do not fade but move.
//! Shrinking and survival also change the mean, so each later period gets a shift that makes its mean prediction that of what was
//! observed so far ahead (landmarking: van Houwelingen 2007).

use flight_risk_scoring::features::Clock;
use flight_risk_scoring::{LogOdds, Scorer};
use rayon::prelude::*;

use crate::design::Design;
use crate::folds;
use crate::table::TrainingTable;

/// Rows from which fading and shifts are learned, at most about: they are a few dozen numbers.
const MAX_ROWS: usize = 60_000;
/// Fading is learned over as many periods as one in so many rows can be followed.
const LEAST_FOLLOWED_ONE_IN: usize = 3;
/// Exits that stand for "no shift" beside those observed, so that few exits move little.
const PRIOR_EVENTS: f64 = 10.0;

/// The rows to learn from, and for each the row of the same employee some periods later.
pub(crate) struct Pairs {
    rows: Vec<usize>,
    by_place: std::collections::HashMap<(u32, u32), usize>,
}

impl Pairs {
    /// Whole employees, drawn from the rows; empty where there is no time.
    pub(crate) fn new(table: &TrainingTable, rows: &[usize], seed: u64) -> Self {
        let rows = folds::sample(table, rows, MAX_ROWS, seed);
        let place = |row: usize| Some((*table.groups.get(row)?, *table.times.as_ref()?.index.get(row)?));
        let by_place = rows.iter().enumerate().filter_map(|(i, &row)| Some((place(row)?, i))).collect();
        Self { rows, by_place }
    }

    /// Position, in these rows, of a row and of the one `periods` later, where both are there.
    fn apart<'a>(&'a self, table: &'a TrainingTable, periods: u32) -> impl Iterator<Item = (usize, usize)> + 'a {
        self.rows.iter().enumerate().filter_map(move |(i, &row)| {
            let (group, time) = (*table.groups.get(row)?, *table.times.as_ref()?.index.get(row)?);
            Some((i, *self.by_place.get(&(group, time + periods))?))
        })
    }

    /// Contributions and standard error of every row.
    pub(crate) fn explained(&self, table: &TrainingTable, design: &Design, scorer: &Scorer) -> Vec<(Vec<f64>, f64)> {
        let explain = |&row: &usize| {
            let packed = scorer.schema().packed_row(design.packed_row(table, row));
            packed.map(|packed| scorer.contributions(&packed)).unwrap_or_default()
        };
        self.rows.par_iter().map(explain).collect()
    }
}

/// How much of each feature's contribution is still there one period later, 0 to 1, from what there is of it `periods` later; 1
/// for clocks.
pub(crate) fn persistence(
    table: &TrainingTable,
    pairs: &Pairs,
    design: &Design,
    explained: &[(Vec<f64>, f64)],
    periods: u32,
) -> Vec<f64> {
    // Fewer where the records are too short for so many.
    let enough = pairs.rows.len() / LEAST_FOLLOWED_ONE_IN;
    let mut found =
        (1..=periods.max(1)).rev().map(|periods| (periods, pairs.apart(table, periods).collect::<Vec<_>>()));
    let (periods, apart) = found.find(|(left, apart)| apart.len() >= enough || *left == 1).unwrap_or_default();
    let of_feature = |(position, feature): (usize, &flight_risk_scoring::schema::SourceFeature)| {
        if Clock::of(&feature.name).is_some() {
            return 1.0;
        }
        let effect =
            |row: usize| explained.get(row).and_then(|(contributions, _)| contributions.get(position)).copied();
        let (mut products, mut squares) = (0.0, 0.0);
        for (now, later) in apart.iter().filter_map(|&(now, later)| Some((effect(now)?, effect(later)?))) {
            products += now * later;
            squares += now * now;
        }
        if squares > 0.0 { (products / squares).clamp(0.0, 1.0).powf(1.0 / f64::from(periods)) } else { 1.0 }
    };
    design.features.iter().enumerate().map(of_feature).collect()
}

/// The shift of the log-odds of each period moved forward, 0 to `periods` - 1; `scorer` has none yet.
pub(crate) fn lead_shifts(
    table: &TrainingTable,
    pairs: &Pairs,
    design: &Design,
    scorer: &Scorer,
    lead: u32,
    periods: u32,
) -> Vec<f64> {
    let predicted: Vec<Vec<f64>> = pairs
        .rows
        .par_iter()
        .map(|&row| {
            let packed = scorer.schema().packed_row(design.packed_row(table, row));
            let ahead = packed.map(|packed| scorer.period_log_odds(&packed, periods + lead)).unwrap_or_default();
            ahead.into_iter().skip(lead as usize).map(|x: LogOdds| x.probability().get()).collect()
        })
        .collect();
    (0..periods)
        .map(|ahead| {
            // Nothing has moved or faded yet for the first: the fit itself makes its mean that of what was observed.
            if ahead == 0 {
                return 0.0;
            }
            let (mut expected, mut observed) = (PRIOR_EVENTS, PRIOR_EVENTS);
            for (now, later) in pairs.apart(table, ahead) {
                let event = pairs.rows.get(later).and_then(|&row| table.events.get(row));
                observed += f64::from(u8::from(event.copied().unwrap_or_default()));
                expected += predicted.get(now).and_then(|p| p.get(ahead as usize)).copied().unwrap_or_default();
            }
            (observed / expected).ln()
        })
        .collect()
}
