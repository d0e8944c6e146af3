//! The key of the audit log: employees are named by keyed hashes, and records are sealed under it.
//!
//! It lies in a file of its own, so that whoever can only read the database cannot find out by guessing whom a record is about,
//! and whoever can only write to it cannot make a chain that verifies.

use std::io::Write;
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::audit::record::{Draft, canonical};
use crate::random;
use crate::store::{Store, StoreError, sync_folder};

/// Length of the key, in bytes; in the file it stands in hexadecimal digits.
const KEY_BYTES: usize = 32;
/// Length of an employee's keyed hash.
pub(crate) const SUBJECT_BYTES: usize = 16;
/// Longest key file that is read.
const MAX_FILE_BYTES: u64 = 1024;

/// Why the key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuditKeyError {
    /// PostgreSQL has no place beside it.
    #[error(
        "audit.key_file (--key-file) is required with PostgreSQL: a file on this machine, the same for all servers of the store"
    )]
    NoPath,
    /// The file cannot be read or made.
    #[error(
        "the audit key {path} cannot be read or made: {source}; name a file in a folder that can be written with audit.key_file \
         (--key-file)", path = path.display()
    )]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("{path} is no audit key: 64 hexadecimal digits are needed; restore it from a backup", path = path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The log was written under a key that is gone.
    #[error(
        "the audit key {path} is missing, and the store's audit log was written under it; restore the file, or name it with \
         audit.key_file (--key-file)", path = path.display()
    )]
    Lost {
        /// Where it should be.
        path: PathBuf,
    },
    /// The log was written under another key.
    #[error(
        "the store's audit log was written under another key than {path}; name the right one with audit.key_file (--key-file)",
        path = path.display()
    )]
    Other {
        /// The key that was tried.
        path: PathBuf,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers to make an audit key from")]
    Random,
    /// The store did not tell which key it needs.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The key.
#[derive(Clone)]
pub(crate) struct AuditKey {
    employees: Hmac<Sha256>,
    chain: Hmac<Sha256>,
    fingerprint: String,
}

impl std::fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditKey").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

impl AuditKey {
    /// The key for the log of a store; made where neither a file nor a record is there yet.
    pub(crate) async fn for_writing(store: &Store, file: Option<&Path>) -> Result<Self, AuditKeyError> {
        let path = path(store, file)?;
        let key = match Self::read(&path) {
            Err(AuditKeyError::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                if store.audit_begun().await? {
                    return Err(AuditKeyError::Lost { path });
                }
                make(&path)?;
                Self::read(&path)?
            }
            read => read?,
        };
        if store.claim_audit_key(&key.fingerprint).await? { Ok(key) } else { Err(AuditKeyError::Other { path }) }
    }

    /// The key under which the log of a store was written; nothing is made.
    pub(crate) async fn for_reading(store: &Store, file: Option<&Path>) -> Result<Self, AuditKeyError> {
        let path = path(store, file)?;
        let key = match Self::read(&path) {
            Err(AuditKeyError::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                return Err(AuditKeyError::Lost { path });
            }
            read => read?,
        };
        match store.audit_key_fingerprint().await? {
            Some(fingerprint) if fingerprint != key.fingerprint => Err(AuditKeyError::Other { path }),
            _ => Ok(key),
        }
    }

    fn read(path: &Path) -> Result<Self, AuditKeyError> {
        use std::io::Read;
        let failed = |source| AuditKeyError::File { path: path.to_owned(), source };
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(MAX_FILE_BYTES).read_to_string(&mut text).map_err(failed)?;
        warn_when_open(path);
        from_hex(text.trim())
            .filter(|key| key.len() == KEY_BYTES)
            .map(|key| Self::new(&key))
            .ok_or_else(|| AuditKeyError::NoKey { path: path.to_owned() })
    }

    fn new(key: &[u8]) -> Self {
        let derived = |purpose: &[u8]| {
            let key = keyed(key).chain_update(purpose).finalize().into_bytes();
            keyed(&key)
        };
        let fingerprint = keyed(key).chain_update(b"fingerprint").finalize().into_bytes();
        Self {
            employees: derived(b"employees"),
            chain: derived(b"chain"),
            fingerprint: to_hex(fingerprint.get(..8).unwrap_or_default()),
        }
    }

    /// The keyed hash of an employee: HMAC-SHA-256 (RFC 2104), its first 16 bytes.
    pub(crate) fn subject(&self, employee_id: &str) -> [u8; SUBJECT_BYTES] {
        let mut subject = [0; SUBJECT_BYTES];
        let hash = self.employees.clone().chain_update(employee_id.as_bytes()).finalize().into_bytes();
        subject.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        subject
    }

    /// The seal of a record: HMAC-SHA-256 over its number, its content and the seal before it.
    pub(crate) fn seal(&self, seq: i64, draft: &Draft, before: &[u8]) -> Vec<u8> {
        self.chain.clone().chain_update(canonical(seq, draft, before)).finalize().into_bytes().to_vec()
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    #[allow(clippy::expect_used, reason = "HMAC takes keys of every length (RFC 2104)")]
    Hmac::new_from_slice(key).expect("a key of any length")
}

fn path(store: &Store, file: Option<&Path>) -> Result<PathBuf, AuditKeyError> {
    match (file, store.file()) {
        (Some(file), _) => Ok(file.to_owned()),
        (None, Some(store)) => {
            let mut name = store.as_os_str().to_owned();
            name.push(".key");
            Ok(PathBuf::from(name))
        }
        (None, None) => Err(AuditKeyError::NoPath),
    }
}

/// Makes a new key that only the owner can read. Where another process was quicker, its key stays.
fn make(path: &Path) -> Result<(), AuditKeyError> {
    let failed = |source| AuditKeyError::File { path: path.to_owned(), source };
    let key: [u8; KEY_BYTES] = random::bytes().map_err(|_| AuditKeyError::Random)?;
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.new", std::process::id()));
    let draft = PathBuf::from(draft);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&draft).and_then(|mut file| {
        writeln!(file, "{}", to_hex(&key))?;
        file.sync_all()?;
        // A link, not a rename: it never replaces a key that is there already.
        match std::fs::hard_link(&draft, path) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
            _ => sync_folder(path),
        }
    });
    let _ = std::fs::remove_file(&draft);
    written.map_err(failed)
}

