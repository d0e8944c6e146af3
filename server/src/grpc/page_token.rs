//! Opaque tokens with which lists go on: what the server needs to go on, sealed.
//!
//! A token is good for the method, the caller and the request for which it was made, and for a day; whoever changes it or makes
//! one up is found out, and nobody can read it: it names the last employee of a page, and addresses, which carry tokens, stay in
//! the histories of browsers and in the logs of proxies. The key is made for what the token belongs to (HMAC-SHA256, RFC 2104)
//! from one that is kept in the store, so that tokens outlive a restart and are good at every server of the same store.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use prost::Message;
use sha2::{Digest, Sha256};

use crate::clock::{MICROS_PER_DAY, now_micros};
use crate::gate::Passed;
use crate::grpc::status::ApiError;
use crate::grpc::violations::Violations;
use crate::limits::{DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE};
use crate::sealed;
use crate::store::TokenKey;

/// Bytes of the time at which a token was made.
const TIME_BYTES: usize = 8;
/// Longest token, in characters; those that are made are much shorter.
const MAX_TOKEN_BYTES: usize = 2_048;
/// How long a page token is good.
const PAGE_TOKEN_MICROS: i64 = MICROS_PER_DAY;

/// What a token belongs to: used for anything else, it is refused.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    method: &'static str,
    actor: String,
    digest: [u8; 32],
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    /// Not one of ours, or for another request.
    #[error(
        "not a token of this server for this request; send the token as it came, with the other fields as they were"
    )]
    Foreign,
    /// Too old.
    #[error("the token is older than a day; begin with the first page again")]
    Expired,
}

impl Binding {
    /// Binds to a method, who calls it, and the fields of the request that must not change from page to page: all but the token
    /// itself, the size of the page and the purpose, which `fixed` leaves out.
    pub(crate) fn page(passed: &Passed, fixed: &impl Message) -> Self {
        Self {
            method: passed.method,
            actor: passed.caller.actor.clone(),
            digest: Sha256::digest(fixed.encode_to_vec()).into(),
        }
    }

    /// Binds to a method only: whoever calls it may go on with the token, whatever else they ask for.
    pub(crate) fn method(method: &'static str) -> Self {
        Self { method, actor: String::new(), digest: [0; 32] }
    }

    /// The key for its tokens.
    fn key(&self, key: &TokenKey) -> Option<[u8; sealed::KEY_BYTES]> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key.bytes()).ok()?;
        // Every part has a length that is fixed or told, so that no two bindings read alike.
        for part in [self.method.as_bytes(), self.actor.as_bytes(), self.digest.as_slice()] {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        Some(mac.finalize().into_bytes().into())
    }

    /// A token that carries `content`.
    ///
    /// # Errors
    /// StoreUnavailable where nothing can be encrypted.
    pub(crate) fn seal(&self, key: &TokenKey, content: &[u8]) -> Result<String, ApiError> {
        self.seal_at(key, content, now_micros())
    }

    /// A token that carries `content` and says that it was made at a time (microseconds since 1970).
    ///
    /// # Errors
    /// StoreUnavailable where nothing can be encrypted.
    pub(crate) fn seal_at(&self, key: &TokenKey, content: &[u8], at: i64) -> Result<String, ApiError> {
        let key = self.key(key).ok_or(ApiError::StoreUnavailable)?;
        let timed = [at.to_le_bytes().as_slice(), content].concat();
        let sealed = sealed::seal(&key, &timed).map_err(|_| ApiError::StoreUnavailable)?;
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// What a token carries, and when it was made (microseconds since 1970).
    ///
    /// # Errors
    /// A token that was not made with this key for this binding.
    pub(crate) fn open(&self, key: &TokenKey, token: &str) -> Result<(Vec<u8>, i64), TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Foreign);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| TokenError::Foreign)?;
        let opened = self.key(key).and_then(|key| sealed::open(&key, &bytes)).ok_or(TokenError::Foreign)?;
        let (at, content) = opened.split_first_chunk::<TIME_BYTES>().ok_or(TokenError::Foreign)?;
        Ok((content.to_vec(), i64::from_le_bytes(*at)))
    }

    /// What the token of a page carries; notes in `problems`, under `page_token`, why it is refused. `None` for the first page.
    pub(crate) fn open_page(&self, key: &TokenKey, token: &str, problems: &mut Violations) -> Option<Vec<u8>> {
        if token.is_empty() {
            return None;
        }
        let opened = self.open(key, token).and_then(|(content, at)| {
            if now_micros().saturating_sub(at) > PAGE_TOKEN_MICROS { Err(TokenError::Expired) } else { Ok(content) }
        });
        opened.map_err(|error| problems.push(|| "page_token".to_owned(), error.to_string())).ok()
    }
}

