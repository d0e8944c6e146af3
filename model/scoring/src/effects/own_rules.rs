//! What the rules say by one feature alone: a part of its effect, to be drawn with it.

use crate::ArtifactContent;
use crate::rules::{Condition, RuleEnsemble, RuleTree};

use crate::effects::Effect;

/// More different thresholds than this are not drawn one by one.
const MOST_THRESHOLDS: usize = 60;

/// The rules that ask for one feature, member by member.
pub(super) struct OwnRules {
    weight: f64,
    feature: usize,
    members: Vec<RuleEnsemble>,
}

impl OwnRules {
    /// The rules of a model about a feature; `None` where no rule asks for it.
    pub(super) fn of(content: &ArtifactContent, feature: usize) -> Option<Self> {
        let part = content.rules.as_ref()?;
        let asks = |tree: &&RuleTree| tree.conditions.iter().any(|condition| condition.feature() == feature);
        let member =
            |trees: &Vec<RuleTree>| RuleEnsemble { members: vec![trees.iter().filter(asks).cloned().collect()] };
        let members: Vec<RuleEnsemble> = part.ensemble.members.iter().map(member).collect();
        let any = members.iter().flat_map(|ensemble| &ensemble.members).any(|trees| !trees.is_empty());
        any.then_some(Self { weight: part.weight, feature, members })
    }

    /// The effect of a value.
    pub(super) fn effect(&self, value: f64) -> Effect {
        self.jackknife(|member| member.main_effect(self.feature, value))
    }

    /// The effect of going from one value to another.
    pub(super) fn difference(&self, from: f64, to: f64) -> Effect {
        self.jackknife(|member| member.main_effect(self.feature, to) - member.main_effect(self.feature, from))
    }

    /// Mean over the members and its standard error, as in a score.
    fn jackknife(&self, of: impl Fn(&RuleEnsemble) -> f64) -> Effect {
        let each: Vec<f64> = self.members.iter().map(of).collect();
        let count = each.len().max(1) as f64;
        let mean = each.iter().sum::<f64>() / count;
        let squares: f64 = each.iter().map(|x| (x - mean).powi(2)).sum();
        Effect { log_odds: self.weight * mean, error: self.weight * ((count - 1.0) / count * squares).sqrt() }
    }

    /// Values between which the effect steps: each threshold, and the next number above it. None where there are too many.
    pub(super) fn steps(&self) -> Vec<f64> {
        let trees = self.members.iter().flat_map(|ensemble| &ensemble.members).flatten();
        let threshold = |condition: &Condition| match condition {
            Condition::Above { feature, threshold, .. } if *feature == self.feature => Some(*threshold),
            _ => None,
        };
        let mut thresholds: Vec<f64> = trees.flat_map(|tree| &tree.conditions).filter_map(threshold).collect();
        thresholds.sort_by(f64::total_cmp);
        thresholds.dedup_by(|a, b| a.total_cmp(b).is_eq());
        if thresholds.len() > MOST_THRESHOLDS {
            return Vec::new();
        }
        thresholds.into_iter().flat_map(|threshold| [threshold, threshold.next_up()]).collect()
    }
}
