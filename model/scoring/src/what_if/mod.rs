//! What the model would say if facts were different: for given changes, and for the smallest plausible change that leaves the
//! bands at risk.
//!
//! It is association, not effect: the model saw that people with such facts leave less often, not that changing the facts
//! changes what they do. Only facts on which HR or the manager can act are changed, and none that comes from confidential answers.
//!
//! Facts that tell of the same event move together: a raise is also the last raise, another talk is also a contact.
//! What follows so by definition from a change is changed with it, unless it is changed in its own right.

mod plausible;
mod search;
mod ties;

use crate::assessment::Assessment;
use crate::schema::{FeatureRow, RowProblem, Schema, Value};
use crate::scorer::Scorer;
use crate::what_if::ties::Ties;

pub use search::{Counterfactual, MAX_CHANGES, Search, counterfactual};

/// Contributions closer than this are the same, in log-odds.
const SAME: f64 = 1e-12;

/// A feature with another value; checked against a schema.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    feature: usize,
    value: f64,
}

impl Change {
    /// Position of the feature in the schema.
    pub fn feature(&self) -> usize {
        self.feature
    }

    /// The packed value.
    pub fn value(&self) -> f64 {
        self.value
    }
}

/// Why a change cannot be tried.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ChangeProblem {
    /// Nobody can act on it.
    #[error("`{0}` is nothing that HR or the manager can act on; GetModel says which features are actionable")]
    NotActionable(String),
    /// It comes from confidential answers.
    #[error("`{0}` comes from confidential survey answers and cannot be changed in a what-if")]
    Confidential(String),
    /// The feature does not exist, is named twice, or the value is not of its kind.
    #[error(transparent)]
    Row(#[from] RowProblem),
    /// No value.
    #[error("`{0}` needs a value")]
    NoValue(String),
}

/// Checks changes against a schema: all problems at once, each with the position of the change.
///
/// # Errors
/// See [`ChangeProblem`].
pub fn changes(schema: &Schema, wanted: &[(String, Value)]) -> Result<Vec<Change>, Vec<(usize, ChangeProblem)>> {
    let mut changes: Vec<Change> = Vec::with_capacity(wanted.len());
    let mut problems = Vec::new();
    for (index, (name, value)) in wanted.iter().enumerate() {
        match change(schema, name, value) {
            Ok(change) if changes.iter().any(|other| other.feature == change.feature) => {
                problems.push((index, RowProblem::Repeated(name.clone()).into()));
            }
            Ok(change) => changes.push(change),
            Err(problem) => problems.push((index, problem)),
        }
    }
    if problems.is_empty() { Ok(changes) } else { Err(problems) }
}

fn change(schema: &Schema, name: &str, value: &Value) -> Result<Change, ChangeProblem> {
    let found = schema.position(name).and_then(|position| Some((position, schema.features().get(position)?)));
    let Some((position, feature)) = found else { return Err(RowProblem::UnknownFeature(name.to_owned()).into()) };
    if feature.confidential {
        return Err(ChangeProblem::Confidential(name.to_owned()));
    }
    if !feature.actionable {
        return Err(ChangeProblem::NotActionable(name.to_owned()));
    }
    let packed = Schema::pack_value(feature, value)?;
    if packed.is_nan() {
        return Err(ChangeProblem::NoValue(name.to_owned()));
    }
    Ok(Change { feature: position, value: packed })
}

/// What the model says now and what it would say.
#[derive(Clone, Debug, PartialEq)]
pub struct Simulation {
    /// What it says now.
    pub before: Assessment,
    /// What it would say.
    pub after: Assessment,
    /// The values with the changes and what follows from them.
    pub row: FeatureRow,
    /// Features whose contribution or value changes, the strongest change first.
    pub moved: Vec<Moved>,
}

/// A feature whose contribution changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moved {
    /// Position of the feature in the schema.
    pub feature: usize,
    /// Its contribution now, in log-odds.
    pub before_log_odds: f64,
    /// Its contribution after the change, in log-odds.
    pub after_log_odds: f64,
    /// Whether its value was not changed in its own right but follows from a change by definition.
    pub follows: bool,
}

/// Scores a row as it is and with changes. Exact: the changed row is scored like any other, doubts included.
pub fn simulate(scorer: &Scorer, row: &FeatureRow, changes: &[Change]) -> Simulation {
    let changed = Ties::of(scorer).applied(row.values(), changes);
    let before = scorer.score(row);
    simulated(scorer, row, before, changed, changes)
}

fn simulated(
    scorer: &Scorer,
    row: &FeatureRow,
    before: Assessment,
    changed: Vec<f64>,
    changes: &[Change],
) -> Simulation {
    let changed = FeatureRow::changed(changed);
    let after = scorer.score(&changed);
    let values = row.values().iter().zip(changed.values());
    let contributions = before.contributions.iter().zip(&after.contributions);
    let mut moved: Vec<Moved> = contributions
        .zip(values)
        .enumerate()
        .filter_map(|(feature, ((&before_log_odds, &after_log_odds), (old, new)))| {
            let named = changes.iter().any(|change| change.feature == feature);
            let follows = !named && old.total_cmp(new).is_ne();
            let moves = named || follows || (after_log_odds - before_log_odds).abs() > SAME;
            moves.then_some(Moved { feature, before_log_odds, after_log_odds, follows })
        })
        .collect();
    let strength = |moved: &Moved| (moved.after_log_odds - moved.before_log_odds).abs();
    moved.sort_by(|a, b| strength(b).total_cmp(&strength(a)));
    Simulation { before, after, row: changed, moved }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]
mod tests;
