//! A feature whose schema gives a direction never moves a risk against it, whatever else the model holds.

use crate::parity::scorer;
use crate::properties::shapley::packed;
use crate::support::{Bent, FlatFixture, Plain, PlainKind, bent_table, new_folder, train_flat};

/// Steps across and beyond the range of training.
const STEPS: u32 = 60;

/// Log-odds along a feature, all else as in a row.
fn path(plain: &Plain, row: &[f64], feature: usize) -> Vec<f64> {
    let PlainKind::Numeric { min, max } = plain.features[feature].kind else { panic!("no number") };
    let at = |step: u32| {
        let mut row = row.to_vec();
        row[feature] = min + (max - min) * (f64::from(step) / f64::from(STEPS) * 1.4 - 0.2);
        plain.log_odds(&row)
    };
    (0..=STEPS).map(at).collect()
}

/// How often a step along a feature goes against its sign.
fn against(plain: &Plain, rows: &[Vec<f64>], name: &str, sign: f64) -> usize {
    let feature = plain.features.iter().position(|feature| feature.name == name).unwrap();
    let paths = rows.iter().step_by(17).map(|row| path(plain, row, feature));
    paths.map(|path| path.windows(2).filter(|pair| sign * (pair[1] - pair[0]) < -1e-9).count()).sum()
}

#[test]
fn effects_never_move_against_their_sign() {
    // A valley along load and what tenure does with site, pay and load: both directions are wrong somewhere.
    let FlatFixture { data, schema } = bent_table(Bent::Three, 1200, 21);
    let free = std::fs::read_to_string(schema).unwrap();
    let bound = |signs: &[(&str, &str)]| {
        let schema = new_folder("monotone").join("schema.toml");
        let lines = signs.iter().map(|(name, sign)| format!("[features.{name}]\nmonotone = \"{sign}\"\n"));
        std::fs::write(&schema, free.clone() + &lines.collect::<String>()).unwrap();
        FlatFixture { data: data.clone(), schema }
    };
    for config in ["complexity = \"lines\"\n", "complexity = \"full\"\nrules = false\n", ""] {
        let wild = Plain::read(&train_flat(&bound(&[]), config));
        let rows = packed(&wild, &data);
        let signs = [("load", "increasing", 1.0), ("pay", "increasing", 1.0), ("tenure", "decreasing", -1.0)];
        let unbound: usize = signs.iter().map(|(name, _, sign)| against(&wild, &rows, name, *sign)).sum();
        assert!(unbound > 0, "`{config}`: there is nothing to forbid");
        let told: Vec<(&str, &str)> = signs.iter().map(|&(name, told, _)| (name, told)).collect();
        let model = train_flat(&bound(&told), config);
        let plain = Plain::read(&model);
        for (name, _, sign) in signs {
            assert_eq!(against(&plain, &rows, name, sign), 0, "`{config}`: {name}");
        }
        let scored = scorer(&model);
        let row = scored.schema().packed_row(rows[0].clone()).unwrap();
        assert!(
            (scored.score(&row).log_odds.0 - plain.log_odds(&rows[0])).abs() < 1e-9,
            "what is checked is what is said"
        );
    }
}
