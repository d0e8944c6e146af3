//! Random bytes from the system, for what nobody may guess.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;

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

/// A text that nobody guesses: 256 random bits in base64url.
pub(crate) fn token() -> Result<String, NoRandomness> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<TOKEN_BYTES>()?))
}
