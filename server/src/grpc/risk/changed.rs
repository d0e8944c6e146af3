//! What changed in the facts from one recorded score to the next. What comes from confidential answers is left out: two scores of it
//! would tell an answer.

use std::collections::HashMap;

use flight_risk_proto::v1;

use crate::core::Core;
use crate::grpc::convert_score::{direction, feature_value};
use crate::grpc::risk::employee_risk::model_of;
use crate::grpc::status::ApiError;
use crate::store::{ScoreRecord, StoredModel, StoredScore};

/// Most facts that are told of a score.
const MOST: usize = 3;
/// Changes that move the risk by less, in log-odds, are not told: 3 % of the odds. A year that passes changes something every day.
const LEAST: f64 = 0.03;

/// Puts into the points of these records, the latest first, what changed since the score of the last earlier day among them.
pub(super) async fn tell(core: &Core, records: &[ScoreRecord], points: &mut [v1::RiskPoint]) -> Result<(), ApiError> {
    let numbers: Vec<i64> = records.iter().map(|record| record.seq).collect();
    let kept: HashMap<i64, StoredScore> =
        core.store.scores(&numbers).await?.into_iter().map(|score| (score.record.seq, score)).collect();
    for (place, (record, point)) in records.iter().zip(points).enumerate() {
        let before = records.iter().skip(place + 1).find(|before| before.as_of < record.as_of);
        let Some(before) = before.filter(|before| before.model_version == record.model_version) else { continue };
        let (Some(before), Some(now)) = (kept.get(&before.seq), kept.get(&record.seq)) else { continue };
        if before.record.risk.is_some() && now.record.risk.is_some() {
            point.changed_facts = changed(&*model_of(core, record).await?, before, now);
        }
    }
    Ok(())
}

fn changed(model: &StoredModel, before: &StoredScore, now: &StoredScore) -> Vec<v1::ChangedFact> {
    let schema = &model.schema;
    let rows = (schema.packed_row(before.values.clone()), schema.packed_row(now.values.clone()));
    let (Ok(row_before), Ok(row_now)) = rows else { return Vec::new() };
    let parts = before.assessment.contributions.iter().zip(&now.assessment.contributions);
    let mut moved: Vec<(f64, v1::ChangedFact)> = schema
        .features()
        .iter()
        .zip(parts)
        .enumerate()
        .filter_map(|(position, (feature, (part_before, part_now)))| {
            let by = part_now - part_before;
            if feature.confidential || by.abs() < LEAST {
                return None;
            }
            let (was, is) = (schema.value(&row_before, position), schema.value(&row_now, position));
            let fact = v1::ChangedFact {
                feature: feature.name.clone(),
                label: feature.label.clone(),
                before: feature_value(was.clone()),
                after: feature_value(is.clone()),
                direction: direction(by).into(),
            };
            (was != is).then_some((by, fact))
        })
        .collect();
    moved.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
    moved.into_iter().take(MOST).map(|(_, fact)| fact).collect()
}
