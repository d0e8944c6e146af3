//! Tools that tests need and that are no crates: run, or said what is missing.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::folder::root;

/// Runs a program and gives what it printed; otherwise the test ends and says why.
pub(crate) fn run(what: &str, command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| {
        panic!(
            "{what}: {error}. This test needs python3 (3.9 or later) with venv, node (18 or later), and pip and npm with \
             access to their packages"
        )
    });
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what} failed: {stderr}{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A folder whose `node_modules` has the packages that are pinned in tests/node, installed at first use in the target folder.
pub(crate) fn node_packages() -> PathBuf {
    let from = root().join("tests/node");
    let wanted = std::fs::read_to_string(from.join("package-lock.json")).expect("the lock file");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder");
    let folder = target.join("node-client");
    let lock = File::create(target.join("node-client.lock")).expect("a lock file");
    lock.lock().expect("one at a time");
    let installed = folder.join("installed.json");
    if std::fs::read_to_string(&installed).ok().as_deref() != Some(&wanted) {
        std::fs::create_dir_all(&folder).expect("the target folder can be written");
        for name in ["package.json", "package-lock.json"] {
            std::fs::copy(from.join(name), folder.join(name)).expect("the target folder can be written");
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]).current_dir(&folder);
        run("npm ci", &mut npm);
        std::fs::write(&installed, wanted).expect("the target folder can be written");
    }
    folder
}
