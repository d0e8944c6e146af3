//! What those who run the server type: the audit log verified, a store copied, a configuration checked.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;

use flight_risk_proto::v1;
use flight_risk_proto::v1::scoring_service_client::ScoringServiceClient;

use crate::support::{Output, Server, flight_risk, new_folder, sample_company, trained_flat_model, trained_model};

const EXIT_DATA: i32 = 3;
const EXIT_OUTPUT: i32 = 7;
const EXIT_STORE: i32 = 9;
const EXIT_AUDIT_LOG: i32 = 10;

#[tokio::test]
async fn the_audit_log_is_verified_and_listed_and_a_copy_of_the_store_is_whole_while_the_server_runs() {
    let server = Server::start(trained_flat_model());
    let mut client = ScoringServiceClient::new(server.channel().await);
    for employee in ["e-1", "e-2", "e-1"] {
        let values = Some(v1::feature_row::Values::Named(v1::NamedValues::default()));
        let subject = Some(v1::score_employee_request::Subject::Features(v1::FeatureRow { values }));
        let employee_id = employee.to_owned();
        let request = v1::ScoreEmployeeRequest { employee_id, subject, ..Default::default() };
        client.score_employee(request).await.unwrap();
    }
    let folder = new_folder("operating");
    let copy = folder.join("copy.db");
    let run = |line: &str, paths: &[&OsStr]| -> Output {
        let mut paths = paths.iter();
        flight_risk(line.split(' ').map(|word| if word == "PATH" { *paths.next().unwrap() } else { OsStr::new(word) }))
    };
    let store = server.store().as_os_str();
    run("backup --quiet --store PATH --out PATH", &[store, copy.as_os_str()]).ok();
    let key = format!("{}.key", server.store().display());
    let verified = run("audit verify --json --store PATH --key-file PATH", &[copy.as_os_str(), key.as_ref()]).ok();
    let verified: serde_json::Value = serde_json::from_str(&verified.stdout).unwrap();
    assert_eq!(verified["records"], 4, "that the copy was made too");
    let hash = verified["last_hash"].as_str().unwrap();
    let noted = format!("audit verify --store PATH --expect-count 4 --expect-last {hash}");
    assert!(run(&noted, &[store]).ok().stdout.contains("4 records"));

    let cut = run("audit verify --store PATH --expect-count 5", &[store]);
    assert_eq!((cut.code, cut.stderr.contains("there were 5 before")), (Some(EXIT_AUDIT_LOG), true), "{cut:?}");
    let listed = run("audit list --store PATH --employee e-1", &[store]).ok().stdout;
    assert_eq!(listed.lines().filter(|line| line.contains("ScoringService/ScoreEmployee")).count(), 2, "{listed}");
    assert!(!listed.contains("e-1"), "{listed}");
    assert_eq!(run("audit list --store PATH --since 2199-01-01", &[store]).ok().stdout, "");
    // A copy without its key; a store that is not there.
    assert_eq!(run("audit verify --store PATH", &[copy.as_os_str()]).code, Some(EXIT_DATA));
    assert_eq!(run("audit verify --store PATH", &[folder.join("none.db").as_os_str()]).code, Some(EXIT_STORE));
}

#[test]
fn the_nightly_refresh_is_in_the_audit_log_and_keeps_nothing_where_it_cannot_be() {
    let folder = new_folder("refresh");
    let (store, other) = (folder.join("store.db"), folder.join("other.db"));
    let run = |line: &str, paths: &[&Path]| {
        let mut paths = paths.iter();
        flight_risk(
            line.split(' ')
                .map(|word| if word == "PATH" { paths.next().unwrap().as_os_str() } else { OsStr::new(word) }),
        )
    };
    let (model, data) = (trained_model(), sample_company());
    let told = run("score --json --model PATH --data PATH --store PATH", &[model, data, &store]).ok().stdout;
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let listed = run("audit list --json --store PATH", &[&store]).ok().stdout;
    let record: serde_json::Value = serde_json::from_str(listed.trim()).expect("one record");
    assert_eq!((&record["method"], &record["role"]), (&"flightrisk.command.Scores/Keep".into(), &"operator".into()));
    assert!(record["actor"].as_str().unwrap().starts_with("command:"), "{record}");
    assert_eq!(record["model_version"], told["model_version"]);
    let stages: Vec<&str> = told["stages"].as_array().unwrap().iter().filter_map(|s| s["stage"].as_str()).collect();
    assert_eq!(stages, ["Reading", "Scoring", "Writing to the store"], "{told}");
    let people = format!("people scored: {}, as of ", told["scored"]);
    assert!(record["purpose"].as_str().unwrap().starts_with(&people), "{record}");
    run("audit verify --store PATH --expect-count 1", &[&store]).ok();

    // A folder is no key.
    let line = "score --model PATH --data PATH --store PATH --key-file PATH";
    let refused = run(line, &[model, data, &other, &folder]);
    assert_eq!((refused.code, refused.stderr.contains("--key-file")), (Some(EXIT_DATA), true), "{refused:?}");
    run("backup --quiet --store PATH --out PATH", &[&other, &folder.join("copy.db")]).ok();
    let listed = run("audit list --store PATH", &[&other]).ok().stdout;
    assert!(listed.contains("people: 0;") && listed.lines().count() == 1, "{listed}");
    let refused = run("backup --store PATH --out PATH", &[&other, &folder.join("nowhere/copy.db")]);
    assert_eq!((refused.code, refused.stderr.contains("there is no folder")), (Some(EXIT_OUTPUT), true), "{refused:?}");
    assert_eq!(run("audit list --store PATH", &[&other]).ok().stdout, listed, "nothing was begun");
}

#[test]
fn a_configuration_is_checked_without_a_model() {
    let folder = new_folder("checked");
    let path = folder.join("mine.toml");
    let check = |text: &str| {
        std::fs::write(&path, text).unwrap();
        flight_risk([OsStr::new("serve"), OsStr::new("--check-config"), OsStr::new("--config"), path.as_os_str()])
    };
    assert_eq!(check("").ok().stdout, "ok\n");
    let default = flight_risk(["serve", "--print-config"]).ok().stdout;
    check(&default).ok();
    let refused = check("[groups]\nminimum_employees = 3\n[stor]\n");
    assert_eq!(refused.code, Some(EXIT_DATA));
    for says in ["mine.toml", "line 2: groups.minimum_employees = 3", "10 or more", "line 3: stor"] {
        assert!(refused.stderr.contains(says), "{says}: {}", refused.stderr);
    }
}

/// What a console answers to a request for a path.
fn asked(console: SocketAddr, host: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(console).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_console_is_served_beside_grpc_on_its_own_port_and_ends_with_the_server() {
    let store = new_folder("console-store").join("store.db");
    let mut server = Server::with_console(trained_model(), store.to_str().unwrap());
    let console = server.console();
    assert_ne!(console, server.address());
    let own = console.to_string();
    for (host, path, status) in [
        (own.as_str(), "/sign-in", "200"),
        (&own, "/at-risk", "303"),
        (&own, "/nowhere", "404"),
        ("attacker.example", "/sign-in", "421"),
    ] {
        let answer = asked(console, host, path);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{host}{path}: {answer}");
        assert!(answer.contains("content-security-policy: default-src 'none'"), "{host}{path}: {answer}");
    }
    // Whoever has a connection open keeps nobody from stopping the server.
    let _idle = TcpStream::connect(console).unwrap();
    let id = server.child().id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(server.child().wait().unwrap().success());
    assert!(TcpStream::connect(console).is_err(), "nobody listens any more");
}
