//! Calls that score: why they are made is asked and written down, and what is to be kept is kept, by whom it may be.

use flight_risk_proto::v1;
use flight_risk_proto::v1::scoring_service_client::ScoringServiceClient;
use flight_risk_scoring::EmployeeId;
use tokio_stream::StreamExt;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use super::databases::each_store;
use super::fixture::{Served, history, named, native, number, of_history, open_config};
use crate::access::caller::{Role, Scope};
use crate::access::keys::NewKey;
use crate::config::ServerConfig;
use crate::limits::STREAM_GROUP_ROWS;
use crate::store::{OrgFacts, Store};

const DAY: &str = "2024-06-30";

/// A row with its employee, to be kept.
fn kept(employee_id: &str, org: Option<v1::OrgFacts>) -> v1::ScoreEmployeeRequest {
    v1::ScoreEmployeeRequest {
        employee_id: employee_id.into(),
        record: true,
        org,
        as_of: DAY.into(),
        purpose: "the nightly refresh".into(),
        ..named([number("tenure_years", 3.0), number("one_on_ones_90d_count", 1.0)])
    }
}

fn in_department(name: &str) -> Option<v1::OrgFacts> {
    Some(v1::OrgFacts { department: Some(name.into()), ..Default::default() })
}

trait Authorise: FnMut(Request<()>) -> Result<Request<()>, Status> + Clone {}
impl<F: FnMut(Request<()>) -> Result<Request<()>, Status> + Clone> Authorise for F {}

/// A new key of this scope that has no standing purpose. To be made before the server starts, which looks for new ones now and then
/// only.
async fn key(store: &Store, name: &str, scope: Scope) -> String {
    let key = NewKey { name: name.into(), role: Role::Hris, scope, purpose: None, expires_at: None };
    store.create_key(&key).await.unwrap().token
}

async fn client(server: &Served, key: &str) -> ScoringServiceClient<InterceptedService<Channel, impl Authorise>> {
    let bearer: tonic::metadata::MetadataValue<_> = format!("Bearer {key}").parse().unwrap();
    ScoringServiceClient::with_interceptor(server.channel().await, move |mut request: Request<()>| {
        request.metadata_mut().insert("authorization", bearer.clone());
        Ok(request)
    })
}

fn batch(requests: Vec<v1::ScoreEmployeeRequest>) -> v1::BatchScoreEmployeesRequest {
    v1::BatchScoreEmployeesRequest { requests, ..Default::default() }
}

/// Method, number of employees, purpose and decision of every record.
async fn audited(store: &Store) -> Vec<(String, i64, String, String)> {
    let sql = "SELECT method, CAST(length(subjects) / 16 AS BIGINT), purpose, decision FROM audit ORDER BY seq";
    let rows = store.db().query(sql, vec![]).await.unwrap();
    rows.iter()
        .map(|row| {
            let method = row.text(0).unwrap().rsplit('/').next().unwrap().to_owned();
            (method, row.int(1).unwrap(), row.text(2).unwrap(), row.text(3).unwrap())
        })
        .collect()
}

fn row_error(result: &v1::ScoreResult) -> Option<&v1::RowError> {
    match result.result.as_ref().unwrap() {
        v1::score_result::Result::Score(_) => None,
        v1::score_result::Result::Error(error) => Some(error),
    }
}

