//! Actions and playbook entries as the API sends them, and the checks of what it receives.

use flight_risk_proto::v1;

use crate::clock::timestamp;
use crate::grpc::convert_score::family;
use crate::grpc::violations::Violations;
use crate::limits::MAX_NOTE_BYTES;
use crate::playbook::{Owner, PlaybookEntry};
use crate::store::actions::{ActionOutcome, ActionState, StoredAction};

/// What an action's name begins with.
const PREFIX: &str = "actions/";

/// An action as it is sent.
pub(super) fn action(action: &StoredAction) -> v1::Action {
    v1::Action {
        name: format!("{PREFIX}{}", action.id),
        employee_id: action.employee_id.clone(),
        playbook_id: action.playbook_id.clone(),
        title: action.title.clone(),
        assignee: action.assignee.clone(),
        due_date: action.due_day.to_string(),
        state: state(action.state).into(),
        outcome: action.outcome.map_or(v1::ActionOutcome::Unspecified, outcome).into(),
        note: action.note.clone(),
        creator: action.creator.clone(),
        create_time: Some(timestamp(action.created_at)),
        update_time: Some(timestamp(action.updated_at)),
        complete_time: action.completed_at.map(timestamp),
        etag: etag(action),
    }
}

/// Changes with every write.
pub(super) fn etag(action: &StoredAction) -> String {
    format!("r{}", action.revision)
}

fn state(state: ActionState) -> v1::ActionState {
    match state {
        ActionState::Open => v1::ActionState::Open,
        ActionState::InProgress => v1::ActionState::InProgress,
        ActionState::Completed => v1::ActionState::Completed,
        ActionState::Cancelled => v1::ActionState::Cancelled,
    }
}

fn outcome(outcome: ActionOutcome) -> v1::ActionOutcome {
    match outcome {
        ActionOutcome::Helped => v1::ActionOutcome::Helped,
        ActionOutcome::NoChange => v1::ActionOutcome::NoChange,
        ActionOutcome::Declined => v1::ActionOutcome::Declined,
        ActionOutcome::NotNeeded => v1::ActionOutcome::NotNeeded,
    }
}

fn owner(owner: Owner) -> v1::ActionOwner {
    match owner {
        Owner::Manager => v1::ActionOwner::Manager,
        Owner::HrPartner => v1::ActionOwner::HrPartner,
        Owner::Leadership => v1::ActionOwner::Leadership,
    }
}

/// An entry of the playbook as it is sent.
pub(super) fn entry(entry: &PlaybookEntry) -> v1::PlaybookEntry {
    v1::PlaybookEntry {
        playbook_id: entry.id.clone(),
        title: entry.title.clone(),
        what: entry.what.clone(),
        owner: owner(entry.owner).into(),
        within_days: entry.within_days,
        conversation_prompt: entry.conversation_prompt.clone(),
        features: entry.features.clone(),
        families: entry.families.iter().map(|&of| family(of).into()).collect(),
        general: entry.general,
    }
}

/// The identifier in an action's name.
pub(super) fn id<'a>(field: &'static str, name: &'a str, problems: &mut Violations) -> Option<&'a str> {
    let fits = |id: &&str| !id.is_empty() && id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let id = name.strip_prefix(PREFIX).filter(fits);
    if id.is_none() {
        problems.push(|| field.to_owned(), "must be `actions/{action}`, as the server named it");
    }
    id
}

/// Whether a note can be kept.
pub(super) fn note(field: &'static str, note: &str, problems: &mut Violations) {
    if note.len() > MAX_NOTE_BYTES {
        problems.push(|| field.to_owned(), format!("{} bytes long; at most {MAX_NOTE_BYTES} are allowed", note.len()));
    } else if note.contains('\0') {
        problems.push(|| field.to_owned(), "must not contain a NUL character");
    }
}

/// Whether a title can be kept.
pub(super) fn title(field: &'static str, title: &str, problems: &mut Violations) {
    if problems.text(|| field.to_owned(), title) && title.trim().is_empty() {
        problems.push(|| field.to_owned(), "required");
    }
}

/// The state that an update may set.
pub(super) fn new_state(number: i32, problems: &mut Violations) -> Option<ActionState> {
    match v1::ActionState::try_from(number) {
        Ok(v1::ActionState::Open) => Some(ActionState::Open),
        Ok(v1::ActionState::InProgress) => Some(ActionState::InProgress),
        Ok(v1::ActionState::Cancelled) => Some(ActionState::Cancelled),
        Ok(v1::ActionState::Completed) => {
            problems.push(|| "action.state".to_owned(), "use CompleteAction, which asks for the outcome");
            None
        }
        Ok(v1::ActionState::Unspecified) | Err(_) => {
            problems.push(|| "action.state".to_owned(), "must be OPEN, IN_PROGRESS or CANCELLED");
            None
        }
    }
}

/// The outcome of a completed action.
pub(super) fn new_outcome(number: i32, problems: &mut Violations) -> Option<ActionOutcome> {
    match v1::ActionOutcome::try_from(number) {
        Ok(v1::ActionOutcome::Helped) => Some(ActionOutcome::Helped),
        Ok(v1::ActionOutcome::NoChange) => Some(ActionOutcome::NoChange),
        Ok(v1::ActionOutcome::Declined) => Some(ActionOutcome::Declined),
        Ok(v1::ActionOutcome::NotNeeded) => Some(ActionOutcome::NotNeeded),
        Ok(v1::ActionOutcome::Unspecified) | Err(_) => {
            problems.push(|| "outcome".to_owned(), "required: HELPED, NO_CHANGE, DECLINED or NOT_NEEDED");
            None
        }
    }
}
