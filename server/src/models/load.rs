//! Reading and verifying a model from the disk.

use std::io::Read;
use std::path::{Path, PathBuf};

use flight_risk_scoring::artifact::{ArtifactError, FILE_NAME};
use flight_risk_scoring::{Artifact, Scorer};

use crate::limits::MAX_MODEL_BYTES;
use crate::models::trial::TrialError;

/// Why there is no model to serve.
#[derive(Debug, thiserror::Error)]
pub enum ModelLoadError {
    /// The path does not exist, or cannot be looked at.
    #[error("cannot open {path}: {source}; name a model directory as `flight-risk train --out` writes it", path = path.display())]
    Open {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file where a directory belongs.
    #[error("{path} is a file; name the directory that holds {FILE_NAME}", path = path.display())]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// Neither the directory nor one in it is a model.
    #[error("no model in {path}: neither it nor a directory in it holds {FILE_NAME}; run `flight-risk train --out` first", path = path.display())]
    NoModel {
        /// The path.
        path: PathBuf,
    },
    /// More than one model to choose from.
    #[error("{path} holds several models: {list}; name one of them", path = path.display(), list = list(models))]
    Several {
        /// The path.
        path: PathBuf,
        /// The model directories in it.
        models: Vec<PathBuf>,
    },
    /// Larger than any model.
    #[error("{path} is larger than {MAX_MODEL_BYTES} bytes and so no model", path = path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// Every model in a folder is refused.
    #[error("no model in {path} can be served: {list}", path = path.display(), list = list.join("; "))]
    AllRefused {
        /// The path.
        path: PathBuf,
        /// The models and what is wrong with each.
        list: Vec<String>,
    },
    /// The model gives no probability.
    #[error("{path}: {source}", path = path.display())]
    Trial {
        /// The directory.
        path: PathBuf,
        /// What is wrong.
        source: TrialError,
    },
    /// Not a text file.
    #[error("{path} is not UTF-8 text: the file is damaged or something else; restore it from a backup or train again", path = path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// The content is refused.
    #[error("{path}: {source}", path = path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ArtifactError,
    },
}

impl ModelLoadError {
    /// What is wrong, without where: paths of the server are nothing for its clients.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Open { source, .. } => format!("its file cannot be read: {source}"),
            Self::NotADirectory { .. } | Self::NoModel { .. } | Self::Several { .. } | Self::AllRefused { .. } => {
                "it is no model directory".to_owned()
            }
            Self::TooLarge { .. } => format!("it is larger than {MAX_MODEL_BYTES} bytes"),
            Self::NotText { .. } => "its file is not UTF-8 text: it is damaged or something else".to_owned(),
            Self::Refused { source, .. } => source.to_string(),
            Self::Trial { source, .. } => source.to_string(),
        }
    }
}

fn list(models: &[PathBuf]) -> String {
    models.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Reads and verifies the model in a directory. `path` is a model directory, or a folder that holds exactly one.
///
/// # Errors
/// See [`ModelLoadError`]; each names the path and says what to do.
pub fn load_model(path: &Path) -> Result<Scorer, ModelLoadError> {
    if path.join(FILE_NAME).is_file() {
        return read(path);
    }
    match directories(path)?.as_slice() {
        [] => Err(ModelLoadError::NoModel { path: path.to_owned() }),
        [only] => read(only),
        several => Err(ModelLoadError::Several { path: path.to_owned(), models: several.to_vec() }),
    }
}

/// Reads and verifies the model in a model directory.
pub(super) fn read(directory: &Path) -> Result<Scorer, ModelLoadError> {
    let file = directory.join(FILE_NAME);
    let open = |source| ModelLoadError::Open { path: file.clone(), source };
    let mut bytes = Vec::new();
    // One more byte than allowed tells a file at the limit from one beyond it.
    std::fs::File::open(&file).map_err(open)?.take(MAX_MODEL_BYTES + 1).read_to_end(&mut bytes).map_err(open)?;
    if bytes.len() as u64 > MAX_MODEL_BYTES {
        return Err(ModelLoadError::TooLarge { path: file });
    }
    let Ok(text) = String::from_utf8(bytes) else { return Err(ModelLoadError::NotText { path: file }) };
    match Artifact::from_json(&text) {
        Ok(artifact) => Ok(Scorer::new(artifact)),
        Err(source) => Err(ModelLoadError::Refused { path: file, source }),
    }
}

/// The model directories of a folder: itself if it is one, and those in it, by name.
pub(super) fn directories(path: &Path) -> Result<Vec<PathBuf>, ModelLoadError> {
    let open = |source| ModelLoadError::Open { path: path.to_owned(), source };
    if !std::fs::metadata(path).map_err(open)?.is_dir() {
        return Err(ModelLoadError::NotADirectory { path: path.to_owned() });
    }
    // A pipe under this name would be waited for without end.
    let is_model = |directory: &Path| directory.join(FILE_NAME).is_file();
    let mut models: Vec<PathBuf> = is_model(path).then(|| path.to_owned()).into_iter().collect();
    let mut inner = Vec::new();
    for entry in std::fs::read_dir(path).map_err(open)? {
        let directory = entry.map_err(open)?.path();
        if is_model(&directory) {
            inner.push(directory);
        }
    }
    inner.sort();
    models.extend(inner);
    Ok(models)
}
