//! A score file, read as its user reads it.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::Path;

use super::command::flight_risk;
use super::folder::new_folder;
use super::tables::{CsvRow, CsvTable};

/// One employee of a score file.
#[derive(Clone, Debug)]
pub(crate) struct FileScore {
    pub(crate) risk: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Months and risk, ascending; empty for a flat table.
    pub(crate) horizons: Vec<(u32, f64)>,
    pub(crate) band: String,
    /// Name, contribution in log-odds and text, strongest first.
    pub(crate) factors: Vec<(String, f64, String)>,
}

/// Scores with every factor by `flight-risk score`.
pub(crate) fn score(model: &Path, data: &Path, as_of: Option<&str>) -> HashMap<String, FileScore> {
    let out = new_folder("scores").join("scores.csv");
    let mut args: Vec<&OsStr> = ["score", "--quiet", "--explain", "--factors", "99"].map(OsStr::new).into();
    args.extend([OsStr::new("--model"), model.as_os_str(), OsStr::new("--data"), data.as_os_str()]);
    args.extend([OsStr::new("--out"), out.as_os_str()]);
    args.extend(as_of.into_iter().flat_map(|day| [OsStr::new("--as-of"), OsStr::new(day)]));
    flight_risk(args).ok();
    read_scores(&out)
}

/// Reads a score file.
pub(crate) fn read_scores(path: &Path) -> HashMap<String, FileScore> {
    let table = CsvTable::read(path);
    let scores: HashMap<String, FileScore> =
        table.rows().map(|row| (row.text("employee_id").to_owned(), file_score(&table, row))).collect();
    assert_eq!(scores.len(), table.rows().count(), "an employee is scored twice");
    scores
}

fn file_score(table: &CsvTable, row: CsvRow<'_>) -> FileScore {
    let number = |column: &str| row.number(column).unwrap_or_else(|| panic!("{column} is blank in {row:?}"));
    let mut horizons = Vec::new();
    for months in 1..=60 {
        let column = format!("risk_{months}m");
        if table.has(&column) {
            horizons.push((months, number(&column)));
        }
    }
    let mut factors = Vec::new();
    while table.has(&format!("factor_{}", factors.len() + 1)) {
        let column = format!("factor_{}", factors.len() + 1);
        let text = row.text(&format!("{column}_text")).to_owned();
        factors.push((row.text(&column).to_owned(), number(&format!("{column}_log_odds")), text));
    }
    FileScore {
        risk: number("risk"),
        low: number("low"),
        high: number("high"),
        horizons,
        band: row.text("band").to_owned(),
        factors,
    }
}
