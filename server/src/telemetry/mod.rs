//! What the server tells about itself in numbers (Prometheus), and one line per request in the log. Nothing of it is about a person:
//! labels are methods, codes and versions only, never anything that a client sends.
//!
//! Every server has its own registry, so that several can run in one process; handles are taken once, not per request.

mod calls;
mod http;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use flight_risk_scoring::Scorer;
use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

pub(crate) use calls::{Call, Calls};
pub(crate) use http::{MetricsError, MetricsPage};

use crate::store::store_errors;

/// Upper ends of the buckets of every duration, in seconds.
const SECONDS: [f64; 16] =
    [0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];
/// Durations wait in memory until they are sorted into their buckets, this often.
pub(crate) const UPKEEP_INTERVAL: Duration = Duration::from_secs(2);

const METADATA: Metadata<'static> = Metadata::new("flight_risk", Level::INFO, None);

/// Every number that is told, with what it means; the table in server/README.md is this one.
pub(crate) const DESCRIPTIONS: [(&str, &str); 13] = [
    (REQUESTS, "Requests that ended, by method and gRPC code; a method that does not exist is `other`"),
    (REQUEST_SECONDS, "Time from a request's headers to the end of its answer, by method; a stream is one request"),
    (REQUESTS_OPEN, "Requests under way, open streams included"),
    (CONNECTIONS, "Open connections"),
    (ROWS_SCORED, "Employees scored, those abstained from included"),
    (ABSTENTIONS, "Employees of whom the model said that it does not know"),
    (AUDIT_RECORDS, "Records written to the audit log"),
    (AUDIT_FAILURES, "Records that could not be written to the audit log; nothing was answered to these calls"),
    (AUDIT_SECONDS, "Time of one commit of the audit log to the disk, which may serve many calls"),
    (STORE_ERRORS, "Errors of the database since the process began"),
    (SERVING, "1 where the server answers: a verified model is active and the store is writable; else 0"),
    (MODEL_INFO, "1, labelled with the version of the active model"),
    (BUILD_INFO, "1, labelled with the version of the software"),
];

const REQUESTS: &str = "flight_risk_requests_total";
const REQUEST_SECONDS: &str = "flight_risk_request_seconds";
const REQUESTS_OPEN: &str = "flight_risk_requests_open";
const CONNECTIONS: &str = "flight_risk_connections";
const ROWS_SCORED: &str = "flight_risk_rows_scored_total";
const ABSTENTIONS: &str = "flight_risk_abstentions_total";
const AUDIT_RECORDS: &str = "flight_risk_audit_records_total";
const AUDIT_FAILURES: &str = "flight_risk_audit_failures_total";
const AUDIT_SECONDS: &str = "flight_risk_audit_write_seconds";
const STORE_ERRORS: &str = "flight_risk_store_errors_total";
const SERVING: &str = "flight_risk_serving";
const MODEL_INFO: &str = "flight_risk_model_info";
const BUILD_INFO: &str = "flight_risk_build_info";

/// The numbers of one server.
pub(crate) struct Telemetry {
    handle: PrometheusHandle,
    active: Arc<ArcSwap<Scorer>>,
    serving: AtomicBool,
    /// Requests by method.
    pub(crate) calls: Calls,
    /// Open connections.
    pub(crate) connections: Gauge,
    /// Employees scored.
    pub(crate) rows: RowMeters,
    /// The audit log.
    pub(crate) audit: AuditMeters,
}

/// Employees scored.
#[derive(Clone, Debug)]
pub(crate) struct RowMeters {
    scored: Counter,
    abstained: Counter,
}

impl RowMeters {
    /// Counts scored employees, and those among them whom the model abstained from.
    pub(crate) fn count(&self, scored: u64, abstained: u64) {
        self.scored.increment(scored);
        if abstained > 0 {
            self.abstained.increment(abstained);
        }
    }
}

