//! Who is let in: by a key, in a role, to a method; and that what is refused tells nobody why.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tonic::Code;
use tonic::body::Body;
use tonic::codegen::Bytes;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::databases::each_store;
use super::fixture::{Served, named, native, number, open_config};
use crate::access::caller::{Caller, Role, Scope};
use crate::access::keys::{CreatedKey, KeyError, KeyRing, NewKey};
use crate::access::policy::POLICIES;
use crate::access::refusal::Refusal;
use crate::clock::now_micros;
use crate::config::ServerConfig;
use crate::limits::KEYS_FRESH;
use crate::store::Store;

/// Who may call what, as the documentation of the roles says.
const ROLES: &str = "
                                        hris hr_partner manager analyst auditor admin
    ScoringService/ScoreEmployee           x          x       .       .       .     .
    ScoringService/BatchScoreEmployees     x          .       .       .       .     .
    ScoringService/StreamScores            x          .       .       .       .     .
    ScoringService/SimulateChanges         .          x       .       .       .     .
    ScoringService/FindCounterfactual      .          x       .       .       .     .
    RiskService/ListAtRiskEmployees        x          x       x       .       .     .
    RiskService/GetEmployeeRisk            x          x       x       .       .     .
    RiskService/ListEmployeeRiskHistory    x          x       .       .       .     .
    RiskService/WatchRiskChanges           x          x       .       .       .     .
    InsightService/ListHotspots            .          x       .       x       x     .
    InsightService/ListDrivers             .          x       x       x       x     .
    InsightService/GetTrend                .          x       x       x       x     .
    ActionService/ListPlaybookEntries      x          x       x       x       x     x
    ActionService/CreateAction             .          x       x       .       .     .
    ActionService/GetAction                .          x       x       .       .     .
    ActionService/ListActions              .          x       x       .       .     .
    ActionService/ListDueActions           x          x       x       .       .     .
    ActionService/UpdateAction             .          x       x       .       .     .
    ActionService/CompleteAction           .          x       x       .       .     .
    ActionService/ReportExit               x          x       .       .       .     .
    ActionService/WithdrawExit             x          x       .       .       .     .
    ActionService/CompareActedOn           .          x       .       x       x     .
    ActionService/GetRealizedCalibration   .          x       .       x       x     .
    ModelService/GetModel                  x          x       .       x       x     x
    ModelService/ListModels                .          x       .       x       x     x
    ModelService/ActivateModel             .          .       .       x       .     x
    ModelService/RollbackModel             .          .       .       x       .     x
    PrivacyService/ExportEmployee          .          x       .       .       .     x
    PrivacyService/EraseEmployee           .          .       .       .       .     x
";

/// A key with the scope that every role may have.
pub(super) fn key_of(role: Role) -> NewKey {
    let scope = match role {
        Role::Manager => Scope::Reports { manager_id: "m-1".into() },
        _ => Scope::All,
    };
    NewKey { name: role.name().into(), role, scope, purpose: Some("a test".into()), expires_at: None }
}

/// A server with access control, its store, and a key for each of these roles.
async fn guarded(roles: &[Role]) -> (Served, Store, Vec<CreatedKey>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store.db").to_str().unwrap()).await.unwrap();
    let mut keys = Vec::new();
    for role in roles {
        keys.push(store.create_key(&key_of(*role)).await.unwrap());
    }
    (Served::start_on(store.clone(), native(), ServerConfig::default()).await, store, keys, folder)
}

/// What a refused call gets: everything of the answer.
type Answer = BTreeMap<String, Vec<u8>>;

/// Calls a method with an empty message; the answer where it is an error.
async fn refusal(server: &Served, method: &str, authorization: &[&str]) -> Option<Answer> {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut request = Request::post(format!("http://{}/{method}", server.address))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    for value in authorization {
        request = request.header("authorization", *value);
    }
    let empty = Body::new(http_body_util::Full::new(Bytes::from_static(&[0; 5])));
    let response = sender.send_request(request.body(empty).unwrap()).await.unwrap();
    connection.abort();
    assert_eq!(response.status(), 200);
    // Where all is well the status comes after the message; errors come at once.
    response.headers().contains_key("grpc-status").then(|| {
        let fields = response.headers().iter().filter(|(name, _)| *name != "date");
        fields.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect()
    })
}

