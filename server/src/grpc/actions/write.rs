//! Creating, changing and completing actions. Each is carried out once per `request_id`, and never over somebody else's change.

use flight_risk_proto::v1;
use flight_risk_scoring::Day;

use super::{convert, visible};
use crate::clock::{now_micros, today};
use crate::core::Core;
use crate::gate::Passed;
use crate::grpc::once::{self, Once};
use crate::grpc::status::ApiError;
use crate::grpc::violations::Violations;
use crate::playbook::PlaybookEntry;
use crate::store::actions::{self, ActionOutcome, ActionState, StoredAction};
use crate::store::requests::Write;

/// The fields that an update may change.
const CHANGEABLE: &str = "title, assignee, due_date, note, state";

/// A new action.
pub(super) async fn create(
    core: &Core,
    passed: &Passed,
    request: v1::CreateActionRequest,
) -> Result<v1::CreateActionResponse, ApiError> {
    let mut new = checked(core, passed, &request)?;
    let standing = visible::employee(core, passed, &new.employee_id).await?;
    match once::begin_about(core, passed, &new.employee_id, &request.request_id, &request).await? {
        Once::Answered(response) => Ok(response),
        // Nothing is begun for somebody who left.
        Once::New(_) if !standing.in_force => Err(visible::absent(passed)),
        Once::New(mut write) => {
            actions::add(write.tx(), &mut new).await?;
            once::finish(write, v1::CreateActionResponse { action: Some(convert::action(&new)) }).await
        }
    }
}

/// The action of a request, checked and with what the playbook and the server give.
fn checked(core: &Core, passed: &Passed, request: &v1::CreateActionRequest) -> Result<StoredAction, ApiError> {
    let mut problems = Violations::default();
    problems.text(|| "request_id".to_owned(), &request.request_id);
    let given = request.action.clone().unwrap_or_default();
    if problems.text(|| "action.employee_id".to_owned(), &given.employee_id) && given.employee_id.is_empty() {
        problems.push(|| "action.employee_id".to_owned(), "required");
    }
    let entry = entry(core, &given.playbook_id, &mut problems);
    let title = match entry {
        Some(entry) if given.title.is_empty() => entry.title.clone(),
        _ => given.title,
    };
    // A playbook_id that is wrong is said to be so, not that the title is missing.
    if given.playbook_id.is_empty() || entry.is_some() {
        convert::title("action.title", &title, &mut problems);
    }
    problems.text(|| "action.assignee".to_owned(), &given.assignee);
    convert::note("action.note", &given.note, &mut problems);
    let due_day = match entry {
        Some(entry) if given.due_date.is_empty() => {
            Some(today().plus_days(i32::try_from(entry.within_days).unwrap_or_default()))
        }
        None if given.due_date.is_empty() && !given.playbook_id.is_empty() => None,
        _ => problems.date(|| "action.due_date".to_owned(), &given.due_date),
    };
    let Some(due_day) = due_day.filter(|_| problems.is_empty()) else { return Err(ApiError::Invalid(problems)) };
    let now = now_micros();
    Ok(StoredAction {
        id: String::new(),
        employee_id: given.employee_id,
        playbook_id: given.playbook_id,
        title,
        assignee: given.assignee,
        due_day,
        state: ActionState::Open,
        outcome: None,
        note: given.note,
        creator: passed.caller.actor.clone(),
        created_at: now,
        updated_at: now,
        completed_at: None,
        revision: 1,
    })
}

fn entry<'a>(core: &'a Core, playbook_id: &str, problems: &mut Violations) -> Option<&'a PlaybookEntry> {
    if playbook_id.is_empty() {
        return None;
    }
    let entry = core.playbook.entry(playbook_id);
    if entry.is_none() {
        problems.push(|| "action.playbook_id".to_owned(), "not in the playbook; ListPlaybookEntries lists it");
    }
    entry
}

/// What an update changes.
#[derive(Debug, Default)]
struct Changes {
    title: Option<String>,
    assignee: Option<String>,
    due_day: Option<Day>,
    note: Option<String>,
    state: Option<ActionState>,
}