/// The audit log.
#[derive(Clone, Debug)]
pub(crate) struct AuditMeters {
    /// Records written.
    pub(crate) records: Counter,
    /// Records that could not be written.
    pub(crate) failures: Counter,
    /// Time of a commit.
    pub(crate) seconds: Histogram,
}

impl AuditMeters {
    /// Counts for nobody.
    #[cfg(test)]
    pub(crate) fn unread() -> Self {
        Self { records: Counter::noop(), failures: Counter::noop(), seconds: Histogram::noop() }
    }
}

impl Telemetry {
    /// The numbers of a server that scores with whatever model is active.
    pub(crate) fn new(active: Arc<ArcSwap<Scorer>>) -> Result<Self, BuildError> {
        let seconds = Matcher::Suffix("_seconds".to_owned());
        let recorder = PrometheusBuilder::new().set_buckets_for_metric(seconds, &SECONDS)?.build_recorder();
        for (name, description) in DESCRIPTIONS {
            // Only those that are registered are shown; the kind does not matter here.
            recorder.describe_counter(name.into(), None, description.into());
        }
        let counter = |name: &'static str| recorder.register_counter(&Key::from_static_name(name), &METADATA);
        let gauge = |name: &'static str| recorder.register_gauge(&Key::from_static_name(name), &METADATA);
        Ok(Self {
            handle: recorder.handle(),
            active,
            serving: AtomicBool::new(false),
            connections: gauge(CONNECTIONS),
            rows: RowMeters { scored: counter(ROWS_SCORED), abstained: counter(ABSTENTIONS) },
            audit: AuditMeters {
                records: counter(AUDIT_RECORDS),
                failures: counter(AUDIT_FAILURES),
                seconds: recorder.register_histogram(&Key::from_static_name(AUDIT_SECONDS), &METADATA),
            },
            calls: Calls::new(gauge(REQUESTS_OPEN), recorder),
        })
    }

    /// Whether the server answers.
    pub(crate) fn set_serving(&self, serving: bool) {
        self.serving.store(serving, Ordering::Relaxed);
    }

    /// Whether the server answers.
    pub(crate) fn serving(&self) -> bool {
        self.serving.load(Ordering::Relaxed)
    }

    /// Everything in Prometheus' text format.
    pub(crate) fn render(&self) -> String {
        let mut text = self.handle.render();
        let version = self.active.load().artifact().model_version().to_owned();
        let mut add = |name: &str, kind: &str, labels: &str, value: u64| {
            let about = DESCRIPTIONS.iter().find(|(known, _)| *known == name).map_or("", |(_, about)| about);
            text.push_str(&format!("# HELP {name} {about}\n# TYPE {name} {kind}\n{name}{labels} {value}\n\n"));
        };
        add(STORE_ERRORS, "counter", "", store_errors());
        add(SERVING, "gauge", "", u64::from(self.serving()));
        // A version is hexadecimal digits: nothing in it needs escaping.
        add(MODEL_INFO, "gauge", &format!("{{version=\"{version}\"}}"), 1);
        add(BUILD_INFO, "gauge", concat!("{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), 1);
        text
    }

    /// Sorts what waits into its buckets, again and again.
    pub(crate) async fn keep_up(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(UPKEEP_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.handle.run_upkeep();
        }
    }
}

fn labelled(name: &'static str, labels: Vec<Label>) -> Key {
    Key::from_parts(name, labels)
}

fn request_counter(recorder: &PrometheusRecorder, method: &'static str, code: &'static str) -> Counter {
    let labels = vec![Label::from_static_parts("method", method), Label::from_static_parts("code", code)];
    recorder.register_counter(&labelled(REQUESTS, labels), &METADATA)
}

fn request_seconds(recorder: &PrometheusRecorder, method: &'static str) -> Histogram {
    let labels = vec![Label::from_static_parts("method", method)];
    recorder.register_histogram(&labelled(REQUEST_SECONDS, labels), &METADATA)
}
