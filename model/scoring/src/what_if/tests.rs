use super::*;
use crate::artifact::{
    Artifact, ArtifactContent, Bands, BaseRates, Calibration, Limits, Provenance, Reference, RulePart, Target,
};
use crate::assessment::Band;
use crate::encoding::Encoding;
use crate::features::{PlausibleDirection, registry};
use crate::metrics::{Metrics, Quality, Split, Verdict};
use crate::pair::{Axis, Pair};
use crate::rules::{Condition, RuleEnsemble, RuleTree};
use crate::schema::{FeatureKind, SourceFeature};

/// Numbers that look random and are the same in every run (Knuth's linear congruential generator).
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.next()
    }
}

fn quality() -> Quality {
    Quality {
        rows: 100,
        events: 10,
        observed_rate: 0.1,
        mean_predicted: 0.1,
        log_loss: 0.3,
        log_loss_base_rate: 0.32,
        auc: None,
        average_precision: None,
        brier: 0.09,
        brier_base_rate: 0.09,
        calibration_error: 0.01,
        lift: Vec::new(),
        reliability: Vec::new(),
        roc: Vec::new(),
        precision_recall: Vec::new(),
    }
}

fn hazard() -> Target {
    Target::Hazard { period_months: 1, blackout_days: 30, horizons_months: vec![12], risk_horizon_months: 12 }
}

fn content(target: Target, features: Vec<SourceFeature>, encodings: Vec<Encoding>) -> ArtifactContent {
    let columns: usize = encodings.iter().map(Encoding::width).sum();
    let covariance =
        (0..=columns).flat_map(|row| (0..=row).map(move |column| f64::from(u8::from(row == column)) * 1e-4));
    ArtifactContent {
        importance: vec![0.1; features.len()],
        persistence: vec![0.9; features.len()],
        lead_shifts: Vec::new(),
        intercept: -4.0,
        coefficients: vec![0.0; columns],
        covariance: covariance.collect(),
        effect_doubts: Vec::new(),
        pairs: Vec::new(),
        recurring: None,
        rules: None,
        calibration: Calibration::NONE,
        reference: Reference { column_means: vec![0.0; columns], rows: 100, events: 10, employees: 50 },
        base_rates: BaseRates {
            period: 0.02,
            horizons: if matches!(target, Target::Hazard { .. }) { vec![0.1] } else { Vec::new() },
        },
        bands: Bands { elevated: 0.15, high: 0.3 },
        limits: Limits { min_known_features: 1, max_standard_error: 10.0 },
        metrics: Metrics {
            split: Split::CrossValidation { folds: 5 },
            rows: quality(),
            horizon: None,
            verdict: Verdict {
                publishable: true,
                reasons: Vec::new(),
                allowed_weak: false,
                evidence: Vec::new(),
                events: 10,
                effective_parameters: 3.0,
            },
            guards: Vec::new(),
            stability: Vec::new(),
            backtest: Vec::new(),
        },
        provenance: Provenance {
            software_version: String::new(),
            data_digest: String::new(),
            data_from: None,
            data_until: None,
            config: String::new(),
            seed: 1,
            blocks: Vec::new(),
            notes: Vec::new(),
        },
        target,
        features,
        encodings,
    }
}

/// A native feature with this range.
fn native(name: &str, min: f64, max: f64) -> SourceFeature {
    let spec = registry().find(|spec| spec.name == name).unwrap();
    SourceFeature::native(spec, FeatureKind::Numeric { min, max, typical: (min + max) / 2.0 }, 1.0)
}

/// A curve of six knots at equal distances.
fn curve(min: f64, max: f64) -> Encoding {
    Encoding::Spline { knots: (0..6).map(|i| min + (max - min) * f64::from(i) / 5.0).collect(), unknown: false }
}

fn scorer(content: ArtifactContent) -> Scorer {
    Scorer::new(Artifact::new(content).unwrap())
}