/// A change of an action.
pub(super) async fn update(
    core: &Core,
    passed: &Passed,
    request: v1::UpdateActionRequest,
) -> Result<v1::UpdateActionResponse, ApiError> {
    let mut problems = Violations::default();
    problems.text(|| "request_id".to_owned(), &request.request_id);
    let given = request.action.clone().unwrap_or_default();
    let id = convert::id("action.name", &given.name, &mut problems);
    let paths = request.update_mask.as_ref().map(|mask| mask.paths.as_slice()).unwrap_or_default();
    let changes = changes(&given, paths, &mut problems);
    let Some(id) = id.filter(|_| problems.is_empty()) else { return Err(ApiError::Invalid(problems)) };
    let employee_id = visible::action(core, passed, id).await?.employee_id;
    match once::begin_about(core, passed, &employee_id, &request.request_id, &request).await? {
        Once::Answered(response) => Ok(response),
        Once::New(mut write) => {
            let mut action = taken(&mut write, id, &given.etag).await?;
            let Changes { title, assignee, due_day, note, state } = changes;
            action.title = title.unwrap_or(action.title);
            action.assignee = assignee.unwrap_or(action.assignee);
            action.due_day = due_day.unwrap_or(action.due_day);
            action.note = note.unwrap_or(action.note);
            action.state = state.unwrap_or(action.state);
            action.updated_at = now_micros();
            actions::put(write.tx(), &mut action).await?;
            once::finish(write, v1::UpdateActionResponse { action: Some(convert::action(&action)) }).await
        }
    }
}

fn changes(given: &v1::Action, paths: &[String], problems: &mut Violations) -> Changes {
    let mut changes = Changes::default();
    if paths.is_empty() {
        problems.push(|| "update_mask".to_owned(), format!("required: which of {CHANGEABLE} to change"));
    }
    for path in paths {
        match path.as_str() {
            "title" => {
                convert::title("action.title", &given.title, problems);
                changes.title = Some(given.title.clone());
            }
            "assignee" => {
                problems.text(|| "action.assignee".to_owned(), &given.assignee);
                changes.assignee = Some(given.assignee.clone());
            }
            "due_date" => changes.due_day = problems.date(|| "action.due_date".to_owned(), &given.due_date),
            "note" => {
                convert::note("action.note", &given.note, problems);
                changes.note = Some(given.note.clone());
            }
            "state" => changes.state = convert::new_state(given.state, problems),
            _ => problems.push(|| "update_mask".to_owned(), format!("only {CHANGEABLE} can be changed")),
        }
    }
    changes
}

/// The completion of an action.
pub(super) async fn complete(
    core: &Core,
    passed: &Passed,
    request: v1::CompleteActionRequest,
) -> Result<v1::CompleteActionResponse, ApiError> {
    let mut problems = Violations::default();
    problems.text(|| "request_id".to_owned(), &request.request_id);
    let id = convert::id("name", &request.name, &mut problems);
    let outcome: Option<ActionOutcome> = convert::new_outcome(request.outcome, &mut problems);
    convert::note("note", &request.note, &mut problems);
    let Some((id, outcome)) = id.zip(outcome).filter(|_| problems.is_empty()) else {
        return Err(ApiError::Invalid(problems));
    };
    let employee_id = visible::action(core, passed, id).await?.employee_id;
    match once::begin_about(core, passed, &employee_id, &request.request_id, &request).await? {
        Once::Answered(response) => Ok(response),
        Once::New(mut write) => {
            let mut action = taken(&mut write, id, &request.etag).await?;
            if !request.note.is_empty() {
                action.note.clone_from(&request.note);
            }
            let now = now_micros();
            action.state = ActionState::Completed;
            action.outcome = Some(outcome);
            action.updated_at = now;
            action.completed_at = Some(now);
            actions::put(write.tx(), &mut action).await?;
            once::finish(write, v1::CompleteActionResponse { action: Some(convert::action(&action)) }).await
        }
    }
}

/// The action to be changed, if it is still as the caller read it and not closed.
async fn taken(write: &mut Write, id: &str, etag: &str) -> Result<StoredAction, ApiError> {
    // It was there a moment ago; meanwhile it can have been erased only.
    let Some(action) = actions::take(write.tx(), id).await? else { return Err(ApiError::ActionNotFound) };
    if !etag.is_empty() && etag != convert::etag(&action) {
        return Err(ApiError::EtagMismatch);
    }
    if !action.state.is_under_way() {
        return Err(ApiError::ActionClosed);
    }
    Ok(action)
}
