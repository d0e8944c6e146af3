//! The one table from what can go wrong to gRPC codes, reasons and messages.

use std::collections::HashMap;
use std::time::Duration;

use flight_risk_proto::v1;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::grpc::violations::{Violations, shortened};
use crate::limits::{MAX_BATCH_ROWS, MAX_MESSAGE_BYTES, MAX_STATUS_DETAIL_BYTES};
use crate::store::StoreError;

/// The domain of every google.rpc.ErrorInfo.
const DOMAIN: &str = "flightrisk";
/// Longest time after which somebody is told to ask again.
const MOST_SECONDS: u64 = 300;

/// Why a request, or one row of it, is not answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ApiError {
    /// Fields are wrong.
    Invalid(Violations),
    /// Packed values for another schema.
    SchemaMismatch {
        /// Digest of the active model.
        active: String,
    },
    /// A recorded score by a model with other features.
    RecordedOtherwise,
    /// A history for a model of a flat table.
    HistoryNotSupported,
    /// Values so extreme that no probability can be computed.
    NotComputable,
    /// A batch's reply would be larger than a message may be.
    ReplyTooLarge {
        /// Rows of the batch that fit.
        fitting: usize,
    },
    /// No such model.
    ModelNotFound,
    /// Nobody the server knows: no token or key, or one that is not valid.
    Unauthenticated,
    /// The caller may not do this, or not with this employee, who may not even exist.
    NotPermitted,
    /// The audit log cannot be written.
    AuditUnavailable,
    /// The store does not answer.
    StoreUnavailable,
    /// Nothing is held about the employee.
    EmployeeNotFound,
    /// No such action.
    ActionNotFound,
    /// No exit of the employee is reported.
    ExitNotFound,
    /// Somebody else changed the resource.
    EtagMismatch,
    /// The action is completed or cancelled.
    ActionClosed,
    /// The same request id with another content.
    RequestIdReused,
    /// The changes after the token are gone.
    ResumeTokenExpired,
    /// The group does not exist or may not be shown.
    GroupSuppressed,
    /// There is nothing to go back to.
    NoEarlierModel,
    /// The model cannot score.
    ModelRefused {
        /// Why.
        why: String,
    },
    /// The time allowed is over.
    DeadlineExceeded,
    /// The server ends.
    ShuttingDown,
    /// Too many requests at a time.
    Busy,
    /// What the answer is made of is being read.
    BeingRead {
        /// After how many seconds to ask again.
        seconds: u64,
    },
}

impl ApiError {
    /// To be asked again after about this time.
    pub(crate) fn being_read(remaining: Duration) -> Self {
        Self::BeingRead { seconds: remaining.as_secs().saturating_add(1).min(MOST_SECONDS) }
    }

    /// The gRPC code.
    fn code(&self) -> Code {
        match self {
            Self::Invalid(_) | Self::NotComputable => Code::InvalidArgument,
            Self::SchemaMismatch { .. } | Self::RecordedOtherwise | Self::HistoryNotSupported => {
                Code::FailedPrecondition
            }
            Self::ReplyTooLarge { .. } => Code::ResourceExhausted,
            Self::ModelNotFound => Code::NotFound,
            Self::Unauthenticated => Code::Unauthenticated,
            Self::NotPermitted => Code::PermissionDenied,
            Self::AuditUnavailable => Code::Unavailable,
            Self::StoreUnavailable => Code::Unavailable,
            Self::EmployeeNotFound => Code::NotFound,
            Self::ActionNotFound | Self::ExitNotFound => Code::NotFound,
            Self::EtagMismatch => Code::Aborted,
            Self::ActionClosed => Code::FailedPrecondition,
            Self::RequestIdReused => Code::AlreadyExists,
            Self::ResumeTokenExpired => Code::OutOfRange,
            Self::GroupSuppressed => Code::FailedPrecondition,
            Self::NoEarlierModel => Code::FailedPrecondition,
            Self::ModelRefused { .. } => Code::FailedPrecondition,
            Self::DeadlineExceeded => Code::DeadlineExceeded,
            Self::ShuttingDown | Self::Busy | Self::BeingRead { .. } => Code::Unavailable,
        }
    }

