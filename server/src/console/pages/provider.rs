//! Signing in at the identity provider: the way there and back.

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect};
use serde::{Deserialize, Serialize};
use tower_sessions::cookie::time::Duration as CookieDuration;
use tower_sessions::{Expiry, Session};

use crate::audit::Decision;
use crate::clock::now_micros;
use crate::console::accounts::SignInError;
use crate::console::error::PageError;
use crate::console::methods;
use crate::console::oidc::{OidcError, Pending};
use crate::console::pages::Page;
use crate::console::pages::sign_in::{Asked, own_page, refused, withheld};
use crate::console::site::Site;
use crate::console::visit::{Visit, Who};
use crate::gate::Who as Door;
use crate::limits::{MAX_PROVIDER_SIGN_INS, PROVIDER_SIGN_IN_LONGEST};
use crate::store::stored_scope::StoredScope;

/// Under which name the session keeps [`Left`].
const LEFT: &str = "left_for_provider";

/// How somebody signs in, in the audit log.
const AT_PROVIDER: &str = "at the identity provider";

/// What is kept of somebody who left for the provider.
#[derive(Deserialize, Serialize)]
struct Left {
    pending: Pending,
    next: String,
}

/// Sends somebody to the provider. A link, not a form: the content security policy lets no form lead to another site.
pub(crate) async fn leave(State(site): State<Site>, session: Session, Query(asked): Query<Asked>) -> Page {
    let provider = site.provider().ok_or(PageError::NotFound)?;
    if !site.leaving().admits(now_micros(), MAX_PROVIDER_SIGN_INS) {
        return refused(&site, String::new(), String::new(), SignInError::Busy.to_string());
    }
    match provider.begin().await {
        Ok((url, pending)) => {
            if !Visit::has_begun(&session).await? {
                // Anybody gets such a session: it is kept no longer than they may take.
                let longest = CookieDuration::try_from(PROVIDER_SIGN_IN_LONGEST).unwrap_or(CookieDuration::ZERO);
                session.set_expiry(Some(Expiry::OnInactivity(longest)));
            }
            session.insert(LEFT, Left { pending, next: own_page(&asked.next).to_owned() }).await?;
            Ok(Redirect::to(&url).into_response())
        }
        Err(error) => told(&site, &error),
    }
}

/// What comes back from the provider (OpenID Connect Core 1.0, section 3.1.2.5).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Back {
    state: String,
    code: String,
    /// Why there is no code.
    error: String,
}

/// Lets somebody in who comes back from the provider.
pub(crate) async fn come_back(State(site): State<Site>, session: Session, Query(back): Query<Back>) -> Page {
    let provider = site.provider().ok_or(PageError::NotFound)?;
    // Used once, whatever comes of it.
    let Some(Left { pending, next }) = session.remove(LEFT).await? else { return told(&site, &OidcError::State) };
    let gate = &site.core().gate;
    let came = match back.error.as_str() {
        "" => provider.finish(pending, &back.state, &back.code).await,
        error => Err(OidcError::declined(error)),
    };
    match came {
        Ok(caller) => {
            gate.at_the_door(Door::Caller(&caller), methods::SIGN_IN, AT_PROVIDER, Decision::Allowed)
                .await
                .map_err(withheld)?;
            let scope = StoredScope::from(caller.scope);
            let who = Who::Provider { actor: caller.actor, role: caller.role.name().to_owned(), scope };
            Visit::begin(&session, who).await?;
            Ok(Redirect::to(own_page(&next)).into_response())
        }
        Err(error) => {
            gate.at_the_door(Door::Unknown, methods::SIGN_IN, AT_PROVIDER, Decision::Denied).await.map_err(withheld)?;
            told(&site, &error)
        }
    }
}

fn told(site: &Site, error: &OidcError) -> Page {
    tracing::warn!(%error, "somebody could not sign in at the identity provider");
    refused(site, String::new(), String::new(), error.advice().to_owned())
}
