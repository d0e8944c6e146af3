//! The analyst's configuration: every key has a default, unknown keys are errors, and checking changes the type.

use flight_risk_scoring::Day;
use serde::{Deserialize, Serialize};

/// How much structure an additive model may have; penalties shrink each part of it as far as the data ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Complexity {
    /// Straight lines, unless the better of the other two predicts held-out rows better by more than a standard error; with very
    /// many exits the last.
    #[default]
    Auto,
    /// Straight lines and levels: a penalised logistic regression.
    Lines,
    /// Curves where there is evidence for one.
    Curves,
    /// Every number a curve, as far as its penalty lets it bend.
    Full,
}

/// What can be configured, as written in TOML. Every key may be left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingConfig {
    /// Seed of every random choice.
    pub seed: u64,
    /// Length of an employee-period in months (native tables).
    pub period_months: u32,
    /// Days before an exit whose facts are not used (native tables).
    pub blackout_days: u32,
    /// Horizons in months, ascending multiples of the period (native tables).
    pub horizons_months: Vec<u32>,
    /// The horizon of the headline risk, one of the horizons (native tables).
    pub risk_horizon_months: u32,
    /// First day on which exits were recorded; left out: the first exit on record (native tables).
    pub observed_from: Option<Day>,
    /// Last day on which the records are complete; left out: the latest date of any record (native tables).
    pub data_end: Option<Day>,
    /// Columns of the employees table that are protected: never features.
    pub protected: Vec<String>,
    /// Share of the voluntary exits, the latest ones, that judge the model when the data has time.
    pub test_share: f64,
    /// Folds of cross-validation.
    pub folds: u32,
    /// Fewest rows of a level that gets a column of its own.
    pub min_level_rows: u32,
    /// How much structure the additive part may have.
    pub complexity: Complexity,
    /// Whether effects of two features together are looked for.
    pub pairs: bool,
    /// Whether rules of up to six conditions are tried beside the additive part.
    pub rules: bool,
    /// Length of the list of the riskiest on which lift is reported, in rows.
    pub list_lengths: Vec<u32>,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            period_months: 1,
            blackout_days: 30,
            horizons_months: vec![3, 6, 12],
            risk_horizon_months: 12,
            observed_from: None,
            data_end: None,
            protected: Vec::new(),
            test_share: 0.25,
            folds: 5,
            min_level_rows: 5,
            complexity: Complexity::Auto,
            pairs: true,
            rules: true,
            list_lengths: vec![20, 50, 100],
        }
    }
}

/// Most folds of cross-validation.
const MAX_FOLDS: u32 = 20;

/// A problem of the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not TOML, or unknown keys.
    #[error("{0}")]
    Form(String),
    /// Values out of their ranges, all of them.
    #[error("{}", .0.join("; "))]
    Values(Vec<String>),
}

/// A checked configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingPlan(TrainingConfig);

impl TrainingConfig {
    /// Reads TOML.
    ///
    /// # Errors
    /// Text that is not TOML, unknown keys, values of the wrong type.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| ConfigError::Form(error.to_string()))
    }

    /// Checks every value.
    ///
    /// # Errors
    /// All values out of their ranges at once.
    pub fn check(self) -> Result<TrainingPlan, ConfigError> {
        let mut problems = Vec::new();
        let mut require = |holds: bool, problem: String| {
            if !holds {
                problems.push(problem);
            }
        };
        let period = self.period_months;
        require((1..=12).contains(&period), format!("period_months = {period}: must be 1 to 12"));
        require(self.blackout_days <= 366, format!("blackout_days = {}: must be 0 to 366", self.blackout_days));
        let whole = |months: &u32| (1..=60).contains(months) && (period == 0 || months.is_multiple_of(period));
        require(
            !self.horizons_months.is_empty()
                && self.horizons_months.iter().all(whole)
                && self.horizons_months.is_sorted_by(|a, b| a < b),
            format!(
                "horizons_months = {:?}: must be ascending multiples of period_months up to 60",
                self.horizons_months
            ),
        );
        require(
            self.horizons_months.contains(&self.risk_horizon_months),
            format!("risk_horizon_months = {}: must be one of horizons_months", self.risk_horizon_months),
        );
        require(
            (0.05..=0.5).contains(&self.test_share),
            format!("test_share = {}: must be 0.05 to 0.5", self.test_share),
        );
        require((2..=MAX_FOLDS).contains(&self.folds), format!("folds = {}: must be 2 to {MAX_FOLDS}", self.folds));
        require(self.min_level_rows > 0, "min_level_rows = 0: must be at least 1".to_owned());
        require(!self.list_lengths.contains(&0), "list_lengths: must be positive".to_owned());
        if problems.is_empty() { Ok(TrainingPlan(self)) } else { Err(ConfigError::Values(problems)) }
    }
}

impl TrainingPlan {
    /// The plan with a complexity and rules that earlier data have chosen among.
    #[must_use]
    pub(crate) fn settled(&self, complexity: Complexity, rules: bool) -> Self {
        Self(TrainingConfig { complexity, rules: self.rules && rules, ..self.0.clone() })
    }
}

impl std::ops::Deref for TrainingPlan {
    type Target = TrainingConfig;

    fn deref(&self) -> &TrainingConfig {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_hold_and_the_empty_file_means_the_defaults() {
        assert!(TrainingConfig::default().check().is_ok());
        assert_eq!(TrainingConfig::from_toml("").ok(), Some(TrainingConfig::default()));
    }

    #[test]
    fn every_problem_is_said_at_once() {
        let text = "period_months = 0\nhorizons_months = [6, 3]\ntest_share = 0.9\nfolds = 1";
        let problems = TrainingConfig::from_toml(text).and_then(TrainingConfig::check).map_err(|e| e.to_string());
        for key in ["period_months", "horizons_months", "risk_horizon_months", "test_share", "folds"] {
            assert!(problems.as_ref().is_err_and(|p| p.contains(key)), "{key} in {problems:?}");
        }
        let unknown = TrainingConfig::from_toml("sead = 3").map_err(|e| e.to_string());
        assert!(
            unknown.is_err_and(|e| e.contains("sead") && e.contains("seed")),
            "an unknown key is named with the known ones"
        );
    }
}
