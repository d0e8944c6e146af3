//! Encryption: the one provider of cryptography of the process.

/// Chooses aws-lc-rs for all TLS of the process. To be called first thing in `main`: where two providers are linked and none is
/// chosen, the first handshake panics.
pub fn install_provider() {
    // An error says that one was chosen before, which is this one: nothing else chooses.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
