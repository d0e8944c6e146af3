//! Judging a finished model on labelled data, and against a known truth where there is one.

use flight_risk_data::NativeData;
use flight_risk_data::flat::FlatTable;
use flight_risk_data::generate::Truth;
use flight_risk_scoring::encoding::Encoding;
use flight_risk_scoring::features::FeatureValues;
use flight_risk_scoring::metrics::{HorizonQuality, Quality};
use flight_risk_scoring::scorer::Z_90;
use flight_risk_scoring::{LogOdds, Scorer};
use rayon::prelude::*;

use crate::bulk::score_table;
use crate::config::TrainingPlan;
use crate::metrics::{auc, quality};
use crate::pipeline::{TrainError, judge_horizon};
use crate::snapshots::snapshots;

/// How a model does on labelled data.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Evaluation {
    /// Quality per row.
    pub rows: Quality,
    /// Quality of the headline risk, from the last day that can be followed for the whole horizon.
    pub horizon: Option<HorizonQuality>,
    /// Beside the known truth of a generated company.
    pub truth: Option<TruthComparison>,
}

/// A model beside the hazard from which a generated company's exits were drawn.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct TruthComparison {
    /// AUC of the model per row.
    pub auc_model: Option<f64>,
    /// AUC of the true hazard per row: no model can be expected to do better.
    pub auc_truth: Option<f64>,
    /// Mean absolute difference of predicted and true hazard over the mean true hazard.
    pub relative_error: f64,
    /// Every coefficient of the truth.
    pub coefficients: Vec<RecoveredCoefficient>,
}

/// One coefficient of the truth and what the model made of it, in log-odds per unit of the feature.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct RecoveredCoefficient {
    /// Name of the feature.
    pub feature: String,
    /// The coefficient from which exits were drawn.
    pub truth: f64,
    /// The model's coefficient; `None` when it does not use the feature, or not as a straight line.
    pub estimate: Option<f64>,
    /// Lower end of its 90 % interval.
    pub low: Option<f64>,
    /// Upper end of its 90 % interval.
    pub high: Option<f64>,
}

/// Judges a model on the histories of a company.
///
/// # Errors
/// When the data give no labelled row.
pub fn evaluate_native(
    data: &NativeData,
    scorer: &Scorer,
    plan: &TrainingPlan,
    truth: Option<&Truth>,
) -> Result<Evaluation, TrainError> {
    let snapshots = snapshots(&data.company, plan);
    if snapshots.rows.is_empty() {
        return Err(TrainError::NoRows("no labelled employee-period in these records".to_owned()));
    }
    let hazard = |values: &FeatureValues| {
        scorer.row_of(values).map_or(f64::NAN, |row| scorer.score(&row).log_odds.probability().get())
    };
    let predicted: Vec<f64> = snapshots.rows.par_iter().map(|row| hazard(&row.values)).collect();
    let events: Vec<bool> = snapshots.rows.iter().map(|row| row.event).collect();
    let rows = quality(&events, &predicted, scorer.artifact().content().base_rates.period, &plan.list_lengths);
    let horizon_start = snapshots.grid.as_of(plan.risk_horizon_months / plan.period_months);
    let horizon = judge_horizon(data, scorer, horizon_start, &plan.list_lengths);
    let truth = truth.map(|truth| {
        let true_hazards: Vec<f64> =
            snapshots.rows.iter().map(|row| LogOdds(truth.log_odds(&row.values)).probability().get()).collect();
        compare(scorer, truth, &events, &predicted, &true_hazards)
    });
    Ok(Evaluation { rows, horizon, truth })
}

/// Judges a model on a labelled flat table.
///
/// # Errors
/// When the table lacks columns of the model.
pub fn evaluate_flat(
    labelled: &FlatTable,
    scoring: &flight_risk_data::flat::ScoringTable,
    scorer: &Scorer,
    list_lengths: &[u32],
) -> Evaluation {
    let predicted: Vec<f64> = score_table(scorer, scoring).iter().map(|s| s.assessment.risk.get()).collect();
    let base_rate = scorer.artifact().content().base_rates.period;
    Evaluation { rows: quality(&labelled.target, &predicted, base_rate, list_lengths), horizon: None, truth: None }
}

fn compare(
    scorer: &Scorer,
    truth: &Truth,
    events: &[bool],
    predicted: &[f64],
    true_hazards: &[f64],
) -> TruthComparison {
    let content = scorer.artifact().content();
    let mut start = 0;
    let mut starts = std::collections::HashMap::new();
    for (feature, encoding) in content.features.iter().zip(&content.encodings) {
        if let Encoding::Standardised { scale, .. } = encoding {
            starts.insert(feature.name.as_str(), (start, *scale));
        }
        start += encoding.width();
    }
    let slope = content.calibration.slope;
    let coefficients = truth
        .coefficients
        .iter()
        .map(|(feature, &truth)| {
            let estimate = starts.get(feature.as_str()).and_then(|&(column, scale)| {
                // The intercept is first in the covariance; row r of a packed lower triangle ends with its diagonal.
                let diagonal = (column + 1) * (column + 4) / 2;
                let error = slope * content.covariance.get(diagonal)?.max(0.0).sqrt() / scale;
                Some((slope * content.coefficients.get(column)? / scale, Z_90 * error))
            });
            RecoveredCoefficient {
                feature: feature.clone(),
                truth,
                estimate: estimate.map(|e| e.0),
                low: estimate.map(|e| e.0 - e.1),
                high: estimate.map(|e| e.0 + e.1),
            }
        })
        .collect();
    let count = events.len().max(1) as f64;
    let difference: f64 = predicted.iter().zip(true_hazards).map(|(p, t)| (p - t).abs()).sum::<f64>() / count;
    let mean = true_hazards.iter().sum::<f64>() / count;
    TruthComparison {
        auc_model: auc(events, predicted),
        auc_truth: auc(events, true_hazards),
        relative_error: difference / mean,
        coefficients,
    }
}
