//! What is said to move a risk is the Shapley value by its definition: every coalition of features, the others drawn from the
//! rows on which the model was fitted.

use std::path::Path;
use std::process::Command;

use flight_risk_scoring::artifact::FILE_NAME;
use serde_json::Value;

use super::additivity::TOLERANCE;
use crate::parity::scorer;
use crate::python_client::python;
use crate::support::{
    Bent, CsvRow, CsvTable, FlatFixture, Plain, PlainFeature, PlainKind, bent_table, flat_table, root, run, score,
    train_flat,
};

/// Rows that are explained.
const EXPLAINED: usize = 12;

/// The rows of a flat table as the model packs them.
pub(crate) fn packed(plain: &Plain, table: &Path) -> Vec<Vec<f64>> {
    let table = CsvTable::read(table);
    let row = |row: CsvRow<'_>| {
        let value = |feature: &PlainFeature| match &feature.kind {
            PlainKind::Numeric { .. } => row.number(&feature.name).unwrap_or(f64::NAN),
            PlainKind::Categorical { levels } => row.get(&feature.name).map_or(f64::NAN, |level| {
                levels.iter().position(|known| known == level).unwrap_or(levels.len()) as f64
            }),
        };
        plain.features.iter().map(value).collect()
    };
    table.rows().map(row).collect()
}

#[track_caller]
fn explains_exactly(model: &Path, table: &FlatFixture) -> Plain {
    let (plain, scorer) = (Plain::read(model), scorer(model));
    let rows = packed(&plain, &table.data);
    let mean = rows.iter().map(|row| plain.log_odds(row)).sum::<f64>() / rows.len() as f64;
    let reference = scorer.reference_log_odds().0;
    assert!((reference - mean).abs() <= TOLERANCE, "reference {reference}, mean of the rows {mean}");
    for row in rows.iter().step_by(rows.len() / EXPLAINED) {
        let expected = plain.shapley(row, &rows);
        let got = scorer.score(&scorer.schema().packed_row(row.clone()).unwrap()).contributions;
        for ((feature, expected), got) in plain.features.iter().zip(&expected).zip(&got) {
            let apart = (expected - got).abs();
            assert!(apart <= TOLERANCE, "{} of {row:?}: {got}, by brute force {expected}: {apart:e}", feature.name);
        }
    }
    plain
}

#[test]
fn explanations_of_straight_lines_are_shapley_values() {
    let model = train_flat(flat_table(), "complexity = \"lines\"\npairs = false\nrules = false\n");
    let plain = explains_exactly(&model, flat_table());
    assert!(plain.pairs.is_empty() && plain.rules.is_none() && !plain.has_curve());
}

#[test]
fn explanations_of_curves_and_a_pair_are_shapley_values() {
    let table = bent_table(Bent::Pair, 800, 12);
    let plain = explains_exactly(&train_flat(&table, "complexity = \"full\"\nrules = false\n"), &table);
    assert!(!plain.pairs.is_empty() && plain.rules.is_none() && plain.has_curve());
}

#[test]
fn explanations_of_rules_are_shapley_values() {
    let table = bent_table(Bent::Three, 800, 13);
    let plain = explains_exactly(&train_flat(&table, ""), &table);
    assert!(plain.rules.is_some_and(|rules| rules.ensemble.members.iter().flatten().count() > 0));
}

/// Beside the package that made these values known, whose exact explainer goes through all coalitions by itself.
#[track_caller]
fn explains_like_shap(config: &str, table: &FlatFixture, pairs: bool) {
    let model = train_flat(table, config);
    let rows = CsvTable::read(&table.data).rows().count();
    let python = python("requirements-shap.txt", "python-shap");
    let mut script = Command::new(python);
    script.arg(root().join("tests/python/shapley.py")).args([&model.join(FILE_NAME), &table.data]);
    script.arg((rows / EXPLAINED).to_string()).env("PYTHONDONTWRITEBYTECODE", "1");
    let found: Value = serde_json::from_str(&run("shapley.py", &mut script)).expect("JSON");
    assert_eq!(found["pairs"].as_u64().unwrap() > 0, pairs, "{found}");
    let ours = score(&model, &table.data, None);
    let ids: Vec<String> = CsvTable::read(&table.data).rows().map(|row| row.text("employee").to_owned()).collect();
    let explained = found["explained"].as_array().unwrap();
    assert!(explained.len() >= EXPLAINED);
    for row in explained {
        let id = &ids[row["row"].as_u64().unwrap() as usize];
        let values = row["values"].as_object().unwrap();
        let factors = &ours[id].factors;
        assert_eq!(values.len(), factors.len());
        for (name, contribution, _) in factors {
            let by_shap = values[name].as_f64().unwrap();
            let apart = (contribution - by_shap).abs();
            assert!(apart <= TOLERANCE, "{name} of {id}: {contribution}, by shap {by_shap}: {apart:e}");
        }
    }
}

#[test]
fn explanations_equal_those_of_the_package_shap() {
    explains_like_shap("complexity = \"lines\"\npairs = false\nrules = false\n", flat_table(), false);
    explains_like_shap("complexity = \"full\"\nrules = false\n", &bent_table(Bent::Pair, 500, 14), true);
}
