//! A generated company as a folder of tables, with the truth and a page that explains both.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use rayon::prelude::*;

use flight_risk_scoring::survey::KNOWN_DRIVERS;

use super::{GeneratedCompany, GeneratedEmployee, GeneratorError, SURVEY_SCALE, readme};
use crate::atomic::{AtomicError, write_atomically};
use crate::export::{ExportColumn, write_table};

/// What makes the columns of a table.
type Maker = fn(&GeneratedCompany) -> Columns;
/// A table's columns by name.
type Columns = Vec<(String, ExportColumn)>;

/// Writes employees.csv, assignments.csv, survey_responses.csv, feedback.csv, truth.json and README.md into a folder, which
/// is made when it is missing. Each file appears whole or not at all.
pub fn write(company: &GeneratedCompany, dir: &Path) -> Result<(), GeneratorError> {
    std::fs::create_dir_all(dir).map_err(|source| AtomicError::Io { doing: "create", path: dir.to_owned(), source })?;
    // Each table is made and written by whoever is free: on the disk they wait for it, not for each other.
    let tables: [(&str, Maker); 4] = [
        ("employees", employees),
        ("assignments", assignments),
        ("survey_responses", survey_responses),
        ("feedback", feedback),
    ];
    let examples = tables
        .into_par_iter()
        .map(|(name, columns)| {
            let path = dir.join(format!("{name}.csv"));
            let columns = columns(company);
            let rows = columns.first().map_or(0, |(_, column)| column.len());
            write_table(&path, columns)?;
            Ok((name, rows, first_lines(&path)?))
        })
        .collect::<Result<Vec<_>, GeneratorError>>()?;
    let mut truth = serde_json::to_string_pretty(&company.truth)
        .map_err(|source| GeneratorError::Truth { path: dir.join("truth.json"), source })?;
    truth.push('\n');
    for (name, text) in [("truth.json", truth), ("README.md", readme::page(&company.truth, &examples))] {
        write_atomically(&dir.join(name), |file| file.write_all(text.as_bytes()))?;
    }
    Ok(())
}

/// The names of the columns and the first row of a table, as written.
fn first_lines(path: &Path) -> Result<[String; 2], GeneratorError> {
    let read = |source| GeneratorError::Read { path: path.to_owned(), source };
    let mut lines = BufReader::new(std::fs::File::open(path).map_err(read)?).lines();
    let mut next = || lines.next().transpose().map(Option::unwrap_or_default).map_err(read);
    Ok([next()?, next()?])
}

fn table<const N: usize>(columns: [(&str, ExportColumn); N]) -> Columns {
    columns.into_iter().map(|(name, column)| (name.to_owned(), column)).collect()
}

fn text(values: impl Iterator<Item = Option<String>>) -> ExportColumn {
    ExportColumn::Text(values.collect())
}

fn employees(company: &GeneratedCompany) -> Columns {
    let people = || company.employees.iter();
    table([
        ("employee_id", text(people().map(|e| Some(e.employee_id.to_string())))),
        ("hire_date", ExportColumn::Day(people().map(|e| e.hire_date).collect())),
        ("exit_date", ExportColumn::OptionalDay(people().map(|e| e.exit.map(|exit| exit.date)).collect())),
        ("exit_type", text(people().map(|e| e.exit.map(|exit| exit.kind.name().to_owned())))),
        ("gender", text(people().map(|e| Some(e.gender.to_owned())))),
        ("age_band", text(people().map(|e| Some(e.age_band().to_owned())))),
    ])
}

/// Every record of one kind with the person it belongs to.
fn records<'a, T: 'a>(
    company: &'a GeneratedCompany,
    of: impl Fn(&'a GeneratedEmployee) -> &'a [T] + 'a,
) -> impl Iterator<Item = (&'a GeneratedEmployee, &'a T)> {
    company.employees.iter().flat_map(move |e| of(e).iter().map(move |record| (e, record)))
}

fn assignments(company: &GeneratedCompany) -> Columns {
    let rows = || records(company, |e| &e.assignments);
    let number = |value: Option<f64>| value.unwrap_or(f64::NAN);
    table([
        ("employee_id", text(rows().map(|(e, _)| Some(e.employee_id.to_string())))),
        ("effective_date", ExportColumn::Day(rows().map(|(_, a)| a.effective_date).collect())),
        ("manager_id", text(rows().map(|(_, a)| a.manager_id.as_ref().map(ToString::to_string)))),
        ("department", text(rows().map(|(_, a)| a.department.clone()))),
        ("location", text(rows().map(|(_, a)| a.location.clone()))),
        ("job_title", text(rows().map(|(_, a)| a.job_title.clone()))),
        ("job_level", ExportColumn::Number(rows().map(|(_, a)| number(a.job_level)).collect())),
        ("employment_type", text(rows().map(|(_, a)| a.employment_type.clone()))),
        ("annual_pay", ExportColumn::Number(rows().map(|(_, a)| number(a.annual_pay)).collect())),
        ("pay_midpoint", ExportColumn::Number(rows().map(|(_, a)| number(a.pay_midpoint)).collect())),
        ("critical_role", ExportColumn::Flag(rows().map(|(_, a)| a.critical_role == Some(true)).collect())),
    ])
}

fn survey_responses(company: &GeneratedCompany) -> Columns {
    let rows = || {
        records(company, |e| &e.surveys).flat_map(|(e, wave)| {
            KNOWN_DRIVERS.iter().enumerate().map(move |(i, driver)| {
                let score = wave.answers.and_then(|answers| answers.get(i).copied());
                (e, wave, driver, score.map_or(f64::NAN, f64::from))
            })
        })
    };
    let count = rows().count();
    let scale = |end: u8| ExportColumn::Integer(vec![i64::from(end); count]);
    table([
        ("employee_id", text(rows().map(|(e, ..)| Some(e.employee_id.to_string())))),
        ("date", ExportColumn::Day(rows().map(|(_, wave, ..)| wave.date).collect())),
        ("survey", text(rows().map(|(_, wave, ..)| Some(wave.survey.to_owned())))),
        ("driver", text(rows().map(|(_, _, driver, _)| Some((*driver).to_owned())))),
        ("score", ExportColumn::Number(rows().map(|(.., score)| score).collect())),
        ("scale_min", scale(SURVEY_SCALE.0)),
        ("scale_max", scale(SURVEY_SCALE.1)),
    ])
}

fn feedback(company: &GeneratedCompany) -> Columns {
    let rows = || records(company, |e| &e.feedback);
    let other =
        |number: Option<usize>| number.and_then(|n| company.employees.get(n)).map(|e| e.employee_id.to_string());
    table([
        ("employee_id", text(rows().map(|(e, _)| Some(e.employee_id.to_string())))),
        ("date", ExportColumn::Day(rows().map(|(_, c)| c.date).collect())),
        ("kind", text(rows().map(|(_, c)| Some(c.kind.to_owned())))),
        ("rating", ExportColumn::Number(rows().map(|(_, c)| c.rating.unwrap_or(f64::NAN)).collect())),
        ("counterpart_id", text(rows().map(|(_, c)| other(c.counterpart)))),
    ])
}
