//! The list as a file for a spreadsheet.

use axum::extract::{Query, State};
use axum::http::header;
use axum::response::IntoResponse;
use flight_risk_proto::v1;
use flight_risk_proto::v1::risk_service_server::RiskService;

use crate::clock::today;
use crate::console::frame::Band;
use crate::console::pages::Page;
use crate::console::pages::at_risk::filter::Asked;
use crate::console::pages::at_risk::row::told;
use crate::console::site::Site;
use crate::console::visit::Visit;
use crate::limits::{MAX_EXPORT_ROWS, MAX_PAGE_SIZE};

/// The columns. Probabilities are numbers from 0 to 1, for sheets to work with.
const HEADINGS: [&str; 16] = [
    "employee_id",
    "name",
    "department",
    "location",
    "manager_id",
    "job_level",
    "critical_role",
    "band",
    "risk",
    "low",
    "high",
    "times_the_usual",
    "facts_known_on",
    "reasons",
    "next_action",
    "due",
];

/// The list, with the filters of the page, up to its limit.
pub(crate) async fn export(State(site): State<Site>, visit: Visit, Query(asked): Query<Asked>) -> Page {
    let numbers = site.core().gate.fields_of(&visit.caller).numbers;
    let asked = Asked { page: String::new(), ..asked };
    let most = match asked.capacity()? {
        Some(capacity) if numbers => (capacity as usize).min(MAX_EXPORT_ROWS),
        _ => MAX_EXPORT_ROWS,
    };
    let mut request = asked.request(&visit, numbers)?;
    let mut text = line(HEADINGS.map(str::to_owned));
    let mut rows = 0;
    while rows < most {
        request.page_size = i32::try_from((most - rows).min(MAX_PAGE_SIZE)).unwrap_or(1);
        let listed = site.api().risk.list_at_risk_employees(visit.ask(request.clone())).await?.into_inner();
        for risk in &listed.employees {
            text.push_str(&line(cells(risk)));
        }
        rows += listed.employees.len();
        if listed.next_page_token.is_empty() {
            break;
        }
        request.page_token = listed.next_page_token;
    }
    let disposition = format!("attachment; filename=\"at-risk-{}.csv\"", today());
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, text).into_response())
}

fn cells(risk: &v1::EmployeeRisk) -> [String; 16] {
    let org = risk.org.clone().unwrap_or_default();
    let told = told(risk);
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.4}"));
    let (band, reasons) = match &risk.outcome {
        Some(v1::employee_risk::Outcome::Assessment(told)) => (
            Band::of(told.band()).label(),
            told.factors.iter().map(|factor| factor.text.as_str()).collect::<Vec<_>>().join("; "),
        ),
        Some(v1::employee_risk::Outcome::Abstention(told)) => (
            Band::NotScored.label(),
            told.reasons.iter().map(|reason| reason.text.as_str()).collect::<Vec<_>>().join("; "),
        ),
        None => ("", String::new()),
    };
    let next = risk.next_action.clone().unwrap_or_default();
    [
        risk.employee_id.clone(),
        org.display_name.unwrap_or_default(),
        org.department.unwrap_or_default(),
        org.location.unwrap_or_default(),
        org.manager_id.unwrap_or_default(),
        org.job_level.unwrap_or_default(),
        org.critical_role.map_or("", |critical| if critical { "yes" } else { "no" }).to_owned(),
        band.to_owned(),
        number(told.map(|told| told.risk)),
        number(told.map(|told| told.low)),
        number(told.map(|told| told.high)),
        number(told.map(|told| told.multiple_of_base_rate)),
        risk.as_of.clone(),
        reasons,
        next.title,
        next.due_date,
    ]
}

/// A line of comma-separated values (RFC 4180).
fn line<const N: usize>(cells: [String; N]) -> String {
    cells.map(|cell| quoted(&cell)).join(",") + "\r\n"
}

/// A cell in quotes. Spreadsheets take a text that begins with one of these signs for a formula, so that whoever can name a
/// department could run one: an apostrophe before it makes it a text.
fn quoted(cell: &str) -> String {
    let first = cell.trim_start_matches([' ', '\u{a0}', '\u{feff}', '\0']).chars().next();
    let dangerous = matches!(
        first,
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}')
    );
    let apostrophe = if dangerous { "'" } else { "" };
    format!("\"{apostrophe}{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn no_cell_is_a_formula() {
        for (cell, expected) in [
            ("Sales", "\"Sales\""),
            ("a \"b\", c", "\"a \"\"b\"\", c\""),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("  =1", "\"'  =1\""),
            ("＝1", "\"'＝1\""),
            ("0.1234", "\"0.1234\""),
            ("", "\"\""),
        ] {
            assert_eq!(quoted(cell), expected, "{cell:?}");
        }
    }
}
