//! The hazard from which voluntary exits are drawn: what a model trained on the tables should find again.

use std::collections::BTreeMap;
use std::path::Path;

use flight_risk_scoring::Day;
use flight_risk_scoring::features::{FeatureValues, registry};
use serde::{Deserialize, Serialize};

use super::random::logistic;
use super::{GeneratorError, GeneratorOptions, PersonMonth};

/// Name of the file that holds the truth of a generated company.
pub const TRUTH_FILE: &str = "truth.json";

/// Months from one decision to the next.
pub const PERIOD_MONTHS: u32 = 1;
/// Days between a decision and the first day on which its exit can fall.
pub const BLACKOUT_DAYS: i32 = 30;

/// Log-odds per unit of a feature, in the directions that studies of turnover report: Griffeth, Hom & Gaertner 2000 and
/// Rubenstein et al. 2018 (tenure, promotion, pay, engagement, intentions), Trevor et al. 1997 (good work without pay
/// growth), Felps et al. 2009 (colleagues' exits), Hom et al. 2017 (the manager's exit as a shock).
const COEFFICIENTS: [(&str, f64); 14] = [
    ("tenure_years", -0.08),
    ("anniversary_distance_days", -0.003),
    ("first_90_days_flag", 0.6),
    ("months_since_promotion", 0.008),
    ("compa_ratio", -2.5),
    ("pay_growth_12m_percent", -0.06),
    ("performance_without_growth", 0.04),
    ("engagement_index", -1.6),
    ("engagement_intent_to_stay", -1.8),
    ("answered_last_survey_flag", -0.4),
    ("days_since_one_on_one", 0.004),
    ("recognition_received_180d_count", -0.12),
    ("manager_left_180d_flag", 0.6),
    ("teammate_exit_pressure", 0.4),
];

/// How to read the truth; written into it.
pub(super) const NOTE: &str = "log-odds of deciding to leave = intercept + sum of coefficient x feature value, where a value that is \
not known contributes 0. Features are those of the data dictionary, computed on end - k months for every k. The exit falls \
evenly on the days after (as_of + blackout_days) up to (the next as_of + blackout_days). Exits after the end are not \
written: those people are still here. Coefficients not listed are 0.";

/// Realised turnover of twelve months.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct YearlyExits {
    /// Last day of the twelve months.
    pub until: Day,
    /// Mean number of employees over the twelve months.
    pub headcount: f64,
    /// Voluntary exits / headcount.
    pub voluntary_rate: f64,
    /// All other exits / headcount.
    pub other_rate: f64,
}

/// What the generated company was drawn from; the content of `truth.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// What was asked for; the same options give the same company.
    pub options: GeneratorOptions,
    /// Months from one decision to the next.
    pub period_months: u32,
    /// Days between a decision and the first day on which its exit can fall.
    pub blackout_days: i32,
    /// How to read intercept and coefficients.
    pub note: String,
    /// Log-odds where every feature is 0 or unknown.
    pub intercept: f64,
    /// Log-odds per unit of each feature; features not listed have none.
    pub coefficients: BTreeMap<String, f64>,
    /// Realised turnover, year by year.
    pub years: Vec<YearlyExits>,
    /// Number of decisions: people times months.
    pub person_months: usize,
    /// Number of decisions to leave, those whose exit falls after the end included.
    pub decisions_to_leave: usize,
    /// Area under the ROC curve of the true monthly log-odds against the decisions: what no model can durably exceed.
    pub auc: f64,
}

impl Truth {
    /// Reads a `truth.json`.
    pub fn read(path: &Path) -> Result<Self, GeneratorError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| GeneratorError::Read { path: path.to_owned(), source })?;
        serde_json::from_str(&text).map_err(|source| GeneratorError::Truth { path: path.to_owned(), source })
    }

    /// The true log-odds that somebody with these features decides within the month to leave.
    pub fn log_odds(&self, values: &FeatureValues) -> f64 {
        let mut sum = self.intercept;
        for (spec, value) in registry().zip(values) {
            if let Some(coefficient) = self.coefficients.get(spec.name).filter(|_| !value.is_nan()) {
                sum += coefficient * value;
            }
        }
        sum
    }
}

/// The hazard, ready to be computed for many people.
#[derive(Clone, Debug)]
pub(super) struct Hazard {
    pub(super) intercept: f64,
    /// Positions in [`FeatureValues`], ascending.
    terms: Vec<(usize, f64)>,
}

impl Hazard {
    pub(super) fn new(intercept: f64) -> Self {
        let coefficient = |name: &str| COEFFICIENTS.iter().find(|c| c.0 == name).map(|c| c.1);
        let terms = registry().enumerate().filter_map(|(i, spec)| Some((i, coefficient(spec.name)?))).collect();
        Self { intercept, terms }
    }

    pub(super) fn log_odds(&self, values: &FeatureValues) -> f64 {
        let mut sum = self.intercept;
        for &(position, coefficient) in &self.terms {
            if let Some(value) = values.get(position).filter(|value| !value.is_nan()) {
                sum += coefficient * value;
            }
        }
        sum
    }

    pub(super) fn coefficients() -> BTreeMap<String, f64> {
        COEFFICIENTS.iter().map(|&(name, value)| (name.to_owned(), value)).collect()
    }
}

/// The intercept with which these person-months would have had this mean probability, by bisection.
pub(super) fn calibrated_intercept(months: &[PersonMonth], intercept: f64, mean: f64) -> f64 {
    let (mut low, mut high) = (-20.0, 20.0);
    for _ in 0..50 {
        let middle = 0.5 * (low + high);
        let total: f64 = months.iter().map(|m| logistic(m.log_odds - intercept + middle)).sum();
        if total > mean * months.len() as f64 {
            high = middle;
        } else {
            low = middle;
        }
    }
    // Rounded so that truth.json holds a number that can be read.
    (low * 10_000.0).round() / 10_000.0
}

/// Area under the ROC curve; ties count half. One half where there is no such curve.
pub(super) fn auc(months: &[PersonMonth]) -> f64 {
    let mut order: Vec<(f64, bool)> = months.iter().map(|m| (m.log_odds, m.leaves_on.is_some())).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut won) = (0.0, 0.0);
    for tied in order.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let leave = tied.iter().filter(|m| m.1).count() as f64;
        let stay = tied.len() as f64 - leave;
        won += leave * (below + 0.5 * stay);
        below += stay;
    }
    let leave = order.len() as f64 - below;
    if leave > 0.0 && below > 0.0 { won / (leave * below) } else { 0.5 }
}
