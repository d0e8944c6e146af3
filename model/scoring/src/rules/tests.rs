use super::*;
use crate::features::{Family, PlausibleDirection, Unit};

/// Reference rows: a number, a level with gaps, a number with gaps, one with ties.
fn rows() -> Vec<Vec<f64>> {
    let gap = |value: f64, is_gap: bool| if is_gap { f64::NAN } else { value };
    (0..60_u32)
        .map(|i| {
            let x = f64::from(i);
            vec![x, gap(f64::from(i % 4), i % 11 == 0), gap((x * 1.7) % 13.0, i % 7 == 3), f64::from(i * i % 5)]
        })
        .collect()
}

fn above(feature: usize, threshold: f64, unknown: bool) -> Condition {
    Condition::Above { feature, threshold, unknown }
}

fn one_of(feature: usize, levels: &[u32], unknown: bool) -> Condition {
    Condition::OneOf { feature, levels: levels.to_vec(), unknown }
}

/// A tree with arbitrary values and the shares of the reference rows.
fn tree(conditions: Vec<Condition>, seed: f64) -> RuleTree {
    let cells = 1 << conditions.len();
    let values = (0..cells).map(|cell| (f64::from(cell) * 1.3 + seed).sin()).collect();
    let mut tree = RuleTree { conditions, values, shares: vec![0.0; cells as usize] };
    let rows = rows();
    for row in &rows {
        let cell = tree.cell(row);
        tree.shares[cell] += 1.0 / rows.len() as f64;
    }
    tree
}

/// One to six conditions; two on one feature; the same ones in another order; all kinds.
fn ensemble() -> RuleEnsemble {
    let many_levels: Vec<u32> = (1..90).step_by(2).collect();
    RuleEnsemble {
        members: vec![
            vec![
                tree(vec![above(0, 20.5, false), one_of(1, &[0, 3], true), above(2, 6.0, true)], 0.1),
                tree(vec![above(2, 6.0, true), above(0, 20.5, false), one_of(1, &[0, 3], true)], 1.1),
                tree(vec![above(0, 40.0, false), above(0, 10.0, false), above(3, 0.5, false)], 2.1),
                tree(vec![above(2, 9.0, false)], 3.1),
            ],
            vec![
                tree(vec![one_of(1, &many_levels, false), above(3, 2.0, false)], 4.1),
                tree(vec![above(3, 3.5, true), above(2, 3.0, false), above(2, 3.0, true)], 5.1),
                tree(
                    vec![
                        above(3, 1.5, true),
                        above(2, 6.0, true),
                        one_of(1, &[0, 3], true),
                        above(0, 20.5, false),
                        above(0, 40.0, true),
                        above(2, 9.0, false),
                    ],
                    6.1,
                ),
            ],
            vec![],
        ],
    }
}

fn log_odds(ensemble: &RuleEnsemble, row: &[f64]) -> f64 {
    let sum: f64 = ensemble.members.iter().flatten().map(|tree| tree.log_odds(row)).sum();
    sum / ensemble.members.len() as f64
}

/// The expectation over the reference rows with the features in `coalition` taken from `row`.
fn expectation(ensemble: &RuleEnsemble, row: &[f64], coalition: usize) -> f64 {
    let rows = rows();
    let mixed = |reference: &Vec<f64>| -> Vec<f64> {
        let pick = |(j, (&own, &other))| if coalition >> j & 1 == 1 { own } else { other };
        row.iter().zip(reference).enumerate().map(pick).collect()
    };
    rows.iter().map(|reference| log_odds(ensemble, &mixed(reference))).sum::<f64>() / rows.len() as f64
}

/// Rows that training saw, and some that it did not.
fn asked() -> Vec<Vec<f64>> {
    let mut asked = rows();
    asked.push(vec![f64::NAN; 4]);
    asked.push(vec![1e9, 77.0, -1e9, 2.0]);
    asked.push(vec![20.5, 4.0, 6.0, 0.5]);
    asked
}

