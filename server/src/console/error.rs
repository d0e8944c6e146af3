//! Why a page is not shown, put in words that tell what to do.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::console::frame::Frame;
use crate::store::StoreError;

/// Why a page is not shown.
#[derive(Debug)]
pub(crate) enum PageError {
    /// What a service answered.
    Status(Box<Status>),
    /// Nobody is signed in (any more).
    SignIn {
        /// Where to go then.
        next: String,
        /// Whether somebody was.
        ended: bool,
    },
    /// The purpose must be stated first.
    Purpose {
        /// Where to go then.
        next: String,
    },
    /// There is no such page.
    NotFound,
    /// The form cannot be used, and why.
    Form(String),
    /// The address does not take what was sent this way.
    Method,
    /// It took too long.
    TooLate,
    /// The form is of another session.
    StaleForm,
    /// The form was not sent from one of our pages.
    ForeignForm,
    /// The request names another host.
    Host,
    /// The store does not answer.
    Store,
    /// There is no session where there must be one.
    NoSession,
    /// A page could not be made.
    Page,
}

impl From<Status> for PageError {
    fn from(status: Status) -> Self {
        Self::Status(Box::new(status))
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a page could not be made: the store does not answer");
        Self::Store
    }
}

impl From<tower_sessions::session::Error> for PageError {
    fn from(error: tower_sessions::session::Error) -> Self {
        tracing::error!(%error, "a session could not be read or kept");
        Self::Store
    }
}

impl From<askama::Error> for PageError {
    fn from(error: askama::Error) -> Self {
        tracing::error!(%error, "a page could not be made");
        Self::Page
    }
}

/// The page that says why there is no other.
#[derive(Clone, Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    text: String,
    advice: &'static str,
    fields: Vec<String>,
}

/// What is said: the status, a heading, what happened, and what to do.
struct Said(StatusCode, &'static str, String, &'static str);

impl PageError {
    fn said(&self) -> Said {
        let said = |status, heading, text: &str, advice| Said(status, heading, text.to_owned(), advice);
        match self {
            Self::Status(status) => of_status(status),
            Self::SignIn { .. } => said(StatusCode::UNAUTHORIZED, "Please sign in", "", ""),
            Self::Purpose { .. } => said(StatusCode::FORBIDDEN, "Please say why", "", ""),
            Self::NotFound => said(
                StatusCode::NOT_FOUND,
                "There is no such page",
                "The address may be mistyped.",
                "Go on from one of the pages above.",
            ),
            Self::Form(why) => Said(
                StatusCode::BAD_REQUEST,
                "The form could not be used",
                format!("What was sent cannot be used: {why}."),
                "Go back, correct it and send it again. Nothing was changed.",
            ),
            Self::Method => said(
                StatusCode::METHOD_NOT_ALLOWED,
                "This address is used otherwise",
                "A form was opened like a page, or a page was sent something. Nothing was changed.",
                "Go on from one of the pages above.",
            ),
            Self::TooLate => said(
                StatusCode::SERVICE_UNAVAILABLE,
                "That took too long",
                "The page was given up. What a form of it asked for may have been done all the same.",
                "Look whether it was, then try again; if it stays so, tell whoever runs this server.",
            ),
            Self::StaleForm => said(
                StatusCode::FORBIDDEN,
                "The form is out of date",
                "It was opened before you last signed in. Nothing was changed.",
                "Open the page again and send the form from there.",
            ),
            Self::ForeignForm => said(
                StatusCode::FORBIDDEN,
                "The form came from elsewhere",
                "It was not sent from a page of this console. Nothing was changed.",
                "Open the page here and send the form from there.",
            ),
            Self::Host => said(
                StatusCode::MISDIRECTED_REQUEST,
                "This console has another address",
                "It answers by the address of the machine only.",
                "Open it by the address that `flight-risk serve` prints. Behind a reverse proxy, its configuration must say so: console.public_url.",
            ),
            Self::Store | Self::NoSession => said(
                StatusCode::SERVICE_UNAVAILABLE,
                "The store does not answer",
                "Nothing was changed.",
                "Try again in a moment; if it stays so, tell whoever runs this server.",
            ),
            Self::Page => said(
                StatusCode::INTERNAL_SERVER_ERROR,
                "This page could not be made",
                "That is a fault of the server; its log says more.",
                "Tell whoever runs this server.",
            ),
        }
    }
}

