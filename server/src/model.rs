//! Finding, reading and verifying the model to serve.

use std::io::Read;
use std::path::{Path, PathBuf};

use flight_risk_scoring::artifact::{ArtifactError, FILE_NAME};
use flight_risk_scoring::{Artifact, Scorer};

use crate::limits::MAX_MODEL_BYTES;

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

fn list(models: &[PathBuf]) -> String {
    models.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Reads and verifies the model in a directory. `path` is a model directory, or a folder that holds exactly one.
///
/// # Errors
/// See [`ModelLoadError`]; each names the path and says what to do.
pub fn load_model(path: &Path) -> Result<Scorer, ModelLoadError> {
    let file = find(path)?.join(FILE_NAME);
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

fn find(path: &Path) -> Result<PathBuf, ModelLoadError> {
    let open = |source| ModelLoadError::Open { path: path.to_owned(), source };
    if !std::fs::metadata(path).map_err(open)?.is_dir() {
        return Err(ModelLoadError::NotADirectory { path: path.to_owned() });
    }
    // A pipe under this name would be waited for without end.
    if path.join(FILE_NAME).is_file() {
        return Ok(path.to_owned());
    }
    let mut models = Vec::new();
    for entry in std::fs::read_dir(path).map_err(open)? {
        let inner = entry.map_err(open)?.path();
        if inner.join(FILE_NAME).is_file() {
            models.push(inner);
        }
    }
    models.sort();
    match models.pop() {
        None => Err(ModelLoadError::NoModel { path: path.to_owned() }),
        Some(only) if models.is_empty() => Ok(only),
        Some(last) => {
            models.push(last);
            Err(ModelLoadError::Several { path: path.to_owned(), models })
        }
    }
}
