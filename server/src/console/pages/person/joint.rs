//! Pairs of facts that say more together than each alone, in a sentence.
//!
//! What a model makes of a pair is in the model; what the person's values are is in the answer of the API, which left out what who
//! looks may not see. A pair with a value from confidential answers is not told.

use flight_risk_proto::v1;
use flight_risk_scoring::schema::{Schema, Value};

use crate::console::site::Site;

/// Most pairs that are told.
const MOST: usize = 3;
/// Effects below it, in log-odds, are not worth a sentence: 5 % of the odds.
const LEAST: f64 = 0.05;

/// The strongest pairs of a person scored by the active model.
pub(super) fn sentences(site: &Site, told: &v1::Assessment, model_version: &str) -> Vec<String> {
    let active = site.core().active.load();
    if active.artifact().model_version() != model_version {
        return Vec::new();
    }
    let content = active.artifact().content();
    let schema = active.schema();
    let mut values = vec![f64::NAN; schema.features().len()];
    for factor in told.factors.iter().filter(|factor| !factor.confidential) {
        let position = schema.position(&factor.feature);
        let feature = position.and_then(|position| schema.features().get(position));
        let packed = feature.and_then(|feature| Schema::pack_value(feature, &value(factor.value.as_ref())).ok());
        if let (Some(place), Some(packed)) = (position.and_then(|position| values.get_mut(position)), packed) {
            *place = packed;
        }
    }
    let slope = content.calibration.slope;
    let mut found: Vec<(f64, [&str; 2])> = Vec::new();
    for pair in &content.pairs {
        let features = pair.features.map(|position| schema.features().get(position));
        let [Some(first), Some(second)] = features else { continue };
        if first.confidential || second.confidential {
            continue;
        }
        let effect = pair.effects.get(pair.cell(&values)).copied().unwrap_or_default();
        let beyond = slope * (effect - pair.mean());
        if beyond.abs() >= LEAST {
            found.push((beyond, [&first.label, &second.label]));
        }
    }
    found.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
    found
        .into_iter()
        .take(MOST)
        .map(|(beyond, [first, second])| {
            let verb = if beyond > 0.0 { "raise" } else { "lower" };
            format!("Taken together, {first} and {second} {verb} the risk more than each alone would.")
        })
        .collect()
}

fn value(value: Option<&v1::FeatureValue>) -> Value {
    match value.and_then(|value| value.value.as_ref()) {
        Some(v1::feature_value::Value::Number(number)) => Value::Number(*number),
        Some(v1::feature_value::Value::Level(level)) => Value::Level(level.clone()),
        None => Value::Unknown,
    }
}
