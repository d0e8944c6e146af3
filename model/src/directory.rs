//! The model directory: the artifact, its metrics, its report and its card, written whole or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use flight_risk_data::atomic::{AtomicError, check_replaceable, replace_directory};
use flight_risk_scoring::Artifact;
use flight_risk_scoring::artifact::{ArtifactError, BaseRates, Block, FILE_NAME};
use flight_risk_scoring::metrics::Metrics;
use serde::Serialize;

use crate::report::{CARD_FILE_NAME, REPORT_FILE_NAME, model_card, report_html};

/// Name of the metrics in a model directory.
pub const METRICS_FILE_NAME: &str = "metrics.json";
/// Everything that a model directory holds.
const FILE_NAMES: [&str; 4] = [FILE_NAME, METRICS_FILE_NAME, REPORT_FILE_NAME, CARD_FILE_NAME];

/// Why a model directory could not be written.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The directory holds something else than a model.
    #[error(
        "{path} holds other files than a model's and is left alone; choose a new or empty directory, or move its files away",
        path = .0.display()
    )]
    NotAModel(PathBuf),
    /// The directory could not be put in its place.
    #[error(transparent)]
    Place(AtomicError),
    /// One of its files could not be written.
    #[error("cannot write {path}: {source}; check the free space and the permissions", path = path.display())]
    Write {
        /// Name of the file in the model directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The artifact could not be turned into text.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The metrics could not be turned into text.
    #[error("the metrics cannot be written as JSON: {0}")]
    Metrics(#[source] serde_json::Error),
}

impl From<AtomicError> for DirectoryError {
    fn from(error: AtomicError) -> Self {
        match error {
            AtomicError::Foreign(path) => Self::NotAModel(path),
            other => Self::Place(other),
        }
    }
}

/// `metrics.json`: the figures with what is needed to place them.
#[derive(Serialize)]
struct MetricsFile<'a> {
    model_version: &'a str,
    sha256: &'a str,
    software_version: &'a str,
    data_from: Option<&'a str>,
    data_until: Option<&'a str>,
    blocks: &'a [Block],
    base_rates: &'a BaseRates,
    #[serde(flatten)]
    metrics: &'a Metrics,
}

/// Whether a model directory may be written under `dir`: nothing is there, or an empty directory, or one that holds a model
/// and nothing but a model. Worth asking before hours of training; [`write_model_directory`] asks again.
///
/// # Errors
/// [`DirectoryError::NotAModel`] for a directory that holds anything else, [`DirectoryError::Place`] for a file or a path
/// that cannot be looked at.
pub fn check_model_directory(dir: &Path) -> Result<(), DirectoryError> {
    Ok(check_replaceable(dir, is_model)?)
}

/// Writes `model.json`, `metrics.json`, `report.html` and `model-card.md` into a new directory and puts it in place of `dir`.
///
/// The same artifact gives the same bytes. A former model directory is replaced as a whole; on any error it stays.
///
/// # Errors
/// See [`DirectoryError`].
pub fn write_model_directory(dir: &Path, artifact: &Artifact) -> Result<(), DirectoryError> {
    // Both work out the effect of every feature and rule: on two cores at the same time.
    let (report, card) = rayon::join(|| report_html(artifact), || model_card(artifact));
    let files = [
        (FILE_NAME, artifact.to_json()?),
        (METRICS_FILE_NAME, metrics_json(artifact)?),
        (REPORT_FILE_NAME, report),
        (CARD_FILE_NAME, card),
    ];
    replace_directory(dir, is_model, |temporary| {
        for (name, text) in &files {
            fs::write(temporary.join(name), text)
                .map_err(|source| DirectoryError::Write { path: dir.join(name), source })?;
        }
        Ok(())
    })
}

/// A model's files and nothing else: replacing a directory deletes it, and what somebody put there is not ours to delete.
fn is_model(dir: &Path) -> bool {
    let Ok(entries) = fs::read_dir(dir) else { return false };
    let known = |entry: io::Result<fs::DirEntry>| {
        entry.is_ok_and(|entry| FILE_NAMES.iter().any(|name| entry.file_name() == *name))
    };
    dir.join(FILE_NAME).is_file() && entries.into_iter().all(known)
}

fn metrics_json(artifact: &Artifact) -> Result<String, DirectoryError> {
    let content = artifact.content();
    let provenance = &content.provenance;
    let file = MetricsFile {
        model_version: artifact.model_version(),
        sha256: artifact.sha256(),
        software_version: &provenance.software_version,
        data_from: provenance.data_from.as_deref(),
        data_until: provenance.data_until.as_deref(),
        blocks: &provenance.blocks,
        base_rates: &content.base_rates,
        metrics: &content.metrics,
    };
    let mut text = serde_json::to_string_pretty(&file).map_err(DirectoryError::Metrics)?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_directory_holds_the_same_four_files_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let artifact = Artifact::new(sample::company()).unwrap();
        let dirs = ["a", "b"].map(|name| folder.path().join(name));
        for dir in &dirs {
            write_model_directory(dir, &artifact).unwrap();
        }
        write_model_directory(&dirs[0], &artifact).unwrap();
        let mut names: Vec<_> = fs::read_dir(&dirs[0]).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["metrics.json", "model-card.md", "model.json", "report.html"]);
        for name in FILE_NAMES {
            assert_eq!(fs::read(dirs[0].join(name)).unwrap(), fs::read(dirs[1].join(name)).unwrap(), "{name}");
        }
        let read = Artifact::from_json(&fs::read_to_string(dirs[0].join(FILE_NAME)).unwrap()).unwrap();
        assert_eq!(read, artifact);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing temporary is left");
        let metrics: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(dirs[0].join(METRICS_FILE_NAME)).unwrap()).unwrap();
        assert_eq!(metrics["model_version"], artifact.model_version());
        assert_eq!(metrics["horizon"]["quality"]["auc"], 0.784);
        assert_eq!(metrics["rows"]["events"], 92);
    }

    #[test]
    fn what_is_no_model_is_left_alone() {
        let artifact = Artifact::new(sample::company()).unwrap();
        for files in [&["notes.txt"][..], &["model.json", "notes.txt"], &["report.html"]] {
            let folder = tempfile::tempdir().unwrap();
            for file in files {
                fs::write(folder.path().join(file), "mine").unwrap();
            }
            let message = write_model_directory(folder.path(), &artifact).unwrap_err().to_string();
            assert!(message.contains(&folder.path().display().to_string()) && message.contains("choose"), "{message}");
            assert_eq!(check_model_directory(folder.path()).unwrap_err().to_string(), message);
            for file in files {
                assert_eq!(fs::read_to_string(folder.path().join(file)).unwrap(), "mine");
            }
        }
        let folder = tempfile::tempdir().unwrap();
        write_model_directory(folder.path(), &artifact).unwrap();
        let file = folder.path().join(FILE_NAME);
        assert!(write_model_directory(&file, &artifact).is_err(), "a file is no directory");
    }
}
