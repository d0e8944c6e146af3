//! The scores of the past with what became of them.

use flight_risk_scoring::Day;

use crate::access::caller::Scope;
use crate::clock::day_of as day_of_micros;
use crate::outcomes::{Exit, PastScore};
use crate::store::conditions::Conditions;
use crate::store::db::{Param, Row, Tx, params};
use crate::store::exits::is_voluntary;
use crate::store::stored_score::day_of;
use crate::store::{Store, StoreError};

/// Scores that are looked at in one query: employees come in pieces of about so many scores.
const SCORES_AT_A_TIME: i64 = 50_000;

/// The number of scores into whose horizon the exit of an employee falls that was reported.
pub(crate) async fn joined_scores(tx: &mut Tx, employee_id: &str) -> Result<u32, StoreError> {
    let sql = format!(
        "SELECT {PAST} FROM scores s JOIN exits e ON e.employee_id = s.employee_id \
         WHERE s.employee_id = $1 AND {ANSWERED}"
    );
    let mut joined = 0;
    for row in tx.query(&sql, params![employee_id]).await? {
        joined += u32::from(past(&row, 0)?.left_within_horizon());
    }
    Ok(joined)
}

/// What is known of a score of the past.
const PAST: &str = "s.as_of, s.risk, s.horizon_months, e.exit_day, e.exit_type";
/// Scores with a risk that can be compared: the model answered, and for a time that passes.
const ANSWERED: &str = "s.band > 0 AND s.horizon_months > 0";

fn past(row: &Row, first: usize) -> Result<PastScore, StoreError> {
    let exit = match (row.opt_int(first + 3)?, row.opt_int(first + 4)?) {
        (Some(day), Some(kind)) => Some(Exit { day: day_of(day)?, voluntary: is_voluntary(kind) }),
        _ => None,
    };
    Ok(PastScore {
        as_of: day_of(row.int(first)?)?,
        risk: row.real(first + 1)?,
        horizon_months: u32::try_from(row.int(first + 2)?).unwrap_or_default(),
        exit,
    })
}

/// Employees whose scores are read in one go: after the first, up to and including the last (if there is one).
#[derive(Clone, Debug)]
struct Piece {
    after: String,
    last: Option<String>,
}

impl Piece {
    fn restrict(&self, column: &str, conditions: &mut Conditions) {
        conditions.add(&format!("{column} > ?"), [Param::from(&self.after)]);
        if let Some(last) = &self.last {
            conditions.add(&format!("{column} <= ?"), [Param::from(last)]);
        }
    }
}

impl Store {
    /// About how many scores are kept: no fewer than there are.
    pub(crate) async fn most_scores(&self) -> Result<usize, StoreError> {
        let row = self.db().first("SELECT COALESCE(MAX(seq), 0) FROM scores", Vec::new()).await?;
        Ok(row.map(|row| row.int(0)).transpose()?.and_then(|most| usize::try_from(most).ok()).unwrap_or_default())
    }

    /// Scores of one model or of all, of employees within the scope: of each employee the first of every month (of 30.44 days, all
    /// of the same length). They are handed on with a number that stands for the employee.
    pub(crate) async fn past_scores(
        &self,
        model_version: Option<&str>,
        scope: &Scope,
        mut take: impl FnMut(u32, PastScore),
    ) -> Result<(), StoreError> {
        let (mut number, mut employee) = (0_u32, String::new());
        let mut next = Some(String::new());
        while let Some(after) = next {
            let piece = self.piece(after).await?;
            let mut conditions = Conditions::default();
            conditions.add(ANSWERED, []);
            if let Some(version) = model_version {
                conditions.add("s.model_version = ?", [Param::from(version)]);
            }
            piece.restrict("s.employee_id", &mut conditions);
            let firsts = format!(
                "SELECT MIN(s.seq) FROM scores s WHERE {} GROUP BY s.employee_id, s.as_of * 4800 / 146097",
                conditions.sql()
            );
            scope.restrict("s", &mut conditions);
            // The conditions that come before those of the scope have the same parameters in both.
            let sql = format!(
                "SELECT s.employee_id, {PAST} FROM scores s LEFT JOIN exits e ON e.employee_id = s.employee_id \
                 WHERE s.seq IN ({firsts}) AND {} ORDER BY s.employee_id, s.seq",
                conditions.sql()
            );
            for row in self.db().query(&sql, conditions.params()).await? {
                let of = row.text(0)?;
                if of != employee {
                    number = number.saturating_add(1);
                    employee = of;
                }
                take(number, past(&row, 1)?);
            }
            next = piece.last;
        }
        Ok(())
    }

    /// For every employee within the scope for whom an action was completed from a time on: the day of the first one, and the last
    /// score that was known by then.
    pub(crate) async fn acted_on(&self, since: i64, scope: &Scope) -> Result<Vec<(Day, PastScore)>, StoreError> {
        let mut conditions = Conditions::default();
        let since = conditions.value(since);
        scope.restrict("s", &mut conditions);
        let sql = format!(
            "SELECT x.completed_at, {PAST} FROM (SELECT a.employee_id, MIN(a.completed_at) AS completed_at FROM actions a \
             WHERE a.state = 3 AND a.completed_at >= {since} GROUP BY a.employee_id) x JOIN scores s ON s.seq = (SELECT p.seq FROM scores p \
             WHERE p.employee_id = x.employee_id AND p.scored_at <= x.completed_at AND p.band > 0 AND p.horizon_months > 0 \
             ORDER BY p.as_of DESC, p.seq DESC LIMIT 1) LEFT JOIN exits e ON e.employee_id = x.employee_id WHERE {}",
            conditions.sql()
        );
        let rows = self.db().query(&sql, conditions.params()).await?;
        rows.iter().map(|row| Ok((day_of_micros(row.int(0)?), past(row, 1)?))).collect()
    }

    /// For every employee within the scope for whom no action was ever completed: the first score from a day on that was elevated
    /// or high.
    pub(crate) async fn not_acted_on(
        &self,
        since: Day,
        scope: &Scope,
        mut take: impl FnMut(PastScore),
    ) -> Result<(), StoreError> {
        let mut next = Some(String::new());
        while let Some(after) = next {
            let piece = self.piece(after).await?;
            let mut conditions = Conditions::default();
            conditions.add(
                "s.band >= 2 AND s.horizon_months > 0 AND s.as_of >= ?",
                [Param::from(i64::from(since.epoch_days()))],
            );
            piece.restrict("s.employee_id", &mut conditions);
            let firsts = format!("SELECT MIN(s.seq) FROM scores s WHERE {} GROUP BY s.employee_id", conditions.sql());
            scope.restrict("s", &mut conditions);
            let sql = format!(
                "SELECT {PAST} FROM scores s LEFT JOIN exits e ON e.employee_id = s.employee_id \
                 WHERE s.seq IN ({firsts}) AND {} AND NOT EXISTS (SELECT 1 FROM actions a \
                 WHERE a.employee_id = s.employee_id AND a.state = 3)",
                conditions.sql()
            );
            for row in self.db().query(&sql, conditions.params()).await? {
                take(past(&row, 0)?);
            }
            next = piece.last;
        }
        Ok(())
    }

    /// The next employees after one.
    async fn piece(&self, after: String) -> Result<Piece, StoreError> {
        let sql = "SELECT employee_id FROM scores WHERE employee_id > $1 ORDER BY employee_id LIMIT 1 OFFSET $2";
        let row = self.db().first(sql, params![&after, SCORES_AT_A_TIME]).await?;
        Ok(Piece { after, last: row.map(|row| row.text(0)).transpose()? })
    }
}
