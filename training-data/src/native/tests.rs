#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::fmt::Write as _;
use std::time::Instant;

use super::*;
use crate::report::Outcome;

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn read(files: &[(&str, &str)]) -> Result<NativeData, DataError> {
    read_with(files, &[])
}

fn read_with(files: &[(&str, &str)], protected: &[&str]) -> Result<NativeData, DataError> {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(dir.path().join(name), content).unwrap();
    }
    let protected = protected.iter().map(|p| (*p).to_owned()).collect();
    read_native(dir.path(), &NativeOptions { today: day("2025-01-01"), data_end: None, protected })
}

fn report_of(files: &[(&str, &str)]) -> String {
    match read(files) {
        Ok(data) => data.report.to_string(),
        Err(DataError::Refused(report)) => report.to_string(),
        Err(other) => other.to_string(),
    }
}

/// The lines of a report below this heading, up to the next one.
fn section(report: &str, heading: &str) -> String {
    let lines = report.lines().skip_while(|line| *line != heading).skip(1).take_while(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n").trim_start().to_owned()
}

const PEOPLE: &str = "\
employee_id,hire_date,exit_date,exit_type
a,2020-01-01,,
b,2020-01-01,,
c,2020-01-01,2023-06-30,voluntary
d,2020-01-01,,
";

#[test]
fn every_problem_of_the_employees_is_refused_at_once() {
    let report = report_of(&[(
        "employees.csv",
        "\
Employee_ID , hire_date,exit_date,exit_type,observed_until,nickname
1,2020-01-01,2019-01-01,voluntary,,x
1,2020-01-01,,,,x
,2020-01-01,,,,x
2,01.02.2020,,,,x
3,,,,,x
4,2020-01-01,2021-01-01,,,x
5,2020-01-01,,voluntary,,x
6,2020-01-01,2021-01-01,resigned,,x
7,2020-01-01,,,2019-12-31,x
",
    )]);
    assert_eq!(
        section(&report, "Refused, to be mended first:"),
        "\
employees.exit_date: the exit lies before the hire (1 row; refused)
    row 1, line 2: `2019-01-01, hired 2020-01-01`
  employees.employee_id: the same employee_id occurs again; one row per employment, with an identifier of its own (1 row; refused)
    row 2, line 3: `1, first in row 1`
  employees.employee_id: employee_id is blank (1 row; refused)
    row 3, line 4
  employees.hire_date: is not a date of the form YYYY-MM-DD (1 row; refused)
    row 4, line 5: `01.02.2020`
  employees.hire_date: hire_date is missing (1 row; refused)
    row 5, line 6: `3`
  employees.exit_type: exit_date without exit_type (1 row; refused)
    row 6, line 7: `2021-01-01`
  employees.exit_date: exit_type without exit_date (1 row; refused)
    row 7, line 8: `voluntary`
  employees.exit_type: is none of voluntary, involuntary, retirement, end_of_contract, other (1 row; refused)
    row 8, line 9: `resigned`
  employees.observed_until: observed_until lies before the hire (1 row; refused)
    row 9, line 10: `2019-12-31, hired 2020-01-01`"
    );
    assert!(report.contains("columns not used: nickname"), "{report}");
}

#[test]
fn what_is_odd_but_possible_about_employees_is_read() {
    let data = read(&[(
        "employees.csv",
        "\
hire_date,employee_id,exit_type,exit_date,observed_until
2020-01-01,same-day,Voluntary,2020-01-01,2020-01-01
2026-01-01,future,,,
2020-01-01,leaving,End of contract,2025-06-30,
2020-01-01,ahead,,,2030-01-01
,,,,
",
    )])
    .unwrap();
    let people: Vec<String> = data
        .company
        .histories()
        .iter()
        .map(|h| format!("{} {:?} {:?}", h.employee_id(), h.exit().map(|e| e.date.to_string()), h.observed_until()))
        .collect();
    assert_eq!(
        people,
        [
            format!("same-day Some(\"2020-01-01\") {:?}", Some(day("2020-01-01"))),
            "leaving None None".to_owned(),
            format!("ahead None {:?}", Some(day("2025-01-01"))),
        ]
    );
    let report = data.report.to_string();
    assert_eq!(
        section(&report, "Left out:"),
        "\
  employees.hire_date: hired after today (1 row; employee left out)
    row 2, line 3: `2026-01-01`
  employees: the row is blank (1 row; row dropped)
    row 5, line 6"
    );
    assert!(report.starts_with("employees (employees.csv): 5 rows, 3 used\nassignments: no such table; unknown without it: Role, Pay, Manager and team\n"), "{report}");
}

#[test]
fn wrong_facts_cost_the_fact_and_are_counted() {
    let files = [
        ("employees.csv", PEOPLE),
        (
            "assignments.csv",
            "\
employee_id,effective_date,job_level,annual_pay,pay_midpoint,critical_role,department
a,2020-01-01,L3,\"$65,000\",0,yes,Sales
a,2021-01-01,senior,-5,\"1.234,50\",maybe,Sales
z,2021-01-01,,,,,
a,2026-01-01,,,,,
c,2023-07-01,,,,,
a,soon,,,,,
a,,,,,,
,2021-01-01,,,,,
b,2022-01-01,4,1000,,no,Ops
b,2022-01-01,5,1100,,no,Ops
",
        ),
        (
            "survey_responses.csv",
            "\
employee_id,date,survey,driver,score,scale_min,scale_max
a,2022-01-01,pulse,growth,4,1,5
a,2022-01-01,pulse,manager,6,1,5
a,2022-04-01,pulse,growth,,,
b,2022-01-01,pulse,growth,3,5,1
b,2022-01-01,pulse,manager,good,1,5
",
        ),
        (
            "feedback.csv",
            "\
employee_id,date,kind,rating,counterpart_id
a,2022-01-01,One-on-one,,b
a,2022-02-01,coffee,,
a,2022-03-01,performance_review,excellent,
",
        ),
    ];
    let data = read(&files).unwrap();
    assert_eq!(
        section(&data.report.to_string(), "Left out:"),
        "\
  assignments.pay_midpoint: is not positive (1 row; value left out)
    row 1, line 2: `0`
  assignments.job_level: has no digits to read a level from (1 row; value left out)
    row 2, line 3: `senior`
  assignments.annual_pay: is not positive (1 row; value left out)
    row 2, line 3: `-5`
  assignments.pay_midpoint: could be read in two ways; write numbers with a decimal point, like 1234.50 (1 row; value left out)
    row 2, line 3: `1.234,50`
  assignments.critical_role: is neither yes nor no (1 row; value left out)
    row 2, line 3: `maybe`
  assignments.employee_id: no such employee in the employees table (1 row; row dropped)
    row 3, line 4: `z`
  assignments.effective_date: the date lies after today (1 row; row dropped)
    row 4, line 5: `2026-01-01`
  assignments.effective_date: the date lies after the exit (1 row; row dropped)
    row 5, line 6: `2023-07-01, exit 2023-06-30`
  assignments.effective_date: is not a date of the form YYYY-MM-DD (1 row; row dropped)
    row 6, line 7: `soon`
  assignments.effective_date: the date is missing (1 row; row dropped)
    row 7, line 8
  assignments.employee_id: employee_id is blank (1 row; row dropped)
    row 8, line 9
  assignments.effective_date: another row of the same employee and day follows and stands in its place (1 row; row dropped)
    row 9, line 10: `2022-01-01`
  survey_responses.score: the score lies outside its scale (1 row; row dropped)
    row 2, line 3: `6, scale 1 to 5`
  survey_responses.scale_max: scale_max is not above scale_min (1 row; row dropped)
    row 4, line 5: `5 to 1`
  survey_responses.score: is not a number (1 row; row dropped)
    row 5, line 6: `good`
  feedback.rating: is not a number (1 row; value left out)
    row 3, line 4: `excellent`"
    );
    let a = &data.company.histories()[0];
    let now = a.assignment_on(day("2020-06-01")).unwrap();
    assert_eq!((now.job_level, now.annual_pay, now.critical_role), (Some(3.0), Some(65000.0), Some(true)));
    let later = a.assignment_on(day("2021-06-01")).unwrap();
    assert_eq!((later.annual_pay, later.critical_role), (None, None));
    let b = data.company.histories()[1].assignment_on(day("2023-01-01")).unwrap();
    assert_eq!(b.annual_pay, Some(1100.0));
    assert_eq!(data.report.count(Outcome::Noted), 1, "the kind without features: {}", data.report);
    assert_eq!(data.report.tables()[2].used, 2);
}

#[test]
fn scores_are_brought_to_the_unit_interval_and_silence_stays_silence() {
    let survey = "\
employee_id,date,survey,driver,score,scale_min,scale_max
a,2022-01-01,pulse,growth,4,1,5
b,2022-01-01,pulse,growth,0,0,10
d,2022-01-01,pulse,growth,NA,1,5
";
    let data = read(&[("employees.csv", PEOPLE), ("survey_responses.csv", survey)]).unwrap();
    let mut found = String::new();
    for history in data.company.histories() {
        let features = format!("{history:?}");
        let answered = features.contains("answered_before: [0, 1]");
        let invited = features.contains("answered_before: [0, 0]");
        let score = features.contains("0.75") || features.contains("0.0");
        writeln!(found, "{} {answered} {invited} {score}", history.employee_id()).unwrap();
    }
    assert_eq!(found, "a true false true\nb true false true\nc false false true\nd false true true\n");
}

#[test]
fn an_answer_without_a_scale_refuses_the_table_and_no_scale_is_guessed() {
    let survey = "\
employee_id,date,survey,driver,score,scale_min,scale_max
a,2022-01-01,pulse,growth,4,,
b,2022-01-01,pulse,growth,4,1,
";
    assert_eq!(
        section(
            &report_of(&[("employees.csv", PEOPLE), ("survey_responses.csv", survey)]),
            "Refused, to be mended first:"
        ),
        "\
  survey_responses.score: an answer without scale_min or scale_max; a scale is never guessed: give the lowest and highest answer (2 rows; refused)
    row 1, line 2: `4`
    row 2, line 3: `4`"
    );
    let without = "employee_id,date,survey,driver,score\na,2022-01-01,pulse,growth,4\n";
    let report = report_of(&[("employees.csv", PEOPLE), ("survey_responses.csv", without)]);
    for column in ["scale_min", "scale_max"] {
        let expected = format!(
            "survey_responses.{column}: the column is missing; the table has employee_id, date, survey, driver, score"
        );
        assert!(report.contains(&expected), "{report}");
    }
}

/// Assignments as `employee manager date`, and who reports to whom on a day afterwards.
fn managers_on(links: &[(&str, &str, &str)], on: &str) -> (String, String) {
    let mut table = "employee_id,effective_date,manager_id\n".to_owned();
    for (employee, manager, date) in links {
        writeln!(table, "{employee},{date},{manager}").unwrap();
    }
    let data = read(&[("employees.csv", PEOPLE), ("assignments.csv", &table)]).unwrap();
    let mut found = Vec::new();
    for history in data.company.histories() {
        if let Some(manager) = history.assignment_on(day(on)).and_then(|a| a.manager_id.as_ref()) {
            found.push(format!("{}>{manager}", history.employee_id()));
        }
    }
    (found.join(" "), section(&data.report.to_string(), "Left out:"))
}

#[test]
fn manager_circles_lose_the_link_that_closed_them() {
    for (what, links, on, expected, reported) in [
        ("oneself", &[("a", "a", "2021-01-01")][..], "2022-01-01", "", Some("a > a")),
        ("a chain", &[("a", "b", "2021-01-01"), ("b", "d", "2021-01-01")], "2022-01-01", "a>b b>d", None),
        (
            "of two, the later link goes",
            &[("b", "a", "2021-06-01"), ("a", "b", "2021-01-01")],
            "2022-01-01",
            "a>b",
            Some("a > b > a"),
        ),
        (
            "of two on one day, both go",
            &[("a", "b", "2021-01-01"), ("b", "a", "2021-01-01")],
            "2022-01-01",
            "",
            Some("a > b > a"),
        ),
        (
            "of three",
            &[("a", "b", "2021-01-01"), ("b", "d", "2021-02-01"), ("d", "a", "2021-03-01")],
            "2022-01-01",
            "a>b b>d",
            Some("a > b > d > a"),
        ),
        (
            "an exchange on one day is none",
            &[("a", "b", "2021-01-01"), ("b", "a", "2021-06-01"), ("a", "d", "2021-06-01")],
            "2022-01-01",
            "a>d b>a",
            None,
        ),
        (
            "not in force together",
            &[("a", "b", "2021-01-01"), ("a", "", "2021-06-01"), ("b", "a", "2021-07-01")],
            "2022-01-01",
            "b>a",
            None,
        ),
        ("after the exit of one", &[("c", "a", "2021-01-01"), ("a", "c", "2023-07-01")], "2024-01-01", "c>a a>c", None),
        ("outsiders manage too", &[("a", "board", "2021-01-01")], "2022-01-01", "a>board", None),
    ] {
        let (found, left_out) = managers_on(links, on);
        let sorted = |text: &str| {
            let mut parts: Vec<String> = text.split(' ').map(str::to_owned).collect();
            parts.sort();
            parts
        };
        assert_eq!(sorted(&found), sorted(expected), "{what}");
        match reported {
            Some(names) => assert!(left_out.contains(&format!("`{names}`")), "{what}: {left_out}"),
            None => assert_eq!(left_out, "", "{what}"),
        }
    }
}

#[test]
fn a_deep_chain_of_managers_is_checked_in_no_time() {
    // 20,000 levels, one on top of another, each new one on a day of its own: quadratic work would be 200 million steps a day.
    let count = 20_000;
    let (mut employees, mut assignments) =
        ("employee_id,hire_date\n".to_owned(), "employee_id,effective_date,manager_id\n".to_owned());
    for i in 0..count {
        writeln!(employees, "e{i},2000-01-01").unwrap();
        let date = day("2000-01-01").plus_days(i % 300);
        writeln!(assignments, "e{i},{date},e{}", i + 1).unwrap();
    }
    let started = Instant::now();
    let data = read(&[("employees.csv", &employees), ("assignments.csv", &assignments)]).unwrap();
    assert_eq!(data.report.count(Outcome::Dropped), 0);
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn folders_that_cannot_be_read_say_what_was_expected() {
    let dir = tempfile::tempdir().unwrap();
    let options = NativeOptions { today: day("2025-01-01"), data_end: None, protected: Vec::new() };
    let message = |path: &Path| {
        read_native(path, &options).unwrap_err().to_string().replace(&dir.path().display().to_string(), "DIR")
    };
    let missing = |found: &str| {
        format!(
            "DIR holds neither employees.csv nor employees.parquet; {found}; \
             export the employees table into it, or name another folder"
        )
    };
    assert_eq!(message(dir.path()), missing("the folder is empty"));
    std::fs::write(dir.path().join("staff.csv"), "x").unwrap();
    assert_eq!(message(dir.path()), missing("it holds staff.csv"));
    assert_eq!(
        message(&dir.path().join("tabels")),
        "DIR/tabels: there is no such folder; a folder with the tables (employees.csv ...) was expected here"
    );
    assert_eq!(
        message(&dir.path().join("staff.csv")),
        "DIR/staff.csv: is a file; a folder with the tables (employees.csv ...) was expected here"
    );
}

#[test]
fn problems_of_whole_files_are_all_in_one_report() {
    let report = report_of(&[
        ("employees.csv", PEOPLE),
        ("employees.parquet", "PAR1"),
        ("assignments.csv", "employee_id,effective_date\na,2021-01-01,extra\n"),
        ("survey_responses.parquet", "not parquet"),
        ("feedback.csv", "employee_id,date,kind\n"),
        ("notes.csv", "x\n1\n"),
    ]);
    let refused = section(&report, "Refused, to be mended first:");
    for expected in [
        "employees: is there twice; keep one of the files (refused)\n    `employees.csv, employees.parquet`",
        "assignments: assignments.csv has 1 row whose number of fields is not the header's 2: line 2 has 3",
        "survey_responses: survey_responses.parquet is no readable Parquet file",
    ] {
        assert!(refused.contains(expected), "{expected} in {refused}");
    }
    let noted = section(&report, "Noted:");
    assert!(noted.contains("`notes.csv`") && noted.contains("feedback: has a header but no rows"), "{noted}");
    assert_eq!(
        report_of(&[("employees.csv", "employee_id,hire_date\n")]),
        "assignments: no such table; unknown without it: Role, Pay, Manager and team
survey_responses: no such table; unknown without it: Engagement
feedback: no such table; unknown without it: Feedback

Refused, to be mended first:
  employees: has a header but no rows (refused)
"
    );
}

#[test]
fn protected_attributes_are_parallel_to_the_histories() {
    let employees = "\
employee_id,hire_date,exit_date,exit_type,Gender,age_band
a,2020-01-01,,,f,30-39
later,2026-01-01,,,m,20-29
b,2020-01-01,,,,
";
    let data = read_with(&[("employees.csv", employees)], &["Gender"]).unwrap();
    assert_eq!(data.protected["Gender"], [Some("f".to_owned()), None]);
    assert_eq!(data.report.tables()[0].unknown_columns, ["age_band"]);
    let missing = read_with(&[("employees.csv", employees)], &["gendre"]).unwrap_err().to_string();
    assert!(missing.contains("employees.gendre: is named as a protected attribute but is no column; the table has employee_id, hire_date, exit_date, exit_type, gender, age_band"), "{missing}");
}

#[test]
fn the_digest_follows_the_bytes() {
    let digest = |files: &[(&str, &str)]| read(files).unwrap().digest;
    let feedback = "employee_id,date,kind\na,2022-01-01,one_on_one\n";
    let first = digest(&[("employees.csv", PEOPLE), ("feedback.csv", feedback)]);
    assert_eq!(first, digest(&[("feedback.csv", feedback), ("employees.csv", PEOPLE)]));
    assert_ne!(first, digest(&[("employees.csv", PEOPLE)]));
    assert_ne!(first, digest(&[("employees.csv", PEOPLE), ("feedback.csv", &feedback.replace("01-01", "01-02"))]));
    assert_eq!(first.len(), 64);
}

#[test]
fn findings_are_all_in_the_json_and_five_are_printed() {
    let mut feedback = "employee_id,date,kind\n".to_owned();
    for i in 0..1_234 {
        writeln!(feedback, "x{i},2022-01-01,one_on_one").unwrap();
    }
    let data = read(&[("employees.csv", PEOPLE), ("feedback.csv", &feedback)]).unwrap();
    let printed = section(&data.report.to_string(), "Left out:");
    assert!(
        printed.contains("(1,234 rows; row dropped)") && printed.ends_with("row 5, line 6: `x4`\n    and 1,229 more"),
        "{printed}"
    );
    let json = serde_json::to_value(&data.report).unwrap();
    assert_eq!(json["findings"][0]["places"].as_array().unwrap().len(), 1_234);
    assert_eq!(json["findings"][0]["outcome"], "dropped");
    assert_eq!(json["missing_tables"][1]["families"][0], "Engagement");
    assert_eq!(json["refused"], false);
}

/// Runs on a folder of real tables where one is given; it is no part of the repository.
#[test]
fn real_tables_pass_where_they_are_given() {
    let Some(root) = std::env::var_os("FLIGHT_RISK_DATA") else {
        println!("left out: FLIGHT_RISK_DATA names no folder with pulse/");
        return;
    };
    let options = NativeOptions { today: day("2025-01-01"), data_end: None, protected: Vec::new() };
    let started = Instant::now();
    let data = read_native(&Path::new(&root).join("pulse"), &options).unwrap();
    println!("{:?}\n{}", started.elapsed(), data.report);
    assert!(data.company.histories().len() > 4000);
}
