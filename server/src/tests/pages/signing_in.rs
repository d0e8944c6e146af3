//! Who gets in, who does not, and what is refused before anything looks at it.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};

use super::visitor::{Console, PASSWORD};
use crate::access::caller::{Role, Scope};
use crate::config::ServerConfig;
use crate::tests::fixture::native;

#[tokio::test]
async fn whoever_is_not_signed_in_is_led_to_sign_in_and_back() {
    let console = Console::of(native()).await;
    let mut stranger = console.stranger();
    for path in ["/", "/at-risk", "/purpose"] {
        let seen = stranger.open(path).await;
        assert_eq!(seen.status, StatusCode::SEE_OTHER, "{path}");
        assert!(seen.location.starts_with("/sign-in?next=%2F"), "{path} leads to {}", seen.location);
    }
    drop(console.visitor("partner", Role::HrPartner, Scope::All).await);
    let seen = stranger.send("/sign-in", &[("name", "partner"), ("password", "not the password")]).await;
    assert_eq!((seen.status, stranger.cookie.is_some()), (StatusCode::UNAUTHORIZED, false));
    let fields = [("name", "partner"), ("password", PASSWORD), ("next", "/at-risk?band=HIGH")];
    let seen = stranger.send("/sign-in", &fields).await;
    assert_eq!((seen.status, seen.location.as_str()), (StatusCode::SEE_OTHER, "/at-risk?band=HIGH"));
    assert!(stranger.page("/at-risk?band=HIGH").await.contains("HR partner"));
}

#[tokio::test]
async fn signing_out_and_a_disabled_account_end_a_session_at_once() {
    let console = Console::of(native()).await;
    let mut partner = console.partner().await;
    let cookie = partner.cookie.clone();
    let seen = partner.send("/sign-out", &[]).await;
    assert_eq!(seen.location, "/sign-in");
    partner.cookie = cookie;
    assert_eq!(partner.open("/at-risk").await.status, StatusCode::SEE_OTHER, "the old cookie is worth nothing");
    let mut auditor = console.visitor("auditor", Role::Auditor, Scope::All).await;
    assert!(console.store.set_user_enabled("auditor", false).await.unwrap());
    assert!(auditor.open("/").await.location.contains("ended=yes"));
}

