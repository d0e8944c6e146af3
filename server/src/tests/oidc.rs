//! Signing in at an identity provider: a provider on loopback, a browser's way there and back, and every way it can go wrong.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::fixture::native;
use super::pages::visitor::Console;
use super::signer::Key;
use crate::access::caller::{Caller, Role, Scope};
use crate::clock::now_micros;
use crate::config;
use crate::console::oidc::{Oidc, OidcError, Pending};
use crate::limits::{MAX_PROVIDER_SIGN_INS, PROVIDER_SIGN_IN_LONGEST};
use crate::store::db::{Row, params};

const CLIENT: &str = "flight-risk";
const REDIRECT: &str = "http://127.0.0.1:8080/sign-in/return";

/// What the token endpoint answers.
type Answer = (StatusCode, [(&'static str, &'static str); 1], String);

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// What the provider does with a token before it gives it.
type Forge = Box<dyn Fn(&Key, Value) -> String + Send>;

/// A provider with one key.
struct Provider {
    key: Key,
    address: SocketAddr,
    /// Codes that were given: PKCE challenge and nonce of each. One that is used is gone.
    codes: HashMap<String, (String, String)>,
    forge: Forge,
    /// What the discovery document says instead.
    told: Value,
    /// What came to the token endpoint last.
    asked: Option<(HeaderMap, String)>,
}

#[derive(Clone)]
struct Running(Arc<Mutex<Provider>>);

impl Running {
    async fn start() -> Self {
        crate::tls::install_provider();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Provider {
            key: Key::new("k", Algorithm::ES256),
            address: listener.local_addr().unwrap(),
            codes: HashMap::new(),
            forge: Box::new(|key, claims| key.sign(&claims)),
            told: json!({}),
            asked: None,
        };
        let running = Self(Arc::new(Mutex::new(provider)));
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(Self::tell))
            .route("/keys", get(Self::keys))
            .route("/token", post(Self::token))
            .with_state(running.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        running
    }

    fn issuer(&self) -> String {
        format!("http://{}", self.0.lock().unwrap().address)
    }

    async fn tell(State(provider): State<Self>) -> String {
        let issuer = provider.issuer();
        let mut told = json!({
            "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize?tenant=1"),
            "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"),
        });
        let changes = provider.0.lock().unwrap().told.clone();
        changes.as_object().unwrap().iter().for_each(|(name, value)| told[name] = value.clone());
        told.to_string()
    }

    async fn keys(State(provider): State<Self>) -> String {
        json!({"keys": [provider.0.lock().unwrap().key.jwk()]}).to_string()
    }

    async fn token(State(provider): State<Self>, headers: HeaderMap, body: String) -> Answer {
        let issuer = provider.issuer();
        let form = pairs(&body);
        let mut provider = provider.0.lock().unwrap();
        provider.asked = Some((headers, body));
        let given = provider.codes.remove(&form["code"]);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
        let Some((_, nonce)) = given.filter(|(given, _)| *given == challenge) else {
            return (StatusCode::BAD_REQUEST, JSON, json!({"error": "invalid_grant"}).to_string());
        };
        let claims = json!({
            "iss": issuer, "aud": CLIENT, "sub": "u-1", "exp": now_micros() / 1_000_000 + 300, "nonce": nonce,
            "flight_risk_role": "hr_partner", "flight_risk_departments": ["Sales"],
        });
        let token = (provider.forge)(&provider.key, claims);
        (StatusCode::OK, JSON, json!({"access_token": "a", "token_type": "Bearer", "id_token": token}).to_string())
    }

    fn forge(&self, forge: impl Fn(&Key, Value) -> String + Send + 'static) {
        self.0.lock().unwrap().forge = Box::new(forge);
    }

    /// Somebody signs in at the address that they were sent to: the state and the code with which they come back.
    fn visit(&self, url: &str) -> (String, String) {
        let (address, query) = url.split_once('?').unwrap();
        assert_eq!(address, format!("{}/authorize", self.issuer()));
        let asked = pairs(query);
        let expected = [
            ("tenant", "1"),
            ("response_type", "code"),
            ("client_id", CLIENT),
            ("code_challenge_method", "S256"),
            ("scope", "openid"),
            ("redirect_uri", "http%3A%2F%2F127.0.0.1%3A8080%2Fsign-in%2Freturn"),
        ];
        for (name, value) in expected {
            assert_eq!(asked[name], value, "{name}");
        }
        let mut provider = self.0.lock().unwrap();
        let code = format!("code-{}", provider.codes.len());
        provider.codes.insert(code.clone(), (asked["code_challenge"].clone(), asked["nonce"].clone()));
        (asked["state"].clone(), code)
    }

    fn config(&self, more: &str) -> config::Oidc {
        let issuer = self.issuer();
        let text = format!(
            "issuer = '{issuer}'\nclient_id = '{CLIENT}'\nredirect_url = '{REDIRECT}'\nalgorithm = 'ES256'\n{more}"
        );
        toml::from_str(&text).unwrap()
    }

    fn open(&self) -> Oidc {
        Oidc::open(&self.config("")).unwrap()
    }

    /// The whole way there and back.
    async fn sign_in(&self, oidc: &Oidc) -> Result<Caller, OidcError> {
        let (url, pending) = oidc.begin().await?;
        let (state, code) = self.visit(&url);
        oidc.finish(pending, &state, &code).await
    }
}

