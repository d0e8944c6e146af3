//! How good the model is, what it learned from, and which one is active.

use axum::Router;

use crate::console::site::Site;

/// The pages.
pub(crate) fn routes() -> Router<Site> {
    Router::new()
}
