//! A score adds up from the numbers that stand in the model's file, computed here without the engine.

use std::path::Path;

use flight_risk_scoring::features::Clock;
use flight_risk_scoring::schema::FeatureRow;
use flight_risk_scoring::{Artifact, ArtifactContent, Assessment, Scorer};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::cases;
use crate::parity::scorer;
use crate::support::{Plain, PlainKind, bent_model, namesakes_model, trained_flat_model, trained_model};

/// Largest error of a sum.
pub(super) const TOLERANCE: f64 = 1e-9;

/// A model as its file has it, beside the engine's reading of it.
pub(super) struct Model {
    plain: Plain,
    scorer: Scorer,
}

impl Model {
    fn read(model: &Path) -> Self {
        Self { plain: Plain::read(model), scorer: scorer(model) }
    }

    /// A model that was never trained.
    pub(super) fn of(content: ArtifactContent) -> Self {
        let artifact = Artifact::new(content).unwrap();
        Self { plain: Plain::of(&artifact.to_json().unwrap()), scorer: Scorer::new(artifact) }
    }

    /// A row with unknown values, levels that training never saw, and numbers within and beyond the range of training.
    fn row(&self, seed: u64) -> FeatureRow {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let unknown = random.random_range(0.0..0.6);
        let recurring = self.plain.recurring.as_ref();
        let values = self.plain.features.iter().enumerate().map(|(position, feature)| {
            if random.random_bool(unknown) {
                return f64::NAN;
            }
            let known = recurring.filter(|recurring| recurring.feature == position);
            match (&feature.kind, known) {
                (_, Some(recurring)) if random.random_bool(0.7) => {
                    recurring.values[random.random_range(0..recurring.values.len())]
                }
                (PlainKind::Categorical { levels }, _) => random.random_range(0..=levels.len()) as f64,
                (PlainKind::Numeric { min, max }, _) => min + (max - min) * random.random_range(-0.5..1.5),
            }
        });
        self.scorer.schema().packed_row(values.collect()).unwrap()
    }

    fn score(&self, row: &FeatureRow) -> Assessment {
        self.scorer.score(row)
    }
}

fn near(what: &str, a: f64, b: f64) -> Result<(), TestCaseError> {
    prop_assert!((a - b).abs() <= TOLERANCE, "{}: {} and {}", what, a, b);
    Ok(())
}

pub(super) fn adds_up(model: &Model, seed: u64) -> Result<(), TestCaseError> {
    let row = model.row(seed);
    let got = model.score(&row);
    let log_odds = model.plain.log_odds(row.values());
    near("log-odds by the file's numbers", got.log_odds.0, log_odds)?;
    let reference = model.scorer.reference_log_odds().0;
    near("reference by the file's numbers", reference, model.plain.reference())?;
    near("reference and contributions", reference + got.contributions.iter().sum::<f64>(), log_odds)?;
    let contributions = model.plain.contributions(row.values());
    prop_assert_eq!(contributions.len(), got.contributions.len());
    for (feature, (own, engines)) in contributions.iter().zip(&got.contributions).enumerate() {
        near(&model.plain.features[feature].name, *engines, *own)?;
    }
    Ok(())
}

pub(super) fn probabilities_are_ordered(model: &Model, seed: u64) -> Result<(), TestCaseError> {
    let got = model.score(&model.row(seed));
    let mut last = 0.0;
    for horizon in &got.horizons {
        prop_assert!(horizon.risk.get() >= last, "risk falls from {} to {:?}", last, horizon);
        last = horizon.risk.get();
        let interval = [0.0, horizon.low.get(), horizon.risk.get(), horizon.high.get(), 1.0];
        prop_assert!(interval.is_sorted(), "{:?}", horizon);
    }
    let interval = [0.0, got.low.get(), got.risk.get(), got.high.get(), 1.0];
    prop_assert!(interval.is_sorted(), "{:?}", interval);
    Ok(())
}

/// What these tests are about is in the models.
#[test]
fn the_models_have_every_kind_of_effect() {
    let bent = &read(bent_model()).plain;
    assert!(!bent.pairs.is_empty() && bent.rules.is_some() && bent.has_curve(), "{bent:?}");
    assert!(read(namesakes_model()).plain.recurring.is_some());
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn contributions_add_up_to_the_log_odds_of_the_file(seed: u64) {
        for model in [trained_model(), trained_flat_model(), bent_model(), namesakes_model()] {
            adds_up(&read(model), seed)?;
        }
    }

    #[test]
    fn risks_lie_in_their_intervals_and_never_fall_with_the_horizon(seed: u64) {
        for model in [trained_model(), trained_flat_model(), bent_model(), namesakes_model()] {
            probabilities_are_ordered(&read(model), seed)?;
        }
    }

    #[test]
    fn the_probability_of_a_flat_table_rises_with_the_log_odds(one: u64, other: u64) {
        let model = read(bent_model());
        let (one, other) = (model.score(&model.row(one)), model.score(&model.row(other)));
        let rises = one.log_odds.0.partial_cmp(&other.log_odds.0);
        prop_assert_eq!(rises, one.risk.get().partial_cmp(&other.risk.get()), "{:?} {:?}", one, other);
    }

    /// With everything else equal; different people's facts fade at different speeds.
    #[test]
    fn a_fact_that_raises_the_log_odds_raises_no_horizon_less(seed: u64, other: u64, feature: prop::sample::Index) {
        let model = read(trained_model());
        let (row, other) = (model.row(seed), model.row(other));
        let feature = feature.index(row.values().len());
        prop_assume!(Clock::of(&model.scorer.schema().features()[feature].name).is_none());
        let mut values = row.values().to_vec();
        values[feature] = other.values()[feature];
        let changed = model.score(&model.scorer.schema().packed_row(values).unwrap());
        let before = model.score(&row);
        let sign = if changed.log_odds.0 >= before.log_odds.0 { 1.0 } else { -1.0 };
        for (a, b) in before.horizons.iter().zip(&changed.horizons) {
            let rise = sign * (b.risk.get() - a.risk.get());
            prop_assert!(rise >= -1e-12, "{:?} and {:?} with log-odds {:?} and {:?}", a, b, before.log_odds, changed.log_odds);
        }
    }
}

/// Read once: every case asks for the same few.
fn read(model: &Path) -> std::sync::Arc<Model> {
    use std::collections::HashMap;
    use std::path::PathBuf;
    use std::sync::{Arc, Mutex, OnceLock};
    static MODELS: OnceLock<Mutex<HashMap<PathBuf, Arc<Model>>>> = OnceLock::new();
    let mut models = MODELS.get_or_init(Mutex::default).lock().unwrap();
    Arc::clone(models.entry(model.to_owned()).or_insert_with(|| Arc::new(Model::read(model))))
}
