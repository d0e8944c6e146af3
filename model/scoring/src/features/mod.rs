//! The features of the native tables: each a pure function of one employee's history, the team facts and a day.
//!
//! One family per file; a family is a list of [`FeatureSpec`]s and one function that computes their values in that order.
//! Training and serving call [`compute`]; there is no second implementation. Unknown values are NaN in the dense row.

pub mod engagement;
pub mod feedback;
pub mod manager_team;
pub mod pay;
pub mod role;
pub mod tenure;

use serde::{Deserialize, Serialize};

use crate::company::TeamContext;
use crate::date::Day;
use crate::history::{Coverage, EmployeeHistory};

/// What a feature is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Time with the company.
    Tenure,
    /// Position and career.
    Role,
    /// Pay and its growth.
    Pay,
    /// Survey answers and response behaviour.
    Engagement,
    /// One-on-ones, recognition, feedback and reviews.
    Feedback,
    /// The manager and the people around.
    ManagerAndTeam,
    /// A column of a flat table.
    Other,
}

impl Family {
    /// The name for readers.
    pub fn label(self) -> &'static str {
        match self {
            Self::Tenure => "Tenure",
            Self::Role => "Role",
            Self::Pay => "Pay",
            Self::Engagement => "Engagement",
            Self::Feedback => "Feedback",
            Self::ManagerAndTeam => "Manager and team",
            Self::Other => "Other",
        }
    }
}

/// The unit of a numeric feature; decides how a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Years.
    Years,
    /// Months (of 30.4 days).
    Months,
    /// Days.
    Days,
    /// A number of things.
    Count,
    /// Percent or percentage points.
    Percent,
    /// A share or score from 0 to 1, shown in whole percent.
    Share,
    /// A ratio around 1.
    Ratio,
    /// Yes (1) or no (0).
    Flag,
    /// Any other number.
    Number,
}

/// The direction in which more of a feature plausibly moves the risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlausibleDirection {
    /// More of it raises the risk.
    Raises,
    /// More of it lowers the risk.
    Lowers,
    /// Either, or not monotone.
    Either,
}

/// The registry entry of a feature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FeatureSpec {
    /// Name with unit; the column in exports and the key in requests.
    pub name: &'static str,
    /// Plain label.
    pub label: &'static str,
    /// What it is about.
    pub family: Family,
    /// Unit of the value.
    pub unit: Unit,
    /// Direction that is plausible.
    pub direction: PlausibleDirection,
    /// Whether HR or the manager can act on it.
    pub actionable: bool,
    /// Whether it comes from confidential survey answers.
    pub confidential: bool,
    /// Whether it moves forward by itself as time passes.
    pub clock: bool,
    /// A sentence about the value with `{value}` where the value goes; for a flag, the sentence when it is set.
    pub phrase: &'static str,
    /// For a flag, the sentence when it is not set; otherwise the sentence when the value is unknown.
    pub otherwise: &'static str,
    /// How it is computed, for the data dictionary.
    pub definition: &'static str,
}

/// What a family's entries start from.
pub(crate) const BLANK: FeatureSpec = FeatureSpec {
    name: "",
    label: "",
    family: Family::Other,
    unit: Unit::Number,
    direction: PlausibleDirection::Either,
    actionable: false,
    confidential: false,
    clock: false,
    phrase: "",
    otherwise: "",
    definition: "",
};

/// Everything that a feature may look at.
#[derive(Clone, Copy, Debug)]
pub struct FeatureInput<'a> {
    /// The person.
    pub history: &'a EmployeeHistory,
    /// The people around.
    pub team: &'a TeamContext,
    /// Since when each kind of record has been kept.
    pub coverage: &'a Coverage,
    /// The day on which the features are known: nothing later may change them.
    pub as_of: Day,
}

impl FeatureInput<'_> {
    /// Whether records kept since `since` cover the `window` days up to `as_of`.
    pub(crate) fn covers(&self, since: Option<Day>, window: i32) -> bool {
        since.is_some_and(|since| since <= self.as_of.plus_days(-window).max(self.history.hire_date()))
    }

    /// Days since an earlier day, 0 when it is later.
    pub(crate) fn days_since(&self, day: Day) -> f64 {
        f64::from(self.as_of.days_since(day).max(0))
    }

    /// Months since an earlier day.
    pub(crate) fn months_since(&self, day: Day) -> f64 {
        self.days_since(day) / crate::date::DAYS_PER_MONTH
    }
}

/// NaN where there is no value: the dense form of an unknown value.
pub(crate) fn known(value: Option<f64>) -> f64 {
    value.unwrap_or(f64::NAN)
}

/// 1 or 0.
pub(crate) fn flag(value: bool) -> f64 {
    f64::from(u8::from(value))
}

