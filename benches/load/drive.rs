//! The load: requests in a closed loop, each answer compared with what it must be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::{Buf, BufMut, Bytes};
use tokio_stream::StreamExt;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::servers::Server;
use crate::workload::Exchange;

/// Connections of unary calls.
const CONNECTIONS: usize = 8;
/// Calls at a time on each of them.
const IN_FLIGHT: usize = 8;
/// Streams, each on a connection of its own; batches too.
const STREAMS: usize = 4;
/// Requests of a stream that may wait for their answers.
const STREAM_WINDOW: usize = 1_024;
/// Time before measuring begins.
const WARM_UP: Duration = Duration::from_secs(2);

/// The unary method.
pub(crate) const SCORE: &str = "/flightrisk.v1.ScoringService/ScoreEmployee";
/// The batch method.
pub(crate) const BATCH: &str = "/flightrisk.v1.ScoringService/BatchScoreEmployees";
/// The streaming method.
pub(crate) const SCORES: &str = "/flightrisk.v1.ScoringService/StreamScores";

/// What was measured.
pub(crate) struct Figures {
    /// Answers (of a batch: employees) a second.
    pub(crate) a_second: f64,
    /// Processor time of the server for each of them in microseconds; not a number where it was not looked at.
    pub(crate) processor_us: f64,
    /// Median time of a call in milliseconds; 0 for streams.
    pub(crate) p50_ms: f64,
    /// 99 % of the calls took less, in milliseconds; 0 for streams.
    pub(crate) p99_ms: f64,
}

/// Bytes as they are: the client must not be busy with what is not measured.
#[derive(Clone, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

async fn connect(address: &str) -> Channel {
    Endpoint::from_shared(format!("http://{address}"))
        .unwrap()
        .tcp_nodelay(true)
        .initial_stream_window_size(4 << 20)
        .initial_connection_window_size(16 << 20)
        .connect()
        .await
        .expect("a connection")
}

fn client(channel: Channel) -> tonic::client::Grpc<Channel> {
    tonic::client::Grpc::new(channel).max_decoding_message_size(16 << 20).max_encoding_message_size(16 << 20)
}

fn with_key<T>(message: T, key: Option<&MetadataValue<tonic::metadata::Ascii>>) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(key) = key {
        request.metadata_mut().insert("authorization", key.clone());
    }
    request
}

fn bearer(key: Option<&str>) -> Option<MetadataValue<tonic::metadata::Ascii>> {
    key.map(|key| format!("Bearer {key}").parse().unwrap())
}

/// One call.
pub(crate) async fn once(server: &Server, path: &'static str, request: Bytes) -> Bytes {
    let mut grpc = client(connect(&server.address).await);
    grpc.ready().await.expect("ready");
    let request = with_key(tokio_stream::once(request), bearer(server.key.as_deref()).as_ref());
    let reply = grpc.streaming(request, PathAndQuery::from_static(path), Raw).await;
    let mut replies = reply.unwrap_or_else(|status| panic!("{path}: {status:?}")).into_inner();
    replies.next().await.expect("an answer").unwrap_or_else(|status| panic!("{path}: {status:?}"))
}

/// Processor time that a server takes while a load of this time is measured.
pub(crate) async fn processor_seconds(server: &Server, time: Duration) -> f64 {
    tokio::time::sleep(WARM_UP).await;
    let before = server.processor_seconds();
    tokio::time::sleep(time).await;
    server.processor_seconds() - before
}

/// Unary calls. Answers of a server that need not be the same as ours are only looked at for there being one.
pub(crate) async fn unary(server: &Server, exchange: &Exchange, time: Duration, checked: bool) -> Figures {
    calls(server, exchange, (CONNECTIONS, IN_FLIGHT), time, 1, checked).await
}

