//! Which files of the folder are the tables.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use flight_risk_scoring::features::Family;

use crate::error::DataError;
use crate::report::{Problem, ValidationReport};
use crate::table::{ENDINGS, Names, Table, TableError, TableProblem};

/// A table whose columns are fixed.
pub(super) type NativeTable = Table;

/// The tables, in the order in which they are read.
pub const TABLES: [&str; 4] = ["employees", "assignments", "survey_responses", "feedback"];

/// What stays unknown without the table.
fn families_of(table: &str) -> &'static [Family] {
    match table {
        "assignments" => &[Family::Role, Family::Pay, Family::ManagerAndTeam],
        "survey_responses" => &[Family::Engagement],
        "feedback" => &[Family::Feedback],
        _ => &[],
    }
}

/// Says in the report that a table is not there and what that means.
pub(super) fn report_missing(table: &str, report: &mut ValidationReport) {
    let families: Vec<&str> = families_of(table).iter().map(|family| family.label()).collect();
    report.add_missing(table, &families);
}

/// The files of the folder's tables, in the order of [`TABLES`].
pub(super) struct Files {
    paths: [Option<PathBuf>; 4],
}

impl Files {
    /// Looks into the folder. A table that is there twice is refused in the report, one that is missing is said.
    pub(super) fn find(dir: &Path, report: &mut ValidationReport) -> Result<Self, DataError> {
        let error = |problem| DataError::Table(TableError { path: dir.to_owned(), problem });
        let found = fs::metadata(dir).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => error(TableProblem::NoFolder),
            _ => error(TableProblem::Io(e)),
        })?;
        if !found.is_dir() {
            return Err(error(TableProblem::NotAFolder));
        }
        let mut names = BTreeSet::new();
        for entry in fs::read_dir(dir).map_err(|e| error(TableProblem::Io(e)))? {
            let entry = entry.map_err(|e| error(TableProblem::Io(e)))?;
            names.insert(entry.file_name().to_string_lossy().into_owned());
        }
        let mut taken = BTreeSet::new();
        let paths = TABLES.map(|table| {
            let files: Vec<String> =
                ENDINGS.iter().map(|ending| format!("{table}.{ending}")).filter(|file| names.contains(file)).collect();
            if files.len() > 1 {
                let problem = Problem::refused("", "is there twice; keep one of the files");
                report.about(table, &problem, &files.join(", "));
            }
            taken.extend(files.iter().cloned());
            if files.is_empty() && table != "employees" {
                report_missing(table, report);
            }
            files.first().map(|file| dir.join(file))
        });
        if paths.first().is_none_or(Option::is_none) {
            return Err(DataError::NoEmployees { path: dir.to_owned(), found: names.into_iter().collect() });
        }
        let unread: Vec<&str> = names
            .iter()
            .filter(|name| !taken.contains(*name) && ENDINGS.iter().any(|ending| name.ends_with(&format!(".{ending}"))))
            .map(String::as_str)
            .collect();
        if !unread.is_empty() {
            let problem = Problem::noted("", "files that are none of the tables are not read");
            report.about("folder", &problem, &unread.join(", "));
        }
        Ok(Self { paths })
    }

    /// Reads the tables. What cannot be read is refused in the report, so that the problems of all files are seen at once.
    pub(super) fn read(self, report: &mut ValidationReport) -> [Option<NativeTable>; 4] {
        self.paths.map(|path| {
            let path = path?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            match Table::read(&path, Names::LowerCase) {
                Ok(table) if table.rows() == 0 && name == "employees" => {
                    report.about(&name, &Problem::refused("", "has a header but no rows"), "");
                    None
                }
                Ok(table) => {
                    if table.rows() == 0 {
                        report_missing(&name, report);
                        report.about(&name, &Problem::noted("", "has a header but no rows"), "");
                    }
                    Some(table)
                }
                Err(error) => {
                    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    report.about(&name, &Problem::refused("", &format!("{file} {}", error.problem)), "");
                    None
                }
            }
        })
    }
}
