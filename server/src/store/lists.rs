//! Pages of the list of those at risk.
//!
//! A list shows the state at the time of its first page: what was in force when the sequence of scores stood at the snapshot. That
//! is nearly always what is in force now, and is read from an index in the order of the list; what was replaced since is read
//! beside it and merged. A page begins after the last row of the one before, so that a deep page costs as much as the first.

use std::cmp::Ordering;

use crate::store::conditions::Conditions;
use crate::store::db::Param;
use crate::store::reading::Reading;
use crate::store::stored_score::IN_FORCE;
use crate::store::{Store, StoreError};

/// The state that a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// Number of the last score.
    pub(crate) seq: i64,
    /// When, in microseconds since 1970; exits that were reported later do not shorten the list.
    pub(crate) at: i64,
}

/// Order of a list. Equal ones are ordered by their employee identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The riskiest first; where the model abstained, last.
    RiskDown,
    /// The least risky first; where the model abstained, last.
    RiskUp,
    /// By employee identifier.
    EmployeeUp,
    /// By employee identifier, backwards.
    EmployeeDown,
    /// The latest score first.
    TimeDown,
    /// The oldest score first.
    TimeUp,
}

/// What a list is ordered by, of one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Key {
    /// By the employee identifier alone.
    Employee,
    /// The risk; -1 where the model abstained.
    Risk(f64),
    /// When the score was recorded.
    Time(i64),
}

/// A row of a list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Listed {
    /// Number of the score.
    pub(crate) seq: i64,
    /// The employee.
    pub(crate) employee_id: String,
    /// What the list is ordered by.
    pub(crate) key: Key,
}

/// Which rows a list has.
#[derive(Clone, Debug)]
pub(crate) struct ListQuery {
    /// The state that it shows.
    pub(crate) snapshot: Snapshot,
    /// Conditions on the table `scores` under the name `s`.
    pub(crate) conditions: Conditions,
    /// Whether only the bands elevated and high are listed.
    pub(crate) at_risk_only: bool,
    /// Its order.
    pub(crate) order: Order,
    /// How its rows are found; the conditions are written for it.
    pub(crate) reading: Reading,
}

/// A row that is left out because the employee left. A score of a later day that was recorded after the exit was reported is that
/// of somebody who came back. `?` is the time of the snapshot.
pub(crate) const STAYED: &str = "NOT EXISTS (SELECT 1 FROM exits e WHERE e.employee_id = s.employee_id AND e.reported_at <= ? \
     AND (s.scored_at <= e.reported_at OR s.as_of <= e.exit_day))";

/// Which of the rows that belong to a snapshot.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Those in force now.
    InForce,
    /// Those that were replaced since.
    Replaced,
}

/// What a list is ordered by, as SQL.
#[derive(Clone, Copy)]
struct Columns {
    employee: &'static str,
    risk: &'static str,
    time: &'static str,
}

/// As in the indexes, from which the rows come in order.
const INDEXED: Columns = Columns { employee: "s.employee_id", risk: "s.risk", time: "s.scored_at" };
/// As in no index: the few rows are found by what they have in common, and sorted.
const SORTED: Columns = Columns { employee: "s.employee_id || ''", risk: "s.risk + 0.0", time: "s.scored_at + 0" };

/// A part of a list whose rows all come before those of the next part.
struct Part {
    conditions: Conditions,
    order: String,
}

impl Order {
    /// Compares two rows of one part.
    fn compare(self, a: &Listed, b: &Listed) -> Ordering {
        let by_key = match (a.key, b.key) {
            (Key::Risk(a), Key::Risk(b)) => a.total_cmp(&b),
            (Key::Time(a), Key::Time(b)) => a.cmp(&b),
            _ => Ordering::Equal,
        };
        let by_employee = a.employee_id.cmp(&b.employee_id);
        // An index is read forwards or backwards as a whole.
        match self {
            Self::RiskDown => by_key.reverse().then(by_employee),
            Self::RiskUp => by_key.then(by_employee.reverse()),
            Self::EmployeeUp | Self::TimeUp => by_key.then(by_employee),
            Self::EmployeeDown | Self::TimeDown => by_key.reverse().then(by_employee.reverse()),
        }
    }

