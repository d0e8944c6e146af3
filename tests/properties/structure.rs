//! Curves, pairs and effects of recurring values are found where there is something, and nowhere else.

use flight_risk_scoring::metrics::{GuardFinding, GuardKind};

use crate::support::{
    DRAWN_SCHEMA, Drawn, FlatFixture, Plain, namesakes_model, namesakes_table, new_folder, train_flat,
};

#[test]
fn values_that_recur_stand_for_people_only_where_nothing_else_names_them() {
    let recurring = |model: &std::path::Path| Plain::read(model).recurring.map(|found| found.values.len());
    let found = recurring(namesakes_model());
    assert!(found.is_some_and(|values| values > 170), "nobody of 180 people is named: {found:?}");
    for (schema, why) in [
        ("group = \"person\"\ndrop = [\"row\"]", "a group names people"),
        ("id = \"person\"\ndrop = [\"row\"]", "identifiers repeat"),
        ("group = \"row\"\ndrop = [\"person\"]", "a group says that every row is somebody else"),
        (
            "drop = [\"row\", \"person\"]\n[features.badge]\nmonotone = \"increasing\"",
            "an effect of one direction has no room for people",
        ),
    ] {
        let model = train_flat(&namesakes_table(schema), "rules = false\n");
        assert_eq!(recurring(&model), None, "{why}");
    }
}

#[test]
fn rows_of_one_person_are_judged_apart_though_nothing_names_them() {
    let judged = |model: &std::path::Path| {
        let metrics = crate::parity::scorer(model).artifact().content().metrics.clone();
        let guard = metrics.guards.into_iter().find(|guard| guard.kind == GuardKind::OneEmployee).unwrap();
        (guard, metrics.rows.auc.unwrap())
    };
    let (guard, auc) = judged(namesakes_model());
    assert_eq!((guard.finding, guard.features), (GuardFinding::Suspected, vec!["badge".to_owned()]), "{}", guard.text);
    assert!(guard.text.contains("`site`, `school`") && guard.text.contains("`group`"), "{}", guard.text);
    // Of somebody never seen a badge tells nothing: the figures are those of a table that names its people.
    let named = train_flat(&namesakes_table("group = \"person\"\ndrop = [\"row\"]"), "rules = false\n");
    let (guard, auc_of_named) = judged(&named);
    assert_eq!(guard.finding, GuardFinding::Kept, "{}", guard.text);
    assert!((auc - auc_of_named).abs() < 0.03 && auc < 0.8, "{auc} {auc_of_named}");
}

/// Sixty leavers in a thousand rows, with noise beside little or no signal: what the penalties leave is little.
#[test]
fn noise_leaves_no_curves_and_no_pairs() {
    let (mut curves, mut pairs, mut free) = (0, 0, Vec::new());
    for seed in 0..8 {
        let signal = if seed % 2 == 0 { 0.0 } else { 0.8 };
        let drawn = Drawn { seed, rows: 1000, features: 10, rate: 0.06, signal, months: 0 };
        let folder = new_folder("noise");
        let table = FlatFixture { data: folder.join("table.csv"), schema: folder.join("schema.toml") };
        std::fs::write(&table.data, drawn.csv()).unwrap();
        std::fs::write(&table.schema, DRAWN_SCHEMA).unwrap();
        let content = crate::parity::scorer(&train_flat(&table, "")).artifact().content().clone();
        pairs += content.pairs.len();
        for block in &content.provenance.blocks {
            let bends = block.name.starts_with("curve of ") && block.effective_parameters > 0.5;
            curves += usize::from(bends);
        }
        free.push(content.provenance.blocks.iter().map(|block| block.effective_parameters).sum::<f64>());
    }
    // Of 80 features none bends and of 360 pairs none is real; a few look as if by chance.
    assert!(curves <= 4, "{curves} of 80 straight or empty effects are curves");
    assert!(pairs <= 2, "{pairs} pairs");
    assert!(free.iter().all(|&free| free < 15.0), "{free:?} effective parameters of 60 leavers");
}
