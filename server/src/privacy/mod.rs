//! What a person is told of what is held about them: once for machines, once in plain language.
//!
//! Answers to surveys were given in confidence, and this passes through the hands of HR: that they entered a score is told, not what
//! they were. The survey system gives them to who gave them.

mod json;
pub(crate) mod notice;
mod text;

use std::collections::HashMap;
use std::sync::Arc;

use flight_risk_scoring::explain::value_text;
use flight_risk_scoring::history::ExitKind;
use flight_risk_scoring::schema::{FeatureRow, Value};

pub(crate) use json::json;
pub(crate) use text::text;

use crate::audit::Record;
use crate::store::StoredModel;
use crate::store::exits::exit_kind;
use crate::store::holdings::Holdings;
use crate::store::stored_score::HeldScore;

/// Everything held about a person, with what is needed to tell it.
pub(crate) struct Held {
    /// The person.
    pub(crate) employee_id: String,
    /// When it was gathered, in microseconds since 1970.
    pub(crate) at: i64,
    /// What is held.
    pub(crate) holdings: Holdings,
    /// The models of the scores, by version.
    pub(crate) models: HashMap<String, Arc<StoredModel>>,
    /// What the audit log has about the person.
    pub(crate) accesses: Vec<Record>,
}

/// One fact from which a score came, and its part in it.
struct Fact<'a> {
    name: &'a str,
    label: &'a str,
    confidential: bool,
    value: Value,
    /// As people write it.
    text: String,
    contribution_log_odds: f64,
}

impl Held {
    /// The facts of a score, the strongest first; none where they or its model are not kept any more.
    fn facts(&self, score: &HeldScore) -> Vec<Fact<'_>> {
        let Some(details) = &score.details else { return Vec::new() };
        let Some(model) = self.models.get(&score.record.model_version) else { return Vec::new() };
        let row: Option<FeatureRow> = model.schema.packed_row(details.values.clone()).ok();
        let factors = details.assessment.factors().into_iter();
        let facts = factors.filter_map(|factor| {
            let feature = model.schema.features().get(factor.feature)?;
            let value = row.as_ref().map_or(Value::Unknown, |row| model.schema.value(row, factor.feature));
            Some(Fact {
                name: &feature.name,
                label: &feature.label,
                confidential: feature.confidential,
                text: value_text(feature, &value),
                value,
                contribution_log_odds: factor.contribution_log_odds,
            })
        });
        facts.collect()
    }
}

/// The name of a state, an outcome or a kind of change as people write it: `InProgress` is "in progress".
fn words(name: &impl std::fmt::Debug) -> String {
    let mut out = String::new();
    for c in format!("{name:?}").chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push(' ');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// A kind of exit, by the number that the API gives it.
fn exit_type(number: i64) -> String {
    words(&exit_kind(number).unwrap_or(ExitKind::Other))
}
