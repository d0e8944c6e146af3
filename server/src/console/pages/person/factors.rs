//! The factors: from typical to this person, what raises and what lowers the risk, and what is not known.

use flight_risk_proto::v1;

use crate::console::charts::{Chart, Markup, Real, Step, Waterfall};
use crate::console::pages::person::joint;
use crate::console::site::Site;
use crate::console::words;

/// Factors that move the risk by less, in log-odds, are not told one by one outside of the fold-out: 2 % of the odds.
const HARDLY: f64 = 0.02;

/// All that is told of the factors.
pub(super) struct Factors {
    pub(super) waterfall: Option<Markup>,
    /// Labels of drivers from confidential answers that raise the risk, and of those that lower it.
    pub(super) confidential: [Vec<String>; 2],
    /// What pairs of facts say beyond each alone, a sentence each.
    pub(super) together: Vec<String>,
    /// Labels of what is not known.
    pub(super) unknown: Vec<String>,
    /// Every factor with its part.
    pub(super) all: Vec<Part>,
    pub(super) reference: String,
    pub(super) remaining: Option<String>,
    pub(super) sum: String,
}

/// A factor with its part in log-odds.
pub(super) struct Part {
    pub(super) label: String,
    pub(super) text: String,
    pub(super) direction: &'static str,
    pub(super) actionable: bool,
    pub(super) log_odds: String,
}

impl Factors {
    /// What is told of the factors of an answer of this model.
    pub(super) fn of(site: &Site, told: &v1::Assessment, model_version: &str) -> Self {
        let open: Vec<&v1::Factor> = told.factors.iter().filter(|factor| !factor.confidential).collect();
        let part = |factor: &v1::Factor| factor.contribution_log_odds.unwrap_or_default();
        Self {
            waterfall: waterfall(told, &open),
            confidential: [v1::FactorDirection::Raises, v1::FactorDirection::Lowers].map(|direction| {
                let named = told.factors.iter().filter(|f| f.confidential && f.direction() == direction);
                named.map(|factor| factor.label.clone()).collect()
            }),
            together: joint::sentences(site, told, model_version),
            unknown: open.iter().filter(|f| f.value.is_none()).map(|f| f.label.clone()).collect(),
            all: open
                .iter()
                .map(|factor| Part {
                    label: factor.label.clone(),
                    text: factor.text.clone(),
                    direction: direction(factor.direction()),
                    actionable: factor.actionable,
                    log_odds: signed(part(factor)),
                })
                .collect(),
            reference: signed(told.reference_log_odds),
            remaining: (told.remaining_contribution_log_odds.abs() > f64::EPSILON)
                .then(|| signed(told.remaining_contribution_log_odds)),
            sum: signed(told.log_odds),
        }
    }
}

fn direction(direction: v1::FactorDirection) -> &'static str {
    match direction {
        v1::FactorDirection::Raises => "raises the risk",
        v1::FactorDirection::Lowers => "lowers the risk",
        v1::FactorDirection::None | v1::FactorDirection::Unspecified => "does not move the risk",
    }
}

fn signed(log_odds: f64) -> String {
    format!("{log_odds:+.2}").replace('-', "\u{2212}")
}

fn waterfall(told: &v1::Assessment, open: &[&v1::Factor]) -> Option<Markup> {
    let steps: Vec<Step> = open
        .iter()
        .filter_map(|factor| {
            let contribution = factor.contribution_log_odds.filter(|part| part.abs() >= HARDLY)?;
            Some(Step {
                label: factor.label.clone(),
                detail: factor.text.clone(),
                contribution: Real::new(contribution)?,
                actionable: factor.actionable,
            })
        })
        .collect();
    let small: f64 = open.iter().filter_map(|f| f.contribution_log_odds).filter(|part| part.abs() < HARDLY).sum();
    let rest = told.remaining_contribution_log_odds;
    let why = match (rest.abs() < HARDLY, small.abs() < HARDLY) {
        (false, true) => Some("answers given in confidence, together"),
        (false, false) => Some("answers given in confidence and what hardly counts, together"),
        (true, false) => Some("what hardly counts, together"),
        (true, true) => None,
    };
    let chart = Waterfall {
        title: "From the usual risk to this person’s".to_owned(),
        from: "The usual here".to_owned(),
        from_value: words::percent(told.base_rate),
        steps,
        rest: why.and_then(|why| Some((why.to_owned(), Real::new(rest + small)?))),
        to: "This person".to_owned(),
        to_value: words::percent(told.risk),
    };
    (!chart.steps.is_empty() || chart.rest.is_some()).then(|| chart.figure())
}
