//! What would flatter a model: rows on both sides of a split, people on both sides, the outcome among the features.

use super::*;

const TRAIN: &str = "train --quiet --allow-weak --data flat.csv --schema schema.toml --out out";

fn auc(metrics: &serde_json::Value) -> f64 {
    metrics["rows"]["auc"].as_f64().unwrap()
}

/// The guard of a kind.
fn guard<'m>(metrics: &'m serde_json::Value, kind: &str) -> &'m serde_json::Value {
    let guards = metrics["guards"].as_array().unwrap();
    guards.iter().find(|guard| guard["kind"] == kind).unwrap_or_else(|| panic!("no guard {kind} in {guards:?}"))
}

/// Noise with many columns, of which a model learns each row by heart.
fn by_heart(seed: u64) -> Drawn {
    Drawn { rows: 150, features: 100, rate: 0.3, ..Drawn::noise(seed) }
}

fn lines_only(case: &Case) -> String {
    case.write("free.toml", "complexity = \"lines\"\nrules = false\n");
    format!("{TRAIN} --config free.toml")
}

#[test]
fn copies_are_never_on_both_sides() {
    let case = Case::drawn(by_heart(1), "", |rows| {
        let once = rows.rows.clone();
        rows.rows = (0..3).flat_map(|_| once.iter().cloned()).collect();
        rows.set("employee", |row, _| format!("P{row}"));
    });
    case.works(&lines_only(&case), &["450 rows equal another in every column", "share a fold"]);
    let metrics = case.metrics("out");
    assert_eq!(guard(&metrics, "exact_duplicates")["count"], 450);
    assert!(auc(&metrics) < 0.65, "learned by heart: {}", auc(&metrics));
    // The same rows, told apart by a digit that says nothing, are other people to anybody: this is what the guard prevents.
    let apart = Case::drawn(by_heart(1), "", |rows| {
        let once = rows.rows.clone();
        rows.rows = (0..3).flat_map(|_| once.iter().cloned()).collect();
        rows.set("employee", |row, _| format!("P{row}"));
        rows.set("x0", |row, old| format!("{old}{}", 1 + row / 150));
    });
    apart.works(&lines_only(&apart), &["no two rows are equal"]);
    assert!(auc(&apart.metrics("out")) > 0.8, "{}", auc(&apart.metrics("out")));
}

#[test]
fn people_who_are_alike_are_not_copies() {
    let case = Case::drawn(Drawn { features: 3, rows: 800, signal: 1.2, ..Drawn::noise(2) }, "", |rows| {
        for name in ["x0", "x1", "x2"] {
            rows.set(name, |_, old| format!("{:.0}", old.parse::<f64>().unwrap()));
        }
    });
    case.works(TRAIN, &["as many as chance makes"]);
    assert_eq!(guard(&case.metrics("out"), "exact_duplicates")["finding"], "cannot_tell");
}

#[test]
fn one_employee_is_never_on_both_sides() {
    // Three rows of each person, alike but for a digit, with the same outcome.
    let people = |rows: &mut Rows| {
        let once = rows.rows.clone();
        rows.rows = (0..3).flat_map(|_| once.iter().cloned()).collect();
        let persons: Vec<String> = rows.rows.iter().map(|cells| cells[0].clone()).collect();
        rows.add("person", |row| persons[row].clone());
        rows.set("employee", |row, _| format!("R{row}"));
        rows.set("x0", |row, old| format!("{old}{}", 1 + row / 150));
    };
    let known = Case::drawn(by_heart(3), "group = \"person\"", people);
    known.works(&lines_only(&known), &["150 employees have several rows", "share a fold"]);
    assert!(auc(&known.metrics("out")) < 0.65, "{}", auc(&known.metrics("out")));
    assert_eq!(guard(&known.metrics("out"), "one_employee")["count"], 150);
    let by_id = Case::drawn(by_heart(3), "drop = [\"person\"]", |rows| {
        people(rows);
        rows.set("employee", |row, _| format!("R{}", row % 150));
    });
    by_id.works(&lines_only(&by_id), &["150 employees have several rows"]);
    assert!(auc(&by_id.metrics("out")) < 0.65, "{}", auc(&by_id.metrics("out")));
    let unknown = Case::drawn(by_heart(3), "drop = [\"person\"]", people);
    unknown.works(&lines_only(&unknown), &["no employee has more than one row"]);
    assert!(auc(&unknown.metrics("out")) > 0.8, "{}", auc(&unknown.metrics("out")));
}

