//! Choosing what a model is made of by cross-validation: how much structure, whether rules help, and the correction.

use std::collections::BTreeMap;

use flight_risk_scoring::LogOdds;
use flight_risk_scoring::artifact::{Calibration, RulePart};
use flight_risk_scoring::rules::{CompiledRules, RuleEnsemble};
use rayon::prelude::*;

use crate::calibration::{HeldOut, blended, calibrate, calibrate_known};
use crate::config::{Complexity, TrainingPlan};
use crate::design::Design;
use crate::fit::{Fitted, Wanted, fit_prepared};
use crate::folds;
use crate::metrics;
use crate::people::{self, Apart, SamePeople};
use crate::pipeline::TrainError;
use crate::rules::{Grounds, Rules, rules};
use crate::structure::{Prepared, Structure};
use crate::table::TrainingTable;

/// Structure and penalties are chosen on at most about this many rows: with more, they hardly change and cost most of the time.
pub(crate) const MAX_SELECTION_ROWS: usize = 30_000;
/// Folds with more rows than this are fewer: each costs more and tells more.
const LARGE_ROWS: usize = 15_000;
const LARGE_FOLDS: usize = 3;
/// With this many events curves are always worth trying: penalties alone decide how far they bend.
const MANY_EVENTS: usize = 1_500;
/// Columns of a curve, at most; curves for every number are not tried where they would have more than so many columns for each
/// exit, or in all: the penalties could not be told, and a pass costs the cube of the columns.
const CURVE_COLUMNS: usize = 10;
const COLUMNS_PER_EVENT: usize = 4;
const MAX_CURVE_COLUMNS: usize = 1_500;

/// What cross-validation chose, and its predictions of rows that the predicting model had not seen.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Features and levels.
    pub design: Design,
    /// How much structure predicted best.
    pub complexity: Complexity,
    /// Curves, pairs and penalties.
    pub structure: Structure,
    /// Correction of the additive log-odds, where it lowers cross-validated log-loss.
    pub calibration: Calibration,
    /// Rules beside them, where they lower it further.
    pub rules: Option<RulePart>,
    /// Number of folds.
    pub folds: u32,
    /// Whose rows seem to be among them several times, where nothing says whose they are.
    pub people: Option<SamePeople>,
    /// The rows predicted.
    pub rows: Vec<usize>,
    /// The person of each.
    pub groups: Vec<u32>,
    /// Their corrected probabilities, each by a model and a correction that saw neither the row nor its group.
    pub predicted: Vec<f64>,
}

impl Selection {
    /// Probabilities of some rows by a model fitted as chosen.
    pub fn predict(&self, table: &TrainingTable, rows: &[usize], fitted: &Fitted) -> Vec<f64> {
        let additive = fitted.log_odds(table, rows);
        let Calibration { slope, intercept } = self.calibration;
        let rules = self
            .rules
            .as_ref()
            .map(|part| (part.weight, CompiledRules::new(&part.ensemble, self.design.features.len())));
        let by_rules = |row: usize| {
            let of_row =
                |(weight, rules): &(f64, CompiledRules)| weight * rules.log_odds(&self.design.packed_row(table, row));
            rules.as_ref().map_or(0.0, of_row)
        };
        let probability =
            |(&x, &row): (&f64, &usize)| LogOdds(slope * x + intercept + by_rules(row)).probability().get();
        additive.par_iter().zip(rows).map(probability).collect()
    }
}

