//! Who is let in, changed beside the server: what is done stands in the audit log, and nothing is done that does not.

use super::databases::each_store;
use crate::access::caller::{Role, Scope};
use crate::access::keys::{KeyError, NewKey};
use crate::access::password::PasswordHash;
use crate::access::users::{NewUser, UserError};
use crate::audit::{Expected, verify};
use crate::clock::now_micros;
use crate::console::accounts::caller_of;
use crate::operator::{Operator, Refresh, back_up};
use crate::store::{BackupError, Store};

fn user(name: &str, role: Role, scope: Scope) -> NewUser {
    NewUser { name: name.into(), role, scope }
}

fn reports() -> Scope {
    Scope::Reports { manager_id: "E-4711".into() }
}

/// What stands in the log: what was done, with what, and how many people it is about.
async fn log(store: &Store) -> Vec<(String, String, usize)> {
    let records = store.audit_page(0).await.unwrap();
    for record in &records {
        let draft = &record.draft;
        let who = (draft.actor.as_str(), draft.role.as_str(), draft.decision.as_str());
        assert_eq!(who, ("command:somebody", "operator", "allowed"));
    }
    let told = |method: &str| method.strip_prefix("flightrisk.command.").unwrap().to_owned();
    records
        .into_iter()
        .map(|r| (told(&r.draft.method), r.draft.purpose.clone(), r.draft.subject_hashes().count()))
        .collect()
}

#[tokio::test]
async fn every_change_of_who_is_let_in_is_in_the_log_with_what_and_by_whom() {
    each_store(async |store| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("audit.key");
        let operator = Operator::of(&store, Some(&file), "somebody").await.unwrap();
        let hash = PasswordHash::stored("a hash".to_owned());
        let sales = Scope::Units { departments: vec!["Sales".into()], locations: Vec::new() };
        operator.create_user(&user("Partner", Role::HrPartner, sales), &hash).await.unwrap();
        operator.change_user("partner", Role::Manager, &reports()).await.unwrap().unwrap();
        for enabled in [false, true] {
            assert!(operator.set_user_enabled("partner", enabled).await.unwrap());
        }
        assert!(operator.set_password("PARTNER", &hash).await.unwrap());
        let link = operator.create_sign_in_link("partner").await.unwrap();
        operator.delete_user("partner").await.unwrap().unwrap();
        let (name, purpose) = ("nightly".to_owned(), Some("refresh".to_owned()));
        let key = NewKey { name, role: Role::Hris, scope: Scope::All, purpose, expires_at: None };
        let created = operator.create_key(&key).await.unwrap();
        assert!(operator.revoke_key(&created.id).await.unwrap());

        // What is refused or finds nobody changes nothing, and leaves no record.
        let twice = operator.create_user(&user("m", Role::Manager, Scope::All), &hash).await;
        assert!(matches!(twice, Err(UserError::ScopeOfManager)));
        assert!(operator.change_user("nobody", Role::Admin, &Scope::All).await.unwrap().is_none());
        assert!(operator.delete_user("nobody").await.unwrap().is_none());
        assert!(!operator.set_user_enabled("nobody", true).await.unwrap());
        assert!(!operator.set_password("nobody", &hash).await.unwrap());
        assert!(!operator.revoke_key("0123456789ab").await.unwrap());
        let bad = NewKey { expires_at: Some(1), ..key };
        assert!(matches!(operator.create_key(&bad).await, Err(KeyError::Expired)));

        let id = &created.id;
        let expected = [
            ("Users/Create", "account partner: hr_partner, departments Sales", 0),
            (
                "Users/Change",
                "account partner: manager, reports of [employee]; it was hr_partner, departments Sales",
                1,
            ),
            ("Users/Disable", "account partner", 0),
            ("Users/Enable", "account partner", 0),
            ("Users/SetPassword", "account partner", 0),
            ("Users/CreateSignInLink", "account partner", 0),
            ("Users/Delete", "account partner: it was manager, reports of [employee]", 1),
            ("Keys/Create", &format!("key {id} (nightly): hris, everybody"), 0),
            ("Keys/Revoke", &format!("key {id} (nightly): it was hris, everybody"), 0),
        ];
        let log = log(&store).await;
        let found: Vec<(&str, &str, usize)> = log.iter().map(|(m, p, n)| (m.as_str(), p.as_str(), *n)).collect();
        assert_eq!(found, expected);
        let secrets = [&link, &created.token, "a hash"];
        assert!(log.iter().all(|(_, purpose, _)| secrets.iter().all(|secret| !purpose.contains(secret))));
        let verified = verify(&store, Some(&file), &Expected::default()).await.unwrap().unwrap();
        assert_eq!(verified.count, 9);
    })
    .await;
}

#[tokio::test]
async fn scores_that_are_kept_are_in_the_log_with_how_many_and_by_which_model() {
    each_store(async |store| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("audit.key");
        let operator = Operator::of(&store, Some(&file), "somebody").await.unwrap();
        let as_of = "2026-10-31".parse().unwrap();
        let refresh = Refresh { scores: 4711, exits: 12, as_of, model_version: "0123456789ab" };
        operator.note_refresh(&refresh).await.unwrap();
        let told = "people scored: 4711, as of 2026-10-31; exits reported: 12".to_owned();
        assert_eq!(log(&store).await, [("Scores/Keep".to_owned(), told, 0)]);
        assert_eq!(store.audit_page(0).await.unwrap()[0].draft.model_version, "0123456789ab");
        assert_eq!(verify(&store, Some(&file), &Expected::default()).await.unwrap().unwrap().count, 1);
    })
    .await;
}

