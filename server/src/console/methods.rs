//! The methods by which pages ask whether somebody may do something: a name that is mistyped would be one that nobody may call.

macro_rules! methods {
    ($($constant:ident = $name:literal;)+) => {
        $(
            #[doc = concat!("`", $name, "`.")]
            pub(crate) const $constant: &str = $name;
        )+

        /// All of them.
        #[cfg(test)]
        const ALL: &[&str] = &[$($constant),+];
    };
}

methods! {
    LIST_AT_RISK_EMPLOYEES = "flightrisk.v1.RiskService/ListAtRiskEmployees";
    LIST_EMPLOYEE_RISK_HISTORY = "flightrisk.v1.RiskService/ListEmployeeRiskHistory";
    SIMULATE_CHANGES = "flightrisk.v1.ScoringService/SimulateChanges";
    FIND_COUNTERFACTUAL = "flightrisk.v1.ScoringService/FindCounterfactual";
    LIST_HOTSPOTS = "flightrisk.v1.InsightService/ListHotspots";
    LIST_DRIVERS = "flightrisk.v1.InsightService/ListDrivers";
    CREATE_ACTION = "flightrisk.v1.ActionService/CreateAction";
    LIST_ACTIONS = "flightrisk.v1.ActionService/ListActions";
    REPORT_EXIT = "flightrisk.v1.ActionService/ReportExit";
    WITHDRAW_EXIT = "flightrisk.v1.ActionService/WithdrawExit";
    COMPARE_ACTED_ON = "flightrisk.v1.ActionService/CompareActedOn";
    GET_REALIZED_CALIBRATION = "flightrisk.v1.ActionService/GetRealizedCalibration";
    GET_MODEL = "flightrisk.v1.ModelService/GetModel";
    LIST_MODELS = "flightrisk.v1.ModelService/ListModels";
    ACTIVATE_MODEL = "flightrisk.v1.ModelService/ActivateModel";
    ROLLBACK_MODEL = "flightrisk.v1.ModelService/RollbackModel";
    EXPORT_EMPLOYEE = "flightrisk.v1.PrivacyService/ExportEmployee";
    ERASE_EMPLOYEE = "flightrisk.v1.PrivacyService/EraseEmployee";
    LIST_ACTIVATIONS = "flightrisk.console.Models/ListActivations";
    LIST_RECORDS = "flightrisk.console.Audit/ListRecords";
    VERIFY = "flightrisk.console.Audit/Verify";
}

/// Somebody signs in: whoever does is nobody yet to whom a rule could apply.
pub(crate) const SIGN_IN: &str = "flightrisk.console.Session/SignIn";
/// Somebody signs out, as everybody may.
pub(crate) const SIGN_OUT: &str = "flightrisk.console.Session/SignOut";

#[cfg(test)]
mod tests {
    use super::ALL;
    use crate::access::policy::policy;

    #[test]
    fn every_method_is_in_the_table_of_who_may_call_what() {
        for method in ALL {
            assert!(policy(method).is_some_and(|policy| !policy.roles.is_empty()), "nobody may call {method}");
        }
    }
}
