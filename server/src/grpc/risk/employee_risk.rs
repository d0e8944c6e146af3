//! From recorded scores to what the API says of them.

use std::collections::HashMap;

use flight_risk_proto::v1;
use flight_risk_scoring::scorer::Band;

use crate::access::fields::FieldRules;
use crate::clock::{now_micros, timestamp};
use crate::core::Core;
use crate::gate::Passed;
use crate::grpc::convert_score::{Told, outcome};
use crate::grpc::status::ApiError;
use crate::playbook::{Owner, PlaybookFactor, Recommendation};
use crate::store::actions::{StoredAction, UnderWay};
use crate::store::{OrgFacts, ScoreRecord, StoreError, StoredModel, StoredScore};

/// Most recommended actions of one employee.
pub(super) const MAX_RECOMMENDED: usize = 5;

/// What is said of an employee beside the recorded score.
#[derive(Default)]
pub(super) struct Beside {
    /// The score before it.
    previous: Option<v1::RiskPoint>,
    open_actions: u32,
    next_action: Option<v1::NextAction>,
}

/// What is said beside recorded scores, with a few queries for all of them.
pub(super) struct Besides {
    previous: HashMap<i64, ScoreRecord>,
    under_way: HashMap<String, UnderWay>,
}

impl Besides {
    /// Reads what is said beside these scores, as far as the caller may see it.
    pub(super) async fn of(core: &Core, scores: &[StoredScore], fields: FieldRules) -> Result<Self, ApiError> {
        let ids: Vec<&str> = scores.iter().map(|score| score.record.employee_id.as_str()).collect();
        let records: Vec<&ScoreRecord> = scores.iter().map(|score| &score.record).filter(|_| fields.numbers).collect();
        Ok(Self { previous: core.store.previous_scores(&records).await?, under_way: core.store.under_way(&ids).await? })
    }

    /// What is said beside one of them, of which `recommended` is the most promising recommendation.
    pub(super) fn take(&mut self, score: &ScoreRecord, recommended: Option<&v1::RecommendedAction>) -> Beside {
        let under_way = self.under_way.remove(&score.employee_id);
        Beside {
            previous: self.previous.remove(&score.seq).as_ref().map(point),
            open_actions: under_way.as_ref().map_or(0, |under_way| under_way.count),
            next_action: match under_way {
                Some(under_way) => Some(begun(under_way.first)),
                None => recommended.map(not_begun),
            },
        }
    }

    /// Whether an action is under way for an employee.
    pub(super) fn has_begun(&self, employee_id: &str) -> bool {
        self.under_way.contains_key(employee_id)
    }
}

fn begun(action: StoredAction) -> v1::NextAction {
    v1::NextAction {
        under_way: true,
        title: action.title,
        action: format!("actions/{}", action.id),
        due_date: action.due_day.to_string(),
        assignee: action.assignee,
        playbook_id: action.playbook_id,
        ..Default::default()
    }
}

fn not_begun(recommended: &v1::RecommendedAction) -> v1::NextAction {
    v1::NextAction {
        title: recommended.title.clone(),
        playbook_id: recommended.playbook_id.clone(),
        owner: recommended.owner,
        within_days: recommended.within_days,
        ..Default::default()
    }
}

/// What is said of one recorded score, without recommendations. Its number only where the caller may see it.
pub(super) async fn employee_risk(
    core: &Core,
    score: StoredScore,
    fields: FieldRules,
    max_factors: usize,
    beside: Beside,
) -> Result<v1::EmployeeRisk, ApiError> {
    let told = if fields.numbers {
        let model = model_of(core, &score.record).await?;
        let row = model.schema.packed_row(score.values).map_err(|_| damaged(&score.record))?;
        Some(outcome(&Told::of(&model, &row, &score.assessment), max_factors, fields))
    } else {
        None
    };
    let record = score.record;
    Ok(v1::EmployeeRisk {
        name: format!("employees/{}/risk", record.employee_id),
        as_of: record.as_of.to_string(),
        score_time: Some(timestamp(record.scored_at)),
        stale: record.is_stale(now_micros(), core.config.store.stale_after_days),
        outcome: told.map(|told| match told {
            v1::employee_score::Outcome::Assessment(told) => v1::employee_risk::Outcome::Assessment(told),
            v1::employee_score::Outcome::Abstention(told) => v1::employee_risk::Outcome::Abstention(told),
        }),
        number_withheld: !fields.numbers,
        recommended_actions: Vec::new(),
        open_actions: beside.open_actions,
        previous: beside.previous.filter(|_| fields.numbers),
        next_action: beside.next_action,
        org: Some(org_facts(record.org)),
        employee_id: record.employee_id,
        model_version: record.model_version,
    })
}

