//! What was promised: due, overdue, done, and what came of it.

use axum::Router;

use crate::console::site::Site;

/// The pages.
pub(crate) fn routes() -> Router<Site> {
    Router::new()
}