#[test]
fn contributions_are_the_shapley_values_of_brute_force_over_rows() {
    let ensemble = ensemble();
    let compiled = CompiledRules::new(&ensemble, 4);
    let factorial = |n: usize| (1..=n).product::<usize>() as f64;
    for row in asked() {
        let mut contributions = vec![0.0; 4];
        compiled.explain(&row, 1.0, &mut contributions);
        for (feature, &contribution) in contributions.iter().enumerate() {
            let expected: f64 = (0..1_usize << 4)
                .filter(|coalition| coalition >> feature & 1 == 0)
                .map(|coalition| {
                    let size = coalition.count_ones() as usize;
                    let weight = factorial(size) * factorial(4 - size - 1) / factorial(4);
                    let with = expectation(&ensemble, &row, coalition | 1 << feature);
                    weight * (with - expectation(&ensemble, &row, coalition))
                })
                .sum();
            assert!((contribution - expected).abs() < 1e-12, "{contribution} {expected} feature {feature} of {row:?}");
        }
    }
}

#[test]
fn contributions_add_up_and_are_scaled_and_added() {
    let ensemble = ensemble();
    let compiled = CompiledRules::new(&ensemble, 4);
    assert!((compiled.mean() - expectation(&ensemble, &[0.0; 4], 0)).abs() < 1e-12);
    for row in asked() {
        let mut contributions = vec![1.0, 2.0, 3.0, 4.0];
        let score = compiled.explain(&row, 0.5, &mut contributions);
        assert!((score.log_odds - log_odds(&ensemble, &row)).abs() < 1e-12);
        assert!((score.log_odds - compiled.log_odds(&row)).abs() < 1e-15);
        let added = contributions.iter().sum::<f64>() - 10.0;
        assert!((added - 0.5 * (score.log_odds - compiled.mean())).abs() < 1e-12, "{row:?}");
    }
}

#[test]
fn the_standard_error_is_that_of_the_jackknife() {
    let constant = |value: f64| {
        let shares = vec![0.5, 0.5];
        vec![RuleTree { conditions: vec![above(0, 0.0, false)], values: vec![value, value], shares }]
    };
    for (values, expected) in
        [(vec![1.0], 0.0), (vec![1.0, 1.0, 1.0], 0.0), (vec![1.0, 2.0, 6.0], (2.0 / 3.0 * 14.0_f64).sqrt())]
    {
        let ensemble = RuleEnsemble { members: values.iter().copied().map(constant).collect() };
        let score = CompiledRules::new(&ensemble, 1).explain(&[1.0], 1.0, &mut [0.0]);
        assert!((score.standard_error - expected).abs() < 1e-12, "{values:?}: {}", score.standard_error);
    }
    let none = CompiledRules::new(&RuleEnsemble::default(), 3);
    assert_eq!(none.explain(&[1.0; 3], 1.0, &mut [0.0; 3]), RuleScore { log_odds: 0.0, standard_error: 0.0 });
}

#[test]
fn trees_with_the_same_conditions_become_one() {
    let ensemble = ensemble();
    let given: usize = ensemble.members.iter().map(Vec::len).sum();
    assert_eq!((given, CompiledRules::new(&ensemble, 4).trees()), (7, 6));
}

#[test]
fn what_acts_together_is_told_apart_from_what_adds_up() {
    // Four cells of equal share: with a product of signs there is nothing alone, with a sum nothing together.
    let pair = |values: [f64; 4]| RuleEnsemble {
        members: vec![vec![RuleTree {
            conditions: vec![above(0, 0.0, false), above(2, 0.0, false)],
            values: values.to_vec(),
            shares: vec![0.25; 4],
        }]],
    };
    let (together, apart) = (pair([1.0, -1.0, -1.0, 1.0]), pair([0.0, 1.0, 2.0, 3.0]));
    assert_eq!(together.interactions(), vec![(vec![0, 2], 1.0)]);
    assert!(together.main_effect(0, 1.0).abs() < 1e-15);
    assert!(apart.interactions().iter().all(|(_, strength)| *strength < 1e-12));
    assert!((apart.main_effect(2, 1.0) - 1.0).abs() < 1e-15 && apart.main_effect(1, 1.0).abs() < 1e-15);
}

