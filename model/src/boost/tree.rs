//! The conditions of one tree: at each level the one that gains most over all cells.

use flight_risk_scoring::LogOdds;

use super::BoostPlan;
use super::bins::{BinCondition, Binned, Meaning};
use crate::folds::mixed;

/// Added to a level's Hessian where levels are put in order, so that rare ones lie in the middle (as LightGBM's `cat_smooth`).
const LEVEL_SMOOTHING: f64 = 10.0;

/// Added to the Hessian of cells where levels are chosen among many: there are as many ways to choose as there are orders
/// (as LightGBM's `cat_l2`).
const LEVEL_PENALTY: f64 = 10.0;

/// Levels that are not many.
const FEW_LEVELS: usize = 4;

/// Part of the base rate's Hessian in that by which conditions are chosen. The Hessian alone lets rows that are certain by now
/// count for nothing, so that conditions are chosen for few rows; the gradient alone (Friedman 2001) does the opposite. Half
/// of each measured best; the values of the cells are full Newton steps.
const CONSTANT_HESSIAN: f32 = 0.5;

/// Gains that are rounding.
const MIN_GAIN: f64 = 1e-9;

/// Fewer rows are counted in one histogram; more in several at once, for neighbouring rows often share a bin, and additions
/// to the same sum wait for each other.
const MIN_LANED_ROWS: usize = 1024;

/// Sums of gradient and Hessian.
type Sum = [f64; 2];

/// Sums of each bin of each chosen feature.
type Histogram = Vec<Sum>;

/// The rows of one cell with their gradients and Hessians.
#[derive(Default)]
struct Node {
    rows: Vec<u32>,
    slopes: Vec<[f32; 2]>,
    /// Sums of the rows' bins.
    histogram: Histogram,
}

/// The best condition so far.
struct Best {
    score: f64,
    condition: Option<BinCondition>,
}

/// What a condition would do to one cell.
struct Part<'a> {
    /// Sums of each bin, the one of unknown values last.
    bins: &'a [Sum],
    total: Sum,
    /// Score of the total.
    base: f64,
    /// Sums of the rows where the condition holds.
    held: Sum,
}

/// Chooses conditions.
pub(super) struct Grower<'a> {
    binned: &'a Binned,
    plan: &'a BoostPlan,
    /// The sign of each monotone feature; 0 for others.
    signs: Vec<f64>,
    /// Hessian of a row at the base rate.
    base_hessian: f32,
}

fn plus(a: Sum, b: Sum) -> Sum {
    [a[0] + b[0], a[1] + b[1]]
}

/// What Newton steps from these sums gain.
fn score(sum: Sum, penalty: f64) -> f64 {
    sum[0] * sum[0] / (sum[1] + penalty)
}

fn minus(a: Sum, b: Sum) -> Sum {
    [a[0] - b[0], a[1] - b[1]]
}

impl<'a> Grower<'a> {
    pub(super) fn new(binned: &'a Binned, plan: &'a BoostPlan, monotone: &[(usize, f64)], start: f64) -> Self {
        let mut signs = vec![0.0; binned.features()];
        for &(feature, sign) in monotone {
            if let Some(slot) = signs.get_mut(feature) {
                *slot = sign;
            }
        }
        let base_rate = LogOdds(start).probability().get();
        Self { binned, plan, signs, base_hessian: (base_rate * (1.0 - base_rate)) as f32 }
    }

    /// The conditions of a tree; empty when none gains anything.
    pub(super) fn conditions(&self, slopes: &[[f32; 2]], seed: u64) -> Vec<BinCondition> {
        let features = self.sampled_features(seed);
        let starts: Vec<usize> = std::iter::once(0)
            .chain(features.iter().scan(0, |end, &feature| {
                *end += self.binned.columns.get(feature).map_or(0, |column| column.bins() + 1);
                Some(*end)
            }))
            .collect();
        let mut root = self.sampled_rows(slopes, seed);
        self.count(&mut root, &features, &starts);
        let mut nodes = vec![root];
        let mut conditions = Vec::new();
        for level in 1..=self.plan.depth {
            let Some(condition) = self.best(&nodes, &features, &starts) else { break };
            if level < self.plan.depth {
                nodes = nodes.into_iter().flat_map(|node| self.split(node, &condition, &features, &starts)).collect();
            }
            conditions.push(condition);
        }
        conditions
    }

