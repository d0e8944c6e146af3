//! Bytes that leave the process or its memory and that nobody else may read or change: AES-256-GCM, each time with a random nonce.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::random;

/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;

/// Nothing can be encrypted: the system gives no random numbers, or it is far too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing can be encrypted; try again")]
pub(crate) struct SealError;

/// What it says, encrypted, after the nonce. A key should be one for few uses, so that nonces do not run out.
///
/// # Errors
/// [`SealError`]
pub(crate) fn seal(key: &[u8; KEY_BYTES], content: &[u8]) -> Result<Vec<u8>, SealError> {
    let nonce: [u8; NONCE_LEN] = random::bytes().map_err(|_| SealError)?;
    let mut sealed = content.to_vec();
    let key = key_of(key).ok_or(SealError)?;
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed)
        .map_err(|_| SealError)?;
    Ok([nonce.as_slice(), &sealed].concat())
}

/// What was sealed under this key; nothing of what was not, or was changed since.
pub(crate) fn open(key: &[u8; KEY_BYTES], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let mut content = sealed.to_vec();
    let length =
        key_of(key)?.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::empty(), &mut content).ok()?.len();
    content.truncate(length);
    Some(content)
}

fn key_of(bytes: &[u8; KEY_BYTES]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, bytes).ok().map(LessSafeKey::new)
}