fn code(answer: Option<&Answer>) -> Option<Code> {
    Some(Code::from_bytes(answer?.get("grpc-status")?))
}

fn bearer(key: &CreatedKey) -> String {
    format!("Bearer {}", key.token)
}

#[test]
fn every_method_has_a_policy_and_every_policy_a_method() {
    let set = prost_types::FileDescriptorSet::decode(flight_risk_proto::FILE_DESCRIPTOR_SET).unwrap();
    let own = || set.file.iter().filter(|file| file.package() == "flightrisk.v1");
    let messages: BTreeMap<String, &prost_types::DescriptorProto> =
        own().flat_map(|file| &file.message_type).map(|m| (format!(".flightrisk.v1.{}", m.name()), m)).collect();
    let mut methods = BTreeSet::new();
    for service in own().flat_map(|file| &file.service) {
        for method in &service.method {
            let name = format!("flightrisk.v1.{}/{}", service.name(), method.name());
            let policy = POLICIES.iter().find(|policy| policy.method == name);
            let Some(policy) = policy else { panic!("{name} has no policy: nobody could call it") };
            // Where a purpose is needed, one can be stated.
            let input = messages[method.input_type()];
            let parts = input.field.iter().filter_map(|field| messages.get(field.type_name()).copied());
            let purpose = parts.chain([input]).any(|message| message.field.iter().any(|f| f.name() == "purpose"));
            assert!(purpose || !policy.about_people, "{name} has no field for the purpose that it needs");
            assert!(methods.insert(name));
        }
    }
    assert!(methods.len() > 20, "{methods:?}");
    for policy in POLICIES {
        assert!(methods.contains(policy.method), "{} is in no .proto file", policy.method);
    }
    assert_eq!(POLICIES.len(), methods.len(), "no method is named twice");
}

#[tokio::test]
async fn each_role_is_let_in_where_the_table_says_and_nowhere_else() {
    let (server, _, keys, _folder) = guarded(&Role::ALL).await;
    let keys: Vec<String> = keys.iter().map(bearer).collect();
    let mut lines = ROLES.lines().filter(|line| !line.trim().is_empty());
    let roles: Vec<Role> = lines.next().unwrap().split_whitespace().map(|name| Role::parse(name).unwrap()).collect();
    assert_eq!(roles, Role::ALL);
    let mut denials = BTreeSet::new();
    let mut count = 0;
    for line in lines {
        let (method, marks) = line.trim().split_once(' ').unwrap();
        let method = format!("flightrisk.v1.{method}");
        for ((role, key), mark) in roles.iter().zip(&keys).zip(marks.split_whitespace()) {
            let answer = refusal(&server, &method, &[key]).await;
            let code = code(answer.as_ref());
            assert_ne!(code, Some(Code::Unauthenticated), "{method} as {role:?}");
            match mark {
                "x" => assert_ne!(code, Some(Code::PermissionDenied), "{method} as {role:?}"),
                "." => {
                    assert_eq!(code, Some(Code::PermissionDenied), "{method} as {role:?}");
                    denials.insert(answer.unwrap());
                }
                other => panic!("{other}"),
            }
            count += 1;
        }
    }
    assert_eq!(count, POLICIES.len() * Role::ALL.len());
    // A method that does not exist looks like one that is not permitted, and so does every denial.
    for nowhere in ["flightrisk.v1.ScoringService/Score", "flightrisk.v1.Secret/Read", "", "x"] {
        denials.insert(refusal(&server, nowhere, &[&keys[0]]).await.unwrap());
    }
    assert_eq!(denials.len(), 1, "{denials:?}");
}