#[tokio::test]
async fn nothing_is_copied_that_is_not_noted() {
    let folder = tempfile::tempdir().unwrap();
    let (url, out) = (folder.path().join("store.db"), folder.path().join("copy.db"));
    let url = url.to_str().unwrap();
    let key = folder.path().join("store.db.key");
    Store::open(url).await.unwrap().close().await;
    back_up(url, None, "somebody", &out).await.unwrap();
    std::fs::remove_file(&out).unwrap();
    std::fs::rename(&key, folder.path().join("elsewhere")).unwrap();
    let lost = back_up(url, None, "somebody", &out).await;
    assert!(matches!(&lost, Err(BackupError::AuditKey(error)) if error.to_string().contains("--key-file")), "{lost:?}");
    assert!(!out.exists() && !key.exists());
    back_up(url, Some(&folder.path().join("elsewhere")), "somebody", &out).await.unwrap();
    std::fs::remove_file(&out).unwrap();
    let store = Store::open(url).await.unwrap();
    let mut tx = store.db().begin().await.unwrap();
    tx.execute("DROP TABLE audit", Vec::new()).await.unwrap();
    tx.commit().await.unwrap();
    store.close().await;
    let unwritten = back_up(url, Some(&folder.path().join("elsewhere")), "somebody", &out).await;
    assert!(matches!(unwritten, Err(BackupError::Store(_))), "{unwritten:?}");
    assert!(!out.exists());
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_done() {
    each_store(async |store| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("audit.key");
        let operator = Operator::of(&store, Some(&file), "somebody").await.unwrap();
        let hash = PasswordHash::stored("a hash".to_owned());
        operator.create_user(&user("a", Role::Auditor, Scope::All), &hash).await.unwrap();
        let key = NewKey { name: "k".into(), role: Role::Hris, scope: Scope::All, purpose: None, expires_at: None };
        let created = operator.create_key(&key).await.unwrap();
        let mut tx = store.db().begin().await.unwrap();
        tx.execute("DROP TABLE audit", Vec::new()).await.unwrap();
        tx.commit().await.unwrap();

        operator.create_user(&user("b", Role::Admin, Scope::All), &hash).await.unwrap_err();
        operator.change_user("a", Role::Admin, &Scope::All).await.unwrap_err();
        operator.set_user_enabled("a", false).await.unwrap_err();
        operator.set_password("a", &PasswordHash::stored("another".to_owned())).await.unwrap_err();
        operator.delete_user("a").await.unwrap_err();
        operator.create_key(&NewKey { name: "l".into(), ..key }).await.unwrap_err();
        operator.revoke_key(&created.id).await.unwrap_err();
        let as_of = "2026-10-31".parse().unwrap();
        operator.note_refresh(&Refresh { scores: 1, exits: 0, as_of, model_version: "" }).await.unwrap_err();
        let users = store.users().await.unwrap();
        let users: Vec<_> = users.iter().map(|u| (u.name.as_str(), u.role, u.disabled_at, u.password.text())).collect();
        assert_eq!(users, [("a", Role::Auditor, None, "a hash")]);
        assert!(store.keys().await.unwrap().iter().all(|key| key.revoked_at.is_none() && key.name == "k"));
    })
    .await;
}

#[tokio::test]
async fn whoever_was_signed_in_with_a_name_that_is_given_anew_is_not_its_new_holder() {
    each_store(async |store| {
        let folder = tempfile::tempdir().unwrap();
        let operator = Operator::of(&store, Some(&folder.path().join("audit.key")), "somebody").await.unwrap();
        let hash = PasswordHash::stored("a hash".to_owned());
        operator.create_user(&user("a", Role::Auditor, Scope::All), &hash).await.unwrap();
        let since = now_micros();
        assert!(caller_of(&store, "a", since).await.unwrap().is_some());
        let link = operator.create_sign_in_link("a").await.unwrap();
        operator.delete_user("A").await.unwrap().unwrap();
        assert!(caller_of(&store, "a", since).await.unwrap().is_none());
        operator.create_user(&user("a", Role::Admin, Scope::All), &hash).await.unwrap();
        assert!(caller_of(&store, "a", since).await.unwrap().is_none(), "signed in with the account before");
        assert_eq!(caller_of(&store, "a", now_micros()).await.unwrap().unwrap().role, Role::Admin);
        let worth = store.use_sign_in_link(&link).await.unwrap();
        assert_eq!(worth, crate::store::sign_in_links::Link::Unknown);
    })
    .await;
}

#[tokio::test]
async fn a_key_that_is_no_file_is_refused_with_what_to_do() {
    each_store(async |store| {
        let folder = tempfile::tempdir().unwrap();
        let refused = Operator::of(&store, Some(folder.path()), "somebody").await.unwrap_err().to_string();
        assert!(refused.contains(&folder.path().display().to_string()), "{refused}");
        assert!(refused.contains("cannot be read or made") && refused.contains("--key-file"), "{refused}");
    })
    .await;
}
