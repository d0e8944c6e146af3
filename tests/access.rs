//! Who is let in, from outside: keys made by the command, a server that needs them, and what a stranger gets.

use std::time::{Duration, Instant};

use flight_risk_proto::v1;
use flight_risk_proto::v1::model_service_client::ModelServiceClient;
use flight_risk_proto::v1::scoring_service_client::ScoringServiceClient;
use serde_json::Value;
use tonic::{Code, Request, Status};

use crate::support::{Output, Server, flight_risk, new_folder, trained_flat_model};

/// The command line is wrong.
const EXIT_USAGE: i32 = 2;
/// The store cannot be opened.
const EXIT_STORE: i32 = 9;

fn keys(store: &str, arguments: &str) -> Output {
    flight_risk(["keys", "--store", store].into_iter().chain(arguments.split_whitespace()))
}

/// Asks for the model with these credentials.
async fn model(server: &Server, authorization: Option<&str>) -> Result<(), Status> {
    let mut request = Request::new(v1::GetModelRequest { name: "models/active".into() });
    if let Some(value) = authorization {
        request.metadata_mut().insert("authorization", value.parse().unwrap());
    }
    ModelServiceClient::new(server.channel().await).get_model(request).await.map(|_| ())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_made_by_the_command_lets_in_until_it_is_revoked() {
    let folder = new_folder("access");
    let store = folder.join("store.db").display().to_string();
    let made = keys(&store, "create --name nightly --role hris --purpose nightly").ok();
    let key = made.stdout.trim();
    assert!(key.starts_with("frk_") && made.stdout.lines().count() == 1, "the key alone: {}", made.stdout);
    assert!(!made.stderr.contains(key), "told once");

    let server = Server::guarded(trained_flat_model(), &store);
    let bearer = format!("Bearer {key}");
    model(&server, Some(&bearer)).await.unwrap();
    for wrong in [None, Some("Bearer frk_000000000000_AAAA"), Some(key)] {
        let status = model(&server, wrong).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
    }
    // In another role than the method needs.
    let request = v1::SimulateChangesRequest::default();
    let mut request = Request::new(request);
    request.metadata_mut().insert("authorization", bearer.parse().unwrap());
    let status = ScoringServiceClient::new(server.channel().await).simulate_changes(request).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied, "{status:?}");

    let listed = keys(&store, "list --json").ok();
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!((&listed[0]["name"], &listed[0]["state"]), (&Value::from("nightly"), &Value::from("in force")));
    let secret = key.splitn(3, '_').nth(2).unwrap();
    assert!(!listed.to_string().contains(secret));
    keys(&store, &format!("revoke {}", listed[0]["id"].as_str().unwrap())).ok();
    let revoked = Instant::now();
    while model(&server, Some(&bearer)).await.is_ok() {
        assert!(revoked.elapsed() < Duration::from_secs(8), "a revoked key is still good");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!server.log().contains(secret), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_keys_starts_denies_everything_and_says_how_to_make_one() {
    let folder = new_folder("access-none");
    let server = Server::guarded(trained_flat_model(), &folder.join("store.db").display().to_string());
    assert_eq!(model(&server, None).await.unwrap_err().code(), Code::Unauthenticated);
    assert!(server.log().contains("flight-risk keys create"), "{}", server.log());
}

#[test]
fn keys_that_make_no_sense_are_refused_with_advice() {
    let folder = new_folder("access-keys");
    let store = folder.join("store.db").display().to_string();
    for (arguments, said) in [
        ("create --name m --role manager", "--manager-id"),
        ("create --name m --role hris --manager-id m-1", "--role manager only"),
        ("create --name m --role boss", "hr_partner"),
        ("create --name m --role hris --expires-in-days 0", "0"),
        ("revoke 0123456789ab", "keys list"),
    ] {
        let output = keys(&store, arguments);
        assert_eq!(output.code, Some(EXIT_USAGE), "{arguments}: {}", output.stderr);
        assert!(output.stderr.contains(said), "{arguments}: {}", output.stderr);
    }
    keys(&store, "create --name p --role hr_partner --department Sales --location Graz --expires-in-days 30").ok();
    let again = keys(&store, "create --name p --role hris");
    assert!(again.code == Some(EXIT_USAGE) && again.stderr.contains("in force"), "{}", again.stderr);
    let listed = keys(&store, "list").ok().stdout;
    assert!(listed.contains("departments Sales; locations Graz") && listed.contains("in force"), "{listed}");
}

#[test]
fn a_mistyped_store_is_no_empty_one() {
    let folder = new_folder("access-mistyped");
    let nowhere = folder.join("mistyped.db");
    let other = folder.join("scores.csv");
    std::fs::write(&other, "employee_id,risk\n".repeat(100)).unwrap();
    for (store, arguments, said) in [
        (&nowhere, "list", "there is no store"),
        (&nowhere, "revoke 0123456789ab", "there is no store"),
        (&other, "list", "no SQLite database"),
        (&other, "create --name nightly --role hris", "no SQLite database"),
        (&folder, "create --name nightly --role hris", "no SQLite database"),
    ] {
        let store = store.display().to_string();
        let output = keys(&store, arguments);
        assert_eq!(output.code, Some(EXIT_STORE), "{arguments}: {}{}", output.stdout, output.stderr);
        assert!(output.stderr.contains(said) && output.stderr.contains(&store), "{arguments}: {}", output.stderr);
    }
    assert!(!nowhere.exists(), "asking for keys makes no store");
}
