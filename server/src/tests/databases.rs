//! One test body on both databases: a SQLite file, and a real PostgreSQL.
//!
//! `tests/postgres COMMAND` starts the server, names it in [`POSTGRES`] and stops it however the command ends; a test process
//! cannot promise that of a server that it starts itself. `tests/run` does so, so that neither is ever left out there.

use std::io::Write as _;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _};

use crate::store::Store;

/// The URL of a PostgreSQL server on which databases may be made.
const POSTGRES: &str = "FLIGHT_RISK_TEST_POSTGRES";

/// Runs the body with a new, empty store on each database.
pub(crate) async fn each_store(body: impl AsyncFn(Store)) {
    each_url(async |url| {
        let store = Store::open(url).await.unwrap();
        body(store.clone()).await;
        store.close().await;
    })
    .await;
}

/// Runs the body with the URL of a new, empty database of each kind, for what opens the store itself or opens it twice.
pub(crate) async fn each_url(body: impl AsyncFn(&str)) {
    println!("on SQLite");
    let folder = tempfile::tempdir().unwrap();
    body(folder.path().join("store.db").to_str().unwrap()).await;
    let Ok(server) = std::env::var(POSTGRES) else {
        static SAID: Once = Once::new();
        // Past the capture of the test harness: it must be seen although the tests pass.
        SAID.call_once(|| {
            let said = "the tests on PostgreSQL are LEFT OUT: run `tests/postgres cargo test ...` to have them";
            writeln!(std::io::stderr(), "{said}").unwrap();
        });
        return;
    };
    println!("on PostgreSQL");
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let name = format!("test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let server: PgConnectOptions = server.parse().unwrap();
    on(&server, format!("CREATE DATABASE {name}")).await;
    let url = server.clone().database(&name).to_url_lossy();
    body(url.as_str()).await;
    // After a panic it stays until the server's folder is deleted.
    on(&server, format!("DROP DATABASE {name} WITH (FORCE)")).await;
}

async fn on(server: &PgConnectOptions, statement: String) {
    let mut connection: PgConnection = server.connect().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
}
