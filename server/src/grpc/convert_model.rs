//! A model in the API's words.

use std::collections::HashMap;

use flight_risk_proto::v1;
use flight_risk_scoring::Scorer;
use flight_risk_scoring::artifact::{ArtifactContent, Target};
use flight_risk_scoring::effects::{Effect, FeatureEffect, Level, Shape, effects};
use flight_risk_scoring::features::{PlausibleDirection, Unit};
use flight_risk_scoring::metrics::{HorizonQuality, ListLift, Metrics, Quality, ReliabilityGroup, Split};
use flight_risk_scoring::schema::{FeatureKind, SourceFeature};
use flight_risk_scoring::wording::{guards, statements};

use crate::grpc::convert_judgement as judgement;
use crate::grpc::convert_score::{family, typical};

/// What belongs to the limits of a model where it answers, beside what its report says.
const INTERVALS: &str = "The intervals cover doubt about the coefficients, not changes of the labour market or of the company after training.";

/// What is to be said of a model, but for whether it is active.
pub(crate) fn model(scorer: &Scorer) -> v1::Model {
    let artifact = scorer.artifact();
    let content = artifact.content();
    let effects: HashMap<&str, FeatureEffect<'_>> =
        effects(content).into_iter().map(|effect| (effect.feature.name.as_str(), effect)).collect();
    let features = content.features.iter().zip(&content.importance).map(|(source, &importance)| {
        let effect = effects.get(source.name.as_str());
        v1::ModelFeature {
            trend: effect.map(FeatureEffect::trend_text).unwrap_or_default(),
            against_expectation: effect.is_some_and(FeatureEffect::against_expectation),
            effect: effect.map(effect_told),
            ..feature((source, &importance))
        }
    });
    v1::Model {
        name: format!("models/{}", artifact.model_version()),
        version: artifact.model_version().to_owned(),
        sha256: artifact.sha256().to_owned(),
        target: Some(target(&content.target)),
        features: features.collect(),
        schema_digest: scorer.schema().digest().to_owned(),
        metrics: Some(metrics(&content.metrics)),
        base_rates: Some(base_rates(content)),
        bands: Some(v1::RiskBandBounds { elevated: content.bands.elevated, high: content.bands.high }),
        provenance: Some(provenance(content)),
        intended_use: statements::INTENDED.join(" "),
        limitations: limitations(content),
        active: false,
        etag: String::new(),
        verdict: Some(judgement::verdict(content)),
        guards: guards::in_order(content).into_iter().map(judgement::guard).collect(),
        stability: content.metrics.stability.iter().map(judgement::period).collect(),
        backtest: content.metrics.backtest.iter().map(judgement::period).collect(),
        stability_text: judgement::periods_in_words(&content.metrics.stability),
        backtest_text: judgement::periods_in_words(&content.metrics.backtest),
        prohibited_uses: statements::PROHIBITED.iter().copied().map(str::to_owned).collect(),
    }
}

fn limitations(content: &ArtifactContent) -> Vec<String> {
    let abstention = statements::abstention(content);
    let abstention =
        abstention.into_iter().map(|when| format!("It gives no risk in this case: {}", lower_first(&when)));
    statements::limits(content).into_iter().chain([INTERVALS.to_owned()]).chain(abstention).collect()
}

/// The text with a small letter, to go on with it.
fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().collect::<String>() + characters.as_str())
}

fn target(target: &Target) -> v1::model::Target {
    match target {
        Target::Hazard { period_months, blackout_days, horizons_months, risk_horizon_months } => {
            v1::model::Target::Hazard(v1::HazardTarget {
                period_months: *period_months,
                blackout_days: *blackout_days,
                horizons_months: horizons_months.clone(),
                risk_horizon_months: *risk_horizon_months,
            })
        }
        Target::SinglePeriod { target, positive, .. } => v1::model::Target::SinglePeriod(v1::SinglePeriodTarget {
            target: target.clone(),
            positive: positive.clone(),
        }),
    }
}

fn feature((feature, &importance): (&SourceFeature, &f64)) -> v1::ModelFeature {
    let (kind, levels, range, unit) = match &feature.kind {
        FeatureKind::Numeric { min, max, .. } => {
            (v1::FeatureKind::Numeric, Vec::new(), Some((*min, *max)), unit(feature.unit))
        }
        FeatureKind::Categorical { levels, .. } => {
            (v1::FeatureKind::Categorical, levels.clone(), None, v1::FeatureUnit::Unspecified)
        }
    };
    let range = range.filter(|_| !feature.confidential);
    v1::ModelFeature {
        name: feature.name.clone(),
        label: feature.label.clone(),
        family: family(feature.family).into(),
        kind: kind.into(),
        unit: unit.into(),
        direction: direction(feature.direction).into(),
        actionable: feature.actionable,
        confidential: feature.confidential,
        levels,
        min: range.map(|(min, _)| min),
        max: range.map(|(_, max)| max),
        typical: typical(feature),
        known_share: feature.known_share,
        importance,
        trend: String::new(),
        against_expectation: false,
        effect: None,
    }
}

