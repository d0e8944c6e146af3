//! Exits that were reported: one of each employee, the last that was said.

use std::collections::HashMap;

use flight_risk_scoring::Day;
use flight_risk_scoring::history::ExitKind;

use crate::store::changes::{Change, Point, judged, keep_told, tell, tell_left};
use crate::store::db::{Row, Tx, params};
use crate::store::statement::{list, pieces};
use crate::store::stored_score::{IN_FORCE, band_of};
use crate::store::{Store, StoreError, Telling, risk_sums};

/// The number of a kind of exit in the table and in the API.
pub(crate) fn exit_number(kind: ExitKind) -> i64 {
    match kind {
        ExitKind::Voluntary => 1,
        ExitKind::Involuntary => 2,
        ExitKind::Retirement => 3,
        ExitKind::EndOfContract => 4,
        ExitKind::Other => 5,
    }
}

/// The kind of exit of a number.
pub(crate) fn exit_kind(number: i64) -> Option<ExitKind> {
    ExitKind::NAMES.into_iter().map(|(_, kind)| kind).find(|&kind| exit_number(kind) == number)
}

/// Whether a number stands for a voluntary exit.
pub(crate) fn is_voluntary(number: i64) -> bool {
    number == exit_number(ExitKind::Voluntary)
}

/// An exit to be kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewExit<'a> {
    /// Who left.
    pub(crate) employee_id: &'a str,
    /// The last day of employment.
    pub(crate) day: Day,
    /// Why, by the number that the API gives it.
    pub(crate) exit_type: i64,
    /// When it was reported, in microseconds since 1970 (UTC).
    pub(crate) at: i64,
}

/// Keeps an exit in place of one that was reported before, tells of it, and ends the force of the employee's score, so that no list
/// has it any more. A score of somebody who came back will be in force again.
pub(crate) async fn report_exit(tx: &mut Tx, exit: &NewExit<'_>) -> Result<(), StoreError> {
    let NewExit { employee_id, day, exit_type, at } = exit;
    tell_left(tx, employee_id, *at).await?;
    // Nobody records meanwhile: telling took the sequence.
    let number = tx.next_numbers("score", 1).await?;
    risk_sums::leave(tx, employee_id).await?;
    let close = format!("UPDATE scores SET to_seq = $1 WHERE employee_id = $2 AND to_seq = {IN_FORCE}");
    tx.execute(&close, params![number, *employee_id]).await?;
    // Who comes back is somebody of whom nothing was told.
    tx.execute("DELETE FROM told WHERE employee_id = $1", params![*employee_id]).await?;
    let keep = "INSERT INTO exits (employee_id, exit_day, exit_type, reported_at) VALUES ($1, $2, $3, $4) \
                ON CONFLICT (employee_id) DO UPDATE SET exit_day = excluded.exit_day, exit_type = excluded.exit_type, \
                reported_at = excluded.reported_at";
    tx.execute(keep, params![*employee_id, i64::from(day.epoch_days()), *exit_type, *at]).await?;
    Ok(())
}

/// Takes the exit of an employee back that was reported in error: the score of the latest day is in force again, if what it came from
/// is still kept, and that is told as of somebody who came back. Gives whether one is in force now; `None` if no exit is reported.
pub(crate) async fn withdraw_exit(
    tx: &mut Tx,
    employee_id: &str,
    at: i64,
    telling: Telling,
) -> Result<Option<bool>, StoreError> {
    // From here on nobody records or reports; the number tells those who keep figures that something changed.
    tx.next_numbers("score", 1).await?;
    if tx.execute("DELETE FROM exits WHERE employee_id = $1", params![employee_id]).await? == 0 {
        return Ok(None);
    }
    let in_force = format!("SELECT 1 FROM scores WHERE employee_id = $1 AND to_seq = {IN_FORCE}");
    if tx.first(&in_force, params![employee_id]).await?.is_some() {
        // They came back since: what is in force stays.
        return Ok(Some(true));
    }
    let latest = "SELECT s.seq, s.band, s.risk, d.seq FROM scores s LEFT JOIN score_details d ON d.seq = s.seq \
                  WHERE s.employee_id = $1 ORDER BY s.as_of DESC, s.seq DESC LIMIT 1";
    let row = tx.first(latest, params![employee_id]).await?;
    let Some(row) = row.filter(|row| row.opt_int(3).is_ok_and(|kept| kept.is_some())) else { return Ok(Some(false)) };
    let point = Point { seq: row.int(0)?, band: band_of(row.int(1)?)?, risk: row.real(2)? };
    tx.execute(&format!("UPDATE scores SET to_seq = {IN_FORCE} WHERE seq = $1"), params![point.seq]).await?;
    risk_sums::enter(tx, employee_id).await?;
    let (kind, told) = judged(None, point, at, telling);
    keep_told(tx, &[(employee_id, told)]).await?;
    let change = kind.map(|kind| Change {
        employee_id: employee_id.to_owned(),
        changed_at: at,
        kind,
        previous_seq: None,
        current_seq: point.seq,
    });
    tell(tx, change.as_slice()).await?;
    Ok(Some(true))
}

/// An exit that was reported.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownExit {
    /// The last day of employment, in days since 1970.
    pub(crate) day: i64,
    /// Why, by the number that the API gives it.
    pub(crate) exit_type: i64,
    /// When it was reported, in microseconds since 1970.
    pub(crate) reported_at: i64,
}

/// What [`known_exit`] reads, with the employee first.
const COLUMNS: &str = "employee_id, exit_day, exit_type, reported_at";

fn known_exit(row: &Row) -> Result<KnownExit, StoreError> {
    Ok(KnownExit { day: row.int(1)?, exit_type: row.int(2)?, reported_at: row.int(3)? })
}

/// The exits of those among these employees who left.
pub(crate) async fn known_exits(tx: &mut Tx, employees: &[&str]) -> Result<HashMap<String, KnownExit>, StoreError> {
    let mut exits = HashMap::new();
    for piece in pieces(employees) {
        let sql = format!("SELECT {COLUMNS} FROM exits WHERE employee_id IN ({})", list(piece.len()));
        for row in tx.query(&sql, piece.iter().map(|&id| id.into()).collect()).await? {
            exits.insert(row.text(0)?, known_exit(&row)?);
        }
    }
    Ok(exits)
}

impl Store {
    /// The exit of an employee, if one was reported.
    pub(crate) async fn exit(&self, employee_id: &str) -> Result<Option<KnownExit>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM exits WHERE employee_id = $1");
        self.db().first(&sql, params![employee_id]).await?.as_ref().map(known_exit).transpose()
    }
}

#[cfg(test)]
mod tests {
    use flight_risk_proto::v1;

    use super::*;

    #[test]
    fn the_numbers_of_kinds_are_those_of_the_api() {
        for (name, kind) in ExitKind::NAMES {
            let number = exit_number(kind);
            assert_eq!(exit_kind(number), Some(kind));
            let in_api = i32::try_from(number).ok().and_then(|number| v1::ExitType::try_from(number).ok());
            let name = format!("EXIT_TYPE_{}", name.to_uppercase());
            assert_eq!(in_api.map(|kind| kind.as_str_name()), Some(name.as_str()));
        }
        assert_eq!((exit_kind(0), exit_kind(6)), (None, None));
    }
}
