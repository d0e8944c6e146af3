//! The factors: from typical to this person, what raises and what lowers the risk, and what is not known.

use flight_risk_proto::v1;

use crate::console::charts::{Chart, Markup, Real, Step, Waterfall};
use crate::console::pages::person::joint;
use crate::console::site::Site;
use crate::console::words;

/// Factors that move the risk by less, in log-odds, are not told one by one outside of the fold-out: 2 % of the odds.
const HARDLY: f64 = 0.02;

/// So many factors at least share a bar with what was answered in confidence, or half of them in a small model. Of one or two answers the sum would be nearly the
/// part of one, and with the model's curve the answer itself; how many there are is not known here, so the bar is always shared.
const SHARED: usize = 3;

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
    /// The sum of all parts; none where it would tell what was answered in confidence.
    pub(super) sum: Option<String>,
}

/// A factor with its part in log-odds.
pub(super) struct Part {
    pub(super) label: String,
    pub(super) text: String,
    pub(super) direction: &'static str,
    pub(super) actionable: bool,
    /// None where it is told only together with what was answered in confidence.
    pub(super) log_odds: Option<String>,
}

impl Factors {
    /// What is told of the factors of an answer of this model.
    pub(super) fn of(site: &Site, told: &v1::Assessment, model_version: &str) -> Self {
        let open: Vec<&v1::Factor> = told.factors.iter().filter(|factor| !factor.confidential).collect();
        let mixed = mixed(site, told, &open);
        Self {
            waterfall: waterfall(told, &open, mixed.as_deref()),
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
                    log_odds: (!mixed.as_ref().is_some_and(|mixed| mixed.contains(&factor.feature.as_str())))
                        .then(|| signed(factor.contribution_log_odds.unwrap_or_default())),
                })
                .collect(),
            reference: signed(told.reference_log_odds),
            sum: mixed.is_none().then(|| signed(told.log_odds)),
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

/// The names of the factors that are told only together with what was answered in confidence: those that hardly count, and the
/// weakest others until they are [`SHARED`]. `None` where the model knows no such answers.
fn mixed<'a>(site: &Site, told: &v1::Assessment, open: &[&'a v1::Factor]) -> Option<Vec<&'a str>> {
    let asks = site.core().active.load().schema().features().iter().any(|feature| feature.confidential);
    let has = told.remaining_contribution_log_odds.abs() > f64::EPSILON || told.factors.iter().any(|f| f.confidential);
    if !asks && !has {
        return None;
    }
    let strength = |factor: &v1::Factor| factor.contribution_log_odds.unwrap_or_default().abs();
    let mut moving: Vec<&'a v1::Factor> = open.iter().copied().filter(|factor| strength(factor) > 0.0).collect();
    moving.sort_by(|a, b| strength(a).total_cmp(&strength(b)));
    let hardly = moving.iter().filter(|factor| strength(factor) < HARDLY).count();
    let names =
        moving.iter().take(hardly.max(SHARED.min(moving.len().div_ceil(2)))).map(|factor| factor.feature.as_str());
    Some(names.collect())
}

fn waterfall(told: &v1::Assessment, open: &[&v1::Factor], mixed: Option<&[&str]>) -> Option<Markup> {
    let apart = |factor: &v1::Factor, part: f64| match mixed {
        Some(mixed) => part.abs() > 0.0 && !mixed.contains(&factor.feature.as_str()),
        None => part.abs() >= HARDLY,
    };
    let steps: Vec<Step> = open
        .iter()
        .filter_map(|factor| {
            let contribution = factor.contribution_log_odds.filter(|&part| apart(factor, part))?;
            Some(Step {
                label: factor.label.clone(),
                detail: factor.text.clone(),
                contribution: Real::new(contribution)?,
                actionable: factor.actionable,
            })
        })
        .collect();
    let parts = open.iter().filter_map(|factor| Some((factor, factor.contribution_log_odds?)));
    let small: f64 = parts.filter(|(factor, part)| !apart(factor, *part)).map(|(_, part)| part).sum();
    let rest = told.remaining_contribution_log_odds;
    let why = match mixed {
        Some(_) => Some("what counts least and what was answered in confidence, together"),
        None if small.abs() >= HARDLY => Some("what hardly counts, together"),
        None => None,
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
