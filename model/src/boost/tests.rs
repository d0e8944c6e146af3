use flight_risk_scoring::LogOdds;
use flight_risk_scoring::rules::{CompiledRules, Condition, RuleEnsemble};

use super::*;

/// A uniform number from 0 to 1.
fn uniform(seed: u64, index: usize) -> f64 {
    (mixed(seed, index as u64) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Two numbers that act only together, a category with gaps, and noise; with the true log-odds.
struct Made {
    columns: Vec<Vec<f64>>,
    events: Vec<bool>,
    truth: Vec<f64>,
}

fn made(rows: usize) -> Made {
    let number = |seed: u64| (0..rows).map(|i| uniform(seed, i) * 10.0).collect::<Vec<f64>>();
    let level = |i| if uniform(4, i) < 0.1 { f64::NAN } else { (uniform(3, i) * 6.0).floor() };
    let columns = vec![number(1), number(2), (0..rows).map(level).collect(), number(5)];
    let truth: Vec<f64> = (0..rows)
        .map(|i| {
            let together = if (columns[0][i] > 4.0) == (columns[1][i] > 6.0) { 1.5 } else { -1.5 };
            let level = columns[2][i];
            let category = if level.is_nan() || (level - 2.0).abs() < 0.5 { 1.0 } else { -0.5 };
            together + category - 1.0
        })
        .collect();
    let events = truth.iter().enumerate().map(|(i, &x)| uniform(6, i) < LogOdds(x).probability().get()).collect();
    Made { columns, events, truth }
}

impl Made {
    fn binned(&self) -> Binned {
        let column = |(j, values): (usize, &Vec<f64>)| (j == 2, values.clone());
        let columns: Vec<(bool, Vec<f64>)> = self.columns.iter().enumerate().map(column).collect();
        let columns: Vec<BinColumn<'_>> = columns
            .iter()
            .map(|(levels, values)| if *levels { BinColumn::Levels(values) } else { BinColumn::Numbers(values) })
            .collect();
        Binned::new(&columns)
    }

    fn row(&self, row: usize) -> Vec<f64> {
        self.columns.iter().map(|column| column[row]).collect()
    }
}

fn quick() -> BoostPlan {
    BoostPlan { rounds: 60, rate: 0.2, report_every: 20, ..BoostPlan::default() }
}

#[test]
fn what_acts_only_together_is_found() {
    let made = made(6000);
    let (train, test): (Vec<usize>, Vec<usize>) = (0..6000).partition(|row| row % 3 > 0);
    let boosted = boost(&made.binned(), &made.events, &train, &test, &quick(), &[]);
    let last = boosted.held_out.last().unwrap();
    let error = |x: &dyn Fn(usize) -> f64| {
        test.iter().enumerate().map(|(i, &row)| (x(i) - made.truth[row]).powi(2)).sum::<f64>() / test.len() as f64
    };
    let (found, base) = (error(&|i| last[i]), error(&|_| boosted.start));
    assert!(found < 0.1 * base, "mean squared error {found} of {base}");
    let members = vec![boosted.trees];
    let strongest = RuleEnsemble { members }.interactions().swap_remove(0);
    assert_eq!(strongest.0, vec![0, 1]);
}

#[test]
fn the_trees_say_of_raw_values_what_boosting_said_of_bins() {
    let made = made(3000);
    let (train, test): (Vec<usize>, Vec<usize>) = (0..3000).partition(|row| row % 2 > 0);
    let plan = quick();
    let boosted = boost(&made.binned(), &made.events, &train, &test, &plan, &[]);
    assert_eq!(boosted.held_out.len(), plan.rounds / plan.report_every);
    for (report, log_odds) in boosted.held_out.iter().enumerate() {
        let trees = boosted.trees[..(report + 1) * plan.report_every].to_vec();
        let rules = CompiledRules::new(&RuleEnsemble { members: vec![trees] }, 4);
        for (&row, &held) in test.iter().zip(log_odds) {
            let said = boosted.start + rules.log_odds(&made.row(row));
            assert!((said - held).abs() < 1e-9, "row {row}: {said} {held}");
        }
    }
    for tree in &boosted.trees {
        let mut shares = vec![0.0; tree.values.len()];
        (0..3000).for_each(|row| shares[tree.cell(&made.row(row))] += 1.0 / 3000.0);
        let close = shares.iter().zip(&tree.shares).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(close, "{shares:?} {tree:?}");
    }
}

#[test]
fn held_out_rows_and_their_order_change_nothing_and_the_seed_does() {
    let made = made(2000);
    let binned = made.binned();
    let rows: Vec<usize> = (0..1500).collect();
    let trees = |held_out: &[usize], seed| {
        let boosted = boost(&binned, &made.events, &rows, held_out, &BoostPlan { seed, ..quick() }, &[]);
        // The shares are those of all rows: the reference that effects are measured from.
        boosted.trees.into_iter().map(|tree| (tree.conditions, tree.values)).collect::<Vec<_>>()
    };
    assert_eq!(trees(&[1700, 1600], 1), trees(&[], 1));
    assert_ne!(trees(&[], 2), trees(&[], 1));
}

#[test]
fn monotone_features_never_move_against_their_sign() {
    // A hump along feature 0 and a fall along feature 3, both forbidden.
    let mut made = made(4000);
    made.events = (0..4000)
        .map(|i| {
            let (a, b) = (made.columns[0][i], made.columns[3][i]);
            let x = 2.0 - (a - 4.0).abs() - 0.5 * b + if made.columns[1][i] > 5.0 { a - 4.0 } else { 0.0 };
            uniform(9, i) < LogOdds(x).probability().get()
        })
        .collect();
    let rows: Vec<usize> = (0..4000).collect();
    let free = boost(&made.binned(), &made.events, &rows, &[], &quick(), &[]);
    let bound = boost(&made.binned(), &made.events, &rows, &[], &quick(), &[(0, 1.0), (3, 1.0), (1, -1.0)]);
    let against = |boosted: &Boosted, feature: usize, sign: f64| {
        let rules = CompiledRules::new(&RuleEnsemble { members: vec![boosted.trees.clone()] }, 4);
        let mut steps = 0;
        for row in (0..4000).step_by(97) {
            let mut row = made.row(row);
            let path: Vec<f64> = (0..100)
                .map(|step| {
                    row[feature] = f64::from(step) / 10.0;
                    sign * rules.log_odds(&row)
                })
                .collect();
            steps += path.windows(2).filter(|pair| pair[1] < pair[0] - 1e-12).count();
        }
        steps
    };
    for (feature, sign) in [(0, 1.0), (3, 1.0), (1, -1.0)] {
        assert!(against(&free, feature, sign) > 0, "feature {feature} has nothing to forbid");
        assert_eq!(against(&bound, feature, sign), 0, "feature {feature}");
    }
    assert!(!bound.trees.is_empty(), "what is allowed is still learned");
}

#[test]
fn gaps_and_strange_columns_are_no_trouble() {
    let events: Vec<bool> = (0..400).map(|i| i % 4 == 0 || i >= 300).collect();
    let gaps: Vec<f64> = (0..400).map(|i| if i >= 300 { f64::NAN } else { 1.0 }).collect();
    let constant = vec![7.0; 400];
    let empty = vec![f64::NAN; 400];
    let huge: Vec<f64> = (0..400).map(|i| if i % 2 == 0 { f64::MAX } else { f64::MIN }).collect();
    let rows: Vec<usize> = (0..400).collect();
    let run = |columns: &[BinColumn<'_>], rows: &[usize], events: &[bool]| {
        boost(&Binned::new(columns), events, rows, &[0, 399], &quick(), &[])
    };
    for column in [BinColumn::Numbers(&gaps), BinColumn::Levels(&gaps)] {
        let boosted = run(&[column, BinColumn::Numbers(&huge)], &rows, &events);
        let tree = boosted.trees.first().unwrap();
        let condition = tree.conditions.iter().find(|condition| condition.feature() == 0).unwrap();
        assert_ne!(condition.holds(f64::NAN), condition.holds(1.0), "{condition:?}");
        let last = boosted.held_out.last().unwrap();
        assert!(last[1] > last[0] + 1.0, "a gap says something: {last:?}");
    }
    for column in [BinColumn::Numbers(&constant), BinColumn::Levels(&constant), BinColumn::Numbers(&empty)] {
        let boosted = run(&[column], &rows, &events);
        assert_eq!((boosted.trees.len(), boosted.held_out.len()), (0, 3), "nothing to learn");
        assert_eq!(boosted.held_out[2], vec![boosted.start; 2]);
    }
    let columns = [BinColumn::Numbers(&gaps)];
    assert!(run(&columns, &[], &events).trees.is_empty(), "no rows");
    assert!(run(&columns, &rows, &[true; 400]).start.is_finite(), "one class");
    assert!(run(&[], &rows, &events).trees.is_empty(), "no features");
}

#[test]
fn a_value_that_training_never_lacked_goes_with_most_when_it_is_unknown() {
    let values: Vec<f64> = (0..1000).map(|i| f64::from(i % 10)).collect();
    let events: Vec<bool> = (0..1000).map(|i| i % 10 >= 8 || i % 37 == 0).collect();
    let rows: Vec<usize> = (0..1000).collect();
    let boosted = boost(&Binned::new(&[BinColumn::Numbers(&values)]), &events, &rows, &[], &quick(), &[]);
    let first = &boosted.trees.first().unwrap().conditions[0];
    assert_eq!(first, &Condition::Above { feature: 0, threshold: 7.5, unknown: false });
}
