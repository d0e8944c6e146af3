//! Somebody at the console: who is signed in, for how long still, and for what purpose they look at people.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect};
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

use crate::access::caller::{Caller, Role};
use crate::access::policy::policy;
use crate::clock::now_micros;
use crate::console::accounts;
use crate::console::around::Around;
use crate::console::error::PageError;
use crate::console::frame::{Frame, NavItem, Notice, NoticeKind, SignedIn as Person};
use crate::console::methods;
use crate::console::pages::Page;
use crate::console::site::Site;
use crate::grpc::status::ApiError;
use crate::store::stored_scope::StoredScope;

/// Under which name the session keeps [`SignedIn`].
const SIGNED_IN: &str = "signed_in";
/// Under which name it keeps the page that tells what a form did, until it is shown: anybody can write the same address.
const LED_TO: &str = "led_to";

/// A session is written again when it was last seen this long ago, rather than with every page; or after a quarter of the time
/// without a page that ends it, where that is shorter.
const SEEN_EVERY: Duration = Duration::from_secs(60);
/// What an identity provider said of somebody counts for this long at most, in microseconds: it is not asked again meanwhile.
const PROVIDER_LONGEST: i64 = 8 * 3_600 * 1_000_000;

/// What a session keeps of somebody who signed in.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct SignedIn {
    who: Who,
    /// What their forms carry, so that no other site can send one for them.
    csrf: String,
    /// When they signed in, in microseconds since 1970.
    since: i64,
    /// When they were last seen, likewise.
    seen: i64,
    /// Why they look at people.
    purpose: Option<String>,
}

/// Who signed in, and where what they may do is looked up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Who {
    /// An account of this server: looked up anew for every page, so that one that is disabled ends at once.
    Account {
        /// The account's name.
        name: String,
    },
    /// Somebody whom the identity provider vouched for, until the session ends.
    Provider {
        /// Subject of the token.
        actor: String,
        /// Role by its name.
        role: String,
        /// Whom they may see.
        scope: StoredScope,
    },
    /// Whoever it is: access control is off.
    Anybody,
}

/// Somebody at the console.
pub(crate) struct Visit {
    /// As the services know them.
    pub(crate) caller: Arc<Caller>,
    session: Session,
    signed_in: SignedIn,
    path: String,
    /// Whether a form of theirs has just led to this page.
    led_here: bool,
    around: Arc<Around>,
}

impl Visit {
    /// Begins a session for somebody who has just shown who they are.
    ///
    /// # Errors
    /// [`PageError`] when the store does not keep the session.
    pub(crate) async fn begin(session: &Session, who: Who) -> Result<(), PageError> {
        // Another identifier than before: one that somebody else may have planted is worth nothing.
        session.cycle_id().await?;
        let now = now_micros();
        let signed_in = SignedIn { who, csrf: accounts::random_token()?, since: now, seen: now, purpose: None };
        Ok(session.insert(SIGNED_IN, signed_in).await?)
    }

    /// Whether somebody is signed in with a session, as far as it says so itself.
    pub(crate) async fn has_begun(session: &Session) -> Result<bool, PageError> {
        Ok(session.get::<SignedIn>(SIGNED_IN).await?.is_some())
    }

    /// Ends the session.
    pub(crate) async fn end(self) -> Result<(), PageError> {
        Ok(self.session.flush().await?)
    }

    /// What forms carry.
    pub(crate) fn csrf(&self) -> &str {
        &self.signed_in.csrf
    }

    /// What they are.
    pub(crate) fn role(&self) -> Role {
        self.caller.role
    }

    /// Whether they may call a method of the API, or of the console's own.
    pub(crate) fn may(&self, method: &str) -> bool {
        self.caller.is_anybody() || policy(method).is_some_and(|policy| policy.roles.contains(&self.caller.role))
    }

    /// Nothing, where they may call a method.
    ///
    /// # Errors
    /// Not permitted otherwise, which the audit log gets too.
    pub(crate) fn permitted(&self, method: &'static str) -> Result<(), PageError> {
        if self.may(method) { Ok(()) } else { Err(self.refused(method)) }
    }

    /// That they may not call a method, which the audit log gets too.
    pub(crate) fn refused(&self, method: &'static str) -> PageError {
        self.around.refusals.note(method);
        ApiError::NotPermitted.into_status(None).into()
    }

    /// The purpose that the audit log gets where people are listed: what the page is for, unless they said why.
    pub(crate) fn purpose_or(&self, unsaid: &'static str) -> String {
        self.signed_in.purpose.clone().unwrap_or_else(|| unsaid.to_owned())
    }

