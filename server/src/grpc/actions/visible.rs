//! Whom a caller may see here: what is outside the scope and what does not exist look the same.

use crate::audit::Decision;
use crate::core::Core;
use crate::gate::Passed;
use crate::grpc::status::ApiError;
use crate::store::actions::StoredAction;
use crate::store::standing::Standing;

/// An employee of whom a score is recorded, if the caller may see them. What is refused is in the audit log.
pub(super) async fn employee(core: &Core, passed: &Passed, employee_id: &str) -> Result<Standing, ApiError> {
    match core.store.standing(employee_id).await? {
        Some(standing) if passed.caller.scope.covers(standing.org.place()) => Ok(standing),
        None if passed.caller.scope.is_everybody() => {
            core.gate.record(passed, &[employee_id], "", Decision::Allowed).await?;
            Err(ApiError::EmployeeNotFound)
        }
        _ => Err(refused(core, passed, &[employee_id]).await),
    }
}

/// An action for an employee whom the caller may see.
pub(super) async fn action(core: &Core, passed: &Passed, id: &str) -> Result<StoredAction, ApiError> {
    let everybody = passed.caller.scope.is_everybody();
    match core.store.action(id).await? {
        // Not even a score has to be left of the employee.
        Some(action) if everybody => Ok(action),
        None if everybody => Err(ApiError::ActionNotFound),
        Some(action) => match core.store.standing(&action.employee_id).await? {
            Some(standing) if passed.caller.scope.covers(standing.org.place()) => Ok(action),
            _ => Err(refused(core, passed, &[&action.employee_id]).await),
        },
        None => Err(refused(core, passed, &[]).await),
    }
}

/// What is said of an employee who is not there.
pub(super) fn absent(passed: &Passed) -> ApiError {
    if passed.caller.scope.is_everybody() { ApiError::EmployeeNotFound } else { ApiError::NotPermitted }
}

/// Writes the refusal to the audit log; gives the error to be sent.
pub(super) async fn refused(core: &Core, passed: &Passed, employees: &[&str]) -> ApiError {
    match core.gate.record(passed, employees, "", Decision::Denied).await {
        Ok(()) => ApiError::NotPermitted,
        Err(error) => error,
    }
}
