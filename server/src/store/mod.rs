//! The store: scores with the facts they came from, actions, outcomes, changes, the audit log. Raw HR events are not kept.
//!
//! SQLite in a file unless a PostgreSQL URL is given; `db` hides which. Times are microseconds since 1970 (UTC), days are days
//! since 1970, yes is 1.

pub(crate) mod actions;
pub(crate) mod activations;
pub(crate) mod audit;
pub(crate) mod audit_search;
mod backup;
pub(crate) mod changes;
pub(crate) mod conditions;
pub(crate) mod db;
pub(crate) mod erasure;
pub(crate) mod exits;
pub(crate) mod holdings;
pub(crate) mod insight;
pub(crate) mod keys;
mod left;
pub(crate) mod lists;
mod migrations;
mod models;
mod open;
pub(crate) mod org_facts;
pub(crate) mod org_values;
pub(crate) mod outcomes;
pub(crate) mod reading;
pub(crate) mod requests;
mod retention;
pub(crate) mod risk_sums;
mod scores;
pub(crate) mod sessions;
pub(crate) mod sign_in_attempts;
pub(crate) mod sign_in_links;
pub(crate) mod standing;
pub(crate) mod statement;
pub(crate) mod stored_scope;
pub(crate) mod stored_score;
mod token_key;
pub(crate) mod told_changes;
mod traces;
pub(crate) mod users;
mod writable;

pub use backup::BackupError;
pub(crate) use backup::{Copying, sync_folder};
pub use changes::{ChangeKind, Telling};
pub use left::Leaver;
pub use models::StoredModel;
pub use open::Store;
pub(crate) use open::is_postgres;
pub use org_facts::OrgFacts;
pub use scores::NewScore;
pub use stored_score::{ScoreRecord, StoredScore};
pub(crate) use token_key::TokenKey;
pub(crate) use writable::store_errors;

pub use crate::clock::now_micros;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL names no store.
    #[error("{url} is no store: give a file such as flight-risk.db (SQLite), or postgres://user@host/database")]
    Url {
        /// What was given, without a password.
        url: String,
    },
    /// No file where a store must be there already.
    #[error("{path}: there is no store; name the one that `flight-risk serve` uses", path = path.display())]
    Missing {
        /// Where it was looked for.
        path: std::path::PathBuf,
    },
    /// A file of another kind.
    #[error("{path} is no SQLite database: name another file for the store", path = path.display())]
    NotADatabase {
        /// The file.
        path: std::path::PathBuf,
    },
    /// The database refused, or is not reachable.
    #[error("the store does not answer as it should: {0}")]
    Database(#[source] sqlx::Error),
    /// The tables could not be brought up to date.
    #[error(
        "the store's tables cannot be brought up to date: {0}; another version of flight-risk wrote it: open it with that one, or \
         begin a new store"
    )]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// What is stored cannot be read.
    #[error("the store is damaged: {0}; restore it from a backup")]
    Damaged(String),
    /// A file beside the store.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// Where it lies.
        path: std::path::PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}
