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
        if let (Some(&truth), Encoding::Standardised { scale, .. }) = (truths.get(feature.name.as_str()), encoding) {
            let per_unit = content.calibration.slope / scale;
            // Row `column + 1` of the lower triangle is this column's: the intercept has row 0.
            let row = column + 1;
            let error = content.covariance[row * (row + 1) / 2 + row].sqrt() * per_unit;
            let estimate = content.coefficients[column] * per_unit;
            let holds = (estimate - truth).abs() <= Z_90 * error;
            covered += usize::from(holds);
            told.push(format!("{}: {estimate:.4} +- {error:.4}, true {truth} {holds}", feature.name));
        }
        column += encoding.width();
    }
    assert_eq!(told.len(), truths.len(), "every true feature is in the model: {told:#?}");
    assert!(covered >= FEWEST_COVERED, "{covered} of {} in their 90 % intervals: {told:#?}", truths.len());
    let (auc, best) = (content.metrics.rows.auc.unwrap(), truth["auc"].as_f64().unwrap());
    assert!((auc - best).abs() <= AUC_TOLERANCE, "AUC {auc}, of the true hazard {best}");
}
