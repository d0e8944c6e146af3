//! What is left of deleted rows in the files of the database.
//!
//! SQLite overwrites what is deleted (`secure_delete`), but the log beside the file (`-wal`) keeps earlier versions of pages until
//! it is cut off, and pages from which rows were moved to others may keep a copy in their gaps. So after an erasure the log is
//! cut off, the file is looked through, and where the identifier or a name is still in it, the file is written anew (`VACUUM`). That takes
//! as long as writing the file and makes other writes wait; identifiers that are part of others, such as `e-1` of `e-10`, and
//! names that others have too, are found in the file for good and make it do so every time.
//!
//! PostgreSQL frees the space of deleted rows (`VACUUM`) and overwrites it as new rows come. Its pages until then, its own log
//! (WAL), replicas and backups keep them as long as its operator says; `VACUUM FULL` of the same tables frees the pages at once.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Row as _};

use crate::store::db::Db;
use crate::store::{Store, StoreError};

/// Tables that an erasure touches.
const TABLES: [&str; 9] =
    ["scores", "score_details", "told", "changes", "actions", "exits", "requests", "api_keys", "activations"];
/// How often it is tried to cut the log off while others read.
const TRIES: u32 = 40;
/// Time between two tries.
const PAUSE: Duration = Duration::from_millis(250);
/// Bytes of the file that are looked through at a time.
const PIECE_BYTES: usize = 1 << 20;

impl Store {
    /// Sees to it that deleted texts are nowhere in the database's files; see the module for PostgreSQL.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer, or others kept reading old versions all the time; it can be repeated.
    pub(crate) async fn erase_traces(&self, texts: &[String]) -> Result<(), StoreError> {
        match self.db() {
            Db::Postgres(pool) => {
                for table in TABLES {
                    sqlx::raw_sql(AssertSqlSafe(format!("VACUUM {table}"))).execute(pool).await?;
                }
                Ok(())
            }
            Db::Sqlite { path, write, .. } => {
                sqlx::raw_sql("PRAGMA incremental_vacuum").execute(write).await?;
                cut_log(write).await?;
                let (file, wanted) = (path.clone(), texts.to_owned());
                let found = tokio::task::spawn_blocking(move || {
                    for text in wanted {
                        if is_in(&file, text.as_bytes())? {
                            return Ok(true);
                        }
                    }
                    Ok(false)
                });
                let found = found.await;
                let found = found.map_err(|_| StoreError::Damaged("its file cannot be looked through".to_owned()))?;
                if found.map_err(|source| StoreError::File { path: path.clone(), source })? {
                    sqlx::raw_sql("VACUUM").execute(write).await?;
                    cut_log(write).await?;
                }
                Ok(())
            }
        }
    }
}

/// Moves the log into the file and cuts it off.
async fn cut_log(write: &sqlx::SqlitePool) -> Result<(), StoreError> {
    for _ in 0..TRIES {
        let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(write).await?;
        if row.try_get::<i64, _>(0)? == 0 {
            return Ok(());
        }
        // Somebody reads a version from before; reading takes milliseconds.
        tokio::time::sleep(PAUSE).await;
    }
    Err(StoreError::Database(sqlx::Error::PoolTimedOut))
}

/// Whether a file contains some bytes.
fn is_in(path: &Path, wanted: &[u8]) -> std::io::Result<bool> {
    let Some((first, others)) = wanted.split_first() else { return Ok(false) };
    let mut file = std::fs::File::open(path)?;
    let (mut piece, mut kept) = (vec![0; PIECE_BYTES], 0);
    loop {
        let Some(room) = piece.get_mut(kept..) else { return Ok(false) };
        let read = file.read(room)?;
        if read == 0 {
            return Ok(false);
        }
        let held = piece.get(..kept + read).unwrap_or_default();
        let mut rest = held;
        while let Some(place) = rest.iter().position(|byte| byte == first) {
            rest = rest.get(place + 1..).unwrap_or_default();
            if rest.starts_with(others) {
                return Ok(true);
            }
        }
        // The text may go on in the next piece.
        let length = held.len();
        kept = others.len().min(length);
        piece.copy_within(length - kept..length, 0);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_wherever_it_lies() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        for place in [0, 1, PIECE_BYTES - 3, PIECE_BYTES - 1, PIECE_BYTES, 2 * PIECE_BYTES + 17] {
            let mut bytes = vec![b'w'; place];
            bytes.extend(b"wanted");
            bytes.extend(vec![b'x'; 100]);
            std::fs::write(&file, &bytes).unwrap();
            assert!(is_in(&file, b"wanted").unwrap(), "{place}");
            assert!(!is_in(&file, b"wantes").unwrap() && !is_in(&file, b"").unwrap());
        }
    }
}
