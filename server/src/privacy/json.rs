//! Everything held about a person, for machines.

use flight_risk_scoring::schema::Value;
use serde_json::{Map, json};

use crate::clock::rfc3339;
use crate::privacy::{Held, exit_type, words};
use crate::store::actions::StoredAction;
use crate::store::stored_score::HeldScore;

/// What stands in the place of a value that was given in confidence.
const CONFIDENTIAL: &str = "from confidential survey answers; not given out";

/// Everything held, as JSON.
pub(crate) fn json(held: &Held) -> String {
    let holdings = &held.holdings;
    let accesses = held.accesses.iter().map(|record| {
        json!({
            "time": rfc3339(record.draft.at), "actor": record.draft.actor, "role": record.draft.role,
            "method": record.draft.method, "purpose": record.draft.purpose, "decision": record.draft.decision,
        })
    });
    json!({
        "employee_id": held.employee_id,
        "gathered_at": rfc3339(held.at),
        "scores": holdings.scores.iter().map(|stored| score(held, stored)).collect::<Vec<_>>(),
        "last_told_at": holdings.last_told.filter(|at| *at > 0).map(rfc3339),
        "changes_told": holdings
            .changes
            .iter()
            .map(|(at, kind)| json!({"time": rfc3339(*at), "kind": words(kind)}))
            .collect::<Vec<_>>(),
        "actions": holdings.actions.iter().map(action).collect::<Vec<_>>(),
        "exit": holdings.exit.map(|(day, kind, at)| {
            json!({"last_day": day.to_string(), "type": exit_type(kind), "reported_at": rfc3339(at)})
        }),
        "answers_kept_for_a_day": holdings
            .requests
            .iter()
            .map(|(method, at)| json!({"method": method, "time": rfc3339(*at)}))
            .collect::<Vec<_>>(),
        "named_in_what_is_held_about_others": {
            "scores_of_own_reports": holdings.mentions.as_manager,
            "actions_to_carry_out": holdings.mentions.as_assignee,
            "actions_created": holdings.mentions.as_creator,
        },
        "accesses": accesses.collect::<Vec<_>>(),
    })
    .to_string()
}

fn score(held: &Held, stored: &HeldScore) -> serde_json::Value {
    let record = &stored.record;
    let (mut facts, mut contributions) = (Map::new(), Map::new());
    let mut confidential_sum = 0.0;
    for fact in held.facts(stored) {
        let value = match fact.value {
            _ if fact.confidential => json!(CONFIDENTIAL),
            Value::Unknown => serde_json::Value::Null,
            Value::Number(number) => json!(number),
            Value::Level(level) => json!(level),
        };
        facts.insert(fact.name.to_owned(), value);
        if fact.confidential {
            confidential_sum += fact.contribution_log_odds;
        } else {
            contributions.insert(fact.name.to_owned(), json!(fact.contribution_log_odds));
        }
    }
    let horizons = stored.details.iter().flat_map(|details| &details.assessment.horizons).map(|horizon| {
        json!({"months": horizon.months, "risk": horizon.risk.get(), "low": horizon.low.get(), "high": horizon.high.get()})
    });
    // Where the model abstained there is no number that could be trusted.
    let answered = record.risk.is_some();
    json!({
        "recorded_at": rfc3339(record.scored_at), "facts_known_on": record.as_of.to_string(),
        "in_force": record.to_seq == i64::MAX, "model_version": record.model_version, "band": record.band.name(),
        "risk": record.risk, "low": record.low, "high": record.high,
        "multiple_of_base_rate": record.multiple_of_base_rate, "headline_horizon_months": record.horizon_months,
        "horizons": if answered { horizons.collect::<Vec<_>>() } else { Vec::new() },
        "organisation": {
            "department": record.org.department, "location": record.org.location, "manager_id": record.org.manager_id,
            "job_level": record.org.job_level, "critical_role": record.org.critical_role,
            "tenure_years": record.org.tenure_years, "display_name": record.org.display_name,
        },
        // Of scores that were replaced long ago only the numbers are kept.
        "facts_kept": stored.details.is_some(),
        "facts": facts,
        "contributions_log_odds": contributions,
        "contribution_of_confidential_answers_log_odds": confidential_sum,
    })
}

fn action(action: &StoredAction) -> serde_json::Value {
    json!({
        "name": format!("actions/{}", action.id), "playbook_id": action.playbook_id, "title": action.title,
        "assignee": action.assignee, "due": action.due_day.to_string(), "state": words(&action.state),
        "outcome": action.outcome.map(|outcome| words(&outcome)), "note": action.note, "creator": action.creator,
        "created_at": rfc3339(action.created_at), "updated_at": rfc3339(action.updated_at),
        "completed_at": action.completed_at.map(rfc3339),
    })
}
