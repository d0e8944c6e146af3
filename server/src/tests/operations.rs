//! What those who run the server rely on: health, metrics, and an end that loses nothing.

use std::net::SocketAddr;
use std::time::Duration;

use flight_risk_proto::v1;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_stream::StreamExt;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::fixture::{Served, named, native, number, open_config};
use crate::audit::{Expected, verify};
use crate::operator::back_up;
use crate::store::db::params;
use crate::store::{BackupError, Store};
use crate::telemetry::DESCRIPTIONS;

/// A server that tells its metrics.
async fn measured() -> (Served, SocketAddr) {
    let mut config = open_config();
    config.listen.metrics_address = Some("127.0.0.1:0".parse().unwrap());
    let server = Served::start_with(native(), config).await;
    let address = server.metrics.unwrap();
    (server, address)
}

/// Status and text of an answer over HTTP.
pub(super) async fn get(address: SocketAddr, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut reply = String::new();
    timeout(Duration::from_secs(5), stream.read_to_string(&mut reply)).await.unwrap().unwrap();
    let status = reply.split(' ').nth(1).unwrap().parse().unwrap();
    (status, reply.split_once("\r\n\r\n").unwrap().1.to_owned())
}

/// The value of a line of the metrics; 0 where it is not told.
fn value(text: &str, line: &str) -> f64 {
    text.lines().find_map(|l| l.strip_prefix(line)?.strip_prefix(' ')?.parse().ok()).unwrap_or(0.0)
}

