//! Why somebody was not let in. The cause goes to the log; callers get one message for all of them, so that nobody learns which
//! keys, issuers or roles exist.

use std::time::Duration;

use tokio::time::Instant;

/// Why somebody was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// Neither key nor token.
    #[error("no credentials")]
    Nothing,
    /// More than one `authorization` header, or one that is no text.
    #[error("the authorization header is not one text")]
    Header,
    /// Another scheme than `Bearer`.
    #[error("the authorization header has another scheme than Bearer")]
    Scheme,
    /// Begins like a key and is none.
    #[error("not the form of an API key")]
    NoKey,
    /// Revoked, expired for long, or never made.
    #[error("no API key of this identifier is in force")]
    UnknownKey,
    /// The identifier is right.
    #[error("the secret of an API key is wrong")]
    WrongSecret,
    /// It was valid once.
    #[error("an API key has expired")]
    ExpiredKey,
    /// A token where no identity provider is configured.
    #[error("a token, but no identity provider is configured ([access.jwt])")]
    NoProvider,
    /// Neither a token of three parts nor of a form that can be read.
    #[error("not the form of a signed token")]
    NoToken,
    /// Signed otherwise than configured.
    #[error("a token is signed with another algorithm than configured")]
    Algorithm,
    /// Its header asks for extensions.
    #[error("a token needs extensions (crit) that are not known here")]
    Critical,
    /// No such key, even after asking the provider.
    #[error("a token is signed with a key that the identity provider does not list")]
    UnknownSigner,
    /// The signature is wrong.
    #[error("the signature of a token is wrong")]
    Signature,
    /// Past its `exp`.
    #[error("a token has expired")]
    ExpiredToken,
    /// Before its `nbf`.
    #[error("a token is not valid yet")]
    NotYetValid,
    /// Another `iss`.
    #[error("a token has another issuer")]
    Issuer,
    /// Another `aud`.
    #[error("a token is meant for another audience")]
    Audience,
    /// Another `azp`.
    #[error("a token was given to another party")]
    Party,
    /// Another `nonce`, or none.
    #[error("a token belongs to another sign-in")]
    Nonce,
    /// A claim that is needed is missing or of another form.
    #[error("claims of a token are missing or of another form")]
    Claims,
    /// The subject is empty, too long, or one that only this server gives.
    #[error("the subject of a token cannot be used")]
    Subject,
    /// No role, an unknown one, or several.
    #[error("a token names no role, an unknown one, or several")]
    Role,
    /// The claims of the scope are of another form, empty, or missing for a manager.
    #[error("the scope of a token is missing, empty or of another form")]
    Scope,
    /// Nobody can be recognised.
    #[error("the store does not answer")]
    StoreUnavailable,
}

/// Refusals that are logged in one second; a flood of them must not fill the disk.
const LOGGED_PER_SECOND: u32 = 10;

/// Writes refusals to the log, a few each second.
#[derive(Debug)]
pub(crate) struct RefusalLog(std::sync::Mutex<(Instant, u32)>);

impl RefusalLog {
    /// A log without entries.
    pub(crate) fn new() -> Self {
        Self(std::sync::Mutex::new((Instant::now(), 0)))
    }

    /// Writes one. Neither the token nor anything of it is written.
    pub(crate) fn note(&self, refusal: Refusal, method: &str) {
        let Ok(mut state) = self.0.lock() else { return };
        if state.0.elapsed() >= Duration::from_secs(1) {
            *state = (Instant::now(), 0);
        }
        state.1 += 1;
        match state.1 {
            ..=LOGGED_PER_SECOND => tracing::warn!(cause = %refusal, method, "a call was not let in"),
            count if count == LOGGED_PER_SECOND + 1 => {
                tracing::warn!("more calls are not let in; the rest of this second is not logged");
            }
            _ => {}
        }
    }
}
