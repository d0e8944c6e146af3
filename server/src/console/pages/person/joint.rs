//! Facts that say more together than each alone, in a sentence: pairs, and the rules of three and more.
//!
//! What a model makes of several facts is in the model; what the person's values are is in the answer of the API, which left out
//! what who looks may not see. What has a value from confidential answers in it is not told.

use std::collections::BTreeMap;

use flight_risk_proto::v1;
use flight_risk_scoring::ArtifactContent;
use flight_risk_scoring::schema::Schema;

use crate::console::api::value;
use crate::console::site::Site;
use crate::console::words;

/// Most sentences.
const MOST: usize = 3;
/// Effects below it, in log-odds, are not worth a sentence: 5 % of the odds.
const LEAST: f64 = 0.05;

/// What sets of features, by their positions, do beyond what smaller sets of them do, in log-odds.
type Parts = BTreeMap<Vec<usize>, f64>;

/// What the strongest sets of facts of a person scored by the active model say together.
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
    let parts = parts(content, &values);
    let label = |position: &usize| schema.features().get(*position).map_or("", |feature| feature.label.as_str());
    strongest(&parts)
        .into_iter()
        .map(|set| {
            let labels: Vec<&str> = set.iter().map(label).collect();
            let alone = set.iter().map(|&position| alone(schema, told, &parts, position));
            sentence(&labels, &alone.collect::<Vec<_>>(), beyond(&parts, set))
        })
        .collect()
}

/// What the sets of two and more open features do at packed values.
fn parts(content: &ArtifactContent, values: &[f64]) -> Parts {
    let mut parts = match &content.rules {
        Some(rules) => rules.ensemble.joint_effects(values),
        None => Parts::new(),
    };
    let weight = content.rules.as_ref().map_or(0.0, |rules| rules.weight);
    parts.values_mut().for_each(|part| *part *= weight);
    for pair in &content.pairs {
        let effect = pair.effects.get(pair.cell(values)).copied().unwrap_or_default();
        let mut set = pair.features.to_vec();
        set.sort_unstable();
        *parts.entry(set).or_default() += content.calibration.slope * (effect - pair.mean());
    }
    let open = |position: &usize| content.features.get(*position).is_some_and(|feature| !feature.confidential);
    parts.retain(|set, _| set.iter().all(open));
    parts
}

/// What the features of a set do together beyond each alone: with the smaller sets that are in it.
fn beyond(parts: &Parts, set: &[usize]) -> f64 {
    parts.iter().filter(|(smaller, _)| is_in(smaller, set)).map(|(_, part)| part).sum()
}

fn is_in(smaller: &[usize], set: &[usize]) -> bool {
    smaller.iter().all(|position| set.contains(position))
}

/// The sets that are worth a sentence; of those within each other the stronger.
fn strongest(parts: &Parts) -> Vec<&Vec<usize>> {
    let mut worth: Vec<_> = parts.iter().filter(|(_, part)| part.abs() >= LEAST).collect();
    // Of what three say only together, two of them say half: the more facts, the more it counts.
    let weight = |(set, part): &(&Vec<usize>, &f64)| part.abs() * (set.len().saturating_sub(1)) as f64;
    worth.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
    let mut told: Vec<&Vec<usize>> = Vec::new();
    for (set, _) in worth {
        let apart = told.iter().all(|other| !is_in(set, other) && !is_in(other, set));
        if told.len() < MOST && apart && beyond(parts, set).abs() >= LEAST {
            told.push(set);
        }
    }
    told
}

/// What a feature contributes by itself: of what a set does together every member has the same part.
fn alone(schema: &Schema, told: &v1::Assessment, parts: &Parts, position: usize) -> f64 {
    let name = schema.features().get(position).map(|feature| feature.name.as_str());
    let factor = told.factors.iter().find(|factor| Some(factor.feature.as_str()) == name);
    let sets = parts.iter().filter(|(set, _)| set.contains(&position));
    let together: f64 = sets.map(|(set, part)| part / set.len() as f64).sum();
    factor.and_then(|factor| factor.contribution_log_odds).unwrap_or_default() - together
}

/// What facts say together, where each has such a part of the log-odds without the others, and all this much beyond.
fn sentence(labels: &[&str], alone: &[f64], beyond: f64) -> String {
    let all = format!("Taken together, {}", words::listed(labels));
    let how_many = match labels.len() {
        2 => "two",
        3 => "three",
        4 => "four",
        _ => "five",
    };
    let one_by_one = format!("the {how_many} would one by one");
    let verb = |raises: bool| if raises { "raise" } else { "lower" };
    let raises = match alone {
        all if all.iter().all(|part| *part > 0.0) => true,
        all if all.iter().all(|part| *part < 0.0) => false,
        _ => {
            let than = if beyond > 0.0 { "higher" } else { "lower" };
            return format!("{all} make for a {than} risk than {one_by_one}.");
        }
    };
    let sum = alone.iter().sum::<f64>() + beyond;
    match ((beyond > 0.0) == raises, (sum > 0.0) == raises) {
        (true, _) => format!("{all} {} the risk more than {one_by_one}.", verb(raises)),
        (false, true) => format!("{all} {} the risk less than {one_by_one}.", verb(raises)),
        (false, false) => {
            format!("{all} do not {} the risk, although each of the {how_many} alone would.", verb(raises))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Parts, beyond, sentence, strongest};

    #[test]
    fn what_facts_say_together_is_told_by_what_each_says_alone() {
        for (alone, beyond, told) in [
            ([0.5, 0.4], 0.2, "raise the risk more than the two would one by one"),
            ([0.5, 0.4], -0.2, "raise the risk less than the two would one by one"),
            ([0.5, 0.4], -1.2, "do not raise the risk, although each of the two alone would"),
            ([-0.5, -0.4], -0.2, "lower the risk more than the two would one by one"),
            ([-0.5, -0.4], 0.2, "lower the risk less than the two would one by one"),
            ([-0.5, -0.4], 1.2, "do not lower the risk, although each of the two alone would"),
            ([0.5, -0.4], 0.2, "make for a higher risk than the two would one by one"),
            ([0.5, 0.0], -0.2, "make for a lower risk than the two would one by one"),
        ] {
            let said = sentence(&["pay", "tenure"], &alone, beyond);
            assert_eq!(said, format!("Taken together, pay and tenure {told}."), "{alone:?} {beyond}");
        }
        let said = sentence(&["pay", "tenure", "travel"], &[0.1, 0.2, 0.3], -0.9);
        assert!(said.starts_with("Taken together, pay, tenure and travel do not raise"), "{said}");
        assert!(said.ends_with("although each of the three alone would."), "{said}");
    }

    #[test]
    fn of_sets_within_each_other_one_is_told_with_all_that_is_in_it() {
        let parts = Parts::from([
            (vec![0, 1], 0.2),
            (vec![0, 1, 2], -0.3),
            (vec![1, 2], 0.04),
            (vec![3, 4], 0.1),
            (vec![2, 3, 4], -0.06),
            (vec![5, 6], 0.06),
            (vec![7, 8], 0.055),
        ]);
        assert!((beyond(&parts, &[0, 1, 2]) - (-0.06)).abs() < 1e-12);
        // What three say is nearly undone by what two of them say: only the two are worth a sentence.
        assert_eq!(strongest(&parts), [&vec![0, 1, 2], &vec![3, 4], &vec![5, 6]]);
    }
}