#[test]
fn the_parts_of_all_sets_of_features_add_up_to_the_log_odds() {
    let ensemble = ensemble();
    let mean = CompiledRules::new(&ensemble, 4).mean();
    for row in asked() {
        let chosen =
            |set: usize| row.iter().copied().enumerate().filter(|(j, _)| set >> j & 1 == 1).collect::<Vec<_>>();
        let parts: f64 = (1..1_usize << 4).map(|set| ensemble.joint_effect(&chosen(set))).sum();
        assert!((parts - (log_odds(&ensemble, &row) - mean)).abs() < 1e-12, "{row:?}");
        let all = ensemble.joint_effects(&row);
        for set in (1..1_usize << 4).filter(|set: &usize| set.count_ones() > 1) {
            let at = chosen(set);
            let features: Vec<usize> = at.iter().map(|(feature, _)| *feature).collect();
            let part = all.get(&features).copied().unwrap_or_default();
            assert!((part - ensemble.joint_effect(&at)).abs() < 1e-12, "{features:?} of {row:?}");
        }
        let alone = expectation(&ensemble, &row, 0b100) - mean;
        assert!((ensemble.main_effect(2, row[2]) - alone).abs() < 1e-12, "{row:?}");
    }
}

fn feature(kind: FeatureKind) -> SourceFeature {
    SourceFeature {
        name: "f".to_owned(),
        label: "f".to_owned(),
        family: Family::Other,
        unit: Unit::Number,
        direction: PlausibleDirection::Either,
        actionable: false,
        confidential: false,
        phrase: "f {value}".to_owned(),
        otherwise: "f not known".to_owned(),
        kind,
        known_share: 1.0,
    }
}

/// Something done to a tree.
type Change<'a> = &'a dyn Fn(&mut RuleTree);

#[test]
fn what_does_not_fit_is_refused_in_words() {
    let number = feature(FeatureKind::Numeric { min: 0.0, max: 1.0, typical: 0.5 });
    let category = feature(FeatureKind::Categorical { levels: vec!["a".into(), "b".into()], typical: "a".into() });
    let features = [number, category];
    let sound = RuleTree {
        conditions: vec![above(0, 0.5, true), one_of(1, &[0, 2], false)],
        values: vec![0.1, 0.2, 0.3, 0.4],
        shares: vec![0.4, 0.3, 0.2, 0.1],
    };
    let check = |tree: RuleTree| RuleEnsemble { members: vec![vec![tree]] }.check(&features);
    assert_eq!(check(sound.clone()), Ok(()));
    let with = |change: Change<'_>| {
        let mut tree = sound.clone();
        change(&mut tree);
        check(tree).map_err(|problem| problem.to_string())
    };
    let cases: [(Change<'_>, &str); 11] = [
        (&|t| t.conditions.clear(), "0 conditions"),
        (&|t| t.conditions.extend([0.1, 0.2, 0.3, 0.4, 0.6].map(|x| above(0, x, true))), "7 conditions"),
        (&|t| t.values.truncate(3), "3 values"),
        (&|t| t.values[1] = f64::NAN, "not finite"),
        (&|t| t.shares[1] = 0.2, "add up to 0.9"),
        (&|t| t.shares = vec![1.5, -0.5, 0.0, 0.0], "shares"),
        (&|t| t.conditions[0] = above(2, 0.5, true), "feature 2 of 2"),
        (&|t| t.conditions[0] = above(0, f64::INFINITY, true), "threshold"),
        (&|t| t.conditions[0] = one_of(0, &[0], true), "not of the kind"),
        (&|t| t.conditions[1] = one_of(1, &[1, 0], true), "not ascending"),
        (&|t| t.conditions[1] = one_of(1, &[3], true), "no level 3"),
    ];
    for (change, expected) in cases {
        assert!(with(change).is_err_and(|problem| problem.contains(expected)), "{expected}: {:?}", with(change));
    }
}

#[test]
fn the_written_form_is_read_back_and_strange_keys_are_refused() {
    let ensemble = ensemble();
    let json = serde_json::to_string(&ensemble).unwrap();
    assert_eq!(serde_json::from_str::<RuleEnsemble>(&json).unwrap(), ensemble);
    assert!(json.contains(r#"{"type":"above","feature":0,"threshold":20.5,"unknown":false}"#), "{json}");
    assert!(serde_json::from_str::<RuleEnsemble>(r#"{"members":[],"trees":[]}"#).is_err());
}
