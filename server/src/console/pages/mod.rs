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
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::console::error::PageError;
use crate::random;

/// What a page's handler gives.
pub(crate) type Page = Result<Response, PageError>;

/// A page of a template.
pub(crate) fn show(template: &impl Template) -> Page {
    Ok(Html(template.render()?).into_response())
}

/// What a form carries so that it is carried out once, however often it is sent.
pub(crate) fn request_id() -> Result<String, PageError> {
    let bytes: [u8; 16] = random::bytes().map_err(|_| PageError::Store)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
