//! Companies and the models trained on them.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::command::flight_risk;
use super::flat::flat_table;
use super::folder::{new_folder, root};

/// The sample in the repository: 100 employees, two years.
pub(crate) fn committed_sample() -> PathBuf {
    root().join("training-data/sample")
}

/// A folder of HR tables: 300 employees, three years.
pub(crate) fn sample_company() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| generate(300, 3, 11))
}

/// The model directory of a model trained on [`sample_company`].
pub(crate) fn trained_model() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let out = new_folder("model").join("native");
        flight_risk([
            "train".as_ref(),
            "--quiet".as_ref(),
            "--data".as_ref(),
            sample_company().as_os_str(),
            "--out".as_ref(),
            out.as_os_str(),
        ])
        .ok();
        out
    })
}

/// The model directory of a model trained on [`flat_table`].
pub(crate) fn trained_flat_model() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let out = new_folder("model").join("flat");
        let flat = flat_table();
        flight_risk([
            "train".as_ref(),
            "--quiet".as_ref(),
            "--data".as_ref(),
            flat.data.as_os_str(),
            "--schema".as_ref(),
            flat.schema.as_os_str(),
            "--out".as_ref(),
            out.as_os_str(),
        ])
        .ok();
        out
    })
}

/// Writes a company and gives its folder.
pub(crate) fn generate(employees: u32, years: u32, seed: u64) -> PathBuf {
    let out = new_folder("company").join("tables");
    let number = |n: u64| n.to_string();
    let (employees, years, seed) = (number(employees.into()), number(years.into()), number(seed));
    flight_risk([
        "generate".as_ref(),
        "--quiet".as_ref(),
        "--employees".as_ref(),
        employees.as_ref(),
        "--years".as_ref(),
        years.as_ref(),
        "--seed".as_ref(),
        seed.as_ref(),
        "--out".as_ref(),
        out.as_os_str(),
    ])
    .ok();
    out
}
