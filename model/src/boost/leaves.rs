//! The values of a tree's cells, over all rows trained on, and how many rows are in each.

use flight_risk_scoring::rules::{Condition, MAX_CONDITIONS, RuleTree};

use super::BoostPlan;
use super::bins::{BinCondition, Binned};

/// Most cells of a tree.
const CELLS: usize = 1 << MAX_CONDITIONS;

/// Sweeps over the monotone features of a tree: with two of them, pooling along one may undo the other.
const SWEEPS: usize = 20;

/// Sums over the rows of a cell.
#[derive(Clone, Copy, Default)]
struct Sums {
    gradient: f64,
    hessian: f64,
}

/// The tree of some conditions: Newton steps of every cell, monotone where asked for; without its shares.
pub(super) fn tree(
    binned: &Binned,
    conditions: &[BinCondition],
    cells: &[u8],
    slopes: &[[f32; 2]],
    plan: &BoostPlan,
    monotone: &[(usize, f64)],
) -> RuleTree {
    let count = 1 << conditions.len();
    let mut sums = [Sums::default(); CELLS];
    for (&cell, &[gradient, hessian]) in cells.iter().zip(slopes) {
        let sums = &mut sums[usize::from(cell) % CELLS];
        sums.gradient += f64::from(gradient);
        sums.hessian += f64::from(hessian);
    }
    let mut values: Vec<f64> =
        sums.iter().take(count).map(|s| -plan.rate * s.gradient / (s.hessian + plan.leaf_penalty)).collect();
    let unbinned = conditions.iter().filter_map(|c| binned.columns.get(c.feature).map(|column| c.unbinned(column)));
    let conditions: Vec<Condition> = unbinned.collect();
    let weights: Vec<f64> = sums.iter().take(count).map(|s| s.hessian + plan.leaf_penalty).collect();
    make_monotone(&conditions, &mut values, &weights, monotone);
    RuleTree { conditions, values, shares: Vec::new() }
}

/// The share of the rows in each of a tree's cells, those trained on and those held out: the population that effects are
/// measured from is that of the whole model, not that of one of its members.
pub(super) fn shares(count: usize, cells: &[u8], held_cells: &[u8]) -> Vec<f64> {
    let mut rows = [0_u32; CELLS];
    cells.iter().chain(held_cells).for_each(|&cell| rows[usize::from(cell) % CELLS] += 1);
    let all = (cells.len() + held_cells.len()).max(1) as f64;
    rows.iter().take(count).map(|&rows| f64::from(rows) / all).collect()
}

/// Chains of cells along a feature: ascending in it, all else equal. Only cells that can be reached.
fn chains(conditions: &[Condition], feature: usize) -> Vec<Vec<usize>> {
    let mut own: Vec<(f64, usize)> = conditions
        .iter()
        .enumerate()
        .filter_map(|(bit, condition)| match condition {
            Condition::Above { feature: f, threshold, .. } if *f == feature => Some((*threshold, bit)),
            _ => None,
        })
        .collect();
    own.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mask: usize = own.iter().map(|(_, bit)| 1 << bit).sum();
    let others = (0..1_usize << conditions.len()).filter(|cell| cell & mask == 0);
    let chain = |start: usize| {
        let steps = own.iter().scan(start, |cell, (_, bit)| {
            *cell |= 1 << bit;
            Some(*cell)
        });
        std::iter::once(start).chain(steps).collect()
    };
    if own.is_empty() { Vec::new() } else { others.map(chain).collect() }
}

/// Moves values as little as may be (weighted least squares along each feature) until none moves against a sign.
fn make_monotone(conditions: &[Condition], values: &mut [f64], weights: &[f64], monotone: &[(usize, f64)]) {
    let of = |&(feature, sign): &(usize, f64)| (chains(conditions, feature), sign);
    let all: Vec<(Vec<Vec<usize>>, f64)> = monotone.iter().map(of).filter(|(chains, _)| !chains.is_empty()).collect();
    for _ in 0..if all.len() > 1 { SWEEPS } else { all.len() } {
        for (chains, sign) in &all {
            chains.iter().for_each(|chain| pool(chain, *sign, values, weights));
        }
    }
    // What is left after the sweeps: raising along one feature keeps what is monotone in another.
    for (chains, sign) in &all {
        for chain in chains {
            let mut reached = f64::NEG_INFINITY;
            for &cell in chain {
                reached = reached.max(sign * values[cell]);
                values[cell] = sign * reached;
            }
        }
    }
}

/// Pools adjacent violators (Ayer et al. 1955).
fn pool(chain: &[usize], sign: f64, values: &mut [f64], weights: &[f64]) {
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for &cell in chain {
        let mut block = (sign * values[cell], weights[cell], 1);
        while let Some(&(value, weight, length)) = blocks.last() {
            if value <= block.0 {
                break;
            }
            let total = weight + block.1;
            block = ((value * weight + block.0 * block.1) / total, total, length + block.2);
            blocks.pop();
        }
        blocks.push(block);
    }
    let pooled = blocks.iter().flat_map(|&(value, _, length)| std::iter::repeat_n(sign * value, length));
    chain.iter().zip(pooled).for_each(|(&cell, value)| values[cell] = value);
}
