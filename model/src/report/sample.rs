//! Hand-made artifacts for the tests: plausible figures that nobody trained.

use flight_risk_scoring::ArtifactContent;
use flight_risk_scoring::artifact::{
    Bands, BaseRates, Block, Calibration, Limits, Provenance, Reference, RulePart, Target,
};
use flight_risk_scoring::encoding::Encoding;
use flight_risk_scoring::features::{Family, PlausibleDirection, Unit, registry};
use flight_risk_scoring::metrics::{
    CurvePoint, Evidence, Guard, GuardFinding, GuardKind, HorizonQuality, ListLift, Metrics, PeriodQuality, Quality,
    ReliabilityGroup, Split, Verdict,
};
use flight_risk_scoring::pair::{Axis, Pair};
use flight_risk_scoring::rules::{Condition, RuleEnsemble, RuleTree};
use flight_risk_scoring::schema::{FeatureKind, SourceFeature};

/// One column: coefficient, standard error, mean.
type Column = (f64, f64, f64);

/// A quality of ten groups around the given rates.
fn quality(rows: u64, events: u64, spread: f64, lift: &[(u64, f64, u64)]) -> Quality {
    let rate = events as f64 / rows as f64;
    let group = |i: u32| {
        let predicted = rate * (spread * (f64::from(i) - 4.5)).exp() * 0.8;
        let observed =
            predicted * [1.1, 0.9, 1.2, 0.85, 1.05, 0.95, 1.1, 0.9, 1.0, 1.07].get(i as usize).unwrap_or(&1.0);
        ReliabilityGroup { rows: rows / 10, predicted, observed }
    };
    let list = |&(length, expected, found): &(u64, f64, u64)| ListLift {
        length,
        expected,
        found,
        lift: found as f64 / length as f64 / rate,
    };
    Quality {
        rows,
        events,
        observed_rate: rate,
        mean_predicted: rate * 0.97,
        log_loss: 0.82 * rate.sqrt(),
        log_loss_base_rate: 0.95 * rate.sqrt(),
        auc: Some(0.784),
        average_precision: Some(2.9 * rate),
        brier: 0.82 * rate,
        brier_base_rate: 0.91 * rate,
        calibration_error: 0.07 * rate,
        lift: lift.iter().map(list).collect(),
        reliability: (0..10).map(group).collect(),
        roc: curve(&[(0.0, 0.0), (0.05, 0.3), (0.15, 0.55), (0.35, 0.8), (0.6, 0.93), (1.0, 1.0)]),
        precision_recall: curve(&[(0.05, 0.5), (0.1, 0.42), (0.3, 4.0 * rate), (0.6, 2.2 * rate), (1.0, rate)]),
    }
}

fn curve(points: &[(f64, f64)]) -> Vec<CurvePoint> {
    points.iter().map(|&(x, y)| CurvePoint { x, y }).collect()
}

/// A period of so many rows: predicted and observed rate.
fn period(from: &str, until: &str, rows: u64, predicted: f64, events: u64) -> PeriodQuality {
    PeriodQuality {
        from: from.to_owned(),
        until: until.to_owned(),
        trained_rows: 31_402,
        trained_events: 268,
        rows,
        events,
        base_rate: 0.0085,
        mean_predicted: predicted,
        observed_rate: events as f64 / rows as f64,
        auc: Some(0.74 + predicted),
        log_loss: 0.045,
        log_loss_base_rate: 0.049,
    }
}

fn guard(kind: GuardKind, finding: GuardFinding, text: &str) -> Guard {
    Guard { kind, finding, count: 0, features: Vec::new(), text: text.to_owned() }
}

fn metrics(split: Split, rows: Quality, horizon: Option<HorizonQuality>) -> Metrics {
    let verdict = Verdict {
        publishable: true,
        reasons: Vec::new(),
        allowed_weak: false,
        evidence: vec![Evidence {
            split: split.clone(),
            events: rows.events,
            auc: rows.auc,
            auc_standard_error: Some(0.021),
            log_loss_gain: rows.log_loss_base_rate - rows.log_loss,
            log_loss_gain_standard_error: 0.0011,
            passed: true,
        }],
        events: rows.events,
        effective_parameters: 9.4,
    };
    Metrics { split, rows, horizon, verdict, guards: Vec::new(), stability: Vec::new(), backtest: Vec::new() }
}

