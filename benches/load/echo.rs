//! The bare tonic server: takes bytes, gives as many as the client's first four say.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio_stream::{Stream, StreamExt};
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, NamedService, StreamingService, UnaryService};
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

/// The path of the unary echo.
pub(crate) const UNARY: &str = "/bench.Echo/Unary";
/// The path of the streaming echo.
pub(crate) const STREAM: &str = "/bench.Echo/Stream";

/// The reply to a request: as many bytes as its first four say, the same ones again and again.
pub(crate) fn reply(request: &[u8]) -> Vec<u8> {
    let length = request.first_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes)) as usize;
    vec![0x5a; length]
}

/// A request of this many bytes that asks for as many as that in the reply.
pub(crate) fn request(bytes: usize, reply_bytes: usize) -> Vec<u8> {
    let mut request = vec![0x5a; bytes.max(4)];
    request[..4].copy_from_slice(&(reply_bytes as u32).to_le_bytes());
    request
}

/// Serves until killed, on a free port that it prints.
pub(crate) fn serve() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("listening on {}", listener.local_addr().unwrap());
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener)
            .map(|stream| stream.inspect(|stream| stream.set_nodelay(true).unwrap()));
        tonic::transport::Server::builder().add_service(Echo).serve_with_incoming(incoming).await.unwrap();
    });
}

#[derive(Clone)]
struct Echo;

impl NamedService for Echo {
    const NAME: &'static str = "bench.Echo";
}

impl Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let mut grpc = Grpc::new(ProstCodec::<Vec<u8>, Vec<u8>>::default());
            Ok(if request.uri().path() == UNARY {
                grpc.unary(One, request).await
            } else {
                grpc.streaming(Many, request).await
            })
        })
    }
}

struct One;

impl UnaryService<Vec<u8>> for One {
    type Response = Vec<u8>;
    type Future = BoxFuture<Response<Vec<u8>>, Status>;

    fn call(&mut self, request: Request<Vec<u8>>) -> Self::Future {
        Box::pin(async move { Ok(Response::new(reply(&request.into_inner()))) })
    }
}

struct Many;

impl StreamingService<Vec<u8>> for Many {
    type Response = Vec<u8>;
    type ResponseStream = Pin<Box<dyn Stream<Item = Result<Vec<u8>, Status>> + Send>>;
    type Future = BoxFuture<Response<Self::ResponseStream>, Status>;

    fn call(&mut self, request: Request<Streaming<Vec<u8>>>) -> Self::Future {
        Box::pin(async move {
            let replies = request.into_inner().map(|request| request.map(|request| reply(&request)));
            Ok(Response::new(Box::pin(replies) as Self::ResponseStream))
        })
    }
}