#[tokio::test]
async fn without_valid_credentials_every_answer_is_the_same_to_the_byte() {
    let (server, _, keys, _folder) = guarded(&[Role::HrPartner, Role::Hris]).await;
    let [good, other] = keys.as_slice() else { panic!() };
    let (head, _) = good.token.rsplit_once('_').unwrap();
    // Another key's secret, and an identifier that was never given.
    let crossed = format!("frk_{}_{}", good.id, other.token.splitn(3, '_').nth(2).unwrap());
    let stranger = good.token.replacen(&good.id, "0123456789ab", 1);
    let ok = bearer(good);
    let wrong: Vec<Vec<String>> = vec![
        vec![],
        vec![String::new()],
        vec!["Bearer".into()],
        vec!["Bearer ".into()],
        vec![good.token.clone()],
        vec![format!("Basic {}", good.token)],
        vec![format!("Bearer {head}_")],
        vec![format!("Bearer {}", &good.token[..good.token.len() - 1])],
        vec![format!("Bearer {}A", good.token)],
        vec![format!("Bearer {crossed}")],
        vec![format!("Bearer {stranger}")],
        vec!["Bearer a.b.c".into()],
        vec![ok.clone(), ok.clone()],
    ];
    let mut answers = BTreeSet::new();
    for method in
        ["flightrisk.v1.ModelService/GetModel", "flightrisk.v1.PrivacyService/EraseEmployee", "no.such/Method"]
    {
        for authorization in &wrong {
            let values: Vec<&str> = authorization.iter().map(String::as_str).collect();
            let answer = refusal(&server, method, &values).await;
            assert_eq!(code(answer.as_ref()), Some(Code::Unauthenticated), "{method}: {values:?}");
            answers.insert(answer.unwrap());
        }
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let authorization = format!("{scheme} {}", good.token);
        let answer = refusal(&server, "flightrisk.v1.ModelService/GetModel", &[&authorization]).await;
        assert_eq!(code(answer.as_ref()), Some(Code::InvalidArgument), "{scheme}: the empty name is what is wrong");
    }
}

