//! Recording scores: the score itself, what it came from, the one that it replaces, and what is to be told of it.

use std::collections::{HashMap, HashSet};

use flight_risk_scoring::artifact::Target;
use flight_risk_scoring::schema::FeatureRow;
use flight_risk_scoring::scorer::Band;
use flight_risk_scoring::{Assessment, Day, Scorer};

use crate::store::changes::{self, Change, Point, Told, judged};
use crate::store::db::{Param, Tx, params};
use crate::store::org_facts::folded;
use crate::store::risk_sums::{SUMMED_COLUMNS, SumChanges};
use crate::store::statement::{list, pieces, tuples};
use crate::store::stored_score::{IN_FORCE, RECORD_COLUMNS, RECORD_WIDTH, band_number, packed, written};
use crate::store::{OrgFacts, ScoreRecord, Store, StoreError, Telling, exits, models};

/// Risk, interval and multiple of a score where the model abstained, so that it sorts last.
const NO_ANSWER: f64 = -1.0;

/// Columns of the table of scores: those of a record, and the name as it is searched for.
const WIDTH: usize = RECORD_WIDTH + 1;

/// A score to be recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct NewScore {
    /// The employee.
    pub employee_id: String,
    /// The day on which the facts were known.
    pub as_of: Day,
    /// When it is recorded, in microseconds since 1970 (UTC): [`now_micros`](crate::store::now_micros).
    pub scored_at: i64,
    /// The values that were scored.
    pub row: FeatureRow,
    /// What the model said of them.
    pub assessment: Assessment,
    /// Where the employee stands in the organisation.
    pub org: OrgFacts,
}

/// The score of an employee that is in force.
#[derive(Clone)]
struct Current {
    seq: i64,
    as_of: i64,
    /// What the sums have of it: department, location and risk, where it is not one of the new scores.
    summed: (Option<String>, Option<String>, f64),
    /// Its place among the new scores, if it is one of them.
    new: Option<usize>,
}

impl Store {
    /// Records scores of one model, all of them or none. Each replaces the employee's score in force, unless that is of a later
    /// day: then it goes to the history only.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not do it; then nothing is recorded.
    pub async fn record_scores(
        &self,
        scorer: &Scorer,
        scores: &[NewScore],
        telling: Telling,
    ) -> Result<(), StoreError> {
        if scores.is_empty() {
            return Ok(());
        }
        let mut tx = self.db().begin().await?;
        record(&mut tx, scorer, scores, telling).await?;
        tx.commit().await
    }
}

impl Store {
    /// Where these employees stand by their scores in force; those without one are left out.
    pub(crate) async fn places(&self, employees: &[&str]) -> Result<Vec<(String, OrgFacts)>, StoreError> {
        let mut places = Vec::with_capacity(employees.len());
        for piece in pieces(employees) {
            let sql = format!(
                "SELECT {RECORD_COLUMNS} FROM scores s WHERE s.employee_id IN ({}) AND s.to_seq = {IN_FORCE}",
                list(piece.len())
            );
            for row in self.db().query(&sql, piece.iter().map(|&id| id.into()).collect()).await? {
                let record = ScoreRecord::read(&row, 0)?;
                places.push((record.employee_id, record.org));
            }
        }
        Ok(places)
    }
}

/// Records scores within a transaction.
async fn record(tx: &mut Tx, scorer: &Scorer, scores: &[NewScore], telling: Telling) -> Result<(), StoreError> {
    models::keep(tx, scorer).await?;
    // From here on nobody else records: what is read below stays true.
    let first = tx.next_numbers("score", scores.len() as i64).await?;
    let employees: HashSet<&str> = scores.iter().map(|score| score.employee_id.as_str()).collect();
    let mut employees: Vec<&str> = employees.into_iter().collect();
    employees.sort_unstable();
    let mut current = in_force(tx, &employees).await?;
    let exits = exits::known_exits(tx, &employees).await?;
    let mut told: HashMap<String, Told> = changes::told(tx, &employees).await?.into_iter().collect();
    let mut told_anew = HashSet::new();
    let mut to_seqs = vec![IN_FORCE; scores.len()];
    let mut replaced = Vec::new();
    let mut changes = Vec::new();
    let mut sums = SumChanges::default();
    for (index, (score, seq)) in scores.iter().zip(first..).enumerate() {
        let as_of = i64::from(score.as_of.epoch_days());
        let former = current.get(&score.employee_id);
        // Who left is not brought back by a score of a day before the exit, nor by one from before it was reported.
        let gone =
            exits.get(&score.employee_id).is_some_and(|exit| as_of <= exit.day || score.scored_at <= exit.reported_at);
        if gone || former.is_some_and(|former| former.as_of > as_of) {
            if let Some(to_seq) = to_seqs.get_mut(index) {
                *to_seq = seq;
            }
            continue;
        }
        match former {
            Some(&Current { new: Some(earlier), .. }) => {
                if let Some(to_seq) = to_seqs.get_mut(earlier) {
                    *to_seq = seq;
                }
                if let Some(earlier) = scores.get(earlier) {
                    let risk = shown(earlier, earlier.assessment.risk.get());
                    sums.leave(earlier.org.department.as_deref(), earlier.org.location.as_deref(), risk);
                }
            }
            Some(former) => {
                replaced.push((former.seq, seq));
                let (department, location, risk) = &former.summed;
                sums.leave(department.as_deref(), location.as_deref(), *risk);
            }
            None => {}
        }
        let risk = shown(score, score.assessment.risk.get());
        sums.enter(score.org.department.as_deref(), score.org.location.as_deref(), risk);
        let summed = (None, None, NO_ANSWER);
        current.insert(score.employee_id.clone(), Current { seq, as_of, summed, new: Some(index) });
        let point = Point { seq, band: score.assessment.band, risk };
        let before = told.get(&score.employee_id).copied();
        let (kind, after) = judged(before, point, score.scored_at, telling);
        if let Some(kind) = kind {
            changes.push(Change {
                employee_id: score.employee_id.clone(),
                changed_at: score.scored_at,
                kind,
                previous_seq: before.map(|before| before.point.seq),
                current_seq: seq,
            });
        }
        if before != Some(after) {
            told.insert(score.employee_id.clone(), after);
            told_anew.insert(score.employee_id.as_str());
        }
    }
    sums.keep(tx).await?;
    replace(tx, &replaced).await?;
    insert(tx, scorer, scores, &to_seqs, first).await?;
    let mut told_anew: Vec<(&str, Told)> =
        told_anew.into_iter().filter_map(|id| told.get(id).map(|told| (id, *told))).collect();
    told_anew.sort_unstable_by_key(|(id, _)| *id);
    changes::keep_told(tx, &told_anew).await?;
    changes::tell(tx, &changes).await
}

