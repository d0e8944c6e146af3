//! Training rows as columns, whatever they come from: what the design is built on.

use std::cmp::Ordering;

use flight_risk_data::flat::{FlatSchema, FlatTable, FlatValues, Monotone};
use flight_risk_scoring::features::{Family, FeatureSpec, PlausibleDirection, Unit};
use flight_risk_scoring::schema::{FeatureKind, SourceFeature};

use crate::duplicates::{Duplicates, People};

/// Code of an unknown value in a categorical column.
pub const UNKNOWN_LEVEL: u32 = u32::MAX;

/// The values of one source feature, one per row.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnValues {
    /// Numbers; NaN where unknown.
    Numeric(Vec<f64>),
    /// Indices into `levels`; [`UNKNOWN_LEVEL`] where unknown.
    Categorical {
        /// One per row.
        codes: Vec<u32>,
        /// All levels, ascending.
        levels: Vec<String>,
    },
}

impl ColumnValues {
    /// What a row holds, as bits: equal values have equal ones.
    pub(crate) fn bits(&self, row: usize) -> u64 {
        match self {
            Self::Numeric(values) => values.get(row).map_or(0, |value| value.to_bits()),
            Self::Categorical { codes, .. } => codes.get(row).map_or(0, |&code| u64::from(code)),
        }
    }

    fn compare(&self, a: usize, b: usize) -> Ordering {
        match self {
            Self::Numeric(values) => values.get(a).zip(values.get(b)).map_or(Ordering::Equal, |(a, b)| a.total_cmp(b)),
            Self::Categorical { codes, .. } => codes.get(a).cmp(&codes.get(b)),
        }
    }
}

/// What is said of a feature that a flat table brings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FlatFeature {
    /// Column name.
    pub name: String,
    /// Plain label; the column name where none is given.
    pub label: Option<String>,
    /// Whether HR can act on it.
    pub actionable: bool,
    /// What it is about.
    pub family: Option<Family>,
    /// The only direction in which it may move the risk; for numbers only.
    pub monotone: Option<Monotone>,
}

/// Where a source feature comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// The native registry.
    Native(&'static FeatureSpec),
    /// A column of a flat table.
    Flat(FlatFeature),
}

/// One source feature with its values.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceColumn {
    /// Where it comes from.
    pub origin: Origin,
    /// Its values.
    pub values: ColumnValues,
}

impl SourceColumn {
    /// The feature's name.
    pub fn name(&self) -> &str {
        match &self.origin {
            Origin::Native(spec) => spec.name,
            Origin::Flat(feature) => &feature.name,
        }
    }

    /// The sign that the coefficient of a monotone feature may have.
    pub fn required_sign(&self) -> Option<f64> {
        match &self.origin {
            Origin::Flat(FlatFeature { monotone: Some(Monotone::Increasing), .. }) => Some(1.0),
            Origin::Flat(FlatFeature { monotone: Some(Monotone::Decreasing), .. }) => Some(-1.0),
            Origin::Flat(_) | Origin::Native(_) => None,
        }
    }

    /// The schema entry of this column for a kind and a share of known values seen in training.
    pub fn source_feature(&self, kind: FeatureKind, known_share: f64) -> SourceFeature {
        match &self.origin {
            Origin::Native(spec) => SourceFeature::native(spec, kind, known_share),
            Origin::Flat(feature) => {
                let label = feature.label.clone().unwrap_or_else(|| feature.name.clone());
                SourceFeature {
                    name: feature.name.clone(),
                    phrase: format!("{label} {{value}}"),
                    otherwise: format!("{label} not known"),
                    label,
                    family: feature.family.unwrap_or(Family::Other),
                    unit: Unit::Number,
                    direction: PlausibleDirection::Either,
                    actionable: feature.actionable,
                    confidential: false,
                    kind,
                    known_share,
                }
            }
        }
    }
}

/// When a row's facts were known.
#[derive(Clone, Debug, PartialEq)]
pub struct Times {
    /// Index into `labels`, one per row.
    pub index: Vec<u32>,
    /// Days or time labels, ascending.
    pub labels: Vec<String>,
}

/// Rows to learn from.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingTable {
    /// Source features.
    pub columns: Vec<SourceColumn>,
    /// Whether the row ends in a voluntary exit (or has the positive target).
    pub events: Vec<bool>,
    /// Who the row is about: rows of one group never straddle a random split.
    pub groups: Vec<u32>,
    /// Whether the data say who the rows are about: by employee, by a group column, or by identifiers that repeat.
    pub named: bool,
    /// When; `None` where there is no time.
    pub times: Option<Times>,
}