#[cfg(unix)]
fn warn_when_open(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o007 != 0) {
        tracing::warn!(path = %path.display(), "everybody on this machine can read the audit key; chmod 600 it");
    }
}

#[cfg(not(unix))]
fn warn_when_open(_: &Path) {}

/// Bytes as hexadecimal digits.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of hexadecimal digits.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    async fn store(folder: &Path) -> Store {
        Store::open(folder.join("store.db").to_str().unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn the_key_is_made_once_for_its_owner_only_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path()).await;
        let first = AuditKey::for_writing(&store, None).await.unwrap();
        let file = folder.path().join("store.db.key");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text.trim().len(), 64);
        let again = AuditKey::for_writing(&store, None).await.unwrap();
        let read = AuditKey::for_reading(&store, Some(&file)).await.unwrap();
        for key in [again, read] {
            assert_eq!(key.subject("e-1"), first.subject("e-1"));
        }
        assert_ne!(first.subject("e-1"), first.subject("e-2"));
        assert!(!format!("{first:?}").contains(text.trim()));
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert!(left.iter().all(|name| !name.to_string_lossy().contains("new")), "{left:?}");
    }

    #[tokio::test]
    async fn a_lost_key_another_key_and_no_key_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path()).await;
        let file = folder.path().join("store.db.key");
        assert!(matches!(AuditKey::for_reading(&store, None).await, Err(AuditKeyError::Lost { .. })));
        AuditKey::for_writing(&store, None).await.unwrap();
        std::fs::rename(&file, folder.path().join("elsewhere")).unwrap();
        let error = AuditKey::for_writing(&store, None).await.unwrap_err();
        assert!(matches!(error, AuditKeyError::Lost { .. }) && error.to_string().contains("store.db.key"), "{error}");
        assert!(!file.exists(), "no key is made where one was lost");
        for (text, other) in [("ab".repeat(32), true), ("ab".repeat(31), false), ("x".repeat(64), false)] {
            std::fs::write(&file, text).unwrap();
            for error in [
                AuditKey::for_writing(&store, None).await.unwrap_err(),
                AuditKey::for_reading(&store, None).await.unwrap_err(),
            ] {
                assert_eq!(matches!(error, AuditKeyError::Other { .. }), other, "{error}");
                assert_eq!(matches!(error, AuditKeyError::NoKey { .. }), !other, "{error}");
            }
        }
        AuditKey::for_writing(&store, Some(&folder.path().join("elsewhere"))).await.unwrap();
    }

    #[test]
    fn the_subject_is_the_known_answer() {
        // HMAC(HMAC(00..1f, "employees"), "e-1"), computed with Python's hmac.
        let key: Vec<u8> = (0..32).collect();
        assert_eq!(to_hex(&AuditKey::new(&key).subject("e-1")), "103ec414f03f766fd28d068d9e6e76d4");
        assert_eq!(from_hex("00ff"), Some(vec![0, 255]));
        assert_eq!((from_hex("0"), from_hex("+1")), (None, None));
    }
}