#[tokio::test]
async fn forms_from_elsewhere_and_without_their_token_are_refused() {
    let console = Console::of(native()).await;
    let mut partner = console.partner().await;
    for origin in ["http://elsewhere.example", "null", "http://127.0.0.1:8081"] {
        let seen = partner.send_raw("/sign-out", &[], origin).await;
        assert_eq!(seen.status, StatusCode::FORBIDDEN, "{origin}");
    }
    let seen = partner.send_raw("/sign-out", &[("csrf", "guessed")], "http://127.0.0.1:8080").await;
    assert_eq!(seen.status, StatusCode::FORBIDDEN);
    assert_eq!(partner.open("/at-risk").await.status, StatusCode::OK, "still signed in");
    let unsaid = Request::post("/sign-out").header(header::HOST, "127.0.0.1:8080");
    assert_eq!(partner.ask(unsaid, Body::empty()).await.status, StatusCode::FORBIDDEN, "no browser");
    for host in ["attacker.example:8080", "127.0.0.1:80", "127.0.0.1"] {
        let seen = partner.ask(Request::get("/at-risk").header(header::HOST, host), Body::empty()).await;
        assert_eq!(seen.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
    }
}

#[tokio::test]
async fn behind_a_proxy_that_encrypts_its_address_counts() {
    let mut config = ServerConfig::default();
    config.console.public_url = Some("https://HR.example.com".into());
    let console = Console::with(native(), config).await;
    drop(console.partner().await);
    let page = console.stranger().open("/sign-in").await;
    assert_eq!(page.headers["strict-transport-security"], "max-age=31536000");
    let own = "127.0.0.1:8080";
    for (host, origin, expected) in [
        // As the proxy passes on what the browser said, and as one does that names the address it asks.
        ("hr.example.com", "https://hr.example.com", StatusCode::SEE_OTHER),
        ("hr.example.com:443", "https://hr.example.com", StatusCode::SEE_OTHER),
        (own, "https://hr.example.com", StatusCode::SEE_OTHER),
        (own, "http://127.0.0.1:8080", StatusCode::SEE_OTHER),
        ("hr.example.com", "http://hr.example.com", StatusCode::FORBIDDEN),
        ("hr.example.com", "https://attacker.example", StatusCode::FORBIDDEN),
        ("hr.example.com", "http://127.0.0.1:8080", StatusCode::FORBIDDEN),
        (own, "https://attacker.example", StatusCode::FORBIDDEN),
        ("attacker.example", "https://hr.example.com", StatusCode::MISDIRECTED_REQUEST),
        ("hr.example.com:8080", "https://hr.example.com", StatusCode::MISDIRECTED_REQUEST),
    ] {
        let fields = serde_urlencoded::to_string([("name", "partner"), ("password", PASSWORD)]).unwrap();
        let request = Request::post("/sign-in")
            .header(header::HOST, host)
            .header(header::ORIGIN, origin)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let seen = console.stranger().ask(request, Body::from(fields)).await;
        assert_eq!(seen.status, expected, "{host} from {origin}: {}", seen.text);
        let cookie = seen.headers.get(header::SET_COOKIE).map(|cookie| cookie.to_str().unwrap());
        assert_eq!(cookie.is_some_and(|cookie| cookie.contains("; Secure")), expected == StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn every_answer_carries_the_security_headers_and_pages_are_not_kept() {
    let console = Console::of(native()).await;
    let mut partner = console.partner().await;
    for path in ["/at-risk", "/sign-in", "/nowhere", "/assets/nothing.css"] {
        let seen = partner.open(path).await;
        let policy = seen.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(seen.headers["cache-control"], "no-store", "{path}");
        assert_eq!(seen.headers["x-content-type-options"], "nosniff", "{path}");
        assert!(!seen.text.contains("style=\"") && !seen.text.contains("<script>"), "{path}");
    }
    let page = partner.page("/at-risk").await;
    let (_, rest) = page.split_once("rel=\"stylesheet\" href=\"").unwrap();
    let style = partner.open(rest.split_once('"').unwrap().0).await;
    assert_eq!(style.status, StatusCode::OK);
    assert!(style.headers["cache-control"].to_str().unwrap().contains("immutable"));
}

#[tokio::test]
async fn what_cannot_be_read_or_is_used_otherwise_is_told_on_a_page_of_ours() {
    let console = Console::of(native()).await;
    let mut partner = console.partner().await;
    for (method, path, expected) in [
        ("GET", "/privacy?scores=many", StatusCode::BAD_REQUEST),
        ("GET", "/people/%FF", StatusCode::BAD_REQUEST),
        ("GET", "/at-risk?band=HIGH&band=LOW", StatusCode::BAD_REQUEST),
        ("GET", "/sign-out", StatusCode::METHOD_NOT_ALLOWED),
        ("DELETE", "/at-risk", StatusCode::METHOD_NOT_ALLOWED),
        ("GET", "/nowhere", StatusCode::NOT_FOUND),
    ] {
        let origin = "http://127.0.0.1:8080";
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::HOST, "127.0.0.1:8080").header(header::ORIGIN, origin);
        let seen = partner.ask(request, Body::empty()).await;
        assert_eq!(seen.status, expected, "{method} {path}: {}", seen.text);
        assert!(seen.text.contains("<h1>") && seen.headers["content-type"] == "text/html; charset=utf-8", "{path}");
        assert_eq!(seen.headers.contains_key("allow"), expected == StatusCode::METHOD_NOT_ALLOWED, "{path}");
        if let Some(length) = seen.headers.get("content-length") {
            assert_eq!(length.to_str().unwrap(), seen.text.len().to_string(), "{path}");
        }
    }
    // A form that is none, from somebody who has not signed in.
    let request = Request::post("/sign-in").header(header::HOST, "127.0.0.1:8080");
    let request = request.header(header::ORIGIN, "http://127.0.0.1:8080").header(header::CONTENT_TYPE, "text/plain");
    let seen = console.stranger().ask(request, Body::from("name=partner")).await;
    assert!(seen.status == StatusCode::BAD_REQUEST && seen.text.contains("<h1>"), "{} {}", seen.status, seen.text);
}

#[tokio::test]
async fn a_link_of_a_disabled_account_says_so() {
    let console = Console::of(native()).await;
    drop(console.partner().await);
    assert!(console.store.set_user_enabled("partner", false).await.unwrap());
    let link = console.store.create_sign_in_link("partner").await.unwrap();
    let mut browser = console.stranger();
    let seen = browser.send("/sign-in/link", &[("token", &link)]).await;
    assert!(seen.text.contains("The account of this link is disabled."), "{} {}", seen.location, seen.text);
    assert!(browser.cookie.is_none());
}

/// What the audit log has of the door: who, in which role, what, how, and what was decided.
async fn door(console: &Console) -> Vec<[String; 5]> {
    let records = console.store.audit_page(0).await.unwrap();
    let of_door = records.into_iter().filter(|record| record.draft.method.contains("console.Session/"));
    of_door
        .map(|record| {
            let draft = record.draft;
            let what = draft.method.rsplit('/').next().unwrap().to_owned();
            [draft.actor, draft.role, what, draft.purpose, draft.decision]
        })
        .collect()
}

#[tokio::test]
async fn who_comes_and_goes_and_who_is_kept_out_is_in_the_audit_log_without_any_secret() {
    let console = Console::of(native()).await;
    let mut partner = console.partner().await;
    let mut browser = console.stranger();
    let wrong = "not the password of anybody";
    // A password in the field of the name, too.
    for (name, password) in [("Partner", wrong), (PASSWORD, wrong), ("", wrong)] {
        let seen = browser.send("/sign-in", &[("name", name), ("password", password)]).await;
        assert_eq!(seen.status, StatusCode::UNAUTHORIZED);
    }
    partner.send("/sign-out", &[]).await;
    let link = console.store.create_sign_in_link("partner").await.unwrap();
    assert_eq!(browser.send("/sign-in/link", &[("token", &link)]).await.location, "/");
    for token in [link.as_str(), "made up"] {
        console.stranger().send("/sign-in/link", &[("token", token)]).await;
    }
    let (name, link_used) = ("with name and password", "by a link");
    let expected = [
        ["user:partner", "hr_partner", "SignIn", name, "allowed"],
        ["user:partner", "", "SignIn", name, "denied"],
        ["unknown", "", "SignIn", name, "denied"],
        ["user:partner", "hr_partner", "SignOut", "", "allowed"],
        ["user:partner", "hr_partner", "SignIn", link_used, "allowed"],
        ["user:partner", "", "SignIn", link_used, "denied"],
    ];
    assert_eq!(door(&console).await, expected.map(|record| record.map(str::to_owned)));
    let page = console.visitor("auditor", Role::Auditor, Scope::All).await.page("/audit").await;
    assert!(page.contains("Signed in") && page.contains("Signed out"), "{page}");
    assert!([PASSWORD, wrong, &link].iter().all(|secret| !page.contains(secret)));
}

#[tokio::test]
async fn nobody_gets_in_who_cannot_be_written_down() {
    let console = Console::of(native()).await;
    let mut auditor = console.visitor("auditor", Role::Auditor, Scope::All).await;
    drop(console.partner().await);
    let link = console.store.create_sign_in_link("partner").await.unwrap();
    let mut tx = console.store.db().begin().await.unwrap();
    tx.execute("ALTER TABLE audit RENAME TO away", Vec::new()).await.unwrap();
    tx.commit().await.unwrap();
    for (path, fields) in [
        ("/sign-in", vec![("name", "partner"), ("password", PASSWORD)]),
        ("/sign-in", vec![("name", "partner"), ("password", "not the password")]),
        ("/sign-in/link", vec![("token", link.as_str())]),
    ] {
        let mut browser = console.stranger();
        let seen = browser.send(path, &fields).await;
        assert_eq!((seen.status, browser.cookie), (StatusCode::SERVICE_UNAVAILABLE, None), "{path} {}", seen.text);
    }
    // Who wants to be gone is, even so.
    let cookie = auditor.cookie.clone();
    assert_eq!(auditor.send("/sign-out", &[]).await.status, StatusCode::SERVICE_UNAVAILABLE);
    auditor.cookie = cookie;
    assert!(auditor.open("/audit").await.location.starts_with("/sign-in"));
}
