//! The one table of who may call what. A method that is not in it cannot be called; a test compares it with the API.

use crate::access::caller::Role;

/// Who may call a method, and what the call means.
#[derive(Debug)]
pub(crate) struct Policy {
    /// `package.Service/Method`.
    pub(crate) method: &'static str,
    /// Roles that may call it.
    pub(crate) roles: &'static [Role],
    /// Whether it reads or changes what is held about a person: then it needs a purpose and is written to the audit log.
    pub(crate) about_people: bool,
}

use Role::{Admin, Analyst, Auditor, HrPartner, Hris, Manager};

macro_rules! policies {
    ($package:literal: $($method:literal: $people:ident [$($role:ident),+];)+) => {
        &[$(Policy {
            method: concat!($package, $method),
            roles: &[$($role),+],
            about_people: policies!(@$people),
        }),+]
    };
    (@people) => { true };
    (@groups) => { false };
}

/// The table of the API.
pub(crate) const POLICIES: &[Policy] = policies! { "flightrisk.v1.":
    "ScoringService/ScoreEmployee": people [Hris, HrPartner];
    "ScoringService/BatchScoreEmployees": people [Hris];
    "ScoringService/StreamScores": people [Hris];
    "ScoringService/SimulateChanges": people [HrPartner];
    "ScoringService/FindCounterfactual": people [HrPartner];
    "RiskService/ListAtRiskEmployees": people [Hris, HrPartner, Manager];
    "RiskService/GetEmployeeRisk": people [Hris, HrPartner, Manager];
    "RiskService/ListEmployeeRiskHistory": people [Hris, HrPartner];
    "RiskService/WatchRiskChanges": people [Hris, HrPartner];
    "InsightService/ListHotspots": groups [HrPartner, Analyst, Auditor];
    "InsightService/ListDrivers": groups [HrPartner, Manager, Analyst, Auditor];
    "InsightService/GetTrend": groups [HrPartner, Manager, Analyst, Auditor];
    "ActionService/ListPlaybookEntries": groups [Hris, HrPartner, Manager, Analyst, Auditor, Admin];
    "ActionService/CreateAction": people [HrPartner, Manager];
    "ActionService/GetAction": people [HrPartner, Manager];
    "ActionService/ListActions": people [HrPartner, Manager];
    "ActionService/ListDueActions": people [Hris, HrPartner, Manager];
    "ActionService/UpdateAction": people [HrPartner, Manager];
    "ActionService/CompleteAction": people [HrPartner, Manager];
    "ActionService/ReportExit": people [Hris, HrPartner];
    "ActionService/WithdrawExit": people [Hris, HrPartner];
    "ActionService/CompareActedOn": groups [HrPartner, Analyst, Auditor];
    "ActionService/GetRealizedCalibration": groups [HrPartner, Analyst, Auditor];
    "ModelService/GetModel": groups [Hris, HrPartner, Analyst, Auditor, Admin];
    "ModelService/ListModels": groups [HrPartner, Analyst, Auditor, Admin];
    "ModelService/ActivateModel": groups [Analyst, Admin];
    "ModelService/RollbackModel": groups [Analyst, Admin];
    "PrivacyService/ExportEmployee": people [HrPartner, Admin];
    "PrivacyService/EraseEmployee": people [Admin];
};

/// The table of what only the console does: no path of gRPC leads there.
pub(crate) const CONSOLE_POLICIES: &[Policy] = policies! { "flightrisk.console.":
    "Audit/ListRecords": groups [Auditor, Admin];
    "Audit/Verify": groups [Auditor, Admin];
    "Models/ListActivations": groups [HrPartner, Analyst, Auditor, Admin];
};

/// The policy of a method: of the API, by the path of its request without the leading slash, or of the console.
pub(crate) fn policy(method: &str) -> Option<&'static Policy> {
    POLICIES.iter().chain(CONSOLE_POLICIES).find(|policy| policy.method == method)
}

/// Methods that are open to everybody: who asks decides by them whether to send requests here at all, and they say nothing else.
const OPEN: &[&str] = &["grpc.health.v1.Health/Check", "grpc.health.v1.Health/List", "grpc.health.v1.Health/Watch"];

/// Methods that are open to whoever is let in, in any role: they describe the API.
const DESCRIPTIVE: &[&str] = &[
    "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// Who may call a method.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    /// Everybody, let in or not.
    Everybody,
    /// Whoever is let in.
    AnyCaller(&'static str),
    /// The roles of a policy.
    Roles(&'static Policy),
}

/// Who may call the method of a request's path; `None` for methods that do not exist.
pub(crate) fn rule(path: &str) -> Option<Rule> {
    let method = path.strip_prefix('/')?;
    if let Some(policy) = POLICIES.iter().find(|policy| policy.method == method) {
        return Some(Rule::Roles(policy));
    }
    if OPEN.contains(&method) {
        return Some(Rule::Everybody);
    }
    DESCRIPTIVE.iter().find(|known| **known == method).map(|known| Rule::AnyCaller(known))
}

impl Rule {
    /// Whether somebody who was let in may call it in this role.
    pub(crate) fn permits(self, role: Role) -> bool {
        match self {
            Self::Everybody | Self::AnyCaller(_) => true,
            Self::Roles(policy) => policy.roles.contains(&role),
        }
    }

    /// Whether it is that of a method of this service, `package.Service`.
    pub(crate) fn is_of(self, service: &str) -> bool {
        self.method().strip_prefix(service).is_some_and(|rest| rest.starts_with('/'))
    }

    /// `package.Service/Method`, for logs.
    pub(crate) fn method(self) -> &'static str {
        match self {
            Self::Everybody => "health",
            Self::AnyCaller(method) => method,
            Self::Roles(policy) => policy.method,
        }
    }
}