    /// The column that it is by.
    pub(crate) fn column_name(self) -> &'static str {
        match self {
            Self::RiskDown | Self::RiskUp => "risk",
            Self::EmployeeUp | Self::EmployeeDown => "employee_id",
            Self::TimeDown | Self::TimeUp => "scored_at",
        }
    }

    /// Whether it is by risk.
    pub(crate) fn is_by_risk(self) -> bool {
        matches!(self, Self::RiskDown | Self::RiskUp)
    }

    fn sql(self, columns: Columns) -> String {
        let Columns { employee, risk, time } = columns;
        match self {
            Self::RiskDown => format!("{risk} DESC, {employee}"),
            Self::RiskUp => format!("{risk}, {employee} DESC"),
            Self::EmployeeUp => employee.to_owned(),
            Self::EmployeeDown => format!("{employee} DESC"),
            Self::TimeDown => format!("{time} DESC, {employee} DESC"),
            Self::TimeUp => format!("{time}, {employee}"),
        }
    }

    fn column(self, columns: Columns) -> &'static str {
        match self {
            Self::RiskDown | Self::RiskUp => columns.risk,
            Self::EmployeeUp | Self::EmployeeDown => columns.employee,
            Self::TimeDown | Self::TimeUp => columns.time,
        }
    }

    fn key(self, row: &crate::store::db::Row, column: usize) -> Result<Key, StoreError> {
        Ok(match self {
            Self::RiskDown | Self::RiskUp => Key::Risk(row.real(column)?),
            Self::EmployeeUp | Self::EmployeeDown => Key::Employee,
            Self::TimeDown | Self::TimeUp => Key::Time(row.int(column)?),
        })
    }
}

impl ListQuery {
    fn is_sorted(&self) -> bool {
        matches!(self.reading, Reading::Few(_))
    }

    /// The parts of the list after a row, in their order.
    fn parts(&self, after: Option<&Listed>) -> Vec<Part> {
        let columns = if self.is_sorted() { SORTED } else { INDEXED };
        let part = |texts: &[(&str, Param)]| {
            let mut conditions = self.conditions.clone();
            for (text, value) in texts {
                conditions.add(text, [value.clone()]);
            }
            Part { conditions, order: self.order.sql(columns) }
        };
        let column = self.order.column(columns);
        let (beyond, employee_beyond) = match self.order {
            Order::RiskDown => ("<", ">"),
            Order::RiskUp => (">", "<"),
            Order::EmployeeUp | Order::TimeUp => (">", ">"),
            Order::EmployeeDown | Order::TimeDown => ("<", "<"),
        };
        let no_answer = || part(&[(&format!("{} < ?", columns.risk), Param::from(0.0))]);
        let answered = format!("{} >= ?", columns.risk);
        let mut parts = Vec::new();
        match after {
            None if self.order == Order::RiskUp => parts.push(part(&[(&answered, Param::from(0.0))])),
            None => parts.push(part(&[])),
            Some(Listed { employee_id, key, .. }) => {
                let key = match *key {
                    Key::Employee => None,
                    Key::Risk(risk) => Some(Param::from(risk)),
                    Key::Time(time) => Some(Param::from(time)),
                };
                let employee = (format!("{} {employee_beyond} ?", columns.employee), Param::from(employee_id));
                let employee = (employee.0.as_str(), employee.1);
                match key {
                    None => parts.push(part(&[employee])),
                    Some(key) => {
                        // Two parts rather than one condition with OR: each is a range of an index.
                        parts.push(part(&[(&format!("{column} = ?"), key.clone()), employee]));
                        parts.push(part(&[(&format!("{column} {beyond} ?"), key)]));
                    }
                }
            }
        }
        if self.order == Order::RiskUp && !self.at_risk_only {
            match after.map(|after| after.key) {
                Some(Key::Risk(risk)) if risk < 0.0 => parts.truncate(1),
                _ => parts.push(no_answer()),
            }
        }
        parts
    }

    fn select(&self, columns: &str, part: &Part, state: State, limit: usize) -> (String, Vec<Param>) {
        let mut conditions = part.conditions.clone();
        let seq = || Param::from(self.snapshot.seq);
        match state {
            State::InForce => conditions.add(&self.reading.in_force(), []),
            State::Replaced => conditions.add(&format!("s.to_seq > ? AND s.to_seq < {IN_FORCE}"), [seq()]),
        }
        conditions.add("s.seq <= ?", [seq()]);
        if self.at_risk_only {
            // As in the index, unless another one is to be used.
            conditions.add(if self.reading == Reading::InOrder { "s.band >= 2" } else { "s.band + 0 >= 2" }, []);
        }
        conditions.add(STAYED, [Param::from(self.snapshot.at)]);
        let limit = conditions.value(i64::try_from(limit).unwrap_or(i64::MAX));
        let sql =
            format!("SELECT {columns} FROM scores s WHERE {} ORDER BY {} LIMIT {limit}", conditions.sql(), part.order);
        (sql, conditions.params())
    }
}

