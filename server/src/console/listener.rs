//! One connection of a browser: HTTP/1.1, with a limit to how long it may take to ask.

use std::sync::Arc;

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio_rustls::TlsAcceptor;

use crate::connection::drained;
use crate::limits::{HANDSHAKE_DEADLINE, MAX_PAGE_HEADER_BYTES, PAGE_HEADER_DEADLINE};
use crate::tls::Certificate;

/// What all connections of browsers share.
#[derive(Clone)]
pub(crate) struct WebShared {
    pub(crate) router: Router,
    /// Absent where nothing is encrypted.
    pub(crate) tls: Option<Arc<Certificate>>,
    /// Turns true when the server drains.
    pub(crate) draining: watch::Receiver<bool>,
}

/// Serves one connection until the browser closes it, or until it has drained. `_room` is given back at its end.
pub(crate) async fn serve_connection(stream: TcpStream, shared: WebShared, _room: OwnedSemaphorePermit) {
    let Some(certificate) = shared.tls.clone() else { return speak(stream, shared).await };
    let acceptor = TlsAcceptor::from(certificate.for_browsers());
    match tokio::time::timeout(HANDSHAKE_DEADLINE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => speak(stream, shared).await,
        Ok(Err(error)) => tracing::debug!(%error, "a browser's TLS handshake failed"),
        Err(_) => tracing::debug!("a browser's TLS handshake took too long"),
    }
}

async fn speak(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, shared: WebShared) {
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PAGE_HEADER_DEADLINE)
        .max_buf_size(MAX_PAGE_HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(shared.router));
    tokio::pin!(connection);
    let end = tokio::select! {
        end = connection.as_mut() => end,
        () = drained(shared.draining) => {
            connection.as_mut().graceful_shutdown();
            connection.as_mut().await
        }
    };
    if let Err(error) = end {
        tracing::debug!(%error, "a browser's connection broke");
    }
}
