//! From the domain's assessment to the reply. Numbers are passed on to the last bit; confidential values are not passed on.

use flight_risk_proto::v1;
use flight_risk_scoring::explain::{Direction, Factor, factor_text, value_text};
use flight_risk_scoring::features::Family;
use flight_risk_scoring::schema::{FeatureKind, FeatureRow, Schema, SourceFeature, Value};
use flight_risk_scoring::scorer::{AbstentionReason, Band};
use flight_risk_scoring::{Assessment, Scorer};

use crate::access::fields::FieldRules;
use crate::store::StoredModel;

/// Share of cases in which the interval covers the risk.
const INTERVAL_LEVEL: f64 = 0.9;

/// What a model says of a row, or said of it when the score was recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told<'a> {
    /// The model's features.
    pub(crate) schema: &'a Schema,
    /// The risk of an employee about whom nothing is known.
    pub(crate) base_rate: f64,
    /// Log-odds from which contributions are measured.
    pub(crate) reference_log_odds: f64,
    /// The values.
    pub(crate) row: &'a FeatureRow,
    /// What the model says.
    pub(crate) assessment: &'a Assessment,
}

impl<'a> Told<'a> {
    /// What a model that is at hand says.
    pub(crate) fn by(scorer: &'a Scorer, row: &'a FeatureRow, assessment: &'a Assessment) -> Self {
        Self {
            schema: scorer.schema(),
            base_rate: scorer.base_rate(),
            reference_log_odds: scorer.reference_log_odds().0,
            row,
            assessment,
        }
    }

    /// What a model said of which only this was kept.
    pub(crate) fn of(model: &'a StoredModel, row: &'a FeatureRow, assessment: &'a Assessment) -> Self {
        let StoredModel { schema, base_rate, reference_log_odds } = model;
        Self { schema, base_rate: *base_rate, reference_log_odds: *reference_log_odds, row, assessment }
    }

    fn feature(&self, position: usize) -> Option<(&'a SourceFeature, Value)> {
        self.schema.features().get(position).map(|feature| (feature, self.schema.value(self.row, position)))
    }
}

/// What the model says of a row: an answer with at most `max_factors` factors, or an abstention.
pub(crate) fn outcome(told: &Told<'_>, max_factors: usize, fields: FieldRules) -> v1::employee_score::Outcome {
    if told.assessment.band == Band::Abstained {
        return v1::employee_score::Outcome::Abstention(v1::Abstention {
            reasons: told.assessment.doubts.iter().map(|doubt| reason(told, doubt, fields)).collect(),
            base_rate: told.base_rate,
        });
    }
    let (shown, remaining) = shown_factors(told, max_factors, fields);
    let factors = shown.iter().filter_map(|shown| factor(told, shown)).collect();
    v1::employee_score::Outcome::Assessment(assessment(told, factors, remaining))
}

/// The factors that are named, strongest first, and the sum of the contributions that cannot be told apart from them: of factors
/// that are cut off, left out, or named without their part.
pub(crate) fn shown_factors(told: &Told<'_>, max_factors: usize, fields: FieldRules) -> (Vec<Factor>, f64) {
    let confidential = |feature: usize| told.schema.is_confidential(feature);
    let shown = told.assessment.strongest(max_factors, |feature| fields.confidential_drivers || !confidential(feature));
    // What is left is added up directly: the difference to the sum of all would be rounded.
    let mut told_apart = vec![false; told.assessment.contributions.len()];
    for factor in &shown {
        if let Some(apart) = told_apart.get_mut(factor.feature) {
            *apart = !confidential(factor.feature);
        }
    }
    let parts = told.assessment.contributions.iter().zip(told_apart);
    let remaining = parts.filter(|(_, apart)| !apart).map(|(part, _)| part).sum();
    (shown, remaining)
}

/// The answer with these factors; the model did not abstain.
pub(crate) fn assessment(told: &Told<'_>, factors: Vec<v1::Factor>, remaining: f64) -> v1::Assessment {
    let assessment = told.assessment;
    let band = match assessment.band {
        Band::Low => v1::RiskBand::Low,
        Band::Elevated => v1::RiskBand::Elevated,
        Band::High => v1::RiskBand::High,
        Band::Abstained => v1::RiskBand::Unspecified,
    };
    v1::Assessment {
        risk: assessment.risk.get(),
        low: assessment.low.get(),
        high: assessment.high.get(),
        interval_level: INTERVAL_LEVEL,
        horizons: assessment
            .horizons
            .iter()
            .map(|horizon| v1::HorizonRisk {
                months: horizon.months,
                risk: horizon.risk.get(),
                low: horizon.low.get(),
                high: horizon.high.get(),
            })
            .collect(),
        base_rate: told.base_rate,
        multiple_of_base_rate: assessment.multiple_of_base_rate,
        band: band.into(),
        log_odds: assessment.log_odds.0,
        reference_log_odds: told.reference_log_odds,
        factors,
        remaining_contribution_log_odds: remaining,
    }
}

