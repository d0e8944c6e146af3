//! What the calls of the audit log are, in plain words.

use crate::console::methods;
use crate::operator::methods::{
    CHANGE_USER, CREATE_KEY, CREATE_LINK, CREATE_USER, DELETE_USER, DISABLE_USER, ENABLE_USER, REVOKE_KEY, SET_PASSWORD,
};
use crate::upkeep::DELETE_EXPIRED;

/// The calls, with what somebody did by each.
pub(crate) const CALLS: [(&str, &str); 46] = [
    ("flightrisk.v1.RiskService/ListAtRiskEmployees", "Opened the at-risk list"),
    ("flightrisk.v1.RiskService/GetEmployeeRisk", "Opened a person"),
    ("flightrisk.v1.RiskService/ListEmployeeRiskHistory", "Looked at a person’s history"),
    ("flightrisk.v1.RiskService/WatchRiskChanges", "Followed changes of risk"),
    ("flightrisk.v1.ScoringService/ScoreEmployee", "Scored a person"),
    ("flightrisk.v1.ScoringService/BatchScoreEmployees", "Scored many people"),
    ("flightrisk.v1.ScoringService/StreamScores", "Scored people in a stream"),
    ("flightrisk.v1.ScoringService/SimulateChanges", "Tried what would change a risk"),
    ("flightrisk.v1.ScoringService/FindCounterfactual", "Asked for the smallest change that helps"),
    ("flightrisk.v1.InsightService/ListHotspots", "Looked at hot spots"),
    ("flightrisk.v1.InsightService/ListDrivers", "Looked at drivers"),
    ("flightrisk.v1.InsightService/GetTrend", "Looked at the trend"),
    ("flightrisk.v1.ActionService/ListPlaybookEntries", "Read the playbook"),
    ("flightrisk.v1.ActionService/CreateAction", "Started an action"),
    ("flightrisk.v1.ActionService/GetAction", "Opened an action"),
    ("flightrisk.v1.ActionService/ListActions", "Looked at actions"),
    ("flightrisk.v1.ActionService/ListDueActions", "Looked at actions that are due"),
    ("flightrisk.v1.ActionService/UpdateAction", "Changed an action"),
    ("flightrisk.v1.ActionService/CompleteAction", "Closed an action"),
    ("flightrisk.v1.ActionService/ReportExit", "Recorded an exit"),
    ("flightrisk.v1.ActionService/WithdrawExit", "Took an exit back"),
    ("flightrisk.v1.ActionService/CompareActedOn", "Compared those acted on with the others"),
    ("flightrisk.v1.ActionService/GetRealizedCalibration", "Compared scores with what happened"),
    ("flightrisk.v1.ModelService/GetModel", "Read about a model"),
    ("flightrisk.v1.ModelService/ListModels", "Listed the models"),
    ("flightrisk.v1.ModelService/ActivateModel", "Activated a model"),
    ("flightrisk.v1.ModelService/RollbackModel", "Went back to the model before"),
    ("flightrisk.v1.PrivacyService/ExportEmployee", "Exported what is held about a person"),
    ("flightrisk.v1.PrivacyService/EraseEmployee", "Erased a person"),
    ("flightrisk.console.Audit/ListRecords", "Read the audit log"),
    ("flightrisk.console.Audit/Verify", "Verified the audit log"),
    ("flightrisk.console.Models/ListActivations", "Read who activated which model"),
    (methods::SIGN_IN, "Signed in"),
    (methods::SIGN_OUT, "Signed out"),
    (CREATE_USER, "Made an account"),
    (CHANGE_USER, "Changed the role of an account"),
    (DELETE_USER, "Deleted an account"),
    (DISABLE_USER, "Disabled an account"),
    (ENABLE_USER, "Enabled an account"),
    (SET_PASSWORD, "Gave an account another password"),
    (CREATE_LINK, "Made a sign-in link"),
    (CREATE_KEY, "Made an API key"),
    (REVOKE_KEY, "Revoked an API key"),
    (DELETE_EXPIRED, "Deleted what is too old"),
    ("grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "Asked what the API offers"),
    ("grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "Asked what the API offers"),
];

/// What somebody did by a call; the last part of its name where it is not known here.
pub(crate) fn said(method: &str) -> &str {
    let known = CALLS.iter().find(|(name, _)| *name == method).map(|(_, words)| *words);
    known.unwrap_or_else(|| method.rsplit('/').next().unwrap_or(method))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::policy::{CONSOLE_POLICIES, POLICIES};

    #[test]
    fn every_call_has_its_words() {
        for policy in POLICIES.iter().chain(CONSOLE_POLICIES) {
            assert!(CALLS.iter().any(|(name, _)| *name == policy.method), "{} has no words", policy.method);
        }
        assert_eq!(said("flightrisk.v1.ScoringService/Unheard"), "Unheard");
    }
}