fn content(target: Target, base_rates: BaseRates, metrics: Metrics) -> ArtifactContent {
    ArtifactContent {
        target,
        features: Vec::new(),
        encodings: Vec::new(),
        intercept: -4.6,
        coefficients: Vec::new(),
        covariance: vec![0.002],
        effect_doubts: Vec::new(),
        pairs: Vec::new(),
        recurring: None,
        rules: None,
        calibration: Calibration::NONE,
        reference: Reference { column_means: Vec::new(), rows: 48_213, events: 412, employees: 1_184 },
        importance: Vec::new(),
        persistence: Vec::new(),
        lead_shifts: Vec::new(),
        bands: Bands { elevated: 0.142, high: 0.249 },
        base_rates,
        limits: Limits { min_known_features: 4, max_standard_error: 1.37 },
        metrics,
        provenance: Provenance {
            software_version: "0.1.0".to_owned(),
            data_digest: "3f786850e387550fdab836ed7e6dc881de23001b7f5b8ff3ccb5f6a5bd5a8a4c".to_owned(),
            data_from: Some("2020-01-01".to_owned()),
            data_until: Some("2024-11-01".to_owned()),
            config: "seed = 1\nperiod_months = 1\nblackout_days = 30\nhorizons_months = [3, 6, 12]\n".to_owned(),
            seed: 1,
            blocks: Vec::new(),
            notes: Vec::new(),
        },
    }
}

/// Adds a feature with its columns; the coefficients are independent of each other.
fn add(content: &mut ArtifactContent, feature: SourceFeature, encoding: Encoding, importance: f64, columns: &[Column]) {
    content.features.push(feature);
    content.encodings.push(encoding);
    content.importance.push(importance);
    content.persistence.push(1.0);
    for &(weight, error, mean) in columns {
        content.coefficients.push(weight);
        content.reference.column_means.push(mean);
        content.covariance.extend(vec![0.0; content.coefficients.len()]);
        content.covariance.push(error * error);
    }
}

/// Adds a native numeric feature: range and typical value, mean and scale, importance, columns.
fn add_native(
    content: &mut ArtifactContent,
    name: &str,
    (min, typical, max): (f64, f64, f64),
    (mean, scale): (f64, f64),
    importance: f64,
    columns: &[Column],
) {
    let unknown = columns.len() > 1;
    let kind = FeatureKind::Numeric { min, max, typical };
    let known = 1.0 - columns.get(1).map_or(0.0, |(_, _, mean)| *mean);
    let Some(spec) = registry().find(|spec| spec.name == name) else { unreachable!("no feature {name}") };
    let encoding = Encoding::Standardised { mean, scale, unknown };
    add(content, SourceFeature::native(spec, kind, known), encoding, importance, columns);
}

/// Adds a native numeric feature as a curve: range and typical value, knots with coefficient, error and share.
fn add_curve(
    content: &mut ArtifactContent,
    name: &str,
    (min, typical, max): (f64, f64, f64),
    importance: f64,
    knots: &[(f64, Column)],
) {
    let kind = FeatureKind::Numeric { min, max, typical };
    let Some(spec) = registry().find(|spec| spec.name == name) else { unreachable!("no feature {name}") };
    let encoding = Encoding::Spline { knots: knots.iter().map(|(knot, _)| *knot).collect(), unknown: false };
    let columns: Vec<Column> = knots.iter().map(|(_, column)| *column).collect();
    add(content, SourceFeature::native(spec, kind, 1.0), encoding, importance, &columns);
}

/// The pair of a category (feature `levels`, two bins, the rest pooled) and a number (feature `number`, three bins).
fn pair(levels: usize, number: usize) -> Pair {
    // Nobody of the last level is in the highest bin, and all values are known.
    let shares = [0.2, 0.1, 0.05, 0.0, 0.15, 0.2, 0.1, 0.0, 0.12, 0.08, 0.0, 0.0];
    let effects = [-0.12, 0.1, 0.28, 0.0, 0.02, -0.1, 0.17, 0.0, 0.176, -0.26, 0.4, 0.0];
    let padded = |numbers: [f64; 12]| numbers.into_iter().chain([0.0; 4]).collect();
    Pair {
        features: [levels, number],
        axes: [Axis::Levels { bins: vec![0, 1, 2, 2, 2] }, Axis::Cuts { cuts: vec![2.0, 6.5] }],
        effects: padded(effects),
        variances: vec![0.0064; 16],
        shares: padded(shares),
    }
}

