//! Data from which little or nothing can be learned.

use super::*;

const FLAT: &str = "train --quiet --data flat.csv --schema schema.toml --out out";
const NATIVE: &str = "train --quiet --data company --out out";

fn left(value: impl Fn(usize, &str) -> String) -> Case {
    Case::flat(table(|rows| rows.set("left", value)))
}

#[test]
fn outcomes_that_teach_nothing_are_refused() {
    let all = |value: &'static str| left(move |_, _| value.to_owned());
    all("No").refused(FLAT, DATA, &["flat.left", "nobody left", "`Yes`", "`No`", "positive"]);
    all("Yes").refused(FLAT, DATA, &["flat.left", "everybody left", "those who stayed are needed"]);
    all("").refused(FLAT, DATA, &["flat.left", "blank in every row"]);
    left(|row, old| if row % 7 == 0 { "Maybe".into() } else { old.into() }).refused(
        FLAT,
        DATA,
        &["flat.left", "must have two values, but has 3", "`Maybe`", "`No`", "`Yes`"],
    );
    left(|row, _| if row < 3 { "Yes" } else { "No" }.to_owned()).refused(
        FLAT,
        NOTHING_TO_LEARN,
        &["3 voluntary exits in 600 rows", "at least 10", "more history or more employees"],
    );
    Case::flat(table(|rows| rows.set("employee", |_, _| "E1".to_owned()))).refused(
        FLAT,
        NOTHING_TO_LEARN,
        &["belong to one employee", "`id`"],
    );
    Case::flat(|text| text.lines().take(2).map(|line| format!("{line}\n")).collect()).refused(
        FLAT,
        DATA,
        &["flat.left"],
    );
    let same = Case::flat(table(|rows| {
        for feature in ["age", "monthly_income", "overtime_hours"] {
            rows.remove(feature);
        }
        rows.set("department", |_, _| "Sales".to_owned());
    }));
    same.write("schema.toml", "id = \"employee\"\ntarget = \"left\"\npositive = \"Yes\"\nprotected = [\"gender\"]");
    same.refused(FLAT, NOTHING_TO_LEARN, &["no feature can be used", "department", "the same"]);
}

#[test]
fn companies_that_teach_nothing_are_refused() {
    let exits = |kind: &'static str| {
        Case::company(move |name, rows| {
            if name == "employees" {
                rows.set("exit_type", |_, old| if old.is_empty() { String::new() } else { kind.to_owned() });
                if kind.is_empty() {
                    rows.set("exit_date", |_, _| String::new());
                }
            }
        })
    };
    exits("").refused(NATIVE, NOTHING_TO_LEARN, &["no exit is on record", "`exit_date`", "add the exits"]);
    exits("retirement").refused(NATIVE, NOTHING_TO_LEARN, &["0 voluntary exits", "at least 10"]);
    Case::company(|name, rows| {
        if name == "employees" {
            rows.set("exit_date", |_, old| if old.is_empty() { "2025-12-31".into() } else { old.into() });
            rows.set("exit_type", |_, _| "voluntary".into());
        }
    })
    .works(NATIVE, &["voluntary exits"]);
    Case::company(|_, rows| rows.rows.retain(|cells| cells[0] == "E000001")).refused(
        NATIVE,
        NOTHING_TO_LEARN,
        &["check"],
    );
    Case::company(|_, rows| rows.rows.clear()).refused(NATIVE, DATA, &["employees", "has a header but no rows"]);
}

#[test]
fn columns_without_information_are_left_out_and_said() {
    for (change, says) in [
        (
            (|rows| rows.set("age", |_, _| "NaN".into())) as fn(&mut Rows),
            &["left out because no value is known: age"][..],
        ),
        (
            |rows| rows.set("age", |_, _| "inf".into()),
            &["left out because no value is known: age", "flat.age: is infinite"],
        ),
        (
            |rows| rows.set("age", |row, old| if row == 7 { "-Infinity".into() } else { old.into() }),
            &["flat.age: is infinite", "`-Infinity`", "value left out"],
        ),
        (
            |rows| rows.set("age", |row, old| if row == 7 { "old".into() } else { old.into() }),
            &["flat.age", "599 cells", "`old`", "read as levels"],
        ),
        (|rows| rows.set("age", |row, old| if row == 7 { "1e308".into() } else { old.into() }), &["600 rows"]),
        (|rows| rows.set("department", |_, _| "Sales".into()), &["Note: left out because", ": department"]),
        (
            |rows| rows.set("left", |row, old| if row % 9 == 0 { String::new() } else { old.into() }),
            &["flat.left: the target is blank", "row dropped"],
        ),
        (
            |rows| rows.add("note", |row| format!("{row} {}", "a long story ".repeat(40))),
            &["Note: left out because", "note"],
        ),
        (
            |rows| rows.set("employee", |row, _| format!("P{}", row % 500)),
            &["identifiers occur in several rows", "group"],
        ),
    ] {
        let case = Case::flat(table(change));
        case.works(FLAT, says);
        case.works("score --model out --data flat.csv --out scores.csv", &["600 scored"]);
        let scores = case.read("scores.csv");
        assert!(!scores.contains("NaN") && !scores.contains("inf"), "every score is a number");
    }
}