impl TrainingTable {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.events.len()
    }

    /// Number of rows with a voluntary exit.
    pub fn event_count(&self) -> usize {
        self.events.iter().filter(|&&event| event).count()
    }

    /// Which of the given rows have a voluntary exit.
    pub fn events_of(&self, rows: &[usize]) -> Vec<bool> {
        rows.iter().map(|&row| self.events.get(row).copied().unwrap_or_default()).collect()
    }

    /// Who each of the given rows is about.
    pub fn groups_of(&self, rows: &[usize]) -> Vec<u32> {
        rows.iter().filter_map(|&row| self.groups.get(row).copied()).collect()
    }

    /// The rows whose time index lies in a range; none where there is no time.
    pub fn rows_in(&self, range: impl std::ops::RangeBounds<usize>) -> Vec<usize> {
        let Some(times) = &self.times else { return Vec::new() };
        let within = |row: &usize| times.index.get(*row).is_some_and(|&time| range.contains(&(time as usize)));
        (0..self.rows()).filter(within).collect()
    }

    /// Orders the rows by whom, when and what they tell: their order in a file must not change the model, not by a bit.
    fn order(&mut self) {
        let by = |&a: &usize, &b: &usize| {
            let time = |row: usize| self.times.as_ref().and_then(|times| times.index.get(row));
            let different = |column: &SourceColumn| column.values.compare(a, b);
            (self.groups.get(a), time(a), self.events.get(a))
                .cmp(&(self.groups.get(b), time(b), self.events.get(b)))
                .then_with(|| self.columns.iter().map(different).find(|found| found.is_ne()).unwrap_or(Ordering::Equal))
        };
        let mut order: Vec<usize> = (0..self.rows()).collect();
        if order.is_sorted_by(|a, b| by(a, b).is_le()) {
            return;
        }
        order.sort_unstable_by(by);
        for column in &mut self.columns {
            match &mut column.values {
                ColumnValues::Numeric(values) => *values = in_order(values, &order),
                ColumnValues::Categorical { codes, .. } => *codes = in_order(codes, &order),
            }
        }
        self.events = in_order(&self.events, &order);
        self.groups = in_order(&self.groups, &order);
        if let Some(times) = &mut self.times {
            times.index = in_order(&times.index, &order);
        }
    }

    /// Rows of a flat table, and which of them are equal. Rows of one person share a group (by the group column, or by an
    /// identifier that repeats), and so do copies.
    pub fn from_flat(table: &FlatTable, schema: &FlatSchema) -> (Self, Duplicates) {
        let columns = table
            .columns
            .iter()
            .map(|column| {
                let options = schema.features.get(&column.name);
                let feature = FlatFeature {
                    name: column.name.clone(),
                    label: options.and_then(|o| o.label.clone()),
                    actionable: options.and_then(|o| o.actionable).unwrap_or(false),
                    family: options.and_then(|o| o.family),
                    monotone: options.and_then(|o| o.monotone),
                };
                let values = match &column.values {
                    FlatValues::Numeric(values) => ColumnValues::Numeric(values.clone()),
                    FlatValues::Categorical(cells) => categorical(cells),
                };
                SourceColumn { origin: Origin::Flat(feature), values }
            })
            .collect();
        let mut rows = Self { columns, events: table.target.clone(), groups: Vec::new(), named: false, times: None };
        rows.times = table.time.as_ref().map(|time| {
            let mut labels = time.clone();
            labels.sort_by(|a, b| natural(a, b));
            labels.dedup();
            let index =
                time.iter().map(|t| labels.binary_search_by(|l| natural(l, t)).unwrap_or_default() as u32).collect();
            Times { index, labels }
        });
        let (by_id, different) = indices(table.ids.iter());
        let people = match &table.group {
            Some(group) => People::Named(indices(group.iter()).0),
            None if different < table.ids.len() => People::Named(by_id),
            None => People::OnePerRow(schema.id.is_some().then_some(by_id)),
        };
        let (duplicates, groups) = Duplicates::find(&rows.columns, &rows.events, people);
        rows.groups = groups;
        rows.named = duplicates.named;
        rows.order();
        (rows, duplicates)
    }
}

fn in_order<T: Copy>(values: &[T], order: &[usize]) -> Vec<T> {
    order.iter().filter_map(|&row| values.get(row).copied()).collect()
}

/// Numbers where both are numbers, text otherwise: 2 comes before 10, 2016-02 before 2016-10.
fn natural(a: &str, b: &str) -> Ordering {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(x), Ok(y)) => x.total_cmp(&y).then_with(|| a.cmp(b)),
        _ => a.cmp(b),
    }
}

/// Of each key its place among all different keys in their order, and the number of different keys. Not the order of
/// appearance: folds are dealt by it, and the order of the rows in a file must not change the model.
pub(crate) fn indices<K: Ord>(keys: impl Iterator<Item = K>) -> (Vec<u32>, usize) {
    let keys: Vec<K> = keys.collect();
    let mut different: Vec<&K> = keys.iter().collect();
    different.sort_unstable();
    different.dedup();
    let index = keys.iter().map(|key| different.binary_search(&key).unwrap_or_default() as u32).collect();
    (index, different.len())
}

fn categorical(cells: &[Option<String>]) -> ColumnValues {
    let mut levels: Vec<&String> = cells.iter().flatten().collect();
    levels.sort_unstable();
    levels.dedup();
    let codes = cells
        .iter()
        .map(|cell| {
            cell.as_ref().and_then(|c| levels.binary_search(&c).ok()).map_or(UNKNOWN_LEVEL, |position| position as u32)
        })
        .collect();
    ColumnValues::Categorical { codes, levels: levels.into_iter().cloned().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_sort_as_people_read_them() {
        let mut labels = ["10", "9", "2016-10", "2016-02"];
        labels.sort_by(|a, b| natural(a, b));
        assert!(labels.iter().position(|l| *l == "9") < labels.iter().position(|l| *l == "10"));
        assert!(labels.iter().position(|l| *l == "2016-02") < labels.iter().position(|l| *l == "2016-10"));
    }
}