impl Store {
    /// The state now.
    pub(crate) async fn snapshot(&self, now: i64) -> Result<Snapshot, StoreError> {
        Ok(Snapshot { seq: self.sequence("score").await?, at: now })
    }

    /// Where a sequence stands.
    pub(crate) async fn sequence(&self, name: &str) -> Result<i64, StoreError> {
        let sql = "SELECT value FROM sequences WHERE name = $1";
        let row = self.db().first(sql, vec![Param::from(name)]).await?;
        row.ok_or_else(|| StoreError::Damaged(format!("sequence {name} is missing")))?.int(0)
    }

    /// The first rows of a list after a row (or from its beginning), at most `limit`.
    pub(crate) async fn page(
        &self,
        query: &ListQuery,
        after: Option<&Listed>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let columns = format!("s.seq, s.employee_id, {}", query.order.column(INDEXED));
        let mut page: Vec<Listed> = Vec::new();
        for part in query.parts(after) {
            let room = limit - page.len();
            let read = async |state: State| {
                let (sql, params) = query.select(&columns, &part, state, room);
                let rows = self.db().query(&sql, params).await?;
                let listed = |row: &crate::store::db::Row| {
                    Ok(Listed { seq: row.int(0)?, employee_id: row.text(1)?, key: query.order.key(row, 2)? })
                };
                rows.iter().map(listed).collect::<Result<Vec<_>, StoreError>>()
            };
            // In this order: what is replaced between the two is read twice rather than never.
            let mut rows = read(State::InForce).await?;
            if self.sequence("score").await? != query.snapshot.seq {
                rows.extend(read(State::Replaced).await?);
                rows.sort_by(|a, b| query.order.compare(a, b));
                rows.dedup_by_key(|row| row.seq);
                rows.truncate(room);
            }
            page.extend(rows);
            if page.len() >= limit {
                break;
            }
        }
        Ok(page)
    }

