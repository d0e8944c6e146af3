//! The list as a file for a spreadsheet.

use axum::extract::{Query, State};
use flight_risk_proto::v1;
use flight_risk_proto::v1::risk_service_server::RiskService;

use crate::clock::today;
use crate::console::api::scored;
use crate::console::error::PageError;
use crate::console::frame::Band;
use crate::console::pages::at_risk::filter::Asked;
use crate::console::pages::{Page, download};
use crate::console::site::Site;
use crate::console::visit::Visit;
use crate::limits::{MAX_EXPORT_ROWS, MAX_PAGE_SIZE, MAX_TEXT_BYTES};

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

/// What the last line says of a list that is longer than a file.
const CUT: &str = "Only the first 10,000 people are in this file. Filter the list for the others.";
/// What the audit log has after the purpose, so that taking the list away is told from reading it.
const EXPORTED: &str = " (exported as CSV)";
/// What makes spreadsheets read the file as UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The list, with the filters of the page, up to its limit.
pub(crate) async fn export(State(site): State<Site>, visit: Visit, Query(asked): Query<Asked>) -> Page {
    let mut asked = Asked { page: String::new(), ..asked };
    // Having said why, one is back at the list.
    let purpose = exporting(&visit.purpose_or_ask(asked.first_page("/at-risk"))?);
    let numbers = site.core().gate.fields_of(&visit.caller).numbers;
    let capacity = asked.capacity(numbers)?.map(|capacity| capacity as usize);
    if capacity.is_some() {
        // Those whom the page marks.
        asked.sort = String::new();
    }
    let most = capacity.unwrap_or(MAX_EXPORT_ROWS).min(MAX_EXPORT_ROWS);
    let ask = |asked: &Asked| -> Result<_, PageError> {
        Ok(v1::ListAtRiskEmployeesRequest { purpose: purpose.clone(), ..asked.request(&visit, numbers)? })
    };
    let mut request = ask(&asked)?;
    let mut by_name = asked.by_name();
    let mut text = BYTE_ORDER_MARK.to_owned() + &line(HEADINGS.map(str::to_owned));
    let mut rows = 0;
    while rows < most {
        request.page_size = i32::try_from((most - rows).min(MAX_PAGE_SIZE)).unwrap_or(1);
        let listed = site.api().risk.list_at_risk_employees(visit.ask(request.clone())).await?.into_inner();
        if let Some(named) = by_name.take().filter(|_| listed.employees.is_empty()) {
            // As the page does it.
            request = ask(&named)?;
            continue;
        }
        for risk in &listed.employees {
            text.push_str(&line(cells(risk)));
        }
        rows += listed.employees.len();
        if listed.next_page_token.is_empty() {
            break;
        }
        if rows >= MAX_EXPORT_ROWS && capacity.is_none_or(|capacity| capacity > rows) {
            let mut cut = [const { String::new() }; HEADINGS.len()];
            cut[0] = CUT.to_owned();
            text.push_str(&line(cut));
        }
        request.page_token = listed.next_page_token;
    }
    download("text/csv; charset=utf-8", &format!("at-risk-{}.csv", today()), text)
}

/// The purpose of taking the list away, no longer than purposes may be.
fn exporting(purpose: &str) -> String {
    let mut purpose = purpose.to_owned();
    while purpose.len() + EXPORTED.len() > MAX_TEXT_BYTES {
        purpose.pop();
    }
    purpose + EXPORTED
}

fn cells(risk: &v1::EmployeeRisk) -> [String; 16] {
    let org = risk.org.clone().unwrap_or_default();
    let told = scored(risk);
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
    use super::{CUT, EXPORTED, exporting, quoted};
    use crate::limits::{MAX_EXPORT_ROWS, MAX_TEXT_BYTES};

    #[test]
    fn a_purpose_stays_as_short_as_purposes_are() {
        assert_eq!(exporting("round of June"), "round of June (exported as CSV)");
        let long = exporting(&"ä".repeat(128));
        assert!(long.len() <= MAX_TEXT_BYTES && long.ends_with(EXPORTED), "{long}");
    }

    #[test]
    fn a_file_that_is_cut_says_where() {
        assert!(CUT.contains(&flight_risk_scoring::wording::numbers::count(MAX_EXPORT_ROWS as u64)));
    }

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
