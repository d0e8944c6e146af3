//! Rules laid out for the path that runs for every employee.
//!
//! Trees share conditions, so each different condition is asked once; a tree then only gathers its bits and looks up its cell.
//! Trees of a member with the same conditions are added together, and those with the same features stand in one block, so that
//! their contributions are added up in registers.

use std::collections::BTreeMap;

use super::{Condition, MAX_CONDITIONS, RuleEnsemble, RuleTree};

/// Log-odds of a cell, then the Shapley value of each of its block's features.
type Cell = [f64; 1 + MAX_CONDITIONS];

/// Levels that fit a bit set.
const BIT_SET_LEVELS: u32 = 64;

/// What the rules say of one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RuleScore {
    /// Mean over the members.
    pub log_odds: f64,
    /// Delete-group jackknife standard error over the members (Efron 1982); 0 for one member.
    pub standard_error: f64,
}

/// The conditions on one feature; their answers stand one after the other.
#[derive(Clone, Debug)]
struct Question {
    feature: usize,
    /// Ascending.
    thresholds: Vec<f64>,
    /// Sets of levels, after the thresholds.
    sets: Vec<LevelSet>,
    /// The answers where the value is unknown.
    unknown: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, PartialOrd)]
enum LevelSet {
    Bits(u64),
    Sorted(Vec<u32>),
}

impl LevelSet {
    fn new(levels: &[u32]) -> Self {
        if levels.iter().all(|&level| level < BIT_SET_LEVELS) {
            Self::Bits(levels.iter().fold(0, |bits, level| bits | 1 << level))
        } else {
            Self::Sorted(levels.to_vec())
        }
    }

