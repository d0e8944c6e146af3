//! What the server does by itself: deleting what is too old is in the audit log, and waits until it is.

use super::databases::each_store;
use super::fixture::{native, open_config};
use crate::app::App;
use crate::clock::{MICROS_PER_DAY, now_micros};
use crate::store::{NewScore, OrgFacts, Store, Telling};
use crate::upkeep::{DELETE_EXPIRED, delete_expired};

async fn scores(store: &Store) -> Vec<String> {
    let rows = store.db().query("SELECT employee_id FROM scores ORDER BY employee_id", Vec::new()).await.unwrap();
    rows.iter().map(|row| row.text(0).unwrap()).collect()
}

async fn rename(store: &Store, from: &str, to: &str) {
    let mut tx = store.db().begin().await.unwrap();
    tx.execute(&format!("ALTER TABLE {from} RENAME TO {to}"), Vec::new()).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_is_too_old_is_deleted_once_that_is_in_the_audit_log() {
    each_store(async |store| {
        let scorer = native();
        let row = scorer.schema().packed_row(vec![3.0, 6.0, 0.5]).unwrap();
        let score = |id: &str, days: i64| NewScore {
            employee_id: id.into(),
            as_of: "2024-06-01".parse().unwrap(),
            scored_at: now_micros() - days * MICROS_PER_DAY,
            row: row.clone(),
            assessment: scorer.score(&row),
            org: OrgFacts::default(),
        };
        store.record_scores(&scorer, &[score("old", 401), score("young", 399)], Telling::default()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut config = open_config();
        config.audit.key_file = Some(folder.path().join("audit.key"));
        let app = App::new(native(), store.clone(), config).await.unwrap();

        rename(&store, "audit", "away").await;
        delete_expired(app.core()).await;
        assert_eq!(scores(&store).await, ["old", "young"], "nothing without a record");
        rename(&store, "away", "audit").await;
        delete_expired(app.core()).await;
        assert_eq!(scores(&store).await, ["young"]);
        delete_expired(app.core()).await;
        let records = store.audit_page(0).await.unwrap();
        let records: Vec<_> = records.iter().map(|record| &record.draft).collect();
        assert_eq!(records.len(), 1, "one deletion: {records:?}");
        assert_eq!((records[0].actor.as_str(), records[0].method.as_str()), ("server", DELETE_EXPIRED));
        assert_eq!(records[0].purpose, "1 score recorded more than 400 days ago");
    })
    .await;
}
