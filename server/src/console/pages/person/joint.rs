//! Pairs of facts that say more together than each alone, in a sentence.
//!
//! What a model makes of a pair is in the model; what the person's values are is in the answer of the API, which left out what who
//! looks may not see. A pair with a value from confidential answers is not told.

use flight_risk_proto::v1;
use flight_risk_scoring::schema::Schema;

use crate::console::api::value;
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
    let mut found: Vec<(f64, String)> = Vec::new();
    for pair in &content.pairs {
        let features = pair.features.map(|position| schema.features().get(position));
        let [Some(first), Some(second)] = features else { continue };
        if first.confidential || second.confidential {
            continue;
        }
        let effect = pair.effects.get(pair.cell(&values)).copied().unwrap_or_default();
        let beyond = slope * (effect - pair.mean());
        if beyond.abs() >= LEAST {
            // Half of what the two say together is in the part of each.
            let alone = [first, second].map(|feature| {
                let factor = told.factors.iter().find(|factor| factor.feature == feature.name);
                factor.and_then(|factor| factor.contribution_log_odds).unwrap_or_default() - beyond / 2.0
            });
            found.push((beyond, sentence([&first.label, &second.label], alone, beyond)));
        }
    }
    found.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
    found.into_iter().take(MOST).map(|(_, sentence)| sentence).collect()
}

/// What two facts say together, where each has such a part of the log-odds without the other, and both this much beyond.
fn sentence([first, second]: [&str; 2], alone: [f64; 2], beyond: f64) -> String {
    let both = format!("Taken together, {first} and {second}");
    let one_by_one = "the two would one by one";
    let verb = |raises: bool| if raises { "raise" } else { "lower" };
    let raises = match alone {
        [a, b] if a > 0.0 && b > 0.0 => true,
        [a, b] if a < 0.0 && b < 0.0 => false,
        _ => {
            let than = if beyond > 0.0 { "higher" } else { "lower" };
            return format!("{both} make for a {than} risk than {one_by_one}.");
        }
    };
    let sum = alone.iter().sum::<f64>() + beyond;
    match ((beyond > 0.0) == raises, (sum > 0.0) == raises) {
        (true, _) => format!("{both} {} the risk more than {one_by_one}.", verb(raises)),
        (false, true) => format!("{both} {} the risk less than {one_by_one}.", verb(raises)),
        (false, false) => {
            format!("{both} do not {} the risk, although each of the two alone would.", verb(raises))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn what_two_facts_say_together_is_told_by_what_each_says_alone() {
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
            let said = sentence(["pay", "tenure"], alone, beyond);
            assert_eq!(said, format!("Taken together, pay and tenure {told}."), "{alone:?} {beyond}");
        }
    }
}
