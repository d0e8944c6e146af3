//! Signing in and out.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;
use tower_sessions::Session;

use crate::audit::Decision;
use crate::console::accounts::{self, SignInError, Tried};
use crate::console::error::{PageError, encoded};
use crate::console::frame::{Frame, Notice, NoticeKind};
use crate::console::methods;
use crate::console::pages::{Page, show};
use crate::console::posted::Posted;
use crate::console::site::Site;
use crate::console::visit::{Visit, Who};
use crate::gate::Who as Door;
use crate::grpc::status::ApiError;
use crate::store::sign_in_links::Link as SignInLink;

/// Longest address of a page that somebody comes back to after signing in.
const MAX_NEXT_BYTES: usize = 1_024;

/// How somebody signs in, in the audit log.
const BY_PASSWORD: &str = "with name and password";
const BY_LINK: &str = "by a link";

/// What the address of the page carries.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    pub(super) next: String,
    ended: String,
}

/// What is typed in.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(crate) struct Credentials {
    name: String,
    password: String,
    next: String,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    name: String,
    next: String,
    problem: Option<Notice>,
    /// Where the way to the identity provider begins, where there is one.
    provider: Option<String>,
}

/// The page to sign in.
pub(crate) async fn page(State(site): State<Site>, Query(asked): Query<Asked>) -> Page {
    let mut frame = Frame { title: "Sign in".to_owned(), ..Frame::default() };
    if !asked.ended.is_empty() {
        let text = "You were signed out, because nothing happened for a while or the day was over.";
        frame.notices.push(Notice::new(NoticeKind::Info, "", text));
    }
    show(&SignInPage {
        frame,
        name: String::new(),
        provider: provider(&site, &asked.next),
        next: asked.next,
        problem: None,
    })
}

/// Signs in with name and password.
pub(crate) async fn sign_in(State(site): State<Site>, session: Session, Form(typed): Form<Credentials>) -> Page {
    let name = typed.name.trim();
    let gate = &site.core().gate;
    match accounts::sign_in(&site.core().store, name, &typed.password).await {
        Ok(caller) => {
            gate.at_the_door(Door::Caller(&caller), methods::SIGN_IN, BY_PASSWORD, Decision::Allowed)
                .await
                .map_err(withheld)?;
            Visit::begin(&session, Who::Account { name: name.to_owned() }).await?;
            Ok(Redirect::to(own_page(&typed.next)).into_response())
        }
        Err(SignInError::Store(error)) => Err(error.into()),
        Err(error) => {
            if let SignInError::Wrong { tried: Some(tried) } = &error {
                let who = match tried {
                    Tried::Account(name) => Door::Account(name),
                    Tried::Nobody => Door::Unknown,
                };
                gate.at_the_door(who, methods::SIGN_IN, BY_PASSWORD, Decision::Denied).await.map_err(withheld)?;
            }
            refused(&site, name.to_owned(), typed.next, error.to_string())
        }
    }
}

/// No answer: what happened at the door cannot be written down.
pub(super) fn withheld(error: ApiError) -> PageError {
    error.into_status(None).into()
}

/// The page to sign in, with what was wrong.
pub(super) fn refused(site: &Site, name: String, next: String, problem: String) -> Page {
    let frame = Frame { title: "Sign in".to_owned(), ..Frame::default() };
    let provider = provider(site, &next);
    let mut response =
        show(&SignInPage { frame, name, next, problem: Some(Notice::new(NoticeKind::Error, "", problem)), provider })?;
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    Ok(response)
}

fn provider(site: &Site, next: &str) -> Option<String> {
    site.provider().map(|_| format!("/sign-in/provider?next={}", encoded(next)))
}

/// What a sign-in link carries.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Link {
    token: String,
}

#[derive(Template)]
#[template(path = "sign_in_link.html")]
struct LinkPage {
    frame: Frame,
    token: String,
}

/// Asks whether to sign in by a link: links are also followed by programs that look at messages, and this one works once.
pub(crate) async fn link_page(Query(link): Query<Link>) -> Page {
    show(&LinkPage { frame: Frame { title: "Sign in".to_owned(), ..Frame::default() }, token: link.token })
}

/// Signs in by a link.
pub(crate) async fn by_link(State(site): State<Site>, session: Session, Form(link): Form<Link>) -> Page {
    let store = &site.core().store;
    let gate = &site.core().gate;
    let refused = async |name: &str| {
        gate.at_the_door(Door::Account(name), methods::SIGN_IN, BY_LINK, Decision::Denied).await.map_err(withheld)
    };
    let name = match store.use_sign_in_link(&link.token).await? {
        SignInLink::Good(name) => name,
        spent => {
            // What is no link of anybody is not written down: whoever makes them up would fill the log.
            if let SignInLink::Spent(name) = spent {
                refused(&name).await?;
            }
            let text = "The link was used before, it is too old, or the account was changed since. Sign in with name and password.";
            return no_link(&site, text);
        }
    };
    let Some(user) = store.user(&name).await?.filter(|user| user.disabled_at.is_none()) else {
        refused(&name).await?;
        return no_link(
            &site,
            "The account of this link is disabled. Ask whoever runs this server to let you in again.",
        );
    };
    let who = Door::Caller(&user.caller());
    gate.at_the_door(who, methods::SIGN_IN, BY_LINK, Decision::Allowed).await.map_err(withheld)?;
    Visit::begin(&session, Who::Account { name }).await?;
    Ok(Redirect::to("/").into_response())
}

/// The page to sign in, with why a link does not.
fn no_link(site: &Site, text: &'static str) -> Page {
    let mut frame = Frame { title: "Sign in".to_owned(), ..Frame::default() };
    frame.notices.push(Notice::new(NoticeKind::Error, "", text));
    let provider = provider(site, "");
    show(&SignInPage { frame, name: String::new(), next: String::new(), problem: None, provider })
}

/// Nothing but the token.
#[derive(Debug, Deserialize)]
pub(crate) struct Nothing {}

/// Signs out.
pub(crate) async fn sign_out(State(site): State<Site>, posted: Posted<Nothing>) -> Page {
    let Nothing {} = posted.form;
    let caller = Arc::clone(&posted.visit.caller);
    // Whoever wants to be gone is, whatever else does not work.
    posted.visit.end().await?;
    let (gate, who) = (&site.core().gate, Door::Caller(&caller));
    gate.at_the_door(who, methods::SIGN_OUT, "", Decision::Allowed).await.map_err(withheld)?;
    Ok(Redirect::to("/sign-in").into_response())
}

/// A page of this console; the first one in the place of any other address.
pub(crate) fn own_page(next: &str) -> &str {
    let own = next.len() <= MAX_NEXT_BYTES
        && next.starts_with('/')
        && !next.starts_with("//")
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && !next.starts_with("/sign-");
    if own { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::own_page;

    #[test]
    fn after_signing_in_one_stays_here() {
        for (next, expected) in [
            ("/people/E-1?done=x", "/people/E-1?done=x"),
            ("//elsewhere.example", "/"),
            ("/\\elsewhere.example", "/"),
            ("https://elsewhere.example", "/"),
            ("/a\r\nset-cookie: a=b", "/"),
            ("/sign-out", "/"),
            ("", "/"),
        ] {
            assert_eq!(own_page(next), expected, "{next:?}");
        }
    }
}