/// The pairs of a query or a form, as they are written there.
fn pairs(text: &str) -> HashMap<String, String> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A copy, as a session gives it back.
fn again(pending: &Pending) -> Pending {
    serde_json::from_value(serde_json::to_value(pending).unwrap()).unwrap()
}

#[tokio::test]
async fn whoever_the_provider_vouches_for_signs_in_with_the_role_and_the_scope_of_the_token() {
    let provider = Running::start().await;
    let oidc = provider.open();
    let caller = provider.sign_in(&oidc).await.unwrap();
    let scope = Scope::Units { departments: vec!["Sales".into()], locations: Vec::new() };
    assert_eq!(caller, Caller { actor: "u-1".into(), role: Role::HrPartner, scope, standing_purpose: None });
    // Each time another state, nonce and challenge.
    let (first, _) = oidc.begin().await.unwrap();
    let (second, _) = oidc.begin().await.unwrap();
    for name in ["state", "nonce", "code_challenge"] {
        assert_ne!(pairs(&first)[name], pairs(&second)[name], "{name}");
        assert_eq!(pairs(&first)[name].len(), 43, "256 bits of {name}");
    }
    let (headers, body) = provider.0.lock().unwrap().asked.clone().unwrap();
    assert!(headers.get("authorization").is_none() && body.contains("client_id=flight-risk"), "a public client");
}

#[tokio::test]
async fn a_token_that_is_not_for_this_sign_in_lets_nobody_in() {
    let provider = Running::start().await;
    let oidc = provider.open();
    let changed = |changes: Value| {
        move |key: &Key, mut claims: Value| {
            changes.as_object().unwrap().iter().for_each(|(name, value)| claims[name] = value.clone());
            key.sign(&claims)
        }
    };
    let past = now_micros() / 1_000_000 - 100;
    for (changes, expected) in [
        (json!({"nonce": "another"}), "belongs to another sign-in"),
        (json!({"nonce": null}), "belongs to another sign-in"),
        (json!({"nonce": ["a"]}), "belongs to another sign-in"),
        (json!({"aud": "another"}), "another audience"),
        (json!({"aud": [CLIENT, "another"], "azp": "another"}), "another party"),
        (json!({"azp": 7}), "another party"),
        (json!({"iss": "http://127.0.0.1:1"}), "another issuer"),
        (json!({"exp": past}), "expired"),
        (json!({"exp": null}), "claims"),
        (json!({"flight_risk_role": "boss"}), "no role"),
        (json!({"flight_risk_role": ["hris", "admin"]}), "several"),
        (json!({"flight_risk_role": "manager"}), "scope"),
        (json!({"sub": "user:somebody"}), "subject"),
        (json!({"sub": "key:nightly"}), "subject"),
        (json!({"sub": "anybody"}), "subject"),
    ] {
        provider.forge(changed(changes.clone()));
        let error = provider.sign_in(&oidc).await.unwrap_err();
        assert!(matches!(error, OidcError::Token(_)), "{changes} {error}");
        assert!(error.to_string().contains(expected), "{changes} {error}");
    }
    provider.forge(changed(json!({"aud": [CLIENT, "another"], "azp": CLIENT})));
    provider.sign_in(&oidc).await.unwrap();
}