/// A number of a score as it is kept: none where the model abstained.
fn shown(score: &NewScore, number: f64) -> f64 {
    if score.assessment.band == Band::Abstained { NO_ANSWER } else { number }
}

async fn in_force(tx: &mut Tx, employees: &[&str]) -> Result<HashMap<String, Current>, StoreError> {
    let mut current = HashMap::with_capacity(employees.len());
    for piece in pieces(employees) {
        let sql = format!(
            "SELECT employee_id, seq, as_of, {SUMMED_COLUMNS} FROM scores WHERE employee_id IN ({}) AND to_seq = {IN_FORCE}",
            list(piece.len())
        );
        for row in tx.query(&sql, piece.iter().map(|&id| id.into()).collect()).await? {
            let summed = (row.opt_text(3)?, row.opt_text(4)?, row.real(5)?);
            current.insert(row.text(0)?, Current { seq: row.int(1)?, as_of: row.int(2)?, summed, new: None });
        }
    }
    Ok(current)
}

/// Ends the force of scores: pairs of their number and that of the score in their place.
async fn replace(tx: &mut Tx, replaced: &[(i64, i64)]) -> Result<(), StoreError> {
    for piece in pieces(replaced) {
        let sql = format!(
            "UPDATE scores SET to_seq = v.column2 FROM (VALUES {}) AS v WHERE scores.seq = v.column1",
            tuples(piece.len(), 2)
        );
        tx.execute(&sql, piece.iter().flat_map(|&(seq, to_seq)| params![seq, to_seq]).collect()).await?;
    }
    Ok(())
}

async fn insert(
    tx: &mut Tx,
    scorer: &Scorer,
    scores: &[NewScore],
    to_seqs: &[i64],
    first: i64,
) -> Result<(), StoreError> {
    let model_version = scorer.artifact().model_version();
    let horizon_months = match scorer.artifact().content().target {
        Target::Hazard { risk_horizon_months, .. } => risk_horizon_months,
        Target::SinglePeriod { .. } => 0,
    };
    let rows: Vec<(i64, i64, &NewScore)> =
        scores.iter().zip(to_seqs).zip(first..).map(|((score, to_seq), seq)| (seq, *to_seq, score)).collect();
    for piece in pieces(&rows) {
        let sql = format!(
            "INSERT INTO scores (seq, to_seq, employee_id, scored_at, as_of, model_version, band, risk, low, high, multiple, \
             horizon_months, department, location, manager_id, job_level, critical_role, tenure_years, display_name, \
             display_key) VALUES {}",
            tuples(piece.len(), WIDTH)
        );
        let mut cells: Vec<Param> = Vec::with_capacity(piece.len() * WIDTH);
        for (seq, to_seq, score) in piece {
            let NewScore { employee_id, as_of, scored_at, assessment, org, .. } = score;
            cells.extend(params![
                *seq,
                *to_seq,
                employee_id,
                *scored_at,
                i64::from(as_of.epoch_days()),
                model_version,
                band_number(assessment.band),
                shown(score, assessment.risk.get()),
                shown(score, assessment.low.get()),
                shown(score, assessment.high.get()),
                shown(score, assessment.multiple_of_base_rate),
                horizon_months,
                org.department.as_deref(),
                org.location.as_deref(),
                org.manager_id.as_deref(),
                org.job_level.as_deref(),
                org.critical_role,
                org.tenure_years,
                org.display_name.as_deref(),
                org.display_name.as_deref().map(folded),
            ]);
        }
        tx.execute(&sql, cells).await?;
        let sql = format!(
            "INSERT INTO score_details (seq, assessment, feature_values, contributions) VALUES {}",
            tuples(piece.len(), 4)
        );
        let mut cells: Vec<Param> = Vec::with_capacity(piece.len() * 4);
        for (seq, _, score) in piece {
            let (assessment, contributions) = written(&score.assessment)?;
            cells.extend(params![*seq, assessment, packed(score.row.values()), contributions]);
        }
        tx.execute(&sql, cells).await?;
    }
    Ok(())
}
