//! What is known of an employee who left: no score is in force of them any more, and their exit may have to be corrected.

use flight_risk_proto::v1;

use crate::audit::Decision;
use crate::core::Core;
use crate::gate::Passed;
use crate::grpc::status::ApiError;
use crate::store::stored_score::day_of;

/// An exit as it was reported last.
#[derive(Clone, Debug)]
pub(crate) struct Left {
    /// The last day of employment, `YYYY-MM-DD`.
    pub(crate) day: String,
    /// Why the employment ended.
    pub(crate) kind: v1::ExitType,
}

/// The exit of an employee whom the caller may see and of whom no score is in force since; `None` for everybody else. Only what is
/// told is in the audit log: whoever is told nothing asks on, and that is.
pub(super) async fn left(core: &Core, passed: &Passed, employee_id: &str) -> Result<Option<Left>, ApiError> {
    let standing = core.store.standing(employee_id).await?;
    let gone = standing.filter(|standing| !standing.in_force && passed.caller.scope.covers(standing.org.place()));
    if gone.is_none() {
        return Ok(None);
    }
    let Some(exit) = core.store.exit(employee_id).await? else { return Ok(None) };
    core.gate.record(passed, &[employee_id], "", Decision::Allowed).await?;
    let kind = i32::try_from(exit.exit_type).ok().and_then(|kind| v1::ExitType::try_from(kind).ok());
    Ok(Some(Left { day: day_of(exit.day)?.to_string(), kind: kind.unwrap_or_default() }))
}
