//! Where an employee stands in the organisation: from requests.

use flight_risk_proto::v1;

use crate::grpc::violations::Violations;
use crate::store::OrgFacts;

/// Longest time with a company, in years.
const MAX_TENURE_YEARS: f64 = 100.0;

/// Converts what a request says; blank texts say nothing. `path` is the name of the field.
pub(crate) fn facts(org: v1::OrgFacts, path: &str, problems: &mut Violations) -> OrgFacts {
    let mut text = |field: &str, text: Option<String>| -> Option<String> {
        let text = text?;
        problems.text(|| format!("{path}.{field}"), &text);
        let trimmed = text.trim();
        (!trimmed.is_empty()).then(|| trimmed.to_owned())
    };
    let department = text("department", org.department);
    let location = text("location", org.location);
    let manager_id = text("manager_id", org.manager_id);
    let job_level = text("job_level", org.job_level);
    let display_name = text("display_name", org.display_name);
    let years = |years| problems.number(|| format!("{path}.tenure_years"), years, 0.0, MAX_TENURE_YEARS);
    let tenure_years = org.tenure_years.and_then(years);
    let critical_role = org.critical_role;
    OrgFacts { department, location, manager_id, job_level, critical_role, tenure_years, display_name }
}