    fn sampled_features(&self, seed: u64) -> Vec<usize> {
        let all = self.binned.features();
        let count = ((self.plan.feature_share * all as f64).ceil() as usize).clamp(1.min(all), all);
        let mut features: Vec<usize> = (0..all).collect();
        features.sort_by_cached_key(|&feature| mixed(seed ^ 1, feature as u64));
        features.truncate(count);
        features.sort_unstable();
        features
    }

    fn sampled_rows(&self, slopes: &[[f32; 2]], seed: u64) -> Node {
        let limit = (self.plan.row_share.clamp(0.0, 1.0) * u64::MAX as f64) as u64;
        let mut node = Node::default();
        node.rows.reserve(slopes.len());
        node.slopes.reserve(slopes.len());
        for (row, &slope) in slopes.iter().enumerate() {
            if mixed(seed, row as u64) <= limit {
                node.rows.push(row as u32);
                let hessian = CONSTANT_HESSIAN * self.base_hessian + (1.0 - CONSTANT_HESSIAN) * slope[1];
                node.slopes.push([slope[0], hessian]);
            }
        }
        node
    }

    /// Fills the histogram of a node.
    fn count(&self, node: &mut Node, features: &[usize], starts: &[usize]) {
        node.histogram = vec![[0.0; 2]; starts.last().copied().unwrap_or_default()];
        for (&feature, &start) in features.iter().zip(starts) {
            let Some(column) = self.binned.columns.get(feature) else { continue };
            let out = &mut node.histogram[start..start + column.bins() + 1];
            if node.rows.len() < MIN_LANED_ROWS {
                add_up(&column.codes, &node.rows, &node.slopes, out);
            } else {
                accumulate::<4>(&column.codes, &node.rows, &node.slopes, out);
            }
        }
    }

    /// The two parts of a node, the one where the condition does not hold first. Only the smaller one is counted.
    fn split(&self, node: Node, condition: &BinCondition, features: &[usize], starts: &[usize]) -> [Node; 2] {
        let mut parts = [Node::default(), Node::default()];
        let Some(column) = self.binned.columns.get(condition.feature) else { return parts };
        let mut holds = [false; 256];
        holds.iter_mut().zip(&condition.holds).for_each(|(slot, &h)| *slot = h);
        // Every row is written to both parts, and the end of one of them moves on: no branch that cannot be foretold.
        for part in &mut parts {
            part.rows.resize(node.rows.len(), 0);
            part.slopes.resize(node.rows.len(), [0.0; 2]);
        }
        let [without, with] = &mut parts;
        let mut held = 0;
        for (place, (&row, &slope)) in node.rows.iter().zip(&node.slopes).enumerate() {
            (without.rows[place - held], without.slopes[place - held]) = (row, slope);
            (with.rows[held], with.slopes[held]) = (row, slope);
            held += usize::from(holds[usize::from(column.codes[row as usize])]);
        }
        for (part, count) in [(without, node.rows.len() - held), (with, held)] {
            part.rows.truncate(count);
            part.slopes.truncate(count);
        }
        let [without, with] = &mut parts;
        let (smaller, larger) = if with.rows.len() < without.rows.len() { (with, without) } else { (without, with) };
        self.count(smaller, features, starts);
        larger.histogram = node.histogram;
        larger.histogram.iter_mut().zip(&smaller.histogram).for_each(|(sum, part)| *sum = minus(*sum, *part));
        parts
    }

    fn best(&self, nodes: &[Node], features: &[usize], starts: &[usize]) -> Option<BinCondition> {
        let mut best = Best { score: f64::NEG_INFINITY, condition: None };
        let (mut parts, mut order) = (Vec::with_capacity(nodes.len()), Vec::new());
        for (&feature, &start) in features.iter().zip(starts) {
            let Some(column) = self.binned.columns.get(feature) else { continue };
            let bins = column.bins();
            let many_levels = matches!(&column.meaning, Meaning::Levels(levels) if levels.len() > FEW_LEVELS);
            let penalty = self.plan.leaf_penalty + if many_levels { LEVEL_PENALTY } else { 0.0 };
            parts.clear();
            parts.extend(nodes.iter().map(|node| {
                let bins = &node.histogram[start..start + bins + 1];
                let total = bins.iter().copied().fold([0.0; 2], plus);
                Part { bins, total, base: score(total, penalty), held: [0.0; 2] }
            }));
            order.clear();
            order.extend((0..bins).rev());
            if matches!(column.meaning, Meaning::Levels(_)) {
                order = level_order(&parts, bins);
            }
            self.scan(&mut best, feature, &mut parts, &order, column.has_unknown, penalty);
        }
        best.condition
    }

