//! Rules of the repository: who may depend on whom, which licenses come in, and how sources look.

mod licenses;
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::support::{flight_risk, root};

/// Where packages may come from.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";
/// Largest file in the repository, in bytes.
const MAX_FILE_BYTES: u64 = 1_000_000;
/// Set to write the generated documents instead of comparing with them.
const BLESS: &str = "FLIGHT_RISK_BLESS";

/// What `cargo metadata` says of this workspace and of everything that is built for this machine.
struct Metadata {
    packages: BTreeMap<String, Package>,
    members: BTreeSet<String>,
}

#[derive(Debug)]
struct Package {
    name: String,
    source: Option<String>,
    license: Option<String>,
    /// Identifiers of packages that are linked into this one.
    normal: BTreeSet<String>,
    /// Identifiers of all packages that this one names, for builds and tests too.
    every: BTreeSet<String>,
}

fn metadata() -> &'static Metadata {
    static METADATA: OnceLock<Metadata> = OnceLock::new();
    METADATA.get_or_init(|| {
        let output = |command: &mut Command| {
            let output = command.current_dir(root()).output().expect("cargo and rustc run");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).expect("UTF-8")
        };
        let version = output(Command::new(std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into())).arg("-vV"));
        let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("the host");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["metadata", "--format-version", "1", "--locked", "--filter-platform", host]);
        let json: Value = serde_json::from_str(&output(&mut cargo)).expect("JSON");
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let mut packages = BTreeMap::new();
        for package in json["packages"].as_array().expect("packages") {
            let [name, id] = [&package["name"], &package["id"]].map(|value| text(value).expect("a text"));
            let (source, license) = (text(&package["source"]), text(&package["license"]));
            packages.insert(id, Package { name, source, license, normal: BTreeSet::new(), every: BTreeSet::new() });
        }
        for node in json["resolve"]["nodes"].as_array().expect("nodes") {
            let package = packages.get_mut(node["id"].as_str().expect("an id")).expect("a package");
            for dependency in node["deps"].as_array().expect("deps") {
                let id = text(&dependency["pkg"]).expect("a package");
                let mut kinds = dependency["dep_kinds"].as_array().expect("kinds").iter();
                if kinds.any(|kind| kind["kind"].is_null()) {
                    package.normal.insert(id.clone());
                }
                package.every.insert(id);
            }
        }
        let members = json["workspace_members"].as_array().expect("members").iter().filter_map(text).collect();
        Metadata { packages, members }
    })
}

impl Metadata {
    fn member(&self, name: &str) -> &str {
        let named = |id: &&String| self.packages[*id].name == name;
        self.members.iter().find(named).unwrap_or_else(|| panic!("no member {name}"))
    }

    /// Names of everything that is linked into a member.
    fn linked_into(&self, member: &str) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        let mut open = vec![self.member(member)];
        while let Some(id) = open.pop() {
            open.extend(self.packages[id].normal.iter().map(String::as_str).filter(|id| found.insert(*id)));
        }
        found.into_iter().map(|id| self.packages[id].name.as_str()).collect()
    }
}

#[track_caller]
fn links_none_of(member: &str, forbidden: &[&str]) {
    let linked = metadata().linked_into(member);
    assert!(linked.contains("serde"), "the dependencies of {member} are not all seen: {linked:?}");
    let wrong: Vec<_> = linked.iter().filter(|name| forbidden.iter().any(|start| name.starts_with(start))).collect();
    assert!(wrong.is_empty(), "{member} links {wrong:?}; `cargo tree -p {member} -e normal` shows how they come in");
}

#[test]
fn the_server_links_nothing_that_trains() {
    links_none_of("flight-risk-server", &["polars", "linfa", "ndarray", "flight-risk-data", "flight-risk-model"]);
}

#[test]
fn scoring_links_neither_what_trains_nor_what_serves() {
    let trains = ["polars", "linfa", "ndarray", "flight-risk-data", "flight-risk-model"];
    links_none_of("flight-risk-scoring", &[&trains[..], &["tokio", "tonic", "hyper", "prost"]].concat());
}

#[test]
fn the_rules_on_linking_can_fail() {
    let linked = metadata().linked_into("flight-risk");
    for name in ["polars-core", "linfa-logistic", "ndarray", "flight-risk-model", "tokio", "tonic"] {
        assert!(linked.contains(name), "{name} is not seen where it is linked");
    }
}

