//! Requests: how many, how they ended, how long they took; and one line of the log each.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Instant;

use hyper::body::{Body as HttpBody, Frame, SizeHint};
use hyper::{HeaderMap, Response};
use metrics::{Counter, Gauge, Histogram};
use metrics_exporter_prometheus::PrometheusRecorder;
use tokio::sync::OwnedSemaphorePermit;
use tonic::Code;
use tonic::body::Body;
use tracing::Span;

use crate::access::policy::POLICIES;
use crate::logging::REQUEST_TARGET;
use crate::telemetry::{request_counter, request_seconds};

/// What methods are called that the API does not have: what a client sends is no label.
const OTHER: &str = "other";
/// Names of the gRPC codes, by number.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Codes that are the server's fault.
const FAULTS: [Code; 5] = [Code::Unknown, Code::DeadlineExceeded, Code::Internal, Code::Unavailable, Code::DataLoss];

/// Requests by method.
pub(crate) struct Calls {
    methods: HashMap<&'static str, Arc<Method>>,
    other: Arc<Method>,
}

/// One method's numbers.
struct Method {
    name: &'static str,
    recorder: Arc<PrometheusRecorder>,
    /// Made when first needed: most methods never see most codes.
    codes: [OnceLock<Counter>; CODES.len()],
    seconds: Histogram,
    open: Gauge,
}

impl Calls {
    /// Every method of the API, health and reflection.
    pub(super) fn new(open: Gauge, recorder: PrometheusRecorder) -> Self {
        let recorder = Arc::new(recorder);
        let method = |name| {
            Arc::new(Method {
                name,
                recorder: Arc::clone(&recorder),
                codes: Default::default(),
                seconds: request_seconds(&recorder, name),
                open: open.clone(),
            })
        };
        let surrounding = [
            "grpc.health.v1.Health/Check",
            "grpc.health.v1.Health/Watch",
            "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        ];
        let names = POLICIES.iter().map(|policy| policy.method).chain(surrounding);
        Self { methods: names.map(|name| (name, method(name))).collect(), other: method(OTHER) }
    }

    /// A request of this path begins.
    pub(crate) fn begin(&self, path: &str) -> Call {
        let method = path.strip_prefix('/').and_then(|name| self.methods.get(name)).unwrap_or(&self.other);
        method.open.increment(1.0);
        let span = tracing::debug_span!(
            target: REQUEST_TARGET,
            "request",
            "otel.name" = method.name,
            "otel.kind" = "server",
            "rpc.system" = "grpc",
            "rpc.grpc.status_code" = tracing::field::Empty,
            "otel.status_code" = tracing::field::Empty,
        );
        Call { method: Arc::clone(method), began: Instant::now(), code: None, span, permit: None }
    }
}

/// A request under way; counted when it is dropped, however it ends.
pub(crate) struct Call {
    method: Arc<Method>,
    began: Instant,
    code: Option<usize>,
    span: Span,
    /// Given back when the answer is sent, so that clients that do not read cannot pile answers up.
    permit: Option<OwnedSemaphorePermit>,
}

impl Call {
    /// The span of the request; it ends with it.
    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Takes what lets the request run, until its answer is sent.
    pub(crate) fn counts_as(&mut self, permit: OwnedSemaphorePermit) {
        self.permit = Some(permit);
    }

    /// The answer, watched to its end.
    pub(crate) fn observe(mut self, response: Response<Body>) -> Response<Body> {
        // An error is told in the headers, everything else after the messages.
        self.saw(response.headers());
        response.map(|body| Body::new(Observed { body, call: self }))
    }

    fn saw(&mut self, headers: &HeaderMap) {
        let code = headers.get("grpc-status").map(|value| Code::from_bytes(value.as_bytes()) as usize);
        self.code = code.or(self.code);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // Without a status the client went away before the answer was sent.
        let code = self.code.unwrap_or(Code::Cancelled as usize).min(CODES.len() - 1);
        let name = CODES.get(code).copied().unwrap_or_default();
        let method = &self.method;
        let took = self.began.elapsed();
        if let Some(count) = method.codes.get(code) {
            count.get_or_init(|| request_counter(&method.recorder, method.name, name)).increment(1);
        }
        method.seconds.record(took.as_secs_f64());
        method.open.decrement(1.0);
        self.span.record("rpc.grpc.status_code", code as u64);
        let is_fault = FAULTS.iter().any(|fault| *fault as usize == code);
        // As OpenTelemetry's conventions for gRPC have it.
        if is_fault || code == Code::Unimplemented as usize {
            self.span.record("otel.status_code", "ERROR");
        }
        let micros = took.as_micros() as u64;
        if is_fault {
            tracing::info!(method = method.name, code = name, micros, "a request was not answered");
        } else {
            tracing::debug!(method = method.name, code = name, micros, "request");
        }
    }
}

/// An answer on its way to the client.
pub(crate) struct Observed {
    body: Body,
    call: Call,
}

impl HttpBody for Observed {
    type Data = <Body as HttpBody>::Data;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(trailers) = frame.trailers_ref()
        {
            self.call.saw(trailers);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
