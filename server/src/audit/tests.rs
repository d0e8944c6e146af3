//! The log over a store: what is written verifies, and whatever is done to it afterwards is found and named.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::store::StoreError;
use crate::store::db::params;
use crate::tests::databases::{each_store, each_url};

struct Kept {
    folder: tempfile::TempDir,
    store: Arc<Store>,
    log: AuditLog,
}

fn entry<'a>(actor: &'a str, employees: &'a [&'a str]) -> Entry<'a> {
    Entry {
        actor,
        role: "hr_partner",
        method: "flightrisk.v1.RiskService/GetEmployeeRisk",
        employees,
        purpose: "quarterly review",
        model_version: "0123456789ab",
        decision: Decision::Allowed,
    }
}

impl Kept {
    /// A log of so many records in a store that has none yet; cleared where one has.
    async fn with(store: Store, records: usize) -> Self {
        let store = Arc::new(store);
        let mut tx = store.db().begin().await.unwrap();
        for clear in
            ["DELETE FROM audit", "DELETE FROM audit_key", "UPDATE sequences SET value = 0 WHERE name = 'audit'"]
        {
            tx.execute(clear, params![]).await.unwrap();
        }
        tx.commit().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let log = AuditLog::open(&store, Some(&folder.path().join("key")), AuditMeters::unread()).await.unwrap();
        let kept = Self { folder, store, log };
        for i in 0..records {
            kept.log.append(entry(&format!("actor-{i}"), &[&format!("e-{i}")])).await.unwrap();
        }
        kept
    }

    fn key_file(&self) -> std::path::PathBuf {
        self.folder.path().join("key")
    }

    async fn change(&self, sql: &str) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        let bytes = if self.store.file().is_some() { "x'" } else { "'\\x" };
        for statement in sql.replace("BYTES'", bytes).split(';') {
            tx.execute(statement, params![]).await?;
        }
        tx.commit().await
    }

    async fn verify(&self, expected: &Expected) -> Result<Verified, Finding> {
        verify(&self.store, Some(&self.key_file()), expected).await.unwrap()
    }
}

#[tokio::test]
async fn what_was_written_verifies_and_its_end_can_be_noted() {
    each_store(async |store| {
        let kept = Kept::with(store.clone(), 0).await;
        assert_eq!(kept.verify(&Expected::default()).await, Ok(Verified { count: 0, last: String::new() }));
        let kept = Kept::with(store.clone(), 3).await;
        let noted = kept.verify(&Expected::default()).await.unwrap();
        assert_eq!((noted.count, noted.last.len()), (3, 64));
        kept.log.append(entry("later", &[])).await.unwrap();
        let expected = Expected { count: Some(3), last: Some(noted.last.clone()) };
        assert_eq!(kept.verify(&expected).await.unwrap().count, 4);
        let only_hash = Expected { count: None, last: Some(noted.last.clone()) };
        assert_eq!(kept.verify(&only_hash).await.unwrap().count, 4);

        // Cut off with the counter, and written on: only what was noted tells.
        kept.change("DELETE FROM audit WHERE seq > 2; UPDATE sequences SET value = 2 WHERE name = 'audit'")
            .await
            .unwrap();
        assert_eq!(kept.verify(&Expected::default()).await.unwrap().count, 2);
        assert_eq!(kept.verify(&expected).await, Err(Finding::FewerThanBefore { count: 2, expected: 3 }));
        kept.log.append(entry("forged", &[])).await.unwrap();
        assert_eq!(kept.verify(&expected).await, Err(Finding::OtherHash { seq: 3, hash: noted.last.clone() }));
        assert_eq!(kept.verify(&only_hash).await, Err(Finding::NotedHashGone { hash: noted.last }));
        let wrong = Expected { count: None, last: Some("abc".into()) };
        assert!(matches!(verify(&kept.store, Some(&kept.key_file()), &wrong).await, Err(AuditError::NoHash(_))));
    })
    .await;
}

