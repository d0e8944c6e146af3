//! Paths that lead nowhere, or to something else than they should.

use super::*;

const NO_FILES: &[(&str, &str)] = &[];

#[test]
fn what_is_not_there_is_named() {
    let case = Case::new(NO_FILES);
    for (line, code, says) in [
        ("train --data /data/hr/2O24 --out out", DATA, &["/data/hr/2O24", "no such file or folder", "--data"][..]),
        ("check --data hr", DATA, &["hr", "no such file or folder", "--data"]),
        ("features --data hr --out rows.csv", DATA, &["hr", "no such folder", "employees.csv"]),
        ("train --data flat.csv --schema SCHEMA --out out", DATA, &["flat.csv", "there is no such file"]),
        ("train --data FLAT --schema nowhere.toml --out out", DATA, &["nowhere.toml", "no such file", "--schema"]),
        ("train --data COMPANY --config nowhere.toml --out out", DATA, &["nowhere.toml", "no such file", "--config"]),
        ("score --model MODEL --data hr --out scores.csv", DATA, &["hr", "no such file or folder"]),
        ("score --model FLAT_MODEL --data hr.csv --out scores.csv", DATA, &["hr.csv", "there is no such file"]),
        ("score --model nowhere --data COMPANY --out scores.csv", MODEL, &["nowhere", "flight-risk train --out"]),
        ("explain --model nowhere --data COMPANY --employee E1", MODEL, &["nowhere", "flight-risk train --out"]),
        ("evaluate --model nowhere --data COMPANY", MODEL, &["nowhere", "flight-risk train --out"]),
        ("serve --models nowhere", MODEL, &["nowhere", "flight-risk train --out"]),
    ] {
        case.refused(line, code, says);
    }
}

#[test]
fn a_folder_without_tables_is_no_company() {
    let case = Case::new(&[("empty/", ""), ("other/staff.xlsx", "x"), ("folder.csv/", ""), ("hr/employees.csv/", "")]);
    case.refused("train --data empty --out out", DATA, &["empty holds neither employees.csv", "the folder is empty"]);
    case.refused("check --data other", DATA, &["employees.csv", "it holds staff.xlsx"]);
    case.refused("serve --models empty", MODEL, &["no model in empty", "flight-risk train --out"]);
    case.refused(
        "train --data hr --out out",
        DATA,
        &["employees.csv is a folder", "a CSV or Parquet file was expected"],
    );
    case.refused("train --data folder.csv --schema SCHEMA --out out", DATA, &["--schema", "names a folder"]);
    case.refused("train --data COMPANY --config empty --out out", DATA, &["empty", "is no file"]);
    case.refused("train --data FLAT --schema empty --out out", DATA, &["empty", "is no file"]);
}

#[test]
fn the_form_of_the_data_must_fit_the_model() {
    let case = Case::new(NO_FILES);
    let scores = |data: &str, model: &str| format!("score --model {model} --data {data} --out scores.csv");
    case.refused(&scores("FLAT", "MODEL"), DATA, &["is a file", "trained on a folder of HR tables"]);
    case.refused(&scores("COMPANY", "FLAT_MODEL"), DATA, &["is a folder", "trained on a flat table"]);
    case.refused("evaluate --model FLAT_MODEL --data FLAT", DATA, &["--schema", "`target`", "`positive`"]);
    case.refused("evaluate --model FLAT_MODEL --data COMPANY", DATA, &["trained on a flat table"]);
    case.refused("train --data FLAT --out out", DATA, &["--schema", "`target`", "`positive`"]);
}

#[test]
fn outputs_that_cannot_be_written_are_named() {
    let case = Case::new(&[("file", "mine"), ("full/thesis.tex", "mine")]);
    for (line, says) in [
        ("train --data COMPANY --out file/model", &["file/model", "a part of this path is a file"][..]),
        ("train --data COMPANY --out file", &["file is a file, not a folder"]),
        ("train --data COMPANY --out full", &["full holds other files", "choose a new or empty directory"]),
        ("train --data COMPANY --out ..", &["`..`", "ends in a name"]),
        ("generate --employees 30 --out file/hr", &["file/hr", "a part of this path is a file"]),
        ("generate --employees 30 --out full", &["full holds other files", "choose an empty or new folder"]),
        ("demo --employees 50 --no-serve --out file/demo", &["file/demo", "a part of this path is a file"]),
        ("score --model MODEL --data COMPANY --out file/s.csv", &["file", "a part of this path is a file"]),
        ("score --model MODEL --data COMPANY --out nowhere/s.csv", &["nowhere", "no such folder", "create it first"]),
        ("score --model MODEL --data COMPANY --out scores.xlsx", &["scores.xlsx", ".csv or .parquet"]),
        ("score --model MODEL --data COMPANY --out scores", &["scores", ".csv or .parquet"]),
        ("features --data COMPANY --out rows.txt", &["rows.txt", ".csv or .parquet"]),
        ("features --data COMPANY --out nowhere/rows.parquet", &["nowhere", "no such folder"]),
    ] {
        case.refused(line, OUTPUT, says);
    }
}

#[test]
fn an_output_never_replaces_what_is_read() {
    let case = Case::flat(|text| text);
    case.refused("score --model FLAT_MODEL --data flat.csv --out ./flat.csv", OUTPUT, &["flat.csv", "would replace"]);
    let case = Case::company(|_, _| {});
    case.refused("score --model MODEL --data company --out company/employees.csv", OUTPUT, &["would replace the data"]);
    case.refused("features --data company --out company/feedback.parquet", OUTPUT, &["would replace the data"]);
    case.refused("train --data company --out company", OUTPUT, &["company holds other files"]);
}

/// A pipe would be waited for without end, and /dev/zero never ends.
#[cfg(unix)]
#[test]
fn pipes_and_devices_are_refused_at_once() {
    let case = Case::new(&[("hr/", ""), ("model/", "")]);
    for pipe in ["pipe.csv", "pipe", "hr/employees.csv", "model/model.json"] {
        let made = std::process::Command::new("mkfifo").arg(case.folder.join(pipe)).status().unwrap();
        assert!(made.success(), "{pipe}");
    }
    std::os::unix::fs::symlink("/dev/zero", case.folder.join("zero.csv")).unwrap();
    for (line, code, says) in [
        ("train --data pipe.csv --schema SCHEMA --out out", DATA, &["pipe.csv", "a pipe or a device"][..]),
        ("train --data zero.csv --schema SCHEMA --out out", DATA, &["zero.csv", "a pipe or a device"]),
        ("score --model FLAT_MODEL --data pipe.csv --out scores.csv", DATA, &["pipe.csv", "a pipe or a device"]),
        ("check --data hr --config /dev/zero", DATA, &["/dev/zero", "is no file", "--config"]),
        ("check --data COMPANY --config pipe", DATA, &["pipe", "is no file", "--config"]),
        ("train --data FLAT --schema pipe --out out", DATA, &["pipe", "is no file", "--schema"]),
        ("train --data /dev/null --schema SCHEMA --out out", DATA, &["/dev/null", ".csv and .parquet are read"]),
        ("score --model model --data FLAT --out scores.csv", MODEL, &["no model in model"]),
        ("score --model FLAT_MODEL --data FLAT --out /dev/null", OUTPUT, &["/dev/null", ".csv or .parquet"]),
    ] {
        case.refused(line, code, says);
    }
    let checked = case.run("check --data hr");
    assert_eq!(checked.code, Some(DATA), "{checked:?}");
    assert!(checked.stdout.contains("employees.csv is no file but a pipe or a device"), "{checked:?}");
}