#[tokio::test]
async fn without_a_purpose_nobody_is_scored() {
    each_store(async |store| {
        let key = key(&store, "nightly", Scope::All).await;
        let server = Served::start_on(store.clone(), native(), ServerConfig::default()).await;
        let mut client = client(&server, &key).await;
        let silent = || v1::ScoreEmployeeRequest { purpose: String::new(), ..kept("e-1", None) };
        let one = client.score_employee(silent()).await.unwrap_err();
        let many = client.batch_score_employees(batch(vec![kept("e-2", None), silent()])).await.unwrap_err();
        for status in [one, many] {
            assert_eq!(status.code(), Code::InvalidArgument);
            assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, "purpose");
        }
        let rows = [silent(), kept("e-3", None)];
        let rows = rows.map(|row| v1::StreamScoresRequest { request: Some(row), ..Default::default() });
        let replies = client.stream_scores(tokio_stream::iter(rows)).await.unwrap().into_inner();
        let replies: Vec<_> = replies.collect::<Result<_, _>>().await.unwrap();
        let v1::stream_scores_response::Result::Error(error) = replies[0].result.as_ref().unwrap() else { panic!() };
        assert_eq!(error.field_violations[0].field, "purpose");
        assert!(matches!(replies[1].result, Some(v1::stream_scores_response::Result::Score(_))));
        for (employee, recorded) in [("e-1", false), ("e-2", false), ("e-3", true)] {
            assert_eq!(store.current_score(employee).await.unwrap().is_some(), recorded, "{employee}");
        }
        let record = ("StreamScores".into(), 1, "the nightly refresh".into(), "allowed".into());
        assert_eq!(audited(&store).await, [record]);
    })
    .await;
}

