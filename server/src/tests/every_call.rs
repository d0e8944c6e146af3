//! What must hold of every call about people, whichever service it belongs to: it leaves a record in the audit log, it is not
//! answered when the record cannot be written, and nothing of it is in the log of the server, its metrics or its errors.

use std::io::Write;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use flight_risk_proto::v1;
use prost::Message;
use tokio_stream::StreamExt;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use super::fixture::{Served, named, native, number, open_config};
use super::operations::get;
use super::raw_calls::Raw;
use super::risk::{department, record, scored};
use crate::access::caller::{Role, Scope};
use crate::access::keys::NewKey;
use crate::access::policy::POLICIES;
use crate::audit::{Expected, Wanted, list, verify};
use crate::config::{Log, LogLevel, ServerConfig};
use crate::logging::log_to;
use crate::store::Store;
use crate::store::db::params;

/// What the calls speak of.
#[derive(Clone, Debug)]
struct Words {
    employee: String,
    purpose: String,
    manager: String,
    department: String,
    note: String,
    survey: String,
    /// Of an action that is there, where actions are.
    action: String,
}

impl Words {
    fn plain() -> Self {
        Self {
            employee: "e-1".into(),
            purpose: "a review".into(),
            manager: "m-1".into(),
            department: "Sales".into(),
            note: "talked".into(),
            survey: "spring".into(),
            action: "actions/none".into(),
        }
    }

    fn of_history(&self) -> v1::ScoreEmployeeRequest {
        let mut history = super::fixture::history();
        history.survey_responses.iter_mut().for_each(|response| response.survey.clone_from(&self.survey));
        history.assignments.iter_mut().for_each(|assignment| {
            assignment.department = Some(self.department.clone());
            assignment.manager_id = Some(self.manager.clone());
        });
        let subject = Some(v1::score_employee_request::Subject::History(history));
        v1::ScoreEmployeeRequest { subject, ..self.of_row() }
    }

    fn of_row(&self) -> v1::ScoreEmployeeRequest {
        v1::ScoreEmployeeRequest {
            employee_id: self.employee.clone(),
            purpose: self.purpose.clone(),
            ..named([number("tenure_years", 1.0)])
        }
    }

    fn action(&self) -> v1::Action {
        v1::Action {
            employee_id: self.employee.clone(),
            title: "stay interview".into(),
            assignee: self.manager.clone(),
            due_date: "2034-01-01".into(),
            note: self.note.clone(),
            ..Default::default()
        }
    }

    /// A message that each method about people can answer, in an order in which they can be called.
    #[allow(clippy::needless_update, reason = "some messages have no field that is not set")]
    fn messages(&self) -> Vec<(&'static str, Vec<u8>)> {
        let purpose = || self.purpose.clone();
        let employee = || self.employee.clone();
        let name = format!("employees/{}", self.employee);
        let filter = format!("department = {:?}", self.department);
        let history = self.of_history();
        let v1::score_employee_request::Subject::History(facts) = history.subject.clone().unwrap() else { panic!() };
        let change = v1::FeatureChange {
            feature: "one_on_ones_90d_count".into(),
            value: Some(v1::FeatureValue { value: Some(v1::feature_value::Value::Number(3.0)) }),
        };
        macro_rules! messages {
            ($($method:literal: $type:ident { $($fields:tt)* };)+) => {
                vec![$((concat!("flightrisk.v1.", $method), v1::$type { $($fields)* ..Default::default() }.encode_to_vec())),+]
            };
        }
        messages! {
            "ScoringService/ScoreEmployee": ScoreEmployeeRequest {
                employee_id: employee(), purpose: purpose(), subject: history.subject.clone(),
            };
            "ScoringService/BatchScoreEmployees": BatchScoreEmployeesRequest {
                requests: vec![self.of_row(), history.clone()], purpose: purpose(),
            };
            "ScoringService/StreamScores": StreamScoresRequest { request: Some(self.of_row()), };
            "ScoringService/SimulateChanges": SimulateChangesRequest {
                employee_id: employee(), purpose: purpose(), changes: vec![change.clone()],
                subject: Some(v1::simulate_changes_request::Subject::History(facts.clone())),
            };
            "ScoringService/FindCounterfactual": FindCounterfactualRequest {
                employee_id: employee(), purpose: purpose(),
                subject: Some(v1::find_counterfactual_request::Subject::History(facts.clone())),
            };
            "RiskService/ListAtRiskEmployees": ListAtRiskEmployeesRequest {
                purpose: purpose(), filter: filter.clone(), all_bands: true,
            };
            "RiskService/GetEmployeeRisk": GetEmployeeRiskRequest { name: format!("{name}/risk"), purpose: purpose(), };
            "RiskService/ListEmployeeRiskHistory": ListEmployeeRiskHistoryRequest {
                parent: name.clone(), purpose: purpose(),
            };
            "RiskService/WatchRiskChanges": WatchRiskChangesRequest { purpose: purpose(), filter: filter.clone(), };
            "ActionService/CreateAction": CreateActionRequest { action: Some(self.action()), purpose: purpose(), };
            "ActionService/GetAction": GetActionRequest { name: self.action.clone(), purpose: purpose(), };
            "ActionService/ListActions": ListActionsRequest { purpose: purpose(), };
            "ActionService/ListDueActions": ListDueActionsRequest { purpose: purpose(), assignee: self.manager.clone(), };
            "ActionService/UpdateAction": UpdateActionRequest {
                action: Some(v1::Action { name: self.action.clone(), ..self.action() }), purpose: purpose(),
                update_mask: Some(prost_types::FieldMask { paths: vec!["note".into()] }),
            };
            "ActionService/CompleteAction": CompleteActionRequest {
                name: self.action.clone(), purpose: purpose(), note: self.note.clone(),
                outcome: v1::ActionOutcome::try_from(1).unwrap() as i32,
            };
            "ActionService/ReportExit": ReportExitRequest {
                employee: name.clone(), exit_date: "2024-12-31".into(), exit_type: 1, purpose: purpose(),
            };
            "ActionService/WithdrawExit": WithdrawExitRequest { employee: name.clone(), purpose: purpose(), };
            "PrivacyService/ExportEmployee": ExportEmployeeRequest { name: name.clone(), purpose: purpose(), };
            "PrivacyService/EraseEmployee": EraseEmployeeRequest { name: name.clone(), purpose: purpose(), };
        }
    }
}

