//! Who looked at whom and why.

use axum::Router;

use crate::console::site::Site;

/// The pages.
pub(crate) fn routes() -> Router<Site> {
    Router::new()
}
