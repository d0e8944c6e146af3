//! Protected attributes never become features, and their values change nothing that is learned.

use std::path::Path;

use flight_risk_scoring::ArtifactContent;

use crate::parity::scorer;
use crate::support::{flat_table, flight_risk, new_folder, sample_company};

/// A model's features, and the bits of everything that was learned.
fn learned(model: &Path) -> (Vec<String>, Vec<u64>) {
    let scorer = scorer(model);
    let ArtifactContent { features, coefficients, intercept, covariance, calibration, .. } =
        scorer.artifact().content();
    let numbers = coefficients.iter().chain(covariance).chain([intercept, &calibration.slope, &calibration.intercept]);
    (features.iter().map(|feature| feature.name.clone()).collect(), numbers.map(|number| number.to_bits()).collect())
}

/// Copies a CSV file with every cell of one column replaced by what `value` says of its row's number.
fn with_column(from: &Path, to: &Path, column: &str, value: impl Fn(usize) -> String) {
    let text = std::fs::read_to_string(from).unwrap();
    let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let position = header.iter().position(|name| *name == column).unwrap();
    let mut lines = vec![header.join(",")];
    for (row, line) in text.lines().skip(1).enumerate() {
        let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        cells[position] = value(row);
        lines.push(cells.join(","));
    }
    std::fs::write(to, lines.join("\n") + "\n").unwrap();
}

#[test]
fn native_tables_with_other_genders_teach_the_same() {
    let folder = new_folder("protected");
    let config = folder.join("config.toml");
    std::fs::write(&config, "protected = [\"gender\", \"age_band\"]\n").unwrap();
    let other = folder.join("other");
    std::fs::create_dir(&other).unwrap();
    for name in ["assignments.csv", "survey_responses.csv", "feedback.csv"] {
        std::fs::copy(sample_company().join(name), other.join(name)).unwrap();
    }
    let gender = |row: usize| ["female", "male", "", "diverse"][row * 7 % 4].to_owned();
    with_column(&sample_company().join("employees.csv"), &other.join("employees.csv"), "gender", gender);
    let models = [sample_company(), other.as_path()].map(|data| {
        let out = new_folder("protected").join("model");
        let [data, out_text, config] = [data, &out, &config].map(|path| path.to_str().unwrap());
        flight_risk(["train", "--quiet", "--config", config, "--data", data, "--out", out_text]).ok();
        learned(&out)
    });
    assert_eq!(models[0], models[1]);
    assert!(!models[0].0.iter().any(|name| name == "gender" || name == "age_band"), "{:?}", models[0].0);
}

#[test]
fn a_flat_table_with_other_genders_teaches_the_same() {
    let folder = new_folder("protected");
    let other = folder.join("table.csv");
    with_column(&flat_table().data, &other, "gender", |row| ["female", "male"][row / 3 % 2].to_owned());
    let open = folder.join("open.toml");
    let schema = std::fs::read_to_string(&flat_table().schema).unwrap();
    std::fs::write(&open, schema.replace("protected = [\"gender\"]\n", "")).unwrap();
    let train = |data: &Path, schema: &Path| {
        let out = new_folder("protected").join("model");
        let [data, schema, out_text] = [data, schema, &out].map(|path| path.to_str().unwrap());
        flight_risk(["train", "--quiet", "--data", data, "--schema", schema, "--out", out_text]).ok();
        learned(&out)
    };
    let [one, two] = [flat_table().data.as_path(), &other].map(|data| train(data, &flat_table().schema));
    assert_eq!(one, two);
    assert!(!one.0.contains(&"gender".to_owned()), "{:?}", one.0);
    // Without the word in the schema the column is a feature like any other, and counts.
    assert!(train(&flat_table().data, &open).0.contains(&"gender".to_owned()));
    assert_ne!(train(&flat_table().data, &open), train(&other, &open));
}
