//! What every answer tells browsers to keep to, and which requests are refused before anything looks at them.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::console::error::PageError;
use crate::console::site::Site;

/// Nothing but our own style sheet, pictures and scripts; no frame around us, no form to elsewhere.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Headers of every answer.
const HEADERS: [(HeaderName, &str); 8] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Addresses of pages name employees: nobody else is told them.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
];

/// Checks where a request comes from and adds the headers to its answer.
pub(crate) async fn guard(State(site): State<Site>, request: Request, next: Next) -> Response {
    let refused = refusal(&site, request.method(), request.headers());
    let mut response = match refused {
        Some(refused) => refused.into_response(),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if site.encrypted() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    // Pages are about people; only files named by their content may be kept.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn refusal(site: &Site, method: &Method, headers: &HeaderMap) -> Option<PageError> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(host) = text(header::HOST) else { return Some(PageError::Host) };
    // A name that somebody else made point at this machine (DNS rebinding) is not ours.
    if !site.is_own_host(host) {
        return Some(PageError::Host);
    }
    if method == Method::GET || method == Method::HEAD {
        return None;
    }
    // Browsers say where a form was sent from; what is not from our own pages is refused, whatever token it carries.
    let fetched = text(HeaderName::from_static("sec-fetch-site"));
    // An origin that cannot be read is none of ours.
    let origin = headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
    let ours = match (fetched, origin) {
        (None, None) => false,
        (fetched, origin) => {
            fetched.is_none_or(|fetched| fetched == "same-origin")
                && origin.is_none_or(|origin| site.is_own_origin(origin, host))
        }
    };
    if ours { None } else { Some(PageError::ForeignForm) }
}
