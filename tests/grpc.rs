//! The served process: every RPC over a real socket, and how the server starts and ends.

use std::net::TcpListener;
use std::process::Child;
use std::time::{Duration, Instant};

use flight_risk_proto::v1;
use flight_risk_proto::v1::model_service_client::ModelServiceClient;
use flight_risk_proto::v1::scoring_service_client::ScoringServiceClient;
use tokio_stream::StreamExt;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use crate::parity::{same_as_file, scorer};
use crate::support::{ClientCompany, Server, flight_risk, sample_company, score, trained_flat_model, trained_model};

/// The configuration is refused.
const EXIT_CONFIGURATION: i32 = 3;
/// The address is taken.
const EXIT_ADDRESS: i32 = 6;
/// Longest that a server without work takes to end.
const IDLE_END: Duration = Duration::from_secs(5);

fn of_history(id: &str, history: v1::EmployeeHistory) -> v1::ScoreEmployeeRequest {
    let subject = Some(v1::score_employee_request::Subject::History(history));
    v1::ScoreEmployeeRequest { employee_id: id.to_owned(), subject, ..Default::default() }
}

fn of_values(id: &str, values: &[(&str, v1::named_value::Value)]) -> v1::ScoreEmployeeRequest {
    let values =
        values.iter().map(|(name, value)| v1::NamedValue { name: (*name).to_owned(), value: Some(value.clone()) });
    let values = Some(v1::feature_row::Values::Named(v1::NamedValues { values: values.collect() }));
    let subject = Some(v1::score_employee_request::Subject::Features(v1::FeatureRow { values }));
    v1::ScoreEmployeeRequest { employee_id: id.to_owned(), subject, ..Default::default() }
}

#[tokio::test]
async fn a_batch_answers_every_row_in_its_place_and_a_wrong_row_stops_no_other() {
    let file = score(trained_model(), sample_company(), None);
    let tables = ClientCompany::read(sample_company());
    let (server, day) = (Server::start(trained_model()), tables.data_end.as_str());
    let mut client = ScoringServiceClient::new(server.channel().await);
    let ids = &tables.employed_on(day)[..4];
    let mut requests: Vec<v1::ScoreEmployeeRequest> =
        ids.iter().map(|id| of_history(id, tables.history(id, day))).collect();
    let Some(v1::score_employee_request::Subject::History(history)) = &mut requests[1].subject else { panic!() };
    history.assignments[0].effective_date = "31.12.2024".into();
    history.feedback[0].kind = " ".into();
    requests[3].subject = None;
    let request = v1::BatchScoreEmployeesRequest { requests, request_id: Some("night".into()), ..Default::default() };
    let reply = client.batch_score_employees(request).await.unwrap().into_inner();
    assert_eq!((reply.request_id.as_str(), reply.results.len()), ("night", 4));
    assert_eq!(reply.model_version, scorer(trained_model()).artifact().model_version());
    let errors: Vec<Option<v1::RowError>> = reply
        .results
        .into_iter()
        .zip(ids)
        .map(|(result, id)| match result.result.expect("a result") {
            v1::score_result::Result::Score(score) => {
                assert_eq!((score.request_id.as_str(), &score.model_version), ("night", &reply.model_version));
                same_as_file(id, "batch", &score, &file[*id]);
                None
            }
            v1::score_result::Result::Error(error) => Some(error),
        })
        .collect();
    let [None, Some(wrong_fields), None, Some(no_subject)] = errors.as_slice() else { panic!("{errors:?}") };
    let paths: Vec<&str> = wrong_fields.field_violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(paths, ["history.assignments[0].effective_date", "history.feedback[0].kind"]);
    assert_eq!((wrong_fields.code, wrong_fields.reason.as_str()), (Code::InvalidArgument as i32, "INVALID_FIELDS"));
    assert_eq!(no_subject.code, Code::InvalidArgument as i32);
}

#[tokio::test]
async fn a_stream_answers_in_order_and_survives_a_wrong_row() {
    let file = score(trained_model(), sample_company(), None);
    let tables = ClientCompany::read(sample_company());
    let (server, day) = (Server::start(trained_model()), tables.data_end.clone());
    let mut client = ScoringServiceClient::new(server.channel().await);
    let ids: Vec<String> = tables.employed_on(&day).into_iter().take(60).map(str::to_owned).collect();
    let mut requests: Vec<v1::StreamScoresRequest> = ids
        .iter()
        .map(|id| v1::StreamScoresRequest {
            correlation_id: format!("c-{id}"),
            request: Some(of_history(id, tables.history(id, &day))),
        })
        .collect();
    requests[7].request = None;
    let mut results = client.stream_scores(tokio_stream::iter(requests)).await.unwrap().into_inner();
    for (place, id) in ids.iter().enumerate() {
        let result = results.next().await.expect("one result per request").unwrap();
        assert_eq!(result.correlation_id, format!("c-{id}"));
        match result.result.expect("a result") {
            v1::stream_scores_response::Result::Score(score) => same_as_file(id, "stream", &score, &file[id]),
            v1::stream_scores_response::Result::Error(error) => {
                assert_eq!((place, error.code), (7, Code::InvalidArgument as i32), "{error:?}");
            }
        }
    }
    assert!(results.next().await.is_none(), "nothing after the last result");
}

