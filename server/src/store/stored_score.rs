//! Scores as they are read back.

use std::collections::HashMap;

use flight_risk_scoring::scorer::{AbstentionReason, Band, HorizonRisk};
use flight_risk_scoring::{Assessment, Day, LogOdds, Probability};
use serde::{Deserialize, Serialize};

use crate::clock::MICROS_PER_DAY;
use crate::store::db::{Row, params};
use crate::store::statement::{list, pieces, tuples};
use crate::store::{OrgFacts, Store, StoreError};

/// `to_seq` of the score in force. Written out where the partial index is to be used: both databases want the number itself.
pub(crate) const IN_FORCE: i64 = i64::MAX;
/// The columns of [`ScoreRecord`], of the table `scores` under the name `s`.
pub(crate) const RECORD_COLUMNS: &str = "s.seq, s.to_seq, s.employee_id, s.scored_at, s.as_of, s.model_version, s.band, \
     s.risk, s.low, s.high, s.multiple, s.horizon_months, s.department, s.location, s.manager_id, s.job_level, \
     s.critical_role, s.tenure_years, s.display_name";
/// How many they are.
pub(crate) const RECORD_WIDTH: usize = 19;

/// A recorded score, without what it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreRecord {
    /// Its number.
    pub seq: i64,
    /// The number of the score that replaced it; `i64::MAX` while it is in force; its own for one that never was, because a
    /// score of a later day was there already.
    pub to_seq: i64,
    /// The employee.
    pub employee_id: String,
    /// When it was recorded, in microseconds since 1970 (UTC).
    pub scored_at: i64,
    /// The day on which the facts were known.
    pub as_of: Day,
    /// Version of the model.
    pub model_version: String,
    /// How to take the risk.
    pub band: Band,
    /// Headline risk; `None` where the model abstained.
    pub risk: Option<f64>,
    /// Lower end of its interval; `None` where the model abstained.
    pub low: Option<f64>,
    /// Upper end of its interval; `None` where the model abstained.
    pub high: Option<f64>,
    /// Risk over the base rate; `None` where the model abstained.
    pub multiple_of_base_rate: Option<f64>,
    /// Months of the headline horizon; 0 for a model of a flat table.
    pub horizon_months: u32,
    /// Where the employee stood in the organisation.
    pub org: OrgFacts,
}

/// A recorded score with what it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredScore {
    /// The score.
    pub record: ScoreRecord,
    /// What the model said, to the last bit.
    pub assessment: Assessment,
    /// The packed values of the model's features; NaN where unknown.
    pub values: Vec<f64>,
}

/// A recorded score with what it came from, as far as that is still kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HeldScore {
    /// The score.
    pub(crate) record: ScoreRecord,
    /// What it came from.
    pub(crate) details: Option<Details>,
}

/// What a score came from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Details {
    /// What the model said, to the last bit.
    pub(crate) assessment: Assessment,
    /// The packed values of the model's features; NaN where unknown.
    pub(crate) values: Vec<f64>,
}

/// The number of a band in the tables.
pub(crate) fn band_number(band: Band) -> i64 {
    match band {
        Band::Abstained => 0,
        Band::Low => 1,
        Band::Elevated => 2,
        Band::High => 3,
    }
}

/// The band of a number in the tables.
pub(crate) fn band_of(number: i64) -> Result<Band, StoreError> {
    Ok(match number {
        0 => Band::Abstained,
        1 => Band::Low,
        2 => Band::Elevated,
        3 => Band::High,
        other => return Err(StoreError::Damaged(format!("a score has the band {other}"))),
    })
}

/// A day of a number in the tables.
pub(crate) fn day_of(number: i64) -> Result<Day, StoreError> {
    i32::try_from(number)
        .ok()
        .and_then(Day::from_epoch_days)
        .ok_or_else(|| StoreError::Damaged(format!("a row has the day {number}")))
}

impl ScoreRecord {
    /// A record from a row whose columns from `first` on are [`RECORD_COLUMNS`].
    pub(crate) fn read(row: &Row, first: usize) -> Result<Self, StoreError> {
        let band = band_of(row.int(first + 6)?)?;
        let answered = |value: f64| (band != Band::Abstained).then_some(value);
        Ok(Self {
            seq: row.int(first)?,
            to_seq: row.int(first + 1)?,
            employee_id: row.text(first + 2)?,
            scored_at: row.int(first + 3)?,
            as_of: day_of(row.int(first + 4)?)?,
            model_version: row.text(first + 5)?,
            band,
            risk: answered(row.real(first + 7)?),
            low: answered(row.real(first + 8)?),
            high: answered(row.real(first + 9)?),
            multiple_of_base_rate: answered(row.real(first + 10)?),
            horizon_months: u32::try_from(row.int(first + 11)?).unwrap_or(0),
            org: OrgFacts {
                department: row.opt_text(first + 12)?,
                location: row.opt_text(first + 13)?,
                manager_id: row.opt_text(first + 14)?,
                job_level: row.opt_text(first + 15)?,
                critical_role: row.opt_int(first + 16)?.map(|yes| yes != 0),
                tenure_years: row.opt_real(first + 17)?,
                display_name: row.opt_text(first + 18)?,
            },
        })
    }

