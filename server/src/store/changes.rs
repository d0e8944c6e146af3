//! Which changes of risk are worth telling, and when.
//!
//! A change is material if the band is another one or the risk moved by [`Telling::material_change`] since what was last told (at
//! first: since the first score). After a change was told, further ones of the same employee wait until the cool-down is over and
//! are told then as one, if there is still a difference; a rise into a higher band is told at once.

use flight_risk_scoring::scorer::Band;

use crate::clock::MICROS_PER_DAY;
use crate::config::Risk;
use crate::store::db::{Param, Tx, params};
use crate::store::reading::FEW;
use crate::store::statement::{pieces, tuples};
use crate::store::stored_score::{IN_FORCE, band_number, band_of};
use crate::store::{Store, StoreError};

/// A difference of probabilities that is none: 0.15 - 0.1 is a little less than 0.05.
const ROUNDING: f64 = 1e-9;
/// That a change of the employee of the score `s` was told between two times, both included.
pub(crate) const CHANGED: &str = "EXISTS (SELECT 1 FROM changes c WHERE c.employee_id = s.employee_id \
     AND c.changed_at >= ? AND c.changed_at <= ?)";
/// The same, of few changes: those of whom they are are looked up.
pub(crate) const AMONG_CHANGED: &str = "s.employee_id IN (SELECT c.employee_id FROM changes c WHERE c.changed_at >= ? \
     AND c.changed_at <= ?)";
/// Changes that wait and are told in one transaction.
const DUE_AT_A_TIME: usize = 1_000;

/// Which changes are told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Telling {
    /// A risk that moved by this much is worth telling.
    pub material_change: f64,
    /// Microseconds in which no further change of the same employee is told.
    pub cool_down: i64,
}

impl From<&Risk> for Telling {
    fn from(config: &Risk) -> Self {
        Self {
            material_change: config.material_change,
            cool_down: i64::from(config.cool_down_days).saturating_mul(MICROS_PER_DAY),
        }
    }
}

impl Default for Telling {
    fn default() -> Self {
        Self::from(&Risk::default())
    }
}

/// Why a change counts as material. The numbers are those of the tables and of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// The first score of an employee is elevated or high.
    New = 1,
    /// The band rose, or is elevated or high after an abstention.
    BandRose = 2,
    /// The band fell, or is low after an abstention.
    BandFell = 3,
    /// The band is the same, but the risk rose.
    ProbabilityRose = 4,
    /// The band is the same, but the risk fell.
    ProbabilityFell = 5,
    /// The model abstains now.
    Abstained = 6,
    /// The employee's exit was reported.
    Left = 7,
}

impl ChangeKind {
    /// The kind of a number in the tables.
    pub(crate) fn of(number: i64) -> Result<Self, StoreError> {
        [
            Self::New,
            Self::BandRose,
            Self::BandFell,
            Self::ProbabilityRose,
            Self::ProbabilityFell,
            Self::Abstained,
            Self::Left,
        ]
        .into_iter()
        .find(|kind| *kind as i64 == number)
        .ok_or_else(|| StoreError::Damaged(format!("a change has the kind {number}")))
    }
}

/// A score as far as telling is concerned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    /// Number of the score.
    pub(crate) seq: i64,
    /// Its band.
    pub(crate) band: Band,
    /// Its risk; -1 where the model abstained.
    pub(crate) risk: f64,
}

/// What was last told of an employee.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Told {
    /// The score that was told, or the first one.
    pub(crate) point: Point,
    /// When; 0: nothing was told yet.
    pub(crate) told_at: i64,
    /// When a change that waits is to be told.
    pub(crate) due_at: Option<i64>,
}

/// A change to be told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) employee_id: String,
    pub(crate) changed_at: i64,
    pub(crate) kind: ChangeKind,
    pub(crate) previous_seq: Option<i64>,
    pub(crate) current_seq: i64,
}

