//! Keys and accounts made and changed without a record, for tests of other things.

use crate::access::caller::{Role, Scope};
use crate::access::keys::{CreatedKey, KeyError, NewKey};
use crate::access::password::PasswordHash;
use crate::access::users::{NewUser, StoredUser, UserError};
use crate::clock::now_micros;
use crate::store::{Store, StoreError, keys, sign_in_links, users};

/// The work in a transaction of its own.
macro_rules! in_one {
    ($store:expr, $work:expr) => {{
        let mut tx = $store.db().begin().await?;
        let done = $work(&mut tx).await?;
        tx.commit().await?;
        Ok(done)
    }};
}

impl Store {
    pub(crate) async fn create_user(&self, user: &NewUser, password: &PasswordHash) -> Result<(), UserError> {
        in_one!(self, async |tx| users::create(tx, user, password).await)
    }

    pub(crate) async fn change_user(
        &self,
        name: &str,
        role: Role,
        scope: &Scope,
    ) -> Result<Option<StoredUser>, UserError> {
        in_one!(self, async |tx| users::change(tx, name, role, scope).await)
    }

    pub(crate) async fn set_user_enabled(&self, name: &str, enabled: bool) -> Result<bool, StoreError> {
        in_one!(self, async |tx| users::set_enabled(tx, name, enabled).await)
    }

    pub(crate) async fn set_password(&self, name: &str, password: &PasswordHash) -> Result<bool, StoreError> {
        in_one!(self, async |tx| users::set_password(tx, name, password).await)
    }

    pub(crate) async fn create_sign_in_link(&self, user: &str) -> Result<String, StoreError> {
        in_one!(self, async |tx| sign_in_links::create_at(tx, user, now_micros()).await)
    }

    pub(crate) async fn create_key(&self, key: &NewKey) -> Result<CreatedKey, KeyError> {
        in_one!(self, async |tx| keys::create(tx, key).await)
    }

    pub(crate) async fn revoke_key(&self, id: &str) -> Result<bool, StoreError> {
        in_one!(self, async |tx| keys::revoke(tx, id).await.map(|was| was.is_some()))
    }
}
