//! Compiles the .proto files into OUT_DIR with a compiler written in Rust, so that no protoc needs to be installed.

use std::path::PathBuf;

const FILES: [&str; 12] = [
    "flightrisk/v1/action.proto",
    "flightrisk/v1/action_service.proto",
    "flightrisk/v1/employee_history.proto",
    "flightrisk/v1/employee_score.proto",
    "flightrisk/v1/feature.proto",
    "flightrisk/v1/feature_row.proto",
    "flightrisk/v1/insight_service.proto",
    "flightrisk/v1/model_service.proto",
    "flightrisk/v1/org_facts.proto",
    "flightrisk/v1/privacy_service.proto",
    "flightrisk/v1/risk_service.proto",
    "flightrisk/v1/scoring_service.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for file in FILES {
        println!("cargo::rerun-if-changed={file}");
    }
    println!("cargo::rerun-if-changed=build.rs");
    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_source_info(true).include_imports(true).open_files(FILES)?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    // With the comments, so that `grpcurl describe` shows them.
    std::fs::write(out.join("flightrisk.v1.bin"), compiler.encode_file_descriptor_set())?;
    // Without transport: who connects or listens brings their own.
    tonic_prost_build::configure().build_transport(false).compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
