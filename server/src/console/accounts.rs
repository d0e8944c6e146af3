//! Signing in with name and password.
//!
//! Whoever tries learns nothing about who has an account: a name that nobody has, a wrong password and a disabled account are
//! answered alike, after the same work and with the same waits (OWASP, "Authentication Cheat Sheet").

use tokio::sync::Semaphore;

use crate::access::caller::{Caller, good_text};
use crate::access::password::{MAX_PASSWORD_BYTES, PasswordHash};
use crate::access::users::name_as_kept;
use crate::limits::{MAX_PASSWORDS_CHECKED, MAX_PASSWORDS_WAITING};
use crate::random;
use crate::store::sign_in_attempts::Attempt;
use crate::store::{Store, StoreError};

/// Each check takes 19 MiB and some 20 ms of a core.
static CHECKED: Semaphore = Semaphore::const_new(MAX_PASSWORDS_CHECKED);
/// Those who are checked or wait for it.
static WAITING: Semaphore = Semaphore::const_new(MAX_PASSWORDS_WAITING);

/// Why somebody did not sign in, as they are told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignInError {
    /// No such name, another password, or a disabled account.
    #[error("The name or the password is wrong.")]
    Wrong {
        /// What the audit log gets, if a password was checked: nobody who tries is told.
        tried: Option<Tried>,
    },
    /// After several wrong passwords.
    #[error(
        "There were several wrong passwords for this name. Try again in {}.",
        if *minutes == 1 { "1 minute".to_owned() } else { format!("{minutes} minutes") }
    )]
    Wait {
        /// For how long.
        minutes: i64,
    },
    /// Many people sign in, or somebody tries passwords for many names.
    #[error("Too many people are signing in at the moment. Try again in a minute.")]
    Busy,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whose password was checked in vain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tried {
    /// That of this account.
    Account(String),
    /// That of a name which nobody has.
    Nobody,
}

/// Who signs in with this name and this password.
///
/// # Errors
/// [`SignInError`] when nobody does.
pub(crate) async fn sign_in(store: &Store, name: &str, password: &str) -> Result<Caller, SignInError> {
    let name = name_as_kept(name);
    // Nobody has these, so nothing is told by answering at once.
    if !good_text(&name) || password.len() > MAX_PASSWORD_BYTES {
        return Err(SignInError::Wrong { tried: None });
    }
    let _waiting = WAITING.try_acquire().map_err(|_| SignInError::Busy)?;
    if let Attempt::Wait(minutes) = store.begin_attempt(&name).await? {
        return Err(SignInError::Wait { minutes });
    }
    let user = store.user(&name).await?;
    let hash = user.as_ref().map_or_else(PasswordHash::nobodys, |user| user.password.clone());
    let fits = fits(hash, password.to_owned()).await;
    let Some(user) = user else { return Err(SignInError::Wrong { tried: Some(Tried::Nobody) }) };
    if !fits || user.disabled_at.is_some() {
        return Err(SignInError::Wrong { tried: Some(Tried::Account(user.name)) });
    }
    store.forget_attempts(&name).await?;
    Ok(user.caller())
}

/// Whether a password fits a hash, found out beside the requests.
async fn fits(hash: PasswordHash, password: String) -> bool {
    // The semaphore is never closed, and a check that ends in a fault lets nobody in.
    let Ok(_permit) = CHECKED.acquire().await else { return false };
    tokio::task::spawn_blocking(move || hash.fits(&password)).await.unwrap_or(false)
}

/// The holder of an account who signed in at a time (microseconds since 1970); `None` when they may not be here any more: the
/// account is disabled, or it was given another password since. Asked for every page, so that this counts at once.
pub(crate) async fn caller_of(store: &Store, name: &str, since: i64) -> Result<Option<Caller>, StoreError> {
    let user = store.user(name).await?;
    let user = user.filter(|user| user.disabled_at.is_none() && user.signed_out_at <= since);
    Ok(user.map(|user| user.caller()))
}

/// A text that nobody guesses, for forms and states.
///
/// # Errors
/// [`StoreError`] when the system gives no random numbers, as for everything else that the console makes.
pub(crate) fn random_token() -> Result<String, StoreError> {
    random::token().map_err(|error| StoreError::Damaged(error.to_string()))
}
