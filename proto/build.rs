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
    encoded_replies(&compiler.file_descriptor_set(), &out)?;
    // Without transport: who connects or listens brings their own.
    tonic_prost_build::configure().build_transport(false).compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}

/// The messages that carry a score, as the server writes them: the score is bytes, encoded once and straight from the model,
/// which on the wire is the same. Everything else of ScoringService is that of the other module.
fn encoded_replies(
    descriptors: &prost_types::FileDescriptorSet,
    out: &std::path::Path,
) -> Result<(), Box<dyn std::error::Error>> {
    const SERVICE: &str = "flightrisk/v1/scoring_service.proto";
    const CARRIERS: [&str; 4] =
        ["ScoreEmployeeResponse", "BatchScoreEmployeesResponse", "ScoreResult", "StreamScoresResponse"];
    let mut descriptors = descriptors.clone();
    let mut settings = tonic_prost_build::configure().build_transport(false).build_client(false).bytes(".");
    for file in descriptors.file.iter_mut().filter(|file| file.package() == "flightrisk.v1") {
        if file.name() != SERVICE {
            file.service.clear();
        }
        for message in &mut file.message_type {
            if CARRIERS.contains(&message.name()) {
                for field in
                    message.field.iter_mut().filter(|field| field.type_name() == ".flightrisk.v1.EmployeeScore")
                {
                    field.set_type(prost_types::field_descriptor_proto::Type::Bytes);
                    field.type_name = None;
                }
            } else {
                let name = message.name();
                settings = settings.extern_path(format!(".flightrisk.v1.{name}"), format!("crate::v1::{name}"));
            }
        }
    }
    let folder = out.join("encoded");
    std::fs::create_dir_all(&folder)?;
    settings.out_dir(folder).compile_fds(descriptors)?;
    Ok(())
}
