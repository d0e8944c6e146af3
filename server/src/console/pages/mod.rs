//! The pages, one file each.

pub(crate) mod actions;
pub(crate) mod at_risk;
pub(crate) mod audit;
pub(crate) mod drivers;
pub(crate) mod home;
pub(crate) mod hot_spots;
pub(crate) mod model;
pub(crate) mod person;
pub(crate) mod privacy;
pub(crate) mod provider;
pub(crate) mod purpose;
pub(crate) mod sign_in;

use askama::Template;
use axum::response::{Html, IntoResponse, Response};

use crate::console::error::PageError;

/// What a page's handler gives.
pub(crate) type Page = Result<Response, PageError>;

/// A page of a template.
pub(crate) fn show(template: &impl Template) -> Page {
    Ok(Html(template.render()?).into_response())
}
