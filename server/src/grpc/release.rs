//! What happens between scoring rows and answering them: who asked about whom is written to the audit log, and scores that are to
//! be kept are recorded. Rows come in groups, so that a stream does not wait for the disk at every one of them.

use std::collections::HashSet;

use flight_risk_scoring::Scorer;
use tonic::Extensions;

use crate::audit::Decision;
use crate::core::Core;
use crate::gate::{Gate, Passed};
use crate::grpc::score_row::Scored;
use crate::grpc::status::ApiError;
use crate::store::{NewScore, Telling};

/// Purposes of one call that are remembered.
const PURPOSES_KEPT: usize = 64;

/// A row on its way to the answer.
#[derive(Debug)]
pub(crate) struct Row {
    /// The employee, as asked for.
    pub(crate) employee_id: String,
    /// Which of the call's [`Purposes`].
    pub(crate) purpose: usize,
    /// The score, or why there is none.
    pub(crate) scored: Result<Scored, ApiError>,
}

/// The purposes that the rows of a call state; nearly always it is one.
#[derive(Debug)]
pub(crate) struct Purposes {
    method: &'static str,
    passed: Vec<(String, Passed)>,
}

impl Purposes {
    /// The purposes of a call.
    pub(crate) fn of(method: &'static str) -> Self {
        Self { method, passed: Vec::new() }
    }

    /// The number of a purpose.
    ///
    /// # Errors
    /// As [`Gate::admit`].
    pub(crate) fn admit(&mut self, gate: &Gate, extensions: &Extensions, purpose: &str) -> Result<usize, ApiError> {
        if let Some(number) = self.passed.iter().position(|(known, _)| known == purpose) {
            return Ok(number);
        }
        let passed = gate.admit(extensions, self.method, purpose)?;
        self.passed.push((purpose.to_owned(), passed));
        Ok(self.passed.len() - 1)
    }

    /// Forgets purposes if there are many; their numbers are good no more.
    pub(crate) fn forget_many(&mut self) {
        if self.passed.len() > PURPOSES_KEPT {
            self.passed.clear();
        }
    }
}

/// Writes to the audit log whom the rows are about, and records the scores that are to be kept: all or none. Rows of employees
/// whom the caller may not replace become errors.
///
/// # Errors
/// AuditUnavailable and StoreUnavailable; then nothing may be answered, and nothing is recorded.
pub(crate) async fn release(
    core: &Core,
    scorer: &Scorer,
    purposes: &Purposes,
    rows: &mut [Row],
) -> Result<(), ApiError> {
    refuse_those_elsewhere(core, purposes, rows).await?;
    for (number, (_, passed)) in purposes.passed.iter().enumerate() {
        let of_purpose = || rows.iter().filter(|row| row.purpose == number);
        let allowed = of_purpose().filter(|row| row.scored.is_ok());
        let denied = of_purpose().filter(|row| matches!(row.scored, Err(ApiError::NotPermitted)));
        for (decision, employees) in [
            (Decision::Allowed, allowed.map(|row| row.employee_id.trim()).collect::<Vec<_>>()),
            (Decision::Denied, denied.map(|row| row.employee_id.trim()).collect()),
        ] {
            if !employees.is_empty() {
                core.gate.record(passed, &employees, scorer.artifact().model_version(), decision).await?;
            }
        }
    }
    let new: Vec<NewScore> =
        rows.iter_mut().filter_map(|row| row.scored.as_mut().ok()?.new.take().map(|new| *new)).collect();
    core.store.record_scores(scorer, &new, Telling::from(&core.config.risk)).await?;
    count(core, rows);
    Ok(())
}

fn count(core: &Core, rows: &[Row]) {
    let scored = || rows.iter().filter_map(|row| row.scored.as_ref().ok());
    let abstained = scored().filter(|scored| scored.reply.abstained).count();
    core.telemetry.rows.count(scored().count() as u64, abstained as u64);
}

/// Somebody with a limited scope cannot take over an employee from another unit by saying that they are in the own one.
async fn refuse_those_elsewhere(core: &Core, purposes: &Purposes, rows: &mut [Row]) -> Result<(), ApiError> {
    let Some((_, passed)) = purposes.passed.first() else { return Ok(()) };
    let scope = &passed.caller.scope;
    if scope.is_everybody() {
        return Ok(());
    }
    let kept = rows.iter().filter_map(|row| row.scored.as_ref().ok()?.new.as_ref());
    let employees: Vec<&str> = kept.map(|new| new.employee_id.as_str()).collect();
    let places = core.store.places(&employees).await?;
    let elsewhere: HashSet<String> =
        places.into_iter().filter(|(_, org)| !scope.covers(org.place())).map(|(id, _)| id).collect();
    for row in rows {
        let new = row.scored.as_ref().ok().and_then(|scored| scored.new.as_ref());
        if new.is_some_and(|new| elsewhere.contains(&new.employee_id)) {
            row.scored = Err(ApiError::NotPermitted);
        }
    }
    Ok(())
}
