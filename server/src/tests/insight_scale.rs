//! Hot spots of a million. Run with
//! `cargo test --release -p flight-risk-server --lib -- insight_scale --ignored --nocapture`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use flight_risk_proto::v1;
use flight_risk_proto::v1::insight_service_server::InsightService;
use tonic::{Code, Request};

use super::fixture::{native, open_config};
use crate::access::caller::Caller;
use crate::app::App;
use crate::clock::{MICROS_PER_DAY, now_micros};
use crate::grpc::InsightApi;
use crate::store::Store;
use crate::store::db::{Param, params};
use crate::store::statement::{pieces, tuples};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes and prints its measurements; run it in release"]
async fn hot_spots_of_a_million() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store.db").to_str().unwrap()).await.unwrap();
    let people = crate::insight::scale_tests::million();
    let rows: Vec<usize> = (0..people.len()).collect();
    let mut tx = store.db().begin().await.unwrap();
    // Indexes that lists need and hot spots do not: filling them in random order takes longer than all the rest.
    for index in
        ["scores_by_risk", "scores_by_department", "scores_by_location", "scores_by_level", "scores_by_manager"]
    {
        tx.execute(&format!("DROP INDEX IF EXISTS {index}"), Vec::new()).await.unwrap();
    }
    let version = native().artifact().model_version().to_owned();
    let at = now_micros() - 100 * MICROS_PER_DAY;
    for piece in pieces(&rows) {
        let sql = format!("INSERT INTO scores VALUES {}", tuples(piece.len(), 20));
        let values: Vec<Param> = piece
            .iter()
            .flat_map(|&i| {
                let [department, location, manager, level, tenure] = people[i];
                let risk = 0.02 + 0.001 * (i % 100) as f64;
                params![
                    i as i64 + 1,
                    i64::MAX,
                    format!("e-{i:07}"),
                    at,
                    20_000_i64,
                    &version,
                    1_i64,
                    risk,
                    0.5 * risk,
                    2.0 * risk,
                    1.0,
                    12_i64,
                    format!("department {department:03}"),
                    format!("place {location:03}"),
                    format!("e-m{manager:06}"),
                    format!("L{level:02}"),
                    false,
                    f64::from(tenure) * 2.4,
                    None::<&str>,
                    None::<&str>,
                ]
            })
            .collect();
        tx.execute(&sql, values).await.unwrap();
    }
    tx.execute("UPDATE sequences SET value = 1000000 WHERE name = 'score'", Vec::new()).await.unwrap();
    tx.commit().await.unwrap();
    let app = App::new(native(), store.clone(), open_config()).await.unwrap();
    let started = Instant::now();
    let api = InsightApi::new(app.core().clone());
    let ask = async |by: v1::GroupDimension| {
        loop {
            let started = Instant::now();
            let mut request = Request::new(v1::ListHotspotsRequest { group_by: by.into(), ..Default::default() });
            request.extensions_mut().insert(Arc::new(Caller::anybody()));
            match api.list_hotspots(request).await {
                Ok(reply) => {
                    println!("{by:?}: {:?}, {} suppressed", started.elapsed(), reply.into_inner().suppressed_groups);
                    break started.elapsed();
                }
                // Everybody is being read for the first time.
                Err(status) if status.code() == Code::Unavailable => tokio::time::sleep(Duration::from_secs(1)).await,
                Err(status) => panic!("{status}"),
            }
        }
    };
    ask(v1::GroupDimension::Department).await;
    println!("the first answer came {:?} after the start", started.elapsed());
    for by in [
        v1::GroupDimension::Department,
        v1::GroupDimension::Location,
        v1::GroupDimension::Manager,
        v1::GroupDimension::JobLevel,
        v1::GroupDimension::Tenure,
    ] {
        assert!(ask(by).await.as_millis() < 300);
    }
    // While scores arrive: what was read last is told.
    let mut tx = store.db().begin().await.unwrap();
    tx.execute("UPDATE sequences SET value = value + 1 WHERE name = 'score'", Vec::new()).await.unwrap();
    tx.commit().await.unwrap();
    println!("while everybody is read anew:");
    for _ in 0..5 {
        assert!(ask(v1::GroupDimension::Manager).await.as_millis() < 300);
    }
}