#[tokio::test]
async fn every_change_of_a_record_is_found_and_named() {
    each_store(async |store| {
        use Finding::{Altered, Missing, MissingAtEnd, PutIn, Reordered};
        let swap = |a: i64, b: i64| {
            format!(
                "UPDATE audit SET seq = -1 WHERE seq = {a}; UPDATE audit SET seq = {a} WHERE seq = {b}; \
                 UPDATE audit SET seq = {b} WHERE seq = -1"
            )
        };
        let cases: Vec<(String, Finding)> = vec![
            ("UPDATE audit SET at = at + 1 WHERE seq = 3".into(), Altered { seq: 3 }),
            ("UPDATE audit SET actor = 'x' WHERE seq = 3".into(), Altered { seq: 3 }),
            ("UPDATE audit SET role = 'admin' WHERE seq = 3".into(), Altered { seq: 3 }),
            ("UPDATE audit SET method = 'x' WHERE seq = 3".into(), Altered { seq: 3 }),
            ("UPDATE audit SET subjects = BYTES'00112233445566778899aabbccddeeff' WHERE seq = 3".into(), Altered { seq: 3 }),
            ("UPDATE audit SET subjects = BYTES'' WHERE seq = 3".into(), Altered { seq: 3 }),
            ("UPDATE audit SET purpose = 'x' WHERE seq = 3".into(), Altered { seq: 3 }),
            ("UPDATE audit SET model_version = '' WHERE seq = 3".into(), Altered { seq: 3 }),
            ("UPDATE audit SET decision = 'denied' WHERE seq = 3".into(), Altered { seq: 3 }),
            ("UPDATE audit SET hash = BYTES'00' WHERE seq = 3".into(), Altered { seq: 3 }),
            ("UPDATE audit SET hash = (SELECT hash FROM audit WHERE seq = 2) WHERE seq = 3".into(), Altered { seq: 3 }),
            ("UPDATE audit SET purpose = 'x' WHERE seq = 1".into(), Altered { seq: 1 }),
            ("UPDATE audit SET purpose = 'x' WHERE seq = 6".into(), Altered { seq: 6 }),
            ("UPDATE audit SET purpose = 'x' WHERE seq > 3".into(), Altered { seq: 4 }),
            ("UPDATE audit SET seq = 7 WHERE seq = 6".into(), Missing { seq: 6 }),
            ("DELETE FROM audit WHERE seq = 1".into(), Missing { seq: 1 }),
            ("DELETE FROM audit WHERE seq = 3".into(), Missing { seq: 3 }),
            ("DELETE FROM audit WHERE seq = 6".into(), MissingAtEnd { seq: 6, given: 6 }),
            ("DELETE FROM audit".into(), MissingAtEnd { seq: 1, given: 6 }),
            (swap(2, 5), Reordered { seq: 2, written: 5 }),
            (swap(3, 4), Reordered { seq: 3, written: 4 }),
            (swap(1, 6), Reordered { seq: 1, written: 6 }),
            (
                // By way of negative numbers: rows are moved in no certain order, and no number may be there twice meanwhile.
                "DELETE FROM audit WHERE seq = 3; UPDATE audit SET seq = 1 - seq WHERE seq > 3; \
                 UPDATE audit SET seq = -seq WHERE seq < 0; UPDATE sequences SET value = 5 WHERE name = 'audit'"
                    .into(),
                Altered { seq: 3 },
            ),
            (
                "INSERT INTO audit SELECT 0, at, actor, role, method, subjects, purpose, model_version, decision, hash \
                 FROM audit WHERE seq = 1"
                    .into(),
                PutIn { seq: 0, given: 6 },
            ),
            (
                "INSERT INTO audit SELECT 7, at, actor, role, method, subjects, purpose, model_version, decision, hash \
                 FROM audit WHERE seq = 6"
                    .into(),
                Reordered { seq: 7, written: 6 },
            ),
        ];
        for (sql, expected) in cases {
            let kept = Kept::with(store.clone(), 6).await;
            assert_eq!(kept.verify(&Expected::default()).await.unwrap().count, 6);
            kept.change(&sql).await.unwrap();
            assert_eq!(kept.verify(&Expected::default()).await, Err(expected), "{sql}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_taken_out_end_is_still_found_after_more_was_written() {
    each_store(async |store| {
        let kept = Kept::with(store.clone(), 4).await;
        kept.change("DELETE FROM audit WHERE seq = 4").await.unwrap();
        kept.log.append(entry("later", &[])).await.unwrap();
        assert_eq!(kept.verify(&Expected::default()).await, Err(Finding::Missing { seq: 4 }));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_a_time_give_one_unbroken_chain_with_each_record_once() {
    each_store(async |store| {
        let kept = Kept::with(store.clone(), 0).await;
        let mut calls = tokio::task::JoinSet::new();
        for call in 0..40 {
            let log = kept.log.clone();
            calls.spawn(async move {
                for i in 0..25 {
                    let employees: Vec<String> = (0..call % 4).map(|e| format!("e-{call}-{e}")).collect();
                    let employees: Vec<&str> = employees.iter().map(String::as_str).collect();
                    log.append(entry(&format!("{call}/{i}"), &employees)).await.unwrap();
                }
            });
        }
        while let Some(end) = calls.join_next().await {
            end.unwrap();
        }
        assert_eq!(kept.verify(&Expected::default()).await.unwrap().count, 1000);
        let mut actors = std::collections::BTreeSet::new();
        let mut last_of_call = std::collections::BTreeMap::new();
        list(&kept.store, Some(&kept.key_file()), &Wanted::default(), |listed| {
            let (call, i) = listed.actor.split_once('/').unwrap();
            let i: u32 = i.parse().unwrap();
            // What one caller did stands in the order in which it was done.
            assert!(last_of_call.insert(call.to_owned(), i).is_none_or(|before| before < i));
            actors.insert(listed.actor);
            Ok::<(), ()>(())
        })
        .await
        .unwrap()
        .unwrap();
        assert_eq!(actors.len(), 1000);
    })
    .await;
}

#[tokio::test]
async fn when_the_store_fails_every_call_is_told_and_afterwards_it_works_again() {
    each_store(async |store| {
        let kept = Kept::with(store.clone(), 2).await;
        kept.change("ALTER TABLE audit RENAME TO away").await.unwrap();
        let log = &kept.log;
        let (a, b, c) =
            tokio::join!(log.append(entry("a", &[])), log.append(entry("b", &[])), log.append(entry("c", &[])));
        assert!(a.is_err() && b.is_err() && c.is_err());
        kept.change("ALTER TABLE away RENAME TO audit").await.unwrap();
        kept.log.append(entry("back", &[])).await.unwrap();
        assert_eq!(kept.verify(&Expected::default()).await.unwrap().count, 3);
    })
    .await;
}

#[tokio::test]
async fn closing_writes_what_waits_and_then_refuses() {
    each_store(async |store| {
        let kept = Kept::with(store.clone(), 0).await;
        let log = kept.log.clone();
        let waiting = tokio::spawn(async move { log.append(entry("a", &[])).await });
        tokio::task::yield_now().await;
        tokio::time::timeout(Duration::from_secs(3), kept.log.close()).await.unwrap();
        waiting.await.unwrap().unwrap();
        assert!(kept.log.append(entry("b", &[])).await.is_err());
        assert_eq!(kept.verify(&Expected::default()).await.unwrap().count, 1);
    })
    .await;
}

#[tokio::test]
async fn an_employee_is_found_by_the_keyed_hash_and_stands_nowhere_in_clear() {
    each_store(async |store| {
        let kept = Kept::with(store.clone(), 0).await;
        let mut about = entry("a", &["canary-77", "e-2"]);
        about.purpose = "talk with canary-77 (canary-77), not canary-777";
        kept.log.append(about).await.unwrap();
        kept.log.append(entry("b", &["e-2"])).await.unwrap();
        kept.log.append(entry("NUL \0", &[])).await.unwrap();
        let found = async |employee: Option<&str>, since: Option<i64>| {
            let mut found = Vec::new();
            let wanted = Wanted { employee: employee.map(str::to_owned), since };
            let show = |listed| {
                found.push(listed);
                Ok::<(), ()>(())
            };
            list(&kept.store, Some(&kept.key_file()), &wanted, show).await.unwrap().unwrap();
            found
        };
        let one = found(Some("canary-77"), None).await;
        assert_eq!(one.iter().map(|listed| (listed.seq, listed.employees)).collect::<Vec<_>>(), [(1, 2)]);
        assert_eq!(one[0].purpose, "talk with [employee] ([employee]), not canary-777");
        assert_eq!(found(Some("e-2"), None).await.len(), 2);
        assert_eq!(found(Some("e-3"), None).await.len(), 0);
        assert_eq!(found(None, None).await.len(), 3);
        assert_eq!(found(None, Some(i64::MAX)).await.len(), 0);
        assert_eq!(found(None, Some(one[0].at)).await.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn another_server_of_the_same_store_writes_on_in_the_same_chain() {
    each_url(async |url| {
        let store = Store::open(url).await.unwrap();
        let kept = Kept::with(store.clone(), 2).await;
        let other = Arc::new(Store::open(url).await.unwrap());
        let second = AuditLog::open(&other, Some(&kept.key_file()), AuditMeters::unread()).await.unwrap();
        for i in 0..10 {
            let (actor, first) = (format!("second-{i}"), format!("first-{i}"));
            let (a, b) = tokio::join!(second.append(entry(&actor, &[])), kept.log.append(entry(&first, &[])));
            a.unwrap();
            b.unwrap();
        }
        assert_eq!(kept.verify(&Expected::default()).await.unwrap().count, 22);
    })
    .await;
}
