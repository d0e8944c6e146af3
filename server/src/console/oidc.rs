//! Signing in at an identity provider: OpenID Connect with authorization code and PKCE (OpenID Connect Core 1.0, section 3.1;
//! RFC 6749, RFC 7636, RFC 9700).
//!
//! The token that comes back is checked by the very code that checks the tokens of API clients, and by the same rules it says who
//! may see what. The provider is first asked when somebody signs in: the server begins while the provider is down.

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use http_body_util::Full;
use hyper::Uri;
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AsyncHttpClient, AuthUrl, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, Scope, StandardErrorResponse, StandardRevocableToken, StandardTokenResponse, TokenUrl,
};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use tokio::sync::OnceCell;

use crate::access::caller::Caller;
use crate::access::jwks::JwksError;
use crate::access::refusal::Refusal;
use crate::access::tokens::Tokens;
use crate::access::web::{self, AddressError, AskError, WebClient};
use crate::clock::now_micros;
use crate::config;
use crate::limits::{JWKS_DEADLINE, JWKS_URL_RETRY, MAX_JWKS_BYTES, PROVIDER_SIGN_IN_LONGEST};
use crate::random::{self, NoRandomness};
use crate::tls::TlsError;

/// Where a provider tells its addresses (OpenID Connect Discovery 1.0, section 4).
const DISCOVERY: &str = "/.well-known/openid-configuration";
/// Longest code and longest state that is looked at, in bytes.
const MAX_PARAMETER_BYTES: usize = 4_096;

