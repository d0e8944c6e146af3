//! What those who run the server type: the audit log verified, a store copied, a configuration checked.

use std::ffi::OsStr;

use flight_risk_proto::v1;
use flight_risk_proto::v1::scoring_service_client::ScoringServiceClient;

use crate::support::{Output, Server, flight_risk, new_folder, trained_flat_model};

const EXIT_DATA: i32 = 3;
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
    assert_eq!(verified["records"], 3);
    let hash = verified["last_hash"].as_str().unwrap();
    let noted = format!("audit verify --store PATH --expect-count 3 --expect-last {hash}");
    assert!(run(&noted, &[store]).ok().stdout.contains("3 records"));

    let cut = run("audit verify --store PATH --expect-count 4", &[store]);
    assert_eq!((cut.code, cut.stderr.contains("there were 4 before")), (Some(EXIT_AUDIT_LOG), true), "{cut:?}");
    let listed = run("audit list --store PATH --employee e-1", &[store]).ok().stdout;
    assert_eq!(listed.lines().filter(|line| line.contains("ScoringService/ScoreEmployee")).count(), 2, "{listed}");
    assert!(!listed.contains("e-1"), "{listed}");
    assert_eq!(run("audit list --store PATH --since 2199-01-01", &[store]).ok().stdout, "");
    // A copy without its key; a store that is not there.
    assert_eq!(run("audit verify --store PATH", &[copy.as_os_str()]).code, Some(EXIT_DATA));
    assert_eq!(run("audit verify --store PATH", &[folder.join("none.db").as_os_str()]).code, Some(EXIT_STORE));
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
