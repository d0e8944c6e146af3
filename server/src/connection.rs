//! One connection: its HTTP/2 settings, and what every request on it goes through before and after its service.
//!
//! tonic's own server is not used because it has no deadline for draining, answers CANCELLED where a deadline passes, and
//! gives its accept loop no pause. Its router and services are.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use flight_risk_proto::encoded::scoring_service_server::ScoringServiceServer;
use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use metrics::Gauge;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::server::NamedService;
use tonic::service::Routes;
use tracing::Instrument;

use crate::access::door::Door;
use crate::access::policy::{Rule, rule};
use crate::grpc::ScoringApi;
use crate::grpc::status::ApiError;
use crate::limits::{
    CONNECTION_WINDOW_BYTES, KEEPALIVE_DEADLINE, KEEPALIVE_INTERVAL, MAX_HEADER_BYTES, MAX_REQUESTS_PER_CONNECTION,
    REQUEST_DEADLINE, REQUEST_WINDOW_BYTES, SEND_BUFFER_BYTES,
};
use crate::telemetry::{Call, Telemetry};
use crate::tls::Certificate;
use crate::transport;
use crate::turn::Line;

/// When the client stops waiting, for services that stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientDeadline(pub(crate) Instant);

/// What all connections share.
pub(crate) struct Shared {
    /// Asked thousands of times a second where all else is asked now and then: it is found without the router.
    pub(crate) scoring: ScoringServiceServer<ScoringApi>,
    pub(crate) routes: Routes,
    pub(crate) door: Arc<Door>,
    /// Absent where nothing is encrypted.
    pub(crate) tls: Option<Arc<Certificate>>,
    pub(crate) requests: Arc<Semaphore>,
    /// Turns true when the server drains.
    pub(crate) draining: watch::Receiver<bool>,
    pub(crate) telemetry: Arc<Telemetry>,
}

/// Serves one connection until the client closes it, or until it has drained. `_room` is given back at its end.
pub(crate) async fn serve(stream: TcpStream, shared: Arc<Shared>, _room: OwnedSemaphorePermit) {
    let draining = shared.draining.clone();
    let _open = Open::new(&shared.telemetry.connections);
    let Some(stream) = transport::begin(stream, shared.tls.clone()).await else { return };
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        let mut call = shared.telemetry.calls.begin(request.uri().path());
        let span = call.span();
        async move {
            let response = answer(request, &shared, &mut call).instrument(span).await;
            Ok::<_, Infallible>(call.observe(response))
        }
    });
    let mut settings = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    settings
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_DEADLINE)
        .max_concurrent_streams(MAX_REQUESTS_PER_CONNECTION)
        .max_header_list_size(MAX_HEADER_BYTES)
        .initial_stream_window_size(REQUEST_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(SEND_BUFFER_BYTES);
    let line = Line::new(stream);
    let connection = settings.serve_connection(TokioIo::new(line.clone()), service);
    tokio::pin!(connection);
    let end = tokio::select! {
        biased;
        end = line.serve(connection.as_mut()) => end,
        () = drained(draining) => {
            connection.as_mut().graceful_shutdown();
            line.serve(connection.as_mut()).await
        }
    };
    if let Err(error) = end {
        tracing::debug!(%error, "a connection broke");
    }
}

/// An open connection, counted until it is dropped, however it ends.
struct Open(Gauge);

impl Open {
    fn new(connections: &Gauge) -> Self {
        connections.increment(1.0);
        Self(connections.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// Ends when the server drains.
pub(crate) async fn drained(mut draining: watch::Receiver<bool>) {
    // An error means that the server is gone, which is an end as well.
    let _ = draining.wait_for(|draining| *draining).await;
}

async fn answer(request: Request<Incoming>, shared: &Shared, call: &mut Call) -> Response<Body> {
    let rule = rule(request.uri().path());
    // However busy the server is, health is told: who asks decides by the answer whether to stop it.
    if !matches!(rule, Some(Rule::Everybody)) {
        match Arc::clone(&shared.requests).try_acquire_owned() {
            Ok(permit) => call.counts_as(permit),
            Err(_) => return ApiError::Busy.into_status(None).into_http(),
        }
    }
    let now = Instant::now();
    let client = client_timeout(request.headers()).and_then(|limit| now.checked_add(limit));
    let longest = now + REQUEST_DEADLINE;
    let deadline = client.map_or(longest, |client| client.min(longest));
    // Dropping the service's future at the deadline stops its work.
    match tokio::time::timeout_at(deadline, admitted(request, rule, client, shared)).await {
        // What never had to wait was not asked for the time meanwhile.
        Ok(response) if client.is_none_or(|client| Instant::now() < client) => response,
        _ => ApiError::DeadlineExceeded.into_status(None).into_http(),
    }
}

/// The answer of a service, or that of the door.
async fn admitted(
    mut request: Request<Incoming>,
    rule: Option<Rule>,
    client: Option<Instant>,
    shared: &Shared,
) -> Response<Body> {
    match shared.door.admit(rule, request.headers()).await {
        Err(error) => return error.into_status(None).into_http(),
        Ok(caller) => caller.and_then(|caller| request.extensions_mut().insert(caller)),
    };
    // The services know who it is; none of them needs the secret.
    request.headers_mut().remove(AUTHORIZATION);
    if let Some(client) = client {
        request.extensions_mut().insert(ClientDeadline(client));
    }
    let response = if rule.is_some_and(|rule| rule.is_of(ScoringServiceServer::<ScoringApi>::NAME)) {
        shared.scoring.clone().call(request).await
    } else {
        shared.routes.clone().call(request).await
    };
    match response {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// The time that the client allows: up to eight digits and a unit (gRPC over HTTP/2, "Timeout"). Another form is no limit.
fn client_timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(count * 3_600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timeout_header_is_read_in_every_unit() {
        for (text, expected) in [
            ("5S", Some(Duration::from_secs(5))),
            ("250m", Some(Duration::from_millis(250))),
            ("99999999H", Some(Duration::from_secs(99_999_999 * 3_600))),
            ("7u", Some(Duration::from_micros(7))),
            ("", None),
            ("S", None),
            ("-1S", None),
            ("123456789S", None),
            ("5x", None),
        ] {
            let mut headers = HeaderMap::new();
            headers
                .extend(text.parse().ok().map(|value| (hyper::http::HeaderName::from_static("grpc-timeout"), value)));
            assert_eq!(client_timeout(&headers), expected, "{text}");
        }
    }
}
