//! What a tree's features do alone and together: expectations given some of them, Shapley values, purified parts.

use std::collections::BTreeMap;

use super::{MAX_CONDITIONS, RuleEnsemble, RuleTree};

impl RuleTree {
    /// The different features of its conditions, ascending.
    pub fn features(&self) -> Vec<usize> {
        let mut features: Vec<usize> = self.conditions.iter().map(super::Condition::feature).collect();
        features.sort_unstable();
        features.dedup();
        features
    }

    /// Expectation over the reference rows.
    pub fn mean(&self) -> f64 {
        self.values.iter().zip(&self.shares).map(|(value, share)| value * share).sum()
    }

    /// Bits of the cells' indices that belong to the features chosen (bit j: feature j of [`RuleTree::features`]).
    fn mask(&self, features: &[usize], chosen: usize) -> usize {
        let is_chosen =
            |feature: usize| features.iter().position(|&f| f == feature).is_some_and(|j| chosen >> j & 1 == 1);
        let bits = self.conditions.iter().enumerate().filter(|(_, condition)| is_chosen(condition.feature()));
        bits.map(|(bit, _)| 1 << bit).sum()
    }

    /// Expectation when the bits of `mask` are those of the cell `index`, and the others are those of a reference row.
    fn expectation(&self, index: usize, mask: usize) -> f64 {
        let value = |other: usize| self.values.get(index & mask | other & !mask).copied().unwrap_or_default();
        self.shares.iter().enumerate().map(|(other, share)| share * value(other)).sum()
    }

    /// Log-odds of a cell and the interventional Shapley value of each of [`RuleTree::features`].
    pub(super) fn explained(&self, index: usize) -> [f64; 1 + MAX_CONDITIONS] {
        let features = self.features();
        let count = features.len();
        let expectations: Vec<f64> =
            (0..1_usize << count).map(|chosen| self.expectation(index, self.mask(&features, chosen))).collect();
        let expectation = |chosen: usize| expectations.get(chosen).copied().unwrap_or_default();
        let mut cell = [0.0; 1 + MAX_CONDITIONS];
        let [value, shapley @ ..] = &mut cell;
        *value = self.values.get(index).copied().unwrap_or_default();
        for (feature, shapley) in shapley.iter_mut().enumerate().take(count) {
            let without = (0..1_usize << count).filter(|chosen| chosen >> feature & 1 == 0);
            *shapley = without
                .map(|chosen| {
                    let step = expectation(chosen | 1 << feature) - expectation(chosen);
                    step * coalition_weight(chosen.count_ones() as usize, count)
                })
                .sum();
        }
        cell
    }

    /// [`Self::purified`] of every set of features at once, the index of a set being its bits.
    fn parts(&self, features: &[usize], index: usize) -> Vec<f64> {
        let sets = 1_usize << features.len();
        let mut parts: Vec<f64> =
            (0..sets).map(|chosen| self.expectation(index, self.mask(features, chosen))).collect();
        // Feature by feature, what a set does without it is taken from what it does with it.
        for feature in 0..features.len() {
            for set in (0..sets).filter(|set| set >> feature & 1 == 1) {
                let without = parts.get(set & !(1 << feature)).copied().unwrap_or_default();
                if let Some(part) = parts.get_mut(set) {
                    *part -= without;
                }
            }
        }
        parts
    }

    /// What the features chosen do in a cell beyond what smaller sets of them do (Mobius inverse of the expectations).
    fn purified(&self, features: &[usize], chosen: usize, index: usize) -> f64 {
        let subsets = (0..=chosen).filter(|subset| subset & !chosen == 0);
        subsets
            .map(|subset| {
                let sign = if (chosen & !subset).count_ones().is_multiple_of(2) { 1.0 } else { -1.0 };
                sign * self.expectation(index, self.mask(features, subset))
            })
            .sum()
    }
}

