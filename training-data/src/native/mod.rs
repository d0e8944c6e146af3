//! Native HR tables: a folder with `employees` and, where they are kept, `assignments`, `survey_responses` and `feedback`.
//!
//! A wrong employment (duplicate identifier, exit before hire ...) would teach the model nonsense about everybody, so the
//! whole data set is refused until it is mended. A wrong fact about one person on one day costs that fact alone: it is
//! left out and counted. Either way the report names every case at once.

mod assignments;
mod circles;
mod employees;
mod feedback;
mod files;
mod rows;
mod surveys;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use flight_risk_scoring::history::EmployeeHistory;
use flight_risk_scoring::{Company, Day};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

pub use self::files::TABLES;
use self::files::{Files, NativeTable};
use crate::error::DataError;
use crate::report::{Problem, ValidationReport};
use crate::table::hex;

/// What validation needs to know beside the tables.
#[derive(Clone, Debug)]
pub struct NativeOptions {
    /// The day of reading: nothing can have happened after it.
    pub today: Day,
    /// The last day on which the records are complete; `None`: the latest date of any fact.
    pub data_end: Option<Day>,
    /// Columns of `employees` that are audited and never features.
    pub protected: Vec<String>,
}

/// A company read from its tables.
#[derive(Clone, Debug)]
pub struct NativeData {
    /// Every employee's history.
    pub company: Company,
    /// Values of each protected attribute, in the order of [`Company::histories`].
    pub protected: BTreeMap<String, Vec<Option<String>>>,
    /// What validation found; nothing in it is refused.
    pub report: ValidationReport,
    /// SHA-256 (hexadecimal) over the names and contents of the tables read.
    pub digest: String,
}

/// Reads and validates the tables of a folder.
///
/// # Errors
/// [`DataError::Refused`] carries the whole report when anything in it is refused; a missing folder or `employees` table
/// has an error of its own.
pub fn read_native(dir: &Path, options: &NativeOptions) -> Result<NativeData, DataError> {
    let mut report = ValidationReport::default();
    let files = Files::find(dir, &mut report)?;
    let tables = files.read(&mut report);
    let digest = digest_of(&tables);
    let [employees, assignments, surveys, feedback] = tables;

    let Some(employees) = employees else { return Err(DataError::Refused(Box::new(report))) };
    let mut people = employees::read(&employees, options, &mut report);
    drop(employees);
    if let Some(table) = assignments {
        assignments::read(&table, &mut people, options.today, &mut report);
    }
    if let Some(table) = surveys {
        surveys::read(&table, &mut people, options.today, &mut report);
    }
    if let Some(table) = feedback {
        feedback::read(&table, &mut people, options.today, &mut report);
    }

    if people.facts.is_empty() && !report.refused() {
        let what = "no employee is left: all were hired after today; check the dates";
        report.about("employees", &Problem::refused("", what), "");
    }
    let data_end = options.data_end.map(|end| {
        if end > options.today {
            let problem = Problem::noted("", "the end of the data lies after today: today is taken");
            report.about("employees", &problem, &end.to_string());
        }
        end.min(options.today)
    });
    if report.refused() {
        return Err(DataError::Refused(Box::new(report)));
    }
    let histories: Vec<EmployeeHistory> = people.facts.into_par_iter().map(EmployeeHistory::new).collect();
    match Company::new(histories, data_end) {
        Some(company) => Ok(NativeData { company, protected: people.protected, report, digest }),
        None => {
            report.about("employees", &Problem::refused("", "has no employees"), "");
            Err(DataError::Refused(Box::new(report)))
        }
    }
}

/// Over file names and contents, in the fixed order of [`TABLES`].
fn digest_of(tables: &[Option<NativeTable>; 4]) -> String {
    let mut hash = Sha256::new();
    for table in tables.iter().flatten() {
        hash.update(format!("{} {}\n", table.digest(), table.file_name()).as_bytes());
    }
    hex(&hash.finalize())
}
