//! The protobuf API and the code generated from it.
//!
//! The .proto files beside this crate are the reference; what is here is generated at build time. Conversions from and to the
//! domain live beside the gRPC services that need them.

pub mod codec;
mod packed;

/// Package `flightrisk.v1`: messages, clients and server traits.
pub mod v1 {
    #![allow(
        missing_docs,
        clippy::all,
        clippy::allow_attributes_without_reason,
        rustdoc::broken_intra_doc_links,
        rustdoc::invalid_html_tags,
        reason = "generated; the .proto files are the documentation"
    )]
    pub use crate::packed::PackedValues;

    tonic::include_proto!("flightrisk.v1");
}

/// ScoringService as the server implements it: where a reply carries an `EmployeeScore`, it carries the bytes of one.
pub mod encoded {
    #![allow(
        missing_docs,
        clippy::all,
        clippy::allow_attributes_without_reason,
        rustdoc::broken_intra_doc_links,
        rustdoc::invalid_html_tags,
        reason = "generated; the .proto files are the documentation"
    )]
    include!(concat!(env!("OUT_DIR"), "/encoded/flightrisk.v1.rs"));
}

/// Descriptors of all messages and services with their comments, for server reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = tonic::include_file_descriptor_set!("flightrisk.v1");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_descriptors_carry_every_service_and_message() {
        let text = String::from_utf8_lossy(FILE_DESCRIPTOR_SET);
        for name in ["ScoringService", "ModelService", "StreamScoresRequest", "EmployeeHistory", "GetModel"] {
            assert!(text.contains(name), "{name}");
        }
    }
}