#[tokio::test]
async fn what_is_kept_is_what_was_answered() {
    each_store(async |store| {
        let scorer = native();
        let server = Served::start_on(store.clone(), native(), open_config()).await;
        let mut facts = history();
        facts.assignments[0].department = Some(" Sales ".into());
        facts.assignments[0].manager_id = Some("m-1".into());
        facts.assignments.push(v1::Assignment { effective_date: "2024-07-01".into(), ..Default::default() });
        let request = v1::ScoreEmployeeRequest { record: true, employee_id: " e-1 ".into(), ..of_history(facts) };
        let score = server.scoring().await.score_employee(request).await.unwrap().into_inner().score.unwrap();
        assert_eq!(score.employee_id, " e-1 ");
        let got = store.current_score("e-1").await.unwrap().unwrap();
        let expected = scorer.score(&scorer.schema().packed_row(got.values.clone()).unwrap());
        assert_eq!(got.assessment, expected);
        let answered = super::fixture::assessment(score);
        assert_eq!(answered.risk.to_bits(), got.assessment.risk.get().to_bits());
        // The place on the day, not that of tomorrow; blanks are no part of a name.
        let org = OrgFacts {
            department: Some("Sales".into()),
            manager_id: Some("m-1".into()),
            job_level: Some("3".into()),
            tenure_years: Some(1_582.0 / 365.25),
            ..OrgFacts::default()
        };
        assert_eq!((got.record.org, got.record.as_of.to_string().as_str()), (org, DAY));
        assert_eq!(EmployeeId::new(" e-1 ").unwrap().as_str(), got.record.employee_id);
        // A name alone leaves the place to the history.
        let mut facts = history();
        facts.assignments[0].department = Some("Sales".into());
        let name = v1::OrgFacts { display_name: Some(" Surname, Given ".into()), ..Default::default() };
        let request =
            v1::ScoreEmployeeRequest { record: true, employee_id: "e-2".into(), org: Some(name), ..of_history(facts) };
        server.scoring().await.score_employee(request).await.unwrap();
        let org = store.current_score("e-2").await.unwrap().unwrap().record.org;
        assert_eq!((org.display_name.as_deref(), org.department.as_deref()), (Some("Surname, Given"), Some("Sales")));
        // Without `record` nothing is kept.
        server.scoring().await.score_employee(named([number("tenure_years", 9.0)])).await.unwrap();
        assert_eq!(store.score_history("e-1").await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_by_its_field() {
    let server = Served::start(native()).await;
    let mut client = server.scoring().await;
    let long = || Some("x".repeat(257));
    let of_org = |org| kept("e-1", Some(org));
    for (request, field) in [
        (of_org(v1::OrgFacts { department: long(), ..Default::default() }), "org.department"),
        (of_org(v1::OrgFacts { location: long(), ..Default::default() }), "org.location"),
        (of_org(v1::OrgFacts { display_name: long(), ..Default::default() }), "org.display_name"),
        (of_org(v1::OrgFacts { manager_id: long(), ..Default::default() }), "org.manager_id"),
        (of_org(v1::OrgFacts { job_level: Some("a\0".into()), ..Default::default() }), "org.job_level"),
        (of_org(v1::OrgFacts { tenure_years: Some(-1.0), ..Default::default() }), "org.tenure_years"),
        (of_org(v1::OrgFacts { tenure_years: Some(f64::NAN), ..Default::default() }), "org.tenure_years"),
        (v1::ScoreEmployeeRequest { as_of: "2024-13-01".into(), ..kept("e-1", None) }, "as_of"),
        (v1::ScoreEmployeeRequest { as_of: "2199-01-01".into(), ..kept("e-1", None) }, "as_of"),
        (v1::ScoreEmployeeRequest { as_of: DAY.into(), ..of_history(history()) }, "as_of"),
        (
            v1::ScoreEmployeeRequest {
                record: true,
                ..of_history(v1::EmployeeHistory { as_of: "2199-01-01".into(), ..history() })
            },
            "history.as_of",
        ),
    ] {
        let status = client.score_employee(request).await.unwrap_err();
        assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, field);
    }
    // A day to come may be asked about.
    let ahead = v1::ScoreEmployeeRequest { record: false, as_of: "2199-01-01".into(), ..kept("e-1", None) };
    client.score_employee(ahead).await.unwrap();
}

#[tokio::test]
async fn a_limited_key_scores_and_replaces_those_within_its_scope_only() {
    each_store(async |store| {
        let units = Scope::Units { departments: vec!["Sales".into()], locations: Vec::new() };
        let (all, sales) = (key(&store, "all", Scope::All).await, key(&store, "sales", units).await);
        let server = Served::start_on(store.clone(), native(), ServerConfig::default()).await;
        let (mut everybody, mut sales) = (client(&server, &all).await, client(&server, &sales).await);
        everybody.score_employee(kept("e-ops", in_department("Operations"))).await.unwrap();
        let rows = vec![
            kept("e-1", in_department("Sales")),
            kept("e-2", in_department("Operations")),
            kept("e-3", None),
            // Says that somebody of Operations is in Sales.
            kept("e-ops", in_department("Sales")),
            v1::ScoreEmployeeRequest { record: false, ..kept("e-5", None) },
        ];
        let reply = sales.batch_score_employees(batch(rows)).await.unwrap().into_inner();
        let reasons: Vec<Option<&str>> =
            reply.results.iter().map(|result| row_error(result).map(|error| error.reason.as_str())).collect();
        let denied = Some("NOT_PERMITTED");
        assert_eq!(reasons, [None, denied, denied, denied, denied]);
        let one = sales.score_employee(kept("e-2", in_department("Operations"))).await.unwrap_err();
        assert_eq!(one.code(), Code::PermissionDenied);
        assert!(store.current_score("e-1").await.unwrap().is_some());
        for employee in ["e-2", "e-3"] {
            assert!(store.current_score(employee).await.unwrap().is_none(), "{employee}");
        }
        let of_operations = store.current_score("e-ops").await.unwrap().unwrap();
        assert_eq!(of_operations.record.org.department.as_deref(), Some("Operations"));
        let records: Vec<(i64, String)> =
            audited(&store).await.into_iter().map(|(_, employees, _, decision)| (employees, decision)).collect();
        let expected = [(1, "allowed"), (1, "allowed"), (4, "denied"), (1, "denied")];
        assert_eq!(records, expected.map(|(employees, decision)| (employees, decision.to_owned())));
    })
    .await;
}

#[tokio::test]
async fn a_batch_is_kept_whole_or_not_at_all_and_audited_by_purpose() {
    each_store(async |store| {
        let server = Served::start_on(store.clone(), native(), open_config()).await;
        let mut client = server.scoring().await;
        let sql = async |sql: &str| {
            let mut tx = store.db().begin().await.unwrap();
            tx.execute(sql, vec![]).await.unwrap();
            tx.commit().await.unwrap();
        };
        let rows = || {
            let mut rows: Vec<_> = (0..100).map(|i| kept(&format!("e-{i}"), None)).collect();
            rows[7].employee_id = String::new();
            rows[8].purpose = "a complaint".into();
            rows
        };
        sql("ALTER TABLE changes RENAME TO changes_gone").await;
        sql("ALTER TABLE told RENAME TO told_gone").await;
        let status = client.batch_score_employees(batch(rows())).await.unwrap_err();
        assert_eq!(status.get_details_error_info().unwrap().reason, "STORE_UNAVAILABLE");
        assert!(store.current_score("e-1").await.unwrap().is_none());
        sql("ALTER TABLE told_gone RENAME TO told").await;
        sql("ALTER TABLE changes_gone RENAME TO changes").await;
        let before = audited(&store).await.len();
        let reply = client.batch_score_employees(batch(rows())).await.unwrap().into_inner();
        let wrong: Vec<usize> =
            reply.results.iter().enumerate().filter_map(|(i, row)| row_error(row).map(|_| i)).collect();
        assert_eq!(wrong, [7]);
        for employee in ["e-0", "e-8", "e-99"] {
            assert!(store.current_score(employee).await.unwrap().is_some(), "{employee}");
        }
        let records: Vec<(i64, String)> =
            audited(&store).await.into_iter().skip(before).map(|(_, count, purpose, _)| (count, purpose)).collect();
        assert_eq!(records, [(98, "the nightly refresh".to_owned()), (1, "a complaint".to_owned())]);
    })
    .await;
}

#[tokio::test]
async fn a_stream_is_audited_and_kept_in_groups() {
    each_store(async |store| {
        let server = Served::start_on(store.clone(), native(), open_config()).await;
        const ROWS: usize = 3_000;
        let rows = (0..ROWS).map(|i| v1::StreamScoresRequest {
            correlation_id: i.to_string(),
            request: Some(kept(&format!("e-{i}"), None)),
        });
        let replies = server.scoring().await.stream_scores(tokio_stream::iter(rows)).await.unwrap().into_inner();
        let replies: Vec<_> = replies.collect::<Result<_, _>>().await.unwrap();
        assert!(replies.iter().enumerate().all(|(i, reply)| reply.correlation_id == i.to_string()));
        let records = audited(&store).await;
        assert_eq!(records.iter().map(|(_, employees, ..)| *employees).sum::<i64>(), ROWS as i64);
        assert!(records.iter().all(|(_, employees, ..)| *employees <= STREAM_GROUP_ROWS as i64));
        assert!(records.len() < ROWS / 4, "{} records: rows that wait are taken together", records.len());
        let row = store.db().first("SELECT count(*) FROM scores", vec![]).await.unwrap().unwrap();
        assert_eq!(row.int(0).unwrap(), ROWS as i64);
    })
    .await;
}

#[tokio::test]
async fn without_its_log_or_its_store_a_stream_answers_nothing() {
    each_store(async |store| {
        let server = Served::start_on(store.clone(), native(), open_config()).await;
        let mut tx = store.db().begin().await.unwrap();
        tx.execute("ALTER TABLE score_details RENAME TO gone", vec![]).await.unwrap();
        tx.commit().await.unwrap();
        let row = |record| v1::ScoreEmployeeRequest { record, ..kept("e-1", None) };
        for (record, refused) in [(true, true), (false, false)] {
            let rows = [v1::StreamScoresRequest { request: Some(row(record)), ..Default::default() }];
            let replies = server.scoring().await.stream_scores(tokio_stream::iter(rows)).await.unwrap().into_inner();
            let replies: Vec<_> = replies.collect().await;
            assert_eq!((replies.len(), replies[0].is_err()), (1, refused));
        }
    })
    .await;
}
