//! Flat tables whose truth is no sum of straight lines: curves, two and three features together, and people behind values.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::command::flight_risk;
use super::flat::FlatFixture;
use super::folder::new_folder;

/// What a table's outcome depends on, beside a straight line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bent {
    /// A curve of `load`, and `tenure` with `site`.
    Pair,
    /// The same, and `tenure`, `pay` and `load` together.
    Three,
}

const SCHEMA: &str = "id = \"employee\"\ntarget = \"left\"\npositive = \"Yes\"\n";

/// So many employees: `employee,tenure,pay,load,site,left`, with blanks in `load`.
pub(crate) fn bent_table(kind: Bent, rows: u32, seed: u64) -> FlatFixture {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut csv = String::from("employee,tenure,pay,load,site,left\n");
    for row in 0..rows {
        let tenure = random.random_range(0..40_u32);
        let pay: f64 = random.random_range(20.0..90.0_f64).round();
        let load = random.random_range(0.0..10.0_f64);
        let site = ["North", "South", "West"][random.random_range(0..3_usize)];
        let mut log_odds = -2.2 + 0.12 * (load - 5.0).powi(2) - 0.01 * (pay - 55.0);
        log_odds += if (tenure < 15) == (site == "North") { 1.1 } else { -1.1 };
        if kind == Bent::Three {
            let sides = [tenure % 20 < 10, pay < 55.0, load < 5.0];
            log_odds += if sides.iter().filter(|&&side| side).count() % 2 == 0 { 1.6 } else { -1.6 };
        }
        let left = if random.random_bool(1.0 / (1.0 + (-log_odds).exp())) { "Yes" } else { "No" };
        let load = if random.random_bool(0.08) { String::new() } else { format!("{load:.2}") };
        writeln!(csv, "E{row:05},{tenure},{pay},{load},{site},{left}").expect("a string takes text");
    }
    written(&csv, SCHEMA)
}

/// 900 rows about 180 people, of whom neither an identifier nor a group tells: only that `badge` is the same. Whether somebody
/// leaves is theirs. `person` is who they are; `schema` says what is known of it.
pub(crate) fn namesakes_table(schema: &str) -> FlatFixture {
    const PEOPLE: usize = 180;
    let mut random = ChaCha8Rng::seed_from_u64(41);
    let people: Vec<(f64, f64)> = (0..PEOPLE)
        .map(|_| (random.random_range(1000.0..9000.0_f64).round() / 10.0, random.random_range(-3.0..2.0)))
        .collect();
    let mut csv = String::from("row,person,badge,age,site,school,left\n");
    for row in 0..5 * PEOPLE {
        let person = row % PEOPLE;
        let (badge, own) = people[person];
        let age = random.random_range(20..64_u32);
        let log_odds = own * 1.8 - 0.08 * (f64::from(age) - 40.0);
        let (site, school) = (person % 7, person % 3);
        let left = if random.random_bool(1.0 / (1.0 + (-log_odds).exp())) { "Yes" } else { "No" };
        writeln!(csv, "R{row},P{person},{badge},{age},S{site},D{school},{left}").expect("a string takes text");
    }
    written(&csv, &format!("target = \"left\"\npositive = \"Yes\"\n{schema}\n"))
}

fn written(csv: &str, schema: &str) -> FlatFixture {
    let folder = new_folder("bent");
    let fixture = FlatFixture { data: folder.join("table.csv"), schema: folder.join("schema.toml") };
    std::fs::write(&fixture.data, csv).expect("the table can be written");
    std::fs::write(&fixture.schema, schema).expect("the schema can be written");
    fixture
}

/// Trains on a flat table with a configuration.
pub(crate) fn train_flat(table: &FlatFixture, config: &str) -> PathBuf {
    let out = new_folder("model").join("bent");
    let settings = new_folder("settings").join("settings.toml");
    std::fs::write(&settings, config).expect("the configuration can be written");
    let paths = [("--data", &table.data), ("--schema", &table.schema), ("--config", &settings), ("--out", &out)];
    let args = paths.iter().flat_map(|(name, path)| [name.as_ref(), path.as_os_str()]);
    flight_risk(["train".as_ref(), "--quiet".as_ref(), "--allow-weak".as_ref()].into_iter().chain(args)).ok();
    out
}

/// A model with curves, pairs and rules.
pub(crate) fn bent_model() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| train_flat(&bent_table(Bent::Three, 1500, 6), ""))
}

/// A model with effects of recurring values.
pub(crate) fn namesakes_model() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| train_flat(&namesakes_table("drop = [\"row\", \"person\"]"), "rules = false\n"))
}