/// Rules in two members: one question each about `number`, and two questions at once in the first.
fn rules(levels: usize, number: usize) -> RulePart {
    let above = |threshold| Condition::Above { feature: number, threshold, unknown: false };
    let remote = Condition::OneOf { feature: levels, levels: vec![0, 4], unknown: true };
    let alone = |low: f64, high: f64| RuleTree {
        conditions: vec![above(10.0)],
        values: vec![low, high],
        shares: vec![0.9, 0.1],
    };
    let both = RuleTree {
        conditions: vec![above(1.0), remote],
        values: vec![0.02, -0.03, 0.3, -0.1],
        shares: vec![0.2, 0.5, 0.1, 0.2],
    };
    let members = vec![vec![alone(0.01, -0.2), both], vec![alone(0.02, -0.1)]];
    RulePart { weight: 0.8, ensemble: RuleEnsemble { members } }
}

/// A feature of a flat table.
fn other(name: &str, kind: FeatureKind) -> SourceFeature {
    SourceFeature {
        name: name.to_owned(),
        label: name.to_owned(),
        family: Family::Other,
        unit: Unit::Number,
        direction: PlausibleDirection::Either,
        actionable: false,
        confidential: false,
        phrase: format!("{name} is {{value}}"),
        otherwise: format!("{name} not known"),
        kind,
        known_share: 1.0,
    }
}

/// A categorical feature of a flat table with these levels and an importance of 0.2.
pub(crate) fn add_levels(content: &mut ArtifactContent, name: &str, levels: &[&str], columns: &[Column]) {
    let typical = levels.first().copied().unwrap_or_default().to_owned();
    let kind = FeatureKind::Categorical { levels: levels.iter().map(|&level| level.to_owned()).collect(), typical };
    let (pooled, unknown) = (columns.len() > levels.len(), columns.len() > levels.len() + 1);
    add(content, other(name, kind), Encoding::OneHot { levels: levels.len(), pooled, unknown }, 0.2, columns);
}

/// A numeric feature of a flat table from `min` to `max`.
pub(crate) fn add_number(content: &mut ArtifactContent, name: &str, min: f64, max: f64, columns: &[Column]) {
    let typical = min / 2.0 + max / 2.0;
    let scale = (max / 4.0 - min / 4.0).max(1.0);
    let kind = FeatureKind::Numeric { min, max, typical };
    let encoding = Encoding::Standardised { mean: typical, scale, unknown: columns.len() > 1 };
    add(content, other(name, kind), encoding, 0.1, columns);
}

