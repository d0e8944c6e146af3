//! Real data sets, where FLIGHT_RISK_DATA names a folder of them: they train, and what comes out makes sense.

use std::path::{Path, PathBuf};

use crate::support::{flight_risk, new_folder};

/// The folder of real data sets; says plainly when there is none.
fn folder(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("FLIGHT_RISK_DATA").map(PathBuf::from);
    if folder.is_none() {
        println!("LEFT OUT: {test}: FLIGHT_RISK_DATA is not set");
    }
    folder
}

#[test]
fn native_tables_of_real_people_train_and_score() {
    let Some(data) = folder("native tables of real people") else { return };
    let out = new_folder("real-data");
    let (model, scores) = (out.join("model"), out.join("scores.csv"));
    let path = |p: &Path| p.display().to_string();
    let pulse = path(&data.join("pulse"));
    let trained = flight_risk(["train", "--data", &pulse, "--out", &path(&model), "--json"]).ok();
    let summary: serde_json::Value = serde_json::from_str(&trained.stdout).unwrap();
    let rows = &summary["metrics"]["rows"];
    assert!(rows["auc"].as_f64().unwrap() > 0.6, "better than chance on later time: {rows}");
    flight_risk(["score", "--model", &path(&model), "--data", &pulse, "--out", &path(&scores)]).ok();
    let text = std::fs::read_to_string(scores).unwrap();
    assert!(text.starts_with("employee_id,risk,risk_3m,risk_6m,risk_12m,low,high,band"), "{}", &text[..80]);
    assert!(text.lines().count() > 500, "everybody still observed is scored");
}
