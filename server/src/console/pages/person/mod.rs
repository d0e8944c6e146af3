//! A person: what is known of the risk, why, and what can be done.

use axum::Router;

use crate::console::site::Site;

/// The pages.
pub(crate) fn routes() -> Router<Site> {
    Router::new()
}
