//! What every call that concerns people passes: the purpose is stated and the call is in the audit log before anything is answered.

use std::sync::{Arc, Mutex, PoisonError};

use tonic::Extensions;

use crate::access::caller::{Caller, SERVER_ACTOR, UNKNOWN_ACTOR, USER_ACTOR};
use crate::access::fields::FieldRules;
use crate::access::policy::policy;
use crate::audit::{AuditLog, Decision, Entry, Record};
use crate::grpc::status::ApiError;
use crate::grpc::violations::Violations;
use crate::store::Store;

/// The gate.
#[derive(Clone)]
pub(crate) struct Gate {
    audit: AuditLog,
    managers_see_numbers: bool,
}

/// The calls of a request that were refused because of the role, to be written to the audit log by whoever makes calls without
/// passing the door of the API, which writes its own refusals.
#[derive(Debug, Default)]
pub(crate) struct RoleRefusals(Mutex<Vec<&'static str>>);

impl RoleRefusals {
    /// Notes that a method was refused.
    pub(crate) fn note(&self, method: &'static str) {
        let mut methods = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !methods.contains(&method) {
            methods.push(method);
        }
    }

    /// The methods that were refused, each once.
    pub(crate) fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Somebody who passed.
#[derive(Clone, Debug)]
pub(crate) struct Passed {
    /// Who.
    pub(crate) caller: Arc<Caller>,
    /// What of an answer they may see.
    pub(crate) fields: FieldRules,
    /// Why they ask.
    pub(crate) purpose: String,
    /// What they call.
    pub(crate) method: &'static str,
}

/// Somebody who signs in or out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Who<'a> {
    /// Who was let in.
    Caller(&'a Caller),
    /// Who gave the name of an account, and was not.
    Account(&'a str),
    /// Who gave no name that is known.
    Unknown,
}

impl Gate {
    /// A gate that writes to this log.
    pub(crate) fn new(audit: AuditLog, managers_see_numbers: bool) -> Self {
        Self { audit, managers_see_numbers }
    }

    /// Who asks, and why; nothing is written yet. `method` is `package.Service/Method` as in the policy table.
    ///
    /// # Errors
    /// NotPermitted without a caller or with a role that may not; Invalid without a purpose where one is needed.
    pub(crate) fn admit(
        &self,
        extensions: &Extensions,
        method: &'static str,
        purpose: &str,
    ) -> Result<Passed, ApiError> {
        let (Some(policy), Some(caller)) = (policy(method), extensions.get::<Arc<Caller>>()) else {
            return Err(ApiError::NotPermitted);
        };
        if !caller.is_anybody() && !policy.roles.contains(&caller.role) {
            if let Some(refusals) = extensions.get::<Arc<RoleRefusals>>() {
                refusals.note(method);
            }
            return Err(ApiError::NotPermitted);
        }
        let mut problems = Violations::default();
        problems.text(|| "purpose".to_owned(), purpose);
        let purpose = if purpose.is_empty() { caller.standing_purpose.clone() } else { Some(purpose.to_owned()) };
        if purpose.is_none() && policy.about_people {
            problems.push(
                || "purpose".to_owned(),
                "required: why you ask, for the audit log (a key can have a standing purpose)",
            );
        }
        if !problems.is_empty() {
            return Err(ApiError::Invalid(problems));
        }
        let fields = self.fields_of(caller);
        Ok(Passed { caller: Arc::clone(caller), fields, purpose: purpose.unwrap_or_default(), method })
    }

    /// Writes to the audit log that somebody may not call a method; whom they asked about is not known, for their message was
    /// not read.
    pub(crate) async fn denied(&self, caller: &Caller, method: &'static str) -> Result<(), ApiError> {
        let entry = Entry {
            actor: &caller.actor,
            role: caller.role.name(),
            method,
            employees: &[],
            purpose: "",
            model_version: "",
            decision: Decision::Denied,
        };
        self.append(entry).await
    }

    /// Writes to the audit log that somebody signed in or out, or tried to; `how` where there are several ways. Nothing may be
    /// answered before this returned well.
    pub(crate) async fn at_the_door(
        &self,
        who: Who<'_>,
        method: &'static str,
        how: &str,
        decision: Decision,
    ) -> Result<(), ApiError> {
        let (actor, role) = match who {
            Who::Caller(caller) => (caller.actor.clone(), caller.role.name()),
            Who::Account(name) => (format!("{USER_ACTOR}{name}"), ""),
            Who::Unknown => (UNKNOWN_ACTOR.to_owned(), ""),
        };
        let entry = Entry { actor: &actor, role, method, employees: &[], purpose: how, model_version: "", decision };
        self.append(entry).await
    }

    /// Writes to the audit log what the server is about to do by itself. Nothing may be done before this returned well.
    pub(crate) async fn by_itself(&self, method: &'static str, what: &str) -> Result<(), ApiError> {
        let entry = Entry {
            actor: SERVER_ACTOR,
            role: "",
            method,
            employees: &[],
            purpose: what,
            model_version: "",
            decision: Decision::Allowed,
        };
        self.append(entry).await
    }

    /// What of an answer somebody may see.
    pub(crate) fn fields_of(&self, caller: &Caller) -> FieldRules {
        FieldRules::of(caller, self.managers_see_numbers)
    }

    /// Writes to the audit log that somebody asks about these employees. Nothing may be answered before this returned well.
    pub(crate) async fn record(
        &self,
        passed: &Passed,
        employees: &[&str],
        model_version: &str,
        decision: Decision,
    ) -> Result<(), ApiError> {
        self.append(Entry {
            actor: &passed.caller.actor,
            role: passed.caller.role.name(),
            method: passed.method,
            employees,
            purpose: &passed.purpose,
            model_version,
            decision,
        })
        .await
    }

    /// Writes to the audit log.
    async fn append(&self, entry: Entry<'_>) -> Result<(), ApiError> {
        self.audit.append(entry).await.map_err(|_| ApiError::AuditUnavailable)
    }

    /// What the audit log has about an employee, the oldest first.
    pub(crate) async fn accesses(&self, store: &Store, employee_id: &str) -> Result<Vec<Record>, ApiError> {
        // It cannot be read where it cannot be written.
        self.audit.about(store, employee_id).await.map_err(|_| ApiError::AuditUnavailable)
    }
}