const RANGES: [(&str, f64, f64); 14] = [
    ("tenure_years", 0.0, 30.0),
    ("months_in_role", 0.0, 120.0),
    ("months_since_promotion", 0.0, 120.0),
    ("moves_24m_count", 0.0, 4.0),
    ("compa_ratio", 0.7, 1.3),
    ("months_since_raise", 0.0, 60.0),
    ("pay_growth_12m_percent", -5.0, 20.0),
    ("performance_without_growth", 0.0, 40.0),
    ("engagement_index", 0.0, 1.0),
    ("answered_last_survey_flag", 0.0, 1.0),
    ("one_on_ones_90d_count", 0.0, 10.0),
    ("days_since_one_on_one", 0.0, 300.0),
    ("contacts_90d_count", 0.0, 40.0),
    ("manager_span_count", 2.0, 25.0),
];

/// All of [`RANGES`] on straight lines, so that what is usual is what is between two deviations.
fn plain() -> Scorer {
    let features = RANGES.map(|(name, min, max)| native(name, min, max));
    let encodings = RANGES.map(|(_, min, max)| Encoding::Standardised {
        mean: (min + max) / 2.0,
        scale: (max - min) / 4.0,
        unknown: true,
    });
    scorer(ArtifactContent { intercept: -5.0, ..content(hazard(), features.into(), encodings.into()) })
}

fn row_of(scorer: &Scorer, values: &[(&str, f64)]) -> FeatureRow {
    let values: Vec<(&str, Value)> = values.iter().map(|(name, x)| (*name, Value::Number(*x))).collect();
    scorer.schema().row(values.iter().map(|(name, value)| (*name, value))).unwrap()
}

#[test]
fn what_tells_of_the_same_event_moves_together() {
    let scorer = plain();
    let today = [
        ("months_in_role", 40.0),
        ("moves_24m_count", 1.0),
        ("compa_ratio", 0.9),
        ("months_since_raise", 20.0),
        ("pay_growth_12m_percent", 0.0),
        ("performance_without_growth", 12.0),
        ("answered_last_survey_flag", 0.0),
        ("one_on_ones_90d_count", 0.0),
        ("days_since_one_on_one", 120.0),
        ("contacts_90d_count", 3.0),
    ];
    type Values = &'static [(&'static str, f64)];
    let cases: [(Values, Values); 9] = [
        // A raise by 10 % is one whichever way it is told. The index is 4 x the shortfall to 3 %.
        (
            &[("compa_ratio", 0.99)],
            &[("pay_growth_12m_percent", 10.0), ("months_since_raise", 0.0), ("performance_without_growth", 0.0)],
        ),
        (
            &[("pay_growth_12m_percent", 1.0)],
            &[("compa_ratio", 0.909), ("months_since_raise", 0.0), ("performance_without_growth", 8.0)],
        ),
        (&[("months_since_raise", 0.0)], &[]),
        (&[("one_on_ones_90d_count", 3.0)], &[("contacts_90d_count", 6.0), ("days_since_one_on_one", 30.0)]),
        (&[("days_since_one_on_one", 7.0)], &[("one_on_ones_90d_count", 1.0), ("contacts_90d_count", 4.0)]),
        (&[("months_in_role", 0.0)], &[("moves_24m_count", 2.0)]),
        // What is said in its own right stands.
        (&[("one_on_ones_90d_count", 3.0), ("contacts_90d_count", 9.0)], &[("days_since_one_on_one", 30.0)]),
        (&[("contacts_90d_count", 9.0)], &[]),
        // Not beyond what training saw.
        (
            &[("compa_ratio", 1.3)],
            &[("pay_growth_12m_percent", 20.0), ("months_since_raise", 0.0), ("performance_without_growth", 0.0)],
        ),
    ];
    for (named, follows) in cases {
        let wanted: Vec<(String, Value)> =
            named.iter().map(|(name, x)| ((*name).to_owned(), Value::Number(*x))).collect();
        let row = row_of(&scorer, &today);
        let simulation = simulate(&scorer, &row, &changes(scorer.schema(), &wanted).unwrap());
        let expected = |name: &str, old: f64| {
            let all = named.iter().chain(follows);
            all.filter(|(other, _)| *other == name).map(|(_, x)| *x).next().unwrap_or(old)
        };
        for (position, (name, ..)) in RANGES.iter().enumerate() {
            let (old, new) = (row.values()[position], simulation.row.values()[position]);
            let wanted = expected(name, old);
            assert!((new - wanted).abs() < 1e-9 || (new.is_nan() && wanted.is_nan()), "{named:?}: {name} {new}");
            let told = simulation.moved.iter().find(|moved| moved.feature == position).is_some_and(|m| m.follows);
            assert_eq!(told, follows.iter().any(|(other, _)| other == name), "{named:?}: {name}");
        }
    }
}

