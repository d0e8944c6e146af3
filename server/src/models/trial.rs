//! The trial run of a model: before it serves it must have answered.

use flight_risk_scoring::Scorer;
use flight_risk_scoring::schema::{FeatureKind, FeatureRow, Value};

/// Largest difference between a score and the sum of its parts that is rounding, in log-odds.
const ROUNDING: f64 = 1e-6;

/// Why a model does not stand the trial.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrialError {
    /// It does not take the rows that its own schema describes.
    #[error("model {version} does not accept its own schema; train again")]
    Schema {
        /// Version of the model.
        version: String,
    },
    /// What it says is no probability.
    #[error("model {version} gives no probability for an employee about whom {known} is known; train again")]
    NoProbability {
        /// Version of the model.
        version: String,
        /// What the trial's employee has.
        known: &'static str,
    },
    /// Its factors do not make its score.
    #[error("the factors of model {version} do not add up to its score; train again")]
    Factors {
        /// Version of the model.
        version: String,
    },
}

/// Scores an employee about whom nothing is known and a typical one, so that the first client meets neither a model that cannot
/// score nor cold memory.
pub(crate) fn trial(scorer: &Scorer) -> Result<(), TrialError> {
    let version = || scorer.artifact().model_version().to_owned();
    let nothing: [(&str, &Value); 0] = [];
    let unknown = scorer.schema().row(nothing).map_err(|_| TrialError::Schema { version: version() })?;
    let typical: Vec<(&str, Value)> = scorer
        .schema()
        .features()
        .iter()
        .map(|feature| {
            let value = match &feature.kind {
                FeatureKind::Numeric { typical, .. } => Value::Number(*typical),
                FeatureKind::Categorical { typical, .. } => Value::Level(typical.clone()),
            };
            (feature.name.as_str(), value)
        })
        .collect();
    let typical = scorer
        .schema()
        .row(typical.iter().map(|(name, value)| (*name, value)))
        .map_err(|_| TrialError::Schema { version: version() })?;
    answers(scorer, &unknown, "nothing")?;
    answers(scorer, &typical, "what is typical")
}

fn answers(scorer: &Scorer, row: &FeatureRow, known: &'static str) -> Result<(), TrialError> {
    let version = || scorer.artifact().model_version().to_owned();
    let assessment = scorer.score(row);
    let numbers = [assessment.log_odds.0, assessment.risk.get(), assessment.low.get(), assessment.high.get()];
    if !numbers.iter().all(|number| number.is_finite()) {
        return Err(TrialError::NoProbability { version: version(), known });
    }
    let sum = scorer.reference_log_odds().0 + assessment.contributions.iter().sum::<f64>();
    if (sum - assessment.log_odds.0).abs() > ROUNDING {
        return Err(TrialError::Factors { version: version() });
    }
    Ok(())
}