/// Share of the orders of `count` features in which a given one comes just after a given set of `size` others.
fn coalition_weight(size: usize, count: usize) -> f64 {
    let factorial = |n: usize| (1..=n).product::<usize>() as f64;
    factorial(size) * factorial(count - size - 1) / factorial(count)
}

impl RuleEnsemble {
    /// What one feature does alone at a packed value: expectation over the reference rows with the feature at that value less
    /// the expectation, in log-odds. For drawing its effect.
    pub fn main_effect(&self, feature: usize, value: f64) -> f64 {
        self.joint_effect(&[(feature, value)])
    }

    /// What different features do together at packed values beyond what smaller sets of them do, in log-odds: the purified part
    /// of the trees that ask about all of them, mean over the members. The parts of all sets add up to the log-odds less the
    /// expectation. For drawing pairs.
    pub fn joint_effect(&self, at: &[(usize, f64)]) -> f64 {
        let sum: f64 = self.members.iter().flatten().map(|tree| tree.joint_effect(at)).sum();
        sum / self.members.len().max(1) as f64
    }

    /// What every set of two and more features does together for a row of packed values beyond smaller sets of them, in log-odds:
    /// [`Self::joint_effect`] of all sets about which any tree asks. For telling a person's.
    pub fn joint_effects(&self, values: &[f64]) -> BTreeMap<Vec<usize>, f64> {
        let mut all: BTreeMap<Vec<usize>, f64> = BTreeMap::new();
        for tree in self.members.iter().flatten() {
            let features = tree.features();
            let parts = tree.parts(&features, tree.cell(values));
            for (chosen, part) in parts.into_iter().enumerate().filter(|(chosen, _)| chosen.count_ones() > 1) {
                let set = features.iter().enumerate().filter(|(j, _)| chosen >> j & 1 == 1).map(|(_, &f)| f).collect();
                *all.entry(set).or_default() += part / self.members.len() as f64;
            }
        }
        all
    }

    /// Sets of two and three features that act together, strongest first: the standard deviation over the reference cells of
    /// what a tree adds beyond smaller sets, summed over its trees; mean over the members. A tree's shares say nothing of how
    /// its cells overlap with another tree's, so the sum is the largest that the standard deviation can be: it ranks, it
    /// does not measure.
    pub fn interactions(&self) -> Vec<(Vec<usize>, f64)> {
        let mut strengths: BTreeMap<Vec<usize>, f64> = BTreeMap::new();
        for tree in self.members.iter().flatten() {
            let features = tree.features();
            for chosen in (1..1_usize << features.len()).filter(|chosen| chosen.count_ones() > 1) {
                let square = |(index, share): (usize, &f64)| share * tree.purified(&features, chosen, index).powi(2);
                let variance: f64 = tree.shares.iter().enumerate().map(square).sum();
                let set = features.iter().enumerate().filter(|(j, _)| chosen >> j & 1 == 1).map(|(_, &f)| f).collect();
                *strengths.entry(set).or_default() += variance.sqrt() / self.members.len() as f64;
            }
        }
        let mut ranked: Vec<(Vec<usize>, f64)> =
            strengths.into_iter().filter(|(_, strength)| *strength > 0.0).collect();
        // Stable: equal ones stay in the order of their features.
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranked
    }
}

impl RuleTree {
    fn joint_effect(&self, at: &[(usize, f64)]) -> f64 {
        let features = self.features();
        let mut chosen = 0;
        for (feature, _) in at {
            let Some(place) = features.iter().position(|f| f == feature) else { return 0.0 };
            chosen |= 1 << place;
        }
        let holds = |condition: &super::Condition| {
            at.iter().any(|&(feature, value)| feature == condition.feature() && condition.holds(value))
        };
        let bits = self.conditions.iter().enumerate().map(|(bit, condition)| usize::from(holds(condition)) << bit);
        self.purified(&features, chosen, bits.sum())
    }
}
