//! API keys: `frk_<id>_<secret>`, where the identifier is public and the secret is 32 random bytes in base64url.
//!
//! The store keeps the SHA-256 of the secret and never the secret. A fast hash is right here: slow ones (Argon2, bcrypt) make it
//! dear to try the passwords that people choose, of which there are few; of 2^256 equally likely secrets nobody tries a share
//! that matters, however fast, and a slow hash would cost every request a hundred times what scoring does (OWASP, "Password
//! Storage Cheat Sheet"; RFC 4086 on how much randomness is enough).

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::time::Instant;

use crate::access::caller::{Caller, KEY_ACTOR, Role, Scope, good_text};
use crate::access::refusal::Refusal;
use crate::audit::to_hex;
use crate::clock::now_micros;
use crate::limits::{KEYS_FRESH, KEYS_RETRY, KEYS_USABLE, MAX_TEXT_BYTES};
use crate::random::{self, NoRandomness};
use crate::store::{Store, StoreError};

/// What every key begins with, so that scanners of source code find keys that went astray.
pub(crate) const KEY_PREFIX: &str = "frk_";
/// Random bytes of a secret.
const SECRET_BYTES: usize = 32;
/// Random bytes of an identifier.
const ID_BYTES: usize = 6;

/// A key to be made.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// What it is for; no other key in force has the same.
    pub name: String,
    /// What its holder is.
    pub role: Role,
    /// Whom its holder may see; a manager's are reports, and only a manager's.
    pub scope: Scope,
    /// The purpose of every call that does not state another.
    pub purpose: Option<String>,
    /// When it ends to be valid, in microseconds since 1970; absent: never.
    pub expires_at: Option<i64>,
}

/// Why a key was not made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A text is empty, too long or holds control characters.
    #[error("{field}: 1 to {MAX_TEXT_BYTES} bytes without control characters are needed")]
    Text {
        /// Which.
        field: &'static str,
    },
    /// The scope does not fit the role.
    #[error("a key for a manager needs the manager's employee id, and only such a key has one")]
    ScopeOfManager,
    /// Another key has the name.
    #[error(
        "a key named {0} is in force; choose another name, or revoke that one first: the audit log names keys by it"
    )]
    NameInUse(String),
    /// The end lies in the past.
    #[error("the key would have expired already; give a later end")]
    Expired,
    /// The system gives no random numbers.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl NewKey {
    /// Whether a key can be made so.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub(crate) fn check(&self) -> Result<(), KeyError> {
        let check = |field, text: &str| if good_text(text) { Ok(()) } else { Err(KeyError::Text { field }) };
        check("name", &self.name)?;
        if let Some(purpose) = &self.purpose {
            check("purpose", purpose)?;
        }
        if !self.scope.fits(self.role) {
            return Err(KeyError::ScopeOfManager);
        }
        if let Some(field) = self.scope.bad_text() {
            return Err(KeyError::Text { field });
        }
        if self.expires_at.is_some_and(|at| at <= now_micros()) {
            return Err(KeyError::Expired);
        }
        Ok(())
    }
}

/// A key that was just made: the only time its secret is seen.
#[derive(Clone)]
pub struct CreatedKey {
    /// Its public identifier, by which it is revoked.
    pub id: String,
    /// What its holder sends.
    pub token: String,
}

impl fmt::Debug for CreatedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreatedKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A fresh key and the hash of its secret.
pub(crate) fn fresh() -> Result<(CreatedKey, [u8; 32]), KeyError> {
    let (id, secret): ([u8; ID_BYTES], [u8; SECRET_BYTES]) = (random::bytes()?, random::bytes()?);
    let id = to_hex(&id);
    let token = format!("{KEY_PREFIX}{id}_{}", URL_SAFE_NO_PAD.encode(secret));
    Ok((CreatedKey { id, token }, Sha256::digest(secret).into()))
}

/// Identifier and secret of a key as it is sent; `None` for what is no key.
fn parse(token: &str) -> Option<(&str, [u8; SECRET_BYTES])> {
    // The identifier is hexadecimal; the secret may hold underscores.
    let (id, secret) = token.strip_prefix(KEY_PREFIX)?.split_once('_')?;
    // The decoder asks for more room than it fills; what does not fit in is no secret.
    let mut room = [0; SECRET_BYTES + 4];
    let length = URL_SAFE_NO_PAD.decode_slice(secret, &mut room).ok()?;
    Some((id, room.get(..length)?.try_into().ok()?))
}

/// A key as the store holds it.
#[derive(Clone, Debug)]
pub struct StoredKey {
    /// Its public identifier.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// What its holder is.
    pub role: Role,
    /// Whom its holder may see.
    pub scope: Scope,
    /// The purpose of every call that does not state another.
    pub purpose: Option<String>,
    /// When it was made; like all its times in microseconds since 1970.
    pub created_at: i64,
    /// When it ends to be valid.
    pub expires_at: Option<i64>,
    /// When it was revoked.
    pub revoked_at: Option<i64>,
    /// Hash of its secret.
    pub(crate) secret_sha256: [u8; 32],
}

impl StoredKey {
    /// Whether it lets anybody in at this time.
    pub fn in_force(&self, now_micros: i64) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| now_micros < at)
    }
}

/// One key of the ring.
#[derive(Debug)]
struct Held {
    caller: Arc<Caller>,
    secret_sha256: [u8; 32],
    expires_at: Option<i64>,
}

/// The keys in force, as they were read at one time.
#[derive(Debug)]
struct Ring {
    keys: HashMap<String, Held>,
    read_at: Instant,
}

