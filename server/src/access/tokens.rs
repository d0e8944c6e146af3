//! Tokens of an identity provider (JWT, RFC 7519 and 8725): checked once, and then known by their hash until they expire.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::access::caller::Caller;
use crate::access::claims;
use crate::access::jwks::{JwksError, Signers};
use crate::access::refusal::Refusal;
use crate::config::{IdentityProvider, Jwt, JwtAlgorithm};
use crate::limits::{MAX_TOKENS_KNOWN, TOKEN_LEEWAY_SECONDS};

/// Tokens and the keys that sign them.
pub(crate) struct Tokens {
    provider: IdentityProvider,
    audience: String,
    validation: Validation,
    signers: Signers,
    known: Mutex<HashMap<[u8; 32], Known>>,
}

/// A token that was found good.
struct Known {
    caller: Arc<Caller>,
    /// Seconds since 1970.
    good_until: u64,
    /// Of the keys by which it was found so: with other keys it is checked anew.
    generation: u64,
}

impl Tokens {
    /// The tokens that the configuration describes.
    ///
    /// # Errors
    /// [`JwksError`] when the provider's keys are nowhere.
    pub(crate) async fn open(jwt: &Jwt) -> Result<Self, JwksError> {
        Ok(Self::with(jwt, Signers::open(&jwt.provider).await?))
    }

    /// With these keys.
    pub(crate) fn with(jwt: &Jwt, signers: Signers) -> Self {
        // One algorithm, and it is the configuration's: what a token says of itself chooses nothing.
        let mut validation = Validation::new(algorithm(jwt.provider.algorithm));
        validation.leeway = TOKEN_LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_issuer(&[&jwt.provider.issuer]);
        validation.set_audience(&[&jwt.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        Self {
            provider: jwt.provider.clone(),
            audience: jwt.audience.clone(),
            validation,
            signers,
            known: Mutex::new(HashMap::new()),
        }
    }

    /// Asks for the provider's keys from time to time, without end.
    pub(crate) async fn keep_up(&self) {
        self.signers.keep_up().await;
    }

    /// Who sends this token.
    pub(crate) async fn caller(&self, token: &str) -> Result<Arc<Caller>, Refusal> {
        let digest: [u8; 32] = Sha256::digest(token).into();
        let generation = self.signers.current().generation;
        if let Some(caller) = self.recalled(&digest, generation) {
            return Ok(caller);
        }
        let known = self.checked(token).await?;
        let caller = Arc::clone(&known.caller);
        self.remember(digest, known);
        Ok(caller)
    }

    fn recalled(&self, digest: &[u8; 32], generation: u64) -> Option<Arc<Caller>> {
        let known = self.known.lock().ok()?;
        let entry = known.get(digest)?;
        (entry.generation == generation && now_seconds() <= entry.good_until).then(|| Arc::clone(&entry.caller))
    }

    fn remember(&self, digest: [u8; 32], entry: Known) {
        let Ok(mut known) = self.known.lock() else { return };
        if known.len() >= MAX_TOKENS_KNOWN {
            let (now, generation) = (now_seconds(), entry.generation);
            known.retain(|_, entry| entry.generation == generation && now <= entry.good_until);
        }
        if known.len() >= MAX_TOKENS_KNOWN {
            // More people at a time than ever expected: each of them is checked once more.
            known.clear();
        }
        known.insert(digest, entry);
    }

    /// Who signed in at the provider with this token (OpenID Connect Core 1.0, section 3.1.3.7), in the sign-in that has this
    /// nonce. It is not remembered: it comes once.
    pub(crate) async fn signed_in(&self, token: &str, nonce: &str) -> Result<Caller, Refusal> {
        let (claims, _) = self.verified(token).await?;
        let text = |name: &str| claims.get(name).map(|value| value.as_str().unwrap_or_default());
        if text("azp").is_some_and(|party| party != self.audience) {
            return Err(Refusal::Party);
        }
        let same = text("nonce").is_some_and(|own| bool::from(own.as_bytes().ct_eq(nonce.as_bytes())));
        if !same {
            return Err(Refusal::Nonce);
        }
        claims::caller(&claims, &self.provider)
    }

    async fn checked(&self, token: &str) -> Result<Known, Refusal> {
        let (claims, generation) = self.verified(token).await?;
        let expires = claims.get("exp").and_then(Value::as_f64).ok_or(Refusal::Claims)?;
        // A fraction is cut off; what is too large ends the range, which is as good as never.
        let good_until = (expires as u64).saturating_add(TOKEN_LEEWAY_SECONDS);
        let caller = Arc::new(claims::caller(&claims, &self.provider)?);
        Ok(Known { caller, good_until, generation })
    }

    /// What a token claims, once signature, issuer, audience and times were found right; and the generation of the keys.
    async fn verified(&self, token: &str) -> Result<(Map<String, Value>, u64), Refusal> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| Refusal::NoToken)?;
        if !self.validation.algorithms.contains(&header.alg) {
            return Err(Refusal::Algorithm);
        }
        if header.crit.is_some() {
            return Err(Refusal::Critical);
        }
        let id = header.kid.as_deref();
        let mut keys = self.signers.current();
        if keys.find(id).is_none() {
            keys = self.signers.renewed().await;
        }
        let key = keys.find(id).ok_or(Refusal::UnknownSigner)?;
        let data = jsonwebtoken::decode::<Map<String, Value>>(token, key, &self.validation)
            .map_err(|error| refusal(error.kind()))?;
        // The library takes a list of issuers too; RFC 7519 does not.
        if data.claims.get("iss").and_then(Value::as_str) != Some(&self.provider.issuer) {
            return Err(Refusal::Issuer);
        }
        Ok((data.claims, keys.generation))
    }
}

fn algorithm(name: JwtAlgorithm) -> Algorithm {
    match name {
        JwtAlgorithm::Rs256 => Algorithm::RS256,
        JwtAlgorithm::Es256 => Algorithm::ES256,
        JwtAlgorithm::EdDsa => Algorithm::EdDSA,
    }
}

fn refusal(kind: &ErrorKind) -> Refusal {
    match kind {
        ErrorKind::InvalidSignature => Refusal::Signature,
        ErrorKind::ExpiredSignature => Refusal::ExpiredToken,
        ErrorKind::ImmatureSignature => Refusal::NotYetValid,
        ErrorKind::InvalidIssuer => Refusal::Issuer,
        ErrorKind::InvalidAudience => Refusal::Audience,
        ErrorKind::InvalidAlgorithm => Refusal::Algorithm,
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) | ErrorKind::Json(_) => Refusal::Claims,
        _ => Refusal::NoToken,
    }
}

fn now_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
