//! Rules of up to six conditions each: symmetric trees whose every cell carries log-odds, explained exactly.
//!
//! A tree asks its conditions of a row all at once; the answers are the bits of the index of its cell. With at most six
//! conditions there are at most 64 cells, so that the interventional Shapley values of every cell (Lundberg & Lee 2017;
//! against reference rows that are drawn independently) are tabled when the model is loaded, and cost a look-up afterwards.

use serde::{Deserialize, Serialize};

use crate::schema::{FeatureKind, SourceFeature};

mod compiled;
mod effects;

pub use compiled::{CompiledRules, RuleScore};

/// Most conditions of a tree.
pub const MAX_CONDITIONS: usize = 6;

/// How far from 1 the shares of a tree's cells may add up.
const SHARE_TOLERANCE: f64 = 1e-9;

/// One condition on one source feature's packed value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    /// Holds for numbers above a threshold.
    Above {
        /// Position of the feature in the schema.
        feature: usize,
        /// The number that must be exceeded.
        threshold: f64,
        /// Whether it holds for an unknown value.
        unknown: bool,
    },
    /// Holds for some levels.
    OneOf {
        /// Position of the feature in the schema.
        feature: usize,
        /// Indices of the levels, ascending; the number of levels stands for all those that are pooled.
        levels: Vec<u32>,
        /// Whether it holds for an unknown value.
        unknown: bool,
    },
}

impl Condition {
    /// Position of the feature in the schema.
    pub fn feature(&self) -> usize {
        let (Self::Above { feature, .. } | Self::OneOf { feature, .. }) = self;
        *feature
    }

    /// Whether it holds for a packed value; NaN where unknown.
    pub fn holds(&self, value: f64) -> bool {
        match self {
            Self::Above { unknown, .. } | Self::OneOf { unknown, .. } if value.is_nan() => *unknown,
            Self::Above { threshold, .. } => value > *threshold,
            Self::OneOf { levels, .. } => levels.binary_search(&(value as u32)).is_ok(),
        }
    }
}

/// A symmetric tree: all its conditions are asked of every row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleTree {
    /// One to five; several of them may be on the same feature.
    pub conditions: Vec<Condition>,
    /// Log-odds of each cell; bit i of its index is set where condition i holds.
    pub values: Vec<f64>,
    /// Share of the reference rows in each cell; they add up to 1.
    pub shares: Vec<f64>,
}

impl RuleTree {
    /// The index of the cell of a row of packed values.
    pub fn cell(&self, values: &[f64]) -> usize {
        let holds =
            |condition: &Condition| condition.holds(values.get(condition.feature()).copied().unwrap_or(f64::NAN));
        self.conditions.iter().enumerate().map(|(i, condition)| usize::from(holds(condition)) << i).sum()
    }

    /// Its log-odds of a row of packed values.
    pub fn log_odds(&self, values: &[f64]) -> f64 {
        self.values.get(self.cell(values)).copied().unwrap_or_default()
    }
}

/// Members that were each trained on a part of the rows; the score is the mean over them of the sum over their trees.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleEnsemble {
    /// The trees of each member.
    pub members: Vec<Vec<RuleTree>>,
}

impl RuleEnsemble {
    /// Checks that every tree is whole and fits the features.
    ///
    /// # Errors
    /// What is wrong with the first tree that is not: lengths, numbers that are not finite, shares that do not add up to 1,
    /// features or levels that do not exist, or that are of the other kind.
    pub fn check(&self, features: &[SourceFeature]) -> Result<(), String> {
        for (member, trees) in self.members.iter().enumerate() {
            for (number, tree) in trees.iter().enumerate() {
                check_tree(tree, features).map_err(|problem| format!("rule {number} of member {member}: {problem}"))?;
            }
        }
        Ok(())
    }
}

fn check_tree(tree: &RuleTree, features: &[SourceFeature]) -> Result<(), String> {
    let count = tree.conditions.len();
    if !(1..=MAX_CONDITIONS).contains(&count) {
        return Err(format!("{count} conditions where 1 to {MAX_CONDITIONS} belong"));
    }
    let cells = 1_usize << count;
    if tree.values.len() != cells || tree.shares.len() != cells {
        return Err(format!("{} values and {} shares of {cells} cells", tree.values.len(), tree.shares.len()));
    }
    if !tree.values.iter().all(|value| value.is_finite()) {
        return Err("a value is not finite".to_owned());
    }
    let sum: f64 = tree.shares.iter().sum();
    let shares_hold = tree.shares.iter().all(|share| (0.0..=1.0).contains(share));
    if !shares_hold || (sum - 1.0).abs() > SHARE_TOLERANCE {
        return Err(format!("shares of the cells that add up to {sum}"));
    }
    tree.conditions.iter().try_for_each(|condition| check_condition(condition, features))
}

fn check_condition(condition: &Condition, features: &[SourceFeature]) -> Result<(), String> {
    let position = condition.feature();
    let Some(feature) = features.get(position) else {
        return Err(format!("a condition on feature {position} of {}", features.len()));
    };
    match (condition, &feature.kind) {
        (Condition::Above { threshold, .. }, FeatureKind::Numeric { .. }) if threshold.is_finite() => Ok(()),
        (Condition::Above { .. }, FeatureKind::Numeric { .. }) => {
            Err(format!("the threshold on `{}` is not finite", feature.name))
        }
        (Condition::OneOf { levels: chosen, .. }, FeatureKind::Categorical { levels, .. }) => {
            if !chosen.is_sorted_by(|a, b| a < b) {
                return Err(format!("the levels of `{}` are not ascending", feature.name));
            }
            match chosen.last() {
                Some(&last) if last as usize > levels.len() => Err(format!("`{}` has no level {last}", feature.name)),
                _ => Ok(()),
            }
        }
        _ => Err(format!("the condition is not of the kind of `{}`", feature.name)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests;
