//! The tables, brought up to date at start: one set for both databases.
//!
//! Texts that are compared and ordered are written `KEYTEXT`: on PostgreSQL they are ordered byte by byte, as SQLite does and as
//! pages of lists need it, whatever the language of the server. Numbers by which rows are found are written `KEYNUMBER`: to SQLite
//! an `INTEGER PRIMARY KEY` is the place of a row, which every index holds, and anything else is one more index.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr};

use crate::store::StoreError;
use crate::store::db::Db;

/// Number, name and text of every migration; never changed once released, only added to.
const MIGRATIONS: [(i64, &str, &str); 1] = [(1, "tables", include_str!("migrations/0001_tables.sql"))];

/// Brings the tables up to date.
pub(crate) async fn run(db: &Db) -> Result<(), StoreError> {
    let (key_text, key_number) = match db {
        Db::Sqlite { .. } => ("TEXT", "INTEGER"),
        Db::Postgres(_) => ("TEXT COLLATE \"C\"", "BIGINT"),
    };
    let migrations = MIGRATIONS
        .iter()
        .map(|(version, name, text)| {
            let sql = AssertSqlSafe(text.replace("KEYTEXT", key_text).replace("KEYNUMBER", key_number)).into_sql_str();
            Migration::new(*version, (*name).into(), MigrationType::Simple, sql, false)
        })
        .collect();
    let migrator = Migrator::with_migrations(migrations);
    match db {
        Db::Sqlite { write, .. } => migrator.run(write).await?,
        Db::Postgres(pool) => migrator.run(pool).await?,
    }
    Ok(())
}
