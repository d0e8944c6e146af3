//! A flat table drawn from a known rule.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::OnceLock;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::folder::new_folder;

/// Rows of the table.
const ROWS: u32 = 600;

/// A flat table and its schema.
#[derive(Debug)]
pub(crate) struct FlatFixture {
    /// The table: `employee,age,monthly_income,overtime_hours,department,gender,left`.
    pub(crate) data: PathBuf,
    /// Its schema: `gender` is protected.
    pub(crate) schema: PathBuf,
}

/// Schema of [`flat_table`].
const SCHEMA: &str = r#"id = "employee"
target = "left"
positive = "Yes"
protected = ["gender"]

[features.overtime_hours]
label = "Overtime"
actionable = true
"#;

/// 600 employees with three numbers (one with blanks) and a category. The log-odds of having left are
/// `-1.5 - 0.04 (age - 40) - 0.0004 (monthly_income - 5000) + 0.12 overtime_hours + 0.8 if Sales`.
pub(crate) fn flat_table() -> &'static FlatFixture {
    static TABLE: OnceLock<FlatFixture> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let mut csv = String::from("employee,age,monthly_income,overtime_hours,department,gender,left\n");
        for row in 0..ROWS {
            let age: f64 = random.random_range(20.0..64.0_f64).round();
            let income: f64 = random.random_range(2000.0..9000.0_f64).round();
            let overtime = (random.random::<f64>() * 120.0).round() / 10.0;
            let department =
                ["Sales", "Research", "Production", "Finance", "Legal"][random.random_range(0..40_usize).min(32) / 8];
            let gender = if random.random_bool(0.5) { "female" } else { "male" };
            let log_odds = -1.5 - 0.04 * (age - 40.0) - 0.0004 * (income - 5000.0)
                + 0.12 * overtime
                + if department == "Sales" { 0.8 } else { 0.0 };
            let left = if random.random_bool(1.0 / (1.0 + (-log_odds).exp())) { "Yes" } else { "No" };
            let overtime = if random.random_bool(0.1) { String::new() } else { overtime.to_string() };
            writeln!(csv, "E{row:04},{age},{income},{overtime},{department},{gender},{left}").unwrap();
        }
        let folder = new_folder("flat");
        let fixture = FlatFixture { data: folder.join("table.csv"), schema: folder.join("schema.toml") };
        std::fs::write(&fixture.data, csv).expect("the table can be written");
        std::fs::write(&fixture.schema, SCHEMA).expect("the schema can be written");
        fixture
    })
}
