//! What is kept of every model that scored, so that a stored score can be told after its model is gone.

use std::sync::{Arc, PoisonError};

use flight_risk_scoring::Scorer;
use flight_risk_scoring::schema::{Schema, SourceFeature};

use crate::store::db::{Tx, params};
use crate::store::{Store, StoreError};

/// What is kept of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredModel {
    /// Its features.
    pub schema: Schema,
    /// The base rate at its headline horizon.
    pub base_rate: f64,
    /// Log-odds of the population from which its contributions are measured.
    pub reference_log_odds: f64,
}

/// Keeps what is needed of a model, once.
pub(crate) async fn keep(tx: &mut Tx, scorer: &Scorer) -> Result<(), StoreError> {
    let version = scorer.artifact().model_version();
    let known = "SELECT 1 FROM model_schemas WHERE model_version = $1";
    if tx.first(known, params![version]).await?.is_some() {
        return Ok(());
    }
    let features = serde_json::to_string(scorer.schema().features())
        .map_err(|error| StoreError::Damaged(format!("a model's features cannot be written: {error}")))?;
    tx.execute(
        "INSERT INTO model_schemas (model_version, schema, base_rate, reference_log_odds) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (model_version) DO NOTHING",
        params![version, features, scorer.base_rate(), scorer.reference_log_odds().0],
    )
    .await?;
    Ok(())
}

impl Store {
    /// What is kept of a model that scored; `None` when none of this version ever did.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn model(&self, version: &str) -> Result<Option<Arc<StoredModel>>, StoreError> {
        // A version never changes what it means, so what was read once is good for ever.
        let known = self.models().lock().unwrap_or_else(PoisonError::into_inner).get(version).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let sql = "SELECT schema, base_rate, reference_log_odds FROM model_schemas WHERE model_version = $1";
        let Some(row) = self.db().first(sql, params![version]).await? else { return Ok(None) };
        let features: Vec<SourceFeature> = serde_json::from_str(&row.text(0)?)
            .map_err(|error| StoreError::Damaged(format!("the features of model {version} cannot be read: {error}")))?;
        let model = Arc::new(StoredModel {
            schema: Schema::new(features),
            base_rate: row.real(1)?,
            reference_log_odds: row.real(2)?,
        });
        self.models().lock().unwrap_or_else(PoisonError::into_inner).insert(version.to_owned(), Arc::clone(&model));
        Ok(Some(model))
    }
}