/// A model of a company's histories, judged on later time.
pub(crate) fn company() -> ArtifactContent {
    let target = Target::Hazard {
        period_months: 1,
        blackout_days: 30,
        horizons_months: vec![3, 6, 12],
        risk_horizon_months: 12,
    };
    let base_rates = BaseRates { period: 0.008_545, horizons: vec![0.0254, 0.0502, 0.0979] };
    let metrics = metrics(
        Split::ByTime { from: "2023-11-01".to_owned() },
        quality(11_460, 92, 0.27, &[(20, 1.4, 2), (50, 2.9, 3), (100, 5.2, 6)]),
        Some(HorizonQuality {
            months: 12,
            as_of: "2023-11-01".to_owned(),
            censored: 31,
            quality: quality(861, 84, 0.24, &[(20, 8.4, 9), (50, 17.6, 19), (100, 29.1, 31)]),
        }),
    );
    let mut model = content(target, base_rates, metrics);
    let m = &mut model;
    m.metrics.stability = vec![
        period("2023-11-01", "2024-04-01", 5_310, 0.0081, 45),
        period("2024-05-01", "2024-11-01", 6_120, 0.0084, 66),
    ];
    m.metrics.backtest = vec![
        period("2022-01-01", "2022-12-01", 10_204, 0.0088, 91),
        period("2023-01-01", "2023-12-01", 10_611, 0.0086, 88),
        period("2024-01-01", "2024-11-01", 10_950, 0.0084, 99),
    ];
    m.metrics.guards = vec![
        guard(GuardKind::LaterFacts, GuardFinding::Kept, "impossible by construction"),
        guard(GuardKind::OneEmployee, GuardFinding::CannotTell, "no column says whose row it is: name `group`"),
    ];
    let knots = [
        (0.1, (0.62, 0.11, 0.18)),
        (0.9, (0.81, 0.1, 0.2)),
        (3.0, (0.1, 0.07, 0.24)),
        (7.5, (-0.3, 0.08, 0.22)),
        (15.0, (-0.45, 0.12, 0.12)),
        (31.2, (-0.5, 0.31, 0.04)),
    ];
    add_curve(m, "tenure_years", (0.1, 3.4, 31.2), 0.34, &knots);
    add_native(m, "first_90_days_flag", (0.0, 0.0, 1.0), (0.04, 0.2), 0.03, &[(0.06, 0.05, 0.0)]);
    add_native(
        m,
        "months_since_promotion",
        (0.0, 17.0, 140.0),
        (22.0, 19.0),
        0.17,
        &[(0.21, 0.06, 0.0), (0.08, 0.1, 0.31)],
    );
    add_native(m, "compa_ratio", (0.71, 0.99, 1.32), (0.99, 0.11), 0.25, &[(-0.31, 0.06, 0.0), (0.12, 0.2, 0.02)]);
    add_native(m, "engagement_index", (0.0, 0.68, 1.0), (0.66, 0.17), 0.39, &[(-0.47, 0.06, 0.0), (0.35, 0.11, 0.22)]);
    add_native(
        m,
        "days_since_one_on_one",
        (0.0, 12.0, 210.0),
        (21.0, 24.0),
        0.19,
        &[(0.26, 0.05, 0.0), (0.3, 0.18, 0.05)],
    );
    add_native(m, "recognition_given_180d_count", (0.0, 2.0, 19.0), (2.4, 2.2), 0.12, &[(0.16, 0.06, 0.0)]);
    add_native(m, "teammate_exits_135d_count", (0.0, 0.0, 7.0), (0.5, 0.9), 0.1, &[(0.14, 0.05, 0.0)]);
    let columns = [(0.32, 0.13, 0.21), (-0.12, 0.12, 0.34), (0.05, 0.11, 0.29), (-0.2, 0.16, 0.1), (0.1, 0.2, 0.06)];
    add_levels(m, "Work location", &["Remote", "Head office", "Plant", "Branch"], &columns);
    let levels = model.features.len() - 1;
    model.pairs = vec![pair(levels, 0)];
    model.rules = Some(rules(levels, 0));
    model.provenance.blocks = vec![
        Block { name: "straight lines".to_owned(), columns: 8, penalty: 3.2, effective_parameters: 5.9 },
        Block { name: "curve of tenure_years".to_owned(), columns: 5, penalty: 1.7, effective_parameters: 3.4 },
    ];
    model.provenance.notes = vec![
        "employee-periods begin on 2020-01-01; 214 were left out because another kind of exit or the end of observation falls into them".to_owned(),
        "`critical_role` is left out: every known value is the same".to_owned(),
    ];
    model
}

/// A model of a flat table without features, judged by cross-validation.
pub(crate) fn flat() -> ArtifactContent {
    let target = Target::SinglePeriod {
        target: "Attrition".to_owned(),
        positive: "Yes".to_owned(),
        id_column: Some("EmployeeNumber".to_owned()),
    };
    let base_rates = BaseRates { period: 0.161, horizons: Vec::new() };
    let metrics =
        metrics(Split::CrossValidation { folds: 5 }, quality(1470, 237, 0.25, &[(20, 14.1, 15), (50, 31.0, 33)]), None);
    let mut model = content(target, base_rates, metrics);
    model.reference = Reference { column_means: Vec::new(), rows: 1470, events: 237, employees: 1470 };
    model.provenance.data_from = None;
    model.provenance.data_until = None;
    model
}