    fn contains(&self, level: u32) -> bool {
        match self {
            Self::Bits(bits) => level < BIT_SET_LEVELS && bits >> level & 1 == 1,
            Self::Sorted(levels) => levels.binary_search(&level).is_ok(),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct CompiledTree {
    /// Positions among the answers; 0, which never holds, where the tree has fewer conditions.
    answers: [u32; MAX_CONDITIONS],
    /// Position of its first cell.
    start: u32,
}

/// Trees on the same features.
#[derive(Clone, Copy, Debug)]
struct Block {
    /// The number of features, where nothing is read, for those that it does not have.
    features: [u32; MAX_CONDITIONS],
    /// Position after its last tree; it starts where the one before ends.
    end: u32,
}

/// Rules ready to score.
#[derive(Clone, Debug)]
pub struct CompiledRules {
    questions: Vec<Question>,
    /// Number of answers, the one that never holds included.
    answers: usize,
    features: usize,
    /// The blocks of each member.
    members: Vec<Vec<Block>>,
    trees: Vec<CompiledTree>,
    cells: Vec<Cell>,
    mean: f64,
    interactions: Vec<(Vec<usize>, f64)>,
}

impl CompiledRules {
    /// Lays out a checked ensemble of a model with so many features.
    pub fn new(ensemble: &RuleEnsemble, features: usize) -> Self {
        let fits = |tree: &&RuleTree| tree.conditions.iter().all(|condition| condition.feature() < features);
        let conditions = ensemble.members.iter().flatten().filter(fits).flat_map(|tree| &tree.conditions);
        let (questions, positions) = questions(conditions);
        let mut compiled = Self {
            answers: 1 + positions.len(),
            questions,
            features,
            members: Vec::new(),
            trees: Vec::new(),
            cells: Vec::new(),
            mean: 0.0,
            interactions: ensemble.interactions(),
        };
        for trees in &ensemble.members {
            // By features, then by answers: what a tree with these conditions holds in each cell.
            let mut tables: BTreeMap<(Vec<usize>, Vec<u32>), Vec<Cell>> = BTreeMap::new();
            for tree in trees.iter().filter(fits) {
                let (tree, answers) = in_order(tree, &positions);
                compiled.mean += tree.mean() / ensemble.members.len() as f64;
                let table = tables.entry((tree.features(), answers)).or_default();
                table.resize(tree.values.len(), [0.0; 1 + MAX_CONDITIONS]);
                for (index, cell) in table.iter_mut().enumerate() {
                    cell.iter_mut().zip(tree.explained(index)).for_each(|(sum, x)| *sum += x);
                }
            }
            let mut blocks: Vec<Block> = Vec::new();
            for ((on, answers), table) in tables {
                let on = padded(on.into_iter().map(|feature| feature as u32), features as u32);
                compiled
                    .trees
                    .push(CompiledTree { answers: padded(answers.into_iter(), 0), start: compiled.cells.len() as u32 });
                let end = compiled.trees.len() as u32;
                match blocks.last_mut() {
                    Some(block) if block.features == on => block.end = end,
                    _ => blocks.push(Block { features: on, end }),
                }
                compiled.cells.extend(table);
            }
            compiled.members.push(blocks);
        }
        compiled
    }

    /// Expectation over the reference population.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Number of trees on the scoring path, after those with the same conditions were added together.
    pub fn trees(&self) -> usize {
        self.trees.len()
    }

    /// Log-odds of a row of packed values: the mean over the members.
    pub fn log_odds(&self, values: &[f64]) -> f64 {
        self.explain(values, 0.0, &mut []).log_odds
    }

    /// Adds every feature's interventional Shapley value, times `scale`, to `contributions`; what is added sums to
    /// `scale` times (log-odds less mean).
    pub fn explain(&self, values: &[f64], scale: f64, contributions: &mut [f64]) -> RuleScore {
        if self.members.is_empty() {
            return RuleScore { log_odds: 0.0, standard_error: 0.0 };
        }
        let answers = self.answers(values);
        let count = self.members.len() as f64;
        let mut shapley = vec![0.0; self.features + 1];
        let mut trees = self.trees.iter();
        let mut sums = Vec::with_capacity(self.members.len());
        let mut start = 0;
        for member in &self.members {
            let mut log_odds = 0.0;
            for block in member {
                let of_block = trees.by_ref().take((block.end - start) as usize);
                start = block.end;
                let [value, parts @ ..] = self.sum(of_block, &answers);
                log_odds += value;
                for (&feature, part) in block.features.iter().zip(parts) {
                    if let Some(sum) = shapley.get_mut(feature as usize) {
                        *sum += part;
                    }
                }
            }
            sums.push(log_odds);
        }
        let scale = scale / count;
        contributions.iter_mut().zip(shapley).take(self.features).for_each(|(sum, part)| *sum += scale * part);
        let mean = sums.iter().sum::<f64>() / count;
        let squares: f64 = sums.iter().map(|sum| (sum - mean).powi(2)).sum();
        RuleScore { log_odds: mean, standard_error: ((count - 1.0) / count * squares).sqrt() }
    }

    /// Sets of two and three features that act together, each with the standard deviation over the reference cells of what
    /// its trees add beyond smaller sets; strongest first. See [`RuleEnsemble::interactions`].
    pub fn interactions(&self) -> Vec<(Vec<usize>, f64)> {
        self.interactions.clone()
    }

    /// What some trees add up to.
    fn sum<'a>(&self, trees: impl Iterator<Item = &'a CompiledTree>, answers: &[u8]) -> Cell {
        let mut sum = [0.0; 1 + MAX_CONDITIONS];
        for tree in trees {
            let answer = |answer: u32| u32::from(answers.get(answer as usize).copied().unwrap_or_default());
            let index: u32 = tree.answers.iter().enumerate().map(|(bit, &position)| answer(position) << bit).sum();
            if let Some(cell) = self.cells.get((tree.start + index) as usize) {
                sum.iter_mut().zip(cell).for_each(|(sum, x)| *sum += x);
            }
        }
        sum
    }

    /// Whether each different condition holds; the first never does.
    fn answers(&self, values: &[f64]) -> Vec<u8> {
        let mut answers = Vec::with_capacity(self.answers);
        answers.push(0);
        for question in &self.questions {
            let value = values.get(question.feature).copied().unwrap_or(f64::NAN);
            if value.is_nan() {
                answers.extend_from_slice(&question.unknown);
            } else {
                answers.extend(question.thresholds.iter().map(|&threshold| u8::from(value > threshold)));
                answers.extend(question.sets.iter().map(|set| u8::from(set.contains(value as u32))));
            }
        }
        answers
    }
}

/// Numbers and as many fillers as are missing.
fn padded(numbers: impl Iterator<Item = u32>, filler: u32) -> [u32; MAX_CONDITIONS] {
    let mut padded = [filler; MAX_CONDITIONS];
    padded.iter_mut().zip(numbers).for_each(|(slot, number)| *slot = number);
    padded
}

/// A condition as a key: feature, kind, threshold by its order, levels, unknown.
type Key = (usize, bool, i64, Vec<u32>, bool);

fn key(condition: &Condition) -> Key {
    match condition {
        Condition::Above { feature, threshold, unknown } => {
            // IEEE 754 total order as an integer, as in f64::total_cmp.
            let bits = (*threshold + 0.0).to_bits() as i64;
            (*feature, false, bits ^ ((bits >> 63) as u64 >> 1) as i64, Vec::new(), *unknown)
        }
        Condition::OneOf { feature, levels, unknown } => (*feature, true, 0, levels.clone(), *unknown),
    }
}

/// The different conditions by feature, and the position of each one's answer.
fn questions<'a>(conditions: impl Iterator<Item = &'a Condition>) -> (Vec<Question>, BTreeMap<Key, u32>) {
    let different: BTreeMap<Key, &Condition> = conditions.map(|condition| (key(condition), condition)).collect();
    let mut questions: Vec<Question> = Vec::new();
    let mut positions = BTreeMap::new();
    for (position, (key, condition)) in different.into_iter().enumerate() {
        positions.insert(key, position as u32 + 1);
        let feature = condition.feature();
        if questions.last().is_none_or(|question| question.feature != feature) {
            questions.push(Question { feature, thresholds: Vec::new(), sets: Vec::new(), unknown: Vec::new() });
        }
        let Some(question) = questions.last_mut() else { continue };
        match condition {
            Condition::Above { threshold, unknown, .. } => {
                question.thresholds.push(*threshold);
                question.unknown.push(u8::from(*unknown));
            }
            Condition::OneOf { levels, unknown, .. } => {
                question.sets.push(LevelSet::new(levels));
                question.unknown.push(u8::from(*unknown));
            }
        }
    }
    (questions, positions)
}

/// The tree with its conditions in the order of their answers, and these.
fn in_order(tree: &RuleTree, positions: &BTreeMap<Key, u32>) -> (RuleTree, Vec<u32>) {
    let answer = |condition: &Condition| positions.get(&key(condition)).copied().unwrap_or_default();
    let mut order: Vec<usize> = (0..tree.conditions.len()).collect();
    let answers: Vec<u32> = tree.conditions.iter().map(answer).collect();
    order.sort_by_key(|&i| answers.get(i));
    // Bit `place` of the new index is bit `old` of the index it came from.
    let old_index =
        |index: usize| order.iter().enumerate().map(|(place, &old)| (index >> place & 1) << old).sum::<usize>();
    let permuted = |numbers: &[f64]| -> Vec<f64> {
        (0..numbers.len()).map(|index| numbers.get(old_index(index)).copied().unwrap_or_default()).collect()
    };
    let tree_in_order = RuleTree {
        conditions: order.iter().filter_map(|&old| tree.conditions.get(old)).cloned().collect(),
        values: permuted(&tree.values),
        shares: permuted(&tree.shares),
    };
    (tree_in_order, order.iter().filter_map(|&old| answers.get(old)).copied().collect())
}
