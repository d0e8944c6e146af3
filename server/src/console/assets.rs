//! Files that pages refer to: compiled in, named by their content, so that browsers may keep them.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flight_risk_scoring::schema::hex;
use sha2::{Digest, Sha256};

/// The one style sheet.
const STYLE: &str = include_str!("assets/style.css");

/// Its address.
pub(crate) static STYLE_HREF: LazyLock<String> = LazyLock::new(|| format!("/assets/{}", *STYLE_NAME));

static STYLE_NAME: LazyLock<String> = LazyLock::new(|| {
    let digest = hex(&Sha256::digest(STYLE.as_bytes()));
    format!("style-{digest:.16}.css")
});

/// How long a browser may keep a file: for good, since another content has another name.
const KEEP: (HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=31536000, immutable");

/// A file.
pub(crate) async fn asset(Path(name): Path<String>) -> Response {
    if name == *STYLE_NAME {
        return ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), KEEP], STYLE).into_response();
    }
    StatusCode::NOT_FOUND.into_response()
}
