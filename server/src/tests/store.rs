//! What both databases must do alike: the tables, the four kinds of values, sequences under concurrency, what is undone.

use crate::store::db::{Param, params};
use crate::store::{Store, StoreError};

use super::databases::{each_store, each_url};

#[tokio::test]
async fn the_tables_are_made_once_and_what_is_in_them_stays() {
    each_url(async |url| {
        let first = Store::open(url).await.unwrap();
        let mut tx = first.db().begin().await.unwrap();
        assert_eq!(tx.next_numbers("score", 3).await.unwrap(), 1);
        tx.commit().await.unwrap();
        // While the first one is still open, as a second process would.
        let second = Store::open(url).await.unwrap();
        first.close().await;
        let mut tx = second.db().begin().await.unwrap();
        assert_eq!(tx.next_numbers("score", 1).await.unwrap(), 4);
        drop(tx);
        second.close().await;
    })
    .await;
}

#[tokio::test]
async fn every_kind_of_value_comes_back_as_it_was() {
    each_store(async |store| {
        let mut tx = store.db().begin().await.unwrap();
        tx.execute("CREATE TABLE kinds (n BIGINT PRIMARY KEY, t TEXT, i BIGINT, r DOUBLE PRECISION, b BYTEA)", vec![])
            .await
            .unwrap();
        let rows: [[Param; 4]; 6] = [
            [None::<&str>.into(), None::<i64>.into(), None::<f64>.into(), None::<Vec<u8>>.into()],
            ["".into(), 0_i64.into(), (-0.0).into(), Vec::new().into()],
            ["Zoë – 東京 'quoted' \\ %_".into(), i64::MAX.into(), f64::MAX.into(), vec![0_u8, 255, 39, 92].into()],
            ["\n\t".into(), i64::MIN.into(), f64::MIN_POSITIVE.into(), vec![7_u8; 100_000].into()],
            ["a".into(), true.into(), 0.1.into(), b"text".as_slice().into()],
            ["A".into(), 7_u32.into(), 5e-324.into(), b"".as_slice().into()],
        ];
        for (n, [t, i, r, b]) in (0_i64..).zip(rows.clone()) {
            let row = vec![n.into(), t, i, r, b];
            assert_eq!(tx.execute("INSERT INTO kinds VALUES ($1, $2, $3, $4, $5)", row).await.unwrap(), 1);
        }
        tx.commit().await.unwrap();
        let read = store.db().query("SELECT t, i, r, b FROM kinds ORDER BY n", vec![]).await.unwrap();
        assert_eq!(read.len(), rows.len());
        for (row, expected) in read.iter().zip(rows) {
            let real = row.opt_real(2).unwrap();
            let found: [Param; 4] = [
                row.opt_text(0).unwrap().into(),
                row.opt_int(1).unwrap().into(),
                real.into(),
                row.opt_bytes(3).unwrap().into(),
            ];
            assert_eq!(found, expected);
            // SQLite cannot keep the sign of -0.0, so that neither does.
            assert!(real.is_none_or(|real| real != 0.0 || real.is_sign_positive()));
        }
    })
    .await;
}

#[tokio::test]
async fn null_is_no_value_and_a_missing_one_is_an_error() {
    each_store(async |store| {
        let sql = "SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT), CAST($3 AS DOUBLE PRECISION)";
        let row = store.db().first(sql, params![None::<&str>, None::<i64>, None::<f64>]).await.unwrap().unwrap();
        assert!(row.text(0).is_err() && row.int(1).is_err() && row.real(2).is_err());
        assert!(row.opt_text(3).is_err(), "there is no such column");
        let mut tx = store.db().begin().await.unwrap();
        tx.execute("CREATE TABLE reals (must DOUBLE PRECISION NOT NULL, may DOUBLE PRECISION)", vec![]).await.unwrap();
        let insert = "INSERT INTO reals VALUES ($1, $2) RETURNING must, may";
        let row = tx.first(insert, params![f64::NEG_INFINITY, f64::NAN]).await.unwrap().unwrap();
        assert_eq!((row.real(0).unwrap(), row.opt_real(1).unwrap()), (f64::NEG_INFINITY, None));
        assert!(tx.first(insert, params![f64::NAN, 0.0]).await.is_err(), "NaN is no value");
    })
    .await;
}

#[tokio::test]
async fn keys_are_ordered_by_their_bytes() {
    each_store(async |store| {
        let mut tx = store.db().begin().await.unwrap();
        for key in ["é", "z", "a", "B", "10", "9", "_", "a b"] {
            let sql = "INSERT INTO sequences (name, value) VALUES ($1, $2)";
            tx.execute(sql, params![format!("order {key}"), 0_i64]).await.unwrap();
        }
        let sql = "SELECT name FROM sequences WHERE name > $1 AND name < $2 ORDER BY name";
        let rows = tx.query(sql, params!["order ", "order!"]).await.unwrap();
        let found: Vec<String> = rows.iter().map(|row| row.text(0).unwrap()).collect();
        assert_eq!(found, ["10", "9", "B", "_", "a", "a b", "z", "é"].map(|key| format!("order {key}")));
    })
    .await;
}

#[tokio::test]
async fn numbers_are_given_once_without_gaps_whoever_asks_at_the_same_time() {
    const WRITERS: i64 = 8;
    const ROUNDS: i64 = 25;
    each_store(async |store| {
        let writers = (0..WRITERS).map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut given = Vec::new();
                for round in 0..ROUNDS {
                    let mut tx = store.db().begin().await.unwrap();
                    let first = tx.next_numbers("change", 2).await.unwrap();
                    tokio::task::yield_now().await;
                    // What is not committed uses no numbers up.
                    if (writer + round) % 5 == 0 {
                        drop(tx);
                    } else {
                        tx.commit().await.unwrap();
                        given.extend([first, first + 1]);
                    }
                }
                given
            })
        });
        let mut given = Vec::new();
        for writer in writers.collect::<Vec<_>>() {
            given.extend(writer.await.unwrap());
        }
        given.sort_unstable();
        assert_eq!(given, (1..=WRITERS * ROUNDS * 2 * 4 / 5).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test]
async fn what_is_not_committed_is_seen_by_nobody_and_undone() {
    each_store(async |store| {
        let sql = "SELECT value FROM sequences WHERE name = $1";
        let seen = async || store.db().first(sql, params!["audit"]).await.unwrap().unwrap().int(0).unwrap();
        let mut tx = store.db().begin().await.unwrap();
        tx.next_numbers("audit", 5).await.unwrap();
        assert_eq!(tx.first(sql, params!["audit"]).await.unwrap().unwrap().count(0).unwrap(), 5);
        assert_eq!(seen().await, 0);
        drop(tx);
        assert_eq!(seen().await, 0);
        let mut tx = store.db().begin().await.unwrap();
        let refused = tx.next_numbers("no such sequence", 1).await;
        assert!(matches!(refused, Err(StoreError::Damaged(_))), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn a_wrong_statement_is_an_error_and_the_store_goes_on() {
    each_store(async |store| {
        let mut tx = store.db().begin().await.unwrap();
        let twice = "INSERT INTO sequences (name, value) VALUES ($1, $2)";
        assert!(tx.execute(twice, params!["audit", 1_i64]).await.is_err(), "the key is there");
        drop(tx);
        assert!(store.db().query("SELECT nothing FROM nowhere", vec![]).await.is_err());
        assert!(store.db().first("SELECT name FROM sequences", vec![]).await.unwrap().is_some());
    })
    .await;
}
