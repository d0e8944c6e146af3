//! Somebody at the console: a router, a cookie, and what they see.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use flight_risk_scoring::Scorer;
use http_body_util::BodyExt;
use tokio::sync::watch;
use tower::ServiceExt;

use crate::access::caller::{Role, Scope};
use crate::access::password::Password;
use crate::access::users::NewUser;
use crate::app::App;
use crate::config::ServerConfig;
use crate::console::{Oidc, Site, pages};
use crate::models::ModelFolder;
use crate::store::Store;

/// A password good enough for tests.
pub(in crate::tests) const PASSWORD: &str = "correct horse battery";
const HOST: &str = "127.0.0.1:8080";

/// A console without a socket.
pub(in crate::tests) struct Console {
    router: Router,
    site: Site,
    /// What is kept.
    pub(in crate::tests) store: Store,
    _folder: tempfile::TempDir,
    _draining: watch::Sender<bool>,
}

impl Console {
    /// A console of this model with a store of its own, to which people sign in.
    pub(in crate::tests) async fn of(scorer: Scorer) -> Self {
        Self::with(scorer, ServerConfig::default()).await
    }

    /// How often what pages ask for first was worked out.
    pub(in crate::tests) fn rounds(&self) -> u64 {
        self.site.api().insight.rounds()
    }

    /// Waits until it was more often than so.
    pub(in crate::tests) async fn more_rounds_than(&self, before: u64) {
        while self.rounds() <= before {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    /// The same with another configuration.
    pub(in crate::tests) async fn with(scorer: Scorer, config: ServerConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store.db").to_str().unwrap()).await.unwrap();
        let app = App::new(scorer, store.clone(), config).await.unwrap();
        Self::of_app(&app, store, folder, None)
    }

    /// The same, started on a store that was filled before.
    pub(in crate::tests) async fn filled(scorer: Scorer, fill: impl AsyncFnOnce(&Store)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store.db").to_str().unwrap()).await.unwrap();
        fill(&store).await;
        let app = App::new(scorer, store.clone(), ServerConfig::default()).await.unwrap();
        Self::of_app(&app, store, folder, None)
    }

    /// A console to which people sign in at an identity provider.
    pub(in crate::tests) async fn of_provider(scorer: Scorer, provider: Oidc) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store.db").to_str().unwrap()).await.unwrap();
        let app = App::new(scorer, store.clone(), ServerConfig::default()).await.unwrap();
        Self::of_app(&app, store, folder, Some(Arc::new(provider)))
    }

    /// A console of the models of a folder.
    pub(in crate::tests) async fn of_models(models: ModelFolder) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store.db").to_str().unwrap()).await.unwrap();
        let app = App::open(models, store.clone(), ServerConfig::default()).await.unwrap();
        Self::of_app(&app, store, folder, None)
    }

    fn of_app(app: &App, store: Store, folder: tempfile::TempDir, provider: Option<Arc<Oidc>>) -> Self {
        let (drain, draining) = watch::channel(false);
        let site = Site::new(app.core().clone(), HOST.parse().unwrap(), provider, &draining);
        Self { router: pages(site.clone()), site, store, _folder: folder, _draining: drain }
    }

    /// Makes an account and signs in with it.
    pub(in crate::tests) async fn visitor(&self, name: &str, role: Role, scope: Scope) -> Visitor {
        let user = NewUser { name: name.into(), role, scope };
        let hash = Password::new(PASSWORD.into()).unwrap().hash().unwrap();
        self.store.create_user(&user, &hash).await.unwrap();
        let mut visitor = self.stranger();
        let seen = visitor.send("/sign-in", &[("name", name), ("password", PASSWORD)]).await;
        assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.text);
        visitor
    }

    /// An HR partner who may see everybody.
    pub(in crate::tests) async fn partner(&self) -> Visitor {
        self.visitor("partner", Role::HrPartner, Scope::All).await
    }

    /// Somebody who has not signed in.
    pub(in crate::tests) fn stranger(&self) -> Visitor {
        Visitor { router: self.router.clone(), cookie: None }
    }
}

/// Somebody at the console.
pub(in crate::tests) struct Visitor {
    router: Router,
    /// What the browser sends back.
    pub(in crate::tests) cookie: Option<String>,
}

/// An answer.
#[derive(Debug)]
pub(in crate::tests) struct Seen {
    pub(in crate::tests) status: StatusCode,
    /// Where it leads, if elsewhere.
    pub(in crate::tests) location: String,
    pub(in crate::tests) headers: header::HeaderMap,
    pub(in crate::tests) text: String,
}

impl Seen {
    /// The value of the first attribute `name="..."` after a text.
    pub(in crate::tests) fn value_after(&self, text: &str) -> String {
        let (_, rest) = self.text.split_once(text).unwrap_or_else(|| panic!("no {text} in {}", self.text));
        let (_, rest) = rest.split_once("value=\"").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    }
}

impl Visitor {
    /// Opens a page.
    pub(in crate::tests) async fn open(&mut self, path: &str) -> Seen {
        let request = Request::get(path).header(header::HOST, HOST);
        self.ask(request, Body::empty()).await
    }

    /// Opens a page that must be there.
    pub(in crate::tests) async fn page(&mut self, path: &str) -> String {
        let seen = self.open(path).await;
        assert_eq!(seen.status, StatusCode::OK, "{path} leads to {:?}: {}", seen.location, seen.text);
        seen.text
    }

    /// Sends a form as it stands in one of our pages; the token is added.
    pub(in crate::tests) async fn send(&mut self, path: &str, fields: &[(&str, &str)]) -> Seen {
        let token = match self.cookie {
            // Every page has it in the form that signs out.
            Some(_) => self.open("/purpose").await.value_after("name=\"csrf\""),
            None => String::new(),
        };
        let mut fields = fields.to_vec();
        fields.push(("csrf", &token));
        self.send_raw(path, &fields, &format!("http://{HOST}")).await
    }

    /// Sends a form from a page of this origin.
    pub(in crate::tests) async fn send_raw(&mut self, path: &str, fields: &[(&str, &str)], origin: &str) -> Seen {
        let request = Request::post(path)
            .header(header::HOST, HOST)
            .header(header::ORIGIN, origin)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.ask(request, Body::from(serde_urlencoded::to_string(fields).unwrap())).await
    }

    /// Says why they look at people.
    pub(in crate::tests) async fn state_purpose(&mut self) {
        let seen = self.send("/purpose", &[("usual", "preparing a talk"), ("next", "/at-risk")]).await;
        assert_eq!(seen.location, "/at-risk");
    }

    /// The same, wherever it leads: not everybody may open the list.
    pub(in crate::tests) async fn state_purpose_quietly(&mut self) {
        let seen = self.send("/purpose", &[("usual", "preparing a talk"), ("next", "/")]).await;
        assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.text);
    }

    /// Sends any request.
    pub(in crate::tests) async fn ask(&mut self, mut request: axum::http::request::Builder, body: Body) -> Seen {
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        for set in parts.headers.get_all(header::SET_COOKIE) {
            let pair = set.to_str().unwrap().split(';').next().unwrap().to_owned();
            self.cookie = Some(pair).filter(|pair| !pair.ends_with('='));
        }
        let bytes = body.collect().await.unwrap().to_bytes();
        Seen {
            status: parts.status,
            location: parts.headers.get(header::LOCATION).map_or("", |to| to.to_str().unwrap()).to_owned(),
            text: String::from_utf8(bytes.to_vec()).unwrap(),
            headers: parts.headers,
        }
    }
}