/// Calls a method; the first message of the answer, or the error. Streams without a message end at a deadline.
async fn call(channel: &Channel, method: &str, message: Vec<u8>, key: Option<&str>) -> Result<Vec<u8>, Status> {
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await.unwrap();
    let mut request = Request::new(tokio_stream::once(message));
    if let Some(key) = key {
        request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    }
    request.set_timeout(Duration::from_millis(if method.ends_with("WatchRiskChanges") { 300 } else { 10_000 }));
    let path: PathAndQuery = format!("/{method}").parse().unwrap();
    let mut replies = client.streaming(request, path, Raw).await?.into_inner();
    replies.next().await.unwrap_or_else(|| Ok(Vec::new()))
}

/// The message of an error and of its details.
fn told(status: &Status) -> String {
    format!("{} {:?} {:?}", status.message(), status.get_error_details(), status.metadata())
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// The methods that the log has records of, and how many there are about an employee.
async fn recorded(store: &Store, employee: &str) -> (Vec<String>, usize) {
    let mut methods = Vec::new();
    let show = |listed: crate::audit::Listed| {
        methods.push(listed.method);
        Ok::<(), ()>(())
    };
    list(store, None, &Wanted::default(), show).await.unwrap().unwrap();
    let mut about = 0;
    let wanted = Wanted { employee: Some(employee.to_owned()), since: None };
    let count = |_| {
        about += 1;
        Ok::<(), ()>(())
    };
    list(store, None, &wanted, count).await.unwrap().unwrap();
    (methods, about)
}

/// A server whose store holds a score of the employee, and that store a second time.
async fn serving(words: &mut Words, config: ServerConfig) -> (Served, Store) {
    let server = Served::start_with(native(), config).await;
    let store = Store::open(&server.store_url()).await.unwrap();
    let scorer = native();
    record(&store, &scorer, &[scored(&scorer, &words.employee, [1.5, 2.0, 0.5], department(&words.department))]).await;
    (server, store)
}

/// Makes an action, for the methods that need one.
async fn with_action(words: &mut Words, channel: &Channel, key: Option<&str>) {
    let create = "flightrisk.v1.ActionService/CreateAction";
    let message = words.messages().into_iter().find(|(method, _)| *method == create).unwrap().1;
    if let Ok(reply) = call(channel, create, message, key).await {
        words.action = v1::CreateActionResponse::decode(&reply[..]).unwrap().action.unwrap().name;
    }
}

#[tokio::test]
async fn every_call_about_people_leaves_a_record_and_is_not_answered_without_one() {
    let mut words = Words::plain();
    let (server, store) = serving(&mut words, open_config()).await;
    let channel = server.channel().await;
    with_action(&mut words, &channel, None).await;
    let messages = words.messages();
    for policy in POLICIES.iter().filter(|policy| policy.about_people) {
        assert!(messages.iter().any(|(method, _)| *method == policy.method), "no message for {}", policy.method);
    }

    // First without a log: the same calls, none of them answered, and nothing carried out.
    let mut tx = store.db().begin().await.unwrap();
    tx.execute("ALTER TABLE audit RENAME TO away", params![]).await.unwrap();
    tx.commit().await.unwrap();
    for (method, message) in messages.clone() {
        let status = call(&channel, method, message, None).await.expect_err(method);
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "AUDIT_UNAVAILABLE"), "{method}");
    }
    let mut tx = store.db().begin().await.unwrap();
    tx.execute("ALTER TABLE away RENAME TO audit", params![]).await.unwrap();
    tx.commit().await.unwrap();

    for (method, message) in messages {
        let (before, about_before) = recorded(&store, &words.employee).await;
        match call(&channel, method, message, None).await {
            Err(status) if status.code() == Code::DeadlineExceeded && method.ends_with("WatchRiskChanges") => {}
            Err(status) => panic!("{method}: {}", told(&status)),
            Ok(_) => {}
        }
        let (after, about) = recorded(&store, &words.employee).await;
        assert!(after[before.len()..].iter().any(|recorded| recorded == method), "{method} left {after:?}");
        if !method.ends_with("WatchRiskChanges") && !method.ends_with("ListDueActions") {
            assert!(about > about_before, "{method}: the record does not name the employee");
        }
    }
    verify(&store, None, &Expected::default()).await.unwrap().unwrap();
}