#[test]
fn only_what_somebody_can_do_is_tried() {
    let scorer = plain();
    let ties = Ties::of(&scorer);
    // Today's value, and the values from the smallest to the largest change; none where nothing can be done.
    let cases: [(&str, f64, &[f64]); 15] = [
        ("tenure_years", 3.0, &[]),
        ("engagement_index", 0.2, &[]),
        ("months_since_promotion", 30.0, &[0.0]),
        ("months_since_promotion", 0.4, &[]),
        ("days_since_one_on_one", 120.0, &[7.0]),
        ("days_since_one_on_one", 5.0, &[]),
        ("answered_last_survey_flag", 0.0, &[1.0]),
        ("answered_last_survey_flag", 1.0, &[]),
        ("one_on_ones_90d_count", 7.0, &[8.0, 9.0, 10.0]),
        ("one_on_ones_90d_count", 10.0, &[]),
        ("one_on_ones_90d_count", f64::NAN, &[]),
        ("moves_24m_count", 2.0, &[3.0, 4.0]),
        ("manager_span_count", 4.5, &[4.0, 3.0, 2.0]),
        ("compa_ratio", 1.264, &[1.27, 1.28, 1.29, 1.3]),
        ("performance_without_growth", 3.5, &[3.0, 2.0, 1.0, 0.0]),
    ];
    for (name, today, expected) in cases {
        let position = scorer.schema().position(name).unwrap();
        let mut values = vec![f64::NAN; RANGES.len()];
        values[position] = today;
        let levers = plausible::levers(&scorer, &values, &ties);
        let tried: Vec<f64> =
            levers.iter().flat_map(|lever| lever.candidates().iter().map(|number| lever.value(*number))).collect();
        assert_eq!(tried, expected, "{name} of {today}");
    }
    // The growth that lacks is what can be changed, not the index made of it.
    let row = row_of(&scorer, &[("pay_growth_12m_percent", 0.0), ("performance_without_growth", 9.0)]);
    let levers = plausible::levers(&scorer, row.values(), &ties);
    assert_eq!(levers.iter().map(|lever| RANGES[lever.feature].0).collect::<Vec<_>>(), ["pay_growth_12m_percent"]);
}

#[test]
fn changes_that_cannot_be_tried_are_all_named() {
    let scorer = plain();
    let number = |name: &str| (name.to_owned(), Value::Number(1.0));
    let wanted = [
        number("compa_ratio"),
        number("tenure_years"),
        number("engagement_index"),
        number("no_such"),
        number("compa_ratio"),
        ("moves_24m_count".to_owned(), Value::Level("three".to_owned())),
        ("months_in_role".to_owned(), Value::Unknown),
    ];
    let problems = changes(scorer.schema(), &wanted).unwrap_err();
    let expected = [
        (1, ChangeProblem::NotActionable("tenure_years".into())),
        (2, ChangeProblem::Confidential("engagement_index".into())),
        (3, RowProblem::UnknownFeature("no_such".into()).into()),
        (4, RowProblem::Repeated("compa_ratio".into()).into()),
        (5, RowProblem::NotANumber { feature: "moves_24m_count".into(), text: "three".into() }.into()),
        (6, ChangeProblem::NoValue("months_in_role".into())),
    ];
    assert_eq!(problems, expected);
}

