//! Random bytes from the system, for what nobody may guess.

/// The system gives none.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random numbers; try again")]
pub struct NoRandomness;

/// So many random bytes.
pub(crate) fn bytes<const LENGTH: usize>() -> Result<[u8; LENGTH], NoRandomness> {
    let mut bytes = [0; LENGTH];
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.secure_random.fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}
