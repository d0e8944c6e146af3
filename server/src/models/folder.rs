//! The folder of models: what lies there, and what is wrong with it.
//!
//! It is looked through anew whenever somebody asks, so that a model that was trained meanwhile is found without a restart. A file
//! that has not changed since is not read again for a list; a model that is to score always is.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use flight_risk_scoring::Scorer;
use flight_risk_scoring::artifact::{ArtifactContent, FILE_NAME};

use crate::models::load::{ModelLoadError, directories, read};
use crate::models::trial::trial;

/// What is to be known of a model for a list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Summary {
    /// The version that scores carry; of one that cannot be read, the name of its directory.
    pub(crate) version: String,
    /// Last day or time label of the training rows.
    pub(crate) data_until: Option<String>,
    /// Area under the ROC curve on data that it had not seen.
    pub(crate) auc: Option<f64>,
    /// Rows on which it was fitted.
    pub(crate) training_rows: u64,
    /// Why it cannot score.
    pub(crate) refusal: Option<String>,
}

impl Summary {
    /// The summary of a model that is at hand.
    pub(crate) fn of(scorer: &Scorer) -> Self {
        let content: &ArtifactContent = scorer.artifact().content();
        let headline = content.metrics.horizon.as_ref().map_or(content.metrics.rows.auc, |horizon| horizon.quality.auc);
        Self {
            version: scorer.artifact().model_version().to_owned(),
            data_until: content.provenance.data_until.clone(),
            auc: headline,
            training_rows: content.reference.rows,
            refusal: trial(scorer).err().map(|error| error.to_string()),
        }
    }

    fn refused(directory: &Path, why: String) -> Self {
        let name = directory.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let allowed = |c: char| if is_name_character(c) { c } else { '-' };
        Self {
            version: name.chars().map(allowed).collect(),
            data_until: None,
            auc: None,
            training_rows: 0,
            refusal: Some(why),
        }
    }
}

/// Whether a character may be part of a model's name.
pub(crate) fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

/// Why a model of a folder does not come to score.
#[derive(Debug)]
pub(crate) enum NotLoaded {
    /// There is none of this version.
    NotFound,
    /// It cannot score.
    Refused(String),
}

/// When a file was last changed, and how long it is.
type Stamp = (SystemTime, u64);

/// A folder of models: model directories as `flight-risk train --out` writes them; it may be one itself.
#[derive(Debug)]
pub struct ModelFolder {
    path: PathBuf,
    known: Mutex<HashMap<PathBuf, (Stamp, Summary)>>,
}

impl ModelFolder {
    /// Looks through a folder.
    ///
    /// # Errors
    /// [`ModelLoadError`] when there is no model in it that can be served.
    pub fn open(path: &Path) -> Result<Self, ModelLoadError> {
        let folder = Self { path: path.to_owned(), known: Mutex::default() };
        let found = folder.look_through()?;
        if found.iter().any(|(_, summary)| summary.refusal.is_none()) {
            return Ok(folder);
        }
        Err(match found.as_slice() {
            [] => ModelLoadError::NoModel { path: path.to_owned() },
            [(only, _)] => match read(only) {
                Err(error) => error,
                Ok(scorer) => match trial(&scorer) {
                    Err(source) => ModelLoadError::Trial { path: only.clone(), source },
                    // It was written to a moment ago.
                    Ok(()) => return Ok(folder),
                },
            },
            several => ModelLoadError::AllRefused {
                path: path.to_owned(),
                list: several
                    .iter()
                    .map(|(path, summary)| {
                        format!("{}: {}", path.display(), summary.refusal.as_deref().unwrap_or_default())
                    })
                    .collect(),
            },
        })
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Every model directory with its summary; of several copies of one version the first.
    fn look_through(&self) -> Result<Vec<(PathBuf, Summary)>, ModelLoadError> {
        let mut found: Vec<(PathBuf, Summary)> = Vec::new();
        for directory in directories(&self.path)? {
            let summary = self.summary(&directory);
            if !found.iter().any(|(_, other)| other.version == summary.version && other.refusal.is_none()) {
                // A sound one stands in the place of a refused one of its name.
                found.retain(|(_, other)| other.version != summary.version || summary.refusal.is_some());
                found.push((directory, summary));
            }
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|directory, _| found.iter().any(|(other, _)| other == directory));
        Ok(found)
    }

    fn summary(&self, directory: &Path) -> Summary {
        let stamp =
            std::fs::metadata(directory.join(FILE_NAME)).and_then(|file| Ok((file.modified()?, file.len()))).ok();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(directory).cloned();
        if let (Some(stamp), Some((then, summary))) = (stamp, known)
            && stamp == then
        {
            return summary;
        }
        let summary = match read(directory) {
            Ok(scorer) => Summary::of(&scorer),
            Err(error) => Summary::refused(directory, error.reason()),
        };
        if let Some(stamp) = stamp {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(directory.to_owned(), (stamp, summary.clone()));
        }
        summary
    }

    /// The models, by version.
    pub(crate) fn summaries(&self) -> Result<Vec<Summary>, ModelLoadError> {
        let mut summaries: Vec<Summary> = self.look_through()?.into_iter().map(|(_, summary)| summary).collect();
        summaries.sort_by(|a, b| a.version.cmp(&b.version));
        Ok(summaries)
    }

    /// The versions that can score, those that learned from the latest data first.
    pub(crate) fn newest_first(&self) -> Result<Vec<String>, ModelLoadError> {
        let mut sound: Vec<Summary> =
            self.look_through()?.into_iter().map(|(_, summary)| summary).filter(|s| s.refusal.is_none()).collect();
        sound.sort_by(|a, b| b.data_until.cmp(&a.data_until).then_with(|| a.version.cmp(&b.version)));
        Ok(sound.into_iter().map(|summary| summary.version).collect())
    }

    /// Reads, verifies and tries the model of a version.
    pub(crate) fn load(&self, version: &str) -> Result<Scorer, NotLoaded> {
        let found = self.look_through().map_err(|error| NotLoaded::Refused(error.reason()))?;
        let place = found.into_iter().find(|(_, summary)| summary.version == version);
        let Some((directory, _)) = place else { return Err(NotLoaded::NotFound) };
        // Read again whatever is known of it: a file can go bad without a new date.
        let scorer = read(&directory).map_err(|error| NotLoaded::Refused(error.reason()))?;
        if scorer.artifact().model_version() != version {
            return Err(NotLoaded::NotFound);
        }
        trial(&scorer).map_err(|error| NotLoaded::Refused(error.to_string()))?;
        Ok(scorer)
    }
}
