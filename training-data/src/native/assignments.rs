//! Position, pay and manager over time.

use flight_risk_scoring::Day;
use flight_risk_scoring::history::{Assignment, EmployeeId, parse_job_level};

use super::circles;
use super::rows::{Columns, People, RowKeys, cell, number_or_report};
use crate::cell::Cell;
use crate::report::{Problem, ValidationReport};
use crate::table::{Table, TableColumn};

const KNOWN: [&str; 11] = [
    "employee_id",
    "effective_date",
    "manager_id",
    "department",
    "location",
    "job_title",
    "job_level",
    "employment_type",
    "annual_pay",
    "pay_midpoint",
    "critical_role",
];

/// An assignment and the row it was read from.
pub(super) struct Placed {
    pub(super) assignment: Assignment,
    pub(super) row: usize,
}

/// Reads the assignments into the employees' facts.
pub(super) fn read(table: &Table, people: &mut People, today: Day, report: &mut ValidationReport) {
    let mut columns = Columns::of(table);
    let id = columns.required("employee_id", report);
    let date = columns.required("effective_date", report);
    let fields = Fields {
        table,
        manager: columns.optional("manager_id", report),
        department: columns.optional("department", report),
        location: columns.optional("location", report),
        job_title: columns.optional("job_title", report),
        job_level: columns.optional("job_level", report),
        employment_type: columns.optional("employment_type", report),
        annual_pay: columns.optional("annual_pay", report),
        pay_midpoint: columns.optional("pay_midpoint", report),
        critical_role: columns.optional("critical_role", report),
    };
    let mut placed: Vec<Vec<Placed>> = people.facts.iter().map(|_| Vec::new()).collect();
    if let (Some(id), Some(date)) = (id, date) {
        let keys = RowKeys { table, id, date, today };
        for row in 0..table.rows() {
            if let Some((employee, day)) = keys.resolve(row, people, report)
                && let Some(rows) = placed.get_mut(employee)
            {
                rows.push(Placed { assignment: fields.assignment(row, day, report), row });
            }
        }
    }
    keep_one_a_day(table, &mut placed, report);
    circles::drop_circles(table, people, &mut placed, report);
    let used = placed.iter().map(Vec::len).sum();
    for (facts, rows) in people.facts.iter_mut().zip(placed) {
        facts.assignments = rows.into_iter().map(|placed| placed.assignment).collect();
    }
    columns.summarise(used, &KNOWN, report);
}

/// Two rows of one employee and day contradict each other: the later one in the file stands.
fn keep_one_a_day(table: &Table, placed: &mut [Vec<Placed>], report: &mut ValidationReport) {
    for rows in placed {
        rows.sort_by_key(|placed| placed.assignment.effective_date);
        let next_days: Vec<Option<Day>> =
            rows.iter().skip(1).map(|next| Some(next.assignment.effective_date)).collect();
        let mut next_days = next_days.into_iter();
        rows.retain(|placed| {
            let day = placed.assignment.effective_date;
            let replaced = next_days.next().flatten() == Some(day);
            if replaced {
                let what = "another row of the same employee and day follows and stands in its place";
                report.at_value(table, placed.row, &Problem::row_dropped("effective_date", what), day.to_string());
            }
            !replaced
        });
    }
}

struct Fields<'t> {
    table: &'t Table,
    manager: Option<&'t TableColumn>,
    department: Option<&'t TableColumn>,
    location: Option<&'t TableColumn>,
    job_title: Option<&'t TableColumn>,
    job_level: Option<&'t TableColumn>,
    employment_type: Option<&'t TableColumn>,
    annual_pay: Option<&'t TableColumn>,
    pay_midpoint: Option<&'t TableColumn>,
    critical_role: Option<&'t TableColumn>,
}

impl Fields<'_> {
    fn assignment(&self, row: usize, effective_date: Day, report: &mut ValidationReport) -> Assignment {
        let text = |column| cell(column, row).text().map(|text| text.into_owned());
        Assignment {
            effective_date,
            manager_id: cell(self.manager, row).text().and_then(|id| EmployeeId::new(&id)),
            department: text(self.department),
            location: text(self.location),
            job_title: text(self.job_title),
            job_level: self.level(row, report),
            employment_type: text(self.employment_type),
            annual_pay: self.amount(self.annual_pay, row, report),
            pay_midpoint: self.amount(self.pay_midpoint, row, report),
            critical_role: self.flag(row, report),
        }
    }

    fn level(&self, row: usize, report: &mut ValidationReport) -> Option<f64> {
        let cell = cell(self.job_level, row);
        match cell {
            Cell::Text(text) => {
                let level = parse_job_level(text);
                if level.is_none() {
                    let problem = Problem::value_dropped("job_level", "has no digits to read a level from");
                    report.at(self.table, row, &problem, cell);
                }
                level
            }
            _ => number_or_report(self.table, self.job_level, row, report),
        }
    }

    fn amount(&self, column: Option<&TableColumn>, row: usize, report: &mut ValidationReport) -> Option<f64> {
        let value = number_or_report(self.table, column, row, report)?;
        if value <= 0.0 {
            let name = column.map_or("", TableColumn::name);
            report.at(self.table, row, &Problem::value_dropped(name, "is not positive"), cell(column, row));
            return None;
        }
        Some(value)
    }

    fn flag(&self, row: usize, report: &mut ValidationReport) -> Option<bool> {
        let cell = cell(self.critical_role, row);
        cell.flag().unwrap_or_else(|| {
            report.at(self.table, row, &Problem::value_dropped("critical_role", "is neither yes nor no"), cell);
            None
        })
    }
}
