//! Tokens of an identity provider: what lets somebody in, and everything that does not.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::access_tls::{Authority, write};
use super::fixture::{Served, native};
use super::signer::Key;
use crate::access::caller::{Caller, Role, Scope};
use crate::access::jwks::{JwksError, Pauses, Signers};
use crate::access::refusal::Refusal;
use crate::access::tokens::Tokens;
use crate::config::{Jwt, JwtAlgorithm, ServerConfig};

const ISSUER: &str = "https://login.example.com/";
const AUDIENCE: &str = "flight-risk";

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

/// Claims that let an HR partner of one department in, with changes; a claim that becomes null is left out.
fn claims(changes: &Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "u-1", "exp": now() + 300,
        "flight_risk_role": "hr_partner", "flight_risk_departments": ["Sales"],
    });
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    claims
}

fn partner() -> Caller {
    let scope = Scope::Units { departments: vec!["Sales".into()], locations: Vec::new() };
    Caller { actor: "u-1".into(), role: Role::HrPartner, scope, standing_purpose: None }
}

fn set(keys: &[&Key]) -> String {
    json!({"keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>()}).to_string()
}

fn config(algorithm: &str, place: &str) -> Jwt {
    let text = format!("issuer = '{ISSUER}'\naudience = '{AUDIENCE}'\nalgorithm = '{algorithm}'\n{place}");
    toml::from_str(&text).unwrap()
}

fn of_file(algorithm: &str, path: &Path) -> Jwt {
    config(algorithm, &format!("jwks_file = '{}'", path.display()))
}

/// Tokens checked by the keys of a file.
async fn tokens(algorithm: &str, keys: &[&Key]) -> (Tokens, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    std::fs::write(&path, set(keys)).unwrap();
    (Tokens::open(&of_file(algorithm, &path)).await.unwrap(), folder)
}

#[tokio::test]
async fn each_algorithm_lets_in_and_no_other_does() {
    let keys = [Key::new("k", Algorithm::RS256), Key::new("k", Algorithm::ES256), Key::new("k", Algorithm::EdDSA)];
    for (name, own) in ["RS256", "ES256", "EdDSA"].into_iter().zip(&keys) {
        let (tokens, _folder) = tokens(name, &keys.iter().collect::<Vec<_>>()).await;
        for key in &keys {
            let found = tokens.caller(&key.sign(&claims(&json!({})))).await;
            if key.algorithm == own.algorithm {
                assert_eq!(*found.unwrap(), partner(), "{name}");
            } else {
                assert_eq!(found, Err(Refusal::Algorithm), "{name} and {:?}", key.algorithm);
            }
        }
    }
}

#[tokio::test]
async fn what_a_token_must_claim_and_when_it_is_valid() {
    let key = Key::new("k", Algorithm::ES256);
    let (tokens, _folder) = tokens("ES256", &[&key]).await;
    for (changes, refusal) in [
        (json!({}), None),
        (json!({"aud": ["other", AUDIENCE]}), None),
        (json!({"nbf": now() - 5}), None),
        // 30 seconds of leeway, and no more; five on either side for a slow machine.
        (json!({"exp": now() - 25}), None),
        (json!({"exp": now() - 35}), Some(Refusal::ExpiredToken)),
        (json!({"nbf": now() + 25}), None),
        (json!({"nbf": now() + 40}), Some(Refusal::NotYetValid)),
        (json!({"exp": null}), Some(Refusal::Claims)),
        (json!({"exp": "tomorrow"}), Some(Refusal::Claims)),
        (json!({"nbf": "yesterday"}), Some(Refusal::Claims)),
        (json!({"iss": "https://evil.example.com/"}), Some(Refusal::Issuer)),
        (json!({"iss": ISSUER.trim_end_matches('/')}), Some(Refusal::Issuer)),
        (json!({"iss": [ISSUER]}), Some(Refusal::Issuer)),
        (json!({"iss": null}), Some(Refusal::Claims)),
        (json!({"aud": "flight-risk-test"}), Some(Refusal::Audience)),
        (json!({"aud": []}), Some(Refusal::Audience)),
        (json!({"aud": null}), Some(Refusal::Claims)),
        (json!({"sub": null}), Some(Refusal::Claims)),
        (json!({"sub": "anybody"}), Some(Refusal::Subject)),
        (json!({"flight_risk_role": null}), Some(Refusal::Role)),
        (json!({"flight_risk_role": "boss"}), Some(Refusal::Role)),
        (json!({"flight_risk_departments": []}), Some(Refusal::Scope)),
    ] {
        let found = tokens.caller(&key.sign(&claims(&changes))).await;
        assert_eq!(found.err(), refusal, "{changes}");
    }
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let (key, thief) = (Key::new("k", Algorithm::RS256), Key::new("k", Algorithm::RS256));
    let (tokens, _folder) = tokens("RS256", &[&key]).await;
    let claims = claims(&json!({}));
    let good = key.sign(&claims);
    let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("{good}") };

    // The provider's public key, taken as a shared secret in every form in which it is public.
    let confused = |secret: &[u8]| {
        let header = Header { kid: Some("k".into()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap()
    };
    let pem = key.pair.public_key_pem();
    let modulus = key.jwk()["n"].as_str().unwrap().to_owned();
    let with_header = |header: Header| key.sign_as(header, &claims);
    let named = || Header { kid: Some("k".into()), ..Header::new(Algorithm::RS256) };
    for (what, token, refusal) in [
        ("HS256 with the PEM", confused(pem.as_bytes()), Refusal::Algorithm),
        ("HS256 with the modulus", confused(modulus.as_bytes()), Refusal::Algorithm),
        ("HS256 with the raw key", confused(key.pair.public_key_raw()), Refusal::Algorithm),
        ("alg none", format!("{}.{payload}.", encoded(&json!({"alg": "none", "kid": "k"}))), Refusal::NoToken),
        ("alg None", format!("{}.{payload}.", encoded(&json!({"alg": "None", "kid": "k"}))), Refusal::NoToken),
        ("no alg", format!("{}.{payload}.{signature}", encoded(&json!({"kid": "k"}))), Refusal::NoToken),
        ("no signature", format!("{header}.{payload}."), Refusal::Signature),
        ("another key of the same name", thief.sign(&claims), Refusal::Signature),
        ("other claims", format!("{header}.{}.{signature}", encoded(&json!({"sub": "x"}))), Refusal::Signature),
        ("an unknown key", with_header(Header { kid: Some("other".into()), ..named() }), Refusal::UnknownSigner),
        (
            "its own key",
            thief.sign_as(
                Header { jwk: None, kid: Some("k".into()), jku: Some("https://evil.example.com/k".into()), ..named() },
                &claims,
            ),
            Refusal::Signature,
        ),
        ("an extension", with_header(Header { crit: Some(vec!["b64".into()]), ..named() }), Refusal::Critical),
        ("two parts", format!("{header}.{payload}"), Refusal::NoToken),
        ("four parts", format!("{good}.x"), Refusal::NoToken),
        ("nothing", String::new(), Refusal::NoToken),
        ("dots", "..".to_owned(), Refusal::NoToken),
    ] {
        assert_eq!(tokens.caller(&token).await, Err(refusal), "{what}");
    }
    tokens.caller(&good).await.unwrap();
}

#[tokio::test]
async fn a_token_without_a_key_id_is_taken_only_where_there_is_one_key() {
    let keys = [Key::new("a", Algorithm::EdDSA), Key::new("b", Algorithm::EdDSA), Key::new("c", Algorithm::ES256)];
    let nameless = keys[0].sign_as(Header::new(Algorithm::EdDSA), &claims(&json!({})));
    // A key of another kind is no candidate.
    let (one, _folder) = tokens("EdDSA", &[&keys[0], &keys[2]]).await;
    one.caller(&nameless).await.unwrap();
    let (two, _folder) = tokens("EdDSA", &[&keys[0], &keys[1]]).await;
    assert_eq!(two.caller(&nameless).await, Err(Refusal::UnknownSigner));
}

#[tokio::test]
async fn keys_that_cannot_sign_so_are_refused_at_once() {
    let key = Key::new("k", Algorithm::ES256);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    let mut encryption = key.jwk();
    encryption["use"] = json!("enc");
    let mut other = key.jwk();
    other["alg"] = json!("ES384");
    for (text, fits) in [
        (set(&[&key]), true),
        (json!({"keys": [{"kty": "new", "x": 1}, {"kty": "oct", "k": "AAAA"}, key.jwk()]}).to_string(), true),
        (json!({"keys": []}).to_string(), false),
        (json!({"keys": [{"kty": "oct", "k": "AAAA", "kid": "k"}]}).to_string(), false),
        (json!({"keys": [encryption]}).to_string(), false),
        (json!({"keys": [other]}).to_string(), false),
        (set(&[&Key::new("k", Algorithm::EdDSA)]), false),
        ("{}".to_owned(), false),
        ("no JSON".to_owned(), false),
    ] {
        std::fs::write(&path, &text).unwrap();
        assert_eq!(Signers::open(&of_file("ES256", &path).provider).await.is_ok(), fits, "{text}");
    }
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(Signers::open(&of_file("ES256", &path).provider).await, Err(JwksError::File { .. })));
    for (place, expected) in [
        ("", "one of jwks_file and jwks_url"),
        ("jwks_file = 'a'\njwks_url = 'https://b'", "one of jwks_file and jwks_url"),
        ("jwks_url = 'http://login.example.com/keys'", "no https address"),
    ] {
        let error = Signers::open(&config("ES256", place).provider).await.err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// No pause, so that a test need not wait.
const AT_ONCE: Pauses = Pauses { interval: Duration::from_millis(20), retry: Duration::ZERO };

#[tokio::test]
async fn changed_keys_of_a_file_count_soon_and_tokens_of_the_old_ones_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    let (old, new) = (Key::new("old", Algorithm::ES256), Key::new("new", Algorithm::ES256));
    std::fs::write(&path, set(&[&old])).unwrap();
    let jwt = of_file("ES256", &path);
    let tokens = Tokens::with(&jwt, Signers::open(&jwt.provider).await.unwrap().with_pauses(AT_ONCE));
    let of_old = old.sign(&claims(&json!({})));
    tokens.caller(&of_old).await.unwrap();
    // Broken, then gone: the old keys stay.
    std::fs::write(&path, "{").unwrap();
    assert_eq!(tokens.caller(&new.sign(&claims(&json!({})))).await, Err(Refusal::UnknownSigner));
    std::fs::remove_file(&path).unwrap();
    assert_eq!(tokens.caller(&new.sign(&claims(&json!({})))).await, Err(Refusal::UnknownSigner));
    tokens.caller(&of_old).await.unwrap();
    // Replaced: at once for a token that names the new key, and then the remembered token is none any more.
    std::fs::write(&path, set(&[&new])).unwrap();
    tokens.caller(&new.sign(&claims(&json!({})))).await.unwrap();
    assert_eq!(tokens.caller(&of_old).await, Err(Refusal::UnknownSigner));
    // And without such a token after a while.
    std::fs::write(&path, set(&[&old])).unwrap();
    let tokens = Arc::new(tokens);
    let upkeep = tokio::spawn({
        let tokens = Arc::clone(&tokens);
        async move { tokens.keep_up().await }
    });
    let changed = async {
        while tokens.caller(&of_old).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), changed).await.unwrap();
    upkeep.abort();
}

/// An identity provider that answers every request with what was last put into the channel, and counts.
async fn provider(authority: &Authority, reply: watch::Receiver<String>) -> (u16, watch::Receiver<usize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(authority.server()));
    let (count, counted) = watch::channel(0);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let Ok(byte) = stream.read_u8().await else { break };
                request.push(byte);
            }
            count.send_modify(|count| *count += 1);
            let reply = reply.borrow().clone();
            let _ = stream.write_all(reply.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    (port, counted)
}

fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn keys_come_from_an_address_and_stay_while_the_provider_is_down() {
    crate::tls::install_provider();
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let ca = write(folder.path(), "ca.pem", &authority.pem());
    let (first, second) = (Key::new("1", Algorithm::ES256), Key::new("2", Algorithm::ES256));
    let (reply, replies) = watch::channel(http("503 Service Unavailable", ""));
    let (port, count) = provider(&authority, replies).await;
    let place = format!("jwks_url = 'https://localhost:{port}/keys'\njwks_ca = '{}'", ca.display());
    let jwt = config("ES256", &place);
    // The server begins although the provider is down.
    let tokens = Tokens::with(&jwt, Signers::open(&jwt.provider).await.unwrap().with_pauses(AT_ONCE));
    let of_first = first.sign(&claims(&json!({})));
    assert_eq!(tokens.caller(&of_first).await, Err(Refusal::UnknownSigner));
    reply.send(http("200 OK", &set(&[&first]))).unwrap();
    tokens.caller(&of_first).await.unwrap();
    let asked = *count.borrow();
    assert_eq!(asked, 2);
    // A known token and a known key ask nobody.
    tokens.caller(&of_first).await.unwrap();
    tokens.caller(&first.sign(&claims(&json!({"sub": "u-2"})))).await.unwrap();
    assert_eq!(*count.borrow(), asked);
    // Whatever goes wrong, what was known stays.
    let large = "x".repeat(crate::limits::MAX_JWKS_BYTES + 1);
    for broken in [
        http("500 Internal Server Error", ""),
        http("302 Found\r\nlocation: https://evil.example.com/", ""),
        http("200 OK", "nonsense"),
        http("200 OK", &large),
        http("200 OK", r#"{"keys": []}"#),
        String::new(),
    ] {
        reply.send(broken).unwrap();
        assert_eq!(tokens.caller(&second.sign(&claims(&json!({})))).await, Err(Refusal::UnknownSigner));
        tokens.caller(&first.sign(&claims(&json!({"sub": "u-3"})))).await.unwrap();
    }
    // Rotation.
    reply.send(http("200 OK", &set(&[&second]))).unwrap();
    tokens.caller(&second.sign(&claims(&json!({})))).await.unwrap();
    assert_eq!(tokens.caller(&of_first).await, Err(Refusal::UnknownSigner));
}

#[tokio::test]
async fn unknown_keys_do_not_make_the_server_a_nuisance_to_the_provider() {
    crate::tls::install_provider();
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let ca = write(folder.path(), "ca.pem", &authority.pem());
    let key = Key::new("1", Algorithm::ES256);
    let (_reply, replies) = watch::channel(http("200 OK", &set(&[&key])));
    let (port, count) = provider(&authority, replies).await;
    let place = format!("jwks_url = 'https://localhost:{port}/keys'\njwks_ca = '{}'", ca.display());
    let tokens = Tokens::open(&config("ES256", &place)).await.unwrap();
    tokens.caller(&key.sign(&claims(&json!({})))).await.unwrap();
    let strange = Key::new("strange", Algorithm::ES256);
    for _ in 0..20 {
        assert_eq!(tokens.caller(&strange.sign(&claims(&json!({})))).await, Err(Refusal::UnknownSigner));
    }
    assert_eq!(*count.borrow(), 1);
    // A provider for whom nobody vouches is not asked.
    let other = write(folder.path(), "other.pem", &Authority::new().pem());
    let place = format!("jwks_url = 'https://localhost:{port}/keys'\njwks_ca = '{}'", other.display());
    let tokens = Tokens::open(&config("ES256", &place)).await.unwrap();
    assert_eq!(tokens.caller(&key.sign(&claims(&json!({})))).await, Err(Refusal::UnknownSigner));
    assert_eq!(*count.borrow(), 1);
}

#[tokio::test]
async fn a_server_lets_bearers_of_tokens_in_and_answers_others_as_if_they_had_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    let key = Key::new("k", Algorithm::EdDSA);
    std::fs::write(&path, set(&[&key])).unwrap();
    let mut config = ServerConfig::default();
    config.access.jwt = Some(of_file("EdDSA", &path));
    assert_eq!(config.access.jwt.as_ref().unwrap().provider.algorithm, JwtAlgorithm::EdDsa);
    let server = Served::start_with(native(), config).await;
    let mut models = server.models().await;
    let mut get = async |token: &str| {
        let mut request = tonic::Request::new(flight_risk_proto::v1::GetModelRequest { name: "models/active".into() });
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        models.get_model(request).await
    };
    get(&key.sign(&claims(&json!({})))).await.unwrap();
    let mut answers = std::collections::BTreeSet::new();
    for token in [
        key.sign(&claims(&json!({"exp": now() - 100}))),
        key.sign(&claims(&json!({"aud": "other"}))),
        key.sign(&claims(&json!({"flight_risk_role": "boss"}))),
        Key::new("k", Algorithm::EdDSA).sign(&claims(&json!({}))),
        "nonsense".to_owned(),
    ] {
        let status = get(&token).await.unwrap_err();
        answers.insert(format!("{:?} {} {:?}", status.code(), status.message(), status.details()));
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(answers.first().unwrap().starts_with("Unauthenticated"));
    // A manager's token is let in to other methods than this one.
    let manager = json!({"flight_risk_role": "manager", "flight_risk_manager_id": "m-1"});
    let status = get(&key.sign(&claims(&manager))).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::PermissionDenied);
}
