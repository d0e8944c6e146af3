//! A copy of a SQLite store while the server writes to it.

use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use crate::audit::AuditKeyError;
use crate::store::open::{must_be_there, sqlite_path};
use crate::store::{StoreError, is_postgres};

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// PostgreSQL has its own tools.
    #[error(
        "a PostgreSQL database is copied with its own tools: `pg_dump --format=custom --file=FILE URL`, and put back with `pg_restore`; \
         keep the audit key file (audit.key_file) with the copy"
    )]
    Postgres,
    /// The copy would replace a file.
    #[error("{path} is there already; name a file that is not", path = path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// There is no place for the copy.
    #[error("there is no folder {path} for the copy; make it, or name a file elsewhere", path = path.display())]
    NoFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The copy is not whole.
    #[error(
        "the copy is damaged ({0}), and was deleted: check the store itself with `sqlite3 FILE 'PRAGMA integrity_check'`"
    )]
    Damaged(String),
    /// The file of the copy.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The copy cannot be noted in the audit log.
    #[error(transparent)]
    AuditKey(#[from] AuditKeyError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A copy that can be made.
#[derive(Debug)]
pub(crate) struct Copying<'a> {
    store: &'a Path,
    out: &'a Path,
}

impl<'a> Copying<'a> {
    /// A copy of the store at a URL into a new file; refused where that cannot be.
    pub(crate) fn of(url: &'a str, out: &'a Path) -> Result<Self, BackupError> {
        if is_postgres(url) {
            return Err(BackupError::Postgres);
        }
        let store = Path::new(sqlite_path(url)?);
        must_be_there(store)?;
        if out.exists() {
            return Err(BackupError::Exists { path: out.to_owned() });
        }
        if let Some(folder) = out.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
            return Err(BackupError::NoFolder { path: folder.to_owned() });
        }
        Ok(Self { store, out })
    }

    /// Makes it. Gives its size in bytes; after an error there is no file.
    pub(crate) async fn make(&self) -> Result<u64, BackupError> {
        let out = self.out;
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| BackupError::File { path, source }
        };
        let mut draft = out.as_os_str().to_owned();
        draft.push(format!(".{}.new", std::process::id()));
        let draft = PathBuf::from(draft);
        let copied = copy(self.store, &draft).await.and_then(|()| {
            let file = std::fs::File::open(&draft).map_err(failed(&draft))?;
            file.sync_all().map_err(failed(&draft))?;
            // A link, not a rename: it never replaces a file that came meanwhile.
            std::fs::hard_link(&draft, out).map_err(failed(out))?;
            sync_folder(out).map_err(failed(out))?;
            Ok(file.metadata().map_err(failed(out))?.len())
        });
        let _ = std::fs::remove_file(&draft);
        copied
    }
}

async fn copy(store: &Path, draft: &Path) -> Result<(), BackupError> {
    // SQLite fills an empty file; made here, nobody else can ever read it.
    let _ = std::fs::remove_file(draft);
    make_private(draft).map_err(|source| BackupError::File { path: draft.to_owned(), source })?;
    let mut connection = open(store).await?;
    let copied =
        sqlx::query("VACUUM INTO $1").bind(draft.to_string_lossy().into_owned()).execute(&mut connection).await;
    connection.close().await.map_err(StoreError::from)?;
    copied.map_err(StoreError::from)?;
    let mut copy = open(draft).await?;
    let said: Vec<String> =
        sqlx::query_scalar(AssertSqlSafe("PRAGMA quick_check")).fetch_all(&mut copy).await.map_err(StoreError::from)?;
    copy.close().await.map_err(StoreError::from)?;
    if said == ["ok"] { Ok(()) } else { Err(BackupError::Damaged(said.into_iter().next().unwrap_or_default())) }
}

async fn open(path: &Path) -> Result<SqliteConnection, StoreError> {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(false);
    Ok(options.disable_statement_logging().connect().await?)
}

/// Makes an empty file that only its owner can read and write; an error where there is one.
pub(super) fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(|_| ())
}

/// A name in a folder outlives a power cut once the folder is on the disk.
pub(crate) fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) { std::fs::File::open(folder)?.sync_all() } else { Ok(()) }
}