    /// Whether the facts are so old at a time (microseconds since 1970) that the score should be renewed.
    pub fn is_stale(&self, now: i64, stale_after_days: u32) -> bool {
        i64::from(self.as_of.epoch_days()) < stale_before(now, stale_after_days)
    }
}

/// The day (in days since 1970) before which facts are so old at a time (microseconds since 1970) that scores should be renewed.
pub(crate) fn stale_before(now: i64, stale_after_days: u32) -> i64 {
    now.div_euclid(MICROS_PER_DAY) - i64::from(stale_after_days)
}

/// The part of an assessment that is kept as JSON; band and contributions have columns of their own.
#[derive(Serialize, Deserialize)]
struct AssessmentText {
    log_odds: LogOdds,
    risk: Probability,
    low: Probability,
    high: Probability,
    multiple: f64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    horizons: Vec<(u32, Probability, Probability, Probability)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    doubts: Vec<Doubt>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Doubt {
    TooLittleKnown { known: u32, of: u32 },
    OutsideRange { features: Vec<usize> },
}

/// The assessment as JSON, and its contributions packed.
pub(crate) fn written(assessment: &Assessment) -> Result<(String, Vec<u8>), StoreError> {
    let text = AssessmentText {
        log_odds: assessment.log_odds,
        risk: assessment.risk,
        low: assessment.low,
        high: assessment.high,
        multiple: assessment.multiple_of_base_rate,
        horizons: assessment.horizons.iter().map(|h| (h.months, h.risk, h.low, h.high)).collect(),
        doubts: assessment
            .doubts
            .iter()
            .map(|doubt| match doubt {
                AbstentionReason::TooLittleKnown { known, of } => Doubt::TooLittleKnown { known: *known, of: *of },
                AbstentionReason::OutsideRange { features } => Doubt::OutsideRange { features: features.clone() },
            })
            .collect(),
    };
    let text = serde_json::to_string(&text)
        .map_err(|error| StoreError::Damaged(format!("an assessment cannot be written: {error}")))?;
    Ok((text, packed(&assessment.contributions)))
}

fn read(text: &str, band: Band, contributions: Vec<f64>) -> Result<Assessment, StoreError> {
    let text: AssessmentText = serde_json::from_str(text)
        .map_err(|error| StoreError::Damaged(format!("an assessment cannot be read: {error}")))?;
    Ok(Assessment {
        log_odds: text.log_odds,
        risk: text.risk,
        low: text.low,
        high: text.high,
        horizons: text
            .horizons
            .into_iter()
            .map(|(months, risk, low, high)| HorizonRisk { months, risk, low, high })
            .collect(),
        multiple_of_base_rate: text.multiple,
        band,
        contributions,
        doubts: text
            .doubts
            .into_iter()
            .map(|doubt| match doubt {
                Doubt::TooLittleKnown { known, of } => AbstentionReason::TooLittleKnown { known, of },
                Doubt::OutsideRange { features } => AbstentionReason::OutsideRange { features },
            })
            .collect(),
    })
}

/// Numbers as little-endian bytes.
pub(crate) fn packed(numbers: &[f64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// Numbers from little-endian bytes.
pub(crate) fn unpacked(bytes: &[u8]) -> Vec<f64> {
    let (numbers, _) = bytes.as_chunks::<8>();
    numbers.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
}

const DETAIL_COLUMNS: &str = "d.assessment, d.feature_values, d.contributions";

fn held(row: &Row) -> Result<HeldScore, StoreError> {
    let record = ScoreRecord::read(row, 0)?;
    let details = match row.opt_text(RECORD_WIDTH)? {
        None => None,
        Some(text) => Some(details(row, &text, record.band)?),
    };
    Ok(HeldScore { record, details })
}

fn score(row: &Row) -> Result<StoredScore, StoreError> {
    let record = ScoreRecord::read(row, 0)?;
    let Details { assessment, values } = details(row, &row.text(RECORD_WIDTH)?, record.band)?;
    Ok(StoredScore { record, assessment, values })
}

/// What a score came from, of which `text` is the column that tells whether it is there.
fn details(row: &Row, text: &str, band: Band) -> Result<Details, StoreError> {
    let values = unpacked(&row.bytes(RECORD_WIDTH + 1)?);
    let contributions = unpacked(&row.bytes(RECORD_WIDTH + 2)?);
    Ok(Details { assessment: read(text, band, contributions)?, values })
}

impl Store {
    /// The score of an employee that is in force.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn current_score(&self, employee_id: &str) -> Result<Option<StoredScore>, StoreError> {
        let sql = format!(
            "SELECT {RECORD_COLUMNS}, {DETAIL_COLUMNS} FROM scores s JOIN score_details d ON d.seq = s.seq \
             WHERE s.employee_id = $1 AND s.to_seq = {IN_FORCE}"
        );
        self.db().first(&sql, params![employee_id]).await?.as_ref().map(score).transpose()
    }

    /// The scores with these numbers, in their order; those that are gone, or whose details are, are left out. A score in force has
    /// them, and one that was replaced a day ago too.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn scores(&self, numbers: &[i64]) -> Result<Vec<StoredScore>, StoreError> {
        let mut found = HashMap::with_capacity(numbers.len());
        for piece in pieces(numbers) {
            let sql = format!(
                "SELECT {RECORD_COLUMNS}, {DETAIL_COLUMNS} FROM scores s JOIN score_details d ON d.seq = s.seq \
                 WHERE s.seq IN ({})",
                list(piece.len())
            );
            for row in self.db().query(&sql, piece.iter().map(|&number| number.into()).collect()).await? {
                let score = score(&row)?;
                found.insert(score.record.seq, score);
            }
        }
        Ok(numbers.iter().filter_map(|number| found.remove(number)).collect())
    }

    /// Every recorded score of an employee, the latest first, with what it came from where that is still kept.
    pub(crate) async fn held_scores(&self, employee_id: &str) -> Result<Vec<HeldScore>, StoreError> {
        let sql = format!(
            "SELECT {RECORD_COLUMNS}, {DETAIL_COLUMNS} FROM scores s LEFT JOIN score_details d ON d.seq = s.seq \
             WHERE s.employee_id = $1 ORDER BY s.seq DESC"
        );
        self.db().query(&sql, params![employee_id]).await?.iter().map(held).collect()
    }

    /// The recorded scores of an employee with numbers below `before`, the latest first, at most `limit`.
    pub(crate) async fn history_page(
        &self,
        employee_id: &str,
        before: i64,
        limit: usize,
    ) -> Result<Vec<ScoreRecord>, StoreError> {
        let sql = format!(
            "SELECT {RECORD_COLUMNS} FROM scores s WHERE s.employee_id = $1 AND s.seq < $2 ORDER BY s.seq DESC LIMIT $3"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.db().query(&sql, params![employee_id, before, limit]).await?;
        rows.iter().map(|row| ScoreRecord::read(row, 0)).collect()
    }

    /// For each of these scores the one of the same employee that was in force before it and is of an earlier day, by the number of
    /// the later one; a score without such a one is left out.
    pub(crate) async fn previous_scores(
        &self,
        scores: &[&ScoreRecord],
    ) -> Result<HashMap<i64, ScoreRecord>, StoreError> {
        let mut previous = HashMap::with_capacity(scores.len());
        for piece in pieces(scores) {
            // Scores come into force in the order of their days: going back through the numbers ends at the first earlier day.
            let sql = format!(
                "SELECT {RECORD_COLUMNS}, v.column1 FROM (VALUES {}) AS v JOIN scores s ON s.seq = (SELECT p.seq FROM scores p \
                 WHERE p.employee_id = v.column2 AND p.seq < v.column1 AND p.as_of < v.column3 AND p.to_seq > p.seq \
                 ORDER BY p.seq DESC LIMIT 1)",
                tuples(piece.len(), 3)
            );
            let cells = piece
                .iter()
                .flat_map(|score| params![score.seq, &score.employee_id, i64::from(score.as_of.epoch_days())]);
            for row in self.db().query(&sql, cells.collect()).await? {
                previous.insert(row.int(RECORD_WIDTH)?, ScoreRecord::read(&row, 0)?);
            }
        }
        Ok(previous)
    }

    /// Every recorded score of an employee, the latest first, without what they came from.
    #[cfg(test)]
    pub(crate) async fn score_history(&self, employee_id: &str) -> Result<Vec<ScoreRecord>, StoreError> {
        self.history_page(employee_id, i64::MAX, usize::MAX).await
    }
}
