//! A believable company out of a seed, with a known reason for every resignation.
//!
//! Real HR records cannot be shared, and on them nobody knows the truth. Here both are there: tables like those of an HR
//! system, and the hazard from which each voluntary exit was drawn. The hazard reads the very features that a model is
//! trained on ([`flight_risk_scoring::features::compute`]), so a model can be held against the truth.
//!
//! ```text
//! founding > month: features > hazard > decisions > successions > hires > ... > tables, truth.json
//! ```

mod behaviour;
mod calendar;
mod career;
mod founding;
mod organisation;
mod person;
mod positions;
mod random;
mod readme;
mod simulation;
mod tables;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at the first surprise")]
mod tests;
mod truth;

use std::path::PathBuf;

use flight_risk_scoring::history::{
    Assignment, Exit, ExitKind, FeedbackEvent, FeedbackKind, HistoryFacts, SurveyResponse,
};
use flight_risk_scoring::survey::KNOWN_DRIVERS;
use flight_risk_scoring::{Day, EmployeeHistory, EmployeeId};
use serde::{Deserialize, Serialize};

pub use tables::write;
pub use truth::{BLACKOUT_DAYS, PERIOD_MONTHS, TRUTH_FILE, Truth, YearlyExits};

use simulation::walk;
use truth::{Hazard, NOTE, auc, calibrated_intercept};

/// The smallest company with managers of managers.
pub const MIN_EMPLOYEES: u32 = 20;
/// The largest company that can be generated.
pub const MAX_EMPLOYEES: u32 = 100_000;
/// The longest window of exits.
pub const MAX_YEARS: u32 = 20;
/// Employees times years: all tables are held in memory, about 25 kB for each.
pub const MAX_EMPLOYEE_YEARS: u32 = 500_000;

/// Lowest and highest score of a survey answer.
pub const SURVEY_SCALE: (u8, u8) = (1, 5);

/// Share of employees who resign in a year.
const VOLUNTARY_RATE: f64 = 0.12;
/// The intercept of the companies on which it is calibrated: near the result, so that they lose about as many people.
const FIRST_INTERCEPT: f64 = 0.7;
/// Number of employees of the companies on which the intercept is calibrated.
const PILOT_EMPLOYEES: (u32, u32) = (300, 800);

/// What company to make. The same options make the same company, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratorOptions {
    /// Number of employees at the end, about; the company grows by 4 % a year until then.
    pub employees: u32,
    /// Years of exits before the end.
    pub years: u32,
    /// Where all randomness comes from.
    pub seed: u64,
    /// The last day on record.
    pub end: Day,
}

impl GeneratorOptions {
    /// A company of this size whose records end with the year 2025.
    pub fn new(employees: u32, years: u32, seed: u64) -> Self {
        #[allow(clippy::expect_used, reason = "a constant day of the calendar")]
        let end = Day::from_ymd(2025, 12, 31).expect("a day of the calendar");
        Self { employees, years, seed, end }
    }

    fn check(&self) -> Result<(), GeneratorError> {
        let refuse =
            |option: &'static str, value: String, limit: String| Err(GeneratorError::Option { option, value, limit });
        if !(MIN_EMPLOYEES..=MAX_EMPLOYEES).contains(&self.employees) {
            let limit = format!("from {MIN_EMPLOYEES} to {MAX_EMPLOYEES}");
            return refuse("employees", self.employees.to_string(), limit);
        }
        if !(1..=MAX_YEARS).contains(&self.years) {
            return refuse("years", self.years.to_string(), format!("from 1 to {MAX_YEARS}"));
        }
        if self.employees * self.years > MAX_EMPLOYEE_YEARS {
            let value = format!("{} x {}", self.employees, self.years);
            return refuse("employees x years", value, format!("at most {MAX_EMPLOYEE_YEARS}"));
        }
        if !(1970..=2100).contains(&self.end.year()) {
            return refuse("end", self.end.to_string(), "between the years 1970 and 2100".to_owned());
        }
        Ok(())
    }
}

/// Why no company was made or written.
#[derive(Debug, thiserror::Error)]
pub enum GeneratorError {
    /// An option outside its limits.
    #[error("cannot generate a company with {option} = {value}; choose a value {limit}")]
    Option {
        /// Which option.
        option: &'static str,
        /// What was asked for.
        value: String,
        /// What is possible.
        limit: String,
    },
    /// Nobody is left: the options are at the edge of what makes a company.
    #[error("the generated company has no employees; choose more employees")]
    Empty,
    /// A table could not be written.
    #[error(transparent)]
    Table(#[from] crate::export::ExportError),
    /// A file beside the tables could not be written.
    #[error(transparent)]
    File(#[from] crate::atomic::AtomicError),
    /// `truth.json` could not be read.
    #[error("cannot read {path}: {source}; name the truth.json of a generated company", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// `truth.json` is not what the generator writes.
    #[error("{path} is not the truth.json of a generated company: {source}", path = path.display())]
    Truth {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        source: serde_json::Error,
    },
}

/// One invitation to a survey and the answers to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SurveyWave {
    /// The day of the answers, or of the invitation where there are none.
    pub date: Day,
    /// The survey's name.
    pub survey: &'static str,
    /// One answer to each of [`KNOWN_DRIVERS`] on the [`SURVEY_SCALE`]; `None`: not answered.
    pub answers: Option<[u8; KNOWN_DRIVERS.len()]>,
}

/// One event of the feedback table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contact {
    /// The day it took place.
    pub date: Day,
    /// What it was, as in the table.
    pub kind: &'static str,
    /// The rating of a performance review.
    pub rating: Option<f64>,
    /// The number (position among the employees) of the other person, where it is on record.
    pub counterpart: Option<usize>,
}

