//! Opaque tokens with which lists go on: what the server needs to go on, sealed.
//!
//! A token is good for the method, the caller and the request for which it was made, and for a day; whoever changes it or makes
//! one up is found out (HMAC-SHA256, RFC 2104). The key is kept in the store, so that tokens outlive a restart and are good at
//! every server of the same store.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use prost::Message;
use sha2::{Digest, Sha256};

use crate::clock::{MICROS_PER_DAY, now_micros};
use crate::gate::Passed;
use crate::grpc::violations::Violations;
use crate::limits::{DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE};
use crate::store::TokenKey;

/// Bytes of the seal.
const SEAL_BYTES: usize = 16;
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

    fn seal_of(&self, key: &TokenKey, sealed: &[u8]) -> [u8; SEAL_BYTES] {
        // Every part has a length that is fixed or told, so that no two bindings read alike.
        let length = |bytes: &[u8]| (bytes.len() as u64).to_le_bytes();
        let parts = [self.method.as_bytes(), self.actor.as_bytes(), self.digest.as_slice(), sealed];
        let mut whole = Vec::new();
        for part in parts {
            whole.extend(length(part));
            whole.extend(part);
        }
        let mut seal = [0; SEAL_BYTES];
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.bytes()) {
            mac.update(&whole);
            seal.iter_mut().zip(mac.finalize().into_bytes()).for_each(|(to, from)| *to = from);
        }
        seal
    }

    /// A token that carries `content`.
    pub(crate) fn seal(&self, key: &TokenKey, content: &[u8]) -> String {
        self.seal_at(key, content, now_micros())
    }

    /// A token that carries `content` and says that it was made at a time (microseconds since 1970).
    pub(crate) fn seal_at(&self, key: &TokenKey, content: &[u8], at: i64) -> String {
        let mut token = at.to_le_bytes().to_vec();
        token.extend(content);
        let seal = self.seal_of(key, &token);
        token.extend(seal);
        URL_SAFE_NO_PAD.encode(token)
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
        let sealed = bytes.len().checked_sub(SEAL_BYTES).ok_or(TokenError::Foreign)?;
        let (sealed, seal) = bytes.split_at_checked(sealed).ok_or(TokenError::Foreign)?;
        let expected = self.seal_of(key, sealed);
        // No early end: the time that it takes tells nothing about the seal.
        if seal.iter().zip(expected).fold(0, |differs, (a, b)| differs | (a ^ b)) != 0 {
            return Err(TokenError::Foreign);
        }
        let (at, content) = sealed.split_at_checked(TIME_BYTES).ok_or(TokenError::Foreign)?;
        let at = <[u8; TIME_BYTES]>::try_from(at).map(i64::from_le_bytes).map_err(|_| TokenError::Foreign)?;
        Ok((content.to_vec(), at))
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
mod tests {
    use super::*;

    fn binding(method: &'static str, actor: &str, digest: u8) -> Binding {
        Binding { method, actor: actor.to_owned(), digest: [digest; 32] }
    }

    #[test]
    fn a_token_is_good_for_what_it_was_made_for_only() {
        let (key, other_key) = (TokenKey::of([1; 32]), TokenKey::of([2; 32]));
        let ours = binding("List", "key:a", 7);
        let token = ours.seal(&key, b"where to go on");
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
        let bytes = URL_SAFE_NO_PAD.decode(ours.seal(&key, b"content")).unwrap_or_default();
        assert!(bytes.len() > SEAL_BYTES + TIME_BYTES);
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
    fn a_page_token_is_good_for_a_day() {
        let key = TokenKey::of([1; 32]);
        let ours = binding("List", "key:a", 7);
        for (age, good) in [(0, true), (MICROS_PER_DAY - 60_000_000, true), (MICROS_PER_DAY + 60_000_000, false)] {
            let token = ours.seal_at(&key, b"content", now_micros() - age);
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
