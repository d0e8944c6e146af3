//! Scoring everybody: a company on a day, or the rows of a flat table.

use flight_risk_data::flat::{FlatValues, ScoringTable};
use flight_risk_scoring::features::FeatureInput;
use flight_risk_scoring::schema::{FeatureRow, Schema, Value};
use flight_risk_scoring::{Assessment, Company, Day, Scorer};
use rayon::prelude::*;

/// Employees that one thread scores at a time.
const CHUNK: usize = 256;

/// One scored employee.
#[derive(Clone, Debug)]
pub struct Scored {
    /// Position in the company's histories, or row of the table.
    pub employee: usize,
    /// The values that were scored.
    pub row: FeatureRow,
    /// What the model says.
    pub assessment: Assessment,
}

/// Scores everybody employed and still observed on a day, in the order of the histories. Nobody is scored when the model was
/// trained on a flat table.
pub fn score_company(scorer: &Scorer, company: &Company, as_of: Day) -> Vec<Scored> {
    let teams = company.teams_on(as_of);
    let present: Vec<usize> = company
        .histories()
        .iter()
        .enumerate()
        .filter(|(_, h)| h.employed_on(as_of) && h.observed_until().is_none_or(|until| until >= as_of))
        .map(|(employee, _)| employee)
        .collect();
    present
        .par_chunks(CHUNK)
        .flat_map_iter(|chunk| {
            chunk.iter().filter_map(|&employee| {
                let history = company.histories().get(employee)?;
                let team = teams.context(employee);
                let row = scorer.row(&FeatureInput { history, team: &team, coverage: company.coverage(), as_of })?;
                Some(Scored { employee, assessment: scorer.score(&row), row })
            })
        })
        .collect()
}

/// Scores the rows of a table that has the model's columns.
pub fn score_table(scorer: &Scorer, table: &ScoringTable) -> Vec<Scored> {
    let features = scorer.schema().features();
    let columns: Vec<Option<&FlatValues>> = features
        .iter()
        .map(|feature| table.columns.iter().find(|column| column.name == feature.name).map(|column| &column.values))
        .collect();
    let rows: Vec<usize> = (0..table.ids.len()).collect();
    rows.par_chunks(CHUNK)
        .flat_map_iter(|chunk| {
            chunk.iter().filter_map(|&employee| {
                let packed = features.iter().zip(&columns).map(|(feature, column)| {
                    let value = match column {
                        Some(FlatValues::Numeric(values)) => {
                            return values.get(employee).copied().unwrap_or(f64::NAN);
                        }
                        Some(FlatValues::Categorical(cells)) => {
                            cells.get(employee).cloned().flatten().map_or(Value::Unknown, Value::Level)
                        }
                        None => Value::Unknown,
                    };
                    Schema::pack_value(feature, &value).unwrap_or(f64::NAN)
                });
                let row = scorer.schema().packed_row(packed.collect()).ok()?;
                Some(Scored { employee, assessment: scorer.score(&row), row })
            })
        })
        .collect()
}