/// Everything on record about one generated person.
#[derive(Clone, Debug, PartialEq)]
pub struct GeneratedEmployee {
    /// An identifier; nobody has a name.
    pub employee_id: EmployeeId,
    /// First day of employment.
    pub hire_date: Day,
    /// The end of the employment, where it lies within the records.
    pub exit: Option<Exit>,
    /// For audits, never a feature.
    pub gender: &'static str,
    /// In whole years on the last day on record; for audits, never a feature.
    pub age: u32,
    /// Position, pay and manager, ascending.
    pub assignments: Vec<Assignment>,
    /// Surveys, in the order of their opening.
    pub surveys: Vec<SurveyWave>,
    /// Contacts and feedback, ascending.
    pub feedback: Vec<Contact>,
}

impl GeneratedEmployee {
    /// The band of the age on the last day on record.
    pub fn age_band(&self) -> &'static str {
        match self.age {
            0..=29 => "under 30",
            30..=39 => "30-39",
            40..=49 => "40-49",
            50..=59 => "50-59",
            _ => "60 and over",
        }
    }

    /// The facts as the tables hold them.
    pub fn facts(&self) -> HistoryFacts {
        let (low, high) = (f64::from(SURVEY_SCALE.0), f64::from(SURVEY_SCALE.1));
        let responses = |wave: &SurveyWave| {
            let wave = *wave;
            KNOWN_DRIVERS.iter().enumerate().map(move |(i, &driver)| SurveyResponse {
                date: wave.date,
                survey: wave.survey.to_owned(),
                driver: driver.to_owned(),
                score: wave
                    .answers
                    .and_then(|answers| answers.get(i).copied())
                    .map(|answer| (f64::from(answer) - low) / (high - low)),
            })
        };
        HistoryFacts {
            employee_id: self.employee_id.clone(),
            hire_date: self.hire_date,
            exit: self.exit,
            observed_until: None,
            assignments: self.assignments.clone(),
            survey_responses: self.surveys.iter().flat_map(responses).collect(),
            feedback: self
                .feedback
                .iter()
                .map(|c| FeedbackEvent { date: c.date, kind: FeedbackKind::parse(c.kind), rating: c.rating })
                .collect(),
        }
    }
}

/// One decision of one person to stay or to leave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PersonMonth {
    /// The day on which the features were computed.
    pub as_of: Day,
    /// The position of the person among the employees.
    pub employee: usize,
    /// The true log-odds of leaving.
    pub log_odds: f64,
    /// The day of the exit, where the person decided to leave.
    pub leaves_on: Option<Day>,
}

/// A company and the truth about it.
#[derive(Clone, Debug, PartialEq)]
pub struct GeneratedCompany {
    /// Everybody who ever worked there since the first exits, by identifier.
    pub employees: Vec<GeneratedEmployee>,
    /// What the voluntary exits were drawn from.
    pub truth: Truth,
    /// Every decision, by day and person.
    pub months: Vec<PersonMonth>,
}

impl GeneratedCompany {
    /// The histories, as reading the written tables gives them.
    pub fn histories(&self) -> Vec<EmployeeHistory> {
        self.employees.iter().map(|employee| EmployeeHistory::new(employee.facts())).collect()
    }
}

/// Makes a company.
///
/// # Errors
/// When an option is outside its limits.
pub fn generate(options: &GeneratorOptions) -> Result<GeneratedCompany, GeneratorError> {
    options.check()?;
    let hazard = Hazard::new(pilot_intercept(options)?);
    let walked = walk(options, &hazard)?;
    let employees = walked.employees();
    let months = walked.months;
    let truth = Truth {
        options: options.clone(),
        period_months: PERIOD_MONTHS,
        blackout_days: BLACKOUT_DAYS,
        note: NOTE.to_owned(),
        intercept: hazard.intercept,
        coefficients: Hazard::coefficients(),
        years: yearly_exits(options, &employees),
        person_months: months.len(),
        decisions_to_leave: months.iter().filter(|m| m.leaves_on.is_some()).count(),
        auc: auc(&months),
    };
    Ok(GeneratedCompany { employees, truth, months })
}

/// The intercept that gives the usual rate of resignations, found on a company of the same kind and moderate size.
fn pilot_intercept(options: &GeneratorOptions) -> Result<f64, GeneratorError> {
    let (fewest, most) = PILOT_EMPLOYEES;
    let pilot = GeneratorOptions { employees: options.employees.clamp(fewest, most), ..options.clone() };
    let walked = walk(&pilot, &Hazard::new(FIRST_INTERCEPT))?;
    Ok(calibrated_intercept(&walked.months, FIRST_INTERCEPT, VOLUNTARY_RATE / 12.0))
}

fn yearly_exits(options: &GeneratorOptions, employees: &[GeneratedEmployee]) -> Vec<YearlyExits> {
    let of_year = |years_back: i32| {
        let (from, until) =
            (options.end.plus_months(-12 * (years_back + 1)), options.end.plus_months(-12 * years_back));
        let there = |day: Day| {
            employees.iter().filter(|e| e.hire_date <= day && e.exit.is_none_or(|exit| exit.date > day)).count() as f64
        };
        let headcount = (0..12).map(|month| there(from.plus_months(month))).sum::<f64>() / 12.0;
        let exits = |voluntary: bool| {
            let counts =
                |exit: Exit| exit.date > from && exit.date <= until && (exit.kind == ExitKind::Voluntary) == voluntary;
            employees.iter().filter_map(|e| e.exit).filter(|&exit| counts(exit)).count() as f64
        };
        YearlyExits { until, headcount, voluntary_rate: exits(true) / headcount, other_rate: exits(false) / headcount }
    };
    (0..options.years as i32).rev().map(of_year).collect()
}
