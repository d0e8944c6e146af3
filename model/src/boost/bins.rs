//! Values as bins: what a tree can tell apart.

use flight_risk_scoring::rules::Condition;

use crate::folds::mixed;

/// Most bins of numbers. More distinct values than these share bins of about equal numbers of rows.
const MAX_NUMBER_BINS: usize = 128;

/// Most bins of levels; rarer levels beyond share the last.
const MAX_LEVEL_BINS: usize = 254;

/// Values looked at to place thresholds.
const MAX_SAMPLED: usize = 200_000;

/// The packed values of one source feature, one per row.
#[derive(Clone, Copy, Debug)]
pub enum BinColumn<'a> {
    /// Numbers; NaN where unknown.
    Numbers(&'a [f64]),
    /// Indices of levels as packed by the schema (the number of levels: pooled); NaN where unknown.
    Levels(&'a [f64]),
}

/// What the bins of a feature stand for.
#[derive(Clone, Debug)]
pub(super) enum Meaning {
    /// Ascending; bin i holds what exceeds the first i.
    Thresholds(Vec<f64>),
    /// The levels of each bin, ascending.
    Levels(Vec<Vec<u32>>),
}

/// One feature's bins.
#[derive(Clone, Debug)]
pub(super) struct Column {
    /// The bin of every row; the one after the last stands for unknown.
    pub(super) codes: Vec<u8>,
    pub(super) meaning: Meaning,
    /// Whether any value is unknown.
    pub(super) has_unknown: bool,
}

impl Column {
    /// Number of bins of known values.
    pub(super) fn bins(&self) -> usize {
        match &self.meaning {
            Meaning::Thresholds(thresholds) => thresholds.len() + 1,
            Meaning::Levels(levels) => levels.len(),
        }
    }

    fn numbers(values: &[f64]) -> Self {
        let thresholds = thresholds(values);
        let unknown = thresholds.len() + 1;
        let bin = |value: f64| thresholds.partition_point(|&threshold| value > threshold);
        let codes = values.iter().map(|&value| if value.is_nan() { unknown } else { bin(value) } as u8).collect();
        let has_unknown = values.iter().any(|value| value.is_nan());
        Self { codes, meaning: Meaning::Thresholds(thresholds), has_unknown }
    }

    fn levels(values: &[f64]) -> Self {
        let mut counts = std::collections::BTreeMap::<u32, usize>::new();
        for value in values.iter().filter(|value| !value.is_nan()) {
            *counts.entry(*value as u32).or_default() += 1;
        }
        let mut bins: Vec<Vec<u32>> = counts.keys().map(|&level| vec![level]).collect();
        if bins.len() > MAX_LEVEL_BINS {
            let count = |bin: &Vec<u32>| bin.first().and_then(|level| counts.get(level)).copied();
            bins.sort_by_key(|bin| std::cmp::Reverse(count(bin)));
            let mut rare: Vec<u32> = bins.split_off(MAX_LEVEL_BINS - 1).concat();
            rare.sort_unstable();
            bins.push(rare);
        }
        let mut bin_of = std::collections::BTreeMap::new();
        for (bin, levels) in bins.iter().enumerate() {
            bin_of.extend(levels.iter().map(|&level| (level, bin)));
        }
        let bin = |value: f64| bin_of.get(&(value as u32)).copied().unwrap_or_default();
        let codes = values.iter().map(|&value| if value.is_nan() { bins.len() } else { bin(value) } as u8).collect();
        let has_unknown = values.iter().any(|value| value.is_nan());
        Self { codes, meaning: Meaning::Levels(bins), has_unknown }
    }
}

/// Every row's values as bins.
#[derive(Clone, Debug)]
pub struct Binned {
    pub(super) columns: Vec<Column>,
    pub(super) rows: usize,
}

impl Binned {
    /// Bins of the features in the order of packed rows. All columns have the same number of rows. Thresholds lie halfway
    /// between neighbouring values, or at quantiles when there are too many.
    pub fn new(columns: &[BinColumn<'_>]) -> Self {
        let columns: Vec<Column> = columns
            .iter()
            .map(|column| match column {
                BinColumn::Numbers(values) => Column::numbers(values),
                BinColumn::Levels(values) => Column::levels(values),
            })
            .collect();
        let rows = columns.iter().map(|column| column.codes.len()).min().unwrap_or_default();
        Self { columns, rows }
    }

    /// The bins of some of the rows, which must be among these.
    pub(super) fn of_rows(&self, rows: &[u32]) -> Self {
        let column = |column: &Column| Column {
            codes: rows.iter().map(|&row| column.codes.get(row as usize).copied().unwrap_or_default()).collect(),
            meaning: column.meaning.clone(),
            has_unknown: column.has_unknown,
        };
        Self { columns: self.columns.iter().map(column).collect(), rows: rows.len() }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of features.
    pub fn features(&self) -> usize {
        self.columns.len()
    }
}

/// A condition on bins.
#[derive(Clone, Debug)]
pub(super) struct BinCondition {
    pub(super) feature: usize,
    /// Whether it holds in each bin of known values, then in the one for unknown values.
    pub(super) holds: Vec<bool>,
}

impl BinCondition {
    /// The condition on packed values that it stands for.
    pub(super) fn unbinned(&self, column: &Column) -> Condition {
        let (feature, unknown) = (self.feature, self.holds.get(column.bins()).copied().unwrap_or_default());
        match &column.meaning {
            Meaning::Thresholds(thresholds) => {
                let first = self.holds.iter().position(|&holds| holds).unwrap_or_default();
                // From the first bin on: whatever is known.
                let below = first.checked_sub(1).and_then(|below| thresholds.get(below));
                let threshold = below.copied().unwrap_or(f64::MIN);
                Condition::Above { feature, threshold, unknown }
            }
            Meaning::Levels(bins) => {
                let held = bins.iter().zip(&self.holds).filter(|(_, holds)| **holds);
                let mut levels: Vec<u32> = held.flat_map(|(levels, _)| levels).copied().collect();
                levels.sort_unstable();
                Condition::OneOf { feature, levels, unknown }
            }
        }
    }
}

/// Halfway between two ascending numbers: not below the lower and below the upper.
fn halfway(lower: f64, upper: f64) -> f64 {
    let middle = lower / 2.0 + upper / 2.0;
    if middle >= lower && middle < upper { middle } else { lower }
}

fn thresholds(values: &[f64]) -> Vec<f64> {
    let mut known: Vec<f64> = if values.len() > MAX_SAMPLED {
        let step = values.len() as u64;
        (0..MAX_SAMPLED as u64).filter_map(|i| values.get((mixed(0, i) % step) as usize)).copied().collect()
    } else {
        values.to_vec()
    };
    known.retain(|value| !value.is_nan());
    // -0 and 0 are one number.
    known.iter_mut().for_each(|value| *value += 0.0);
    known.sort_unstable_by(f64::total_cmp);
    let distinct: Vec<(f64, usize)> = known
        .chunk_by(|a, b| a.total_cmp(b).is_eq())
        .filter_map(|equal| equal.first().map(|&value| (value, equal.len())))
        .collect();
    let mut thresholds = Vec::new();
    let all = distinct.len() <= MAX_NUMBER_BINS;
    let (mut in_bin, mut left) = (0, known.len());
    for pair in distinct.windows(2) {
        let [(lower, count), (upper, _)] = *pair else { continue };
        in_bin += count;
        left -= count;
        // As many rows as each of the bins that are still free would have.
        let free = MAX_NUMBER_BINS - 1 - thresholds.len().min(MAX_NUMBER_BINS - 2);
        let full = in_bin * (free + 1) >= in_bin + left && thresholds.len() < MAX_NUMBER_BINS - 1;
        if all || full {
            thresholds.push(halfway(lower, upper));
            in_bin = 0;
        }
    }
    thresholds
}