/// The direction of a contribution as the API names it.
pub(crate) fn direction(contribution_log_odds: f64) -> v1::FactorDirection {
    match Direction::of(contribution_log_odds) {
        Direction::Raises => v1::FactorDirection::Raises,
        Direction::Lowers => v1::FactorDirection::Lowers,
        Direction::None => v1::FactorDirection::None,
    }
}

fn factor(told: &Told<'_>, factor: &Factor) -> Option<v1::Factor> {
    let (feature, value) = told.feature(factor.feature)?;
    Some(v1::Factor {
        feature: feature.name.clone(),
        label: feature.label.clone(),
        family: family(feature.family).into(),
        text: factor_text(feature, &value),
        value: if feature.confidential { None } else { feature_value(value) },
        typical: typical(feature),
        contribution_log_odds: (!feature.confidential).then_some(factor.contribution_log_odds),
        direction: direction(factor.contribution_log_odds).into(),
        actionable: feature.actionable,
        confidential: feature.confidential,
    })
}

/// A value as the API writes it; `None` where it is not known.
pub(crate) fn feature_value(value: Value) -> Option<v1::FeatureValue> {
    use v1::feature_value::Value as Sent;
    let value = match value {
        Value::Unknown => return None,
        Value::Number(number) => Sent::Number(number),
        Value::Level(level) => Sent::Level(level),
    };
    Some(v1::FeatureValue { value: Some(value) })
}

/// What is typical of a feature; `None` if it is confidential.
pub(crate) fn typical(feature: &SourceFeature) -> Option<v1::FeatureValue> {
    if feature.confidential {
        return None;
    }
    feature_value(match &feature.kind {
        FeatureKind::Numeric { typical, .. } => Value::Number(*typical),
        FeatureKind::Categorical { typical, .. } => Value::Level(typical.clone()),
    })
}

/// The family as the API names it.
pub(crate) fn family(family: Family) -> v1::FeatureFamily {
    match family {
        Family::Tenure => v1::FeatureFamily::Tenure,
        Family::Role => v1::FeatureFamily::Role,
        Family::Pay => v1::FeatureFamily::Pay,
        Family::Engagement => v1::FeatureFamily::Engagement,
        Family::Feedback => v1::FeatureFamily::Feedback,
        Family::ManagerAndTeam => v1::FeatureFamily::ManagerAndTeam,
        Family::Other => v1::FeatureFamily::Other,
    }
}

fn reason(told: &Told<'_>, doubt: &AbstentionReason, fields: FieldRules) -> v1::AbstentionReason {
    match doubt {
        AbstentionReason::TooLittleKnown { known, of } => v1::AbstentionReason {
            kind: v1::AbstentionKind::TooLittleKnown.into(),
            text: format!(
                "only {known} of {of} facts are known, fewer than of nearly all employees from whom the model learned"
            ),
            known_features: Some(*known),
            total_features: Some(*of),
            outside_values: Vec::new(),
        },
        AbstentionReason::OutsideRange { features } => {
            let features = features.iter().filter_map(|&position| told.feature(position));
            let (shown, hidden): (Vec<_>, Vec<_>) =
                features.partition(|(feature, _)| fields.confidential_drivers || !feature.confidential);
            let (texts, outside_values): (Vec<String>, Vec<v1::OutsideValue>) =
                shown.iter().map(|(feature, value)| outside(feature, value)).unzip();
            let facts = match (texts.is_empty(), hidden.is_empty()) {
                (true, true) => "no single value is, their combination is".to_owned(),
                (true, false) => "in facts that are not shown".to_owned(),
                (false, _) => texts.join("; "),
            };
            v1::AbstentionReason {
                kind: v1::AbstentionKind::OutsideTrainingRange.into(),
                text: format!("far from everything that the model learned from: {facts}"),
                known_features: None,
                total_features: None,
                outside_values,
            }
        }
    }
}

fn outside(feature: &SourceFeature, value: &Value) -> (String, v1::OutsideValue) {
    let mut sent = v1::OutsideValue {
        feature: feature.name.clone(),
        label: feature.label.clone(),
        value: None,
        trained_min: None,
        trained_max: None,
    };
    match (&feature.kind, value) {
        (FeatureKind::Numeric { min, max, .. }, Value::Number(number)) if !feature.confidential => {
            let text = |number: f64| value_text(feature, &Value::Number(number));
            sent.value = Some(*number);
            sent.trained_min = Some(*min);
            sent.trained_max = Some(*max);
            (format!("{} {}, seen {} to {}", feature.label, text(*number), text(*min), text(*max)), sent)
        }
        (FeatureKind::Categorical { .. }, _) => (format!("{}, a level never seen", feature.label), sent),
        _ => (feature.label.clone(), sent),
    }
}