#[test]
fn more_columns_than_can_be_learned_from_are_refused_at_once() {
    let case = Case::flat(table(|rows| {
        let more: Vec<String> = (0..5000).map(|column| format!("c{column}")).collect();
        rows.header.extend(more.iter().cloned());
        for cells in &mut rows.rows {
            cells.extend(more.iter().map(|_| "0.5".to_owned()));
        }
    }));
    case.refused(FLAT, DATA, &["5004 columns of flat.csv", "at most 1000", "drop"]);
    case.works("score --model FLAT_MODEL --data flat.csv --out scores.csv", &["600 scored", "and 4992 more"]);
}

#[test]
fn a_copy_of_the_outcome_among_the_features_still_trains() {
    let case = Case::flat(table(|rows| {
        let outcomes: Vec<String> = rows.rows.iter().map(|cells| cells.last().unwrap().clone()).collect();
        rows.add("copy", |row| outcomes[row].clone());
    }));
    case.works(FLAT, &["AUC                        1.000", "suspected leak: `copy`"]);
}

#[test]
fn a_company_with_poor_columns_trains() {
    for (table_name, column, value) in [
        ("assignments", "department", "Sales"),
        ("assignments", "annual_pay", "NaN"),
        ("assignments", "annual_pay", "inf"),
    ] {
        let case = Case::company(|name, rows| {
            if name == table_name {
                rows.set(column, |_, _| value.to_owned());
            }
        });
        case.works(NATIVE, &["Model"]);
    }
}

#[test]
fn every_fault_of_the_records_is_listed_with_its_place() {
    let case = Case::company(|name, rows| match name {
        "employees" => {
            let dates = ["31/12/2024", "0000-00-00", "9999-12-31", "2024-02-30", ""];
            rows.set("hire_date", |row, old| dates.get(row).copied().unwrap_or(old).to_owned());
            rows.set("exit_type", |row, old| if row == 6 { "volontary".into() } else { old.into() });
            let twice = rows.rows[8].clone();
            rows.rows.push(twice);
        }
        "assignments" => rows.set("annual_pay", |row, old| match row {
            200 => "-5".into(),
            201 => "lots".into(),
            _ => old.into(),
        }),
        "survey_responses" => rows.set("score", |row, old| if row == 900 { "99".into() } else { old.into() }),
        _ => rows.set("employee_id", |row, old| if row == 300 { "nobody".into() } else { old.into() }),
    });
    let says = [
        "employees.hire_date",
        "`31/12/2024`",
        "YYYY-MM-DD",
        "`0000-00-00`",
        "`9999-12-31`",
        "`2024-02-30`",
        "line 2",
        "hire_date is missing",
        "employees.exit_type",
        "`volontary`",
        "voluntary, involuntary",
        "occurs again",
        "assignments.annual_pay: is not positive",
        "`-5`",
        "is not a number",
        "`lots`",
        "outside its scale",
        "`99, scale 1 to 5`",
        "feedback.employee_id: no such employee",
        "`nobody`",
    ];
    case.refused(NATIVE, DATA, &says);
    let checked = case.run("check --data company");
    assert_eq!(checked.code, Some(DATA), "{checked:?}");
    for part in says {
        assert!(checked.stdout.contains(part), "{part} in {}", checked.stdout);
    }
    let circle = Case::company(|name, rows| {
        if name == "assignments" {
            let own: Vec<String> = rows.rows.iter().map(|cells| cells[0].clone()).collect();
            rows.set("manager_id", |row, _| own[row].clone());
        }
    });
    circle.works("check --data company", &["assignments.manager_id: a circle of managers", "value left out"]);
    let early = Case::company(|name, rows| {
        if name == "employees" {
            rows.set("exit_date", |row, old| if row < 2 { "1990-01-01".into() } else { old.into() });
            rows.set("exit_type", |row, old| if row < 2 { "voluntary".into() } else { old.into() });
        }
    });
    early.refused(NATIVE, DATA, &["employees.exit_date: the exit lies before the hire", "1990-01-01"]);
    Case::company(|name, rows| {
        if name == "employees" {
            rows.remove("hire_date");
        }
    })
    .refused(NATIVE, DATA, &["employees.hire_date: the column is missing", "the table has employee_id"]);
}
