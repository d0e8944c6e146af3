//! The pages, one file each.

pub(crate) mod actions;
pub(crate) mod at_risk;
pub(crate) mod audit;
pub(crate) mod drivers;
pub(crate) mod home;
pub(crate) mod hot_spots;
pub(crate) mod model;
pub(crate) mod person;
pub(crate) mod place;
pub(crate) mod privacy;
pub(crate) mod provider;
pub(crate) mod purpose;
pub(crate) mod sign_in;

use askama::Template;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

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

/// A file to be taken away: its kind, its name and what is in it.
pub(crate) fn download(kind: &'static str, name: &str, body: String) -> Page {
    let disposition = format!("attachment; filename=\"{name}\"");
    Ok(([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)], body).into_response())
}

/// The address of a page with what is asked of it.
pub(crate) fn address(path: &str, asked: &impl Serialize) -> String {
    let query = serde_urlencoded::to_string(asked).unwrap_or_default();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}
