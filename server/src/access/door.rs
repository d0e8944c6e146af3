//! The door: who is let in to which method, decided from the path and the headers before anything of the message is read.

use std::sync::Arc;

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

use crate::access::caller::Caller;
use crate::access::jwks::JwksError;
use crate::access::keys::{KEY_PREFIX, KeyRing};
use crate::access::policy::Rule;
use crate::access::refusal::{Refusal, RefusalLog};
use crate::access::tokens::Tokens;
use crate::config::{Access, AccessMode};
use crate::gate::Gate;
use crate::grpc::status::ApiError;
use crate::store::Store;

/// The method that the audit log names where somebody calls one that does not exist: what clients send is not copied into it.
const UNKNOWN_METHOD: &str = "unknown method";

/// The door.
pub(crate) struct Door {
    /// Who is known; absent where access control is off.
    known: Option<Known>,
    /// Everybody, where access control is off.
    anybody: Arc<Caller>,
    refusals: RefusalLog,
    gate: Gate,
}

/// Those who are known.
struct Known {
    keys: KeyRing,
    /// Absent where no identity provider is configured.
    tokens: Option<Tokens>,
}

impl Door {
    /// The door that the configuration describes.
    ///
    /// # Errors
    /// [`JwksError`] when the keys of the identity provider are nowhere.
    pub(crate) async fn open(access: &Access, store: Arc<Store>, gate: Gate) -> Result<Self, JwksError> {
        let known = match access.mode {
            AccessMode::Off => None,
            AccessMode::Required => {
                let tokens = match &access.jwt {
                    None => None,
                    Some(jwt) => Some(Tokens::open(jwt).await?),
                };
                Some(Known { keys: KeyRing::new(store), tokens })
            }
        };
        Ok(Self { known, anybody: Arc::new(Caller::anybody()), refusals: RefusalLog::new(), gate })
    }

    /// Keeps what is known about callers up to date, without end.
    pub(crate) async fn keep_up(self: Arc<Self>) {
        match self.known.as_ref().and_then(|known| known.tokens.as_ref()) {
            Some(tokens) => tokens.keep_up().await,
            None => std::future::pending().await,
        }
    }

    /// Says in the log how to let somebody in, where nobody can be; `console` tells whether people can sign in to the console.
    pub(crate) async fn warn_if_closed(&self, console: bool) {
        let Some(known) = &self.known else {
            return tracing::warn!(
                "access control is off: whoever reaches the port of this machine may ask everything"
            );
        };
        if known.tokens.is_none() && known.keys.any().await == Ok(false) {
            tracing::warn!("{}", closed(console));
        }
    }

    /// Who calls the method with this rule; `None` where it does not matter who it is.
    ///
    /// # Errors
    /// Unauthenticated without credentials that are valid now; NotPermitted for a role that may not, and for methods that do not
    /// exist: both are written to the audit log.
    pub(crate) async fn admit(&self, rule: Option<Rule>, headers: &HeaderMap) -> Result<Option<Arc<Caller>>, ApiError> {
        if matches!(rule, Some(Rule::Everybody)) {
            return Ok(None);
        }
        let Some(known) = &self.known else { return Ok(Some(Arc::clone(&self.anybody))) };
        let caller = known.caller(headers).await.map_err(|refusal| {
            self.refusals.note(refusal, rule.map_or(UNKNOWN_METHOD, Rule::method));
            match refusal {
                Refusal::StoreUnavailable => ApiError::StoreUnavailable,
                _ => ApiError::Unauthenticated,
            }
        })?;
        if rule.is_some_and(|rule| rule.permits(caller.role)) {
            return Ok(Some(caller));
        }
        self.gate.denied(&caller, rule.map_or(UNKNOWN_METHOD, Rule::method)).await?;
        Err(ApiError::NotPermitted)
    }
}

/// What is said where the API is closed to all.
fn closed(console: bool) -> String {
    let make_key = "make a key with `flight-risk keys create --store URL --name nightly --role hris`";
    let (who, make_account) = if console {
        ("no program can call the API (people can sign in to the console)", "")
    } else {
        let make = ", or an account of the console with `flight-risk users create --store URL --name partner --role hr_partner`";
        ("nobody can be let in", make)
    };
    format!(
        "{who}: there is no API key and no identity provider ([access.jwt]); {make_key}{make_account}, URL being the store of this \
         server"
    )
}

impl Known {
    async fn caller(&self, headers: &HeaderMap) -> Result<Arc<Caller>, Refusal> {
        let token = bearer(headers)?;
        if token.starts_with(KEY_PREFIX) {
            return self.keys.caller(token).await;
        }
        self.tokens.as_ref().ok_or(Refusal::NoProvider)?.caller(token).await
    }
}

/// What follows `Bearer` in the one authorization header (RFC 6750, section 2.1). Of two headers nobody knows which one counts.
fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(Refusal::Nothing)?;
    if values.next().is_some() {
        return Err(Refusal::Header);
    }
    let (scheme, token) = value.to_str().map_err(|_| Refusal::Header)?.split_once(' ').ok_or(Refusal::Scheme)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim_start()) } else { Err(Refusal::Scheme) }
}

#[cfg(test)]
mod tests {
    use super::closed;

    #[test]
    fn who_starts_a_server_is_told_what_is_true_of_its_doors() {
        let nobody = closed(false);
        assert!(nobody.starts_with("nobody can be let in") && nobody.contains("users create"), "{nobody}");
        let people = closed(true);
        assert!(people.contains("no program") && people.contains("keys create"), "{people}");
        assert!(!people.contains("nobody") && !people.contains("users create"), "{people}");
    }
}