#[tokio::test]
async fn health_is_open_and_the_description_of_the_api_needs_any_caller() {
    let (server, _, keys, _folder) = guarded(&[Role::Auditor]).await;
    HealthClient::new(server.channel().await).check(HealthCheckRequest::default()).await.unwrap();
    let auditor = bearer(&keys[0]);
    for version in ["v1", "v1alpha"] {
        let method = format!("grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
        assert_eq!(code(refusal(&server, &method, &[]).await.as_ref()), Some(Code::Unauthenticated));
        assert_eq!(code(refusal(&server, &method, &[&auditor]).await.as_ref()), None);
    }
}

#[tokio::test]
async fn with_access_control_off_everything_is_open_and_strange_methods_are_named_so() {
    let server = Served::start_with(native(), open_config()).await;
    let method = "flightrisk.v1.ModelService/GetModel";
    for authorization in [&[][..], &["Bearer nonsense"]] {
        assert_eq!(code(refusal(&server, method, authorization).await.as_ref()), Some(Code::InvalidArgument));
    }
    let answer = refusal(&server, "flightrisk.v1.ScoringService/Score", &[]).await;
    assert_eq!(code(answer.as_ref()), Some(Code::Unimplemented));
}

#[tokio::test]
async fn a_client_scores_with_its_key_and_revocation_takes_effect_within_seconds() {
    let (server, store, _, _folder) = guarded(&[]).await;
    // Made after the server began: it is good soon.
    let key = store.create_key(&key_of(Role::Hris)).await.unwrap();
    let mut client = server.scoring().await;
    let mut score = async || {
        let mut request = tonic::Request::new(named([number("tenure_years", 2.0)]));
        request.metadata_mut().insert("authorization", bearer(&key).parse().unwrap());
        client.score_employee(request).await
    };
    let made = Instant::now();
    while let Err(status) = score().await {
        assert_eq!(status.code(), Code::Unauthenticated);
        assert!(made.elapsed() < Duration::from_secs(2), "a new key is not known");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(store.revoke_key(&key.id).await.unwrap());
    let revoked = Instant::now();
    while score().await.is_ok() {
        assert!(revoked.elapsed() < KEYS_FRESH + Duration::from_secs(1), "a revoked key is still good");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn keys_are_kept_as_hashes_listed_and_revoked() {
    each_store(async |store| {
        let units = Scope::Units { departments: vec!["Sales".into()], locations: vec!["Köln".into(), "Graz".into()] };
        let partner = NewKey { scope: units.clone(), ..key_of(Role::HrPartner) };
        let keys = [partner, key_of(Role::Manager), NewKey { purpose: None, ..key_of(Role::Hris) }];
        let mut made = Vec::new();
        for key in &keys {
            made.push(store.create_key(key).await.unwrap());
        }
        assert!(matches!(store.create_key(&keys[0]).await, Err(KeyError::NameInUse(name)) if name == "hr_partner"));
        let ring = KeyRing::new(Arc::new(store.clone()));
        for (key, made) in keys.iter().zip(&made) {
            let expected = Caller {
                actor: format!("key:{}", key.name),
                role: key.role,
                scope: key.scope.clone(),
                standing_purpose: key.purpose.clone(),
            };
            assert_eq!(*ring.caller(&made.token).await.unwrap(), expected);
        }
        let listed = store.keys().await.unwrap();
        assert_eq!(listed.iter().map(|key| &key.id).collect::<BTreeSet<_>>(), made.iter().map(|key| &key.id).collect());
        assert!(!store.revoke_key("0123456789ab").await.unwrap());
        assert!(store.revoke_key(&made[0].id).await.unwrap() && store.revoke_key(&made[0].id).await.unwrap());
        let fresh = KeyRing::new(Arc::new(store.clone()));
        assert_eq!(fresh.caller(&made[0].token).await, Err(Refusal::UnknownKey));
        fresh.caller(&made[1].token).await.unwrap();
        // Its name is free again.
        store.create_key(&keys[0]).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_secret_of_a_key_is_nowhere_in_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store.db").to_str().unwrap()).await.unwrap();
    let key = store.create_key(&key_of(Role::Admin)).await.unwrap();
    store.close().await;
    let secret = key.token.splitn(3, '_').nth(2).unwrap();
    let raw = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, secret).unwrap();
    let mut seen = 0;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        seen += bytes.windows(key.id.len()).filter(|window| *window == key.id.as_bytes()).count();
        for secret in [secret.as_bytes(), &raw] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret));
        }
    }
    assert!(seen > 0, "the key is in these files");
}

#[tokio::test]
async fn a_key_is_good_until_its_end_and_not_a_moment_longer() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store.db").to_str().unwrap()).await.unwrap();
    let end = now_micros() + 400_000;
    let key = store.create_key(&NewKey { expires_at: Some(end), ..key_of(Role::Hris) }).await.unwrap();
    let ring = KeyRing::new(Arc::new(store.clone()));
    ring.caller(&key.token).await.unwrap();
    while now_micros() < end {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The keys are not read again yet: the end is looked at on every call.
    assert_eq!(ring.caller(&key.token).await, Err(Refusal::ExpiredKey));
    store.create_key(&NewKey { expires_at: None, ..key_of(Role::Hris) }).await.unwrap();
}

#[tokio::test]
async fn requests_do_not_ask_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store.db").to_str().unwrap()).await.unwrap();
    let key = store.create_key(&key_of(Role::Hris)).await.unwrap();
    let ring = KeyRing::new(Arc::new(store.clone()));
    ring.caller(&key.token).await.unwrap();
    // With the store gone, what was read is still good, for a while.
    store.close().await;
    for _ in 0..1_000 {
        ring.caller(&key.token).await.unwrap();
    }
    let unknown = KeyRing::new(Arc::new(store));
    assert_eq!(unknown.caller(&key.token).await, Err(Refusal::StoreUnavailable));
}
