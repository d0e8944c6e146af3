//! Traces as a collector gets them, read with the official classes of OpenTelemetry: what was called, how it ended, how long it
//! took, and nothing about anybody. Only in a program with traces: `cargo test --workspace --features otlp --test integration traces`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flight_risk_proto::v1;
use flight_risk_proto::v1::risk_service_client::RiskServiceClient;
use flight_risk_proto::v1::scoring_service_client::ScoringServiceClient;
use serde_json::Value;

use crate::python_client::python;
use crate::support::{Server, root, trained_flat_model};

/// What must be in no trace.
const PERSON: &str = "canary-person-4711";
const PURPOSE: &str = "canary purpose of a test";

/// A collector, with what it will have told at its end.
struct Collector {
    child: Child,
    told: BufReader<std::process::ChildStdout>,
    port: u64,
}

impl Collector {
    fn start() -> Self {
        let mut command = Command::new(python("requirements-otlp.txt", "python-otlp"));
        command.arg(root().join("tests/python/collector.py")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the collector starts");
        let mut told = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        told.read_line(&mut line).expect("a line on standard output");
        let first: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no port: {line:?}"));
        Self { child, told, port: first["port"].as_u64().unwrap() }
    }

    /// Ends it, and gives every message that it got, and their bytes.
    fn end(mut self) -> (Vec<Value>, Vec<u8>) {
        drop(self.child.stdin.take());
        let lines: Vec<String> = self.told.lines().map(Result::unwrap).collect();
        assert!(self.child.wait().unwrap().success());
        let lines = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut bytes = Vec::new();
        let messages = lines.map(|mut line| {
            bytes.extend(BASE64_STANDARD.decode(line["bytes"].as_str().unwrap()).unwrap());
            line["message"].take()
        });
        (messages.collect(), bytes)
    }
}

/// An attribute of a span or a resource.
fn attribute<'a>(of: &'a Value, key: &str) -> Option<&'a Value> {
    let found = of["attributes"].as_array()?.iter().find(|attribute| attribute["key"] == key)?;
    found["value"].as_object()?.values().next()
}

/// The members of a list under a name, of many.
fn all<'a>(of: impl IntoIterator<Item = &'a Value>, name: &str) -> Vec<&'a Value> {
    of.into_iter().flat_map(|value| value[name].as_array().into_iter().flatten()).collect()
}

/// Ends a server as an operator does.
fn stop(server: &mut Server) {
    let id = server.child().id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(server.child().wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_gets_a_span_for_every_call_with_method_and_code_and_nothing_about_anybody() {
    let collector = Collector::start();
    let traces = format!("[traces]\nendpoint = \"http://127.0.0.1:{}\"\n", collector.port);
    let mut server = Server::configured(trained_flat_model(), &traces);
    let channel = server.channel().await;
    let values = Some(v1::feature_row::Values::Named(v1::NamedValues::default()));
    let subject = Some(v1::score_employee_request::Subject::Features(v1::FeatureRow { values }));
    let (employee_id, purpose) = (PERSON.to_owned(), PURPOSE.to_owned());
    let request = v1::ScoreEmployeeRequest { employee_id, subject, purpose, ..Default::default() };
    let mut scoring = ScoringServiceClient::new(channel.clone());
    scoring.score_employee(request.clone()).await.unwrap();
    let streamed = v1::StreamScoresRequest { request: Some(request), ..Default::default() };
    let mut scored = scoring.stream_scores(tokio_stream::iter(vec![streamed; 3])).await.unwrap().into_inner();
    while scored.message().await.unwrap().is_some() {}
    let name = format!("employees/{PERSON}/risk");
    let request = v1::GetEmployeeRiskRequest { name, purpose: PURPOSE.to_owned() };
    RiskServiceClient::new(channel.clone()).get_employee_risk(request).await.unwrap_err();
    // What a client sends is the name of no span.
    let mut unknown = tonic::client::Grpc::new(channel);
    unknown.ready().await.unwrap();
    let path = format!("/{PERSON}/Get").parse().unwrap();
    let codec = tonic_prost::ProstCodec::<v1::GetModelRequest, v1::GetModelResponse>::default();
    unknown.unary(tonic::Request::new(v1::GetModelRequest::default()), path, codec).await.unwrap_err();

    // At its end the server sends what waits.
    stop(&mut server);
    let (messages, bytes) = collector.end();

    let resources = all(&messages, "resourceSpans");
    assert!(!resources.is_empty(), "{messages:?}, {}", server.log());
    for resource in &resources {
        assert_eq!(attribute(&resource["resource"], "service.name"), Some(&"flight-risk".into()));
        assert_eq!(attribute(&resource["resource"], "service.version"), Some(&env!("CARGO_PKG_VERSION").into()));
    }
    let spans = all(all(resources, "scopeSpans"), "spans");
    let mut found: Vec<_> = spans
        .iter()
        .map(|span| {
            let code = attribute(span, "rpc.grpc.status_code").and_then(Value::as_str).expect("a code");
            (span["name"].as_str().unwrap(), code, span["status"]["code"].as_str())
        })
        .collect();
    found.sort_unstable();
    let expected = [
        ("flightrisk.v1.RiskService/GetEmployeeRisk", "5", None),
        ("flightrisk.v1.ScoringService/ScoreEmployee", "0", None),
        ("flightrisk.v1.ScoringService/StreamScores", "0", None),
        ("other", "12", Some("STATUS_CODE_ERROR")),
    ];
    assert_eq!(found, expected);
    for span in &spans {
        let time = |name: &str| span[name].as_str().unwrap().parse::<u64>().unwrap();
        assert!(time("startTimeUnixNano") < time("endTimeUnixNano"), "{span}");
        assert_eq!((&span["kind"], span.get("parentSpanId")), (&"SPAN_KIND_SERVER".into(), None), "{span}");
        // Whatever else a span tells must be looked at before it is added here.
        let known = ["rpc.system", "rpc.grpc.status_code"];
        let keys: Vec<_> = span["attributes"].as_array().unwrap().iter().map(|a| a["key"].as_str().unwrap()).collect();
        assert!(keys.iter().all(|key| known.contains(key)) && keys.len() == known.len(), "{keys:?}");
        assert!(span.get("events").is_none() && span.get("links").is_none(), "{span}");
    }
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("ScoreEmployee"), "the bytes are those of the spans");
    for canary in [PERSON, PURPOSE, "canary"] {
        assert!(!text.contains(canary) && !messages.iter().any(|message| message.to_string().contains(canary)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_gone_holds_up_nobody() {
    let collector = Collector::start();
    let traces = format!("[traces]\nendpoint = \"http://127.0.0.1:{}\"\n", collector.port);
    collector.end();
    let mut server = Server::configured(trained_flat_model(), &traces);
    let mut models = v1::model_service_client::ModelServiceClient::new(server.channel().await);
    for _ in 0..20 {
        models.get_model(v1::GetModelRequest { name: "models/active".into() }).await.unwrap();
    }
    stop(&mut server);
}
