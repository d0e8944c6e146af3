//! The configuration file as somebody writes it, and what is said about it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;

use super::*;

/// What is wrong with a file of this text, a line per problem.
fn problems(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.toml");
    std::fs::write(&path, text).unwrap();
    match ServerConfig::load(Some(&path), |_| {}) {
        Ok(_) => Vec::new(),
        Err(errors) => {
            assert!(errors.to_string().contains("c.toml"), "{errors}");
            errors.problems.iter().map(ToString::to_string).collect()
        }
    }
}

/// A section for signing in at an identity provider, with one more line.
fn oidc(more: &str) -> String {
    let redirect = "http://127.0.0.1:8080/sign-in/return";
    format!(
        "[console.oidc]\nissuer = \"https://i\"\nclient_id = \"c\"\nredirect_url = \"{redirect}\"\nalgorithm = \"ES256\"\n{more}"
    )
}

#[test]
fn every_key_by_itself() {
    for (text, expected) in [
        ("", None),
        ("[groups]\nminimum_employees = 10", None),
        ("[groups]\nminimum_employees = 9", Some("line 2: groups.minimum_employees = 9: a whole number of 10 or more")),
        ("[groups]\nminimum_answers = 4", Some("line 2: groups.minimum_answers = 4: a whole number of 5 or more")),
        ("[groups]\nminimum_answers = \"5\"", Some("line 2: groups.minimum_answers = \"5\": a whole number")),
        ("store.retention_days = 0", Some("line 1: store.retention_days = 0: a whole number from 1 to 36500")),
        ("store.stale_after_days = -1", Some("store.stale_after_days = -1")),
        ("store.retention_days = 99999999999999999999", Some("store.retention_days")),
        ("store.url = \"mysql://root:secret@host/db\"", Some("store.url: host/db is no store")),
        ("store.url = 5", Some("store.url = ...: a text in quotes")),
        ("risk.material_change = 1.0", Some("risk.material_change = 1.0: a number above 0 and below 1")),
        ("risk.material_change = 0.0", Some("risk.material_change")),
        ("risk.material_change = nan", Some("risk.material_change")),
        ("risk.material_change = 0.99", None),
        ("listen.address = \"localhost:1\"", Some("listen.address = \"localhost:1\": an IP address and a port")),
        ("access.mode = \"none\"", Some("access.mode = \"none\": one of \"required\", \"off\"")),
        ("audit.enabled = \"yes\"", Some("audit.enabled = \"yes\": true or false")),
        ("log.level = \"loud\"", Some("log.level = \"loud\": one of")),
        ("log = true", Some("log = true: it is a section")),
        (
            "[listen]\nadress = \"127.0.0.1:1\"",
            Some("line 2: listen.adress: there is no such key; known are listen.address"),
        ),
        ("[lisen]\naddress = 1", Some("line 1: lisen: there is no such key; known are listen, store")),
        ("a = 1\n\n[listen\n", Some("line 3: ")),
        ("[tls]\ncertificate = \"missing.pem\"", Some("line 1: tls.key: it is missing in [tls]")),
        (
            "[access.jwt]\nissuer = \"i\"\naudience = \"a\"\nalgorithm = \"none\"",
            Some("algorithm = \"none\": one of \"RS256\""),
        ),
        (
            "[access.jwt]\nissuer = \"i\"\naudience = \"a\"\nalgorithm = \"RS256\"",
            Some("jwks_file or jwks_url is needed"),
        ),
        (
            "[access.jwt]\nissuer = \"i\"\naudience = \"a\"\nalgorithm = \"RS256\"\njwks_url = \"http://x\"",
            Some("line 5: access.jwt.jwks_url = http://x: an address that begins with https://"),
        ),
        ("console.idle_minutes = 0", Some("console.idle_minutes = 0: a whole number from 1 to 1440")),
        ("console.session_hours = 169", Some("console.session_hours = 169: a whole number from 1 to 168")),
        ("console.address = \"127.0.0.1:50051\"", Some("another port than that of listen.address")),
        ("console.address = \"127.0.0.1:50051\"\nconsole.enabled = false", None),
        (
            "listen.metrics_address = \"127.0.0.1:8080\"",
            Some("console.address = 127.0.0.1:8080: another port than that of listen.metrics_address"),
        ),
        ("console.address = \"0.0.0.0:8080\"", Some("tls: the section [tls] is needed")),
        ("console.address = \"0.0.0.0:8080\"\nconsole.enabled = false", None),
        (
            "console.address = \"0.0.0.0:8080\"\naudit.enabled = false",
            Some("line 2: audit.enabled = false: true is needed"),
        ),
        ("[console.oidc]\nissuer = \"https://i\"", Some("console.oidc.client_id: it is missing in [console.oidc]")),
        ("console.public_url = \"https://hr.example.com\"", None),
        ("console.public_url = \"https://hr.example.com:8443/\"", None),
        ("console.public_url = \"http://127.0.0.1:9000\"", None),
        (
            "console.public_url = \"http://hr.example.com\"",
            Some("console.public_url = http://hr.example.com: an address"),
        ),
        ("console.public_url = \"https://hr.example.com/risk\"", Some("has nothing after the name and the port")),
        ("console.public_url = \"https://a@hr.example.com\"", Some("has nothing after the name and the port")),
        (
            "console.public_url = \"https://a\"\naccess.mode = \"off\"",
            Some("line 2: access.mode = \"off\": \"required\""),
        ),
        (
            "console.public_url = \"https://a\"\naudit.enabled = false",
            Some("line 2: audit.enabled = false: true is needed"),
        ),
        (
            &format!("console.public_url = \"https://a\"\n{}", oidc("")),
            Some("the address of console.public_url is needed"),
        ),
        (&oidc(""), None),
        (&oidc("").replace("https://i", "i"), Some("console.oidc.issuer = i: an address that begins with https://")),
        (&oidc("jwks_url = \"http://i/keys\""), Some("console.oidc.jwks_url = http://i/keys: an address that begins")),
        (&oidc("jwks_url = \"http://127.0.0.1:1/keys\""), None),
        (&oidc("token_endpoint = \"http://i/token\""), Some("console.oidc.token_endpoint = http://i/token")),
        (&oidc("client_secret_file = \"missing\""), Some("console.oidc.client_secret_file = missing")),
        (&oidc("groups = { admin = \"a\", auditor = \"a\" }"), Some("another role has this group")),
        (&oidc("scopes = \"groups\""), Some("console.oidc.scopes = \"groups\": \"openid\" must be among them")),
        (&oidc("audience = \"a\""), Some("console.oidc.audience: there is no such key")),
        ("actions.playbook = \"missing.toml\"", Some("line 1: actions.playbook = missing.toml")),
        ("store.url = \"postgres://host/db\"", Some("audit.key_file: it is needed with PostgreSQL")),
        ("store.url = \"postgres://host:secret/db\"", Some("store.url")),
        ("audit.key_file = \"/nowhere/at/all/key\"", Some("audit.key_file = /nowhere/at/all/key: a file in a folder")),
        ("listen.address = \"0.0.0.0:1\"", Some("tls: the section [tls] is needed")),
        ("listen.metrics_address = \"127.0.0.1:50051\"", Some("another port")),
        ("access.mode = \"off\"\naudit.enabled = false", None),
    ] {
        let found = problems(text).join("\n");
        match expected {
            None => assert_eq!(found, "", "{text}"),
            Some(expected) => assert!(found.contains(expected), "{text}\n{found}"),
        }
        assert!(!found.contains(":secret"), "{found}");
    }
}

