//! Deadlines, slow readers, strangers on the port, and the end of the server.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use flight_risk_proto::v1;
use flight_risk_proto::v1::scoring_service_client::ScoringServiceClient;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use super::fixture::{Served, named, native, number, wide};
use crate::config::{AccessMode, ServerConfig, Tls};
use crate::limits::{DRAIN_DEADLINE, MAX_REQUESTS, MAX_REQUESTS_PER_CONNECTION};
use crate::listen::{BindError, bind};

fn row() -> v1::StreamScoresRequest {
    v1::StreamScoresRequest { correlation_id: "c".into(), request: Some(named([number("tenure_years", 2.0)])) }
}

/// A stream of rows that the test feeds by hand.
fn fed() -> (tokio::sync::mpsc::Sender<v1::StreamScoresRequest>, ReceiverStream<v1::StreamScoresRequest>) {
    let (feed, rows) = tokio::sync::mpsc::channel(1);
    (feed, ReceiverStream::new(rows))
}

/// A client without a clock of its own: tonic's gives up at the deadline before the server's answer arrives.
pub(super) struct Patient(pub(super) SendRequest<Body>);

impl Service<hyper::Request<Body>> for Patient {
    type Response = hyper::Response<hyper::body::Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: hyper::Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_takes_too_long_ends_at_the_clients_deadline() {
    let server = Served::start(wide(600)).await;
    let stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let origin = format!("http://{}", server.address).parse().unwrap();
    let mut client = ScoringServiceClient::with_origin(Patient(sender), origin);
    let mut one = named([number("feature 0", 1.0)]);
    one.max_factors = Some(1);
    let batch = v1::BatchScoreEmployeesRequest { requests: vec![one; 1000], ..Default::default() };

    let started = Instant::now();
    client.batch_score_employees(batch.clone()).await.unwrap();
    let unhurried = started.elapsed();

    let mut request = Request::new(batch);
    request.metadata_mut().insert("grpc-timeout", "20m".parse().unwrap());
    let started = Instant::now();
    let status = client.batch_score_employees(request).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    assert_eq!(status.get_details_error_info().unwrap().reason, "DEADLINE_EXCEEDED");
    assert!(started.elapsed() < unhurried, "{:?}, without a deadline {unhurried:?}", started.elapsed());
}

#[tokio::test]
async fn a_stream_ends_at_the_clients_deadline() {
    let server = Served::start(native()).await;
    let (feed, rows) = fed();
    let mut request = Request::new(rows);
    request.metadata_mut().insert("grpc-timeout", "300m".parse().unwrap());
    let mut replies = server.scoring().await.stream_scores(request).await.unwrap().into_inner();
    feed.send(row()).await.unwrap();
    assert!(replies.next().await.unwrap().is_ok());
    let status = timeout(Duration::from_secs(3), replies.next()).await.unwrap().unwrap().unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_not_read_from() {
    let server = Served::start(wide(100)).await;
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let rows = tokio_stream::iter(0..1_000_000).map(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        v1::StreamScoresRequest { correlation_id: "c".into(), request: Some(named([number("feature 0", 2.0)])) }
    });
    let mut replies = server.scoring().await.stream_scores(rows).await.unwrap().into_inner();
    let mut before = 0;
    // Waits until nothing moves any more.
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let now = taken.load(Ordering::Relaxed);
        if now == before {
            break;
        }
        before = now;
    }
    assert!(before < 50_000, "{before} rows taken from a client that reads nothing");
    assert!(replies.next().await.unwrap().is_ok());
}

