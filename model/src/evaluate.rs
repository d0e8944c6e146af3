//! Judging a finished model on labelled data, and against a known truth where there is one.

use flight_risk_data::NativeData;
use flight_risk_data::flat::FlatTable;
use flight_risk_data::generate::Truth;
use flight_risk_scoring::effects::OwnCovariance;
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
    /// The model's coefficient; `None` when it does not use the feature, or not as a number. Of a curve it is
    /// the slope of the straight line that fits it best.
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
    let mut projections = std::collections::HashMap::new();
    for (position, (feature, encoding)) in content.features.iter().zip(&content.encodings).enumerate() {
        let columns = start..start + encoding.width();
        start = columns.end;
        let means = content.reference.column_means.get(columns.clone()).unwrap_or_default();
        if let Some(projection) = per_unit(encoding, means) {
            let covariance = OwnCovariance::of(content, position, columns.start);
            projections.insert(feature.name.as_str(), (columns, covariance, projection));
        }
    }
    let slope = content.calibration.slope;
    let coefficients = truth
        .coefficients
        .iter()
        .map(|(feature, &truth)| {
            let estimate = projections.get(feature.as_str()).map(|(columns, covariance, projection)| {
                let weights = content.coefficients.get(columns.clone()).unwrap_or_default();
                let value: f64 = weights.iter().zip(projection).map(|(weight, a)| weight * a).sum();
                let ways = || projection.iter().enumerate();
                let variance: f64 =
                    ways().map(|(i, a)| ways().map(|(j, b)| a * b * covariance.at(i, j)).sum::<f64>()).sum();
                (slope * value, Z_90 * slope * variance.max(0.0).sqrt())
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

/// What to multiply the coefficients of a numeric feature's columns with for its effect per unit, where that is a straight line;
/// for a curve, the slope of the line that fits it best over the people that the model learned from. `None` for levels.
fn per_unit(encoding: &Encoding, means: &[f64]) -> Option<Vec<f64>> {
    match encoding {
        Encoding::Standardised { scale, .. } => Some(vec![1.0 / scale]),
        Encoding::LogStandardised { mean, scale, .. } => {
            // Regression of ln(1 + x) on x where the logarithm is normal with this mean and deviation.
            let square = scale * scale;
            Some(vec![scale / ((mean + square / 2.0).exp() * square.exp_m1())])
        }
        Encoding::Spline { knots, .. } => {
            // A knot stands for as many people as its column's mean says.
            let total: f64 = knots.iter().zip(means).map(|(_, w)| w).sum();
            let centre = knots.iter().zip(means).map(|(x, w)| x * w).sum::<f64>() / total;
            let spread: f64 = knots.iter().zip(means).map(|(x, w)| w * (x - centre).powi(2)).sum();
            (spread > 0.0).then(|| knots.iter().zip(means).map(|(x, w)| w * (x - centre) / spread).collect())
        }
        Encoding::OneHot { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_of_a_straight_curve_is_found_however_its_knots_lie() {
        let knots = vec![1.0, 2.0, 5.0, 20.0];
        let effects: Vec<f64> = knots.iter().map(|x| 3.0 - 0.5 * x).collect();
        let curve = Encoding::Spline { knots, unknown: true };
        // The last mean is that of unknown values, which have no place on a line.
        for means in [[0.25, 0.25, 0.25, 0.25, 0.0], [0.1, 0.5, 0.2, 0.05, 0.15]] {
            let slope = per_unit(&curve, &means).map(|a| a.iter().zip(&effects).map(|(a, b)| a * b).sum::<f64>());
            assert!(slope.is_some_and(|slope| (slope + 0.5).abs() < 1e-12), "{slope:?}");
        }
        let everybody_alike = per_unit(&curve, &[0.0, 1.0, 0.0, 0.0, 0.0]);
        assert_eq!(everybody_alike, None);
    }

    #[test]
    fn a_logarithm_has_the_slope_of_the_line_through_its_values() {
        // ln(1 + x) at the middles of 2,000 equally likely parts of a normal distribution (Box & Muller on a grid).
        let (mean, scale) = (1.0, 0.4);
        let part = |i: i32| (f64::from(i) + 0.5) / 200.0;
        let normal = (0..200).flat_map(|i| {
            (0..200).map(move |j| (-2.0 * part(i).ln()).sqrt() * (2.0 * std::f64::consts::PI * part(j)).cos())
        });
        let z: Vec<f64> = normal.collect();
        let x: Vec<f64> = z.iter().map(|z| (mean + scale * z).exp_m1()).collect();
        let count = x.len() as f64;
        let centre = x.iter().sum::<f64>() / count;
        let slope = x.iter().zip(&z).map(|(x, z)| (x - centre) * z).sum::<f64>()
            / x.iter().map(|x| (x - centre).powi(2)).sum::<f64>();
        let found = per_unit(&Encoding::LogStandardised { mean, scale, unknown: false }, &[0.0]);
        assert!(found.as_ref().is_some_and(|a| (a[0] / slope - 1.0).abs() < 0.01), "{found:?} beside {slope}");
    }
}
