//! How good a model proved on data it had not seen: plain records, computed by the trainer, shown by everyone.

use serde::{Deserialize, Serialize};

/// The quality of predicted probabilities against what happened. Every figure stands beside that of the base-rate model,
/// which gives everybody the training data's rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quality {
    /// Rows judged.
    pub rows: u64,
    /// Rows with a voluntary exit.
    pub events: u64,
    /// Share of rows with a voluntary exit, 0 to 1.
    pub observed_rate: f64,
    /// Mean predicted probability.
    pub mean_predicted: f64,
    /// Mean negative log-likelihood in nats; lower is better.
    pub log_loss: f64,
    /// The same of the base-rate model.
    pub log_loss_base_rate: f64,
    /// Area under the ROC curve; 0.5 is chance. `None` when all rows are of one class.
    pub auc: Option<f64>,
    /// Average precision; chance is `observed_rate`. `None` when all rows are of one class.
    pub average_precision: Option<f64>,
    /// Mean squared error of the probabilities; lower is better.
    pub brier: f64,
    /// The same of the base-rate model.
    pub brier_base_rate: f64,
    /// Mean absolute difference of predicted and observed rate over ten groups of equal size, ordered by prediction.
    pub calibration_error: f64,
    /// What a list of the riskiest finds.
    pub lift: Vec<ListLift>,
    /// Predicted and observed rate in ten groups of equal size, ordered by prediction.
    pub reliability: Vec<ReliabilityGroup>,
}

/// What a list of the riskiest of a given length finds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListLift {
    /// Rows on the list.
    pub length: u64,
    /// Leavers expected among them by the model.
    pub expected: f64,
    /// Leavers among them.
    pub found: u64,
    /// Their rate as a multiple of the rate of all.
    pub lift: f64,
}

/// One group of a reliability curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReliabilityGroup {
    /// Rows in the group.
    pub rows: u64,
    /// Mean predicted probability.
    pub predicted: f64,
    /// Observed rate.
    pub observed: f64,
}

/// How the rows that judge the model were set apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Split {
    /// Trained on periods before a day, judged on those from it on.
    ByTime {
        /// The first day or time label of the judged rows.
        from: String,
    },
    /// Cross-validation: every row judged by a model that saw neither it, nor its group, nor a duplicate of it.
    CrossValidation {
        /// Number of folds.
        folds: u32,
    },
}

/// The report of an evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// How the judged rows were set apart.
    pub split: Split,
    /// Quality per row (employee-period, or row of a flat table).
    pub rows: Quality,
    /// Quality of the risk at the headline horizon, one row per employee on the first judged day that can be followed for the
    /// whole horizon; `None` where there is no such day or no horizon.
    pub horizon: Option<HorizonQuality>,
}

/// Quality at one horizon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HorizonQuality {
    /// Length of the horizon in months.
    pub months: u32,
    /// The day on which the scored facts were known.
    pub as_of: String,
    /// Employees who could not be followed to the end of the horizon because they left otherwise or were lost; left out.
    pub censored: u64,
    /// Quality of the risk.
    pub quality: Quality,
}
