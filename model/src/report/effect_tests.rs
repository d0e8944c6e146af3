#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]

use flight_risk_scoring::Scorer;
use flight_risk_scoring::encoding::Encoding;
use flight_risk_scoring::scorer::Z_90;

use super::effects::{FeatureEffect, Shape, Trend, effects};
use super::sample::company;
use super::tests::{artifact, documents};

#[test]
fn effects_are_contributions_and_their_errors_come_from_the_covariance() {
    let content = company();
    let effects = effects(&content);
    assert!(effects.is_sorted_by(|a, b| a.importance >= b.importance));
    let of = |name: &str| effects.iter().find(|effect| effect.feature.name == name).unwrap();
    let pay = of("compa_ratio");
    let Shape::Line(points) = &pay.shape else { panic!("a number is a line") };
    let (value, lowest) = points.first().unwrap();
    // Weight -0.31 and error 0.06 on (0.71 - 0.99) / 0.11, and -0.12 x 0.02 for not being unknown, with error 0.2 x 0.02.
    let z = (value - 0.99) / 0.11;
    assert!((lowest.log_odds - (-0.31 * z - 0.12 * 0.02)).abs() < 1e-12);
    assert!((lowest.error - ((0.06 * z).powi(2) + (0.2 * 0.02_f64).powi(2)).sqrt()).abs() < 1e-12);
    assert!((lowest.interval().1 - lowest.log_odds - Z_90 * lowest.error).abs() < 1e-12);
    let unknown = pay.unknown.unwrap();
    assert!((unknown.log_odds - 0.12 * 0.98).abs() < 1e-12 && (unknown.error - 0.2 * 0.98).abs() < 1e-12);
    assert_eq!((pay.trend, of("first_90_days_flag").trend), (Trend::Lowers, Trend::Unclear));
    assert!(of("recognition_given_180d_count").against_expectation() && !pay.against_expectation());
    let place = of("Work location");
    let Shape::Levels(levels) = &place.shape else { panic!("a category has levels") };
    let at_mean = 0.32 * 0.21 - 0.12 * 0.34 + 0.05 * 0.29 - 0.2 * 0.1 + 0.1 * 0.06;
    // The rules ask whether it is the first level or any other: their part is what that alone changes.
    let rules = content.rules.as_ref().unwrap();
    let own = rules.weight * rules.ensemble.main_effect(8, 0.0);
    assert!(own.abs() > 1e-3);
    assert!((levels.first().unwrap().effect.log_odds - (0.32 - at_mean + own)).abs() < 1e-12);
    assert_eq!(levels.len(), 5, "four levels and any other");
    assert_eq!(levels.get(1).unwrap().share, Some(0.34));
    assert_eq!(place.trend_text(), "highest risk: Remote");
}

/// What is drawn of a curve at its knots, as (value, log-odds).
fn drawn(effects: &[FeatureEffect<'_>], name: &str) -> Vec<(f64, f64)> {
    let effect = effects.iter().find(|effect| effect.feature.name == name).unwrap();
    let Shape::Line(points) = &effect.shape else { panic!("a number is a line") };
    points.iter().map(|(value, effect)| (*value, effect.log_odds)).collect()
}

#[test]
fn a_curve_at_a_knot_is_its_coefficient_less_the_typical_effect_and_the_rules_own_part() {
    let content = company();
    let rules = content.rules.as_ref().unwrap();
    let effects = effects(&content);
    let points = drawn(&effects, "tenure_years");
    let Encoding::Spline { knots, .. } = &content.encodings[0] else { panic!() };
    let typical: f64 =
        content.coefficients.iter().zip(&content.reference.column_means).take(knots.len()).map(|(w, m)| w * m).sum();
    for (knot, weight) in knots.iter().zip(&content.coefficients) {
        let at = points.iter().find(|(value, _)| (value - knot).abs() < 1e-12).unwrap().1;
        let own = rules.weight * rules.ensemble.main_effect(0, *knot);
        assert!((at - (weight - typical + own)).abs() < 1e-12, "{knot}: {at}");
    }
    let own_parts = [5.0, 11.0].map(|value| rules.ensemble.main_effect(0, value));
    assert!((own_parts[0] - own_parts[1]).abs() > 0.1, "the rules step at 10");
    assert!(points.is_sorted_by(|a, b| a.0 < b.0));
    let tenure = effects.iter().find(|effect| effect.feature.name == "tenure_years").unwrap();
    assert!(matches!(tenure.trend, Trend::Bends(high, _) if (high - 0.9).abs() < 1e-12), "{:?}", tenure.trend);
}

#[test]
fn effects_pairs_and_rules_are_those_of_the_scores() {
    // Without interplay of rules, a person's contribution is the drawn effect and half of each of the drawn cells.
    let mut content = company();
    for tree in content.rules.as_mut().unwrap().ensemble.members.iter_mut().flatten() {
        if tree.conditions.len() == 2 {
            tree.values = vec![0.0; 4];
        }
    }
    let scorer = Scorer::new(artifact(content.clone()));
    let mut values = vec![f64::NAN; content.features.len()];
    (values[0], values[8]) = (3.0, 0.0);
    let row = scorer.schema().packed_row(values).unwrap();
    let (contributions, _) = scorer.contributions(&row);
    let alone = drawn(&effects(&content), "tenure_years").into_iter().find(|(value, _)| (value - 3.0).abs() < 1e-12);
    let pairs = super::joint::pairs(&content);
    let cell = pairs[0].cells[0][1].effect.log_odds;
    assert!((contributions[0] - (alone.unwrap().1 + cell / 2.0)).abs() < 1e-12, "{}", contributions[0]);
}

#[test]
fn pairs_are_told_by_the_values_of_their_cells() {
    let content = company();
    let pairs = super::joint::pairs(&content);
    let pair = pairs.first().unwrap();
    assert_eq!(pair.rows.bins, ["Remote", "Head office", "Plant, Branch"]);
    assert_eq!(pair.columns.bins, ["under 2 years", "2 to 6.5 years", "6.5 years or more"]);
    let mean = content.pairs[0].mean();
    assert!((pair.cells[1][1].effect.log_odds - (-0.1 - mean)).abs() < 1e-12);
    assert!((pair.cells[1][1].effect.error - 0.08).abs() < 1e-12);
    assert!(
        pair.sentence().contains("raise the odds most where work location is")
            || pair.sentence().contains("where Work location is")
    );
    let (html, card) = documents(company());
    assert!(html.contains(">nobody<") && html.contains(&super::escape::html(&pair.sentence())));
    assert!(card.contains("act together by rules") && html.contains("act together by rules"));
}

#[test]
fn calibration_stretches_effects_and_intervals() {
    // Of the linear part; rules are added after it.
    let mut plain = company();
    plain.rules = None;
    let mut half = plain.clone();
    half.calibration.slope = 0.5;
    for (a, b) in effects(&plain).iter().zip(&effects(&half)) {
        for (a, b) in a.all().iter().zip(b.all()) {
            assert!((a.log_odds / 2.0 - b.log_odds).abs() < 1e-12 && (a.error / 2.0 - b.error).abs() < 1e-12);
        }
    }
}
