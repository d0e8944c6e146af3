//! InsightService: how long what was read of everybody is answered from.

use std::time::Duration;

use super::databases::each_store;
use super::fixture::{native, open_config, wide};
use super::insight::{company, record};
use super::list_speed::{FEATURES, fill};
use crate::app::App;
use crate::clock::{MICROS_PER_DAY, now_micros};
use crate::grpc::InsightApi;
use crate::store::Store;

#[tokio::test]
async fn everybody_is_read_anew_at_once_after_a_deletion_and_only_if_something_changed() {
    each_store(async |store| {
        let people = company();
        record(&store, &native(), &people[..300], 100).await;
        record(&store, &native(), &people[300..], 0).await;
        let folder = tempfile::tempdir().unwrap();
        let mut config = open_config();
        config.audit.key_file = Some(folder.path().join("audit.key"));
        let app = App::new(native(), store.clone(), config).await.unwrap();
        let api = InsightApi::new(app.core().clone());
        let first = api.snapshot().await.unwrap();
        assert_eq!(first.1, 360);
        assert_eq!(api.snapshot().await.unwrap(), first, "nothing changed");
        // Neither the first who was scored nor the last: nothing but the erasure itself tells of it.
        assert_eq!(store.erase("e-0005").await.unwrap().scores, 1);
        let second = api.snapshot().await.unwrap();
        assert_eq!(second.1, 359, "without the one who was erased");
        assert_eq!(store.delete_expired(now_micros(), 1_000).await.unwrap(), 0);
        assert_eq!(api.snapshot().await.unwrap(), second, "nothing was old enough");
        assert_eq!(store.delete_expired(now_micros() - MICROS_PER_DAY, 50).await.unwrap(), 299);
        let third = api.snapshot().await.unwrap();
        assert_eq!(third.1, 60);
        assert_eq!(api.snapshot().await.unwrap(), third, "nothing changed");
    })
    .await;
}

#[tokio::test]
async fn what_pages_ask_for_first_is_ready_before_anybody_asks() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store.db").to_str().unwrap()).await.unwrap();
    for (employees, ready) in [(300, [0; 4]), (6_000, [12, 1, 2, 1])] {
        fill(&store, &wide(FEATURES), employees).await;
        let mut config = open_config();
        config.audit.key_file = Some(folder.path().join(format!("{employees}.key")));
        config.audit.enabled = false;
        let app = App::new(wide(FEATURES), store.clone(), config).await.unwrap();
        let api = InsightApi::new(app.core().clone());
        while api.rounds() == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // Drivers of all, and of the levels and lengths of service of 500 people and more that may be shown; trend of all,
        // calibration of all models and of the active one, the comparison of the usual months.
        assert_eq!(api.ready(), ready, "{employees}");
        let mut tx = store.db().begin().await.unwrap();
        for table in ["scores", "score_details", "risk_sums"] {
            tx.execute(&format!("DELETE FROM {table}"), Vec::new()).await.unwrap();
        }
        tx.execute("UPDATE sequences SET value = 0 WHERE name = 'score'", Vec::new()).await.unwrap();
        tx.commit().await.unwrap();
    }
}