/// A number from 0 to 1 that says nothing.
fn spread(row: usize) -> f64 {
    (row * 7919 % 1000) as f64 / 1000.0
}

/// Signal and a column `extra` made of the row's number and whether the employee left.
fn with_extra(extra: fn(usize, bool) -> String) -> Case {
    Case::drawn(Drawn { rows: 1000, signal: 1.0, ..Drawn::noise(4) }, "", |rows| {
        let left: Vec<bool> = rows.rows.iter().map(|cells| cells.last().unwrap() == "Yes").collect();
        rows.add("extra", |row| extra(row, left[row]));
    })
}

#[test]
fn a_feature_that_tells_the_outcome_is_named_and_a_strong_one_is_not() {
    let leaks: [fn(usize, bool) -> String; 5] = [
        // A reason for leaving; an exit interview of half of them; a review of those who are still here; days of notice.
        |row, left| if left { ["pay", "manager", "move"][row % 3] } else { "none" }.to_owned(),
        |row, left| if left && row % 2 == 0 { (row % 5).to_string() } else { String::new() },
        |row, left| if left { String::new() } else { (row % 5).to_string() },
        |row, left| if left { 30 - row % 29 } else { 0 }.to_string(),
        |row, left| format!("{:.3}", spread(row) + if left { 0.97 } else { 0.0 }),
    ];
    for (number, leak) in leaks.into_iter().enumerate() {
        let case = with_extra(leak);
        case.works(TRAIN, &["LOOK", "suspected leak: `extra`", "drop = [\"extra\"]"]);
        let metrics = case.metrics("out");
        assert_eq!(guard(&metrics, "single_feature")["features"], serde_json::json!(["extra"]), "leak {number}");
    }
    let honest: [fn(usize, bool) -> String; 4] = [
        // An AUC of .9; a strong level; blank for most who left and for few who stayed; noise.
        |row, left| format!("{:.3}", spread(row) + if left { 0.55 } else { 0.0 }),
        |row, left| if spread(row) < if left { 0.8 } else { 0.1 } { "often" } else { "never" }.to_owned(),
        |row, left| if spread(row) < if left { 0.7 } else { 0.2 } { String::new() } else { "1".to_owned() },
        |row, _| spread(row).to_string(),
    ];
    for (number, honest) in honest.into_iter().enumerate() {
        let case = with_extra(honest);
        case.works(TRAIN, &["no feature tells by itself who left"]);
        assert_eq!(guard(&case.metrics("out"), "single_feature")["finding"], "kept", "feature {number}");
    }
}

#[test]
fn native_tables_say_what_cannot_leak() {
    let case = Case::new::<&str>(&[]);
    case.works(
        "train --quiet --allow-weak --data COMPANY --out out",
        &["impossible by construction", "the last 30 days before an exit are not used"],
    );
    let metrics = case.metrics("out");
    assert_eq!(guard(&metrics, "blackout")["count"], 30);
    for kind in
        ["exact_duplicates", "one_employee", "single_feature", "later_facts", "blackout", "confidential_answers"]
    {
        assert_eq!(guard(&metrics, kind)["finding"], "kept", "{kind}");
    }
    case.write("none.toml", "blackout_days = 0\n");
    case.works("train --quiet --allow-weak --config none.toml --data COMPANY --out out", &["LOOK", "notice period"]);
}

#[test]
fn a_single_confidential_feature_is_told() {
    // One question, and so one feature.
    let case = Case::company(|table, rows| {
        if table == "survey_responses" {
            let driver = rows.header.iter().position(|name| name == "driver").unwrap();
            rows.rows.retain(|cells| cells[driver] == "intent_to_stay");
        }
    });
    let train = "train --quiet --allow-weak --data company --out out";
    case.works(
        train,
        &["LOOK", "`engagement_intent_to_stay` is the only feature from confidential answers", "subtraction"],
    );
    let metrics = case.metrics("out");
    let found = guard(&metrics, "confidential_answers");
    assert_eq!((&found["finding"], &found["count"]), (&"suspected".into(), &1.into()));
    for file in ["out/report.html", "out/model-card.md"] {
        assert!(case.read(file).contains("is the only feature from confidential answers"), "{file}");
    }
    fs::remove_file(case.folder.join("company/survey_responses.csv")).unwrap();
    case.works(&train.replace("--out out", "--out without"), &["no feature comes from confidential answers"]);
}
