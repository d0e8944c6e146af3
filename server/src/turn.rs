//! A connection works in turns: what it has to say in one is sent with one write.
//!
//! HTTP/2's codec hands every large frame to the system by itself. With many requests on a connection at a time a write per answer
//! costs more than the answer does; so frames wait in a buffer until the connection has nothing more to say, and the connection
//! lets the requests that are ready be answered before it looks at their answers.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::limits::WRITE_BYTES;

/// Why a connection ended before its time.
pub(crate) type Broken = Box<dyn std::error::Error + Send + Sync>;

/// The way to the client, of which hyper has one handle and the turn of the connection another.
pub(crate) struct Line<T>(Arc<Mutex<Ends<T>>>);

/// The transport, and what waits to be written to it.
struct Ends<T> {
    transport: T,
    waiting: Vec<u8>,
    /// How much of it is written already.
    written: usize,
}

impl<T> Clone for Line<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: AsyncWrite + Unpin> Line<T> {
    /// A line through a transport.
    pub(crate) fn new(transport: T) -> Self {
        Self(Arc::new(Mutex::new(Ends { transport, waiting: Vec::new(), written: 0 })))
    }

    fn ends(&self) -> MutexGuard<'_, Ends<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a connection that speaks through this line to its end.
    pub(crate) async fn serve<E: Into<Broken>>(
        &self,
        mut connection: Pin<&mut impl Future<Output = Result<(), E>>>,
    ) -> Result<(), Broken> {
        let mut yielded = false;
        poll_fn(|context| {
            yielded = !yielded;
            if yielded {
                // Behind the requests that can be answered now, in the scheduler's queue.
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            let end = connection.as_mut().poll(context);
            match (end, self.ends().drain(context)) {
                (Poll::Ready(end), _) => Poll::Ready(end.map_err(Into::into)),
                (Poll::Pending, Poll::Ready(Err(error))) => Poll::Ready(Err(error.into())),
                (Poll::Pending, _) => Poll::Pending,
            }
        })
        .await
    }
}

impl<T: AsyncWrite + Unpin> Ends<T> {
    /// Takes as many bytes as there is room for; makes room first if there is none.
    fn take<'a>(
        &mut self,
        context: &mut Context<'_>,
        slices: impl Iterator<Item = &'a [u8]>,
    ) -> Poll<io::Result<usize>> {
        if self.waiting.len() >= WRITE_BYTES {
            ready!(self.drain(context))?;
        }
        let before = self.waiting.len();
        for slice in slices {
            let room = WRITE_BYTES.saturating_sub(self.waiting.len());
            self.waiting.extend_from_slice(slice.get(..room).unwrap_or(slice));
        }
        Poll::Ready(Ok(self.waiting.len() - before))
    }

    /// Writes what waits.
    fn drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.waiting.get(self.written..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut self.transport).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.written += count,
            }
        }
        self.waiting.clear();
        self.written = 0;
        Pin::new(&mut self.transport).poll_flush(context)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Line<T> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.ends().transport).poll_read(context, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Line<T> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.ends().take(context, std::iter::once(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.ends().take(context, buffers.iter().map(|buffer| &**buffer))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Nothing: at the end of the turn everything is written.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut ends = self.ends();
        ready!(ends.drain(context))?;
        Pin::new(&mut ends.transport).poll_shutdown(context)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    /// A transport that takes so many bytes with one write and then none until it is asked again, and remembers the writes.
    struct Slow {
        at_a_time: usize,
        ready: bool,
        writes: Arc<Mutex<Vec<Vec<u8>>>>,
    }

    impl AsyncWrite for Slow {
        fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            self.ready = !self.ready;
            if !self.ready {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            let taken = bytes.len().min(self.at_a_time);
            self.writes.lock().unwrap().push(bytes[..taken].to_vec());
            Poll::Ready(Ok(taken))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// Writes frames of this length as HTTP/2's codec does, each with a flush behind it, over two turns; then ends.
    async fn written(frames: usize, length: usize, at_a_time: usize) -> (Vec<u8>, Vec<Vec<u8>>) {
        let writes = Arc::new(Mutex::new(Vec::new()));
        let mut line = Line::new(Slow { at_a_time, ready: false, writes: Arc::clone(&writes) });
        let mut own = line.clone();
        let sent = Mutex::new(Vec::new());
        let connection = async {
            for frame in 0..frames {
                if frame == frames / 2 {
                    tokio::task::yield_now().await;
                }
                let bytes: Vec<u8> = (0..length).map(|place| (frame * 31 + place * 7) as u8).collect();
                tokio::io::AsyncWriteExt::write_all(&mut own, &bytes).await?;
                tokio::io::AsyncWriteExt::flush(&mut own).await?;
                sent.lock().unwrap().extend(bytes);
            }
            tokio::io::AsyncWriteExt::shutdown(&mut own).await
        };
        let mut connection = std::pin::pin!(connection);
        line.serve(connection.as_mut()).await.unwrap();
        // Nothing is left behind.
        tokio::io::AsyncWriteExt::shutdown(&mut line).await.unwrap();
        let (sent, writes) = (sent.lock().unwrap().clone(), writes.lock().unwrap().clone());
        (sent, writes)
    }

    #[tokio::test]
    async fn what_is_said_in_one_turn_is_one_write() {
        let (sent, writes) = written(20, 300, usize::MAX).await;
        assert_eq!(writes.concat(), sent);
        assert_eq!(writes.len(), 2, "one write for each of the two turns");
    }

    #[tokio::test]
    async fn more_than_fits_in_and_a_slow_client_lose_nothing() {
        for (frames, length, at_a_time) in [(40, 16_384, usize::MAX), (40, 16_384, 1_000), (7, 5, 1), (3, 200_000, 64)]
        {
            let (sent, writes) = written(frames, length, at_a_time).await;
            assert_eq!(writes.concat(), sent, "{frames} frames of {length} bytes, {at_a_time} at a time");
            assert!(writes.iter().all(|write| write.len() <= WRITE_BYTES), "what waits is bounded");
        }
    }
}
