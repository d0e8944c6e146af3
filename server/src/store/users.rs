//! Accounts of the console in the store.

use crate::access::caller::{Role, Scope};
use crate::access::password::PasswordHash;
use crate::access::users::{NewUser, StoredUser, UserError, name_as_kept};
use crate::clock::now_micros;
use crate::store::db::{Row, Tx, params};
use crate::store::sign_in_attempts::forget_attempts_in;
use crate::store::sign_in_links::delete_links_of;
use crate::store::{Store, StoreError, stored_scope};

/// The columns that [`read`] expects.
const COLUMNS: &str = "name, password_hash, role, scope, created_at, password_changed_at, signed_out_at, disabled_at";

fn read(row: &Row) -> Result<StoredUser, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("an account has a {what} that cannot be read"));
    Ok(StoredUser {
        name: row.text(0)?,
        password: PasswordHash::stored(row.text(1)?),
        role: Role::parse(&row.text(2)?).ok_or_else(|| damaged("role"))?,
        scope: stored_scope::read(&row.text(3)?).ok_or_else(|| damaged("scope"))?,
        created_at: row.int(4)?,
        password_changed_at: row.int(5)?,
        signed_out_at: row.int(6)?,
        disabled_at: row.opt_int(7)?,
    })
}

/// Makes an account, with the transaction.
pub(crate) async fn create(tx: &mut Tx, user: &NewUser, password: &PasswordHash) -> Result<(), UserError> {
    user.check()?;
    let (name, scope, now) = (name_as_kept(&user.name), stored_scope::text(&user.scope)?, now_micros());
    let sql =
        format!("INSERT INTO users ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name) DO NOTHING");
    // Whoever signed in before with an account of the same name that is gone is not this one's holder.
    let values = params![&name, password.text(), user.role.name(), scope, now, now, now, None::<i64>];
    if tx.execute(&sql, values).await? == 0 {
        return Err(UserError::NameInUse(name));
    }
    Ok(())
}

/// The account of a name as it is kept, with the transaction.
async fn find(tx: &mut Tx, name: &str) -> Result<Option<StoredUser>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM users WHERE name = $1");
    tx.first(&sql, params![name]).await?.as_ref().map(read).transpose()
}

/// Gives the holder of an account another role and other people to see, with the transaction, and signs them out everywhere, links
/// that would sign them in included. Gives the account as it was; `None` where there is none.
pub(crate) async fn change(
    tx: &mut Tx,
    name: &str,
    role: Role,
    scope: &Scope,
) -> Result<Option<StoredUser>, UserError> {
    let changed = NewUser { name: name_as_kept(name), role, scope: scope.clone() };
    changed.check()?;
    let sql = "UPDATE users SET role = $1, scope = $2, signed_out_at = $3 WHERE name = $4";
    let values = params![role.name(), stored_scope::text(scope)?, now_micros(), &changed.name];
    let Some(before) = find(tx, &changed.name).await? else { return Ok(None) };
    tx.execute(sql, values).await?;
    delete_links_of(tx, &changed.name).await?;
    Ok(Some(before))
}

/// Deletes an account, with the transaction: its holder is signed out everywhere, and its name is free. Gives the account as it was;
/// `None` where there is none.
pub(crate) async fn delete(tx: &mut Tx, name: &str) -> Result<Option<StoredUser>, StoreError> {
    let name = name_as_kept(name);
    let Some(before) = find(tx, &name).await? else { return Ok(None) };
    tx.execute("DELETE FROM users WHERE name = $1", params![&name]).await?;
    forget_attempts_in(tx, &name).await?;
    delete_links_of(tx, &name).await?;
    Ok(Some(before))
}

/// Keeps an account's holder out and signs them out, or lets them in again; links that would sign them in end either way; gives
/// whether there is such an account.
pub(crate) async fn set_enabled(tx: &mut Tx, name: &str, enabled: bool) -> Result<bool, StoreError> {
    let sql = match enabled {
        true => "UPDATE users SET disabled_at = NULL, signed_out_at = $1 WHERE name = $2",
        false => "UPDATE users SET disabled_at = COALESCE(disabled_at, $1), signed_out_at = $1 WHERE name = $2",
    };
    let name = name_as_kept(name);
    let found = tx.execute(sql, params![now_micros(), &name]).await? > 0;
    delete_links_of(tx, &name).await?;
    Ok(found)
}

/// Gives an account another password and signs its holder out everywhere, links that would sign them in included; gives whether
/// there is such an account. Wrong passwords of before no longer make anybody wait.
pub(crate) async fn set_password(tx: &mut Tx, name: &str, password: &PasswordHash) -> Result<bool, StoreError> {
    let name = name_as_kept(name);
    let sql = "UPDATE users SET password_hash = $1, password_changed_at = $2, signed_out_at = $2 WHERE name = $3";
    let found = tx.execute(sql, params![password.text(), now_micros(), &name]).await? > 0;
    forget_attempts_in(tx, &name).await?;
    delete_links_of(tx, &name).await?;
    Ok(found)
}

