use crate::access::caller::Caller;
use crate::store::{Store, StoreError};
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignInError {
    #[error("wrong")]
    Wrong,
    #[error(transparent)]
    Store(#[from] StoreError),
}
pub(crate) async fn sign_in(store: &Store, name: &str, password: &str) -> Result<Caller, SignInError> {
    let user = store.user(name).await?.ok_or(SignInError::Wrong)?;
    if user.password.fits(password) { Ok(user.caller()) } else { Err(SignInError::Wrong) }
}
