//! Forms that were sent: what stands in them, once it is clear that one of our own pages sent them.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq;

use crate::console::error::PageError;
use crate::console::site::Site;
use crate::console::visit::Visit;

/// The field with which a form shows that it is ours.
const TOKEN_FIELD: &str = "csrf";

/// A form sent by somebody who is signed in.
pub(crate) struct Posted<T> {
    /// Who sent it.
    pub(crate) visit: Visit,
    /// What stands in it.
    pub(crate) form: T,
}

impl<T: DeserializeOwned> FromRequest<Site> for Posted<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, site: &Site) -> Result<Self, PageError> {
        let (mut parts, body) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, site).await?;
        let bytes = Bytes::from_request(Request::from_parts(parts, body), site)
            .await
            .map_err(|_| PageError::Form("it is too large, or it did not arrive whole".to_owned()))?;
        let unreadable = |_| PageError::Form("it cannot be read; go back and send it again".to_owned());
        let fields: Vec<(String, String)> = serde_urlencoded::from_bytes(&bytes).map_err(unreadable)?;
        let token = fields.iter().find(|(name, _)| name == TOKEN_FIELD).map_or("", |(_, value)| value.as_str());
        if !bool::from(token.as_bytes().ct_eq(visit.csrf().as_bytes())) {
            return Err(PageError::StaleForm);
        }
        let form = serde_urlencoded::from_bytes(&bytes).map_err(unreadable)?;
        Ok(Self { visit, form })
    }
}
