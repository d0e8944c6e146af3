#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::path::PathBuf;
use std::time::Instant;

use flight_risk_scoring::Day;

use super::*;
use crate::error::DataError;
use crate::report::Outcome;

const SCHEMA: &str = "id = \"who\"\ntarget = \"left\"\npositive = \"Yes\"\n";

fn today() -> Day {
    "2025-01-01".parse().unwrap()
}

fn written(name: &str, content: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, content).unwrap();
    (dir, path)
}

fn schema(toml: &str) -> Result<FlatSchema, DataError> {
    let (_dir, path) = written("schema.toml", toml);
    FlatSchema::read(&path)
}

fn read(toml: &str, csv: &str) -> Result<FlatTable, DataError> {
    let (_dir, path) = written("staff.csv", csv);
    read_flat(&path, &schema(toml)?, today())
}

/// The message without the folder of the test.
fn message(error: DataError) -> String {
    let text = error.to_string();
    let words = text.split(' ').map(|word| word.rsplit_once('/').map_or(word, |(_, name)| name));
    words.collect::<Vec<_>>().join(" ")
}

fn values(table: &FlatTable, name: &str) -> String {
    let column = table.columns.iter().find(|column| column.name == name).unwrap();
    match &column.values {
        FlatValues::Numeric(values) => format!("{values:?}"),
        FlatValues::Categorical(values) => {
            values.iter().map(|v| v.as_deref().unwrap_or("_")).collect::<Vec<_>>().join("|")
        }
    }
}

#[test]
fn roles_kinds_and_values() {
    let table = read(
        &format!("{SCHEMA}drop = [\"exit_reason\"]\nprotected = [\"age\"]\ncategorical = [\"grade\"]\ntime = \"month\"\ngroup = \"person\"\n"),
        "\
who,person,month,left,age,exit_reason,grade,pay,team,sparse,same,mixed
007,p1,2024-01,Yes,30,moved,3,\"$1,200\",Sales,,5,4
008,p1,2024-02,No,31,,3.5,NA, Ops ,nan,5,many
009,,2024-02,no,,,NA,-1e3,,,5,7
010,p2,2024-03,,40,,1,1,Ops,,5,8
",
    )
    .unwrap();
    assert_eq!(table.ids, ["007", "008", "009"]);
    assert_eq!(table.target, [true, false, false]);
    assert_eq!(table.time.as_deref().unwrap(), ["2024-01", "2024-02", "2024-02"]);
    assert_eq!(table.group.as_deref().unwrap(), ["p1", "p1", "row 3 (009)"]);
    assert_eq!(table.protected["age"], [Some("30".to_owned()), Some("31".to_owned()), None]);
    let names: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["grade", "pay", "team", "sparse", "same", "mixed"]);
    for (name, expected) in [
        ("grade", "3|3.5|_"),
        ("pay", "[1200.0, NaN, -1000.0]"),
        ("team", "Sales|Ops|_"),
        ("sparse", "[NaN, NaN, NaN]"),
        ("same", "[5.0, 5.0, 5.0]"),
        ("mixed", "4|many|7"),
    ] {
        assert_eq!(values(&table, name), expected, "{name}");
    }
    assert_eq!(
        table.report.to_string(),
        "\
staff (staff.csv): 4 rows, 3 used

Left out:
  staff.left: the target is blank (1 row; row dropped)
    row 4, line 5

Noted:
  staff.person: the group is blank: the row is a group of its own (1 row; noted)
    row 3, line 4
  staff.mixed: holds numbers (2 cells) and text such as `many`: read as levels, not as numbers (noted)
"
    );
}

#[test]
fn infinities_are_unknown_and_counted() {
    let table = read(SCHEMA, "who,left,x,y\n1,Yes,inf,1\n2,No,2,-Infinity\n3,No,1e999,3\n").unwrap();
    assert_eq!(values(&table, "x"), "[NaN, 2.0, NaN]");
    assert_eq!(values(&table, "y"), "[1.0, NaN, 3.0]");
    assert_eq!(table.report.count(Outcome::Dropped), 3);
    assert!(
        table.report.to_string().contains("staff.x: is infinite (2 rows; value left out)\n    row 1, line 2: `inf`")
    );
}

