//! Gradient boosting of symmetric trees of up to six conditions: rules that find what additive effects cannot.
//!
//! Newton steps on the log-loss (Friedman 2001; Chen & Guestrin 2016) with one condition per level of a tree (as in CatBoost,
//! Prokhorenkova et al. 2018), found on histograms of gradient and Hessian over bins. Such trees are weak, so that many of
//! them generalise well, and with at most 64 cells each they can be explained exactly
//! ([`flight_risk_scoring::rules`]).

use flight_risk_scoring::rules::{MAX_CONDITIONS, RuleTree};

use crate::folds::mixed;
use crate::solver::sigmoid;

mod bins;
mod leaves;
mod tree;

use bins::BinCondition;
pub use bins::{BinColumn, Binned};
use tree::Grower;

/// How to boost.
#[derive(Clone, Debug, PartialEq)]
pub struct BoostPlan {
    /// Number of trees.
    pub rounds: usize,
    /// Part of each Newton step that is taken.
    pub rate: f64,
    /// Conditions of a tree, 1 to [`MAX_CONDITIONS`].
    pub depth: usize,
    /// Added to the Hessian of every cell.
    pub leaf_penalty: f64,
    /// Share of the rows on which the conditions of a tree are chosen.
    pub row_share: f64,
    /// Share of the features among which the conditions of a tree are chosen.
    pub feature_share: f64,
    /// Least sum of the Hessian on both sides of a condition.
    pub min_side_weight: f64,
    /// Rounds after which the log-odds of the held-out rows are reported, again and again.
    pub report_every: usize,
    /// Reports without a lower held-out log-loss after which no more trees are grown.
    pub patience: usize,
    /// Seed of the samples of rows and features.
    pub seed: u64,
}

impl Default for BoostPlan {
    fn default() -> Self {
        Self {
            rounds: 600,
            rate: 0.12,
            depth: 3,
            leaf_penalty: 3.0,
            row_share: 0.8,
            feature_share: 0.8,
            min_side_weight: 1.0,
            report_every: 20,
            patience: 8,
            seed: 1,
        }
    }
}

/// What boosting found.
#[derive(Clone, Debug, PartialEq)]
pub struct Boosted {
    /// At most as many as the rounds: fewer when no condition gains anything. Their shares are those of all
    /// rows, those trained on and those held out.
    pub trees: Vec<RuleTree>,
    /// Log-odds of the base rate of the rows trained on, which the trees are added to; no tree holds it.
    pub start: f64,
    /// Log-odds (start included) of the held-out rows, in their order, after `report_every`, twice `report_every`, ... rounds.
    /// Always `rounds / report_every` of them, the last ones equal when no more trees were grown.
    pub held_out: Vec<Vec<f64>>,
}

/// Boosts trees on some rows. `monotone` holds features (of numbers) with the sign that their effect may have: within every
/// tree, and so within their sum, log-odds never move against it as the known value rises, all else equal.
///
/// Runs on one thread; the same input gives the same trees.
pub fn boost(
    binned: &Binned,
    events: &[bool],
    rows: &[usize],
    held_out: &[usize],
    plan: &BoostPlan,
    monotone: &[(usize, f64)],
) -> Boosted {
    let known = |row: &&usize| **row < binned.rows() && **row < events.len();
    let rows: Vec<u32> = rows.iter().filter(known).map(|&row| row as u32).collect();
    let event_of = |&row: &u32| events.get(row as usize).copied().unwrap_or_default();
    let events: Vec<bool> = rows.iter().map(event_of).collect();
    let count = events.iter().filter(|&&event| event).count();
    let mut boosted = Boosted { trees: Vec::new(), start: start(count, rows.len()), held_out: Vec::new() };
    let mut log_odds = vec![boosted.start; rows.len()];
    let mut held_log_odds = vec![boosted.start; held_out.len()];
    let held_rows: Vec<u32> = held_out.iter().map(|&row| row as u32).collect();
    let held_events: Vec<bool> = held_rows.iter().map(event_of).collect();
    // What is gone through again and again lies side by side.
    let (kept, apart) = (binned.of_rows(&rows), binned.of_rows(&held_rows));
    let mut least = (f64::INFINITY, 0);
    let mut slopes = vec![[0.0_f32; 2]; rows.len()];
    let mut probabilities = vec![0.0; rows.len()];
    let grower = Grower::new(&kept, plan, monotone, boosted.start);
    let (mut cells, mut held_cells) = (vec![0_u8; rows.len()], vec![0_u8; held_rows.len()]);
    let mut stopped = count == 0 || count == rows.len();
    for round in 0..plan.rounds {
        if !stopped {
            probabilities.copy_from_slice(&log_odds);
            sigmoid::probabilities(&mut probabilities);
            for ((slope, &p), &event) in slopes.iter_mut().zip(&probabilities).zip(&events) {
                *slope = [(p - f64::from(u8::from(event))) as f32, (p * (1.0 - p)) as f32];
            }
            let conditions = grower.conditions(&slopes, mixed(plan.seed, round as u64));
            stopped = conditions.is_empty();
            if !stopped {
                place(&kept, &conditions, &mut cells);
                let mut tree = leaves::tree(binned, &conditions, &cells, &slopes, plan, monotone);
                add(&tree.values, &cells, &mut log_odds);
                place(&apart, &conditions, &mut held_cells);
                add(&tree.values, &held_cells, &mut held_log_odds);
                tree.shares = leaves::shares(tree.values.len(), &cells, &held_cells);
                boosted.trees.push(tree);
            }
        }
        if (round + 1).is_multiple_of(plan.report_every.max(1)) {
            let loss = sigmoid::loss(&held_log_odds, &held_events);
            if loss < least.0 {
                least = (loss, boosted.held_out.len());
            }
            stopped |= !held_rows.is_empty() && boosted.held_out.len() >= least.1 + plan.patience;
            boosted.held_out.push(held_log_odds.clone());
        }
    }
    boosted
}

/// Log-odds of the base rate, kept finite where there are events only or none.
fn start(events: usize, rows: usize) -> f64 {
    let others = rows - events;
    ((events as f64).max(0.5) / (others as f64).max(0.5)).ln()
}

/// The cell of each row.
fn place(binned: &Binned, conditions: &[BinCondition], cells: &mut [u8]) {
    cells.fill(0);
    for (bit, condition) in conditions.iter().enumerate() {
        let Some(column) = binned.columns.get(condition.feature) else { continue };
        let mut bits = [0_u8; 256];
        bits.iter_mut().zip(&condition.holds).for_each(|(slot, &holds)| *slot = u8::from(holds) << bit);
        for (cell, &code) in cells.iter_mut().zip(&column.codes) {
            *cell |= bits[usize::from(code)];
        }
    }
}

fn add(values: &[f64], cells: &[u8], log_odds: &mut [f64]) {
    let mut table = [0.0; 1 << MAX_CONDITIONS];
    table.iter_mut().zip(values).for_each(|(slot, &value)| *slot = value);
    for (x, &cell) in log_odds.iter_mut().zip(cells) {
        *x += table[usize::from(cell) % table.len()];
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests;
