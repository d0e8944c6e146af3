//! The two databases behind one face: the same texts of SQL, the same four types of value, on SQLite and on PostgreSQL.
//!
//! SQL is written so that both read it alike: `$1` for parameters, TEXT, BIGINT, DOUBLE PRECISION and BYTEA for columns, `ON
//! CONFLICT`, `RETURNING`. sqlx's own `Any` is not used: it knows fewer types and loses the pools' settings.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::sqlite::{
    SqliteArguments, SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteRow, SqliteSynchronous,
};
use sqlx::{Arguments, AssertSqlSafe, Encode, Executor, Postgres, Row as _, Sqlite, Transaction, Type};

use crate::store::StoreError;

/// Connections that read, besides the one that writes.
const READERS: u32 = 4;
/// Longest wait for the lock of another process, or for a free connection; tests share a machine with many others.
const WAIT: Duration = Duration::from_secs(if cfg!(test) { 60 } else { 10 });

/// A value sent to the database.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Param {
    /// Text.
    Text(Option<String>),
    /// A whole number; also days, microseconds since 1970, and 0 or 1.
    Int(Option<i64>),
    /// A number.
    Real(Option<f64>),
    /// Bytes.
    Bytes(Option<Vec<u8>>),
}

macro_rules! param_from {
    ($($type:ty => |$value:ident| $param:expr),* $(,)?) => { $(
        impl From<$type> for Param {
            fn from($value: $type) -> Self { $param }
        }
    )* };
}
param_from! {
    &str => |value| Self::Text(Some(value.to_owned())),
    &String => |value| Self::Text(Some(value.clone())),
    String => |value| Self::Text(Some(value)),
    Option<String> => |value| Self::Text(value),
    Option<&str> => |value| Self::Text(value.map(str::to_owned)),
    i64 => |value| Self::Int(Some(value)),
    u32 => |value| Self::Int(Some(i64::from(value))),
    Option<i64> => |value| Self::Int(value),
    bool => |value| Self::Int(Some(i64::from(value))),
    Option<bool> => |value| Self::Int(value.map(i64::from)),
    f64 => |value| real(Some(value)),
    Option<f64> => |value| real(value),
    Vec<u8> => |value| Self::Bytes(Some(value)),
    &[u8] => |value| Self::Bytes(Some(value.to_vec())),
    Option<Vec<u8>> => |value| Self::Bytes(value),
}

/// SQLite keeps -0.0 as 0.0 and NaN as null; here both databases are sent that.
fn real(value: Option<f64>) -> Param {
    Param::Real(value.filter(|number| !number.is_nan()).map(|number| number + 0.0))
}

/// Parameters of a statement: `params![id, 3_i64, None::<f64>]`.
macro_rules! params {
    ($($value:expr),* $(,)?) => { vec![$($crate::store::db::Param::from($value)),*] };
}
pub(crate) use params;

/// A row of an answer; columns by position.
pub(crate) struct Row(Kind);

enum Kind {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

macro_rules! getters {
    ($($name:ident, $opt_name:ident: $type:ty, $what:literal);* $(;)?) => { $(
        #[doc = concat!($what, " that is never null.")]
        pub(crate) fn $name(&self, column: usize) -> Result<$type, StoreError> {
            // Asked for as an option: from a null, SQLite would make an empty text, or nought.
            self.$opt_name(column)?.ok_or_else(|| StoreError::Damaged(format!("column {column} of an answer is null")))
        }

        #[doc = concat!($what, " or null.")]
        pub(crate) fn $opt_name(&self, column: usize) -> Result<Option<$type>, StoreError> {
            Ok(match &self.0 {
                Kind::Sqlite(row) => row.try_get_unchecked(column)?,
                Kind::Postgres(row) => row.try_get(column)?,
            })
        }
    )* };
}

impl Row {
    getters! {
        text, opt_text: String, "A text";
        int, opt_int: i64, "A whole number";
        real, opt_real: f64, "A number";
        bytes, opt_bytes: Vec<u8>, "Bytes";
    }