#[test]
fn targets_have_two_values() {
    for (targets, expected) in [
        ("Yes No", "read [true, false]"),
        ("1 0", "nobody left: no target is `Yes` (the schema's positive), found `1`, `0`"),
        ("yes NO", "read [true, false]"),
        ("Yes Yes", "everybody left: every target is `Yes`; the rows of those who stayed are needed too"),
        ("No No", "nobody left: no target is `Yes` (the schema's positive), found `No`"),
        ("Yes No Maybe", "the target must have two values, but has 3: `Yes`, `No`, `Maybe`"),
        ("NA NA", "the target is blank in every row"),
    ] {
        let mut csv = "who,left,x\n".to_owned();
        for (i, target) in targets.split(' ').enumerate() {
            csv.push_str(&format!("{i},{target},1\n"));
        }
        let found = match read(SCHEMA, &csv) {
            Ok(table) => format!("read {:?}", table.target),
            Err(error) => error.to_string(),
        };
        assert!(found.contains(expected), "{targets}: {found}");
    }
    let table = read("target = \"left\"\npositive = 1\n", "left,x\n1.0,1\n0.0,2\n").unwrap();
    assert_eq!((table.target, table.ids), (vec![true, false], vec!["r1".to_owned(), "r2".to_owned()]));
}