#[tokio::test]
async fn a_token_that_the_provider_did_not_sign_as_configured_lets_nobody_in() {
    let provider = Running::start().await;
    let oidc = provider.open();
    let unsigned = |algorithm: &str, claims: &Value| {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", encode(&json!({"alg": algorithm, "typ": "JWT"})), encode(claims))
    };
    let forgeries: [(&str, Forge); 7] = [
        ("none", Box::new(move |_, claims| unsigned("none", &claims))),
        ("None", Box::new(move |_, claims| unsigned("None", &claims))),
        ("no signature", Box::new(move |_, claims| unsigned("ES256", &claims))),
        ("another's key", Box::new(|_, claims| Key::new("k", Algorithm::ES256).sign(&claims))),
        ("another kind of key", Box::new(|_, claims| Key::new("k", Algorithm::EdDSA).sign(&claims))),
        (
            "the public key as a secret",
            Box::new(|key, claims| {
                let secret = EncodingKey::from_secret(key.pair.public_key_raw());
                jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &secret).unwrap()
            }),
        ),
        (
            "other claims under the signature",
            Box::new(|key, claims| {
                let signed = key.sign(&claims);
                let parts: Vec<&str> = signed.split('.').collect();
                let mut more = claims.clone();
                more["flight_risk_role"] = json!("admin");
                format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(more.to_string()), parts[2])
            }),
        ),
    ];
    for (what, forge) in forgeries {
        provider.forge(forge);
        let error = provider.sign_in(&oidc).await.unwrap_err();
        assert!(matches!(error, OidcError::Token(_)), "{what}: {error}");
    }
    provider.forge(|key, claims| key.sign(&claims));
    provider.sign_in(&oidc).await.unwrap();
}

#[tokio::test]
async fn a_code_is_good_once_and_only_for_who_left_with_its_state() {
    let provider = Running::start().await;
    let oidc = provider.open();
    let (url, pending) = oidc.begin().await.unwrap();
    let (state, code) = provider.visit(&url);
    // Another browser, another state; the provider is not even asked.
    let (_, strangers) = oidc.begin().await.unwrap();
    for wrong in ["", "another", &state[1..], &state.to_uppercase()] {
        assert!(matches!(oidc.finish(again(&pending), wrong, &code).await, Err(OidcError::State)), "{wrong}");
    }
    assert!(matches!(oidc.finish(strangers, &state, &code).await, Err(OidcError::State)));
    let late = now_micros() + i64::try_from(PROVIDER_SIGN_IN_LONGEST.as_micros()).unwrap() + 1;
    assert!(matches!(oidc.finish_at(again(&pending), &state, &code, late).await, Err(OidcError::TooLate)));
    assert!(matches!(oidc.finish(again(&pending), &state, "").await, Err(OidcError::Refused(_))));
    assert!(provider.0.lock().unwrap().asked.is_none());
    // The code that somebody else got: their verifier is another (PKCE), and so is their nonce.
    let (other_url, other) = oidc.begin().await.unwrap();
    let (other_state, other_code) = provider.visit(&other_url);
    let error = oidc.finish(again(&other), &other_state, &code).await.unwrap_err();
    assert!(matches!(&error, OidcError::Refused(why) if why == "invalid_grant"), "{error}");
    // The right one, once.
    let caller = oidc.finish(again(&other), &other_state, &other_code).await.unwrap();
    assert_eq!(caller.actor, "u-1");
    assert!(matches!(oidc.finish(other, &other_state, &other_code).await, Err(OidcError::Refused(_))));
    assert!(!format!("{pending:?}").contains(&state), "what is kept is not logged");
}

#[tokio::test]
async fn a_token_of_another_sign_in_is_no_good_in_this_one() {
    let provider = Running::start().await;
    let oidc = provider.open();
    let seen: Arc<Mutex<Option<String>>> = Arc::default();
    provider.forge({
        let seen = Arc::clone(&seen);
        // Always the first token that was given.
        move |key, claims| seen.lock().unwrap().get_or_insert_with(|| key.sign(&claims)).clone()
    });
    provider.sign_in(&oidc).await.unwrap();
    let error = provider.sign_in(&oidc).await.unwrap_err();
    assert!(error.to_string().contains("belongs to another sign-in"), "{error}");
}

#[tokio::test]
async fn a_provider_that_answers_nonsense_lets_nobody_in_and_is_asked_again() {
    let provider = Running::start().await;
    let oidc = provider.open();
    for (told, expected) in [
        (json!({"issuer": "http://127.0.0.1:1"}), "another issuer"),
        (json!({"authorization_endpoint": "http://login.example.com/"}), "no https address"),
        (json!({"authorization_endpoint": "javascript:alert(1)"}), "no https address"),
        (json!({"token_endpoint": "http://login.example.com/"}), "no https address"),
        (json!({"jwks_uri": "http://login.example.com/"}), "no https address"),
        (json!({"token_endpoint": null}), "cannot be understood"),
    ] {
        provider.0.lock().unwrap().told = told.clone();
        let error = oidc.begin().await.unwrap_err();
        assert!(error.to_string().contains(expected), "{told} {error}");
    }
    provider.0.lock().unwrap().told = json!({});
    provider.sign_in(&oidc).await.unwrap();
    // Nobody there.
    let silent: config::Oidc = config::Oidc {
        provider: config::IdentityProvider { issuer: "http://127.0.0.1:9".into(), ..provider.config("").provider },
        ..provider.config("")
    };
    let error = Oidc::open(&silent).unwrap().begin().await.unwrap_err();
    assert!(matches!(error, OidcError::Silent(_)), "{error}");
    assert!(error.advice().contains("Try again"), "{}", error.advice());
}

