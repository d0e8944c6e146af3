//! The log: to standard error, text or JSON, a line per event. It holds no personal data: what this software writes there never
//! names a person, and libraries, which know nothing of that rule, are heard from `info` up only, whatever level is configured.

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;

use crate::config::Log;

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
pub(crate) fn log_to<W>(config: &Log, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::registry().with(lines(config, writer).with_filter(heard(config.level.filter())))
}

/// Starts the log of this process; where it has one already, that one stays.
pub fn start(config: &Log) {
    let _ = tracing::subscriber::set_global_default(log_to(config, std::io::stderr));
}
