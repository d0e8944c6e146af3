//! Compiles the .proto files into OUT_DIR with a compiler written in Rust, so that no protoc needs to be installed.

use std::path::PathBuf;

/// The folder of the package.
const FOLDER: &str = "flightrisk/v1";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(FOLDER)? {
        let name = entry?.file_name().into_string().map_err(|name| format!("{name:?} is not UTF-8"))?;
        if name.ends_with(".proto") {
            files.push(format!("{FOLDER}/{name}"));
        }
    }
    // The order of a folder is no order.
    files.sort();
    println!("cargo::rerun-if-changed={FOLDER}");
    println!("cargo::rerun-if-changed=build.rs");
    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_source_info(true).include_imports(true).open_files(files)?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    // With the comments, so that `grpcurl describe` shows them.
    std::fs::write(out.join("flightrisk.v1.bin"), compiler.encode_file_descriptor_set())?;
    let descriptors = compiler.file_descriptor_set();
    // Without transport: who connects or listens brings their own.
    let settings = tonic_prost_build::configure().build_transport(false);
    settings
        .extern_path(".flightrisk.v1.PackedValues", "crate::packed::PackedValues")
        .compile_fds(descriptors.clone())?;
    encoded_replies(descriptors, &out)
}

/// The messages that carry a score, as the server writes them: the score is bytes, encoded once and straight from the model,
/// which on the wire is the same. Everything else of ScoringService is that of the other module.
fn encoded_replies(
    mut descriptors: prost_types::FileDescriptorSet,
    out: &std::path::Path,
) -> Result<(), Box<dyn std::error::Error>> {
    const SERVICE: &str = "flightrisk/v1/scoring_service.proto";
    const CARRIERS: [&str; 4] =
        ["ScoreEmployeeResponse", "BatchScoreEmployeesResponse", "ScoreResult", "StreamScoresResponse"];
    let mut settings = tonic_prost_build::configure()
        .build_transport(false)
        .build_client(false)
        .codec_path("crate::codec::SliceCodec")
        .bytes(".");
    for file in descriptors.file.iter_mut().filter(|file| file.package() == "flightrisk.v1") {
        if file.name() != SERVICE {
            file.service.clear();
        }
        let enums = file.enum_type.iter().map(|enumeration| enumeration.name().to_owned());
        let others = file.message_type.iter().map(|message| message.name().to_owned());
        for name in enums.chain(others.filter(|name| !CARRIERS.contains(&name.as_str()))) {
            settings = settings.extern_path(format!(".flightrisk.v1.{name}"), format!("crate::v1::{name}"));
        }
        for message in file.message_type.iter_mut().filter(|message| CARRIERS.contains(&message.name())) {
            for field in message.field.iter_mut().filter(|field| field.type_name() == ".flightrisk.v1.EmployeeScore") {
                field.set_type(prost_types::field_descriptor_proto::Type::Bytes);
                field.type_name = None;
            }
        }
    }
    let folder = out.join("encoded");
    std::fs::create_dir_all(&folder)?;
    settings.out_dir(folder).compile_fds(descriptors)?;
    Ok(())
}