/// Chooses structure, rules and calibration by cross-validation over groups.
///
/// # Errors
/// When no fold can be fitted.
pub fn select(table: &TrainingTable, rows: &[usize], plan: &TrainingPlan) -> Result<Selection, TrainError> {
    let design = Design::learn(table, rows, plan.min_level_rows);
    if design.width() == 0 {
        return Err(TrainError::NoFeatures(design.notes));
    }
    let sampled = folds::sample(table, rows, MAX_SELECTION_ROWS, plan.seed);
    let wanted = if sampled.len() > LARGE_ROWS { LARGE_FOLDS.min(plan.folds as usize) } else { plan.folds as usize };
    let held_out = folds::folds(table, &sampled, wanted, plan.seed);
    let events: Vec<Vec<bool>> = held_out.iter().map(|fold| table.events_of(fold)).collect();
    let prepared = Prepared::new(&design, table, &sampled);
    let job = Job { table, plan, design: &design, sampled: &sampled, held_out: &held_out };
    let exits = prepared.events.iter().filter(|&&event| event).count();
    let candidates = candidates(plan, exits, prepared.bendable().len());
    let tried: Result<Vec<_>, TrainError> = candidates
        .into_par_iter()
        .map(|complexity| {
            let (structure, _) = prepared.find(plan, complexity, &Structure::default())?;
            let log_odds = job.out_of_fold(complexity, &structure)?;
            Ok((complexity, structure, log_odds))
        })
        .collect();
    // Straight lines stay unless something else is better by more than a standard error (Breiman, Friedman, Olshen & Stone 1984).
    let groups = table.groups_of(&held_out.concat());
    let mut best: Option<Tried> = None;
    for (complexity, structure, log_odds) in tried? {
        let (_, predicted) = calibrate(HeldOut { log_odds: &log_odds, events: &events });
        let rows = events.iter().flatten().zip(predicted.iter().flatten());
        let losses: Vec<f64> = rows.map(|(&event, &p)| metrics::log_loss_of(event, p)).collect();
        let is_better = |best: &Tried| {
            let (saved, error) = saved(&losses, &best.losses, &groups);
            saved > if best.complexity == Complexity::Lines { error } else { 0.0 }
        };
        if best.as_ref().is_none_or(is_better) {
            best = Some(Tried { losses, complexity, structure, log_odds });
        }
    }
    let Tried { complexity, structure, log_odds, .. } = best.unwrap_or_default();
    let held = HeldOut { log_odds: &log_odds, events: &events };
    let rules = plan.rules.then(|| rules(&job.grounds(&job.places()), held)).flatten();
    // The correction is that of what will be said: of the blend, where there is one.
    let said = rules.as_ref().map_or(&log_odds, |rules| &rules.blend.log_odds);
    let apart = structure.recurring().and_then(|column| people::apart(table, &sampled, column, wanted, plan.seed));
    let known = HeldOut { log_odds: said, events: &events };
    let (correction, predicted) = match &apart {
        Some(apart) => {
            let strangers = job.of_strangers(&apart.folds, (complexity, &structure), rules.as_ref())?;
            let events: Vec<Vec<bool>> = apart.folds.iter().map(|fold| table.events_of(fold)).collect();
            calibrate_known(known, HeldOut { log_odds: &strangers, events: &events })
        }
        None => calibrate(known),
    };
    let (calibration, rules) = match rules {
        Some(Rules { blend, members, start, .. }) => {
            let weight = correction.slope * blend.share;
            let calibration = Calibration {
                slope: correction.slope * (1.0 - blend.share),
                intercept: correction.intercept + weight * start,
            };
            (calibration, Some(RulePart { weight, ensemble: RuleEnsemble { members } }))
        }
        None => (correction, None),
    };
    let (people, judged, groups) = match apart {
        Some(Apart { people, folds, groups }) => (Some(people), folds, groups),
        None => (None, held_out, groups),
    };
    Ok(Selection {
        design,
        complexity,
        structure,
        calibration,
        rules,
        folds: judged.len() as u32,
        people,
        rows: judged.concat(),
        groups,
        predicted: predicted.concat(),
    })
}

/// A structure that was tried.
#[derive(Default)]
struct Tried {
    /// Log-loss of every held-out row.
    losses: Vec<f64>,
    complexity: Complexity,
    structure: Structure,
    /// Held-out log-odds, fold by fold.
    log_odds: Vec<Vec<f64>>,
}

/// By how much losses are less than others in all, and the standard error of that, rows of one group taken together.
fn saved(losses: &[f64], others: &[f64], groups: &[u32]) -> (f64, f64) {
    let mut saved: BTreeMap<u32, f64> = BTreeMap::new();
    for ((loss, other), group) in losses.iter().zip(others).zip(groups) {
        *saved.entry(*group).or_default() += other - loss;
    }
    (saved.values().sum(), saved.values().map(|x| x * x).sum::<f64>().sqrt())
}