/// What the values of a feature do. The range of confidential answers is told by no curve: its ends are left out.
fn effect_told(effect: &FeatureEffect<'_>) -> v1::FeatureEffect {
    let level = |level: &Level| v1::EffectLevel {
        level: level.name.clone(),
        effect: Some(log_odds(level.effect)),
        share: level.share.filter(|_| !effect.feature.confidential),
    };
    let (mut points, levels) = match &effect.shape {
        Shape::Line(line) => (line.as_slice(), Vec::new()),
        Shape::Levels(levels) => (&[][..], levels.iter().map(level).collect()),
    };
    if effect.feature.confidential
        && let [_, inner @ .., _] = points
    {
        points = inner;
    }
    let point = |(value, effect): &(f64, Effect)| v1::EffectPoint { value: *value, effect: Some(log_odds(*effect)) };
    v1::FeatureEffect { points: points.iter().map(point).collect(), levels, unknown: effect.unknown.map(log_odds) }
}

fn log_odds(effect: Effect) -> v1::LogOddsEffect {
    let (low, high) = effect.interval();
    v1::LogOddsEffect { log_odds: effect.log_odds, low, high }
}

fn unit(unit: Unit) -> v1::FeatureUnit {
    match unit {
        Unit::Years => v1::FeatureUnit::Years,
        Unit::Months => v1::FeatureUnit::Months,
        Unit::Days => v1::FeatureUnit::Days,
        Unit::Count => v1::FeatureUnit::Count,
        Unit::Percent => v1::FeatureUnit::Percent,
        Unit::Share => v1::FeatureUnit::Share,
        Unit::Ratio => v1::FeatureUnit::Ratio,
        Unit::Flag => v1::FeatureUnit::Flag,
        Unit::Number => v1::FeatureUnit::Number,
    }
}

fn direction(direction: PlausibleDirection) -> v1::PlausibleDirection {
    match direction {
        PlausibleDirection::Raises => v1::PlausibleDirection::Raises,
        PlausibleDirection::Lowers => v1::PlausibleDirection::Lowers,
        PlausibleDirection::Either => v1::PlausibleDirection::Either,
    }
}

fn base_rates(content: &ArtifactContent) -> v1::BaseRates {
    let months: &[u32] = match &content.target {
        Target::Hazard { horizons_months, .. } => horizons_months,
        Target::SinglePeriod { .. } => &[],
    };
    let rates = months.iter().zip(&content.base_rates.horizons);
    v1::BaseRates {
        period: content.base_rates.period,
        horizons: rates.map(|(&months, &rate)| v1::HorizonBaseRate { months, rate }).collect(),
    }
}

fn provenance(content: &ArtifactContent) -> v1::Provenance {
    let provenance = &content.provenance;
    v1::Provenance {
        software_version: provenance.software_version.clone(),
        data_digest: provenance.data_digest.clone(),
        data_from: provenance.data_from.clone(),
        data_until: provenance.data_until.clone(),
        training_rows: content.reference.rows,
        training_events: content.reference.events,
        training_employees: content.reference.employees,
        seed: provenance.seed,
        effective_parameters: content.metrics.verdict.effective_parameters,
        notes: provenance.notes.clone(),
    }
}

fn metrics(metrics: &Metrics) -> v1::ModelMetrics {
    let split = match &metrics.split {
        Split::ByTime { from } => v1::model_metrics::Split::ByTime(v1::TimeSplit { from: from.clone() }),
        Split::CrossValidation { folds } => {
            v1::model_metrics::Split::CrossValidation(v1::CrossValidationSplit { folds: *folds })
        }
    };
    v1::ModelMetrics {
        split: Some(split),
        rows: Some(quality(&metrics.rows)),
        horizon: metrics.horizon.as_ref().map(horizon_quality),
    }
}

fn horizon_quality(horizon: &HorizonQuality) -> v1::HorizonQuality {
    v1::HorizonQuality {
        months: horizon.months,
        as_of: horizon.as_of.clone(),
        censored: horizon.censored,
        quality: Some(quality(&horizon.quality)),
    }
}

fn quality(quality: &Quality) -> v1::Quality {
    let lift = |list: &ListLift| v1::ListLift {
        length: list.length,
        expected: list.expected,
        found: list.found,
        lift: list.lift,
    };
    let group = |group: &ReliabilityGroup| v1::ReliabilityGroup {
        rows: group.rows,
        predicted: group.predicted,
        observed: group.observed,
    };
    v1::Quality {
        rows: quality.rows,
        events: quality.events,
        observed_rate: quality.observed_rate,
        mean_predicted: quality.mean_predicted,
        log_loss: quality.log_loss,
        log_loss_base_rate: quality.log_loss_base_rate,
        auc: quality.auc,
        average_precision: quality.average_precision,
        brier: quality.brier,
        brier_base_rate: quality.brier_base_rate,
        calibration_error: quality.calibration_error,
        lift: quality.lift.iter().map(lift).collect(),
        reliability: quality.reliability.iter().map(group).collect(),
    }
}