fn of_status(status: &Status) -> Said {
    let message = status.message().to_owned();
    match status.code() {
        Code::PermissionDenied => Said(
            StatusCode::FORBIDDEN,
            "Not yours to see",
            "Your role may not see this, or there is no such person among those you may see.".to_owned(),
            "If you need it for your work, ask whoever runs this server to change your role or your part of the company.",
        ),
        Code::NotFound => Said(
            StatusCode::NOT_FOUND,
            "Nothing is held about this",
            message,
            "Check the identifier; scores come from `flight-risk score --store` or from your HR system.",
        ),
        Code::InvalidArgument | Code::OutOfRange => Said(
            StatusCode::BAD_REQUEST,
            "Something in this request is wrong",
            message,
            "Go back, correct it and send it again. Nothing was changed.",
        ),
        Code::FailedPrecondition => {
            Said(StatusCode::CONFLICT, "That cannot be done now", message, "Go back and open the page again.")
        }
        Code::Aborted | Code::AlreadyExists => Said(
            StatusCode::CONFLICT,
            "Somebody else was faster",
            "It was changed after you opened the page. Nothing of yours was saved over it.".to_owned(),
            "Open the page again, look at what is there now, and make your change.",
        ),
        Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted => Said(
            StatusCode::SERVICE_UNAVAILABLE,
            "Not available just now",
            message,
            "Try again in a moment; if it stays so, tell whoever runs this server.",
        ),
        _ => Said(
            StatusCode::INTERNAL_SERVER_ERROR,
            "This page could not be made",
            "That is a fault of the server; its log says more.".to_owned(),
            "Tell whoever runs this server.",
        ),
    }
}

/// The seconds after which to try again, where a service says so.
fn retry_after(status: &Status) -> Option<u64> {
    Some(status.get_details_retry_info()?.retry_delay?.as_secs().max(1))
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        match &self {
            Self::SignIn { next, ended } => {
                let ended = if *ended { "&ended=yes" } else { "" };
                return Redirect::to(&format!("/sign-in?next={}{ended}", encoded(next))).into_response();
            }
            Self::Purpose { next } => return Redirect::to(&format!("/purpose?next={}", encoded(next))).into_response(),
            _ => {}
        }
        let Said(code, heading, text, advice) = self.said();
        let fields = match &self {
            Self::Status(status) => status
                .get_details_bad_request()
                .map(|bad| {
                    bad.field_violations.into_iter().map(|f| format!("{}: {}", f.field, f.description)).collect()
                })
                .unwrap_or_default(),
            _ => Vec::new(),
        };
        let frame = Frame { title: heading.to_owned(), ..Frame::default() };
        let page = ErrorPage { frame, text, advice, fields };
        let mut response = match page.render() {
            Ok(html) => (code, Html(html)).into_response(),
            Err(_) => (code, heading).into_response(),
        };
        response.extensions_mut().insert(page);
        if let Self::Status(status) = &self
            && let Some(seconds) = retry_after(status)
        {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Whether an answer is a page that says why there is no other.
pub(crate) fn is_page(response: &Response) -> bool {
    response.extensions().get::<ErrorPage>().is_some()
}

/// Such a page with what is around the pages of whoever is signed in; any other answer as it is.
pub(crate) fn framed(mut response: Response, frame: Frame) -> Response {
    let Some(page) = response.extensions_mut().remove::<ErrorPage>() else { return response };
    let page = ErrorPage { frame: Frame { title: page.frame.title, notices: Vec::new(), ..frame }, ..page };
    if let Ok(html) = page.render() {
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = html.into();
    }
    response
}

/// A text as part of an address.
pub(crate) fn encoded(text: &str) -> String {
    let pair = serde_urlencoded::to_string([("", text)]).unwrap_or_default();
    pair.trim_start_matches('=').replace('+', "%20")
}