/// How a score differs from what was told; `None`: not enough.
fn difference(told: Point, now: Point, telling: Telling) -> Option<ChangeKind> {
    let moved = now.risk - told.risk;
    match (told.band, now.band) {
        (Band::Abstained, Band::Abstained) => None,
        (_, Band::Abstained) => Some(ChangeKind::Abstained),
        (Band::Abstained, Band::Low) => Some(ChangeKind::BandFell),
        (before, after) if band_number(after) > band_number(before) => Some(ChangeKind::BandRose),
        (before, after) if band_number(after) < band_number(before) => Some(ChangeKind::BandFell),
        _ if moved.abs() + ROUNDING < telling.material_change => None,
        _ if moved > 0.0 => Some(ChangeKind::ProbabilityRose),
        _ if moved < 0.0 => Some(ChangeKind::ProbabilityFell),
        _ => None,
    }
}

/// What to tell of a score that is in force at a time, and what is told of the employee then.
pub(crate) fn judged(told: Option<Told>, point: Point, at: i64, telling: Telling) -> (Option<ChangeKind>, Told) {
    let now_told = Told { point, told_at: at, due_at: None };
    let Some(told) = told else {
        return match point.band {
            Band::Elevated | Band::High => (Some(ChangeKind::New), now_told),
            Band::Low | Band::Abstained => (None, Told { told_at: 0, ..now_told }),
        };
    };
    let Some(kind) = difference(told.point, point, telling) else { return (None, Told { due_at: None, ..told }) };
    let quiet_until = if told.told_at == 0 { 0 } else { told.told_at.saturating_add(telling.cool_down) };
    if at >= quiet_until || kind == ChangeKind::BandRose {
        (Some(kind), now_told)
    } else {
        (None, Told { due_at: Some(quiet_until), ..told })
    }
}

const TOLD_COLUMNS: &str = "t.employee_id, t.seq, t.band, t.risk, t.told_at, t.due_at";

fn told_of(row: &crate::store::db::Row) -> Result<(String, Told), StoreError> {
    let point = Point { seq: row.int(1)?, band: band_of(row.int(2)?)?, risk: row.real(3)? };
    Ok((row.text(0)?, Told { point, told_at: row.int(4)?, due_at: row.opt_int(5)? }))
}

/// What was told of these employees.
pub(crate) async fn told(tx: &mut Tx, employees: &[&str]) -> Result<Vec<(String, Told)>, StoreError> {
    let mut found = Vec::new();
    for piece in pieces(employees) {
        let list = crate::store::statement::list(piece.len());
        let sql = format!("SELECT {TOLD_COLUMNS} FROM told t WHERE t.employee_id IN ({list})");
        for row in tx.query(&sql, piece.iter().map(|&id| id.into()).collect()).await? {
            found.push(told_of(&row)?);
        }
    }
    Ok(found)
}

/// Keeps what is told of employees, each of them once.
pub(crate) async fn keep_told(tx: &mut Tx, told: &[(&str, Told)]) -> Result<(), StoreError> {
    for piece in pieces(told) {
        let sql = format!(
            "INSERT INTO told (employee_id, seq, band, risk, told_at, due_at) VALUES {} ON CONFLICT (employee_id) DO UPDATE \
             SET seq = excluded.seq, band = excluded.band, risk = excluded.risk, told_at = excluded.told_at, \
             due_at = excluded.due_at",
            tuples(piece.len(), 6)
        );
        let rows = piece.iter().flat_map(|(id, told)| {
            let Point { seq, band, risk } = told.point;
            let told_at = told.told_at;
            params![*id, seq, band_number(band), risk, told_at, told.due_at]
        });
        tx.execute(&sql, rows.collect()).await?;
    }
    Ok(())
}

/// Tells changes, in this order. The caller holds the sequence `score`: taken always first, it keeps transactions from waiting for
/// each other in a circle.
pub(crate) async fn tell(tx: &mut Tx, changes: &[Change]) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut seq = tx.next_numbers("change", changes.len() as i64).await?;
    for piece in pieces(changes) {
        let sql = format!(
            "INSERT INTO changes (seq, employee_id, changed_at, kind, previous_seq, current_seq) VALUES {}",
            tuples(piece.len(), 6)
        );
        let mut rows: Vec<Param> = Vec::with_capacity(piece.len() * 6);
        for change in piece {
            let Change { employee_id, changed_at, kind, previous_seq, current_seq } = change;
            rows.extend(params![seq, employee_id, *changed_at, *kind as i64, *previous_seq, *current_seq]);
            seq += 1;
        }
        tx.execute(&sql, rows).await?;
    }
    Ok(())
}

