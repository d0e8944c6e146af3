//! How fast lists are with a hundred thousand and with a million employees in a SQLite file. Not part of the usual run; to measure:
//!
//! `cargo test --release -p flight-risk-server --lib -- --ignored --nocapture employees_are_listed`

use std::time::{Duration, Instant};

use flight_risk_proto::v1;
use flight_risk_proto::v1::risk_service_client::RiskServiceClient;
use flight_risk_scoring::Scorer;
use tonic::transport::Channel;

use super::fixture::{Served, open_config, wide};
use super::risk::{client, get, record, scored_row};
use crate::access::caller::Scope;
use crate::clock::{MICROS_PER_DAY, now_micros};
use crate::store::db::params;
use crate::store::{OrgFacts, Store};

/// As many features as a model of native tables has, about.
pub(super) const FEATURES: usize = 40;
/// Runs of each measurement; the median counts.
const RUNS: usize = 15;
/// Fills the tables: risks are skewed as risks are, a sixth of all is at risk, the model abstains on one in 200, one score in 500 is
/// stale; and there are a location of 100 in a million, a level of 50, and a department of 4,000.
pub(super) async fn fill(store: &Store, scorer: &Scorer, employees: i64) {
    // The model's schema comes with the first score.
    record(store, scorer, &[scored_row(scorer, "first", vec![1.0; FEATURES])]).await;
    let numbers = format!("WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i <= {employees})");
    let risk = "CASE WHEN i % 200 = 77 THEN -1.0 ELSE u * u * u * u * u * u * u * u * u * u * 0.8 END";
    let even = "((i * 2654435761) % 1000003) / 1000003.0 AS u";
    let scores = format!(
        "INSERT INTO scores SELECT seq, 9223372036854775807, printf('e%07d', (seq * 7919) % 1000003), $2 + seq, \
         CASE WHEN seq % 500 = 0 THEN $3 - 100 ELSE $3 END, $1, CASE WHEN risk < 0.0 THEN 0 WHEN risk < 0.15 THEN 1 WHEN risk < 0.3 THEN 2 ELSE 3 END, risk, risk * 0.8, risk * 1.2, risk * 10, 12, \
         'department ' || CASE WHEN seq % 250 = 3 THEN 'small' ELSE seq * 31 % 40 END, \
         'location ' || CASE WHEN seq % 9973 = 5 THEN 'rare' ELSE seq * 17 % 25 END, 'm' || (seq % 100000), \
         'L' || CASE WHEN seq % 20011 = 3 THEN 99 ELSE seq % 10 END, \
         seq % 20 = 0, (seq % 300) / 10.0, printf('Name %06d', seq % 1000000), printf('name %06d', seq % 1000000) FROM (SELECT i AS seq, {risk} AS risk FROM ({numbers} SELECT i, {even} FROM n))"
    );
    let details = format!(
        "INSERT INTO score_details SELECT i, (SELECT assessment FROM score_details WHERE seq = 1), zeroblob({bytes}), \
         zeroblob({bytes}) FROM ({numbers} SELECT i FROM n)",
        bytes = 8 * FEATURES
    );
    // What is old would expire while this runs.
    let now = now_micros() - 10_000_000;
    let mut tx = store.db().begin().await.unwrap();
    // Made anew afterwards: rows in random order take a quarter of an hour to go into a dozen indexes one by one.
    let indexes =
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'scores' AND sql IS NOT NULL";
    let indexes = tx.query(indexes, vec![]).await.unwrap();
    for index in &indexes {
        tx.execute(&format!("DROP INDEX {}", index.text(0).unwrap()), vec![]).await.unwrap();
    }
    tx.execute(&scores, params![scorer.artifact().model_version(), now, now / MICROS_PER_DAY]).await.unwrap();
    for index in &indexes {
        tx.execute(&index.text(1).unwrap(), vec![]).await.unwrap();
    }
    tx.execute(&details, vec![]).await.unwrap();
    let sums = "INSERT INTO risk_sums SELECT department, location, COUNT(*), SUM(CAST(ROUND(risk * 1e11) AS INTEGER)) FROM scores \
                WHERE risk >= 0 AND department IS NOT NULL GROUP BY department, location";
    tx.execute(sums, vec![]).await.unwrap();
    tx.next_numbers("score", employees).await.unwrap();
    tx.commit().await.unwrap();
}

/// The median time of a call, after one that does not count.
pub(super) async fn timed<T>(mut call: impl AsyncFnMut() -> T) -> Duration {
    call().await;
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let start = Instant::now();
        call().await;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    times[RUNS / 2]
}

