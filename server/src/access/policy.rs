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
    ($($method:literal: $people:ident [$($role:ident),+];)+) => {
        /// The table.
        pub(crate) const POLICIES: &[Policy] = &[$(Policy {
            method: concat!("flightrisk.v1.", $method),
            roles: &[$($role),+],
            about_people: policies!(@$people),
        }),+];
    };
    (@people) => { true };
    (@groups) => { false };
}

policies! {
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
    "ActionService/CompareActedOn": groups [HrPartner, Analyst, Auditor];
    "ActionService/GetRealizedCalibration": groups [HrPartner, Analyst, Auditor];
    "ModelService/GetModel": groups [Hris, HrPartner, Analyst, Auditor, Admin];
    "ModelService/ListModels": groups [HrPartner, Analyst, Auditor, Admin];
    "ModelService/ActivateModel": groups [Analyst, Admin];
    "ModelService/RollbackModel": groups [Analyst, Admin];
    "PrivacyService/ExportEmployee": people [HrPartner, Admin];
    "PrivacyService/EraseEmployee": people [Admin];
}

/// The policy of a method, by the path of its request without the leading slash.
pub(crate) fn policy(method: &str) -> Option<&'static Policy> {
    POLICIES.iter().find(|policy| policy.method == method)
}
