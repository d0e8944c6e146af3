//! One-on-ones, recognition, feedback and reviews.

use flight_risk_scoring::Day;
use flight_risk_scoring::history::{FeedbackEvent, FeedbackKind};

use super::rows::{Columns, People, RowKeys, number_or_report, word};
use crate::report::{Problem, ValidationReport};
use crate::table::Table;

const KNOWN: [&str; 5] = ["employee_id", "date", "kind", "rating", "counterpart_id"];

/// Reads the feedback events into the employees' facts.
pub(super) fn read(table: &Table, people: &mut People, today: Day, report: &mut ValidationReport) {
    let mut columns = Columns::of(table);
    let id = columns.required("employee_id", report);
    let date = columns.required("date", report);
    let kind = columns.required("kind", report);
    let rating = columns.optional("rating", report);
    let mut used = 0;
    if let (Some(id), Some(date), Some(kind)) = (id, date, kind) {
        let keys = RowKeys { table, id, date, today };
        for row in 0..table.rows() {
            let Some((employee, date)) = keys.resolve(row, people, report) else { continue };
            let cell = kind.cell(row);
            let kind = cell.text().map_or(FeedbackKind::Other, |text| {
                let kind = FeedbackKind::parse(&text);
                if kind == FeedbackKind::Other { FeedbackKind::parse(&word(&text)) } else { kind }
            });
            if kind == FeedbackKind::Other && cell.text().is_none_or(|text| !text.eq_ignore_ascii_case(kind.name())) {
                let what = "a kind without features of its own: counted among all contacts";
                report.at(table, row, &Problem::noted("kind", what), cell);
            }
            let rating = number_or_report(table, rating, row, report);
            if let Some(facts) = people.facts.get_mut(employee) {
                facts.feedback.push(FeedbackEvent { date, kind, rating });
                used += 1;
            }
        }
    }
    columns.summarise(used, &KNOWN, report);
}