    /// The purpose that the audit log gets where one person is looked at.
    ///
    /// # Errors
    /// [`PageError::Purpose`] leads to the page that asks for it, once per session, and then back to this one.
    pub(crate) fn purpose(&self) -> Result<String, PageError> {
        self.purpose_or_ask(self.path.clone())
    }

    /// The same where another page comes next: what was sent by a form is not sent again.
    ///
    /// # Errors
    /// As [`Self::purpose`].
    pub(crate) fn purpose_or_ask(&self, next: String) -> Result<String, PageError> {
        self.signed_in.purpose.clone().ok_or(PageError::Purpose { next })
    }

    /// Keeps the purpose until the session ends.
    pub(crate) async fn set_purpose(&mut self, purpose: String) -> Result<(), PageError> {
        self.signed_in.purpose = Some(purpose);
        Ok(self.session.insert(SIGNED_IN, &self.signed_in).await?)
    }

    /// Leads to the page that tells what their form did.
    pub(crate) async fn lead_to(&self, to: &str) -> Page {
        let page = to.split('#').next().unwrap_or_default();
        // What the form asked for is done, and told less well at worst.
        if let Err(error) = self.session.insert(LED_TO, page).await {
            tracing::warn!(%error, "a session does not keep what a form did");
        }
        Ok(Redirect::to(to).into_response())
    }

    /// Whether a form of theirs has just led to this page: only then it is true what its address says of it.
    pub(crate) fn was_led_here(&self) -> bool {
        self.led_here
    }

    /// A request of the API in their name.
    pub(crate) fn ask<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        request.extensions_mut().insert(Arc::clone(&self.caller));
        request.extensions_mut().insert(Arc::clone(&self.around.refusals));
        request
    }

    /// What is around every page; `current` is the address of the item of the navigation under which it stands.
    pub(crate) fn frame(&self, site: &Site, title: impl Into<String>, current: &str) -> Frame {
        let nav = NAV
            .iter()
            .filter(|(_, _, methods)| methods.iter().any(|method| self.may(method)))
            .map(|&(label, href, _)| NavItem { label, href, current: href == current })
            .collect();
        let name = match &self.signed_in.who {
            Who::Account { name } => name.clone(),
            Who::Provider { actor, .. } => actor.clone(),
            Who::Anybody => "Access control is off".to_owned(),
        };
        Frame {
            title: title.into(),
            nav,
            signed_in: Some(Person { name, role: role_label(self.role()).to_owned() }),
            csrf: self.signed_in.csrf.clone(),
            notices: if self.led_here { said(&self.path) } else { Vec::new() },
            model_version: Some(site.core().active.load().artifact().model_version().to_owned()),
            ..Frame::default()
        }
    }

    /// Where somebody of this role begins.
    pub(crate) fn home(&self) -> &'static str {
        NAV.iter()
            .find(|(_, _, methods)| methods.iter().any(|method| self.may(method)))
            .map_or("/sign-in", |&(_, href, _)| href)
    }
}

/// The pages of the navigation, with the methods of which one must be allowed.
const NAV: [(&str, &str, &[&str]); 7] = [
    ("At risk", "/at-risk", &[methods::LIST_AT_RISK_EMPLOYEES]),
    ("Hot spots", "/hot-spots", &[methods::LIST_HOTSPOTS]),
    ("Drivers", "/drivers", &[methods::LIST_DRIVERS]),
    ("Actions", "/actions", &[methods::LIST_ACTIONS, methods::COMPARE_ACTED_ON]),
    ("Model", "/model", &[methods::GET_MODEL]),
    ("Privacy", "/privacy", &[methods::EXPORT_EMPLOYEE]),
    ("Audit", "/audit", &[methods::LIST_RECORDS]),
];

/// What a role is called.
pub(crate) fn role_label(role: Role) -> &'static str {
    match role {
        Role::Hris => "HR system",
        Role::HrPartner => "HR partner",
        Role::Manager => "Manager",
        Role::Analyst => "People analyst",
        Role::Auditor => "Auditor",
        Role::Admin => "Administrator",
    }
}

/// What a form did, told on the page that follows it: which one is in its address, what is said stands here.
const SAID: [(&str, &str); 10] = [
    ("purpose", "Your purpose is noted until you sign out."),
    ("action-started", "The action is started. It is among the actions due on its day."),
    ("action-changed", "The action is changed."),
    ("action-completed", "The action is completed, with what came of it."),
    ("exit-recorded", "The exit is recorded. The person is no longer listed; the scores are compared with it."),
    ("exit-withdrawn", "The exit is taken back. The person is listed again."),
    ("exit-withdrawn-waiting", "The exit is taken back. The person is listed again with the next score."),
    ("erased", "Everything that was held about the person is erased."),
    ("model-activated", "The model is active: new scores come from it."),
    ("model-rolled-back", "The model before is active again."),
];