async fn page(
    client: &mut RiskServiceClient<Channel>,
    request: &v1::ListAtRiskEmployeesRequest,
) -> v1::ListAtRiskEmployeesResponse {
    client.list_at_risk_employees(request.clone()).await.unwrap().into_inner()
}

/// The request of a page that is preceded by (about) this many rows.
async fn deep(
    client: &mut RiskServiceClient<Channel>,
    request: &v1::ListAtRiskEmployeesRequest,
    rows: usize,
) -> (v1::ListAtRiskEmployeesRequest, usize) {
    let mut request = v1::ListAtRiskEmployeesRequest { page_size: 1000, max_factors: Some(0), ..request.clone() };
    let mut seen = 0;
    while seen < rows {
        let page = page(client, &request).await;
        if page.next_page_token.is_empty() {
            break;
        }
        seen += page.employees.len();
        request.page_token = page.next_page_token;
    }
    (v1::ListAtRiskEmployeesRequest { page_size: 50, ..request }, seen)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes, and only means something in a release build"]
async fn a_million_employees_are_listed_in_time() {
    listed_in_time(1_000_000, Duration::from_millis(100)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes, and only means something in a release build"]
async fn a_hundred_thousand_employees_are_listed_in_time() {
    listed_in_time(100_000, Duration::from_millis(30)).await;
}

/// Lists of so many employees, each page within the limit.
async fn listed_in_time(employees: i64, limit: Duration) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store.db").to_str().unwrap()).await.unwrap();
    let scorer = wide(FEATURES);
    let started = Instant::now();
    fill(&store, &scorer, employees).await;
    println!("filled in {:.0?}", started.elapsed());
    let server = Served::start_on(store.clone(), scorer.clone(), open_config()).await;
    let mut client = client(&server).await;
    let list = |filter: &str, order_by: &str, all_bands| v1::ListAtRiskEmployeesRequest {
        filter: filter.into(),
        order_by: order_by.into(),
        all_bands,
        max_factors: Some(0),
        ..Default::default()
    };
    let mut slow = Vec::new();
    let mut report = |what: &str, first: Duration, deep: Duration, rows: usize| {
        println!("{what:60} first {first:>9.2?}  after {rows:>7} rows {deep:>9.2?}");
        if first > limit || deep > limit {
            slow.push(what.to_owned());
        }
    };
    for (what, request, rows) in [
        ("at risk", list("", "", false), 100_000),
        ("at risk, one of 40 departments", list("department = \"department 7\"", "", false), 3_000),
        ("at risk, one of 25 locations", list("location = \"location 7\"", "", false), 3_000),
        ("at risk, one of 100,000 managers", list("manager_id = m7", "", false), 1),
        ("at risk, critical, at least 20 %", list("critical_role = true AND probability >= 0.2", "", false), 3_000),
        ("at risk, nobody matches", list("job_level = none", "", false), 0),
        ("at risk, by employee", list("", "employee_id", false), 100_000),
        ("at risk, by time", list("", "score_time desc", false), 100_000),
        ("at risk, of a rare location", list("location = \"location rare\"", "", false), 1),
        ("at risk, stale", list("stale = true", "", false), 200),
        ("at risk, stale, by employee", list("stale = true", "employee_id", false), 200),
        ("at risk, by the beginning of an identifier", list("employee_id = \"e00158*\"", "", false), 10),
        ("at risk, by the beginning of a name", list("display_name = \"NAME 0158*\"", "", false), 10),
        ("at risk, by a common beginning of a name", list("display_name = \"NAME*\"", "", false), 1_000),
        ("abstained", list("band = ABSTAINED", "", false), 1_000),
        ("abstained, by employee", list("band = ABSTAINED", "employee_id", false), 1_000),
        (
            "abstained, of one of 40 departments",
            list("band = ABSTAINED AND department = \"department 7\"", "", false),
            50,
        ),
        ("all bands, of a rare location", list("location = \"location rare\"", "", true), 50),
        ("all bands, of a rare location, by employee", list("location = \"location rare\"", "employee_id", true), 50),
        ("all bands, of a rare location, by time", list("location = \"location rare\"", "score_time", true), 50),
        ("all bands, of a rare level", list("job_level = L99", "", true), 20),
        ("all bands, of a level nobody has", list("job_level = none", "", true), 0),
        (
            "all bands, of a small department, by employee",
            list("department = \"department small\"", "employee_id", true),
            100,
        ),
        ("all bands, one of 25 locations", list("location = \"location 7\"", "", true), 20_000),
        ("all bands, one of 10 levels, least risky first", list("job_level = L7", "probability", true), 20_000),
        ("all bands, two common values", list("job_level = L7 AND location = \"location 7\"", "", true), 1_000),
        ("all bands, stale", list("stale = true", "", true), 1_000),
        ("all bands, not stale", list("stale = false", "", true), 1_000),
        ("all bands, by the beginning of an identifier", list("employee_id = \"e00158*\"", "", true), 50),
        ("all bands, by a common beginning of an identifier", list("employee_id = \"e00*\"", "", true), 1_000),
        ("all bands, by the beginning of a name", list("display_name = \"NAME 0158*\"", "", true), 50),
        ("all bands, by a common beginning of a name", list("display_name = \"NAME 0*\"", "", true), 1_000),
        ("all bands, by a name", list("display_name = \"NAME 015838\"", "", true), 0),
        ("band high", list("band = HIGH", "", false), 50_000),
        ("all bands", list("", "", true), 200_000),
        ("all bands, least risky first", list("", "probability", true), 300_000),
        ("all bands, one of 40 departments", list("department = \"department 7\"", "", true), 20_000),
        ("all bands, by employee", list("", "employee_id", true), 300_000),
        ("all bands, by time", list("", "score_time desc", true), 300_000),
    ] {
        let first = timed(async || page(&mut client, &request).await).await;
        let (request, seen) = deep(&mut client, &request, rows).await;
        let deep = timed(async || page(&mut client, &request).await).await;
        report(what, first, deep, seen);
    }
    let one = timed(async || client.get_employee_risk(get("e0015838")).await.unwrap()).await;
    println!("one employee {one:.2?}");
    for capacity in [200, 20_000] {
        let request = v1::ListAtRiskEmployeesRequest { capacity: Some(capacity), ..list("", "", false) };
        let time = timed(async || page(&mut client, &request).await).await;
        report(&format!("first page with a capacity of {capacity}"), time, time, 0);
    }
    let departments =
        || Scope::Units { departments: vec!["department 7".into(), "department 8".into()], locations: vec![] };
    for (what, scope) in [("everybody", Scope::All), ("two departments", departments())] {
        let time = timed(async || store.expected_leavers(&scope).await.unwrap()).await;
        println!("leavers expected among {what}: {time:.2?}");
    }
    // While scores arrive: a list that began before 20,000 of those at risk were scored anew.
    let (before, _) = deep(&mut client, &list("", "", false), 50_000).await;
    let mut tx = store.db().begin().await.unwrap();
    let first = tx.next_numbers("score", 20_000).await.unwrap();
    tx.execute("UPDATE scores SET to_seq = $1 WHERE seq IN (SELECT seq FROM scores WHERE band >= 2 ORDER BY risk DESC LIMIT 20000)", params![first])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let replaced = timed(async || page(&mut client, &before).await).await;
    println!("a page after 20,000 scores were replaced since the first: {replaced:.2?}");
    assert!(slow.is_empty() && replaced < limit, "slower than {limit:?}: {slow:?}, {replaced:?}");
}

/// How long it takes to record 100,000 scores, three nights in a row, with today's indexes and without those that only find rare
/// values. To measure: as above, with `a_nightly_refresh`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes, and only means something in a release build"]
async fn a_nightly_refresh_and_what_indexes_cost_it() {
    let scorer = wide(FEATURES);
    for rare_values in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store.db").to_str().unwrap()).await.unwrap();
        if !rare_values {
            let mut tx = store.db().begin().await.unwrap();
            for index in ["scores_by_location", "scores_by_level", "scores_by_day", "scores_by_name"] {
                tx.execute(&format!("DROP INDEX {index}"), vec![]).await.unwrap();
            }
            tx.commit().await.unwrap();
        }
        for night in 0..3 {
            let started = Instant::now();
            for piece in 0..100_i64 {
                let scores: Vec<_> = (piece * 1_000..piece * 1_000 + 1_000)
                    .map(|i| {
                        let i = (i * 7_919) % 100_003;
                        let mut score =
                            scored_row(&scorer, &format!("e{i:07}"), vec![(i + night) as f64 / 1e5; FEATURES]);
                        score.as_of = score.as_of.plus_days(night as i32);
                        score.org = OrgFacts {
                            department: Some(format!("department {}", i % 40)),
                            location: Some(format!("location {}", i % 23)),
                            manager_id: Some(format!("m{}", i % 9_973)),
                            job_level: Some(format!("L{}", i % 10)),
                            display_name: Some(format!("Name {}", (i * 31) % 100_003)),
                            ..OrgFacts::default()
                        };
                        score
                    })
                    .collect();
                record(&store, &scorer, &scores).await;
            }
            println!("indexes for rare values: {rare_values}; night {night}: {:.1?}", started.elapsed());
        }
        let size = std::fs::metadata(folder.path().join("store.db")).unwrap().len() >> 20;
        println!("{size} MiB");
    }
}