#[test]
fn everything_is_told_at_once_in_the_order_of_the_lines() {
    let text = r#"
unknown = 1
[listen]
address = "0.0.0.0:50051"
[access]
mode = "off"
[audit]
enabled = false
[groups]
minimum_employees = 3
minimum_answers = "many"
[tls]
certificate = "missing.pem"
key = "missing.key"
[store]
retention_days = 0
color = "red"
"#;
    let found = problems(text);
    let starts = [
        "line 2: unknown: ",
        "line 6: access.mode = \"off\": ",
        "line 8: audit.enabled = false: ",
        "line 10: groups.minimum_employees = 3: ",
        "line 11: groups.minimum_answers = \"many\": ",
        "line 13: tls.certificate = missing.pem: ",
        "line 14: tls.key = missing.key: ",
        "line 16: store.retention_days = 0: ",
        "line 17: store.color: ",
    ];
    assert_eq!(found.len(), starts.len(), "{found:#?}");
    for (found, start) in found.iter().zip(starts) {
        assert!(found.starts_with(start), "{found} for {start}");
    }
}

#[test]
fn what_the_command_line_says_is_checked_too() {
    let other = |config: &mut ServerConfig| config.listen.address = "192.0.2.1:50051".parse().unwrap();
    let errors = ServerConfig::load(None, other).unwrap_err();
    assert!(errors.to_string().contains("tls: the section [tls] is needed"), "{errors}");
    assert!(ServerConfig::load(None, |_| {}).is_ok());
    let missing = ServerConfig::load(Some(Path::new("missing.toml")), |_| {}).unwrap_err();
    assert!(missing.to_string().contains("missing.toml"), "{missing}");
}

/// The documented file with what it leaves off turned on.
fn everything_on() -> String {
    let on = |line: &str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with('[') || rest.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')) => {
            rest.to_owned()
        }
        _ => line.to_owned(),
    };
    DEFAULT_FILE.lines().map(on).collect::<Vec<_>>().join("\n")
}

/// The paths of all values.
fn leaves(value: &serde_json::Value, path: &str, into: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                leaves(value, &if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, into);
            }
        }
        _ => {
            into.insert(path.to_owned());
        }
    }
}

#[test]
fn the_documented_file_is_the_default_and_has_every_key() {
    let json = |config: &ServerConfig| serde_json::to_value(config).unwrap();
    let documented: ServerConfig = toml::from_str(DEFAULT_FILE).unwrap();
    assert_eq!(json(&documented), json(&ServerConfig::default()));
    assert_eq!(problems(DEFAULT_FILE), Vec::<String>::new());

    let read = read::read(&everything_on());
    assert_eq!(read.problems, Vec::new());
    let mut fields = BTreeSet::new();
    leaves(&json(&read.config), "", &mut fields);
    let keys: BTreeSet<String> = keys::KEYS.iter().map(|(key, _)| (*key).to_owned()).collect();
    assert_eq!(fields, keys, "the types and the table of keys");
    let documented: BTreeSet<String> =
        read.lines.into_keys().filter(|key| !keys::SECTIONS.contains(&key.as_str())).collect();
    assert_eq!(documented, keys, "the documented file and the table of keys");
}
