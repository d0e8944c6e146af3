//! A score adds up from the numbers that stand in the model's file, computed here without the engine.

use std::path::Path;

use flight_risk_scoring::artifact::FILE_NAME;
use flight_risk_scoring::features::Clock;
use flight_risk_scoring::schema::FeatureRow;
use flight_risk_scoring::{Assessment, Scorer};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use super::cases;
use crate::parity::scorer;
use crate::support::{trained_flat_model, trained_model};

/// Largest error of a sum.
const TOLERANCE: f64 = 1e-9;

/// A model as its file has it.
struct Plain {
    content: Value,
    scorer: Scorer,
}

impl Plain {
    fn read(model: &Path) -> Self {
        let json = std::fs::read_to_string(model.join(FILE_NAME)).unwrap();
        let mut file: Value = serde_json::from_str(&json).unwrap();
        Self { content: file["content"].take(), scorer: scorer(model) }
    }

    fn numbers(&self, path: &str) -> Vec<f64> {
        let list = self.content.pointer(path).and_then(Value::as_array).unwrap_or_else(|| panic!("{path}"));
        list.iter().map(|number| number.as_f64().unwrap()).collect()
    }

    fn number(&self, path: &str) -> f64 {
        self.content.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path}"))
    }

    fn calibrated(&self, raw: f64) -> f64 {
        self.number("/calibration/slope") * raw + self.number("/calibration/intercept")
    }

    /// The columns of a row, as the format's description has them.
    fn columns(&self, values: &[f64]) -> Vec<f64> {
        let means = self.numbers("/reference/column_means");
        let mut columns: Vec<f64> = Vec::new();
        for (encoding, &value) in self.content["encodings"].as_array().unwrap().iter().zip(values) {
            let is = |name: &str| encoding[name].as_bool().unwrap();
            let start = columns.len();
            let at_mean = |width: usize| means[start..start + width].to_vec();
            let logarithm = encoding["type"] == "log_standardised";
            if logarithm || encoding["type"] == "standardised" {
                let value = if logarithm && !value.is_nan() { (1.0 + value.max(0.0)).ln() } else { value };
                let (mean, scale) = (encoding["mean"].as_f64().unwrap(), encoding["scale"].as_f64().unwrap());
                columns.extend(match (value.is_nan(), is("unknown")) {
                    (false, true) => vec![(value - mean) / scale, 0.0],
                    (false, false) => vec![(value - mean) / scale],
                    (true, true) => vec![0.0, 1.0],
                    (true, false) => at_mean(1),
                });
                continue;
            }
            let levels = encoding["levels"].as_u64().unwrap() as usize;
            let width = levels + usize::from(is("pooled")) + usize::from(is("unknown"));
            let hot = match value {
                value if value.is_nan() => is("unknown").then(|| width - 1),
                value if (value as usize) < levels => Some(value as usize),
                _ => is("pooled").then_some(levels),
            };
            columns.extend(match hot {
                Some(hot) => (0..width).map(|column| f64::from(u8::from(column == hot))).collect(),
                None => at_mean(width),
            });
        }
        columns
    }

    fn log_odds(&self, columns: &[f64]) -> f64 {
        let coefficients = self.numbers("/coefficients");
        assert_eq!(coefficients.len(), columns.len());
        let sum: f64 = coefficients.iter().zip(columns).map(|(c, x)| c * x).sum();
        self.calibrated(self.number("/intercept") + sum)
    }

    /// A row with unknown values, levels that training never saw, and numbers within and beyond the range of training.
    fn row(&self, seed: u64) -> FeatureRow {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let unknown = random.random_range(0.0..0.6);
        let features = self.content["features"].as_array().unwrap();
        let values = features.iter().map(|feature| {
            let kind = &feature["kind"];
            if random.random_bool(unknown) {
                return f64::NAN;
            }
            if kind["type"] == "categorical" {
                return random.random_range(0..=kind["levels"].as_array().unwrap().len()) as f64;
            }
            let (min, max) = (kind["min"].as_f64().unwrap(), kind["max"].as_f64().unwrap());
            min + (max - min) * random.random_range(-0.5..1.5)
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

fn adds_up(plain: &Plain, seed: u64) -> Result<(), TestCaseError> {
    let row = plain.row(seed);
    let got = plain.score(&row);
    let columns = plain.columns(row.values());
    let means = plain.numbers("/reference/column_means");
    near("log-odds by the file's numbers", got.log_odds.0, plain.log_odds(&columns))?;
    near("reference by the file's numbers", plain.scorer.reference_log_odds().0, plain.log_odds(&means))?;
    let sum: f64 = got.contributions.iter().sum();
    near("reference and contributions", plain.scorer.reference_log_odds().0 + sum, plain.log_odds(&columns))?;
    // Each contribution by itself: what the log-odds lose when the feature's columns are put to their means.
    let mut start = 0;
    for (encoding, contribution) in plain.scorer.artifact().content().encodings.iter().zip(&got.contributions) {
        let range = start..start + encoding.width();
        start = range.end;
        let mut without = columns.clone();
        without[range.clone()].copy_from_slice(&means[range]);
        near("a contribution", *contribution, plain.log_odds(&columns) - plain.log_odds(&without))?;
    }
    Ok(())
}

fn probabilities_are_ordered(plain: &Plain, seed: u64) -> Result<(), TestCaseError> {
    let got = plain.score(&plain.row(seed));
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

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn contributions_add_up_to_the_log_odds_of_the_file(seed: u64) {
        for model in [trained_model(), trained_flat_model()] {
            adds_up(&plain(model), seed)?;
        }
    }

    #[test]
    fn risks_lie_in_their_intervals_and_never_fall_with_the_horizon(seed: u64) {
        for model in [trained_model(), trained_flat_model()] {
            probabilities_are_ordered(&plain(model), seed)?;
        }
    }

    #[test]
    fn the_probability_of_a_flat_table_rises_with_the_log_odds(one: u64, other: u64) {
        let plain = plain(trained_flat_model());
        let (one, other) = (plain.score(&plain.row(one)), plain.score(&plain.row(other)));
        let rises = one.log_odds.0.partial_cmp(&other.log_odds.0);
        prop_assert_eq!(rises, one.risk.get().partial_cmp(&other.risk.get()), "{:?} {:?}", one, other);
    }

    /// With everything else equal; different people's facts fade at different speeds.
    #[test]
    fn a_fact_that_raises_the_log_odds_raises_no_horizon_less(seed: u64, other: u64, feature: prop::sample::Index) {
        let plain = plain(trained_model());
        let (row, other) = (plain.row(seed), plain.row(other));
        let feature = feature.index(row.values().len());
        prop_assume!(Clock::of(&plain.scorer.schema().features()[feature].name).is_none());
        let mut values = row.values().to_vec();
        values[feature] = other.values()[feature];
        let changed = plain.score(&plain.scorer.schema().packed_row(values).unwrap());
        let before = plain.score(&row);
        let sign = if changed.log_odds.0 >= before.log_odds.0 { 1.0 } else { -1.0 };
        for (a, b) in before.horizons.iter().zip(&changed.horizons) {
            let rise = sign * (b.risk.get() - a.risk.get());
            prop_assert!(rise >= -1e-12, "{:?} and {:?} with log-odds {:?} and {:?}", a, b, before.log_odds, changed.log_odds);
        }
    }
}

/// Read once: every case asks for the same two.
fn plain(model: &Path) -> std::sync::Arc<Plain> {
    use std::collections::HashMap;
    use std::path::PathBuf;
    use std::sync::{Arc, Mutex, OnceLock};
    static MODELS: OnceLock<Mutex<HashMap<PathBuf, Arc<Plain>>>> = OnceLock::new();
    let mut models = MODELS.get_or_init(Mutex::default).lock().unwrap();
    Arc::clone(models.entry(model.to_owned()).or_insert_with(|| Arc::new(Plain::read(model))))
}