    /// A whole number that cannot be negative.
    pub(crate) fn count(&self, column: usize) -> Result<u64, StoreError> {
        Ok(u64::try_from(self.int(column)?).unwrap_or(0))
    }
}

/// A database: SQLite with one connection that writes and several that read, or PostgreSQL.
#[derive(Clone, Debug)]
pub(crate) enum Db {
    /// A file.
    Sqlite {
        /// Where it lies.
        path: PathBuf,
        /// Connections that only read.
        read: SqlitePool,
        /// The one connection that writes.
        write: SqlitePool,
    },
    /// A server.
    Postgres(PgPool),
}

/// The parameters as a driver takes them.
fn arguments<A: Arguments>(params: Vec<Param>) -> Result<A, StoreError>
where
    Option<String>: for<'q> Encode<'q, A::Database> + Type<A::Database>,
    Option<i64>: for<'q> Encode<'q, A::Database> + Type<A::Database>,
    Option<f64>: for<'q> Encode<'q, A::Database> + Type<A::Database>,
    Option<Vec<u8>>: for<'q> Encode<'q, A::Database> + Type<A::Database>,
{
    let mut arguments = A::default();
    for param in params {
        match param {
            Param::Text(value) => arguments.add(value),
            Param::Int(value) => arguments.add(value),
            Param::Real(value) => arguments.add(value),
            Param::Bytes(value) => arguments.add(value),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

async fn sqlite_rows<'e>(
    executor: impl Executor<'e, Database = Sqlite>,
    sql: &str,
    params: Vec<Param>,
) -> Result<Vec<Row>, StoreError> {
    let query = sqlx::query_with::<Sqlite, _>(AssertSqlSafe(sql.to_owned()), arguments::<SqliteArguments>(params)?);
    Ok(query.fetch_all(executor).await?.into_iter().map(|row| Row(Kind::Sqlite(row))).collect())
}

async fn postgres_rows<'e>(
    executor: impl Executor<'e, Database = Postgres>,
    sql: &str,
    params: Vec<Param>,
) -> Result<Vec<Row>, StoreError> {
    let query = sqlx::query_with::<Postgres, _>(AssertSqlSafe(sql.to_owned()), arguments::<PgArguments>(params)?);
    Ok(query.fetch_all(executor).await?.into_iter().map(|row| Row(Kind::Postgres(row))).collect())
}

impl Db {
    /// Opens a file, made if there is none.
    pub(crate) async fn open_sqlite(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL: what was answered is on the disk, also after a power cut.
            .synchronous(SqliteSynchronous::Full)
            .auto_vacuum(SqliteAutoVacuum::Incremental)
            .foreign_keys(true)
            .busy_timeout(WAIT)
            .pragma("secure_delete", "ON")
            .pragma("cache_size", "-16384");
        let write =
            SqlitePoolOptions::new().max_connections(1).acquire_timeout(WAIT).connect_with(options.clone()).await?;
        let read = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(WAIT)
            .connect_with(options.pragma("query_only", "ON"))
            .await?;
        Ok(Self::Sqlite { path: path.to_owned(), read, write })
    }

    /// Whether a URL can be understood.
    pub(crate) fn check_postgres(url: &str) -> Result<(), StoreError> {
        // What the parser says may repeat the password.
        PgConnectOptions::from_str(url).map(|_| ()).map_err(|_| StoreError::Url { url: "store.url".to_owned() })
    }

    /// Connects to a server.
    pub(crate) async fn open_postgres(url: &str) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url)?.application_name("flight-risk");
        Ok(Self::Postgres(
            PgPoolOptions::new().max_connections(READERS + 2).acquire_timeout(WAIT).connect_with(options).await?,
        ))
    }

    /// The rows that a statement gives; it must not write.
    pub(crate) async fn query(&self, sql: &str, params: Vec<Param>) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite { read, .. } => sqlite_rows(read, sql, params).await,
            Self::Postgres(pool) => postgres_rows(pool, sql, params).await,
        }
    }

    /// The first row that a statement gives, if any; it must not write.
    pub(crate) async fn first(&self, sql: &str, params: Vec<Param>) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// Begins to write. What is not committed is undone.
    pub(crate) async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite { write, .. } => Tx::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// Closes all connections.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite { read, write, .. } => {
                read.close().await;
                write.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// A transaction that writes.
pub(crate) enum Tx {
    /// On SQLite.
    Sqlite(Transaction<'static, Sqlite>),
    /// On PostgreSQL.
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    /// Carries a statement out; gives the number of rows that it changed.
    pub(crate) async fn execute(&mut self, sql: &str, params: Vec<Param>) -> Result<u64, StoreError> {
        let text = AssertSqlSafe(sql.to_owned());
        Ok(match self {
            Self::Sqlite(tx) => sqlx::query_with::<Sqlite, _>(text, arguments::<SqliteArguments>(params)?)
                .execute(&mut **tx)
                .await?
                .rows_affected(),
            Self::Postgres(tx) => sqlx::query_with::<Postgres, _>(text, arguments::<PgArguments>(params)?)
                .execute(&mut **tx)
                .await?
                .rows_affected(),
        })
    }

    /// The rows that a statement gives, as this transaction sees them.
    pub(crate) async fn query(&mut self, sql: &str, params: Vec<Param>) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(tx) => sqlite_rows(&mut **tx, sql, params).await,
            Self::Postgres(tx) => postgres_rows(&mut **tx, sql, params).await,
        }
    }

    /// The first row that a statement gives, if any.
    pub(crate) async fn first(&mut self, sql: &str, params: Vec<Param>) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// The next `count` numbers of a sequence: the first of them. The sequence's row stays locked until the transaction ends,
    /// so that numbers become visible in their order and without gaps.
    pub(crate) async fn next_numbers(&mut self, sequence: &str, count: i64) -> Result<i64, StoreError> {
        let sql = "UPDATE sequences SET value = value + $1 WHERE name = $2 RETURNING value";
        let row = self.first(sql, params![count, sequence]).await?;
        let Some(row) = row else { return Err(StoreError::Damaged(format!("sequence {sequence} is missing"))) };
        Ok(row.int(0)? - count + 1)
    }

    /// Keeps what was written.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}
