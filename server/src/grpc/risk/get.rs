//! GetEmployeeRisk: the latest recorded risk of one employee.

use flight_risk_proto::v1;

use crate::audit::Decision;
use crate::core::Core;
use crate::gate::Passed;
use crate::grpc::risk::employee_risk::{Besides, MAX_RECOMMENDED, employee_risk, recommended, visible_score};
use crate::grpc::status::ApiError;
use crate::grpc::violations::Violations;

/// The risk of the employee of this name (`employees/{employee_id}/risk`).
pub(super) async fn get(core: &Core, passed: &Passed, name: &str) -> Result<v1::EmployeeRisk, ApiError> {
    let mut problems = Violations::default();
    let employee_id = name.strip_prefix("employees/").and_then(|rest| rest.strip_suffix("/risk"));
    let employee_id = employee_id.filter(|employee_id| !employee_id.is_empty());
    problems.text(|| "name".to_owned(), employee_id.unwrap_or_default());
    let Some(employee_id) = employee_id.filter(|_| problems.is_empty()) else {
        if problems.is_empty() {
            problems.push(|| "name".to_owned(), "must be `employees/{employee_id}/risk`");
        }
        return Err(ApiError::Invalid(problems));
    };
    let score = visible_score(core, passed, employee_id).await?;
    let actions = recommended(core, &score, passed.fields, MAX_RECOMMENDED).await?;
    let mut besides = Besides::of(core, std::slice::from_ref(&score), passed.fields).await?;
    let beside = besides.take(&score.record, actions.first());
    let risk = employee_risk(core, score, passed.fields, usize::MAX, beside).await?;
    core.gate.record(passed, &[employee_id], &risk.model_version, Decision::Allowed).await?;
    Ok(v1::EmployeeRisk { recommended_actions: actions, ..risk })
}