/// All keys in force, held in memory so that no request asks the database. They are read anew when they are older than
/// [`KEYS_FRESH`], so that a revocation takes effect after at most that time, and when a key is not among them.
#[derive(Debug)]
pub(crate) struct KeyRing {
    store: Arc<Store>,
    ring: arc_swap::ArcSwapOption<Ring>,
    /// Held by the one who reads.
    reading: tokio::sync::Mutex<()>,
}

impl KeyRing {
    /// The keys of a store; none are read yet.
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self { store, ring: arc_swap::ArcSwapOption::empty(), reading: tokio::sync::Mutex::new(()) }
    }

    /// Who sends this key.
    pub(crate) async fn caller(&self, token: &str) -> Result<Arc<Caller>, Refusal> {
        let (id, secret) = parse(token).ok_or(Refusal::NoKey)?;
        let mut ring = self.at_most(KEYS_FRESH).await?;
        if !ring.keys.contains_key(id) {
            // Perhaps it was made a moment ago. A stranger who tries identifiers makes the store read once in a while, not more.
            ring = self.at_most(KEYS_RETRY).await?;
        }
        // An unknown key takes as long as a wrong secret: the answer tells nobody which identifiers exist.
        let hash: [u8; 32] = Sha256::digest(secret).into();
        let held = ring.keys.get(id);
        let expected = held.map_or(&[0; 32], |held| &held.secret_sha256);
        let same = bool::from(hash.ct_eq(expected));
        let Some(held) = held else { return Err(Refusal::UnknownKey) };
        if !same {
            return Err(Refusal::WrongSecret);
        }
        if held.expires_at.is_some_and(|at| at <= now_micros()) {
            return Err(Refusal::ExpiredKey);
        }
        Ok(Arc::clone(&held.caller))
    }

    /// Whether there is any key in force.
    pub(crate) async fn any(&self) -> Result<bool, Refusal> {
        Ok(!self.at_most(KEYS_FRESH).await?.keys.is_empty())
    }

    /// The keys as they were no longer ago than `age`. While the store does not answer, those of before are good for
    /// [`KEYS_USABLE`].
    async fn at_most(&self, age: std::time::Duration) -> Result<Arc<Ring>, Refusal> {
        let young = |age| self.ring.load_full().filter(|ring| ring.read_at.elapsed() < age);
        if let Some(ring) = young(age) {
            return Ok(ring);
        }
        let _reading = self.reading.lock().await;
        // Somebody else may have read while this one waited.
        if let Some(ring) = young(age) {
            return Ok(ring);
        }
        let read_at = Instant::now();
        match self.store.keys_in_force().await {
            Ok(keys) => {
                let ring = Arc::new(Ring { keys: keys.into_iter().map(held).collect(), read_at });
                self.ring.store(Some(Arc::clone(&ring)));
                Ok(ring)
            }
            Err(error) => {
                tracing::warn!(%error, "the API keys cannot be read");
                young(KEYS_USABLE).ok_or(Refusal::StoreUnavailable)
            }
        }
    }
}

fn held(key: StoredKey) -> (String, Held) {
    let caller = Caller {
        actor: format!("{KEY_ACTOR}{}", key.name),
        role: key.role,
        scope: key.scope,
        standing_purpose: key.purpose,
    };
    (key.id, Held { caller: Arc::new(caller), secret_sha256: key.secret_sha256, expires_at: key.expires_at })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_and_nothing_else_is_taken_for_one() {
        let (key, hash) = fresh().unwrap();
        let (id, secret) = parse(&key.token).unwrap();
        assert_eq!((id, <[u8; 32]>::from(Sha256::digest(secret))), (key.id.as_str(), hash));
        assert_ne!(fresh().unwrap().0.token, key.token);
        let secret_text = key.token.strip_prefix(&format!("{KEY_PREFIX}{}_", key.id)).unwrap();
        assert!(!format!("{key:?}").contains(secret_text));
        for wrong in ["", "frk_", "frk_12", "frk_12_", "frk_12_AAAA", "Frk_12_", &key.token[1..], &key.token[..50]] {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
        assert!(parse(&format!("{}A", key.token)).is_none(), "too long");
    }

    #[test]
    fn a_key_must_have_a_name_and_a_scope_that_fits_its_role() {
        let key = |name: &str, role, scope| NewKey { name: name.into(), role, scope, purpose: None, expires_at: None };
        let reports = |id: &str| Scope::Reports { manager_id: id.into() };
        let units = |department: &str| Scope::Units { departments: vec![department.into()], locations: Vec::new() };
        for (key, good) in [
            (key("nightly", Role::Hris, Scope::All), true),
            (key("nightly", Role::HrPartner, units("Sales")), true),
            (key("m", Role::Manager, reports("m-1")), true),
            (key("", Role::Hris, Scope::All), false),
            (key("a\nb", Role::Hris, Scope::All), false),
            (key(&"x".repeat(MAX_TEXT_BYTES + 1), Role::Hris, Scope::All), false),
            (key("m", Role::Manager, Scope::All), false),
            (key("m", Role::Manager, units("Sales")), false),
            (key("m", Role::Manager, reports("")), false),
            (key("m", Role::HrPartner, reports("m-1")), false),
            (key("nightly", Role::HrPartner, units("")), false),
            (NewKey { expires_at: Some(now_micros() - 1), ..key("old", Role::Hris, Scope::All) }, false),
        ] {
            assert_eq!(key.check().is_ok(), good, "{key:?}");
        }
    }
}