/// Batches; counted by employee.
pub(crate) async fn batch(server: &Server, exchange: &Exchange, time: Duration) -> Figures {
    calls(server, exchange, (STREAMS, 1), time, crate::workload::BATCH_ROWS, true).await
}

async fn calls(
    server: &Server,
    exchange: &Exchange,
    (connections, in_flight): (usize, usize),
    time: Duration,
    rows: usize,
    checked: bool,
) -> Figures {
    let (begin, key, path) = (Instant::now() + WARM_UP, bearer(server.key.as_deref()), exchange.path);
    let end = begin + time;
    let mut callers = tokio::task::JoinSet::new();
    for connection in 0..connections {
        let channel = connect(&server.address).await;
        for caller in 0..in_flight {
            let (channel, exchange, key) = (channel.clone(), exchange.clone(), key.clone());
            callers.spawn(async move {
                let mut grpc = client(channel);
                let mut times = Vec::new();
                let mut position = (connection * in_flight + caller) * 7;
                loop {
                    let (request, expected) = exchange.pair(position);
                    position += 1;
                    let began = Instant::now();
                    grpc.ready().await.expect("ready");
                    let reply = grpc.unary(with_key(request, key.as_ref()), PathAndQuery::from_static(path), Raw).await;
                    let reply = reply.unwrap_or_else(|status| panic!("{path}: {status:?}")).into_inner();
                    assert!(!checked || reply == expected, "{path}: another answer than before");
                    assert!(!reply.is_empty());
                    let now = Instant::now();
                    if now >= end {
                        return times;
                    }
                    if began >= begin {
                        times.push((now - began).as_secs_f64() * 1e3);
                    }
                }
            });
        }
    }
    let mut times: Vec<f64> = callers.join_all().await.into_iter().flatten().collect();
    times.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        times
            .get(((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1)))
            .copied()
            .unwrap_or(f64::NAN)
    };
    Figures {
        a_second: (times.len() * rows) as f64 / time.as_secs_f64(),
        processor_us: f64::NAN,
        p50_ms: at(0.5),
        p99_ms: at(0.99),
    }
}

/// Streams, every answer checked.
pub(crate) async fn stream(server: &Server, exchange: &Exchange, time: Duration) -> Figures {
    let (begin, key, path) = (Instant::now() + WARM_UP, bearer(server.key.as_deref()), exchange.path);
    let end = begin + time;
    let counted = Arc::new(AtomicU64::new(0));
    let mut streams = tokio::task::JoinSet::new();
    for number in 0..STREAMS {
        let channel = connect(&server.address).await;
        let (exchange, key, counted) = (exchange.clone(), key.clone(), Arc::clone(&counted));
        streams.spawn(async move {
            let (sender, requests) = tokio::sync::mpsc::channel::<Bytes>(STREAM_WINDOW);
            let sent = exchange.clone();
            tokio::spawn(async move {
                for position in number * 7.. {
                    if Instant::now() >= end || sender.send(sent.pair(position).0).await.is_err() {
                        return;
                    }
                }
            });
            let mut grpc = client(channel);
            grpc.ready().await.expect("ready");
            let requests = tokio_stream::wrappers::ReceiverStream::new(requests);
            let reply = grpc.streaming(with_key(requests, key.as_ref()), PathAndQuery::from_static(path), Raw).await;
            let mut replies = reply.unwrap_or_else(|status| panic!("{path}: {status:?}")).into_inner();
            let mut position = number * 7;
            while let Some(reply) = replies.next().await {
                let reply = reply.unwrap_or_else(|status| panic!("{path}: {status:?}"));
                assert!(reply == exchange.pair(position).1, "{path}: another answer than before");
                position += 1;
                let now = Instant::now();
                if now >= begin && now < end {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    streams.join_all().await;
    Figures {
        a_second: counted.load(Ordering::Relaxed) as f64 / time.as_secs_f64(),
        processor_us: f64::NAN,
        p50_ms: 0.0,
        p99_ms: 0.0,
    }
}
