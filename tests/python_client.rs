//! A client that is not ours: Python code generated from the .proto files scores the sample and must get what `score` writes.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{ClientCompany, FileScore, Server, committed_sample, new_folder, root, run, score, trained_model};

/// Largest difference between a number on the wire and in the score file.
const TOLERANCE: f64 = 1e-12;

/// A Python with the packages of a file in tests/python, made at first use in a folder of this name in the target folder.
pub(crate) fn python(requirements: &str, name: &str) -> PathBuf {
    let requirements = root().join("tests/python").join(requirements);
    let wanted = std::fs::read_to_string(&requirements).expect("the requirements");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder");
    let folder = target.join(name);
    let lock = File::create(target.join(format!("{name}.lock"))).expect("a lock file");
    lock.lock().expect("one at a time");
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let installed = folder.join("installed.txt");
    if std::fs::read_to_string(&installed).ok().as_deref() != Some(&wanted) {
        run("python3 -m venv", Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        run("pip install", pip.arg(&requirements));
        std::fs::write(&installed, wanted).expect("the target folder can be written");
    }
    python
}

/// Our .proto files.
pub(crate) fn proto_files() -> Vec<PathBuf> {
    let files = std::fs::read_dir(root().join("proto/flightrisk/v1")).expect("the .proto files");
    files.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "proto")).collect()
}

/// Generates the client's code as proto/README.md tells.
pub(crate) fn generated_client(python: &Path) -> PathBuf {
    let (proto, out) = (root().join("proto"), new_folder("python-client"));
    let mut protoc = Command::new(python);
    protoc.args(["-m", "grpc_tools.protoc", "-I"]).arg(&proto);
    protoc.arg(format!("--python_out={}", out.display())).arg(format!("--grpc_python_out={}", out.display()));
    run("grpc_tools.protoc", protoc.args(proto_files()));
    out
}

#[track_caller]
fn same_as_file(way: &str, reply: &Value, file: &HashMap<String, FileScore>) {
    let id = reply["employee_id"].as_str().expect("an employee");
    let file = file.get(id).unwrap_or_else(|| panic!("{id} is not in the score file"));
    assert_eq!(reply["band"], file.band.as_str(), "{id} by {way}");
    if file.band == "abstained" {
        assert!(!reply["reasons"].as_array().unwrap().is_empty());
        return;
    }
    let near = |what: &str, sent: &Value, written: f64| {
        let sent = sent.as_f64().unwrap_or_else(|| panic!("{what} of {id} by {way}: {sent}"));
        assert!((sent - written).abs() <= TOLERANCE, "{what} of {id} by {way}: {sent} and {written}");
    };
    near("risk", &reply["risk"], file.risk);
    near("low", &reply["low"], file.low);
    near("high", &reply["high"], file.high);
    let horizons = reply["horizons"].as_array().unwrap();
    assert_eq!(horizons.len(), file.horizons.len());
    for (sent, (months, risk)) in horizons.iter().zip(&file.horizons) {
        assert_eq!(sent[0], *months);
        near("risk at a horizon", &sent[1], *risk);
    }
    let factors = reply["factors"].as_array().unwrap();
    assert_eq!(factors.len(), file.factors.len());
    for (name, contribution, text) in &file.factors {
        let sent = factors.iter().find(|factor| factor[0] == name.as_str());
        let sent = sent.unwrap_or_else(|| panic!("{id} by {way}: no factor {name}"));
        if sent[1].is_null() {
            assert!(text.contains("confidential"), "{id} by {way}: {name} has no part");
        } else {
            near(name, &sent[1], *contribution);
        }
        assert_eq!(sent[2], text.as_str(), "{id} by {way}");
    }
}

#[test]
fn a_generated_python_client_gets_what_the_score_file_says() {
    let (python, sample) = (python("requirements.txt", "python-client"), committed_sample());
    let client = generated_client(&python);
    let file = score(trained_model(), &sample, None);
    let as_of = ClientCompany::read(&sample).data_end;
    let server = Server::start(trained_model());
    let mut script = Command::new(&python);
    script.arg(root().join("tests/python/score_sample.py")).args([&client, &sample]);
    script.args([server.address().to_string(), as_of]).env("PYTHONDONTWRITEBYTECODE", "1");
    let replies: Value = serde_json::from_str(&run("score_sample.py", &mut script)).expect("JSON");
    for way in ["single", "batch", "stream"] {
        let scores = replies[way].as_array().expect("scores");
        assert_eq!(scores.len(), file.len(), "{way}: everybody who is employed");
        for reply in scores {
            same_as_file(way, reply, &file);
        }
    }
    let answered = file.values().filter(|score| score.band != "abstained").count();
    assert!(answered > 50, "only {answered} answers compared");
    for reply in replies["stream"].as_array().unwrap() {
        let id = reply["employee_id"].as_str().unwrap();
        assert_eq!(reply["correlation_id"], format!("c-{id}"));
    }
    assert_eq!(replies["refused"]["code"], "INVALID_ARGUMENT");
}
