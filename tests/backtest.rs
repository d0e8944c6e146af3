//! Walking forward over time, from outside: every period is judged, and nothing of it was known to the model that judged it.

use std::path::Path;

use serde_json::Value;

use crate::support::{DRAWN_SCHEMA, Drawn, Output, flight_risk, new_folder, sample_company};

/// Trains on a table with the column `month`; with what the schema says of time.
fn train(csv: &str, time: &str, more: &[&str]) -> Output {
    let folder = new_folder("backtest");
    let [data, schema, out] = ["flat.csv", "schema.toml", "out"].map(|name| folder.join(name));
    std::fs::write(&data, csv).unwrap();
    std::fs::write(&schema, format!("{DRAWN_SCHEMA}{time}\n")).unwrap();
    let [data, schema, out] = [&data, &schema, &out].map(|path: &std::path::PathBuf| path.to_str().unwrap());
    let line = ["train", "--quiet", "--backtest", "--data", data, "--schema", schema, "--out", out];
    flight_risk(line.iter().chain(more))
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap()
}

/// 2,000 rows in 20 months, about 300 exits.
fn table() -> String {
    Drawn { seed: 8, rows: 2000, features: 4, rate: 0.15, signal: 1.0, months: 20 }.csv()
}

fn cells(csv: &str) -> Vec<Vec<&str>> {
    csv.lines().skip(1).map(|line| line.split(',').collect()).collect()
}

fn number(period: &Value, key: &str) -> f64 {
    period[key].as_f64().unwrap_or_else(|| panic!("{key} in {period}"))
}

#[test]
fn periods_follow_each_other_and_count_what_was_known_before() {
    let csv = table();
    let summary = json(&train(&csv, "time = \"month\"", &["--json"]).ok());
    let periods = summary["metrics"]["backtest"].as_array().unwrap();
    assert!((5..=8).contains(&periods.len()), "{periods:?}");
    let rows = cells(&csv);
    for pair in periods.windows(2) {
        assert!(pair[0]["until"].as_str() < pair[1]["from"].as_str(), "{pair:?}");
    }
    for period in periods {
        let (from, until) = (period["from"].as_str().unwrap(), period["until"].as_str().unwrap());
        let count = |within: &dyn Fn(&str) -> bool| {
            let rows = rows.iter().filter(|cells| within(cells[5]));
            let (all, left): (Vec<_>, Vec<_>) =
                (rows.clone().collect(), rows.filter(|cells| cells[6] == "Yes").collect());
            (all.len() as f64, left.len() as f64)
        };
        let (before, left_before) = count(&|month| month < from);
        let (within, left_within) = count(&|month| (from..=until).contains(&month));
        assert_eq!((number(period, "trained_rows"), number(period, "trained_events")), (before, left_before));
        assert_eq!((number(period, "rows"), number(period, "events")), (within, left_within));
        assert!(left_within >= 20.0, "too few to say anything: {period}");
        assert!((number(period, "base_rate") - left_before / before).abs() < 1e-12);
        assert!((number(period, "observed_rate") - left_within / within).abs() < 1e-12);
        assert!(number(period, "auc") > 0.6, "the signal is the same all the time: {period}");
        assert!(number(period, "log_loss") < number(period, "log_loss_base_rate"), "{period}");
    }
    // The last month is the end of the last period, and of the judged time.
    assert_eq!(periods.last().unwrap()["until"], "019");
    let stability = summary["metrics"]["stability"].as_array().unwrap();
    assert_eq!(stability.last().unwrap()["until"], "019");
    assert_eq!(stability[0]["from"], summary["metrics"]["split"]["from"], "one period after the other from the cut on");
    let judged: u64 = stability.iter().filter_map(|period| period["rows"].as_u64()).sum();
    assert_eq!(Some(judged), summary["metrics"]["rows"]["rows"].as_u64());
}

#[test]
fn no_period_depends_on_a_later_one() {
    let csv = table();
    // Other facts in the last five months, the same outcomes.
    let changed: String = csv
        .lines()
        .map(|line| {
            let mut cells: Vec<&str> = line.split(',').collect();
            if cells[5].parse::<u32>().is_ok_and(|month| month >= 15) {
                cells[1] = "0.5";
                cells[2] = "-1.25";
            }
            cells.join(",") + "\n"
        })
        .collect();
    let [before, after] = [csv, changed].map(|csv| {
        let summary = json(&train(&csv, "time = \"month\"", &["--json", "--allow-weak"]).ok());
        summary["metrics"]["backtest"].as_array().unwrap().clone()
    });
    assert_eq!(before.len(), after.len());
    let early = |period: &&Value| period["until"].as_str() < Some("015");
    let (early, late): (Vec<_>, Vec<_>) = before.iter().zip(&after).partition(|(period, _)| early(period));
    assert!(early.len() >= 3, "{early:?}");
    assert!(early.iter().all(|(before, after)| before == after), "{early:?}");
    assert!(late.iter().all(|(before, after)| before != after), "{late:?}");
}

#[test]
fn a_table_without_time_is_refused_with_what_to_do() {
    let csv = Drawn { months: 0, ..Drawn::noise(1) }.csv();
    let output = train(&csv, "", &[]);
    assert_eq!(output.code, Some(3), "{output:?}");
    assert!(output.stderr.contains("`time`") && output.stderr.contains("--backtest"), "{output:?}");
}

#[test]
fn a_company_is_walked_through_and_the_artifact_remembers() {
    let out = new_folder("backtest").join("model");
    let paths: [&Path; 2] = [sample_company(), &out];
    let [data, model] = paths.map(|path| path.to_str().unwrap());
    let shown = flight_risk(["train", "--quiet", "--allow-weak", "--backtest", "--data", data, "--out", model]).ok();
    assert!(shown.stdout.contains("Walking forward"), "{}", shown.stdout);
    let metrics: Value = serde_json::from_str(&std::fs::read_to_string(out.join("metrics.json")).unwrap()).unwrap();
    let periods = metrics["backtest"].as_array().unwrap();
    assert!(!periods.is_empty());
    for period in periods {
        assert!(shown.stdout.contains(period["from"].as_str().unwrap()), "{period} is not shown");
        // What was predicted on the day before the period had not yet happened: its rows are not learned from.
        assert!(number(period, "trained_events") >= 10.0, "{period}");
    }
    // Without being asked for it there is none.
    flight_risk(["train", "--quiet", "--allow-weak", "--data", data, "--out", model]).ok();
    let metrics: Value = serde_json::from_str(&std::fs::read_to_string(out.join("metrics.json")).unwrap()).unwrap();
    assert_eq!(metrics["backtest"], serde_json::json!([]));
}
