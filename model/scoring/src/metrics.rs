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
    /// The ROC curve: false positive rate across, true positive rate up, from (0, 0) to (1, 1). Empty when all rows are of one
    /// class.
    pub roc: Vec<CurvePoint>,
    /// The precision-recall curve: recall across, precision up, to recall 1; chance is a line at `observed_rate`. Empty when all
    /// rows are of one class.
    pub precision_recall: Vec<CurvePoint>,
}

/// One point of a curve over all thresholds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurvePoint {
    /// Across.
    pub x: f64,
    /// Up.
    pub y: f64,
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
    /// Whether the model may be used, and why not.
    pub verdict: Verdict,
    /// What was done against leaks, and what looks like one.
    pub guards: Vec<Guard>,
    /// The judged rows period by period, ascending, all judged by one model; empty where the split is not in time.
    pub stability: Vec<PeriodQuality>,
    /// Walking forward: each period judged by a model that saw only earlier ones, ascending; empty where nobody asked for it.
    pub backtest: Vec<PeriodQuality>,
}

/// Whether a model may be used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// Whether nothing speaks against it.
    pub publishable: bool,
    /// What speaks against it; empty exactly when it is publishable.
    pub reasons: Vec<WeakReason>,
    /// Whether it was written all the same because the analyst asked for it.
    pub allowed_weak: bool,
    /// The tests against the base rate, on rows that the judging model had not seen.
    pub evidence: Vec<Evidence>,
    /// Voluntary exits among the training rows.
    pub events: u64,
    /// Parameters that the fit really has, after its penalty.
    pub effective_parameters: f64,
}

impl Verdict {
    /// Whether unseen rows show that the model ranks better than chance or predicts better than the base rate.
    pub fn beats_base_rate(&self) -> bool {
        !self.reasons.iter().any(|reason| matches!(reason, WeakReason::NoBetterThanBaseRate))
    }
}

/// What speaks against the use of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum WeakReason {
    /// On rows that it had not seen it is no better than giving everybody the base rate.
    NoBetterThanBaseRate,
    /// There are fewer voluntary exits than a usable model needs.
    FewEvents {
        /// The least.
        least: u64,
    },
    /// There are fewer voluntary exits per effective parameter than a usable model needs.
    FewEventsPerParameter {
        /// The least.
        least: f64,
    },
}

/// One test of a model against the base rate. Standard errors are clustered by employee.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// How the rows were set apart.
    pub split: Split,
    /// Voluntary exits among the rows.
    pub events: u64,
    /// Area under the ROC curve; `None` when all rows are of one class.
    pub auc: Option<f64>,
    /// Its standard error.
    pub auc_standard_error: Option<f64>,
    /// Mean log-loss of the base rate less that of the model: what the model gains per row.
    pub log_loss_gain: f64,
    /// Its standard error.
    pub log_loss_gain_standard_error: f64,
    /// Whether one of the two is above chance by more than noise makes it.
    pub passed: bool,
}

/// Something that is done against leaks of the outcome into the features, or from judged rows into the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// What it is about.
    pub kind: GuardKind,
    /// What it found.
    pub finding: GuardFinding,
    /// How many rows, employees or features it concerns.
    pub count: u64,
    /// The features concerned.
    pub features: Vec<String>,
    /// The same in words, with what to do.
    pub text: String,
}

/// What a guard is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardKind {
    /// Rows that are equal to others.
    ExactDuplicates,
    /// Several rows of one employee.
    OneEmployee,
    /// One feature that tells almost by itself who left.
    SingleFeature,
    /// Facts dated after the day on which they are used.
    LaterFacts,
    /// Facts of the last days before an exit.
    Blackout,
    /// Features from confidential answers, too few to hide each other.
    ConfidentialAnswers,
}

/// What a guard found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardFinding {
    /// It holds.
    Kept,
    /// Somebody should look.
    Suspected,
    /// It cannot be told from this data.
    CannotTell,
}

/// One period of time, judged by a model that had not seen it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeriodQuality {
    /// First day or time label of its rows.
    pub from: String,
    /// Last day or time label of its rows.
    pub until: String,
    /// Rows that the model learned from.
    pub trained_rows: u64,
    /// Voluntary exits among them.
    pub trained_events: u64,
    /// Rows judged.
    pub rows: u64,
    /// Voluntary exits among them.
    pub events: u64,
    /// Rate of the training rows.
    pub base_rate: f64,
    /// Mean predicted probability.
    pub mean_predicted: f64,
    /// Share of judged rows with a voluntary exit.
    pub observed_rate: f64,
    /// Area under the ROC curve; `None` when all rows are of one class.
    pub auc: Option<f64>,
    /// Mean negative log-likelihood in nats; lower is better.
    pub log_loss: f64,
    /// The same of the base-rate model.
    pub log_loss_base_rate: f64,
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