    /// The reason for programs.
    fn reason(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "INVALID_FIELDS",
            Self::SchemaMismatch { .. } | Self::RecordedOtherwise => "SCHEMA_MISMATCH",
            Self::HistoryNotSupported => "HISTORY_NOT_SUPPORTED",
            Self::NotComputable => "NOT_COMPUTABLE",
            Self::ReplyTooLarge { .. } => "REPLY_TOO_LARGE",
            Self::ModelNotFound => "MODEL_NOT_FOUND",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::NotPermitted => "NOT_PERMITTED",
            Self::AuditUnavailable => "AUDIT_UNAVAILABLE",
            Self::StoreUnavailable => "STORE_UNAVAILABLE",
            Self::EmployeeNotFound => "EMPLOYEE_NOT_FOUND",
            Self::ActionNotFound => "ACTION_NOT_FOUND",
            Self::ExitNotFound => "EXIT_NOT_FOUND",
            Self::EtagMismatch => "ETAG_MISMATCH",
            Self::ActionClosed => "ACTION_CLOSED",
            Self::RequestIdReused => "REQUEST_ID_REUSED",
            Self::ResumeTokenExpired => "RESUME_TOKEN_EXPIRED",
            Self::GroupSuppressed => "GROUP_SUPPRESSED",
            Self::NoEarlierModel => "NO_EARLIER_MODEL",
            Self::ModelRefused { .. } => "MODEL_REFUSED",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::ShuttingDown => "SHUTTING_DOWN",
            Self::Busy => "BUSY",
            Self::BeingRead { .. } => "BEING_READ",
        }
    }

    /// What is wrong and what to do, for people.
    fn message(&self) -> String {
        match self {
            Self::Invalid(violations) => violations.message(),
            Self::SchemaMismatch { active } => format!(
                "the values were packed for another model; the active schema is {active}: fetch it with GetModel and pack again"
            ),
            Self::RecordedOtherwise => "the last recorded score is of a model with other features; record a new score, or send the facts".to_owned(),
            Self::HistoryNotSupported => {
                "the active model was trained on a flat table and cannot read histories; send `features` as GetModel lists them"
                    .to_owned()
            }
            Self::NotComputable => "the values are too extreme to compute a probability; check their units".to_owned(),
            Self::ReplyTooLarge { fitting } => format!(
                "the reply is larger than {MAX_MESSAGE_BYTES} bytes after {fitting} of at most {MAX_BATCH_ROWS} rows; set \
                 max_factors, send fewer rows or use StreamScores"
            ),
            Self::ModelNotFound => {
                "the server holds no model of this name; `models/active` names the one that scores".to_owned()
            }
            Self::Unauthenticated => "send `authorization: Bearer ` and an API key or a token of your identity provider that is valid now".to_owned(),
            Self::NotPermitted => "not permitted, or no such employee within your scope".to_owned(),
            Self::AuditUnavailable => "the audit log cannot be written, so nothing is answered; try again, and tell the administrator if it stays".to_owned(),
            Self::StoreUnavailable => "the store does not answer; try again, and tell the administrator if it stays".to_owned(),
            Self::EmployeeNotFound => "no score of this employee is recorded".to_owned(),
            Self::ActionNotFound => "there is no action of this name".to_owned(),
            Self::ExitNotFound => "no exit of this employee is reported".to_owned(),
            Self::EtagMismatch => "it was changed since you read it; read it again and repeat the change".to_owned(),
            Self::ActionClosed => "the action is completed or cancelled; create a new one".to_owned(),
            Self::RequestIdReused => "this request_id was used for another request; choose a new one".to_owned(),
            Self::ResumeTokenExpired => "the changes after this token are no longer kept; list all employees anew and watch from now on".to_owned(),
            Self::GroupSuppressed => "the group does not exist, or is too small to be shown".to_owned(),
            Self::NoEarlierModel => "no model was active before this one; activate one by its name".to_owned(),
            Self::ModelRefused { why } => format!("the model cannot score: {why}; the one before stays active"),
            Self::DeadlineExceeded => {
                "the time allowed for the request is over; allow more time or send fewer rows".to_owned()
            }
            Self::ShuttingDown => "the server is shutting down; send what was not answered again".to_owned(),
            Self::Busy => "the server has too many requests under way; try again in a moment".to_owned(),
            Self::BeingRead { seconds } => format!(
                "what the answer is made of is being read, as after every start of a server with many employees; ask again in about {seconds} s"
            ),
        }
    }

    fn violations(&self) -> Option<&Violations> {
        match self {
            Self::Invalid(violations) => Some(violations),
            Self::SchemaMismatch { .. }
            | Self::RecordedOtherwise
            | Self::HistoryNotSupported
            | Self::NotComputable
            | Self::ReplyTooLarge { .. }
            | Self::ModelNotFound
            | Self::Unauthenticated
            | Self::NotPermitted
            | Self::AuditUnavailable
            | Self::StoreUnavailable
            | Self::EmployeeNotFound
            | Self::ActionNotFound
            | Self::ExitNotFound
            | Self::EtagMismatch
            | Self::ActionClosed
            | Self::RequestIdReused
            | Self::ResumeTokenExpired
            | Self::GroupSuppressed
            | Self::NoEarlierModel
            | Self::ModelRefused { .. }
            | Self::DeadlineExceeded
            | Self::ShuttingDown
            | Self::BeingRead { .. }
            | Self::Busy => None,
        }
    }

    /// The status of a call, with details. `model_version` is that of the model that was asked, where one was.
    pub(crate) fn into_status(self, model_version: Option<&str>) -> Status {
        let metadata: HashMap<String, String> =
            model_version.map(|version| ("model_version".to_owned(), version.to_owned())).into_iter().collect();
        let mut details = ErrorDetails::new();
        details.set_error_info(self.reason(), DOMAIN, metadata);
        if let Self::BeingRead { seconds } = self {
            details.set_retry_info(Some(Duration::from_secs(seconds)));
        }
        if let Some(violations) = self.violations() {
            let mut room = MAX_STATUS_DETAIL_BYTES;
            let fitting = violations.first().iter().map_while(|violation| {
                room = room.checked_sub(violation.field.len() + violation.description.len())?;
                Some(FieldViolation::new(violation.field.clone(), violation.description.clone()))
            });
            details.set_bad_request(fitting.collect::<Vec<_>>());
        }
        Status::with_error_details(self.code(), shortened(self.message()), details)
    }

    /// The error of one row.
    pub(crate) fn row_error(&self) -> v1::RowError {
        let field_violations = self.violations().map(Violations::first).unwrap_or_default();
        v1::RowError {
            code: self.code() as i32,
            reason: self.reason().to_owned(),
            message: self.message(),
            field_violations: field_violations
                .iter()
                .map(|violation| v1::FieldViolation {
                    field: violation.field.clone(),
                    description: violation.description.clone(),
                })
                .collect(),
        }
    }
}

/// What the store says is for the log; it names nobody. Clients learn that they can try again.
impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store did not do what it was asked");
        Self::StoreUnavailable
    }
}

/// Whether a reply of this many bytes can be grown by a message of so many more, counting what surrounds it.
pub(crate) fn grown(bytes: usize, more: usize) -> Option<usize> {
    /// Tag and length of a message within another one, twice.
    const FRAME_BYTES: usize = 16;
    let bytes = bytes + more + FRAME_BYTES;
    (bytes < MAX_MESSAGE_BYTES).then_some(bytes)
}
