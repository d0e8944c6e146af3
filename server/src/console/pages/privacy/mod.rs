//! What is held about a person: to export it, and to erase it.

use axum::Router;

use crate::console::site::Site;

/// The pages.
pub(crate) fn routes() -> Router<Site> {
    Router::new()
}
