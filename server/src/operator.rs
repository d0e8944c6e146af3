//! What is done with a store beside the server: who may be let in is changed, scores are kept, copies are made. All of it is in the
//! audit log: a change of who is let in in the same transaction, the others before they begin. Where that cannot be written, nothing
//! is done.

use std::path::Path;

use flight_risk_scoring::Day;

use crate::access::caller::{COMMAND_ACTOR, Role, Scope, good_text};
use crate::access::keys::{CreatedKey, KeyError, NewKey};
use crate::access::password::PasswordHash;
use crate::access::users::{NewUser, StoredUser, UserError, name_as_kept};
use crate::audit::{AuditKey, AuditKeyError, Decision, Entry, draft};
use crate::clock::now_micros;
use crate::store::db::Tx;
use crate::store::{BackupError, Copying, Store, StoreError, audit, keys, sign_in_links, users};

/// The role in the audit log of whoever may write to the store.
const ROLE: &str = "operator";
/// What is called whoever has no name that could be kept.
const NAMELESS: &str = "unknown";

/// What an operator did, as it stands in the audit log.
pub(crate) mod methods {
    pub(crate) const CREATE_USER: &str = "flightrisk.command.Users/Create";
    pub(crate) const CHANGE_USER: &str = "flightrisk.command.Users/Change";
    pub(crate) const DELETE_USER: &str = "flightrisk.command.Users/Delete";
    pub(crate) const DISABLE_USER: &str = "flightrisk.command.Users/Disable";
    pub(crate) const ENABLE_USER: &str = "flightrisk.command.Users/Enable";
    pub(crate) const SET_PASSWORD: &str = "flightrisk.command.Users/SetPassword";
    pub(crate) const CREATE_LINK: &str = "flightrisk.command.Users/CreateSignInLink";
    pub(crate) const CREATE_KEY: &str = "flightrisk.command.Keys/Create";
    pub(crate) const REVOKE_KEY: &str = "flightrisk.command.Keys/Revoke";
    pub(crate) const KEEP_SCORES: &str = "flightrisk.command.Scores/Keep";
    pub(crate) const COPY_STORE: &str = "flightrisk.command.Store/Copy";
}

/// Scores and exits that are about to be kept.
#[derive(Clone, Copy, Debug)]
pub struct Refresh<'a> {
    /// Scores, of a person each.
    pub scores: usize,
    /// Exits, of a person each.
    pub exits: usize,
    /// Day on which the facts behind the scores are known.
    pub as_of: Day,
    /// Version of the model that scored.
    pub model_version: &'a str,
}

/// Writes a copy of a SQLite store to a new file that only its owner can read: the state of one moment, whatever is written
/// meanwhile. The file is there once it is whole, checked and on the disk. That somebody of this name made it stands in the audit log
/// before, and in the copy too; the log's key lies in `key_file`, or beside the store. Gives the copy's size in bytes.
///
/// # Errors
/// [`BackupError`]; then there is no file.
pub async fn back_up(url: &str, key_file: Option<&Path>, name: &str, out: &Path) -> Result<u64, BackupError> {
    let copying = Copying::of(url, out)?;
    let store = Store::open_existing(url).await?;
    let noted = note_copy(&store, key_file, name, out).await;
    store.close().await;
    noted?;
    copying.make().await
}

async fn note_copy(store: &Store, key_file: Option<&Path>, name: &str, out: &Path) -> Result<(), BackupError> {
    let operator = Operator::of(store, key_file, name).await?;
    let what = format!("people: {}; copied to {}", store.people_held().await?, out.display());
    operator.note_alone(methods::COPY_STORE, &what, "").await?;
    Ok(())
}

/// Whoever runs the server, at work on its store.
#[derive(Debug)]
pub struct Operator<'a> {
    store: &'a Store,
    key: AuditKey,
    actor: String,
}

impl<'a> Operator<'a> {
    /// Somebody of this name at work on a store. The key of the audit log lies in `key_file`, or beside a SQLite store; it is made
    /// where there is none yet.
    ///
    /// # Errors
    /// [`AuditKeyError`] when the key is lost, another one, or cannot be made.
    pub async fn of(store: &'a Store, key_file: Option<&Path>, name: &str) -> Result<Self, AuditKeyError> {
        let key = AuditKey::for_writing(store, key_file).await?;
        let name = if good_text(name) { name } else { NAMELESS };
        Ok(Self { store, key, actor: format!("{COMMAND_ACTOR}{name}") })
    }

    /// Makes an account.
    ///
    /// # Errors
    /// [`UserError`] when it cannot be made so, or there is one of its name.
    pub async fn create_user(&self, user: &NewUser, password: &PasswordHash) -> Result<(), UserError> {
        let mut tx = self.store.db().begin().await?;
        users::create(&mut tx, user, password).await?;
        let NewUser { name, role, scope } = user;
        let what = format!("account {}: {}, {scope}", name_as_kept(name), role.name());
        self.note(&mut tx, methods::CREATE_USER, &what, &[scope]).await?;
        Ok(tx.commit().await?)
    }

    /// Gives the holder of an account another role and other people to see, and signs them out everywhere. Gives the account as it
    /// was; `None` where there is none.
    ///
    /// # Errors
    /// [`UserError`] when the scope does not fit the role, or the store does not answer.
    pub async fn change_user(&self, name: &str, role: Role, scope: &Scope) -> Result<Option<StoredUser>, UserError> {
        let mut tx = self.store.db().begin().await?;
        let Some(before) = users::change(&mut tx, name, role, scope).await? else { return Ok(None) };
        let (was, seen) = (before.role.name(), &before.scope);
        let what = format!("account {}: {}, {scope}; it was {was}, {seen}", before.name, role.name());
        self.note(&mut tx, methods::CHANGE_USER, &what, &[scope, seen]).await?;
        tx.commit().await?;
        Ok(Some(before))
    }

