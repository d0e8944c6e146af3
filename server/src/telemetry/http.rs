//! `/metrics` and `/healthz` over plain HTTP, on an address of their own. Nothing there is about a person.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::listen::accept;
use crate::telemetry::Telemetry;

/// Most connections at a time.
const MAX_READERS: usize = 16;
/// Longest life of a connection: one request is answered on each.
const CONNECTION_DEADLINE: Duration = Duration::from_secs(10);

/// The address for metrics cannot be taken.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on listen.metrics_address {address}: {source}; choose another address or port")]
pub struct MetricsError {
    address: SocketAddr,
    source: std::io::Error,
}

/// The port of the metrics.
pub(crate) struct MetricsPage {
    listener: TcpListener,
}

impl MetricsPage {
    /// Takes the port.
    pub(crate) async fn bind(address: SocketAddr) -> Result<Self, MetricsError> {
        let listener = TcpListener::bind(address).await.map_err(|source| MetricsError { address, source })?;
        Ok(Self { listener })
    }

    /// Where it is.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    /// Answers without end.
    pub(crate) async fn serve(self, telemetry: Arc<Telemetry>) {
        let room = Arc::new(Semaphore::new(MAX_READERS));
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                (stream, permit) = accept(&self.listener, &room) => {
                    let telemetry = Arc::clone(&telemetry);
                    connections.spawn(async move {
                        let service = service_fn(move |request| {
                            let response = answer(&request, &telemetry);
                            async move { Ok::<_, Infallible>(response) }
                        });
                        let mut settings = hyper::server::conn::http1::Builder::new();
                        let connection = settings
                            .timer(TokioTimer::new())
                            .keep_alive(false)
                            .serve_connection(TokioIo::new(stream), service);
                        let _ = tokio::time::timeout(CONNECTION_DEADLINE, connection).await;
                        drop(permit);
                    });
                }
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

fn answer(request: &Request<Incoming>, telemetry: &Telemetry) -> Response<String> {
    let (status, body) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => (StatusCode::OK, telemetry.render()),
        (&Method::GET | &Method::HEAD, "/healthz") if telemetry.serving() => (StatusCode::OK, "serving\n".to_owned()),
        (&Method::GET | &Method::HEAD, "/healthz") => (StatusCode::SERVICE_UNAVAILABLE, "not serving\n".to_owned()),
        (&Method::GET | &Method::HEAD, _) => (StatusCode::NOT_FOUND, "/metrics and /healthz are here\n".to_owned()),
        _ => (StatusCode::METHOD_NOT_ALLOWED, "GET only\n".to_owned()),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
}
