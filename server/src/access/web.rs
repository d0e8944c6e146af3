//! Asking an identity provider over HTTP: encrypted, or within this machine; bounded in size and time; no redirects, as the
//! configuration names who is trusted.

use std::path::Path;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Request, Response, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::tls::{TlsError, client_config};

/// An address that cannot be asked.
#[derive(Debug, thiserror::Error)]
#[error("{0} is no https address: whoever can change the answer on its way decides who is let in")]
pub struct AddressError(String);

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// It took too long.
    #[error("no answer in time")]
    TooLate,
    /// The connection, or what came over it.
    #[error("{0}")]
    Failed(String),
}

impl AskError {
    fn of(error: &dyn std::error::Error) -> Self {
        let cause = std::iter::successors(Some(error), |error| error.source()).last();
        Self::Failed(cause.map(ToString::to_string).unwrap_or_default())
    }
}

/// An address that nobody between here and there can change the answers of: https, or this machine.
///
/// # Errors
/// [`AddressError`] for any other.
pub(crate) fn address(url: &str) -> Result<Uri, AddressError> {
    let refused = || AddressError(url.to_owned());
    let uri: Uri = url.parse().map_err(|_| refused())?;
    let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(refused)?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let own = bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    match uri.scheme_str() {
        Some("https") => Ok(uri),
        Some("http") if own => Ok(uri),
        _ => Err(refused()),
    }
}

/// Asks.
#[derive(Clone, Debug)]
pub(crate) struct WebClient(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl WebClient {
    /// With trust in those in a file, or in those whom this machine trusts.
    ///
    /// # Errors
    /// [`TlsError`] when there is nobody to trust.
    pub(crate) fn new(ca: Option<&Path>) -> Result<Self, TlsError> {
        let tls = client_config(ca)?;
        // Which addresses may be asked without encryption is decided by `address`.
        let connector = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector.build())))
    }

    /// The answer to a request, of at most so many bytes and within a time.
    pub(crate) async fn ask(
        &self,
        request: Request<Full<Bytes>>,
        most_bytes: usize,
        deadline: Duration,
    ) -> Result<Response<Bytes>, AskError> {
        let answer = async {
            let (head, body) = self.0.request(request).await.map_err(|error| AskError::of(&error))?.into_parts();
            let body = Limited::new(body, most_bytes).collect().await.map_err(|error| AskError::of(error.as_ref()))?;
            Ok(Response::from_parts(head, body.to_bytes()))
        };
        tokio::time::timeout(deadline, answer).await.map_err(|_| AskError::TooLate)?
    }

    /// What lies at an address.
    pub(crate) async fn get(&self, uri: &Uri, most_bytes: usize, deadline: Duration) -> Result<Vec<u8>, AskError> {
        let mut request = Request::new(Full::default());
        *request.uri_mut() = uri.clone();
        let reply = self.ask(request, most_bytes, deadline).await?;
        match reply.status() {
            hyper::StatusCode::OK => Ok(reply.into_body().to_vec()),
            status => Err(AskError::Failed(format!("it answers {status}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_whose_answers_nobody_can_change_are_asked() {
        for (url, good) in [
            ("https://login.example.com/keys", true),
            ("https://127.0.0.1:1/keys", true),
            ("http://127.0.0.1:8080/", true),
            ("http://[::1]:8080/", true),
            ("http://login.example.com/", false),
            ("http://localhost/", false),
            ("http://127.0.0.1.example.com/", false),
            ("http://10.0.0.1/", false),
            ("ftp://127.0.0.1/", false),
            ("https:///keys", false),
            ("/keys", false),
            ("", false),
        ] {
            assert_eq!(address(url).is_ok(), good, "{url}");
        }
    }
}