/// The address of a page, so that it says what was done.
pub(crate) fn having(path: &str, done: &str) -> String {
    let sign = if path.contains('?') { '&' } else { '?' };
    format!("{path}{sign}done={done}")
}

fn said(path: &str) -> Vec<Notice> {
    let pairs = path.split_once('?').map_or("", |(_, query)| query).split('&');
    let done = pairs.filter_map(|pair| pair.strip_prefix("done=")).next();
    let text = done.and_then(|done| SAID.iter().find(|(name, _)| *name == done));
    text.map(|(_, text)| Notice::new(NoticeKind::Done, "", *text)).into_iter().collect()
}

impl FromRequestParts<Site> for Visit {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, PageError> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        // What was sent is lost when somebody signs in anew: then they begin with the page, not with its form.
        let next = if parts.method == Method::GET { path.clone() } else { "/".to_owned() };
        let session = Session::from_request_parts(parts, site).await.map_err(|_| PageError::NoSession)?;
        let found: Option<SignedIn> = session.get(SIGNED_IN).await?;
        let mut signed_in = match found {
            Some(signed_in) => signed_in,
            None if site.is_open() => {
                Self::begin(&session, Who::Anybody).await?;
                session.get(SIGNED_IN).await?.ok_or(PageError::NoSession)?
            }
            None => return Err(PageError::SignIn { next, ended: false }),
        };
        let now = now_micros();
        let unseen = Duration::from_micros(u64::try_from(now - signed_in.seen).unwrap_or(0));
        let idle = unseen > site.core().config.console.idle();
        let caller = if idle { None } else { caller(site, &signed_in).await? };
        let Some(caller) = caller else {
            session.flush().await?;
            return Err(PageError::SignIn { next, ended: true });
        };
        if unseen >= seen_every(site.core().config.console.idle()) {
            signed_in.seen = now;
            session.insert(SIGNED_IN, &signed_in).await?;
        }
        let around = parts.extensions.get::<Arc<Around>>().cloned().unwrap_or_default();
        let led_here = parts.method == Method::GET && session.get::<String>(LED_TO).await?.as_ref() == Some(&path);
        if led_here {
            session.remove::<String>(LED_TO).await?;
        }
        let visit = Self { caller: Arc::new(caller), session, signed_in, path, led_here, around };
        visit.around.is_by(Arc::clone(&visit.caller), visit.frame(site, "", ""));
        Ok(visit)
    }
}

/// How long after it was last seen a session is written again.
fn seen_every(idle: Duration) -> Duration {
    SEEN_EVERY.min(idle / 4)
}

/// The role of somebody for whom the identity provider vouched at a time, as long as that counts.
fn still_vouched_for(since: i64, now: i64, role: &str) -> Option<Role> {
    if now - since < PROVIDER_LONGEST { Role::parse(role) } else { None }
}

/// What somebody may do now; `None` for those who may not be here any more.
async fn caller(site: &Site, signed_in: &SignedIn) -> Result<Option<Caller>, PageError> {
    Ok(match &signed_in.who {
        Who::Account { name } => accounts::caller_of(&site.core().store, name, signed_in.since).await?,
        Who::Provider { actor, role, scope } => still_vouched_for(signed_in.since, now_micros(), role)
            .map(|role| Caller { actor: actor.clone(), role, scope: scope.clone().into(), standing_purpose: None }),
        Who::Anybody => site.is_open().then(Caller::anybody),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_clicks_before_a_session_is_idle_keeps_it() {
        for minutes in [1, 2, 3, 5, 30, 1_440] {
            let idle = Duration::from_secs(60 * minutes);
            let (mut seen, mut now) = (Duration::ZERO, Duration::ZERO);
            // A page every nine tenths of the time, then every tenth: a session never looks idle.
            for step in [idle * 9 / 10, idle / 10, idle * 7 / 10, idle / 5, idle * 7 / 10] {
                now += step;
                assert!(now - seen <= idle, "{minutes} minutes: signed out at {now:?}");
                if now - seen >= seen_every(idle) {
                    seen = now;
                }
            }
        }
    }

    #[test]
    fn what_a_provider_said_counts_for_eight_hours_whatever_is_configured() {
        let hours = |hours: i64| hours * 3_600_000_000;
        assert_eq!(still_vouched_for(hours(1), hours(9) - 1, "admin"), Some(Role::Admin));
        assert_eq!(still_vouched_for(hours(1), hours(9), "admin"), None);
        assert_eq!(still_vouched_for(hours(1), hours(2), "nothing"), None);
    }
}