/// The size of a page from that of a request: absent is the default, more than the most is the most (Google AIP-158).
pub(crate) fn page_size(size: i32, problems: &mut Violations) -> usize {
    match usize::try_from(size) {
        Ok(0) => DEFAULT_PAGE_SIZE,
        Ok(size) => size.min(MAX_PAGE_SIZE),
        Err(_) => {
            problems.push(|| "page_size".to_owned(), format!("must be 0 to {MAX_PAGE_SIZE}, got {size}"));
            DEFAULT_PAGE_SIZE
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    fn binding(method: &'static str, actor: &str, digest: u8) -> Binding {
        Binding { method, actor: actor.to_owned(), digest: [digest; 32] }
    }

    #[test]
    fn a_token_is_good_for_what_it_was_made_for_only() {
        let (key, other_key) = (TokenKey::of([1; 32]), TokenKey::of([2; 32]));
        let ours = binding("List", "key:a", 7);
        let token = ours.seal(&key, b"where to go on").unwrap();
        assert_eq!(ours.open(&key, &token).map(|(content, _)| content), Ok(b"where to go on".to_vec()));
        for (binding, key) in [
            (binding("Other", "key:a", 7), &key),
            (binding("List", "key:b", 7), &key),
            (binding("List", "key:a", 8), &key),
            (ours.clone(), &other_key),
        ] {
            assert_eq!(binding.open(key, &token), Err(TokenError::Foreign), "{binding:?}");
        }
    }

    #[test]
    fn a_token_that_was_changed_anywhere_is_refused() {
        let key = TokenKey::of([1; 32]);
        let ours = binding("List", "key:a", 7);
        let bytes = URL_SAFE_NO_PAD.decode(ours.seal(&key, b"content").unwrap()).unwrap();
        assert!(bytes.len() > b"content".len() + TIME_BYTES);
        for position in 0..bytes.len() {
            let mut changed = bytes.clone();
            if let Some(byte) = changed.get_mut(position) {
                *byte ^= 1;
            }
            assert_eq!(ours.open(&key, &URL_SAFE_NO_PAD.encode(&changed)), Err(TokenError::Foreign), "{position}");
            let cut = URL_SAFE_NO_PAD.encode(bytes.get(..position).unwrap_or_default());
            assert_eq!(ours.open(&key, &cut), Err(TokenError::Foreign), "cut to {position}");
        }
        for text in ["", "x", "%%%", "next page"] {
            assert_eq!(ours.open(&key, text), Err(TokenError::Foreign), "{text}");
        }
    }

    #[test]
    fn a_token_cannot_be_read_and_no_two_are_alike() {
        let key = TokenKey::of([1; 32]);
        let ours = binding("List", "key:a", 7);
        let [one, other] = [(); 2].map(|()| ours.seal_at(&key, b"an identifier", 1_234_567).unwrap());
        assert_ne!(one, other);
        for token in [one, other] {
            let bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
            let has = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
            assert!(!has(b"iden") && !has(&1_234_567_i64.to_le_bytes()[..3]));
        }
    }

    #[test]
    fn a_page_token_is_good_for_a_day() {
        let key = TokenKey::of([1; 32]);
        let ours = binding("List", "key:a", 7);
        for (age, good) in [(0, true), (MICROS_PER_DAY - 60_000_000, true), (MICROS_PER_DAY + 60_000_000, false)] {
            let token = ours.seal_at(&key, b"content", now_micros() - age).unwrap();
            let mut problems = Violations::default();
            assert_eq!(ours.open_page(&key, &token, &mut problems).is_some(), good, "{age}");
            assert_eq!(problems.is_empty(), good);
        }
    }

    #[test]
    fn page_sizes_have_a_default_and_a_limit() {
        for (asked, expected, good) in
            [(0, 50, true), (1, 1, true), (1_000, 1_000, true), (5_000, 1_000, true), (-1, 50, false)]
        {
            let mut problems = Violations::default();
            assert_eq!(page_size(asked, &mut problems), expected);
            assert_eq!(problems.is_empty(), good, "{asked}");
        }
    }
}
