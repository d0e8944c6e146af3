//! Reading actions and the playbook.

use flight_risk_proto::v1;
use prost::Message;

use super::{convert, visible};
use crate::audit::Decision;
use crate::clock::today;
use crate::core::Core;
use crate::gate::Passed;
use crate::grpc::filter::{Field, Filter, Kind, SAME};
use crate::grpc::page_token::{Binding, page_size};
use crate::grpc::status::{ApiError, grown};
use crate::grpc::violations::Violations;
use crate::store::actions::ActionPlace;
use crate::store::conditions::Conditions;
use crate::store::db::Param;

/// What the list can be filtered by.
const FIELDS: &[Field] = &[
    Field { name: "employee_id", column: "employee_id", kind: Kind::Text, operators: SAME },
    Field { name: "assignee", column: "assignee", kind: Kind::Text, operators: SAME },
    Field {
        name: "state",
        column: "state",
        kind: Kind::Word(&[("OPEN", 1), ("IN_PROGRESS", 2), ("COMPLETED", 3), ("CANCELLED", 4)]),
        operators: SAME,
    },
];

/// A page of the playbook.
pub(super) async fn playbook(
    core: &Core,
    passed: &Passed,
    request: v1::ListPlaybookEntriesRequest,
) -> Result<v1::ListPlaybookEntriesResponse, ApiError> {
    let mut problems = Violations::default();
    let size = page_size(request.page_size, &mut problems);
    let binding = Binding::page(passed, &v1::ListPlaybookEntriesRequest::default());
    let content = binding.open_page(core.store.token_key(), &request.page_token, &mut problems);
    if !problems.is_empty() {
        return Err(ApiError::Invalid(problems));
    }
    let from = content.and_then(|content| content.try_into().ok()).map_or(0, u64::from_le_bytes);
    let mut rest = core.playbook.entries().iter().skip(usize::try_from(from).unwrap_or(usize::MAX));
    let entries: Vec<v1::PlaybookEntry> = rest.by_ref().take(size).map(convert::entry).collect();
    let next = from + entries.len() as u64;
    let token = || binding.seal(core.store.token_key(), &next.to_le_bytes());
    let next_page_token = rest.next().map(|_| token()).transpose()?.unwrap_or_default();
    Ok(v1::ListPlaybookEntriesResponse { entries, next_page_token })
}

/// One action.
pub(super) async fn get(
    core: &Core,
    passed: &Passed,
    request: v1::GetActionRequest,
) -> Result<v1::GetActionResponse, ApiError> {
    let mut problems = Violations::default();
    let Some(id) = convert::id("name", &request.name, &mut problems) else { return Err(ApiError::Invalid(problems)) };
    let action = visible::action(core, passed, id).await?;
    core.gate.record(passed, &[&action.employee_id], "", Decision::Allowed).await?;
    Ok(v1::GetActionResponse { action: Some(convert::action(&action)) })
}

/// A page of actions.
pub(super) async fn list(
    core: &Core,
    passed: &Passed,
    request: v1::ListActionsRequest,
) -> Result<v1::ListActionsResponse, ApiError> {
    let mut problems = Violations::default();
    let filter = Filter::read(&request.filter, FIELDS, &mut problems);
    let fixed = v1::ListActionsRequest { filter: request.filter.clone(), ..Default::default() };
    let page = Page::of(core, Binding::page(passed, &fixed), &request.page_token, request.page_size, &mut problems);
    if !problems.is_empty() {
        return Err(ApiError::Invalid(problems));
    }
    let mut conditions = Conditions::default();
    filter.restrict("a", &mut conditions);
    let (actions, next_page_token) = page.read(core, passed, conditions).await?;
    Ok(v1::ListActionsResponse { actions, next_page_token })
}

/// A page of actions under way that are due.
pub(super) async fn due(
    core: &Core,
    passed: &Passed,
    request: v1::ListDueActionsRequest,
) -> Result<v1::ListDueActionsResponse, ApiError> {
    let mut problems = Violations::default();
    let due_by = match request.due_by.as_str() {
        "" => Some(today()),
        text => problems.date(|| "due_by".to_owned(), text),
    };
    problems.text(|| "assignee".to_owned(), &request.assignee);
    let v1::ListDueActionsRequest { due_by: by, assignee, .. } = request.clone();
    let fixed = v1::ListDueActionsRequest { due_by: by, assignee, ..Default::default() };
    let page = Page::of(core, Binding::page(passed, &fixed), &request.page_token, request.page_size, &mut problems);
    let Some(due_by) = due_by.filter(|_| problems.is_empty()) else { return Err(ApiError::Invalid(problems)) };
    let mut conditions = Conditions::default();
    conditions.add("a.state <= 2 AND a.due_day <= ?", [Param::from(i64::from(due_by.epoch_days()))]);
    if !request.assignee.is_empty() {
        conditions.add("a.assignee = ?", [Param::from(&request.assignee)]);
    }
    let (actions, next_page_token) = page.read(core, passed, conditions).await?;
    Ok(v1::ListDueActionsResponse { actions, next_page_token })
}

/// A page to be read.
struct Page {
    binding: Binding,
    after: Option<ActionPlace>,
    size: usize,
}

impl Page {
    fn of(core: &Core, binding: Binding, token: &str, size: i32, problems: &mut Violations) -> Self {
        let size = page_size(size, problems);
        let content = binding.open_page(core.store.token_key(), token, problems);
        // What was sealed here can be read here.
        let after = content.and_then(|content| serde_json::from_slice(&content).ok());
        Self { binding, after, size }
    }

    /// The actions, and the token of the next page.
    async fn read(
        self,
        core: &Core,
        passed: &Passed,
        conditions: Conditions,
    ) -> Result<(Vec<v1::Action>, String), ApiError> {
        let scope = &passed.caller.scope;
        // One more tells whether there is another page.
        let found = core.store.actions(conditions, scope, self.after.as_ref(), self.size + 1).await?;
        let mut actions = Vec::new();
        let mut bytes = 0;
        for action in found.iter().take(self.size) {
            let action = convert::action(action);
            // Long notes make a page shorter than it was asked to be.
            match grown(bytes, action.encoded_len()) {
                Some(more) => bytes = more,
                None => break,
            }
            actions.push(action);
        }
        let told = found.get(..actions.len()).unwrap_or(&found);
        let next = match told.last().filter(|_| told.len() < found.len()) {
            None => String::new(),
            Some(last) => {
                let content = serde_json::to_vec(&ActionPlace::from(last)).map_err(|_| ApiError::StoreUnavailable)?;
                self.binding.seal(core.store.token_key(), &content)?
            }
        };
        let mut employees: Vec<&str> = told.iter().map(|action| action.employee_id.as_str()).collect();
        employees.sort_unstable();
        employees.dedup();
        core.gate.record(passed, &employees, "", Decision::Allowed).await?;
        Ok((actions, next))
    }
}
