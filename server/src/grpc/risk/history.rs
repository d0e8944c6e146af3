//! ListEmployeeRiskHistory: the recorded risks of one employee, the latest first.

use flight_risk_proto::v1;

use crate::audit::Decision;
use crate::core::Core;
use crate::gate::Passed;
use crate::grpc::page_token::{Binding, page_size};
use crate::grpc::risk::changed;
use crate::grpc::risk::employee_risk::{point, visible_score};
use crate::grpc::status::ApiError;
use crate::grpc::violations::Violations;

/// A page of the history.
pub(super) async fn history(
    core: &Core,
    passed: &Passed,
    request: v1::ListEmployeeRiskHistoryRequest,
) -> Result<v1::ListEmployeeRiskHistoryResponse, ApiError> {
    if !passed.fields.numbers {
        return Err(ApiError::NotPermitted);
    }
    let mut problems = Violations::default();
    let size = page_size(request.page_size, &mut problems);
    let employee_id = request.parent.strip_prefix("employees/").unwrap_or_default();
    if employee_id.is_empty() {
        problems.push(|| "parent".to_owned(), "must be `employees/{employee_id}`");
    }
    problems.text(|| "parent".to_owned(), employee_id);
    let fixed = v1::ListEmployeeRiskHistoryRequest { parent: request.parent.clone(), ..Default::default() };
    let binding = Binding::page(passed, &fixed);
    let content = binding.open_page(core.store.token_key(), &request.page_token, &mut problems);
    if !problems.is_empty() {
        return Err(ApiError::Invalid(problems));
    }
    // The number of the last score told; what is newer than the first page has a higher one.
    let before = content.and_then(|content| content.try_into().ok()).map_or(i64::MAX, i64::from_le_bytes);
    visible_score(core, passed, employee_id).await?;
    let mut records = core.store.history_page(employee_id, before, size + 1).await?;
    let more = records.len() > size;
    let mut points: Vec<v1::RiskPoint> = records.iter().map(point).collect();
    changed::tell(core, &records, &mut points).await?;
    records.truncate(size);
    points.truncate(size);
    let next_page_token = match records.last().filter(|_| more) {
        None => String::new(),
        Some(last) => binding.seal(core.store.token_key(), &last.seq.to_le_bytes())?,
    };
    core.gate.record(passed, &[employee_id], "", Decision::Allowed).await?;
    Ok(v1::ListEmployeeRiskHistoryResponse { points, next_page_token })
}