    /// Deletes an account: its holder is signed out everywhere, and its name is free. Gives the account as it was; `None` where there
    /// is none.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub async fn delete_user(&self, name: &str) -> Result<Option<StoredUser>, StoreError> {
        let mut tx = self.store.db().begin().await?;
        let Some(before) = users::delete(&mut tx, name).await? else { return Ok(None) };
        let what = format!("account {}: it was {}, {}", before.name, before.role.name(), before.scope);
        self.note(&mut tx, methods::DELETE_USER, &what, &[&before.scope]).await?;
        tx.commit().await?;
        Ok(Some(before))
    }

    /// Keeps an account's holder out and signs them out, or lets them in again; gives whether there is such an account.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub async fn set_user_enabled(&self, name: &str, enabled: bool) -> Result<bool, StoreError> {
        let mut tx = self.store.db().begin().await?;
        let found = users::set_enabled(&mut tx, name, enabled).await?;
        let method = if enabled { methods::ENABLE_USER } else { methods::DISABLE_USER };
        self.note_of(&mut tx, found, method, name).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// Gives an account another password and signs its holder out everywhere; gives whether there is such an account.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub async fn set_password(&self, name: &str, password: &PasswordHash) -> Result<bool, StoreError> {
        let mut tx = self.store.db().begin().await?;
        let found = users::set_password(&mut tx, name, password).await?;
        self.note_of(&mut tx, found, methods::SET_PASSWORD, name).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// Makes the token of a link that signs the holder of an account in, once, within an hour. Only its hash is kept.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer, or the system gives no random numbers.
    pub async fn create_sign_in_link(&self, name: &str) -> Result<String, StoreError> {
        let mut tx = self.store.db().begin().await?;
        let token = sign_in_links::create_at(&mut tx, name, now_micros()).await?;
        self.note_of(&mut tx, true, methods::CREATE_LINK, name).await?;
        tx.commit().await?;
        Ok(token)
    }

    /// Makes a key. Its secret is in the answer and nowhere else.
    ///
    /// # Errors
    /// [`KeyError`] when it cannot be made so, or a key of its name is in force.
    pub async fn create_key(&self, key: &NewKey) -> Result<CreatedKey, KeyError> {
        let mut tx = self.store.db().begin().await?;
        let created = keys::create(&mut tx, key).await?;
        let what = format!("key {} ({}): {}, {}", created.id, key.name, key.role.name(), key.scope);
        self.note(&mut tx, methods::CREATE_KEY, &what, &[&key.scope]).await?;
        tx.commit().await?;
        Ok(created)
    }

    /// Revokes a key for good; gives whether there is one of this identifier. One that was revoked before stays as it is.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub async fn revoke_key(&self, id: &str) -> Result<bool, StoreError> {
        let mut tx = self.store.db().begin().await?;
        let Some(before) = keys::revoke(&mut tx, id).await? else { return Ok(false) };
        let what = format!("key {} ({}): it was {}, {}", before.id, before.name, before.role.name(), before.scope);
        self.note(&mut tx, methods::REVOKE_KEY, &what, &[&before.scope]).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Notes that scores are about to be kept; nothing may be where this fails. It stands in the log with how many people it is
    /// about, not with each of them: every night it is everybody.
    ///
    /// # Errors
    /// [`StoreError`] when the log cannot be written.
    pub async fn note_refresh(&self, refresh: &Refresh<'_>) -> Result<(), StoreError> {
        let Refresh { scores, exits, as_of, model_version } = refresh;
        let what = format!("people scored: {scores}, as of {as_of}; exits reported: {exits}");
        self.note_alone(methods::KEEP_SCORES, &what, model_version).await
    }

    /// Writes what is about to be done, about too many people to name each.
    async fn note_alone(&self, method: &str, what: &str, model_version: &str) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        self.write(&mut tx, method, what, &[], model_version).await?;
        tx.commit().await
    }

    /// Writes that something was done with an account, if there is one.
    async fn note_of(&self, tx: &mut Tx, found: bool, method: &str, name: &str) -> Result<(), StoreError> {
        if !found {
            return Ok(());
        }
        self.note(tx, method, &format!("account {}", name_as_kept(name)), &[]).await
    }

    /// Writes what was done. Managers whose reports somebody sees stand in it by their keyed hashes only.
    async fn note(&self, tx: &mut Tx, method: &str, what: &str, scopes: &[&Scope]) -> Result<(), StoreError> {
        let mut employees: Vec<&str> = Vec::new();
        for scope in scopes {
            if let Scope::Reports { manager_id } = scope
                && !employees.contains(&manager_id.as_str())
            {
                employees.push(manager_id);
            }
        }
        self.write(tx, method, what, &employees, "").await
    }

    async fn write(
        &self,
        tx: &mut Tx,
        method: &str,
        what: &str,
        employees: &[&str],
        model_version: &str,
    ) -> Result<(), StoreError> {
        let (actor, decision) = (self.actor.as_str(), Decision::Allowed);
        let entry = Entry { actor, role: ROLE, method, employees, purpose: what, model_version, decision };
        audit::append(tx, &[draft(&entry, &self.key)], &self.key).await
    }
}