#[tokio::test]
async fn too_many_requests_are_sent_away_while_health_is_still_answered() {
    let server = Served::start(native()).await;
    let mut open = Vec::new();
    for _ in 0..MAX_REQUESTS / MAX_REQUESTS_PER_CONNECTION as usize {
        let mut client = server.scoring().await;
        for _ in 0..MAX_REQUESTS_PER_CONNECTION {
            let (feed, rows) = fed();
            open.push((feed, client.stream_scores(rows).await.unwrap()));
        }
    }
    let mut client = server.scoring().await;
    let request = || named([number("tenure_years", 1.0)]);
    let status = client.score_employee(request()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.get_details_error_info().unwrap().reason, "BUSY");
    let mut health = HealthClient::new(server.channel().await);
    health.check(HealthCheckRequest::default()).await.unwrap();
    // Room comes back with the first stream that ends.
    open.pop();
    let retried = async {
        while client.score_employee(request()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(3), retried).await.unwrap();
}

#[tokio::test]
async fn at_the_end_streams_are_told_and_the_server_returns_at_once() {
    let mut server = Served::start(native()).await;
    let (feed, rows) = fed();
    let mut replies = server.scoring().await.stream_scores(rows).await.unwrap().into_inner();
    feed.send(row()).await.unwrap();
    assert!(replies.next().await.unwrap().is_ok());
    let stopped = Instant::now();
    server.stop();
    let status = replies.next().await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.get_details_error_info().unwrap().reason, "SHUTTING_DOWN");
    server.end.await.unwrap().unwrap();
    assert!(stopped.elapsed() < DRAIN_DEADLINE / 2, "{:?}", stopped.elapsed());
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err(), "the port is free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_ends_does_not_hold_the_end_up_beyond_the_deadline() {
    let mut server = Served::start(wide(100)).await;
    let rows = tokio_stream::iter(0..1_000_000).map(|_| v1::StreamScoresRequest {
        correlation_id: "c".into(),
        request: Some(named([number("feature 0", 2.0)])),
    });
    // Never read: its results wait for ever.
    let replies = server.scoring().await.stream_scores(rows).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let stopped = Instant::now();
    server.stop();
    server.end.await.unwrap().unwrap();
    let took = stopped.elapsed();
    assert!(took >= DRAIN_DEADLINE && took < DRAIN_DEADLINE + Duration::from_secs(3), "{took:?}");
    drop(replies);
}

#[tokio::test]
async fn strangers_are_sent_away_and_clients_are_still_served() {
    let server = Served::start(native()).await;
    for greeting in
        [&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], b"\x16\x03\x01\x02\x00\x01", b"PRI * HTTP/1.0\r\n\r\n......"]
    {
        let mut stranger = tokio::net::TcpStream::connect(server.address).await.unwrap();
        stranger.write_all(greeting).await.unwrap();
        let mut reply = Vec::new();
        let end = timeout(Duration::from_secs(3), stranger.read_to_end(&mut reply)).await;
        assert!(end.is_ok(), "the connection stays open");
    }
    // One that says nothing at all holds nobody up either.
    let _silent = tokio::net::TcpStream::connect(server.address).await.unwrap();
    server.scoring().await.score_employee(named([number("tenure_years", 1.0)])).await.unwrap();
}

#[tokio::test]
async fn ports_in_use_and_addresses_of_other_machines_are_refused_with_advice() {
    let at = |address: &str| {
        let mut config = ServerConfig::default();
        config.listen.address = address.parse().unwrap();
        config
    };
    let taken = bind(&at("127.0.0.1:0")).await.unwrap();
    let address = taken.local_addr().unwrap();
    let error = bind(&at(&address.to_string())).await.unwrap_err();
    assert!(matches!(error, BindError::InUse(_)) && error.to_string().contains(&address.to_string()), "{error}");
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:50051", "[::ffff:192.0.2.1]:50051"] {
        let tls = || Some(Tls { certificate: "c.pem".into(), key: "k.pem".into(), client_ca: None });
        for (tls, mode, audit, named, not_named) in [
            (None, AccessMode::Required, true, &["TLS"][..], &["access control", "audit"][..]),
            (tls(), AccessMode::Off, true, &["access control"], &["TLS", "audit"]),
            (tls(), AccessMode::Required, false, &["audit"], &["TLS", "access control"]),
            (None, AccessMode::Off, false, &["TLS", "access control", "audit"], &[]),
        ] {
            let mut config = at(address);
            (config.tls, config.access.mode, config.audit.enabled) = (tls, mode, audit);
            let error = bind(&config).await.unwrap_err();
            let text = error.to_string();
            assert!(matches!(error, BindError::NotLoopback { .. }) && text.contains("loopback address"), "{text}");
            assert!(named.iter().all(|word| text.contains(word)), "{text}");
            assert!(!not_named.iter().any(|word| text.contains(word)), "{text}");
        }
    }
    // With all of them it is taken.
    let mut config = at("0.0.0.0:0");
    config.tls = Some(Tls { certificate: "c.pem".into(), key: "k.pem".into(), client_ca: None });
    bind(&config).await.unwrap();
}
