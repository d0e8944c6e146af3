//! Where everybody begins: the first page of their role.

use axum::response::{IntoResponse, Redirect};

use crate::console::pages::Page;
use crate::console::visit::Visit;

/// Leads to the first page of the role.
pub(crate) async fn home(visit: Visit) -> Page {
    Ok(Redirect::to(visit.home()).into_response())
}
