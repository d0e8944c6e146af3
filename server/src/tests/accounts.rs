//! Signing in with name and password: who gets in, and what everybody else learns.

use super::databases::each_store;
use super::fixture::native;
use crate::access::caller::{Role, Scope};
use crate::access::password::{MAX_PASSWORD_BYTES, Password, PasswordHash};
use crate::access::users::NewUser;
use crate::app::App;
use crate::clock::now_micros;
use crate::config::ServerConfig;
use crate::console::accounts::{SignInError, caller_of, sign_in};
use crate::store::Store;

const RIGHT: &str = "correct horse battery";

fn hash(password: &str) -> PasswordHash {
    Password::new(password.to_owned()).unwrap().hash().unwrap()
}

/// Makes accounts with the same password.
async fn accounts(store: &Store, names: &[&str]) {
    let hash = hash(RIGHT);
    for name in names {
        let scope = Scope::Units { departments: vec!["Sales".into()], locations: Vec::new() };
        let user = NewUser { name: (*name).into(), role: Role::HrPartner, scope };
        store.create_user(&user, &hash).await.unwrap();
    }
}

#[tokio::test]
async fn the_right_password_lets_in_and_everything_else_is_answered_alike() {
    each_store(async |store| {
        accounts(&store, &["partner", "gone"]).await;
        store.set_user_enabled("gone", false).await.unwrap();
        for name in ["partner", " Partner "] {
            let caller = sign_in(&store, name, RIGHT).await.unwrap();
            assert_eq!((caller.actor.as_str(), caller.role), ("user:partner", Role::HrPartner));
            assert!(matches!(caller.scope, Scope::Units { .. }));
        }
        let long = "x".repeat(MAX_PASSWORD_BYTES + 1);
        let mut answers = std::collections::BTreeSet::new();
        for (name, password) in [
            ("partner", "wrong horse battery"),
            ("partner", ""),
            ("partner", "Correct horse battery"),
            ("partner", long.as_str()),
            ("nobody", RIGHT),
            ("nobody", ""),
            ("gone", RIGHT),
            ("", RIGHT),
            ("partner\0", RIGHT),
        ] {
            let error = sign_in(&store, name, password).await.unwrap_err();
            assert!(matches!(error, SignInError::Wrong { .. }), "{name:?} {error}");
            answers.insert(error.to_string());
        }
        assert_eq!(answers.len(), 1);
        store.set_user_enabled("gone", true).await.unwrap();
        sign_in(&store, "gone", RIGHT).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn after_five_wrong_passwords_even_the_right_one_waits_whoever_has_the_name() {
    each_store(async |store| {
        accounts(&store, &["partner", "other"]).await;
        for name in ["partner", "nobody"] {
            for _ in 0..5 {
                assert!(matches!(sign_in(&store, name, "wrong horse battery").await, Err(SignInError::Wrong { .. })));
            }
            let error = sign_in(&store, name, RIGHT).await.unwrap_err();
            assert!(matches!(error, SignInError::Wait { minutes: 1 }), "{name}");
            assert!(error.to_string().ends_with("Try again in 1 minute."), "{error}");
        }
        sign_in(&store, "other", RIGHT).await.unwrap();
        // Whoever runs the server gives a new password, and it counts at once.
        store.set_password("partner", &hash("another good password")).await.unwrap();
        sign_in(&store, "partner", "another good password").await.unwrap();
        assert!(matches!(sign_in(&store, "partner", RIGHT).await, Err(SignInError::Wrong { .. })));
    })
    .await;
}

#[tokio::test]
async fn a_hundred_tries_at_a_time_are_no_better_than_one_after_the_other() {
    each_store(async |store| {
        accounts(&store, &["partner"]).await;
        let tries: Vec<_> = (0..30)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move { sign_in(&store, "partner", &format!("wrong password {number}")).await })
            })
            .collect();
        let (mut tried, mut kept_off) = (0, 0);
        for attempt in tries {
            match attempt.await.unwrap() {
                Err(SignInError::Wrong { .. }) => tried += 1,
                Err(SignInError::Wait { .. } | SignInError::Busy) => kept_off += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((tried, kept_off), (5, 25));
    })
    .await;
}

#[tokio::test]
async fn who_is_signed_in_may_do_what_the_account_may_now() {
    each_store(async |store| {
        accounts(&store, &["partner"]).await;
        let since = now_micros();
        assert_eq!(caller_of(&store, "Partner", since).await.unwrap().unwrap().actor, "user:partner");
        assert!(caller_of(&store, "nobody", since).await.unwrap().is_none());
        store.set_password("partner", &hash("another good password")).await.unwrap();
        assert!(caller_of(&store, "partner", since).await.unwrap().is_none(), "another password signs out");
        let since = now_micros();
        assert!(caller_of(&store, "partner", since).await.unwrap().is_some());
        store.set_user_enabled("partner", false).await.unwrap();
        assert!(caller_of(&store, "partner", now_micros()).await.unwrap().is_none());
        store.set_user_enabled("partner", true).await.unwrap();
        assert!(caller_of(&store, "partner", since).await.unwrap().is_none(), "they sign in again");
        let since = now_micros();
        assert!(caller_of(&store, "partner", since).await.unwrap().is_some());
        store.change_user("Partner", Role::Analyst, &Scope::All).await.unwrap().unwrap();
        assert!(caller_of(&store, "partner", since).await.unwrap().is_none(), "another role signs out");
        let since = now_micros();
        let caller = caller_of(&store, "partner", since).await.unwrap().unwrap();
        assert_eq!((caller.role, caller.scope), (Role::Analyst, Scope::All));
        sign_in(&store, "partner", "another good password").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn people_can_sign_in_where_there_are_accounts_in_force_and_a_console() {
    each_store(async |store| {
        let folder = tempfile::tempdir().unwrap();
        let mut config = ServerConfig::default();
        config.audit.key_file = Some(folder.path().join("audit.key"));
        let app = App::new(native(), store.clone(), config).await.unwrap();
        assert!(!app.people_can_sign_in().await, "no console");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let app = app.with_console(Some(listener));
        assert!(!app.people_can_sign_in().await, "no account");
        accounts(&store, &["partner"]).await;
        assert!(app.people_can_sign_in().await);
        store.set_user_enabled("partner", false).await.unwrap();
        assert!(!app.people_can_sign_in().await, "a disabled account");
    })
    .await;
}
