//! Where an employee stands in the organisation.

use flight_risk_scoring::{Day, EmployeeHistory};

use crate::access::scope::Place;

/// Days of a mean year.
const DAYS_PER_YEAR: f64 = 365.25;

/// Where an employee stands in the organisation, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OrgFacts {
    /// Organisational unit.
    pub department: Option<String>,
    /// Place of work.
    pub location: Option<String>,
    /// Who the employee reports to.
    pub manager_id: Option<String>,
    /// Seniority.
    pub job_level: Option<String>,
    /// Whether losing the holder of this position would hurt most.
    pub critical_role: Option<bool>,
    /// Years with the company.
    pub tenure_years: Option<f64>,
    /// The employee's name, for people who read lists.
    pub display_name: Option<String>,
}

/// A name as it is searched for: upper and lower case are the same.
pub(crate) fn folded(name: &str) -> String {
    name.to_lowercase()
}

impl OrgFacts {
    /// What scopes speak of.
    pub(crate) fn place(&self) -> Place<'_> {
        Place {
            department: self.department.as_deref(),
            location: self.location.as_deref(),
            manager_id: self.manager_id.as_deref(),
        }
    }

    /// Whether the name is known, and nothing else.
    pub(crate) fn is_only_a_name(&self) -> bool {
        self.display_name.is_some() && *self == Self { display_name: self.display_name.clone(), ..Self::default() }
    }

    /// What a history says of a day. The level is the number that models use, so that all ways of bringing a history agree.
    pub fn on(history: &EmployeeHistory, day: Day) -> Self {
        let days = f64::from(day.epoch_days()) - f64::from(history.hire_date().epoch_days());
        let tenure_years = (days >= 0.0).then_some(days / DAYS_PER_YEAR);
        let Some(assignment) = history.assignment_on(day) else { return Self { tenure_years, ..Self::default() } };
        Self {
            department: assignment.department.clone(),
            location: assignment.location.clone(),
            manager_id: assignment.manager_id.as_ref().map(|id| id.as_str().to_owned()),
            job_level: assignment.job_level.map(|level| level.to_string()),
            critical_role: assignment.critical_role,
            tenure_years,
            display_name: None,
        }
    }
}