#[test]
fn every_contradiction_of_a_schema_is_named_at_once() {
    let error = schema(
        "\
id = \"who\"
target = \"left\"
positive = \"Yes\"
drop = [\"left\", \"a\", \"a\"]
protected = [\"who\"]
categorical = [\"a\", \"b\"]
[features.left]
label = \"x\"
[features.b]
monotone = \"increasing\"
",
    );
    assert_eq!(
        message(error.unwrap_err()),
        "\
the schema schema.toml cannot be used:
  `left` is both target and drop; a column has one role
  `a` is twice in drop
  `who` is both id and protected; a column has one role
  `a` is both drop and categorical; only features have a kind
  `features.b.monotone` needs a numeric column, but `b` is categorical
  `features.left` describes a column that is no feature but target"
    );
    for (toml, expected) in [
        ("target = \"left\"\npositive = \"Yes\"\nprotect = []\n", "unknown field `protect`"),
        ("positive = \"Yes\"\n", "missing field `target`"),
        (
            "target = \"left\"\npositive = \"Yes\"\n[features.a]\nmonotone = \"up\"\n",
            "expected `increasing` or `decreasing`",
        ),
        ("target = ", "TOML parse error"),
    ] {
        let text = schema(toml).unwrap_err().to_string();
        assert!(text.contains(expected), "{text}");
    }
    let absent = FlatSchema::read(std::path::Path::new("nowhere/schema.toml")).unwrap_err().to_string();
    assert!(absent.starts_with("the schema nowhere/schema.toml cannot be used:\n  there is no such file;"), "{absent}");
}

#[test]
fn every_misfit_of_schema_and_table_is_named_at_once() {
    let toml = "\
id = \"EmployeeNumber\"
target = \"left\"
positive = \"Yes\"
drop = [\"over_18\"]
categorical = [\"city\"]
[features.pay]
label = \"Pay\"
";
    assert_eq!(
        message(read(toml, "employee_number,left,x,Over18\n1,Yes,1,Y\n2,No,2,Y\n").unwrap_err()),
        "\
the schema cannot be used:
  id names `EmployeeNumber`, which the table lacks (it has `employee_number`)
  drop names `over_18`, which the table lacks (it has `Over18`)
  categorical names `city`, which the table lacks
  features names `pay`, which the table lacks
  staff.csv has the columns `employee_number`, `left`, `x`, `Over18`"
    );
    let monotone = format!("{SCHEMA}[features.team]\nmonotone = \"increasing\"\n");
    assert_eq!(
        message(read(&monotone, "who,left,team\n1,Yes,Ops\n2,No,Sales\n").unwrap_err()),
        "the schema cannot be used:\n  `features.team.monotone` needs a numeric column, but it holds text such as `Ops`"
    );
    assert!(message(read(SCHEMA, "who,left\n1,Yes\n2,No\n").unwrap_err()).contains("no column is left as a feature"));
    assert_eq!(
        message(read(SCHEMA, "who,left,x\n").unwrap_err()),
        "staff.csv: has a header but no rows; export it again with its rows"
    );
}

#[test]
fn blank_identifiers_and_ambiguous_numbers_are_refused() {
    let error = read(SCHEMA, "who;left;pay\n;Yes;1.234,50\n2;No;900,5\n2;No;17\n").unwrap_err();
    let DataError::Refused(report) = &error else { panic!("{error}") };
    assert_eq!(report.count(Outcome::Refused), 3);
    let text = report.to_string();
    assert!(text.contains("staff.who: the identifier is blank"), "{text}");
    assert!(text.contains("row 1, line 2: `1.234,50`\n    row 2, line 3: `900,5`"), "{text}");
    assert!(text.contains("identifiers occur in several rows"), "{text}");
    assert!(error.to_string().starts_with("the data are refused: 3 problems are to be mended first"), "{error}");
}

fn score(id: Option<&str>, wanted: &[(&str, bool)], csv: &str) -> Result<ScoringTable, DataError> {
    let (_dir, path) = written("new.csv", csv);
    let wanted: Vec<WantedColumn> =
        wanted.iter().map(|&(name, categorical)| WantedColumn { name: name.to_owned(), categorical }).collect();
    read_flat_for_scoring(&path, id, &wanted)
}

#[test]
fn scoring_takes_the_wanted_columns_in_their_order() {
    let table =
        score(Some("who"), &[("team", true), ("pay", false)], "pay,who,extra,team\n\"1,000\",7,x,A\n,7,x,\n").unwrap();
    assert_eq!(table.ids, ["7", "7"]);
    assert_eq!(table.columns[0].values, FlatValues::Categorical(vec![Some("A".to_owned()), None]));
    let FlatValues::Numeric(pay) = &table.columns[1].values else { panic!("pay is numeric") };
    assert!(pay[0].to_bits() == 1000.0_f64.to_bits() && pay[1].is_nan());
    assert_eq!(table.report.tables()[0].unknown_columns, ["extra"]);
    assert_eq!(score(None, &[("pay", false)], "pay\n1\n").unwrap().ids, ["r1"]);
}

#[test]
fn scoring_names_everything_that_is_missing_or_wrong() {
    assert_eq!(
        message(score(Some("who"), &[("Team", true), ("pay", false), ("age", false)], "team,pay\nA,1\n").unwrap_err()),
        "new.csv lacks columns that the model needs: `who`, `Team` (it has `team`), `age`; \
         add what is missing (blank where nothing is known), or name the file with it"
    );
    let wrong = score(Some("who"), &[("pay", false), ("age", false)], "who,pay,age\n1,much,30\n,2,old\n3,inf,40\n");
    let DataError::Refused(report) = wrong.unwrap_err() else { panic!("refused") };
    assert_eq!(
        report.to_string(),
        "\
new (new.csv): 3 rows, all used

Refused, to be mended first:
  new.who: the identifier is blank (1 row; refused)
    row 2, line 3
  new.pay: is not a number (1 row; refused)
    row 1, line 2: `much`
  new.age: is not a number (1 row; refused)
    row 2, line 3: `old`

Left out:
  new.pay: is infinite (1 row; value left out)
    row 3, line 4: `inf`
"
    );
    let many: String = (0..1_000).map(|i| format!("{i},x\n")).collect();
    let DataError::Refused(report) = score(None, &[("b", false)], &format!("a,b\n{many}")).unwrap_err() else {
        panic!("refused")
    };
    assert!(report.to_string().contains("(1,000 rows; refused)") && report.to_string().contains("and 995 more"));
}

/// Runs on real tables where a folder of them is given; they are no part of the repository.
#[test]
fn real_tables_are_read_where_they_are_given() {
    let Some(root) = std::env::var_os("FLIGHT_RISK_DATA").map(PathBuf::from) else {
        println!("left out: FLIGHT_RISK_DATA names no folder with datasets.toml");
        return;
    };
    let manifest: toml::Table = toml::from_str(&std::fs::read_to_string(root.join("datasets.toml")).unwrap()).unwrap();
    for (name, spec) in manifest {
        let mut spec = spec.as_table().unwrap().clone();
        let file = spec.remove("file").unwrap();
        spec.remove("cuts");
        let schema = schema(&spec.to_string()).unwrap();
        let started = Instant::now();
        let table = read_flat(&root.join(file.as_str().unwrap()), &schema, today()).unwrap();
        let left = table.target.iter().filter(|left| **left).count();
        println!("{name}: {} rows, {left} left, {:?}\n{}", table.ids.len(), started.elapsed(), table.report);
        for column in &table.columns {
            let kind = match &column.values {
                FlatValues::Numeric(values) => {
                    format!("numeric, {} known", values.iter().filter(|v| !v.is_nan()).count())
                }
                FlatValues::Categorical(values) => {
                    format!("{} levels", values.iter().flatten().collect::<std::collections::BTreeSet<_>>().len())
                }
            };
            println!("  {}: {kind}", column.name);
        }
        assert!(left > 0 && table.columns.len() > 3);
    }
}
