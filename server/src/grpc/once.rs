//! Writes with a `request_id`: carried out once, answered alike however often they are sent.
//!
//! ```text
//! match once::begin_about(core, passed, employee_id, &request.request_id, &request).await? {
//!     Once::Answered(response) => Ok(response),
//!     Once::New(mut write) => { /* write.tx() ... */ once::finish(write, response).await }
//! }
//! ```

use prost::Message;
use sha2::{Digest, Sha256};

use crate::audit::Decision;
use crate::core::Core;
use crate::gate::Passed;
use crate::grpc::status::ApiError;
use crate::store::requests::{Begun, RequestKey, Write};
use crate::store::{Store, StoreError};

/// What became of a request so far.
pub(crate) enum Once<R> {
    /// It is new: carry it out.
    New(Write),
    /// It was carried out: this was the answer.
    Answered(R),
}

/// The key of a request: who sends it, what they call, and everything that it says.
pub(crate) fn key(passed: &Passed, request_id: &str, request: &impl Message, employee_id: Option<&str>) -> RequestKey {
    RequestKey {
        caller: passed.caller.actor.clone(),
        method: passed.method,
        request_id: request_id.to_owned(),
        digest: Sha256::digest(request.encode_to_vec()).into(),
        employee_id: employee_id.map(str::to_owned),
    }
}

/// Begins a write, unless it was carried out before.
///
/// # Errors
/// RequestIdReused where the id was used for a request that said something else.
pub(crate) async fn begin<R: Message + Default>(store: &Store, key: RequestKey) -> Result<Once<R>, ApiError> {
    match store.begin_once(key).await? {
        Begun::New(write) => Ok(Once::New(write)),
        Begun::Reused => Err(ApiError::RequestIdReused),
        Begun::Answered(bytes) => match R::decode(bytes.as_slice()) {
            Ok(response) => Ok(Once::Answered(response)),
            Err(_) => Err(StoreError::Damaged("an answered request cannot be read".to_owned()).into()),
        },
    }
}

/// Begins a write about an employee once it is in the audit log that somebody may, unless it was carried out before.
///
/// # Errors
/// AuditUnavailable; those of [`begin`].
pub(crate) async fn begin_about<R: Message + Default>(
    core: &Core,
    passed: &Passed,
    employee_id: &str,
    request_id: &str,
    request: &impl Message,
) -> Result<Once<R>, ApiError> {
    core.gate.record(passed, &[employee_id], "", Decision::Allowed).await?;
    begin(&core.store, key(passed, request_id, request, Some(employee_id))).await
}

/// Keeps what was written and the answer; gives the answer.
pub(crate) async fn finish<R: Message>(write: Write, response: R) -> Result<R, ApiError> {
    write.finish(&response.encode_to_vec()).await?;
    Ok(response)
}
