//! Effects of two features together, beyond what each says alone: a table over the cells of both.
//!
//! The tables are purified: along either feature, the mean over the reference population's values of the other is 0, so that
//! everything a single feature can say is in its own effect. The interventional Shapley value of each of the two is then half
//! of the cell's effect less half of its mean over the reference population.

use serde::{Deserialize, Serialize};

/// How one feature of a pair is cut into bins; unknown values have the last bin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Axis {
    /// Numbers: the bin is the number of cuts that are not above the value.
    Cuts {
        /// Ascending.
        cuts: Vec<f64>,
    },
    /// Levels: the bin of each packed level; the last entry is that of every other level.
    Levels {
        /// Bins by packed level.
        bins: Vec<u32>,
    },
}

impl Axis {
    /// Number of bins, that of unknown values included.
    pub fn len(&self) -> usize {
        match self {
            Self::Cuts { cuts } => cuts.len() + 2,
            Self::Levels { bins } => bins.iter().max().map_or(1, |&last| last as usize + 2),
        }
    }

    /// Never: there is always the bin of unknown values.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The bin of a packed value.
    pub fn bin(&self, value: f64) -> usize {
        if value.is_nan() {
            return self.len() - 1;
        }
        match self {
            Self::Cuts { cuts } => cuts.partition_point(|cut| *cut <= value),
            Self::Levels { bins } => {
                bins.get(value as usize).or(bins.last()).map_or(self.len() - 1, |&bin| bin as usize)
            }
        }
    }
}

/// The joint effect of two features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// Positions of the features in the schema.
    pub features: [usize; 2],
    /// How each is cut.
    pub axes: [Axis; 2],
    /// Log-odds of every cell, the first feature's bins as rows.
    pub effects: Vec<f64>,
    /// Variance of each effect.
    pub variances: Vec<f64>,
    /// Share of the reference rows in each cell.
    pub shares: Vec<f64>,
}

impl Pair {
    /// The cell of a packed row.
    pub fn cell(&self, values: &[f64]) -> usize {
        let [first, second] = self.features.map(|feature| values.get(feature).copied().unwrap_or(f64::NAN));
        let [rows, columns] = &self.axes;
        rows.bin(first) * columns.len() + columns.bin(second)
    }

    /// Mean effect over the reference rows.
    pub fn mean(&self) -> f64 {
        self.effects.iter().zip(&self.shares).map(|(effect, share)| effect * share).sum()
    }

    /// What is wrong with a pair of a model with so many features; `Ok` when nothing is.
    ///
    /// # Errors
    /// Says what does not fit.
    pub(crate) fn check(&self, features: usize) -> Result<(), String> {
        let cells = self.axes.iter().map(Axis::len).product::<usize>();
        let lengths = [self.effects.len(), self.variances.len(), self.shares.len()];
        let numbers = [&self.effects, &self.variances, &self.shares];
        let ascending = |axis: &Axis| match axis {
            Axis::Cuts { cuts } => cuts.iter().all(|cut| cut.is_finite()) && cuts.is_sorted_by(|a, b| a < b),
            Axis::Levels { bins } => !bins.is_empty(),
        };
        if self.features.iter().any(|&feature| feature >= features) || self.features[0] == self.features[1] {
            return Err("a pair names features that the model does not have".to_owned());
        }
        if lengths.iter().any(|&length| length != cells) || !self.axes.iter().all(ascending) {
            return Err("a pair's cells do not fit its axes".to_owned());
        }
        if !numbers.into_iter().flatten().all(|x| x.is_finite()) || self.variances.iter().any(|&v| v < 0.0) {
            return Err("a pair's effects are not finite".to_owned());
        }
        Ok(())
    }
}

/// The part of values of one feature that recur exactly: rows that share one are probably about the same employee, and what is
/// peculiar to that employee shows in them all (a frailty; shrunken towards 0).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recurring {
    /// Position of the feature in the schema.
    pub feature: usize,
    /// The values, ascending.
    pub values: Vec<f64>,
    /// Log-odds of each.
    pub effects: Vec<f64>,
    /// Variance of each effect.
    pub variances: Vec<f64>,
    /// Mean effect over the reference rows.
    pub mean: f64,
    /// Variance of the effect of a value that training did not see.
    pub unseen_variance: f64,
}

impl Recurring {
    /// Effect and variance at a packed row.
    pub fn at(&self, values: &[f64]) -> (f64, f64) {
        let value = values.get(self.feature).copied().unwrap_or(f64::NAN);
        let found = self.values.binary_search_by(|known| known.total_cmp(&value)).ok();
        found
            .and_then(|place| Some((*self.effects.get(place)?, *self.variances.get(place)?)))
            .unwrap_or((0.0, self.unseen_variance))
    }

    pub(crate) fn check(&self, features: usize) -> Result<(), String> {
        let lengths = [self.effects.len(), self.variances.len()];
        let numbers =
            self.values.iter().chain(&self.effects).chain(&self.variances).chain([&self.mean, &self.unseen_variance]);
        if self.feature >= features
            || lengths.iter().any(|&length| length != self.values.len())
            || !self.values.is_sorted_by(|a, b| a < b)
            || !numbers.into_iter().all(|x| x.is_finite())
            || self.variances.iter().chain([&self.unseen_variance]).any(|&v| v < 0.0)
        {
            return Err("the recurring values contradict themselves".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_find_their_cells() {
        let pair = Pair {
            features: [0, 1],
            axes: [Axis::Cuts { cuts: vec![1.0, 3.0] }, Axis::Levels { bins: vec![0, 1, 0] }],
            effects: (0..12).map(f64::from).collect(),
            variances: vec![0.0; 12],
            shares: vec![1.0 / 12.0; 12],
        };
        assert_eq!(pair.check(2), Ok(()));
        for (values, cell) in [
            ([0.0, 0.0], 0),
            ([1.0, 1.0], 4),
            ([2.9, 2.0], 3),
            ([9.0, 7.0], 6),
            ([f64::NAN, 1.0], 10),
            ([0.5, f64::NAN], 2),
        ] {
            assert_eq!(pair.cell(&values), cell, "{values:?}");
        }
        assert!((pair.mean() - 5.5).abs() < 1e-12);
        assert!(pair.check(1).is_err());
    }
}
