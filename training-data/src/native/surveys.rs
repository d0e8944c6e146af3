//! Survey answers, brought to a scale from 0 to 1.

use flight_risk_scoring::Day;
use flight_risk_scoring::history::SurveyResponse;

use super::rows::{Columns, People, RowKeys};
use crate::report::{Problem, ValidationReport};
use crate::table::{Table, TableColumn};

const KNOWN: [&str; 7] = ["employee_id", "date", "survey", "driver", "score", "scale_min", "scale_max"];

/// Reads the survey responses into the employees' facts.
///
/// A row whose answer cannot be used is left out whole: without its score it would say "invited, no answer", which is a
/// signal of its own.
pub(super) fn read(table: &Table, people: &mut People, today: Day, report: &mut ValidationReport) {
    let mut columns = Columns::of(table);
    let id = columns.required("employee_id", report);
    let date = columns.required("date", report);
    let survey = columns.required("survey", report);
    let driver = columns.required("driver", report);
    let score = columns.required("score", report);
    let low = columns.required("scale_min", report);
    let high = columns.required("scale_max", report);
    let mut used = 0;
    if let (Some(id), Some(date), Some(survey), Some(driver)) = (id, date, survey, driver)
        && let (Some(score), Some(low), Some(high)) = (score, low, high)
    {
        let keys = RowKeys { table, id, date, today };
        let scale = Scale { table, score, low, high };
        for row in 0..table.rows() {
            let Some((employee, day)) = keys.resolve(row, people, report) else { continue };
            let Some(score) = scale.read(row, report) else { continue };
            let text = |column: &TableColumn| column.cell(row).text().unwrap_or_default().into_owned();
            if let Some(facts) = people.facts.get_mut(employee) {
                facts.survey_responses.push(SurveyResponse {
                    date: day,
                    survey: text(survey),
                    driver: text(driver),
                    score,
                });
                used += 1;
            }
        }
    }
    columns.summarise(used, &KNOWN, report);
}

struct Scale<'t> {
    table: &'t Table,
    score: &'t TableColumn,
    low: &'t TableColumn,
    high: &'t TableColumn,
}

impl Scale<'_> {
    /// The score from 0 to 1 (inner `None`: no answer); outer `None`: the row is left out or refused.
    fn read(&self, row: usize, report: &mut ValidationReport) -> Option<Option<f64>> {
        let (score, low, high) = (
            self.number(self.score, row, report)?,
            self.number(self.low, row, report)?,
            self.number(self.high, row, report)?,
        );
        let Some(score) = score else { return Some(None) };
        let cell = self.score.cell(row);
        let (Some(low), Some(high)) = (low, high) else {
            let what = "an answer without scale_min or scale_max; a scale is never guessed: give the lowest and highest answer";
            report.at(self.table, row, &Problem::refused("score", what), cell);
            return None;
        };
        if low >= high {
            let problem = Problem::row_dropped("scale_max", "scale_max is not above scale_min");
            report.at_value(self.table, row, &problem, format!("{low} to {high}"));
            return None;
        }
        if !(low..=high).contains(&score) {
            let problem = Problem::row_dropped("score", "the score lies outside its scale");
            report.at_value(self.table, row, &problem, format!("{score}, scale {low} to {high}"));
            return None;
        }
        Some(Some((score - low) / (high - low)))
    }

    fn number(&self, column: &TableColumn, row: usize, report: &mut ValidationReport) -> Option<Option<f64>> {
        let cell = column.cell(row);
        cell.number()
            .map_err(|e| report.at(self.table, row, &Problem::row_dropped(column.name(), &e.to_string()), cell))
            .ok()
    }
}