    /// The risks of the first rows of a list, as they are in force now; -1 where the model abstained.
    pub(crate) async fn risks(&self, query: &ListQuery, limit: usize) -> Result<Vec<f64>, StoreError> {
        let mut risks = Vec::new();
        for part in query.parts(None) {
            let room = limit.saturating_sub(risks.len());
            let (sql, params) = query.select("s.risk", &part, State::InForce, room);
            for row in self.db().query(&sql, params).await? {
                risks.push(row.real(0)?);
            }
        }
        Ok(risks)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    /// The steps of SQLite's plans for the parts of a page.
    async fn plan(store: &Store, query: &ListQuery, after: Option<&Listed>) -> String {
        let mut steps = Vec::new();
        for part in query.parts(after) {
            let columns = format!("s.seq, s.employee_id, {}", query.order.column(INDEXED));
            let (sql, params) = query.select(&columns, &part, State::InForce, 51);
            for row in store.db().query(&format!("EXPLAIN QUERY PLAN {sql}"), params).await.unwrap() {
                steps.push(row.text(3).unwrap());
            }
        }
        steps.join("; ")
    }

    #[tokio::test]
    async fn sqlite_reads_lists_from_the_indexes_made_for_them() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store.db").to_str().unwrap()).await.unwrap();
        let key = |order| match order {
            Order::RiskDown | Order::RiskUp => Key::Risk(0.2),
            Order::EmployeeUp | Order::EmployeeDown => Key::Employee,
            Order::TimeDown | Order::TimeUp => Key::Time(7),
        };
        use Reading::{ByValue, Few, InOrder};
        for (column, order, at_risk_only, reading, index) in [
            ("", Order::RiskDown, true, InOrder, "scores_at_risk (to_seq=?"),
            ("", Order::RiskUp, true, InOrder, "scores_at_risk (to_seq=?"),
            ("department", Order::RiskDown, true, InOrder, "scores_at_risk (to_seq=?"),
            ("location", Order::RiskDown, true, InOrder, "scores_at_risk (to_seq=?"),
            ("manager_id", Order::RiskDown, true, Few("manager_id"), "scores_by_manager (manager_id=?"),
            ("manager_id", Order::EmployeeUp, false, Few("manager_id"), "scores_by_manager (manager_id=?"),
            ("manager_id", Order::TimeDown, false, Few("manager_id"), "scores_by_manager (manager_id=?"),
            ("", Order::EmployeeUp, true, InOrder, "scores_in_force (to_seq=?"),
            ("", Order::EmployeeDown, false, InOrder, "scores_in_force (to_seq=?"),
            ("employee_id >", Order::EmployeeDown, false, InOrder, "scores_in_force (to_seq=? AND employee_id>?"),
            ("", Order::TimeDown, true, InOrder, "scores_in_force_by_time (to_seq=?"),
            ("", Order::TimeUp, false, InOrder, "scores_in_force_by_time (to_seq=?"),
            ("", Order::RiskDown, false, InOrder, "scores_by_risk (to_seq=?"),
            ("", Order::RiskUp, false, InOrder, "scores_by_risk (to_seq=?"),
            ("risk <", Order::RiskDown, false, InOrder, "scores_by_risk (to_seq=? AND risk"),
            ("employee_id >", Order::RiskDown, false, InOrder, "scores_by_risk (to_seq=?"),
            ("scored_at >", Order::RiskUp, false, InOrder, "scores_by_risk (to_seq=?"),
            ("risk >", Order::EmployeeUp, false, InOrder, "scores_in_force (to_seq=?"),
            ("employee_id >", Order::RiskDown, false, ByValue("department"), "scores_by_department (department=?"),
            ("as_of <", Order::RiskDown, false, InOrder, "scores_by_risk (to_seq=?"),
            ("department", Order::RiskDown, false, ByValue("department"), "scores_by_department (department=?"),
            ("location", Order::RiskUp, false, ByValue("location"), "scores_by_location (location=?"),
            ("job_level", Order::RiskDown, false, ByValue("job_level"), "scores_by_level (job_level=?"),
            ("department", Order::TimeDown, false, Few("department"), "scores_by_department (department=?"),
            ("location", Order::RiskDown, true, Few("location"), "scores_by_location (location=?"),
            ("job_level", Order::EmployeeUp, true, Few("job_level"), "scores_by_level (job_level=?"),
            ("as_of <", Order::RiskDown, true, Few("as_of"), "scores_by_day (as_of<?"),
            ("as_of >", Order::EmployeeDown, false, Few("as_of"), "scores_by_day (as_of>?"),
            ("display_key >", Order::RiskUp, false, Few("display_key"), "scores_by_name (display_key>?"),
            ("display_key", Order::EmployeeUp, true, Few("display_key"), "scores_by_name (display_key=?"),
            ("employee_id >", Order::RiskDown, true, Few("employee_id"), "scores_in_force (to_seq=? AND employee_id>?"),
            ("risk <", Order::EmployeeUp, false, Few("risk"), "scores_by_risk (to_seq=? AND risk"),
            (
                "scored_at >",
                Order::EmployeeUp,
                false,
                Few("scored_at"),
                "scores_in_force_by_time (to_seq=? AND scored_at>?",
            ),
        ] {
            let mut conditions = Conditions::default();
            if let Some((name, sign)) = column.split_once(' ').or((!column.is_empty()).then_some((column, "="))) {
                conditions.add(&format!("{} {sign} ?", reading.column(name, order)), [Param::from("x")]);
            }
            if let ByValue(by) = reading {
                conditions.add(&format!("s.{by} = ?"), [Param::from("y")]);
            }
            // Another one, which is not to lead to an index.
            if let Few(_) = reading {
                conditions.add(&format!("{} = ?", reading.column("location", order)), [Param::from("x")]);
                conditions.add(&format!("{} >= ?", reading.column("risk", order)), [Param::from(0.1)]);
            }
            let snapshot = Snapshot { seq: 9, at: 9 };
            let query = ListQuery { snapshot, conditions, at_risk_only, order, reading };
            let after = Listed { seq: 0, employee_id: "e".to_owned(), key: key(order) };
            for after in [None, Some(&after)] {
                let plan = plan(&store, &query, after).await;
                let read: Vec<&str> = plan.split("; ").filter(|step| step.contains(" s ")).collect();
                // Rows with the very same risk or time as the last one may come from another index.
                let read =
                    if after.is_some() { read.get(1..).filter(|rest| !rest.is_empty()) } else { None }.unwrap_or(&read);
                assert!(
                    read.iter().all(|step| step.contains(index)),
                    "{column} {order:?} {at_risk_only} {}: {plan}",
                    after.is_some()
                );
                // Only what is few anyway is sorted.
                assert_eq!(
                    plan.contains("TEMP B-TREE"),
                    query.is_sorted(),
                    "{column} {order:?} {at_risk_only}: {plan}"
                );
            }
        }
    }
}