#[test]
fn no_crate_depends_on_the_command_and_there_is_no_circle() {
    let metadata = metadata();
    let command = metadata.member("flight-risk");
    for id in &metadata.members {
        let package = &metadata.packages[id];
        assert!(!package.every.contains(command), "{} depends on the command", package.name);
        // Followed for tests and builds as well: cargo allows circles through dev-dependencies.
        let mut open: Vec<&String> = package.every.intersection(&metadata.members).collect();
        let mut seen = BTreeSet::new();
        while let Some(next) = open.pop() {
            assert_ne!(next, id, "{} depends on itself", package.name);
            if seen.insert(next) {
                open.extend(metadata.packages[next].every.intersection(&metadata.members));
            }
        }
    }
    let model = metadata.member("flight-risk-model");
    assert!(!metadata.packages[metadata.member("flight-risk-server")].every.contains(model), "not even in its tests");
}

fn deny() -> toml::Table {
    let text = std::fs::read_to_string(root().join("deny.toml")).expect("deny.toml at the root");
    text.parse().expect("TOML")
}

#[test]
fn every_license_is_allowed_and_every_source_is_known() {
    let deny = deny();
    let texts = |value: &toml::Value| -> BTreeSet<String> {
        value.as_array().expect("a list").iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
    };
    let allowed = texts(&deny["licenses"]["allow"]);
    assert!(!allowed.is_empty());
    let exceptions = deny["licenses"].get("exceptions").and_then(toml::Value::as_array).cloned().unwrap_or_default();
    let mut problems = Vec::new();
    for package in metadata().packages.values() {
        if package.source.as_deref().is_some_and(|source| source != CRATES_IO) {
            problems.push(format!("{} comes from {:?}", package.name, package.source));
        }
        let mut allowed = allowed.clone();
        for exception in &exceptions {
            let name = exception.get("crate").or(exception.get("name")).and_then(toml::Value::as_str);
            if name == Some(&package.name) {
                allowed.extend(texts(&exception["allow"]));
            }
        }
        match &package.license {
            None => problems.push(format!("{} names no license", package.name)),
            Some(license) => match licenses::allows(license, &allowed) {
                Ok(true) => {}
                Ok(false) => problems.push(format!("{} is under {license}", package.name)),
                Err(error) => problems.push(format!("{}: {license}: {error}", package.name)),
            },
        }
    }
    assert!(problems.is_empty(), "deny.toml does not allow:\n{}", problems.join("\n"));
}

#[test]
fn nothing_that_is_banned_comes_in() {
    let deny = deny();
    let banned: Vec<String> = deny["bans"]["deny"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|ban| {
            let name = ban.as_str().or_else(|| ban.get("crate").or(ban.get("name"))?.as_str()).expect("a crate");
            name.split('@').next().unwrap_or(name).to_owned()
        })
        .collect();
    assert!(!banned.is_empty());
    let found: Vec<&str> =
        metadata().packages.values().map(|p| p.name.as_str()).filter(|name| banned.iter().any(|b| b == name)).collect();
    assert!(found.is_empty(), "deny.toml bans {found:?}");
}

#[test]
fn the_data_dictionary_is_the_registrys() {
    let path = root().join("model/scoring/DATA_DICTIONARY.md");
    let generated = flight_risk(["features", "--dictionary"]).ok().stdout;
    assert!(generated.contains("| `tenure_years` |"), "{generated}");
    if std::env::var_os(BLESS).is_some() {
        std::fs::write(&path, &generated).expect("the dictionary can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == generated, "{} is out of date: run the tests with {BLESS}=1 to write it", path.display());
}

#[test]
fn no_large_file_is_tracked() {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output();
    let Some(listed) = listed.ok().filter(|output| output.status.success()) else {
        println!("skipped: this is no git checkout, or there is no git, so that nothing says which files are tracked");
        return;
    };
    let names = String::from_utf8(listed.stdout).expect("UTF-8");
    let names: Vec<&str> = names.split('\0').filter(|name| !name.is_empty()).collect();
    assert!(names.contains(&"Cargo.toml"), "{names:?}");
    let size = |name: &str| std::fs::metadata(root().join(name)).map_or(0, |meta| meta.len());
    let large: Vec<_> =
        names.iter().map(|name| (name, size(name))).filter(|(_, size)| *size > MAX_FILE_BYTES).collect();
    assert!(large.is_empty(), "larger than {MAX_FILE_BYTES} bytes: {large:?}");
}