/// What the playbook recommends for a recorded score, at most so much. Nothing about the caller's limits can be told from it: factors from
/// confidential answers count only for those who may see them, and the feature is named only to those who see factors.
pub(super) async fn recommended(
    core: &Core,
    score: &StoredScore,
    fields: FieldRules,
    max: usize,
) -> Result<Vec<v1::RecommendedAction>, ApiError> {
    let model = model_of(core, &score.record).await?;
    // Where the model does not know enough to answer, its factors are no reason to do anything in particular.
    let contributions: &[f64] =
        if score.record.band == Band::Abstained { &[] } else { &score.assessment.contributions };
    let factors =
        model.schema.features().iter().zip(contributions).map(|(feature, &contribution_log_odds)| PlaybookFactor {
            feature: &feature.name,
            family: feature.family,
            contribution_log_odds,
            actionable: feature.actionable,
            confidential: feature.confidential,
        });
    let recommended = core.playbook.recommend(factors, fields.confidential_drivers, max);
    Ok(recommended.into_iter().map(|recommended| recommended_action(recommended, fields)).collect())
}

fn recommended_action(
    Recommendation { entry, feature }: Recommendation<'_>,
    fields: FieldRules,
) -> v1::RecommendedAction {
    let owner = match entry.owner {
        Owner::Manager => v1::ActionOwner::Manager,
        Owner::HrPartner => v1::ActionOwner::HrPartner,
        Owner::Leadership => v1::ActionOwner::Leadership,
    };
    v1::RecommendedAction {
        playbook_id: entry.id.clone(),
        title: entry.title.clone(),
        what: entry.what.clone(),
        owner: owner.into(),
        within_days: entry.within_days,
        conversation_prompt: entry.conversation_prompt.clone(),
        feature: feature.filter(|_| fields.numbers).unwrap_or_default().to_owned(),
    }
}

pub(super) async fn model_of(core: &Core, record: &ScoreRecord) -> Result<std::sync::Arc<StoredModel>, ApiError> {
    let model = core.store.model(&record.model_version).await?;
    Ok(model.ok_or_else(|| damaged(record))?)
}

fn damaged(record: &ScoreRecord) -> StoreError {
    StoreError::Damaged(format!("a score does not fit what is kept of model {}", record.model_version))
}

/// A recorded score in short.
pub(super) fn point(record: &ScoreRecord) -> v1::RiskPoint {
    let band = match record.band {
        Band::Abstained => v1::RiskBand::Unspecified,
        Band::Low => v1::RiskBand::Low,
        Band::Elevated => v1::RiskBand::Elevated,
        Band::High => v1::RiskBand::High,
    };
    v1::RiskPoint {
        as_of: record.as_of.to_string(),
        score_time: Some(timestamp(record.scored_at)),
        model_version: record.model_version.clone(),
        risk: record.risk,
        low: record.low,
        high: record.high,
        band: band.into(),
        multiple_of_base_rate: record.multiple_of_base_rate,
        changed_facts: Vec::new(),
    }
}

/// Where an employee stands in the organisation.
pub(super) fn org_facts(org: OrgFacts) -> v1::OrgFacts {
    let OrgFacts { department, location, manager_id, job_level, critical_role, tenure_years, display_name } = org;
    v1::OrgFacts { department, location, manager_id, job_level, critical_role, tenure_years, display_name }
}

/// The facts about an employee that scopes speak of.
pub(super) fn place(org: &OrgFacts) -> crate::access::scope::Place<'_> {
    crate::access::scope::Place {
        department: org.department.as_deref(),
        location: org.location.as_deref(),
        manager_id: org.manager_id.as_deref(),
    }
}

/// The score of an employee that is in force, if the caller may see the employee; what is refused is in the audit log.
pub(super) async fn visible_score(core: &Core, passed: &Passed, employee_id: &str) -> Result<StoredScore, ApiError> {
    let scope = &passed.caller.scope;
    let score = core.store.current_score(employee_id).await?;
    match score {
        Some(score) if scope.covers(place(&score.record.org)) => Ok(score),
        None if scope.is_everybody() => {
            core.gate.record(passed, &[employee_id], "", crate::audit::Decision::Allowed).await?;
            Err(ApiError::EmployeeNotFound)
        }
        // Outside of the scope and not there at all look the same.
        _ => {
            core.gate.record(passed, &[employee_id], "", crate::audit::Decision::Denied).await?;
            Err(ApiError::NotPermitted)
        }
    }
}
