//! The console: pages for people who have ten minutes between two meetings.
//!
//! A page asks the services of the API, within the process, as the person who is signed in: who may see what, what is suppressed
//! and what is written to the audit log is therefore what it is for every other client. Pages are made on the server, work without
//! scripts and carry no style or script in themselves.

pub(crate) mod accounts;
mod api;
mod around;
mod assets;
mod browser;
mod calls;
mod charts;
mod error;
mod frame;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]
mod gallery;
mod listener;
mod methods;
pub(crate) mod oidc;
mod pace;
mod pages;
mod posted;
mod session_store;
mod site;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]
mod style_tests;
mod visit;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::Duration as CookieDuration;
use tower_sessions::{Expiry, SessionManagerLayer};

use crate::console::error::PageError;
pub(crate) use crate::console::oidc::Oidc;
use crate::console::session_store::StoreSessions;
pub(crate) use crate::console::site::Site;
use crate::core::Core;
use crate::limits::MAX_FORM_BYTES;

pub(crate) use listener::{WebShared, serve_connection};

/// The pages of a server's console, to be served on this listener; `draining` turns true when the server ends.
///
/// # Errors
/// [`std::io::Error`] when the listener has no address any more.
pub(crate) fn router(
    core: &Core,
    listener: &TcpListener,
    provider: Option<Arc<Oidc>>,
    draining: &watch::Receiver<bool>,
) -> Result<Router, std::io::Error> {
    let site = Site::new(core.clone(), listener.local_addr()?, provider, draining);
    Ok(pages(site))
}

/// The pages of a site.
pub(crate) fn pages(site: Site) -> Router {
    let console = &site.core().config.console;
    let sessions = SessionManagerLayer::new(StoreSessions::new(Arc::clone(&site.core().store)))
        .with_name("flight_risk_session")
        .with_http_only(true)
        // Not Strict: who comes from the identity provider comes from another site.
        .with_same_site(SameSite::Lax)
        .with_secure(site.encrypted())
        .with_expiry(Expiry::OnInactivity(CookieDuration::hours(i64::from(console.session_hours))));
    Router::new()
        .route("/", get(pages::home::home))
        .route("/sign-in", get(pages::sign_in::page).post(pages::sign_in::sign_in))
        .route("/sign-in/link", get(pages::sign_in::link_page).post(pages::sign_in::by_link))
        .route("/sign-in/provider", get(pages::provider::leave))
        .route("/sign-in/return", get(pages::provider::come_back))
        .route("/sign-out", post(pages::sign_in::sign_out))
        .route("/purpose", get(pages::purpose::page).post(pages::purpose::state))
        .route("/at-risk", get(pages::at_risk::page))
        .route("/at-risk.csv", get(pages::at_risk::export))
        .merge(pages::person::routes())
        .merge(pages::hot_spots::routes())
        .merge(pages::drivers::routes())
        .merge(pages::actions::routes())
        .merge(pages::model::routes())
        .merge(pages::privacy::routes())
        .merge(pages::audit::routes())
        .fallback(async || PageError::NotFound)
        .layer(sessions)
        .route("/assets/{name}", get(assets::asset))
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
        .layer(from_fn_with_state(site.clone(), around::around))
        .layer(from_fn_with_state(site.clone(), browser::guard))
        .with_state(site)
}
