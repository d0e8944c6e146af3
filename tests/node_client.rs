//! How a client written in TypeScript is made.

use std::path::Path;
use std::process::Command;

use crate::python_client::proto_files;
use crate::support::{node_packages, root, run};

/// What the code is generated with; proto/examples/node.md says the same.
pub(crate) const TS_PROTO_OPTIONS: &str =
    "outputServices=grpc-js,esModuleInterop=true,stringEnums=true,oneof=unions-value";
/// How the example is compiled; proto/examples/node.md says the same.
pub(crate) const TSC_OPTIONS: &str =
    "--strict --target es2022 --module commonjs --esModuleInterop --skipLibCheck --outDir out";

/// Generates the client's code and compiles the programs in `folder`, as proto/examples/node.md tells; the programs are in `out`
/// then. The compiler of .proto files is that of `python`.
pub(crate) fn compile(folder: &Path, python: &Path) {
    let tools = node_packages().join("node_modules");
    std::os::unix::fs::symlink(&tools, folder.join("node_modules")).expect("a link");
    let generated = folder.join("generated");
    std::fs::create_dir_all(&generated).expect("a folder");
    let mut protoc = Command::new(python);
    protoc.args(["-m", "grpc_tools.protoc", "-I"]).arg(root().join("proto"));
    protoc.arg(format!("--plugin=protoc-gen-ts_proto={}", tools.join(".bin/protoc-gen-ts_proto").display()));
    protoc.arg(format!("--ts_proto_out={}", generated.display())).arg(format!("--ts_proto_opt={TS_PROTO_OPTIONS}"));
    run("ts-proto", protoc.args(proto_files()));
    let mut tsc = Command::new(tools.join(".bin/tsc"));
    let programs = std::fs::read_dir(folder).expect("the programs").map(|entry| entry.unwrap().file_name());
    let programs = programs.filter(|name| name.to_string_lossy().ends_with(".ts"));
    run("tsc", tsc.args(TSC_OPTIONS.split(' ')).args(programs).current_dir(folder));
}