#[tokio::test]
async fn a_client_with_a_secret_shows_it_and_the_addresses_can_be_configured() {
    let provider = Running::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    let issuer = provider.issuer();
    // The discovery document is broken, and not needed.
    provider.0.lock().unwrap().told = json!({"issuer": "another"});
    let more = format!(
        "client_secret_file = '{}'\nauthorization_endpoint = '{issuer}/authorize?tenant=1'\n\
         token_endpoint = '{issuer}/token'\njwks_url = '{issuer}/keys'",
        path.display()
    );
    let config = provider.config(&more);
    let open = |text: Option<&str>| {
        match text {
            Some(text) => std::fs::write(&path, text).unwrap(),
            None => drop(std::fs::remove_file(&path)),
        }
        Oidc::open(&config)
    };
    for refused in [None, Some(" \n")] {
        assert!(matches!(open(refused), Err(OidcError::Secret { .. })), "{refused:?}");
    }
    let oidc = open(Some("s3cret+/=\n")).unwrap();
    provider.sign_in(&oidc).await.unwrap();
    let (headers, body) = provider.0.lock().unwrap().asked.clone().unwrap();
    let basic = base64::engine::general_purpose::STANDARD.encode("flight-risk:s3cret%2B%2F%3D");
    assert_eq!(headers["authorization"], format!("Basic {basic}"));
    assert!(!body.contains("s3cret"), "{body}");
    assert!(Path::new(&path).exists());
}

#[tokio::test]
async fn who_leaves_for_the_provider_is_remembered_for_ten_minutes_and_who_comes_back_is_signed_in() {
    const MINUTE: i64 = 60_000_000;
    let provider = Running::start().await;
    let console = Console::of_provider(native(), Oidc::open(&provider.config("")).unwrap()).await;
    let sessions = async || {
        let rows = console.store.db().query("SELECT ends_at, data FROM sessions", params![]).await.unwrap();
        let kept = |row: &Row| (row.int(0).unwrap() - now_micros(), row.bytes(1).unwrap().len());
        rows.iter().map(kept).collect::<Vec<_>>()
    };
    let mut browser = console.stranger();
    let long = format!("/sign-in/provider?next=/{}", "a".repeat(20_000));
    let seen = browser.open(&long).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.text);
    let kept = sessions().await;
    assert!(matches!(kept.as_slice(), [(left, bytes)] if *left <= 10 * MINUTE && *bytes < 2_000), "{kept:?}");
    let (state, code) = provider.visit(&browser.open("/sign-in/provider?next=/actions").await.location);
    let seen = browser.open(&format!("/sign-in/return?state={state}&code={code}")).await;
    assert_eq!((seen.status, seen.location.as_str()), (StatusCode::SEE_OTHER, "/actions"), "{}", seen.text);
    let kept = sessions().await;
    assert!(matches!(kept.as_slice(), [(left, _)] if *left > 470 * MINUTE), "{kept:?}");
    assert!(browser.page("/actions").await.contains("HR partner"));
    // Somebody who did not agree there.
    let mut other = console.stranger();
    let (state, code) = provider.visit(&other.open("/sign-in/provider").await.location);
    let seen = other.open(&format!("/sign-in/return?state={state}&error=access_denied&error_description=x")).await;
    assert_eq!(seen.status, StatusCode::UNAUTHORIZED);
    assert!(seen.text.contains("you did not agree there"), "{}", seen.text);
    let seen = other.open(&format!("/sign-in/return?state={state}&code={code}")).await;
    assert!(seen.status == StatusCode::UNAUTHORIZED && seen.text.contains("Begin again"), "{}", seen.text);
    // Somebody who lets no end of people leave.
    let mut refused = 0;
    for _ in 0..2 * MAX_PROVIDER_SIGN_INS {
        refused += u32::from(console.stranger().open("/sign-in/provider").await.status == StatusCode::UNAUTHORIZED);
    }
    assert!(refused > 0, "all were let through");
}