/// Tells that an employee left; nothing if no score is in force. Takes the sequence `score`.
pub(crate) async fn tell_left(tx: &mut Tx, employee_id: &str, at: i64) -> Result<(), StoreError> {
    tx.next_numbers("score", 0).await?;
    let sql = format!("SELECT seq FROM scores WHERE employee_id = $1 AND to_seq = {IN_FORCE}");
    let Some(row) = tx.first(&sql, params![employee_id]).await? else { return Ok(()) };
    let current_seq = row.int(0)?;
    let told = told(tx, &[employee_id]).await?.into_iter().next();
    let previous_seq = told.map(|(_, told)| told.point.seq);
    tx.execute("UPDATE told SET due_at = NULL WHERE employee_id = $1", params![employee_id]).await?;
    let kind = ChangeKind::Left;
    let change = Change { employee_id: employee_id.to_owned(), changed_at: at, kind, previous_seq, current_seq };
    tell(tx, &[change]).await
}

impl Store {
    /// Whether few changes were told between two times (microseconds since 1970), both included.
    pub(crate) async fn few_changes(&self, from: i64, until: i64) -> Result<bool, StoreError> {
        let found = "changes c WHERE c.changed_at >= $1 AND c.changed_at <= $2";
        Ok(self.counted(found, params![from, until]).await? <= FEW)
    }

    /// Tells the changes whose cool-down is over at a time (microseconds since 1970), and gives their number.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer; what was told until then stays told.
    pub async fn tell_due_changes(&self, now: i64, telling: Telling) -> Result<usize, StoreError> {
        let mut count = 0;
        loop {
            // Nearly always there is nothing to do; looking does not keep others from writing.
            let due = "SELECT 1 FROM told WHERE due_at <= $1 LIMIT 1";
            if self.db().first(due, params![now]).await?.is_none() {
                return Ok(count);
            }
            count += self.tell_some_due(now, telling).await?;
        }
    }

    async fn tell_some_due(&self, now: i64, telling: Telling) -> Result<usize, StoreError> {
        let mut tx = self.db().begin().await?;
        tx.next_numbers("score", 0).await?;
        let sql = format!(
            "SELECT {TOLD_COLUMNS}, s.seq, s.band, s.risk FROM told t \
             LEFT JOIN scores s ON s.employee_id = t.employee_id AND s.to_seq = {IN_FORCE} \
             WHERE t.due_at <= $1 ORDER BY t.due_at, t.employee_id LIMIT {DUE_AT_A_TIME}"
        );
        let rows = tx.query(&sql, params![now]).await?;
        let mut changes = Vec::new();
        let mut kept = Vec::with_capacity(rows.len());
        for row in &rows {
            let (employee_id, told) = told_of(row)?;
            let mut next = Told { due_at: None, ..told };
            if let Some(seq) = row.opt_int(6)? {
                let point = Point { seq, band: band_of(row.int(7)?)?, risk: row.real(8)? };
                let (kind, judged) = judged(Some(told), point, now, telling);
                // With a cool-down that was made longer meanwhile the change waits on.
                next = judged;
                if let Some(kind) = kind {
                    let previous_seq = Some(told.point.seq);
                    let employee_id = employee_id.clone();
                    changes.push(Change { employee_id, changed_at: now, kind, previous_seq, current_seq: seq });
                }
            }
            kept.push((employee_id, next));
        }
        let kept: Vec<(&str, Told)> = kept.iter().map(|(id, told)| (id.as_str(), *told)).collect();
        keep_told(&mut tx, &kept).await?;
        tell(&mut tx, &changes).await?;
        tx.commit().await?;
        Ok(changes.len())
    }
}
