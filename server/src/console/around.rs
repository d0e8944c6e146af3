//! What happens around every page, whichever it is: calls that a role may not make are written to the audit log, whatever answers
//! in plain text becomes a page of ours, and pages that say why there is no other keep the navigation.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::access::caller::Caller;
use crate::console::error::{self, PageError};
use crate::console::frame::Frame;
use crate::console::site::Site;
use crate::gate::RoleRefusals;
use crate::grpc::status::ApiError;
use crate::limits::PAGE_DEADLINE;

/// What is found out about a request while it is answered.
#[derive(Default)]
pub(crate) struct Around {
    /// The calls that were refused because of the role.
    pub(crate) refusals: Arc<RoleRefusals>,
    visitor: Mutex<Option<(Arc<Caller>, Frame)>>,
}

impl Around {
    /// Keeps who asks, and what is around their pages.
    pub(crate) fn is_by(&self, caller: Arc<Caller>, frame: Frame) {
        *self.visitor.lock().unwrap_or_else(PoisonError::into_inner) = Some((caller, frame));
    }

    fn visitor(&self) -> Option<(Arc<Caller>, Frame)> {
        self.visitor.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Answers a request in time and in our own words.
pub(crate) async fn around(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    let around = Arc::new(Around::default());
    request.extensions_mut().insert(Arc::clone(&around));
    let answered = tokio::time::timeout(PAGE_DEADLINE, next.run(request)).await;
    let mut response = answered.unwrap_or_else(|_| PageError::TooLate.into_response());
    let visitor = around.visitor();
    if let Some((caller, _)) = &visitor {
        for method in around.refusals.take() {
            if site.core().gate.denied(caller, method).await.is_err() {
                // As at the door of the API: what cannot be written down is not answered.
                response = PageError::from(ApiError::AuditUnavailable.into_status(None)).into_response();
            }
        }
    }
    if let Some(plain) = of_plain(&response) {
        let allowed = response.headers().get(header::ALLOW).cloned();
        response = plain.into_response();
        if let Some(allowed) = allowed {
            response.headers_mut().insert(header::ALLOW, allowed);
        }
    }
    match visitor {
        Some((_, frame)) => error::framed(response, frame),
        None => response,
    }
}

/// What is said in the place of an answer that is none of our pages.
fn of_plain(response: &Response) -> Option<PageError> {
    if error::is_page(response) {
        return None;
    }
    match response.status() {
        StatusCode::METHOD_NOT_ALLOWED => Some(PageError::Method),
        StatusCode::REQUEST_TIMEOUT => Some(PageError::TooLate),
        StatusCode::BAD_REQUEST
        | StatusCode::UNSUPPORTED_MEDIA_TYPE
        | StatusCode::UNPROCESSABLE_ENTITY
        | StatusCode::PAYLOAD_TOO_LARGE => {
            let of_page =
                response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/html; charset=utf-8");
            (!of_page).then(|| PageError::Form("the address or the form holds what is not expected there".to_owned()))
        }
        _ => None,
    }
}
