//! Accounts of the console, from outside: made, listed, disabled and given other passwords by the command.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Output, command, flight_risk, new_folder};

/// The command line is wrong.
const EXIT_USAGE: i32 = 2;
/// A key that cannot be read.
const EXIT_DATA: i32 = 3;
/// The store cannot be opened.
const EXIT_STORE: i32 = 9;

fn users(store: &str, arguments: &str) -> Output {
    flight_risk(["users", "--store", store].into_iter().chain(arguments.split_whitespace()))
}

/// The same with something on standard input.
fn typed(store: &str, arguments: &str, input: &[u8]) -> Output {
    let mut command = command(["users", "--store", store].into_iter().chain(arguments.split_whitespace()));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that refuses its options does not read.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    Output {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn listed(store: &str) -> Value {
    serde_json::from_str(&users(store, "list --json").ok().stdout).unwrap()
}

#[test]
fn an_account_is_made_with_a_password_that_is_told_once_and_kept_nowhere() {
    let folder = new_folder("users");
    let store = folder.join("store.db").display().to_string();
    let made = users(&store, "create --name Partner --role hr_partner --department Sales --location Graz").ok();
    let password = made.stdout.trim().to_owned();
    assert!(password.len() >= 20 && made.stdout.lines().count() == 1, "the password alone: {}", made.stdout);
    assert!(!made.stderr.contains(&password), "told once");
    assert!(made.stderr.contains("departments Sales; locations Graz"), "{}", made.stderr);

    let chosen = "a password of my own";
    let made =
        typed(&store, "create --name m --role manager --manager-id E-7 --password-stdin", chosen.as_bytes()).ok();
    assert_eq!(made.stdout, "", "nothing to tell");
    let made = users(&store, "create --name auditor --role auditor --json").ok();
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    let third = made["password"].as_str().unwrap();
    assert_eq!((&made["name"], &made["scope"]), (&Value::from("auditor"), &Value::from("everybody")));

    let text = users(&store, "list").ok().stdout;
    assert!(text.contains("reports of E-7") && text.contains("in force"), "{text}");
    let all = listed(&store);
    let names: Vec<&str> = all.as_array().unwrap().iter().map(|user| user["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["auditor", "m", "partner"]);
    for secret in [password.as_str(), chosen, third] {
        assert!(!text.contains(secret) && !all.to_string().contains(secret));
        for file in std::fs::read_dir(&folder).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "kept as it is");
        }
    }
}

#[test]
fn an_account_is_disabled_enabled_and_given_another_password() {
    let folder = new_folder("users-changed");
    let store = folder.join("store.db").display().to_string();
    users(&store, "create --name a --role admin").ok();
    assert!(users(&store, "disable A").ok().stdout.contains("signed out everywhere"));
    assert_eq!(listed(&store)[0]["state"], "disabled");
    assert!(users(&store, "enable a").ok().stdout.contains("can sign in again"));
    assert_eq!(listed(&store)[0]["state"], "in force");
    let (first, second) = (users(&store, "password a").ok().stdout, users(&store, "password a").ok().stdout);
    assert!(first != second && first.len() > 20, "{first} {second}");
    assert_eq!(typed(&store, "password a --password-stdin", b"another good password\r\n").ok().stdout, "");
}

#[test]
fn an_account_gets_another_role_and_is_deleted_and_the_audit_log_says_so() {
    let folder = new_folder("users-roles");
    let store = folder.join("store.db").display().to_string();
    let first = users(&store, "create --name a --role hr_partner --department Sales").ok();
    let said = users(&store, "change A --role manager --manager-id E-7").ok().stdout;
    assert!(said.contains("manager now, reports of E-7; was hr_partner, departments Sales"), "{said}");
    let changed: Value = serde_json::from_str(&users(&store, "change a --role auditor --json").ok().stdout).unwrap();
    assert_eq!((&changed["role"], &changed["previous_role"]), (&Value::from("auditor"), &Value::from("manager")));
    assert_eq!((&listed(&store)[0]["role"], &listed(&store)[0]["scope"]), (&"auditor".into(), &"everybody".into()));
    assert!(users(&store, "delete A").ok().stdout.contains("signed out everywhere"));
    assert_eq!(listed(&store).as_array().unwrap().len(), 0);
    users(&store, "create --name a --role admin").ok();

    let log = flight_risk(["audit", "list", "--store", &store]).ok().stdout;
    for (line, said) in log.lines().zip([
        "Users/Create  0 employees  \"account a: hr_partner, departments Sales\"",
        "Users/Change  1 employees",
        "Users/Change  1 employees",
        "Users/Delete  0 employees  \"account a: it was auditor, everybody\"",
        "Users/Create  0 employees  \"account a: admin, everybody\"",
    ]) {
        assert!(line.contains(said) && line.contains("command:") && line.contains("(operator)"), "{said}: {line}");
    }
    assert_eq!(log.lines().count(), 5, "{log}");
    assert!(!log.contains("E-7") && !log.contains(first.stdout.trim()), "{log}");
    flight_risk(["audit", "verify", "--store", &store]).ok();

    // Without the key of the log nothing is changed.
    std::fs::rename(format!("{store}.key"), folder.join("elsewhere.key")).unwrap();
    let refused = users(&store, "delete a");
    assert!(refused.code == Some(EXIT_DATA) && refused.stderr.contains("--key-file"), "{}", refused.stderr);
    assert_eq!(listed(&store).as_array().unwrap().len(), 1);
    let key = folder.join("elsewhere.key").display().to_string();
    users(&store, &format!("delete a --key-file {key}")).ok();
}

#[test]
fn accounts_that_make_no_sense_are_refused_with_advice() {
    let folder = new_folder("users-refused");
    let store = folder.join("store.db").display().to_string();
    users(&store, "create --name a --role analyst").ok();
    for (arguments, said) in [
        ("create --name A --role admin", "there is an account named a"),
        ("create --name m --role manager", "--manager-id"),
        ("create --name m --role hris --manager-id m-1", "--role manager only"),
        ("create --name m --role boss", "hr_partner"),
        ("create --name m --role hris --password secret", "--password"),
        ("disable nobody", "users list"),
        ("enable nobody", "users list"),
        ("password nobody", "users list"),
        ("change nobody --role admin", "users list"),
        ("change a --role manager", "--manager-id"),
        ("change a", "--role"),
        ("delete nobody", "users list"),
    ] {
        let output = users(&store, arguments);
        assert_eq!(output.code, Some(EXIT_USAGE), "{arguments}: {}", output.stderr);
        assert!(output.stderr.contains(said), "{arguments}: {}", output.stderr);
    }
    for (input, said) in [
        ("", "12 characters"),
        ("elevenchars\n", "12 characters"),
        (&"x".repeat(257), "256 bytes"),
        (&"x".repeat(100_000), "256 bytes"),
        ("two lines\nof a password", "control character"),
    ] {
        let output = typed(&store, "create --name b --role hris --password-stdin", input.as_bytes());
        assert_eq!(output.code, Some(EXIT_USAGE), "{}", output.stderr);
        assert!(output.stderr.contains(said) && !output.stderr.contains("xxx"), "{}", output.stderr);
    }
    assert_eq!(typed(&store, "create --name b --role hris --password-stdin", &[0xff; 20]).code, Some(EXIT_USAGE));
    assert_eq!(listed(&store).as_array().unwrap().len(), 1);
    let nowhere = folder.join("mistyped.db");
    for arguments in ["list", "disable a", "password a"] {
        let output = users(&nowhere.display().to_string(), arguments);
        assert_eq!(output.code, Some(EXIT_STORE), "{arguments}: {}", output.stderr);
    }
    assert!(!nowhere.exists(), "asking for accounts makes no store");
}
