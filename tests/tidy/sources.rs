//! How sources look: short files, names that say what is in them, one solver file, nothing unsafe.

use std::path::{Path, PathBuf};

use crate::support::root;

/// Folders with sources of ours.
const FOLDERS: [&str; 7] = ["src", "model", "server", "training-data", "proto", "tests", "benches"];
/// Longest file of Rust, in lines.
const MAX_LINES: usize = 500;
/// Names that say nothing.
const EMPTY_NAMES: [&str; 5] = ["utils", "common", "helpers", "types", "misc"];

/// A file of Rust by its path from the root.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// The lines without comments and without what stands in quotes.
    fn code(&self) -> impl Iterator<Item = String> {
        self.text.lines().map(|line| {
            let outside: String = line.split('"').step_by(2).collect::<Vec<_>>().join("\"\"");
            outside.split("//").next().unwrap_or_default().to_owned()
        })
    }
}

fn sources() -> Vec<Source> {
    let mut open: Vec<PathBuf> =
        FOLDERS.iter().map(|folder| root().join(folder)).filter(|path| path.is_dir()).collect();
    let mut sources = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of sources").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("UTF-8");
                sources.push(Source { path: relative(&path), text });
            }
        }
    }
    assert!(sources.len() > 50, "the sources are not all seen");
    sources
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/")
}

/// Words of a line of code.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

#[test]
fn no_file_is_long() {
    let sources = sources();
    let lengths = sources.iter().map(|source| (source.text.lines().count(), source.path.as_str()));
    let long: Vec<_> = lengths.filter(|(lines, _)| *lines > MAX_LINES).collect();
    assert!(long.is_empty(), "longer than {MAX_LINES} lines: {long:?}");
}

#[test]
fn names_of_modules_say_what_is_in_them() {
    for source in sources() {
        for part in source.path.trim_end_matches(".rs").split('/') {
            assert!(!EMPTY_NAMES.contains(&part), "{}: `{part}` says nothing", source.path);
        }
        for line in source.code() {
            let words: Vec<&str> = words(&line).collect();
            let named = words.windows(2).find(|pair| pair[0] == "mod" && EMPTY_NAMES.contains(&pair[1]));
            assert!(named.is_none(), "{}: {line}", source.path);
        }
    }
}

#[test]
fn one_file_names_the_solver_library() {
    let mut files = Vec::new();
    for source in sources() {
        let code: Vec<String> = source.code().collect();
        // Where a module of ours has that name, a path that begins with it is the module's.
        let own = code.iter().any(|line| line.trim_end_matches(';').ends_with("mod linfa"));
        let uses = |line: &&String| {
            let mut words = words(line).skip_while(|word| *word != "use").skip(1);
            words.next().is_some_and(|first| first.starts_with("linfa"))
        };
        if !own && code.iter().any(|line| uses(&line)) {
            files.push(source.path);
        }
    }
    assert_eq!(files, ["model/src/solver/linfa.rs"]);
}

#[test]
fn nothing_is_unsafe() {
    for source in sources() {
        let line = source.code().find(|line| words(line).any(|word| word == "unsafe" || word == "unsafe_code"));
        assert!(line.is_none(), "{}: {line:?}", source.path);
    }
}

#[test]
fn every_crate_keeps_the_lints_of_the_workspace() {
    let workspace: toml::Table = std::fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let lints = &workspace["workspace"]["lints"]["rust"];
    assert!(matches!(lints["unsafe_code"].as_str(), Some("deny" | "forbid")), "{lints:?}");
    let members = workspace["workspace"]["members"].as_array().unwrap().iter().filter_map(toml::Value::as_str);
    for member in members.chain([""]) {
        let manifest = std::fs::read_to_string(root().join(member).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        let kept = manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool);
        assert_eq!(kept, Some(true), "{member}/Cargo.toml: [lints] workspace = true");
    }
}