async fn change(url: &str, sql: &str) {
    let store = Store::open_existing(url).await.unwrap();
    let mut tx = store.db().begin().await.unwrap();
    tx.execute(sql, params![]).await.unwrap();
    tx.commit().await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn requests_are_counted_by_method_and_code_and_timed() {
    let (server, address) = measured().await;
    let mut client = server.scoring().await;
    for _ in 0..3 {
        client.score_employee(named([number("tenure_years", 1.0)])).await.unwrap();
    }
    client.score_employee(v1::ScoreEmployeeRequest::default()).await.unwrap_err();
    let version = native().artifact().model_version().to_owned();
    let score = "method=\"flightrisk.v1.ScoringService/ScoreEmployee\"";
    // The answer reaches the client before the server has let go of it.
    let counted = async {
        loop {
            let (_, text) = get(address, "GET /metrics").await;
            if value(&text, &format!("flight_risk_request_seconds_count{{{score}}}")) > 3.5 {
                return text;
            }
        }
    };
    let text = timeout(Duration::from_secs(5), counted).await.unwrap();
    for (line, expected) in [
        (format!("flight_risk_requests_total{{{score},code=\"OK\"}}"), 3.0),
        (format!("flight_risk_requests_total{{{score},code=\"INVALID_ARGUMENT\"}}"), 1.0),
        (format!("flight_risk_request_seconds_bucket{{{score},le=\"+Inf\"}}"), 4.0),
        ("flight_risk_connections".to_owned(), 1.0),
        ("flight_risk_requests_open".to_owned(), 0.0),
        ("flight_risk_serving".to_owned(), 1.0),
        (format!("flight_risk_model_info{{version=\"{version}\"}}"), 1.0),
    ] {
        assert!((value(&text, &line) - expected).abs() < 0.5, "{line} is not {expected}: {text}");
    }
    let readme = include_str!("../../README.md");
    for (name, about) in DESCRIPTIONS {
        let documented = readme.lines().any(|line| line.contains(&format!("`{name}`")) && line.contains(about));
        assert!(documented, "{name} in server/README.md");
        assert!(text.contains(&format!("# HELP {name} {about}\n")), "{name}: {text}");
    }
}

#[tokio::test]
async fn what_clients_make_up_is_no_label_and_a_stream_that_is_cut_off_is_counted() {
    let (server, address) = measured().await;
    let mut grpc = tonic::client::Grpc::new(server.channel().await);
    grpc.ready().await.unwrap();
    let codec = tonic_prost_codec();
    let path = "/canary.Service/Canary".parse().unwrap();
    let request = tonic::Request::new(v1::GetModelRequest::default());
    let status = grpc.unary::<_, v1::GetModelResponse, _>(request, path, codec).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    let (feed, rows) = tokio::sync::mpsc::channel(1);
    let rows = tokio_stream::wrappers::ReceiverStream::new(rows);
    let mut replies = server.scoring().await.stream_scores(rows).await.unwrap().into_inner();
    let row = named([number("tenure_years", 2.0)]);
    feed.send(v1::StreamScoresRequest { correlation_id: "c".into(), request: Some(row) }).await.unwrap();
    replies.next().await.unwrap().unwrap();
    drop(replies);
    drop(feed);
    let stream = "method=\"flightrisk.v1.ScoringService/StreamScores\",code=\"CANCELLED\"";
    let counted = async {
        loop {
            let (_, text) = get(address, "GET /metrics").await;
            if value(&text, &format!("flight_risk_requests_total{{{stream}}}")) > 0.5 {
                return text;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let text = timeout(Duration::from_secs(5), counted).await.unwrap();
    assert!(!text.contains("anary"), "{text}");
    let other = "flight_risk_requests_total{method=\"other\",code=\"UNIMPLEMENTED\"}";
    assert!((value(&text, other) - 1.0).abs() < 0.5, "{text}");
}

fn tonic_prost_codec() -> impl tonic::codec::Codec<Encode = v1::GetModelRequest, Decode = v1::GetModelResponse> {
    tonic_prost::ProstCodec::default()
}

#[tokio::test]
async fn the_metrics_page_answers_what_it_has_and_no_more() {
    let (server, address) = measured().await;
    for (request, status) in
        [("GET /metrics", 200), ("GET /healthz", 200), ("GET /", 404), ("POST /metrics", 405), ("GET /metrics?x", 200)]
    {
        assert_eq!(get(address, request).await.0, status, "{request}");
    }
    assert!(server.metrics.unwrap().ip().is_loopback());
    let plain = Served::start(native()).await;
    assert_eq!(plain.metrics, None);
}

#[tokio::test]
async fn health_follows_whether_the_store_can_be_written() {
    let (server, address) = measured().await;
    let url = server.store_url();
    let mut client = HealthClient::new(server.channel().await);
    let mut watch = client.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    let service = HealthCheckRequest { service: "flightrisk.v1.RiskService".into() };
    let mut of_service = client.watch(service).await.unwrap().into_inner();
    assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::Serving);
    assert_eq!(of_service.next().await.unwrap().unwrap().status(), ServingStatus::Serving);
    let (_, before) = get(address, "GET /metrics").await;

    change(&url, "ALTER TABLE sequences RENAME TO away").await;
    let limit = Duration::from_secs(8);
    let now = timeout(limit, watch.next()).await.unwrap().unwrap().unwrap().status();
    assert_eq!(now, ServingStatus::NotServing);
    assert_eq!(of_service.next().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    assert_eq!(get(address, "GET /healthz").await.0, 503);
    let (_, text) = get(address, "GET /metrics").await;
    assert!(value(&text, "flight_risk_serving") < 0.5, "{text}");
    let errors = |text: &str| value(text, "flight_risk_store_errors_total");
    assert!(errors(&text) > errors(&before), "{text}");

    change(&url, "ALTER TABLE away RENAME TO sequences").await;
    let now = timeout(limit, watch.next()).await.unwrap().unwrap().unwrap().status();
    assert_eq!(now, ServingStatus::Serving);
    assert_eq!(get(address, "GET /healthz").await, (200, "serving\n".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_made_while_the_server_writes_is_whole_and_can_be_served() {
    let server = Served::start(native()).await;
    let url = server.store_url();
    let folder = tempfile::tempdir().unwrap();
    let mut client = server.scoring().await;
    let recorded = |i: usize| v1::ScoreEmployeeRequest {
        employee_id: format!("e-{i}"),
        record: true,
        as_of: "2024-06-30".into(),
        ..named([number("tenure_years", 1.0)])
    };
    for i in 0..20 {
        client.score_employee(recorded(i)).await.unwrap();
    }
    let mut writing = client.clone();
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let writer = tokio::spawn(async move {
        let mut written = 20;
        while stopped.try_recv().is_err() {
            writing.score_employee(recorded(written)).await.unwrap();
            written += 1;
        }
        written
    });
    let out = folder.path().join("copy.db");
    let bytes = back_up(&url, None, "somebody", &out).await.unwrap();
    stop.send(()).unwrap();
    let written = writer.await.unwrap();
    assert_eq!(bytes, std::fs::metadata(&out).unwrap().len());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["copy.db"], "nothing else is left");
    assert!(matches!(back_up(&url, None, "somebody", &out).await, Err(BackupError::Exists { .. })));
    assert!(matches!(back_up("postgres://host/db", None, "somebody", &out).await, Err(BackupError::Postgres)));
    let (missing, x) = (folder.path().join("missing.db"), folder.path().join("x"));
    let nowhere = back_up(missing.to_str().unwrap(), None, "somebody", &x).await;
    let named = nowhere.unwrap_err();
    assert!(named.to_string().contains("missing.db"), "{named}");
    assert!(!x.exists() && !missing.exists());

    // Restored: the copy with the key beside it.
    std::fs::copy(format!("{url}.key"), folder.path().join("copy.db.key")).unwrap();
    let store = Store::open_existing(out.to_str().unwrap()).await.unwrap();
    let verified = verify(&store, None, &Expected::default()).await.unwrap().unwrap();
    // The copy tells that it was made, once: nobody noted the refused ones.
    assert!((21..=written as u64 + 1).contains(&verified.count), "{verified:?} of {written}");
    let records = store.audit_page(0).await.unwrap();
    let mut copies = records.iter().map(|record| &record.draft).filter(|draft| draft.method.ends_with("Store/Copy"));
    let noted = copies.next().unwrap();
    assert_eq!((noted.actor.as_str(), noted.role.as_str()), ("command:somebody", "operator"));
    let people: usize = noted.purpose.strip_prefix("people: ").unwrap().split(';').next().unwrap().parse().unwrap();
    assert!((20..=written).contains(&people) && noted.purpose.ends_with(out.to_str().unwrap()), "{}", noted.purpose);
    assert!(copies.next().is_none());
    let restored = Served::start_on(store.clone(), native(), open_config()).await;
    let mut client = v1::risk_service_client::RiskServiceClient::new(restored.channel().await);
    let request = v1::GetEmployeeRiskRequest { name: "employees/e-19/risk".into(), ..Default::default() };
    client.get_employee_risk(request).await.unwrap();
    let noted = Expected { count: Some(verified.count), last: Some(verified.last) };
    let after = verify(&store, None, &noted).await.unwrap().unwrap();
    assert!(after.count > verified.count, "{after:?}");
}

#[tokio::test]
async fn scored_employees_and_audit_records_are_counted() {
    let (server, address) = measured().await;
    let known = named([number("tenure_years", 1.0)]);
    let unknown = named([number("tenure_years", 1e9)]);
    let batch = v1::BatchScoreEmployeesRequest { requests: vec![known.clone(), unknown, known], ..Default::default() };
    server.scoring().await.batch_score_employees(batch).await.unwrap();
    let (_, text) = get(address, "GET /metrics").await;
    for (line, expected) in [
        ("flight_risk_rows_scored_total", 3.0),
        ("flight_risk_abstentions_total", 1.0),
        ("flight_risk_audit_records_total", 1.0),
        ("flight_risk_audit_failures_total", 0.0),
        ("flight_risk_audit_write_seconds_count", 1.0),
    ] {
        assert!((value(&text, line) - expected).abs() < 0.5, "{line} is not {expected}: {text}");
    }
}

#[tokio::test]
async fn at_the_end_what_waits_for_the_audit_log_is_written_and_the_store_is_closed() {
    let mut server = Served::start(native()).await;
    let url = server.store_url();
    let mut client = server.scoring().await;
    let calls = (0..50).map(|_| {
        let mut client = client.clone();
        tokio::spawn(async move { client.score_employee(named([number("tenure_years", 1.0)])).await.is_ok() })
    });
    let calls: Vec<_> = calls.collect();
    client.score_employee(named([number("tenure_years", 1.0)])).await.unwrap();
    server.stop();
    let mut answered = 1;
    for call in calls {
        answered += u64::from(call.await.unwrap());
    }
    timeout(Duration::from_secs(5), &mut server.end).await.unwrap().unwrap().unwrap();
    // A store that was closed in order leaves no log of its own beside it.
    assert!(!std::path::Path::new(&format!("{url}-wal")).exists());
    let store = Store::open_existing(&url).await.unwrap();
    let verified = verify(&store, None, &Expected::default()).await.unwrap().unwrap();
    assert!(verified.count >= answered, "{answered} answered, {} recorded", verified.count);
}
