//! A company whose hazard is known: training finds the coefficients from which its exits were drawn.

use std::collections::BTreeMap;

use flight_risk_scoring::artifact::FILE_NAME;
use flight_risk_scoring::encoding::Encoding;
use serde_json::Value;

use crate::parity::scorer;
use crate::support::{flight_risk, generate, new_folder};

/// Standard errors on each side of a 90 % interval.
const Z_90: f64 = 1.644_853_626_951_472_7;
/// Of the 14 true coefficients this many lie in their intervals. Of exact 90 % intervals fewer than 10 do so once in 114
/// companies; the penalty draws estimates towards 0 on top of that.
const FEWEST_COVERED: usize = 9;
/// How far the area under the ROC curve may lie from that of the true hazard.
const AUC_TOLERANCE: f64 = 0.03;

/// The slope per unit of a feature, as weights of its columns' coefficients. Of a curve that of the straight line closest to it:
/// the regression of the knots' effects on their values, weighted by what of the reference population is near each.
fn slope_weights(encoding: &Encoding, means: &[f64]) -> Option<Vec<f64>> {
    match encoding {
        Encoding::Standardised { scale, unknown, .. } => {
            Some(std::iter::once(1.0 / scale).chain(unknown.then_some(0.0)).collect())
        }
        Encoding::Spline { knots, .. } => {
            let total: f64 = means[..knots.len()].iter().sum();
            let middle = knots.iter().zip(means).map(|(knot, weight)| knot * weight).sum::<f64>() / total;
            let spread: f64 = knots.iter().zip(means).map(|(knot, weight)| weight * (knot - middle).powi(2)).sum();
            let of = |(knot, weight): (&f64, &f64)| weight * (knot - middle) / spread;
            Some(knots.iter().zip(means).map(of).chain((knots.len()..means.len()).map(|_| 0.0)).collect())
        }
        Encoding::LogStandardised { .. } | Encoding::OneHot { .. } => None,
    }
}

/// Of two columns, from the lower triangle in which the intercept has row 0.
fn covariance(lower: &[f64], a: usize, b: usize) -> f64 {
    let (row, column) = (a.max(b) + 1, a.min(b) + 1);
    lower[row * (row + 1) / 2 + column]
}

#[test]
fn training_finds_the_hazard_that_made_the_exits() {
    let company = generate(1500, 4, 3);
    let model = new_folder("truth").join("model");
    let [data, out] = [&company, &model].map(|path| path.to_str().unwrap());
    flight_risk(["train", "--quiet", "--data", data, "--out", out]).ok();
    let truth: Value = serde_json::from_str(&std::fs::read_to_string(company.join("truth.json")).unwrap()).unwrap();
    let truths: BTreeMap<&str, f64> = truth["coefficients"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, c)| (name.as_str(), c.as_f64().unwrap()))
        .collect();
    assert_eq!(truths.len(), 14);

    assert!(model.join(FILE_NAME).exists());
    let scorer = scorer(&model);
    let content = scorer.artifact().content();
    let mut column = 0;
    let mut told = Vec::new();
    let mut covered = 0;
    for (feature, encoding) in content.features.iter().zip(&content.encodings) {
        let columns = column..column + encoding.width();
        column = columns.end;
        let Some(&truth) = truths.get(feature.name.as_str()) else { continue };
        let means = &content.reference.column_means[columns.clone()];
        let weights = slope_weights(encoding, means).unwrap_or_else(|| panic!("{}: {encoding:?}", feature.name));
        let slope = content.calibration.slope;
        let estimate =
            slope * weights.iter().zip(&content.coefficients[columns.clone()]).map(|(w, c)| w * c).sum::<f64>();
        let variance: f64 = (0..weights.len())
            .flat_map(|i| (0..weights.len()).map(move |j| (i, j)))
            .map(|(i, j)| {
                weights[i] * weights[j] * covariance(&content.covariance, columns.start + i, columns.start + j)
            })
            .sum();
        let error = slope * variance.sqrt();
        let holds = (estimate - truth).abs() <= Z_90 * error;
        covered += usize::from(holds);
        told.push(format!("{}: {estimate:.4} +- {error:.4}, true {truth} {holds}", feature.name));
    }
    assert_eq!(told.len(), truths.len(), "every true feature is in the model: {told:#?}");
    assert!(covered >= FEWEST_COVERED, "{covered} of {} in their 90 % intervals: {told:#?}", truths.len());
    let (auc, best) = (content.metrics.rows.auc.unwrap(), truth["auc"].as_f64().unwrap());
    assert!((auc - best).abs() <= AUC_TOLERANCE, "AUC {auc}, of the true hazard {best}");
}
