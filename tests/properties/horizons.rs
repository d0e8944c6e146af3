//! Whatever a model holds - curves, pairs and rules on what moves by itself - a longer horizon is no smaller risk, and parts add up.
//!
//! Models are drawn, not trained: a training finds few effects on clocks, and small ones.

use std::sync::OnceLock;

use flight_risk_scoring::ArtifactContent;
use flight_risk_scoring::artifact::RulePart;
use flight_risk_scoring::encoding::Encoding;
use flight_risk_scoring::features::Clock;
use flight_risk_scoring::pair::{Axis, Pair};
use flight_risk_scoring::rules::{Condition, RuleEnsemble, RuleTree};
use flight_risk_scoring::schema::FeatureKind;
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::additivity::{Model, adds_up, probabilities_are_ordered};
use super::cases;
use crate::parity::scorer;
use crate::support::trained_model;

/// Knots of every curve.
const KNOTS: usize = 5;

/// The content of a trained native model, to put other effects into.
fn trained() -> &'static ArtifactContent {
    static CONTENT: OnceLock<ArtifactContent> = OnceLock::new();
    CONTENT.get_or_init(|| scorer(trained_model()).artifact().content().clone())
}

/// A number within the range of a feature in training.
fn within(content: &ArtifactContent, feature: usize, share: f64) -> f64 {
    let FeatureKind::Numeric { min, max, .. } = content.features[feature].kind else {
        panic!("native tables give numbers")
    };
    min + (max.max(min + 1.0) - min) * share
}

fn drawn(random: &mut ChaCha8Rng) -> ArtifactContent {
    let mut content = trained().clone();
    let features = content.features.len();
    let clocks: Vec<usize> =
        (0..features).filter(|&feature| Clock::of(&content.features[feature].name).is_some()).collect();
    assert!(clocks.len() > 3, "there are clocks");
    let curve = |feature: usize| {
        let knots = (0..KNOTS).map(|knot| within(&content, feature, knot as f64 / (KNOTS - 1) as f64)).collect();
        Encoding::Spline { knots, unknown: true }
    };
    let encodings: Vec<Encoding> = (0..features).map(curve).collect();
    let columns = features * (KNOTS + 1);
    let effect = |random: &mut ChaCha8Rng| random.random_range(-0.8..0.8);
    let couples: Vec<[usize; 2]> = (0..4)
        .map(|_| {
            let clock = clocks[random.random_range(0..clocks.len())];
            [clock, (clock + random.random_range(1..features)) % features]
        })
        .collect();
    let pair = |couple: [usize; 2], random: &mut ChaCha8Rng| Pair {
        features: couple,
        axes: couple
            .map(|feature| Axis::Cuts { cuts: [0.2, 0.5, 0.7].map(|share| within(&content, feature, share)).into() }),
        effects: (0..25).map(|_| effect(random)).collect(),
        variances: vec![0.01; 25],
        shares: vec![0.04; 25],
    };
    let pairs = couples.into_iter().map(|couple| pair(couple, random)).collect();
    let tree = |random: &mut ChaCha8Rng| {
        let condition = |place: usize, random: &mut ChaCha8Rng| {
            let feature = if place == 0 {
                clocks[random.random_range(0..clocks.len())]
            } else {
                random.random_range(0..features)
            };
            let threshold = within(&content, feature, random.random_range(0.0..1.0));
            Condition::Above { feature, threshold, unknown: random.random() }
        };
        let conditions: Vec<Condition> = (0..3).map(|place| condition(place, random)).collect();
        RuleTree { conditions, values: (0..8).map(|_| effect(random)).collect(), shares: vec![0.125; 8] }
    };
    let members = (0..2).map(|_| (0..6).map(|_| tree(random)).collect()).collect();
    content.encodings = encodings;
    content.coefficients = (0..columns).map(|_| effect(random)).collect();
    content.reference.column_means = (0..columns).map(|_| random.random_range(0.0..0.3)).collect();
    content.effect_doubts.clear();
    content.covariance =
        (0..=columns).flat_map(|row| (0..=row).map(move |column| if row == column { 0.001 } else { 0.0 })).collect();
    content.pairs = pairs;
    content.rules = Some(RulePart { weight: 0.7, ensemble: RuleEnsemble { members } });
    content
}

proptest! {
    #![proptest_config(cases(120))]

    #[test]
    fn clocks_in_curves_pairs_and_rules_leave_horizons_in_order(seed: u64) {
        let model = Model::of(drawn(&mut ChaCha8Rng::seed_from_u64(seed)));
        for row in 0..4 {
            probabilities_are_ordered(&model, seed.wrapping_add(row))?;
            adds_up(&model, seed.wrapping_add(row))?;
        }
    }
}
