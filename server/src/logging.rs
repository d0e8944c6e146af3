//! The log: to standard error, text or JSON, a line per event. It holds no personal data: what this software writes there never
//! names a person, and libraries, which know nothing of that rule, are heard from `info` up only, whatever level is configured.

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;

use crate::config::{Log, Traces};

/// The spans of requests.
pub(crate) const REQUEST_TARGET: &str = "flight_risk_server::request";

/// What is logged of whom.
fn heard(level: LevelFilter) -> Targets {
    Targets::new().with_default(level.min(LevelFilter::INFO)).with_target("flight_risk", level)
}

/// The log's lines.
fn lines<S, W>(config: &Log, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
    if config.json { layer.json().flatten_event(true).boxed() } else { layer.boxed() }
}

/// A log to this writer.
pub(crate) fn log_to<W>(config: &Log, writer: W) -> impl Subscriber + for<'a> LookupSpan<'a> + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::registry().with(lines(config, writer).with_filter(heard(config.level.filter())))
}

/// What was started, and what it needs at the end: traces that wait are sent when it is dropped.
#[derive(Debug, Default)]
pub struct Started {
    #[cfg(feature = "otlp")]
    traces: Option<opentelemetry_sdk::trace::SdkTracerProvider>,
}

impl Drop for Started {
    fn drop(&mut self) {
        #[cfg(feature = "otlp")]
        if let Some(traces) = &self.traces {
            // Who collects may be gone; that holds up nobody.
            let _ = traces.shutdown();
        }
    }
}

/// The traces cannot be sent.
#[derive(Debug, thiserror::Error)]
#[error("traces cannot be sent to traces.endpoint {endpoint}: {why}")]
pub struct TracesError {
    /// Where they should go.
    pub endpoint: String,
    /// Why they cannot.
    pub why: String,
}

/// Starts the log of this process, and its traces where they are configured; to be called within the runtime of the server. Where
/// the process has a log already, that one stays.
///
/// # Errors
/// [`TracesError`] for an endpoint that makes no sense; that nobody listens there is no error.
pub fn start(log: &Log, traces: &Traces) -> Result<Started, TracesError> {
    match &traces.endpoint {
        None => {
            let _ = tracing::subscriber::set_global_default(log_to(log, std::io::stderr));
            Ok(Started::default())
        }
        Some(endpoint) => start_traced(log, endpoint),
    }
}

#[cfg(not(feature = "otlp"))]
fn start_traced(_: &Log, endpoint: &str) -> Result<Started, TracesError> {
    let why = "this program was built without them; build it with `--features otlp`".to_owned();
    Err(TracesError { endpoint: endpoint.to_owned(), why })
}

/// Longest time that a collector takes for what is sent to it: the end of the server waits for the last of it.
#[cfg(feature = "otlp")]
const EXPORT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(2);

/// Spans of requests, and nothing else: method, duration and code.
#[cfg(feature = "otlp")]
fn start_traced(log: &Log, endpoint: &str) -> Result<Started, TracesError> {
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_otlp::{SpanExporter, WithExportConfig};
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::trace::SdkTracerProvider;

    let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).with_timeout(EXPORT_TIMEOUT).build();
    let exporter = exporter.map_err(|error| TracesError { endpoint: endpoint.to_owned(), why: error.to_string() })?;
    let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder_empty().with_service_name("flight-risk").with_attribute(version).build();
    let traces = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    let spans = tracing_opentelemetry::layer()
        .with_location(false)
        .with_target(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_tracer(traces.tracer("flight-risk"))
        .with_filter(Targets::new().with_target(REQUEST_TARGET, LevelFilter::DEBUG));
    let _ = tracing::subscriber::set_global_default(log_to(log, std::io::stderr).with(spans));
    Ok(Started { traces: Some(traces) })
}