/// Number of features of the native tables.
pub const FEATURE_COUNT: usize = tenure::SPECS.len()
    + role::SPECS.len()
    + pay::SPECS.len()
    + engagement::SPECS.len()
    + feedback::SPECS.len()
    + manager_team::SPECS.len();

/// The values of all features in the order of [`registry`]; NaN where unknown.
pub type FeatureValues = [f64; FEATURE_COUNT];

/// All registry entries, family by family.
pub fn registry() -> impl Iterator<Item = &'static FeatureSpec> {
    [tenure::SPECS, role::SPECS, pay::SPECS, engagement::SPECS, feedback::SPECS, manager_team::SPECS]
        .into_iter()
        .flatten()
}

/// The position of a feature in [`registry`] and in [`FeatureValues`].
pub fn position(name: &str) -> Option<usize> {
    registry().position(|spec| spec.name == name)
}

/// Computes every feature of one employee on one day.
pub fn compute(input: &FeatureInput<'_>) -> FeatureValues {
    let mut values = [f64::NAN; FEATURE_COUNT];
    let (tenure, rest) = values.split_at_mut(tenure::SPECS.len());
    let (role, rest) = rest.split_at_mut(role::SPECS.len());
    let (pay, rest) = rest.split_at_mut(pay::SPECS.len());
    let (engagement, rest) = rest.split_at_mut(engagement::SPECS.len());
    let (feedback, manager_team) = rest.split_at_mut(feedback::SPECS.len());
    tenure.copy_from_slice(&tenure::compute(input));
    role.copy_from_slice(&role::compute(input));
    pay.copy_from_slice(&pay::compute(input));
    engagement.copy_from_slice(&engagement::compute(input));
    feedback.copy_from_slice(&feedback::compute(input));
    manager_team.copy_from_slice(&manager_team::compute(input));
    values
}

/// How a feature moves by itself as time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// A function of the tenure, at this position of the tenure family.
    Tenure(usize),
    /// Months since something that does not happen again meanwhile.
    Months,
}

impl Clock {
    /// How the feature of this name moves; `None` when it keeps its value until something happens.
    pub fn of(name: &str) -> Option<Self> {
        registry().find(|spec| spec.name == name && spec.clock)?;
        Some(tenure::SPECS.iter().position(|spec| spec.name == name).map_or(Self::Months, Self::Tenure))
    }

    /// The value after `months` more months (fewer when negative) in which nothing happened. `value` and `tenure_years` are
    /// the values now, NaN where unknown.
    #[inline]
    pub fn advance(self, value: f64, tenure_years: f64, months: i32) -> f64 {
        match self {
            Self::Tenure(_) if tenure_years.is_nan() => value,
            Self::Tenure(position) => tenure::advance(position, tenure_years, months).unwrap_or(value),
            // A clock that is not known stays unknown: NaN.max would turn it into 0.
            Self::Months if value.is_nan() => value,
            Self::Months => (value + f64::from(months)).max(0.0),
        }
    }
}

/// The data dictionary in Markdown: every feature with unit, definition and use.
pub fn data_dictionary() -> String {
    let mut text = String::from(
        "# Data dictionary\n\nGenerated from the feature registry. Every value is known on the day `as_of`: nothing dated later \
         enters it. A value that is not known is left blank (`NaN` in Parquet), never guessed.\n",
    );
    let mut family = None;
    for spec in registry() {
        if family != Some(spec.family) {
            family = Some(spec.family);
            text.push_str(&format!(
                "\n## {}\n\n| feature | label | unit | more of it | HR can act | from confidential answers | moves with time | definition |\n|---|---|---|---|---|---|---|---|\n",
                spec.family.label()
            ));
        }
        let yes = |value: bool| if value { "yes" } else { "" };
        let direction = match spec.direction {
            PlausibleDirection::Raises => "raises risk",
            PlausibleDirection::Lowers => "lowers risk",
            PlausibleDirection::Either => "either",
        };
        text.push_str(&format!(
            "| `{}` | {} | {} | {} | {} | {} | {} | {} |\n",
            spec.name,
            spec.label,
            spec.unit.label(),
            direction,
            yes(spec.actionable),
            yes(spec.confidential),
            yes(spec.clock),
            spec.definition
        ));
    }
    text
}

impl Unit {
    /// The name for readers.
    pub fn label(self) -> &'static str {
        match self {
            Self::Years => "years",
            Self::Months => "months",
            Self::Days => "days",
            Self::Count => "count",
            Self::Percent => "percent",
            Self::Share => "share, 0 to 1",
            Self::Ratio => "ratio",
            Self::Flag => "yes (1) or no (0)",
            Self::Number => "number",
        }
    }
}