impl Store {
    /// Every account, by name.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub async fn users(&self) -> Result<Vec<StoredUser>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM users ORDER BY name");
        self.db().query(&sql, params![]).await?.iter().map(read).collect()
    }

    /// Whether anybody has an account that is in force.
    pub(crate) async fn any_user(&self) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM users WHERE disabled_at IS NULL LIMIT 1";
        Ok(self.db().first(sql, params![]).await?.is_some())
    }

    /// The account of a name as somebody typed it, also if it is disabled.
    pub(crate) async fn user(&self, name: &str) -> Result<Option<StoredUser>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM users WHERE name = $1");
        self.db().first(&sql, params![name_as_kept(name)]).await?.as_ref().map(read).transpose()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;
    use crate::store::sign_in_links::Link;
    use crate::tests::databases::each_store;

    fn hash(text: &str) -> PasswordHash {
        PasswordHash::stored(text.to_owned())
    }

    #[tokio::test]
    async fn accounts_are_kept_found_by_any_case_and_made_once() {
        each_store(async |store| {
            let scope = Scope::Units { departments: vec!["Sales".into()], locations: Vec::new() };
            let user = NewUser { name: " Partner ".into(), role: Role::HrPartner, scope: scope.clone() };
            store.create_user(&user, &hash("one")).await.unwrap();
            for same in ["partner", "PARTNER"] {
                let again = NewUser { name: same.into(), role: Role::Admin, scope: Scope::All };
                let refused = store.create_user(&again, &hash("two")).await;
                assert!(matches!(refused, Err(UserError::NameInUse(name)) if name == "partner"));
            }
            let bad = NewUser { name: "m".into(), role: Role::Manager, scope: Scope::All };
            assert!(matches!(store.create_user(&bad, &hash("x")).await, Err(UserError::ScopeOfManager)));
            let found = store.user("pArtner ").await.unwrap().unwrap();
            assert_eq!((found.name.as_str(), found.role, &found.scope), ("partner", Role::HrPartner, &scope));
            assert_eq!((found.password.text(), found.disabled_at), ("one", None));
            assert_eq!(found.caller().actor, "user:partner");
            assert!(store.user("nobody").await.unwrap().is_none());
            assert_eq!(store.users().await.unwrap().len(), 1);
        })
        .await;
    }

    #[tokio::test]
    async fn links_that_sign_in_end_with_another_password_and_with_disabling() {
        each_store(async |store| {
            for name in ["a", "b"] {
                let user = NewUser { name: name.into(), role: Role::Auditor, scope: Scope::All };
                store.create_user(&user, &hash("one")).await.unwrap();
            }
            for way in ["password", "disabled", "enabled", "changed"] {
                let (link, others) =
                    (store.create_sign_in_link("a").await.unwrap(), store.create_sign_in_link("b").await.unwrap());
                let found = match way {
                    "password" => store.set_password("A", &hash("two")).await,
                    "changed" => Ok(store.change_user("A", Role::Admin, &Scope::All).await.unwrap().is_some()),
                    _ => store.set_user_enabled("A", way == "enabled").await,
                };
                assert!(found.unwrap(), "{way}");
                assert_eq!(store.use_sign_in_link(&link).await.unwrap(), Link::Unknown, "{way}");
                assert_eq!(store.use_sign_in_link(&others).await.unwrap(), Link::Good("b".into()), "{way}");
            }
        })
        .await;
    }

    #[tokio::test]
    async fn disabling_and_another_password_sign_out_and_enabling_lets_in_again() {
        each_store(async |store| {
            let user = NewUser { name: "a".into(), role: Role::Auditor, scope: Scope::All };
            store.create_user(&user, &hash("one")).await.unwrap();
            let made = store.user("a").await.unwrap().unwrap();
            assert_eq!(made.signed_out_at, made.created_at);
            assert!(store.set_user_enabled("A", false).await.unwrap());
            let disabled = store.user("a").await.unwrap().unwrap();
            assert!(disabled.disabled_at.unwrap() >= made.created_at);
            assert!(disabled.signed_out_at >= made.created_at);
            assert!(store.set_user_enabled("a", false).await.unwrap());
            let again = store.user("a").await.unwrap().unwrap();
            assert_eq!(again.disabled_at, disabled.disabled_at, "the first time counts");
            assert!(store.set_user_enabled("a", true).await.unwrap());
            assert_eq!(store.user("a").await.unwrap().unwrap().disabled_at, None);
            assert!(store.set_password("a", &hash("two")).await.unwrap());
            let changed = store.user("a").await.unwrap().unwrap();
            assert_eq!(changed.password.text(), "two");
            assert!(changed.signed_out_at > again.signed_out_at && changed.password_changed_at > made.created_at);
            assert!(!store.set_user_enabled("b", true).await.unwrap());
            assert!(!store.set_password("b", &hash("two")).await.unwrap());
        })
        .await;
    }
}