    /// Tries every prefix of an order of bins as those where the condition holds. Scores are gains over no condition.
    fn scan(
        &self,
        best: &mut Best,
        feature: usize,
        parts: &mut [Part<'_>],
        order: &[usize],
        has_unknown: bool,
        penalty: f64,
    ) {
        let bins = order.len();
        let before: f64 = parts.iter().map(|part| part.base).sum();
        let weight: f64 = parts.iter().map(|part| part.total[1]).sum();
        let unknown_weight: f64 = parts.iter().map(|part| part.bins[bins][1]).sum();
        let sign = self.signs.get(feature).copied().unwrap_or_default();
        let directions: &[bool] = if has_unknown && unknown_weight > 0.0 { &[false, true] } else { &[false] };
        for &unknown_holds in directions {
            for part in parts.iter_mut() {
                part.held = if unknown_holds { part.bins[bins] } else { [0.0; 2] };
            }
            for (length, &bin) in order.iter().enumerate() {
                let (mut sum, mut held_weight) = (0.0, 0.0);
                for part in parts.iter_mut() {
                    part.held = plus(part.held, part.bins[bin]);
                    let (held, rest) = (part.held, minus(part.total, part.held));
                    // Against the sign the two sides would be pooled.
                    let against = sign * (rest[0] * (held[1] + penalty) - held[0] * (rest[1] + penalty)) < 0.0;
                    sum += if against { part.base } else { score(held, penalty) + score(rest, penalty) };
                    held_weight += held[1];
                }
                let gain = sum - before;
                // All known bins on one side says something only where unknown is on the other.
                let last = length + 1 == bins && (unknown_holds || unknown_weight <= 0.0);
                let sides = held_weight.min(weight - held_weight) >= self.plan.min_side_weight;
                if gain > best.score.max(MIN_GAIN) && sides && !last {
                    best.score = gain;
                    let mut holds = vec![false; bins + 1];
                    order.iter().take(length + 1).for_each(|&bin| holds[bin] = true);
                    // Where training knows all values, an unknown one goes with most.
                    holds[bins] = if unknown_weight > 0.0 { unknown_holds } else { held_weight * 2.0 > weight };
                    best.condition = Some(BinCondition { feature, holds });
                }
            }
        }
    }
}

/// Levels by smoothed gradient over Hessian over all cells. An order within each cell was tried too: it finds more in the rows
/// trained on and less in others.
fn level_order(parts: &[Part<'_>], bins: usize) -> Vec<usize> {
    let total = |bin: usize| parts.iter().map(|part| part.bins[bin]).fold([0.0; 2], plus);
    let key = |bin: usize| {
        let [gradient, hessian] = total(bin);
        gradient / (hessian + LEVEL_SMOOTHING)
    };
    let keys: Vec<f64> = (0..bins).map(key).collect();
    let mut order: Vec<usize> = (0..bins).collect();
    order.sort_by(|&a, &b| keys[a].total_cmp(&keys[b]));
    order
}

/// Adds the rows' gradients and Hessians to their bins.
fn add_up(codes: &[u8], rows: &[u32], slopes: &[[f32; 2]], out: &mut [Sum]) {
    for (&row, slope) in rows.iter().zip(slopes) {
        if let Some(sum) = out.get_mut(usize::from(codes[row as usize])) {
            sum[0] += f64::from(slope[0]);
            sum[1] += f64::from(slope[1]);
        }
    }
}

/// Adds the rows' gradients and Hessians to their bins, in `LANES` histograms that are added up at the end.
fn accumulate<const LANES: usize>(codes: &[u8], rows: &[u32], slopes: &[[f32; 2]], out: &mut [Sum]) {
    let mut lanes = [[[0.0_f64; 2]; 256]; LANES];
    let mut add = |lane: usize, row: u32, slope: [f32; 2]| {
        let sum = &mut lanes[lane][usize::from(codes[row as usize])];
        sum[0] += f64::from(slope[0]);
        sum[1] += f64::from(slope[1]);
    };
    let (row_chunks, slope_chunks) = (rows.chunks_exact(LANES), slopes.chunks_exact(LANES));
    let rest = row_chunks.remainder().iter().zip(slope_chunks.remainder());
    for (rows, slopes) in row_chunks.zip(slope_chunks) {
        for lane in 0..LANES {
            add(lane, rows[lane], slopes[lane]);
        }
    }
    for (&row, &slope) in rest {
        add(0, row, slope);
    }
    for (bin, sum) in out.iter_mut().enumerate() {
        *sum = lanes.iter().fold([0.0; 2], |total, lane| plus(total, lane[bin % 256]));
    }
}
