//! Opening the store, and the key that lies beside it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::store::backup::make_private;
use crate::store::db::Db;
use crate::store::migrations;
use crate::store::{StoreError, StoredModel, TokenKey};

/// An open store with tables that are up to date.
#[derive(Clone, Debug)]
pub struct Store {
    db: Db,
    token_key: TokenKey,
    /// Models that were asked for, by version.
    models: Arc<Mutex<HashMap<String, Arc<StoredModel>>>>,
}

impl Store {
    /// Opens a store: `postgres://...`, or the path of a SQLite file (with or without `sqlite:` before it), made if there is none.
    ///
    /// # Errors
    /// [`StoreError`] when the database is not reachable, or its tables cannot be brought up to date.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let db = if is_postgres(url) {
            Db::open_postgres(url).await?
        } else {
            let path = Path::new(sqlite_path(url)?);
            make_folder(path)?;
            make_file(path)?;
            Db::open_sqlite(path).await.map_err(|error| named(error, path))?
        };
        migrations::run(&db).await?;
        let token_key = TokenKey::of_store(&db).await?;
        Ok(Self { db, token_key, models: Arc::default() })
    }

    /// Whether a URL names a store, be it there or not.
    ///
    /// # Errors
    /// [`StoreError::Url`] otherwise.
    pub(crate) fn check_url(url: &str) -> Result<(), StoreError> {
        if is_postgres(url) { Db::check_postgres(url) } else { sqlite_path(url).map(|_| ()) }
    }

    /// Opens a store that is there already, as [`Store::open`] does.
    ///
    /// # Errors
    /// [`StoreError`] as for [`Store::open`], and where there is no such file.
    pub async fn open_existing(url: &str) -> Result<Self, StoreError> {
        if !is_postgres(url) {
            must_be_there(Path::new(sqlite_path(url)?))?;
        }
        Self::open(url).await
    }

    /// The file of a SQLite store.
    pub(crate) fn file(&self) -> Option<&Path> {
        match &self.db {
            Db::Sqlite { path, .. } => Some(path),
            Db::Postgres(_) => None,
        }
    }

    /// The database.
    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    /// The key with which tokens of lists are sealed.
    pub(crate) fn token_key(&self) -> &TokenKey {
        &self.token_key
    }

    /// The models that were asked for.
    pub(super) fn models(&self) -> &Mutex<HashMap<String, Arc<StoredModel>>> {
        &self.models
    }

    /// Closes all connections; what was written is on the disk.
    pub async fn close(&self) {
        self.db.close().await;
    }
}

/// Whether a URL names a PostgreSQL database.
pub(crate) fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// Looks whether there is a file.
pub(super) fn must_be_there(path: &Path) -> Result<(), StoreError> {
    match std::fs::metadata(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(StoreError::Missing { path: path.to_owned() })
        }
        Err(source) => Err(StoreError::File { path: path.to_owned(), source }),
    }
}

/// An error of opening a file, with the file where it is of another kind.
fn named(error: StoreError, path: &Path) -> StoreError {
    /// SQLite's code for a file that is none of its own (SQLITE_NOTADB).
    const NOT_A_DATABASE: &str = "26";
    match &error {
        StoreError::Database(sqlx::Error::Database(told)) if told.code().as_deref() == Some(NOT_A_DATABASE) => {
            StoreError::NotADatabase { path: path.to_owned() }
        }
        _ => error,
    }
}

fn make_folder(path: &Path) -> Result<(), StoreError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    std::fs::create_dir_all(folder).map_err(|source| StoreError::File { path: PathBuf::from(folder), source })
}

/// A new store can be read by its owner only; SQLite gives the files that it makes beside it the same permissions.
fn make_file(path: &Path) -> Result<(), StoreError> {
    match make_private(path) {
        Err(_) if path.is_dir() => Err(StoreError::NotADatabase { path: path.to_owned() }),
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(StoreError::File { path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

pub(super) fn sqlite_path(url: &str) -> Result<&str, StoreError> {
    let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")).unwrap_or(url);
    // Another scheme is a mistake, not a file name.
    if path.is_empty() || path.contains("://") {
        let shown = path.split_once('@').map_or(path, |(_, after)| after);
        return Err(StoreError::Url { url: shown.to_owned() });
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_file_or_refused() {
        for (url, expected) in [
            ("flight-risk.db", Some("flight-risk.db")),
            ("sqlite:data/x.db", Some("data/x.db")),
            ("sqlite:///var/lib/x.db", Some("/var/lib/x.db")),
            ("mysql://root:secret@host/db", None),
            ("", None),
        ] {
            assert_eq!(sqlite_path(url).ok(), expected, "{url}");
        }
        let refused =
            sqlite_path("mysql://root:secret@host/db").err().map(|error| error.to_string()).unwrap_or_default();
        assert!(!refused.contains("secret"), "{refused}");
    }
}
