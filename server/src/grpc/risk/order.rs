//! What lists of employees may be ordered by and filtered by.

use crate::grpc::filter::{BOUNDS, Cell, FROM, Field, Kind, SAME, SAME_OR_NOT};
use crate::grpc::violations::Violations;
use crate::store::lists::Order;
use crate::store::stored_score::{ScoreRecord, band_number};

/// The fields of a filter on employees, in a list: the last of them needs more than the score itself.
pub(crate) const LIST_FIELDS: &[Field] = &[
    Field { name: "department", column: "department", kind: Kind::Text, operators: SAME_OR_NOT },
    Field { name: "location", column: "location", kind: Kind::Text, operators: SAME_OR_NOT },
    Field { name: "manager_id", column: "manager_id", kind: Kind::Text, operators: SAME_OR_NOT },
    Field { name: "job_level", column: "job_level", kind: Kind::Text, operators: SAME_OR_NOT },
    Field { name: "employee_id", column: "employee_id", kind: Kind::Beginning, operators: SAME_OR_NOT },
    Field { name: "display_name", column: "display_key", kind: Kind::Name, operators: SAME },
    Field { name: "stale", column: "as_of", kind: Kind::Old, operators: SAME },
    Field { name: BAND, column: "band", kind: Kind::Word(BANDS), operators: SAME },
    Field { name: "critical_role", column: "critical_role", kind: Kind::YesNo, operators: SAME },
    Field { name: PROBABILITY, column: "risk", kind: Kind::Number, operators: BOUNDS },
    Field { name: "tenure_years", column: "tenure_years", kind: Kind::Number, operators: BOUNDS },
    Field { name: "score_time", column: "scored_at", kind: Kind::Time, operators: FROM },
    Field { name: CHANGE_TIME, column: CHANGE_TIME, kind: Kind::Time, operators: FROM },
];
/// Those that a score alone tells.
pub(crate) const FIELDS: &[Field] = match LIST_FIELDS.split_last() {
    Some((_, fields)) => fields,
    None => LIST_FIELDS,
};
/// The field of when a material change was told.
pub(crate) const CHANGE_TIME: &str = "change_time";
/// The field of the band.
pub(crate) const BAND: &str = "band";
/// The field of the headline risk.
pub(crate) const PROBABILITY: &str = "probability";
const BANDS: &[(&str, i64)] = &[("LOW", 1), ("ELEVATED", 2), ("HIGH", 3), ("ABSTAINED", 0)];

/// The orders as clients write them.
const ORDERS: [(&str, Order); 6] = [
    ("probability desc", Order::RiskDown),
    ("probability", Order::RiskUp),
    ("employee_id", Order::EmployeeUp),
    ("employee_id desc", Order::EmployeeDown),
    ("score_time desc", Order::TimeDown),
    ("score_time", Order::TimeUp),
];

/// The order of a request; `None` where it does not say.
pub(crate) fn order(text: &str, problems: &mut Violations) -> Option<Order> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    if words.is_empty() {
        return None;
    }
    let asked = words.join(" ");
    let found = ORDERS.iter().find(|(name, _)| *name == asked).map(|(_, order)| *order);
    if found.is_none() {
        let names: Vec<String> = ORDERS.iter().map(|(name, _)| format!("`{name}`")).collect();
        problems.push(|| "order_by".to_owned(), format!("must be one of {}", names.join(", ")));
    }
    found
}

/// The value of a column of [`FIELDS`] in a record.
pub(crate) fn cell<'a>(record: &'a ScoreRecord, column: &str) -> Cell<'a> {
    fn text(text: &Option<String>) -> Cell<'_> {
        text.as_deref().map_or(Cell::Unknown, Cell::Text)
    }
    let number = |number: Option<f64>| number.map_or(Cell::Unknown, Cell::Real);
    match column {
        "department" => text(&record.org.department),
        "location" => text(&record.org.location),
        "manager_id" => text(&record.org.manager_id),
        "job_level" => text(&record.org.job_level),
        "display_key" => record.org.display_name.as_deref().map_or(Cell::Unknown, Cell::Name),
        "as_of" => Cell::Int(i64::from(record.as_of.epoch_days())),
        "employee_id" => Cell::Text(&record.employee_id),
        "band" => Cell::Int(band_number(record.band)),
        "critical_role" => record.org.critical_role.map_or(Cell::Unknown, |yes| Cell::Int(i64::from(yes))),
        "risk" => number(record.risk),
        "tenure_years" => number(record.org.tenure_years),
        "scored_at" => Cell::Int(record.scored_at),
        _ => Cell::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_orders_are_allowed() {
        for (text, expected, good) in [
            ("", None, true),
            ("probability desc", Some(Order::RiskDown), true),
            ("  probability   desc ", Some(Order::RiskDown), true),
            ("employee_id", Some(Order::EmployeeUp), true),
            ("department", None, false),
            ("probability DESC", None, false),
            ("probability desc, employee_id", None, false),
            ("risk; DROP TABLE scores", None, false),
        ] {
            let mut problems = Violations::default();
            assert_eq!(order(text, &mut problems), expected, "{text}");
            assert_eq!(problems.is_empty(), good, "{text}");
        }
    }
}