/// Simplest first: the first of equals is taken.
fn candidates(plan: &TrainingPlan, events: usize, bendable: usize) -> Vec<Complexity> {
    let too_wide = bendable * CURVE_COLUMNS > (COLUMNS_PER_EVENT * events).min(MAX_CURVE_COLUMNS);
    match plan.complexity {
        Complexity::Auto if too_wide => vec![Complexity::Lines, Complexity::Curves],
        Complexity::Auto if events >= MANY_EVENTS => vec![Complexity::Full],
        Complexity::Auto => vec![Complexity::Lines, Complexity::Curves, Complexity::Full],
        fixed => vec![fixed],
    }
}

#[derive(Clone, Copy)]
struct Job<'a> {
    table: &'a TrainingTable,
    plan: &'a TrainingPlan,
    design: &'a Design,
    sampled: &'a [usize],
    held_out: &'a [Vec<usize>],
}

impl Job<'_> {
    fn kept(&self, fold: &[usize]) -> Vec<usize> {
        self.sampled.iter().copied().filter(|row| fold.binary_search(row).is_err()).collect()
    }

    /// Log-odds of every fold by a model of the other rows, for which structure and penalties were looked for anew.
    fn out_of_fold(&self, complexity: Complexity, structure: &Structure) -> Result<Vec<Vec<f64>>, TrainError> {
        let of_fold = |fold: &Vec<usize>| {
            let kept = self.kept(fold);
            let design = Design::learn(self.table, &kept, self.plan.min_level_rows);
            if design.width() == 0 {
                return Err(TrainError::NoFeatures(design.notes));
            }
            let prepared = Prepared::new(&design, self.table, &kept);
            let (found, last) = prepared.find(self.plan, complexity, structure)?;
            let rows = (self.table, kept.as_slice());
            let fitted = fit_prepared(&prepared, rows, &found, self.plan, Wanted::Effects, Some(&last))?;
            Ok(fitted.log_odds(self.table, fold))
        };
        self.held_out.par_iter().map(of_fold).collect()
    }

    /// The places of every fold's rows among those sampled.
    fn places(&self) -> Vec<Vec<usize>> {
        let places = |fold: &Vec<usize>| fold.iter().filter_map(|row| self.sampled.binary_search(row).ok()).collect();
        self.held_out.iter().map(places).collect()
    }

    fn grounds<'b>(&'b self, folds: &'b [Vec<usize>]) -> Grounds<'b> {
        Grounds { table: self.table, design: self.design, rows: self.sampled, folds, seed: self.plan.seed }
    }

    /// Held-out log-odds of what was chosen, in folds that keep people together.
    fn of_strangers(
        &self,
        folds: &[Vec<usize>],
        (complexity, structure): (Complexity, &Structure),
        rules: Option<&Rules>,
    ) -> Result<Vec<Vec<f64>>, TrainError> {
        let job = Job { held_out: folds, ..*self };
        let additive = job.out_of_fold(complexity, structure)?;
        let Some(rules) = rules else { return Ok(additive) };
        let by_rules = job.grounds(&job.places()).held_out(&rules.kinds);
        Ok(additive.iter().zip(&by_rules).map(|(a, r)| blended(a, r, rules.blend.share)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_certain_only_where_many_groups_agree() {
        let simpler = vec![0.5; 40];
        let (mut alike, mut one) = (vec![0.4; 40], vec![0.5; 40]);
        // Everybody a little, or one of them a lot: the same sum.
        (alike[0], one[7]) = (0.5, 0.5 - 3.9);
        let alone: Vec<u32> = (0..40).collect();
        let together = vec![3; 40];
        let (sum, error) = saved(&alike, &simpler, &alone);
        assert!((sum - 3.9).abs() < 1e-9 && (error - 0.1 * 39.0_f64.sqrt()).abs() < 1e-9, "{sum} {error}");
        for (losses, groups) in [(&one, &alone), (&alike, &together)] {
            let (sum, error) = saved(losses, &simpler, groups);
            assert!((sum - 3.9).abs() < 1e-9 && (error - 3.9).abs() < 1e-9, "{sum} {error}");
        }
    }
}
