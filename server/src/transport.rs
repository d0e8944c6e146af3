//! What a connection speaks through: plain TCP or TLS, from the first byte to an HTTP/2 preface that was seen.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::limits::HANDSHAKE_DEADLINE;
use crate::tls::Certificate;

/// The first bytes of every HTTP/2 connection (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How often an incomplete preface is looked at again.
const PREFACE_PAUSE: Duration = Duration::from_millis(10);

/// A connection that is about to speak HTTP/2.
pub(crate) enum Transport {
    /// Without encryption.
    Plain(TcpStream),
    /// With it. `greeted` is what of the preface hyper has not read yet: it was taken from the stream to see that it comes.
    Tls { stream: Box<TlsStream<TcpStream>>, greeted: &'static [u8] },
}

/// Waits until a new connection has begun to speak HTTP/2; `None`, said in the log, for one that does not in time.
pub(crate) async fn begin(stream: TcpStream, tls: Option<Arc<Certificate>>) -> Option<Transport> {
    let begun = async {
        match tls {
            None => plain(stream).await,
            Some(certificate) => encrypted(stream, &certificate).await,
        }
    };
    match tokio::time::timeout(HANDSHAKE_DEADLINE, begun).await {
        Ok(Ok(transport)) => Some(transport),
        Ok(Err(why)) => {
            tracing::debug!(why, "a connection was closed");
            None
        }
        Err(_) => {
            tracing::debug!("a connection was closed: it did not begin to speak in time");
            None
        }
    }
}

/// Why a connection is not served.
const NO_HTTP2: &str = "it does not speak HTTP/2, which gRPC needs";
const NO_TLS: &str = "its TLS handshake failed";

async fn plain(mut stream: TcpStream) -> Result<Transport, &'static str> {
    if speaks_http2(&mut stream).await { Ok(Transport::Plain(stream)) } else { Err(NO_HTTP2) }
}

async fn encrypted(stream: TcpStream, certificate: &Certificate) -> Result<Transport, &'static str> {
    let acceptor = TlsAcceptor::from(certificate.current());
    let mut stream = acceptor.accept(stream).await.map_err(|error| {
        tracing::debug!(%error, "a TLS handshake failed");
        NO_TLS
    })?;
    let mut seen = [0; PREFACE.len()];
    stream.read_exact(&mut seen).await.map_err(|_| NO_HTTP2)?;
    if seen == PREFACE { Ok(Transport::Tls { stream: Box::new(stream), greeted: PREFACE }) } else { Err(NO_HTTP2) }
}

/// Whether the connection begins as HTTP/2 does; nothing is taken from it.
async fn speaks_http2(stream: &mut TcpStream) -> bool {
    let mut seen = [0; PREFACE.len()];
    let mut before = 0;
    loop {
        let Ok(count) = stream.peek(&mut seen).await else { return false };
        match (seen.get(..count), PREFACE.get(..count)) {
            (Some(got), Some(expected)) if got == expected && count > 0 => {}
            _ => return false,
        }
        if count == PREFACE.len() {
            return true;
        }
        if count == before {
            tokio::time::sleep(PREFACE_PAUSE).await;
        }
        before = count;
    }
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls { stream, greeted: [] } => Pin::new(stream).poll_read(context, buffer),
            Self::Tls { greeted, .. } => {
                let (now, later) = greeted.split_at(greeted.len().min(buffer.remaining()));
                buffer.put_slice(now);
                *greeted = later;
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls { stream, .. } => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls { stream, .. } => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls { stream, .. } => Pin::new(stream).poll_shutdown(context),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, buffers),
            Self::Tls { stream, .. } => Pin::new(stream).poll_write_vectored(context, buffers),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls { stream, .. } => stream.is_write_vectored(),
        }
    }
}