/// A model with curves in any shape, a pair and rules, and a row of it.
fn any_model(random: &mut Random) -> (Scorer, FeatureRow) {
    let features = RANGES.map(|(name, min, max)| native(name, min, max));
    let encodings: Vec<Encoding> = RANGES.iter().map(|(_, min, max)| curve(*min, *max)).collect();
    let mut content = content(hazard(), features.into(), encodings);
    content.coefficients.iter_mut().for_each(|c| *c = random.between(-0.5, 0.5));
    content.intercept = random.between(-5.5, -2.5);
    let middle = |feature: usize| RANGES.get(feature).map_or(0.0, |(_, min, max)| (min + max) / 2.0);
    let pick = |random: &mut Random| (random.next() * RANGES.len() as f64) as usize;
    let first = pick(random);
    let second = (first + 3) % RANGES.len();
    let axis = |feature: usize| Axis::Cuts { cuts: vec![middle(feature)] };
    content.pairs.push(Pair {
        features: [first, second],
        axes: [axis(first), axis(second)],
        effects: (0..9).map(|_| random.between(-0.7, 0.7)).collect(),
        variances: vec![0.0; 9],
        shares: vec![1.0 / 9.0; 9],
    });
    let trees = (0..6).map(|_| {
        let features = [pick(random), pick(random)];
        RuleTree {
            conditions: features
                .map(|feature| Condition::Above { feature, threshold: middle(feature), unknown: false })
                .into(),
            values: (0..4).map(|_| random.between(-0.6, 0.6)).collect(),
            shares: vec![0.25; 4],
        }
    });
    let ensemble = RuleEnsemble { members: vec![trees.collect()] };
    content.rules = Some(RulePart { weight: 1.0, ensemble });
    let scorer = scorer(content);
    let mut value = |min: f64, max: f64| if random.next() < 0.1 { f64::NAN } else { random.between(min, max).round() };
    let values = RANGES.map(|(name, min, max)| match name {
        "compa_ratio" => 0.95,
        "answered_last_survey_flag" => 0.0,
        _ => value(min, max),
    });
    let row = scorer.schema().packed_row(values.into()).unwrap();
    (scorer, row)
}

fn subsets_of(changes: &[Change]) -> impl Iterator<Item = Vec<Change>> {
    (1..(1_u32 << changes.len()) - 1).map(move |mask| {
        changes.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1).map(|(_, change)| *change).collect()
    })
}

#[test]
fn a_counterfactual_suffices_needs_all_its_changes_and_stays_plausible() {
    let mut random = Random(7);
    let mut found = [0; 6];
    for case in 0..400 {
        let (scorer, row) = any_model(&mut random);
        let search = counterfactual(&scorer, &row, 3);
        let text = |value: &dyn std::fmt::Debug| format!("{value:?}"); // Unknown values are NaN, which no equality knows.
        assert_eq!(text(&search), text(&counterfactual(&scorer, &row, 3)), "case {case}: twice the same");
        assert!(search.scored <= 21_000, "case {case}: {}", search.scored);
        let (changes, simulation) = match search.found {
            Counterfactual::AlreadyLow => {
                assert_eq!(search.before.band, Band::Low);
                continue;
            }
            Counterfactual::Abstained => panic!("case {case}: all is known"),
            Counterfactual::None { lowest_risk } => {
                assert!(lowest_risk >= 0.15 && lowest_risk <= search.before.risk.get(), "case {case}: {lowest_risk}");
                found[0] += 1;
                continue;
            }
            Counterfactual::Found { changes, simulation } => (changes, *simulation),
        };
        found[changes.len()] += 1;
        assert!((1..=3).contains(&changes.len()));
        assert_eq!(scorer.score(&simulation.row).band, Band::Low, "case {case}");
        assert_eq!(text(&simulate(&scorer, &row, &changes)), text(&simulation), "case {case}: tried again");
        for part in subsets_of(&changes) {
            assert_ne!(simulate(&scorer, &row, &part).after.band, Band::Low, "case {case}: {part:?} are enough");
        }
        for (position, (old, new)) in row.values().iter().zip(simulation.row.values()).enumerate() {
            let feature = &scorer.schema().features()[position];
            if old.total_cmp(new).is_ne() {
                assert!(feature.actionable && !feature.confidential, "case {case}: {}", feature.name);
                let (name, min, max) = RANGES[position];
                assert!((min..=max).contains(new), "case {case}: {name} {new}");
                match (feature.direction, changes.iter().any(|change| change.feature == position)) {
                    (PlausibleDirection::Raises, _) => assert!(new < old, "case {case}: {name}"),
                    (PlausibleDirection::Lowers, _) => assert!(new > old, "case {case}: {name}"),
                    (PlausibleDirection::Either, _) => assert!(new > old, "case {case}: {name}"),
                }
            }
        }
        // One step less of any change is too little.
        for (index, change) in changes.iter().enumerate() {
            let feature = &scorer.schema().features()[change.feature];
            let step = match feature.unit {
                crate::features::Unit::Count => 1.0,
                crate::features::Unit::Ratio => 0.01,
                crate::features::Unit::Percent => 0.1,
                _ => continue,
            };
            let towards = (row.values()[change.feature] - change.value).signum();
            let mut less = changes.clone();
            less[index].value += towards * step;
            if (less[index].value - row.values()[change.feature]) * towards < -1e-9 {
                let band = simulate(&scorer, &row, &less).after.band;
                assert_ne!(band, Band::Low, "case {case}: {} at {}", feature.name, less[index].value);
            }
        }
    }
    assert!(found[..4].iter().all(|count| *count > 5), "all lengths are met: {found:?}");
}