/// Why nobody signed in. What is said here goes to the log; people get [`OidcError::advice`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum OidcError {
    /// The secret cannot be read.
    #[error("console.oidc.client_secret_file: {path}: {why}", path = path.display())]
    Secret {
        /// Where it should lie.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// An address that cannot be used.
    #[error("an address of [console.oidc], or one that the identity provider tells: {0}")]
    Address(#[from] AddressError),
    /// An address that is none.
    #[error("an address of [console.oidc], or one that the identity provider tells, cannot be read: {0}")]
    Url(String),
    /// The certificates that vouch for the provider.
    #[error("console.oidc.jwks_ca: {0}")]
    Trust(#[from] TlsError),
    /// The keys of the provider.
    #[error(transparent)]
    Keys(#[from] JwksError),
    /// The system gives no random numbers.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// The provider does not answer.
    #[error("the identity provider does not answer: {0}")]
    Silent(#[from] AskError),
    /// The provider answers something else.
    #[error("the identity provider answers what cannot be understood: {0}")]
    Answer(String),
    /// The state that comes back is not the one that was sent.
    #[error("somebody came back from the identity provider with another state than they left with")]
    State,
    /// It took too long.
    #[error("somebody came back from the identity provider too late")]
    TooLate,
    /// Somebody comes back without a code.
    #[error("the identity provider sends somebody back without a code: {0}")]
    Declined(String),
    /// The provider does not change the code for a token.
    #[error("the identity provider refuses the code: {0}")]
    Refused(String),
    /// The token is not good.
    #[error("the identity provider's token does not let anybody in: {0}")]
    Token(#[from] RefusedToken),
}

/// Why a token is not good.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct RefusedToken(Refusal);

impl OidcError {
    /// Somebody comes back with this error in the place of a code (RFC 6749, section 4.1.2.1).
    pub(crate) fn declined(error: &str) -> Self {
        Self::Declined(named(error))
    }

    /// What whoever tried is told.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::State | Self::TooLate | Self::Refused(_) => {
                "Signing in took too long, or was begun in another window. Begin again."
            }
            Self::Declined(_) => {
                "The identity provider did not let you in, or you did not agree there. Begin again, or ask whoever runs it."
            }
            Self::Silent(_) | Self::Token(RefusedToken(Refusal::UnknownSigner)) => {
                "The identity provider does not answer as it should. Try again in a minute."
            }
            Self::Token(RefusedToken(Refusal::Role | Refusal::Scope)) => {
                "You are known, but nobody has said what you may see here. Ask whoever runs this server for a role."
            }
            _ => "Signing in does not work as it is set up. Ask whoever runs this server to look at its log.",
        }
    }
}

/// What a token endpoint adds to the answer of OAuth.
#[derive(Debug, Deserialize, Serialize)]
struct IdToken {
    id_token: Option<String>,
}

impl ExtraTokenFields for IdToken {}

type Flow = Client<
    BasicErrorResponse,
    StandardTokenResponse<IdToken, BasicTokenType>,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// The provider, as far as it was asked for.
struct Known {
    flow: Flow,
    tokens: Tokens,
}

/// What a provider tells of itself.
#[derive(Deserialize)]
struct Told {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
}

/// Somebody who was sent to the provider and is to come back. Kept in their session, and used once.
#[derive(Deserialize, Serialize)]
pub(crate) struct Pending {
    /// What comes back with them.
    state: String,
    /// What the token must name.
    nonce: String,
    /// What the provider gets only with the code (PKCE).
    verifier: String,
    /// When they were sent, in microseconds since 1970.
    begun_at: i64,
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending")
    }
}

/// Signing in at an identity provider.
pub(crate) struct Oidc {
    config: config::Oidc,
    secret: Option<ClientSecret>,
    redirect: RedirectUrl,
    web: WebClient,
    known: OnceCell<Arc<Known>>,
}

impl<'c> AsyncHttpClient<'c> for Oidc {
    type Error = AskError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, AskError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}

impl Oidc {
    /// The provider that the configuration names. It is not asked yet.
    ///
    /// # Errors
    /// [`OidcError`] for what an administrator must put right.
    pub(crate) fn open(config: &config::Oidc) -> Result<Self, OidcError> {
        let secret = match &config.client_secret_file {
            None => None,
            Some(path) => {
                let refused = |why: String| OidcError::Secret { path: path.clone(), why };
                let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
                match text.trim() {
                    "" => return Err(refused("it is empty".to_owned())),
                    text => Some(ClientSecret::new(text.to_owned())),
                }
            }
        };
        web::address(&config.redirect_url)?;
        let redirect = RedirectUrl::new(config.redirect_url.clone()).map_err(|error| url(&error))?;
        let web = WebClient::new(config.provider.jwks_ca.as_deref())?;
        Ok(Self { config: config.clone(), secret, redirect, web, known: OnceCell::new() })
    }

    /// Keeps what is known of the provider up to date, without end.
    pub(crate) async fn keep_up(&self) {
        loop {
            match self.known().await {
                Ok(known) => known.tokens.keep_up().await,
                Err(error) => tracing::warn!(%error, "nobody can sign in at the identity provider"),
            }
            tokio::time::sleep(JWKS_URL_RETRY).await;
        }
    }

    /// Where to send a browser so that somebody signs in, and what to keep until they come back.
    ///
    /// # Errors
    /// [`OidcError`] while the provider does not tell where that is.
    pub(crate) async fn begin(&self) -> Result<(String, Pending), OidcError> {
        let known = self.known().await?;
        let pending = Pending {
            state: random::token()?,
            nonce: random::token()?,
            verifier: random::token()?,
            begun_at: now_micros(),
        };
        // A verifier of 43 signs, as RFC 7636 asks for.
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(pending.verifier.clone()));
        let scopes = self.config.scopes.split_whitespace().map(|scope| Scope::new(scope.to_owned()));
        let (url, _) = known
            .flow
            .authorize_url(|| CsrfToken::new(pending.state.clone()))
            .add_scopes(scopes)
            .set_pkce_challenge(challenge)
            .add_extra_param("nonce", pending.nonce.clone())
            .url();
        Ok((url.to_string(), pending))
    }

    /// Who came back with this state and this code. What they left with is used up.
    ///
    /// # Errors
    /// [`OidcError`] when that lets nobody in.
    pub(crate) async fn finish(&self, pending: Pending, state: &str, code: &str) -> Result<Caller, OidcError> {
        self.finish_at(pending, state, code, now_micros()).await
    }

    /// As [`Oidc::finish`], at a time.
    pub(crate) async fn finish_at(
        &self,
        pending: Pending,
        state: &str,
        code: &str,
        now: i64,
    ) -> Result<Caller, OidcError> {
        if !bool::from(state.as_bytes().ct_eq(pending.state.as_bytes())) {
            return Err(OidcError::State);
        }
        if i128::from(now - pending.begun_at) > PROVIDER_SIGN_IN_LONGEST.as_micros() as i128 {
            return Err(OidcError::TooLate);
        }
        if code.is_empty() || code.len() > MAX_PARAMETER_BYTES {
            return Err(OidcError::Refused("there is none, or it is too long".to_owned()));
        }
        let known = self.known().await?;
        let answer = known
            .flow
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(pending.verifier))
            .request_async(self)
            .await
            .map_err(refused)?;
        let token = answer.extra_fields().id_token.as_deref();
        let token = token.ok_or_else(|| OidcError::Answer("there is no id_token".to_owned()))?;
        Ok(known.tokens.signed_in(token, &pending.nonce).await.map_err(RefusedToken)?)
    }

    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, AskError> {
        let request = request.map(|body| Full::new(body.into()));
        let reply = self.web.ask(request, MAX_JWKS_BYTES, JWKS_DEADLINE).await?;
        Ok(reply.map(|body| body.to_vec()))
    }

    async fn known(&self) -> Result<Arc<Known>, OidcError> {
        self.known.get_or_try_init(|| async { self.learn().await.map(Arc::new) }).await.map(Arc::clone)
    }

    /// The provider's addresses, as configured or as it tells them.
    async fn learn(&self) -> Result<Known, OidcError> {
        let mut provider = self.config.provider.clone();
        let (mut authorization, mut token) =
            (self.config.authorization_endpoint.clone(), self.config.token_endpoint.clone());
        let has_keys = provider.jwks_file.is_some() || provider.jwks_url.is_some();
        if authorization.is_none() || token.is_none() || !has_keys {
            let told = self.discover().await?;
            authorization = authorization.or(Some(told.authorization_endpoint));
            token = token.or(Some(told.token_endpoint));
            if !has_keys {
                provider.jwks_url = Some(told.jwks_uri);
            }
        }
        let (authorization, token) = (authorization.unwrap_or_default(), token.unwrap_or_default());
        for address in [&authorization, &token] {
            web::address(address)?;
        }
        let client_id = self.config.client_id.clone();
        let mut flow = Client::new(ClientId::new(client_id.clone()))
            .set_auth_uri(AuthUrl::new(authorization).map_err(|error| url(&error))?)
            .set_token_uri(TokenUrl::new(token).map_err(|error| url(&error))?)
            .set_redirect_uri(self.redirect.clone());
        if let Some(secret) = &self.secret {
            flow = flow.set_client_secret(secret.clone());
        }
        let tokens = Tokens::open(&config::Jwt { audience: client_id, provider }).await?;
        Ok(Known { flow, tokens })
    }

    async fn discover(&self) -> Result<Told, OidcError> {
        let issuer = &self.config.provider.issuer;
        let uri: Uri = web::address(&format!("{}{DISCOVERY}", issuer.trim_end_matches('/')))?;
        let bytes = self.web.get(&uri, MAX_JWKS_BYTES, JWKS_DEADLINE).await?;
        let told: Told = serde_json::from_slice(&bytes).map_err(|error| OidcError::Answer(error.to_string()))?;
        // Whoever answers for another issuer could mix the two up (OpenID Connect Discovery 1.0, section 4.3).
        if told.issuer != *issuer {
            return Err(OidcError::Answer(format!("{uri} is of another issuer than {issuer}")));
        }
        Ok(told)
    }
}

fn url(error: &dyn fmt::Display) -> OidcError {
    OidcError::Url(error.to_string())
}

type Refused = RequestTokenError<AskError, StandardErrorResponse<oauth2::basic::BasicErrorResponseType>>;

/// The name of an error, as far as it is one.
fn named(error: &str) -> String {
    error.chars().filter(char::is_ascii_graphic).take(64).collect()
}

/// Nothing of what the provider sent is repeated but the name of its error: it may tell who somebody is.
fn refused(error: Refused) -> OidcError {
    match error {
        RequestTokenError::Request(error) => OidcError::Silent(error),
        RequestTokenError::ServerResponse(answer) => OidcError::Refused(named(answer.error().as_ref())),
        RequestTokenError::Parse(..) => OidcError::Answer("what comes for the code is no token".to_owned()),
        RequestTokenError::Other(why) => OidcError::Answer(why),
    }
}