/// Keeps the lines that hold what must not be there, and counts all.
#[derive(Clone, Copy)]
struct Watched;

static LINES: OnceLock<Mutex<(usize, Vec<String>)>> = OnceLock::new();
/// In everything that must appear nowhere.
const CANARY: &str = "anary7";

impl Write for Watched {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        let mut lines = LINES.get_or_init(Mutex::default).lock().unwrap();
        lines.0 += 1;
        if line.contains(CANARY) {
            lines.1.push(line.into_owned());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn nothing_of_a_call_is_in_logs_metrics_or_errors() {
    let log = Log { json: true, level: LogLevel::Trace };
    // Of the whole process: some lines are written by threads of the database.
    tracing::subscriber::set_global_default(log_to(&log, || Watched)).unwrap();
    tracing::error!("a line of {CANARY}, so that the net is known to hold");
    assert_eq!(LINES.get().unwrap().lock().unwrap().1.len(), 1);

    let word = |what: &str| format!("c{CANARY}-{what}");
    let mut words = Words {
        employee: word("employee"),
        purpose: word("purpose"),
        manager: word("manager"),
        department: word("department"),
        note: word("note"),
        survey: word("survey"),
        action: format!("actions/{}", word("action")),
    };
    let mut config = ServerConfig::default();
    config.listen.metrics_address = Some("127.0.0.1:0".parse().unwrap());
    let (server, store) = serving(&mut words, config).await;
    let channel = server.channel().await;
    let mut keys = Vec::new();
    for role in Role::ALL {
        let scope = match role {
            Role::Manager => Scope::Reports { manager_id: word("manager") },
            _ => Scope::All,
        };
        let name = format!("{}-{}", word("key"), role.name());
        let key = NewKey { name, role, scope, purpose: None, expires_at: None };
        keys.push(store.create_key(&key).await.unwrap().token);
    }
    keys.push(format!("frk_{CANARY}_{CANARY}"));
    with_action(&mut words, &channel, Some(&keys[1])).await;

    let mut errors = Vec::new();
    let mut answered = 0;
    // As it should be; about somebody who is not there; cut short; far too long; and after the table is gone.
    let elsewhere = Words { employee: word("nobody"), action: format!("actions/{}", word("none")), ..words.clone() };
    let long = Words { employee: word("long").repeat(40), purpose: word("long").repeat(40), ..words.clone() };
    let strange = Words { employee: word("\u{1}/x y\"'"), department: word("\"\u{0}"), ..words.clone() };
    for round in 0..2 {
        for words in [&words, &elsewhere, &long, &strange] {
            for (method, message) in words.messages() {
                let half = message[..message.len() / 2].to_vec();
                for (key, message) in keys.iter().map(|key| (key, &message)).chain([(&keys[1], &half)]) {
                    if method.ends_with("EraseEmployee") && round == 0 {
                        continue;
                    }
                    match call(&channel, method, message.clone(), Some(key)).await {
                        Ok(_) => answered += 1,
                        Err(status) => errors.push((method, told(&status))),
                    }
                }
            }
        }
        if round == 0 {
            let mut tx = store.db().begin().await.unwrap();
            tx.execute("ALTER TABLE scores RENAME TO away", params![]).await.unwrap();
            tx.commit().await.unwrap();
        }
    }
    let _ = call(&channel, &format!("{CANARY}.Service/{CANARY}"), Vec::new(), Some(&keys[0])).await;
    assert!(answered > 10 && errors.len() > 100, "{answered} answered, {} errors", errors.len());
    for (method, error) in errors {
        assert!(!error.contains(CANARY), "{method}: {error}");
    }
    let (_, metrics) = get(server.metrics.unwrap(), "GET /metrics").await;
    assert!(metrics.contains("flight_risk_rows_scored_total") && !metrics.contains(CANARY), "{metrics}");
    let lines = LINES.get().unwrap().lock().unwrap();
    assert!(lines.0 > 100, "{} lines", lines.0);
    assert_eq!(lines.1.len(), 1, "{:#?}", &lines.1[1..]);
}
