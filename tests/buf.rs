//! The .proto files as `buf` judges them: its standard rules, comments everywhere, its format, and nothing taken away from clients.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::python_client::python;
use crate::support::{new_folder, root};

/// The API as last released: what a client was generated from must go on to work.
const RELEASED: &str = "released/flightrisk.v1.binpb";

fn buf(folder: &Path, arguments: &[&str]) -> Output {
    let buf = python("requirements-buf.txt", "buf").with_file_name("buf");
    let mut command = Command::new(buf);
    // It keeps a cache even of nothing.
    command.args(arguments).current_dir(folder).env("BUF_CACHE_DIR", new_folder("buf-cache"));
    command.output().expect("buf starts")
}

#[track_caller]
fn accepted(arguments: &[&str]) {
    let output = buf(&root().join("proto"), arguments);
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "buf {}:\n{said}", arguments.join(" "));
}

#[test]
fn the_proto_files_keep_the_standard_rules_and_every_comment() {
    accepted(&["lint"]);
}

#[test]
fn the_proto_files_have_the_standard_form() {
    accepted(&["format", "--diff", "--exit-code"]);
}

#[test]
fn nothing_is_taken_away_that_was_released() {
    accepted(&["breaking", "--against", RELEASED]);
}

/// A copy of the .proto files in which one text stands for another.
fn bent(file: &str, from: &str, to: &str) -> PathBuf {
    let folder = new_folder("bent-proto");
    let (proto, inner) = (root().join("proto"), "flightrisk/v1");
    std::fs::create_dir_all(folder.join(inner)).expect("a folder");
    std::fs::create_dir_all(folder.join("released")).expect("a folder");
    for name in ["buf.yaml", RELEASED] {
        std::fs::copy(proto.join(name), folder.join(name)).expect("a file");
    }
    let mut seen = false;
    for entry in std::fs::read_dir(proto.join(inner)).expect("the .proto files").flatten() {
        let mut text = std::fs::read_to_string(entry.path()).expect("UTF-8");
        if entry.file_name() == file {
            seen = text.contains(from);
            text = text.replace(from, to);
        }
        std::fs::write(folder.join(inner).join(entry.file_name()), text).expect("a file");
    }
    assert!(seen, "{file} has no {from:?}");
    folder
}

#[test]
fn each_of_these_rules_can_fail() {
    let table = [
        ("lint", "org_facts.proto", "message OrgFacts {", "message org_facts2 {}\nmessage OrgFacts {", "PascalCase"),
        ("lint", "feature_row.proto", "    // Values by name, in any order.\n", "", "comment"),
        ("breaking", "risk_service.proto", "string resume_token = 2;", "string resume_token = 9;", "resume_token"),
        ("breaking", "risk_service.proto", "rpc GetEmployeeRisk(", "rpc FetchEmployeeRisk(", "GetEmployeeRisk"),
    ];
    for (rule, file, from, to, said) in table {
        let folder = bent(file, from, to);
        let against = ["breaking", "--against", RELEASED];
        let output = buf(&folder, if rule == "lint" { &["lint"] } else { &against });
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success() && text.contains(said), "{rule} of {file} with {to:?}: {text}");
    }
}