#[tokio::test]
async fn the_model_is_described_as_its_file_says() {
    let server = Server::start(trained_model());
    let mut client = ModelServiceClient::new(server.channel().await);
    let request = v1::GetModelRequest { name: "models/active".into() };
    let model = client.get_model(request).await.unwrap().into_inner().model.expect("a model");
    let scorer = scorer(trained_model());
    let content = scorer.artifact().content();
    assert_eq!(
        (model.sha256.as_str(), model.version.as_str()),
        (scorer.artifact().sha256(), scorer.artifact().model_version())
    );
    assert_eq!(model.schema_digest, scorer.schema().digest());
    let names: Vec<&str> = content.features.iter().map(|feature| feature.name.as_str()).collect();
    assert_eq!(model.features.iter().map(|feature| feature.name.as_str()).collect::<Vec<_>>(), names);
    for (sent, own) in model.features.iter().zip(&content.features) {
        let numbers = [sent.min, sent.max].iter().flatten().count();
        assert!(!own.confidential || (numbers == 0 && sent.typical.is_none()), "{} is confidential", own.name);
    }
    let provenance = model.provenance.expect("provenance");
    assert_eq!(provenance.data_digest, content.provenance.data_digest);
    let rows = model.metrics.expect("metrics").rows.expect("quality");
    assert_eq!(rows.log_loss.to_bits(), content.metrics.rows.log_loss.to_bits());
    assert!(!model.intended_use.is_empty() && !model.limitations.is_empty());
}

#[tokio::test]
async fn a_model_of_a_flat_table_scores_rows_and_refuses_histories() {
    use v1::named_value::Value::{Level, Number};
    let server = Server::start(trained_flat_model());
    let mut client = ScoringServiceClient::new(server.channel().await);
    let values = [("age", Number(23.0)), ("overtime_hours", Number(11.0)), ("department", Level("Sales".into()))];
    let young = client.score_employee(of_values("e", &values)).await.unwrap().into_inner().score.unwrap();
    let values = [("age", Number(60.0)), ("overtime_hours", Number(1.0)), ("department", Level("Legal".into()))];
    let old = client.score_employee(of_values("e", &values)).await.unwrap().into_inner().score.unwrap();
    let risk = |score: v1::EmployeeScore| match score.outcome {
        Some(v1::employee_score::Outcome::Assessment(assessment)) => {
            assert!(assessment.horizons.is_empty(), "a flat table has no horizons");
            assessment.risk
        }
        other => panic!("{other:?}"),
    };
    let (young, old) = (risk(young), risk(old));
    assert!(young > 2.0 * old, "the rule of the table makes the first the riskier: {young} and {old}");
    let values = [("age", Number(60.0)), ("overtime_hours", Number(1.0)), ("department", Level("Elsewhere".into()))];
    let stranger = client.score_employee(of_values("e", &values)).await.unwrap().into_inner().score.unwrap();
    let Some(v1::employee_score::Outcome::Abstention(abstention)) = stranger.outcome else { panic!("{stranger:?}") };
    assert!(abstention.reasons[0].text.contains("department, a level never seen"), "{abstention:?}");
    let history =
        v1::EmployeeHistory { hire_date: "2020-01-01".into(), as_of: "2024-01-01".into(), ..Default::default() };
    let status = client.score_employee(of_history("e", history)).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(status.get_details_error_info().expect("ErrorInfo").reason, "HISTORY_NOT_SUPPORTED");
    let status = client.score_employee(of_values("e", &[("gender", Level("female".into()))])).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "a protected column is no feature that could be sent");
}

#[tokio::test]
async fn what_is_not_enough_is_answered_without_a_number() {
    let server = Server::start(trained_model());
    let mut client = ScoringServiceClient::new(server.channel().await);
    let reply = client.score_employee(of_values("e", &[])).await.unwrap().into_inner().score.unwrap();
    let Some(v1::employee_score::Outcome::Abstention(abstention)) = reply.outcome else { panic!("{reply:?}") };
    assert_eq!(abstention.reasons[0].kind(), v1::AbstentionKind::TooLittleKnown);
}

#[tokio::test]
async fn health_says_serving() {
    let server = Server::start(trained_model());
    let mut client = HealthClient::new(server.channel().await);
    for service in ["", "flightrisk.v1.ScoringService", "flightrisk.v1.ModelService"] {
        let reply = client.check(HealthCheckRequest { service: service.into() }).await.unwrap().into_inner();
        assert_eq!(reply.status(), ServingStatus::Serving, "{service}");
    }
}

