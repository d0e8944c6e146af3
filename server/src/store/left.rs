//! Exits that HR tables tell of: reported together, each once.

use std::collections::HashMap;

use flight_risk_scoring::Day;
use flight_risk_scoring::history::ExitKind;

use crate::store::db::Param;
use crate::store::exits::{NewExit, exit_number, known_exits, report_exit};
use crate::store::statement::{list, pieces};
use crate::store::stored_score::IN_FORCE;
use crate::store::{Store, StoreError};

/// Somebody who left.
#[derive(Clone, Debug)]
pub struct Leaver {
    /// Who.
    pub employee_id: String,
    /// The last day of employment.
    pub day: Day,
    /// Why.
    pub kind: ExitKind,
}

impl Store {
    /// Keeps the exits of those of whom a score is recorded, unless the same exit is known: of those whose score is in force, and
    /// what was corrected of an exit that is known. `at`, when they were reported, in microseconds since 1970. Gives how many were
    /// new or corrected. Who was never scored has nothing that an exit could be compared with.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; what was kept until then stays.
    pub async fn report_exits(&self, leavers: &[Leaver], at: i64) -> Result<u64, StoreError> {
        let mut new = 0;
        for piece in pieces(leavers) {
            let ids: Vec<&str> = piece.iter().map(|leaver| leaver.employee_id.as_str()).collect();
            let mut tx = self.db().begin().await?;
            let sql = format!(
                "SELECT employee_id, MAX(to_seq) FROM scores WHERE employee_id IN ({}) GROUP BY employee_id",
                list(ids.len())
            );
            let mut in_force = HashMap::new();
            for row in tx.query(&sql, ids.iter().map(|&id| Param::from(id)).collect()).await? {
                in_force.insert(row.text(0)?, row.int(1)? == IN_FORCE);
            }
            let known = known_exits(&mut tx, &ids).await?;
            for leaver in piece {
                // Never scored: left out.
                let Some(in_force) = in_force.get(&leaver.employee_id) else { continue };
                let (day, exit_type) = (i64::from(leaver.day.epoch_days()), exit_number(leaver.kind));
                let due = match known.get(&leaver.employee_id) {
                    Some(exit) => (exit.day, exit.exit_type) != (day, exit_type),
                    None => *in_force,
                };
                if !due {
                    continue;
                }
                let exit = NewExit { employee_id: &leaver.employee_id, day: leaver.day, exit_type, at };
                report_exit(&mut tx, &exit).await?;
                new += 1;
            }
            tx.commit().await?;
        }
        Ok(new)
    }
}
