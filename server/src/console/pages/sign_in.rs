//! Signing in and out.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;
use tower_sessions::Session;

use crate::console::accounts::{self, SignInError};
use crate::console::error::encoded;
use crate::console::frame::{Frame, Notice, NoticeKind};
use crate::console::pages::{Page, show};
use crate::console::posted::Posted;
use crate::console::site::Site;
use crate::console::visit::{Visit, Who};

/// Longest address of a page that somebody comes back to after signing in.
const MAX_NEXT_BYTES: usize = 1_024;

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
    match accounts::sign_in(&site.core().store, name, &typed.password).await {
        Ok(_) => {
            Visit::begin(&session, Who::Account { name: name.to_owned() }).await?;
            Ok(Redirect::to(own_page(&typed.next)).into_response())
        }
        Err(SignInError::Store(error)) => Err(error.into()),
        Err(error) => refused(&site, name.to_owned(), typed.next, error.to_string()),
    }
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
    let Some(name) = store.use_sign_in_link(&link.token).await? else {
        let text = "The link was used before, it is too old, or the account was changed since. Sign in with name and password.";
        return no_link(&site, text);
    };
    if store.user(&name).await?.is_none_or(|user| user.disabled_at.is_some()) {
        return no_link(
            &site,
            "The account of this link is disabled. Ask whoever runs this server to let you in again.",
        );
    }
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
pub(crate) async fn sign_out(posted: Posted<Nothing>) -> Page {
    let Nothing {} = posted.form;
    posted.visit.end().await?;
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