#[test]
fn fewer_features_go_before_a_shorter_way() {
    let mut content = content(
        hazard(),
        vec![native("one_on_ones_90d_count", 0.0, 10.0), native("manager_span_count", 2.0, 25.0)],
        vec![curve(0.0, 10.0), curve(2.0, 25.0)],
    );
    // Talks alone suffice; with a smaller team fewer would do.
    content.coefficients = vec![3.0, 2.0, 1.0, 0.0, -1.0, -1.0, 0.0, 0.1, 0.2, 0.3, 0.4, 0.4];
    content.intercept = -5.5;
    let scorer = scorer(content);
    let row = row_of(&scorer, &[("one_on_ones_90d_count", 0.0), ("manager_span_count", 20.0)]);
    assert_eq!(scorer.score(&row).band, Band::High);
    let band = |talks: f64, span: f64| {
        scorer.score(&row_of(&scorer, &[("one_on_ones_90d_count", talks), ("manager_span_count", span)])).band
    };
    let fewest = (1..=8).map(f64::from).find(|talks| band(*talks, 20.0) == Band::Low).unwrap();
    assert_eq!(band(fewest - 1.0, 7.0), Band::Low, "a pair would be nearer in talks");
    let Counterfactual::Found { changes, .. } = counterfactual(&scorer, &row, 3).found else { panic!("none") };
    assert_eq!(changes, [Change { feature: 0, value: fewest }]);
}

#[test]
fn who_is_not_at_risk_or_not_known_is_told_so() {
    let scorer = plain();
    let low = row_of(&scorer, &[("one_on_ones_90d_count", 3.0), ("compa_ratio", 1.0)]);
    assert_eq!(counterfactual(&scorer, &low, 3).found, Counterfactual::AlreadyLow);
    let nothing = row_of(&scorer, &[]);
    assert_eq!(counterfactual(&scorer, &nothing, 3).found, Counterfactual::Abstained);
}

#[test]
fn levels_and_numbers_of_a_flat_table_are_changed_where_it_says_so() {
    let flat = |name: &str, kind, actionable| SourceFeature {
        name: name.into(),
        actionable,
        kind,
        family: crate::features::Family::Other,
        unit: crate::features::Unit::Number,
        direction: PlausibleDirection::Either,
        ..native("tenure_years", 0.0, 1.0)
    };
    let levels = || FeatureKind::Categorical {
        levels: ["often", "rarely", "never"].map(str::to_owned).into(),
        typical: "rarely".into(),
    };
    let number = FeatureKind::Numeric { min: 0.0, max: 50.0, typical: 10.0 };
    let features = vec![flat("travel", levels(), true), flat("overtime", number, true), flat("site", levels(), false)];
    let one_hot = || Encoding::OneHot { levels: 3, pooled: false, unknown: false };
    let hours = Encoding::Standardised { mean: 10.0, scale: 5.0, unknown: false };
    let target = Target::SinglePeriod { target: "left".into(), positive: "yes".into(), id_column: None };
    let mut content = content(target, features, vec![one_hot(), hours, one_hot()]);
    content.coefficients = vec![1.0, 0.5, 0.0, 0.3, 2.0, 0.0, -9.0];
    content.intercept = -3.4;
    let scorer = scorer(content);
    let values = [("travel", Value::Level("often".into())), ("overtime", Value::Number(16.0))];
    let row = |site: &str| {
        let site = ("site", Value::Level(site.into()));
        scorer.schema().row(values.iter().chain([&site]).map(|(name, value)| (*name, value))).unwrap()
    };
    // The site would change everything, but nobody can act on it.
    let Counterfactual::Found { changes, simulation } = counterfactual(&scorer, &row("often"), 2).found else {
        panic!("none")
    };
    assert_eq!(simulation.after.band, Band::Low);
    assert!(changes.iter().all(|change| change.feature < 2), "{changes:?}");
}
