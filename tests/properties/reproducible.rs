//! The same data, configuration and seed give the same model, byte for byte; the order of rows in a file means nothing.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use flight_risk_scoring::artifact::{ArtifactContent, FILE_NAME};
use rand::seq::SliceRandom;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::parity::scorer;
use crate::support::{
    Bent, FileScore, FlatFixture, bent_table, command, flat_table, namesakes_table, new_folder, sample_company, score,
    trained_flat_model, trained_model,
};

fn train(data: &Path, schema: Option<&Path>, threads: &str) -> PathBuf {
    let out = new_folder("again").join("model");
    let mut train = command(["train", "--quiet", "--data"]);
    train.arg(data).arg("--out").arg(&out).env("RAYON_NUM_THREADS", threads);
    train.args(schema.into_iter().flat_map(|schema| [OsStr::new("--schema"), schema.as_os_str()]));
    let output = train.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    out
}

#[track_caller]
fn same_files(one: &Path, other: &Path) {
    for name in [FILE_NAME, "metrics.json", "report.html", "model-card.md"] {
        let read = |folder: &Path| std::fs::read(folder.join(name)).unwrap();
        let (one, other) = (read(one), read(other));
        let first = one.iter().zip(&other).position(|(a, b)| a != b).unwrap_or(one.len().min(other.len()));
        let around = |bytes: &[u8]| {
            let end = (first + 40).min(bytes.len());
            String::from_utf8_lossy(bytes.get(first.saturating_sub(40)..end).unwrap_or_default()).into_owned()
        };
        assert!(one == other, "{name} differs from byte {first} on: {:?} and {:?}", around(&one), around(&other));
    }
}

#[test]
fn a_second_training_gives_the_same_bytes_on_any_number_of_threads() {
    for threads in ["1", "2", "3"] {
        same_files(trained_model(), &train(sample_company(), None, threads));
        same_files(trained_flat_model(), &train(&flat_table().data, Some(&flat_table().schema), threads));
    }
}

/// Curves, pairs, rules and effects of recurring values among them.
#[test]
fn whatever_a_model_holds_has_the_same_bytes_on_any_number_of_threads() {
    for table in [bent_table(Bent::Three, 900, 7), namesakes_table("drop = [\"row\", \"person\"]")] {
        let once = train(&table.data, Some(&table.schema), "1");
        for threads in ["1", "2"] {
            same_files(&once, &train(&table.data, Some(&table.schema), threads));
        }
    }
}

/// Copies a CSV file with its rows in another order.
fn shuffle(from: &Path, to: &Path, random: &mut impl RngCore) {
    let text = std::fs::read_to_string(from).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    let mut rows: Vec<&str> = rows.lines().collect();
    rows.shuffle(random);
    std::fs::write(to, format!("{header}\n{}\n", rows.join("\n"))).unwrap();
}

#[track_caller]
fn same_scores(before: &HashMap<String, FileScore>, after: &HashMap<String, FileScore>) {
    assert_eq!(before.len(), after.len());
    for (id, before) in before {
        let after = &after[id];
        let near = |what: &str, a: f64, b: f64| assert!((a - b).abs() <= 1e-9, "{what} of {id}: {a} and {b}");
        near("risk", before.risk, after.risk);
        near("low", before.low, after.low);
        near("high", before.high, after.high);
        assert_eq!(before.band, after.band, "{id}");
        for (name, contribution, _) in &before.factors {
            let same = after.factors.iter().find(|factor| factor.0 == *name).unwrap();
            near(name, *contribution, same.1);
        }
    }
}

fn weight(content: &ArtifactContent) -> f64 {
    content.rules.as_ref().map_or(0.0, |part| part.weight)
}

/// The models were chosen and judged alike: the same folds, hence the same blocks, penalties and quality.
#[track_caller]
fn judged_alike(one: &Path, other: &Path) {
    let (one, other) = (scorer(one), scorer(other));
    let (one, other) = (one.artifact().content(), other.artifact().content());
    let near = |what: &str, a: f64, b: f64| assert!((a - b).abs() <= 1e-9, "{what}: {a} and {b}");
    let names = |content: &ArtifactContent| -> Vec<String> {
        content.provenance.blocks.iter().map(|block| block.name.clone()).collect()
    };
    assert_eq!(names(one), names(other));
    for (one, other) in one.provenance.blocks.iter().zip(&other.provenance.blocks) {
        near(&one.name, 1.0, other.penalty / one.penalty);
        near(&one.name, one.effective_parameters, other.effective_parameters);
    }
    near("slope of the calibration", one.calibration.slope, other.calibration.slope);
    near("weight of the rules", weight(one), weight(other));
    near("log-loss", one.metrics.rows.log_loss, other.metrics.rows.log_loss);
    near("Brier score", one.metrics.rows.brier, other.metrics.rows.brier);
}

#[test]
fn the_order_of_the_rows_of_native_tables_means_nothing() {
    let mut random = ChaCha8Rng::seed_from_u64(23);
    let shuffled = new_folder("shuffled");
    for name in ["employees.csv", "assignments.csv", "survey_responses.csv", "feedback.csv"] {
        shuffle(&sample_company().join(name), &shuffled.join(name), &mut random);
    }
    let model = train(&shuffled, None, "2");
    judged_alike(trained_model(), &model);
    same_scores(&score(trained_model(), sample_company(), None), &score(&model, &shuffled, None));
}

#[test]
fn the_order_of_the_rows_of_a_flat_table_means_nothing() {
    let FlatFixture { data, schema } = flat_table();
    let shuffled = new_folder("shuffled").join("table.csv");
    shuffle(data, &shuffled, &mut ChaCha8Rng::seed_from_u64(24));
    let model = train(&shuffled, Some(schema), "2");
    judged_alike(trained_flat_model(), &model);
    same_scores(&score(trained_flat_model(), data, None), &score(&model, &shuffled, None));
}