#[tokio::test]
async fn reflection_v1_and_v1alpha_list_the_services_and_hand_out_their_files() {
    let server = Server::start(trained_model());
    macro_rules! reflected {
        ($version:ident) => {{
            use tonic_reflection::pb::$version::ServerReflectionRequest;
            use tonic_reflection::pb::$version::server_reflection_client::ServerReflectionClient;
            use tonic_reflection::pb::$version::server_reflection_request::MessageRequest;
            use tonic_reflection::pb::$version::server_reflection_response::MessageResponse;
            let asked = [
                MessageRequest::ListServices(String::new()),
                MessageRequest::FileContainingSymbol("flightrisk.v1.ScoringService".into()),
            ];
            let asked =
                asked.map(|message| ServerReflectionRequest { host: String::new(), message_request: Some(message) });
            let mut client = ServerReflectionClient::new(server.channel().await);
            let replies = client.server_reflection_info(tokio_stream::iter(asked)).await.unwrap();
            let mut replies = replies.into_inner();
            let mut next = async || replies.next().await.unwrap().unwrap().message_response.unwrap();
            let MessageResponse::ListServicesResponse(list) = next().await else { panic!("no list") };
            let MessageResponse::FileDescriptorResponse(files) = next().await else { panic!("no file") };
            let files: Vec<u8> = files.file_descriptor_proto.concat();
            (list.service.into_iter().map(|service| service.name).collect::<Vec<_>>(), files)
        }};
    }
    for (services, files) in [reflected!(v1), reflected!(v1alpha)] {
        for name in ["flightrisk.v1.ScoringService", "flightrisk.v1.ModelService", "grpc.health.v1.Health"] {
            assert!(services.iter().any(|service| service == name), "{name} in {services:?}");
        }
        assert!(files.windows(12).any(|window| window == b"StreamScores"), "the file describes the methods");
    }
}

fn serve_at(address: &str) -> crate::support::Output {
    flight_risk(["serve", "--models", trained_model().to_str().unwrap(), "--address", address])
}

#[test]
fn a_port_in_use_is_named_with_its_exit_code() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = serve_at(&address);
    assert_eq!(output.code, Some(EXIT_ADDRESS), "{}", output.stderr);
    assert!(output.stderr.contains(&address) && output.stderr.contains("in use"), "{}", output.stderr);
    assert!(!output.stdout.contains("Serving"), "{}", output.stdout);
}

#[test]
fn an_address_that_others_can_reach_is_refused_and_the_message_says_why() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:50051", "[::ffff:192.0.2.1]:0"] {
        let output = serve_at(address);
        assert_eq!(output.code, Some(EXIT_CONFIGURATION), "{address}: {}", output.stderr);
        for word in ["other machines", "[tls]", "127.0.0.1"] {
            assert!(output.stderr.contains(word), "{address}: no `{word}` in {}", output.stderr);
        }
    }
}

/// Waits for the end of a process.
fn end_of(child: &mut Child, deadline: Duration) -> Option<i32> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        assert!(started.elapsed() < deadline, "still running after {deadline:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(unix)]
fn send(signal: &str, child: &Child) {
    let status = std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill");
    assert!(status.success());
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn sigterm_answers_what_was_read_says_unavailable_and_ends_well() {
    let mut server = Server::start(trained_model());
    let mut client = ScoringServiceClient::new(server.channel().await);
    let (feed, rows) = tokio::sync::mpsc::channel(4);
    let row = |id: &str| v1::StreamScoresRequest { correlation_id: id.into(), request: Some(of_values(id, &[])) };
    feed.send(row("before")).await.unwrap();
    let rows = tokio_stream::wrappers::ReceiverStream::new(rows);
    let mut results = client.stream_scores(rows).await.unwrap().into_inner();
    assert_eq!(results.next().await.unwrap().unwrap().correlation_id, "before");
    send("-TERM", server.child());
    // The stream is open and idle: the server closes it itself rather than wait for its client.
    let status = loop {
        match results.next().await {
            Some(Ok(result)) => assert_eq!(result.correlation_id, "before"),
            Some(Err(status)) => break status,
            None => panic!("the stream ended as if it were complete"),
        }
    };
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    let child = server.child();
    let code = tokio::task::block_in_place(|| end_of(child, Duration::from_secs(15)));
    assert_eq!(code, Some(0), "{}", server.log());
}

#[cfg(unix)]
#[test]
fn sigterm_and_ctrl_c_end_an_idle_server_at_once_with_code_0() {
    for signal in ["-TERM", "-INT"] {
        let mut server = Server::start(trained_model());
        let started = Instant::now();
        send(signal, server.child());
        assert_eq!(end_of(server.child(), IDLE_END), Some(0), "{signal}: {}", server.log());
        assert!(started.elapsed() < IDLE_END);
        assert!(TcpListener::bind(server.address()).is_ok(), "the port is free again");
    }
}
