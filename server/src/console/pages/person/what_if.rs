//! What the model would say if facts were different, and the smallest change with which the person would not stand out.
//!
//! What is tried stands in the address, so that it can be kept and sent on; nothing is changed by it. Which facts can be changed is
//! the service's to say: here only the form is made of those that it will take, and what an address asks beyond them is refused there.

use flight_risk_proto::encoded::scoring_service_server::ScoringService;
use flight_risk_proto::v1;
use flight_risk_scoring::explain::value_text;
use flight_risk_scoring::features::Unit;
use flight_risk_scoring::schema::{FeatureKind, SourceFeature};
use tonic_types::StatusExt;

use crate::console::api::{assessment, scored, value};
use crate::console::error::PageError;
use crate::console::frame::{Band, Choice, Notice, NoticeKind};
use crate::console::methods;
use crate::console::pages::person::headline::is_active;
use crate::console::site::Site;
use crate::console::visit::Visit;
use crate::console::words;

/// Largest number that is taken for one.
const LARGEST: f64 = 1e12;

/// What the names of the form's fields begin with.
const PREFIX: &str = "if.";

/// What stands for the value of a fact of which the score's model, an earlier one, knew nothing.
const NOT_LOOKED_AT: &str = "not among the facts of this score";

/// What an address asks: features by name, with what was typed.
pub(super) fn asked(query: &str) -> Vec<(String, String)> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    let asked = pairs.into_iter().filter_map(|(name, typed)| {
        let typed = typed.trim().to_owned();
        Some((name.strip_prefix(PREFIX)?.to_owned(), typed)).filter(|(_, typed)| !typed.is_empty())
    });
    asked.collect()
}

/// The form, and what came of what was asked.
pub(super) struct WhatIf {
    pub(super) fields: Vec<WhatIfField>,
    pub(super) tried: Option<Tried>,
    /// Whether the score is of another model than the one that is asked.
    pub(super) other_model: bool,
    /// Why what was asked cannot be tried.
    pub(super) problems: Vec<String>,
}

/// A fact that can be changed.
pub(super) struct WhatIfField {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) label: String,
    pub(super) now: String,
    pub(super) unit: &'static str,
    pub(super) typed: String,
    /// Levels to choose from; empty for a number.
    pub(super) choices: Vec<Choice>,
}

/// What the model would say.
pub(super) struct Tried {
    pub(super) before: Said,
    pub(super) after: Said,
    pub(super) moved: Vec<Moved>,
    pub(super) caveat: Notice,
}

/// What the model says, in short.
pub(super) struct Said {
    pub(super) band: Band,
    /// Empty where the model does not know.
    pub(super) percent: String,
    pub(super) range: String,
}

/// A factor that moved.
pub(super) struct Moved {
    pub(super) label: String,
    pub(super) before: String,
    pub(super) after: String,
    pub(super) said: &'static str,
    pub(super) follows: bool,
}

/// The smallest change.
pub(super) struct Smallest {
    /// What to change, in words; empty where there is none.
    pub(super) changes: Vec<String>,
    pub(super) after: Option<Said>,
    pub(super) said: String,
    pub(super) caveat: String,
}

/// The form for a person, with what came of what was asked; `None` where who looks may not try anything.
pub(super) async fn what_if(
    site: &Site,
    visit: &Visit,
    risk: &v1::EmployeeRisk,
    asked: &[(String, String)],
    purpose: &str,
) -> Result<Option<WhatIf>, PageError> {
    let Some(told) = scored(risk) else { return Ok(None) };
    if !visit.may(methods::SIMULATE_CHANGES) {
        return Ok(None);
    }
    let other_model = !is_active(site, &risk.model_version);
    let fields = fields(site, told, asked);
    let mut what_if = WhatIf { fields, tried: None, other_model, problems: Vec::new() };
    if asked.is_empty() {
        return Ok(Some(what_if));
    }
    match changes(site, asked) {
        Err(problems) => what_if.problems = problems,
        Ok(changes) => {
            let request = v1::SimulateChangesRequest {
                employee_id: risk.employee_id.clone(),
                changes,
                purpose: purpose.to_owned(),
                ..Default::default()
            };
            match site.api().scoring.simulate_changes(visit.ask(request)).await {
                Ok(reply) => what_if.tried = Some(Tried::of(site, &reply.into_inner())),
                Err(status) => what_if.problems = refused(status)?,
            }
        }
    }
    Ok(Some(what_if))
}

/// Why a change cannot be tried; other errors are the page's.
fn refused(status: tonic::Status) -> Result<Vec<String>, PageError> {
    match status.code() {
        tonic::Code::InvalidArgument => {
            let told = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
            Ok(match told.is_empty() {
                true => vec![status.message().to_owned()],
                false => told.into_iter().map(|violation| violation.description).collect(),
            })
        }
        tonic::Code::FailedPrecondition => Ok(vec![
            "The score that is kept is of another model, which lacked some of the facts. Ask for a new score first."
                .to_owned(),
        ]),
        _ => Err(status.into()),
    }
}

/// The facts that can be changed, with their values now.
fn fields(site: &Site, told: &v1::Assessment, asked: &[(String, String)]) -> Vec<WhatIfField> {
    let active = site.core().active.load();
    let now = |feature: &SourceFeature| match told.factors.iter().find(|factor| factor.feature == feature.name) {
        Some(factor) => value_text(feature, &value(factor.value.as_ref())),
        None => NOT_LOOKED_AT.to_owned(),
    };
    let open = active.schema().features().iter().filter(|feature| feature.actionable && !feature.confidential);
    open.enumerate()
        .map(|(place, feature)| {
            let typed = asked.iter().find(|(name, _)| *name == feature.name).map(|(_, typed)| typed.clone());
            let typed = typed.unwrap_or_default();
            let choice = |value: &str, label: &str| Choice::of(value, label, &typed);
            let choices = match &feature.kind {
                FeatureKind::Categorical { levels, .. } => {
                    let unchanged = std::iter::once(choice("", "as it is"));
                    unchanged.chain(levels.iter().map(|level| choice(level, level))).collect()
                }
                FeatureKind::Numeric { .. } if feature.unit == Unit::Flag => {
                    vec![choice("", "as it is"), choice("1", "yes"), choice("0", "no")]
                }
                FeatureKind::Numeric { .. } => Vec::new(),
            };
            let now = now(feature);
            WhatIfField {
                id: format!("if-{place}"),
                name: format!("{PREFIX}{}", feature.name),
                label: feature.label.clone(),
                unit: if now.ends_with(unit(feature.unit)) { "" } else { unit(feature.unit) },
                now,
                typed,
                choices,
            }
        })
        .collect()
}

/// The unit in which a number is typed.
fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Years => "years",
        Unit::Months => "months",
        Unit::Days => "days",
        Unit::Percent | Unit::Share | Unit::Ratio => "%",
        Unit::Count | Unit::Flag | Unit::Number => "",
    }
}

/// What is asked, as the service takes it. A feature that the model does not have is passed on, for the service to refuse.
fn changes(site: &Site, asked: &[(String, String)]) -> Result<Vec<v1::FeatureChange>, Vec<String>> {
    use v1::feature_value::Value as Sent;
    let active = site.core().active.load();
    let schema = active.schema();
    let mut problems = Vec::new();
    let mut changes = Vec::new();
    for (name, typed) in asked {
        let feature = schema.feature(name);
        let value = match feature.map(|feature| (&feature.kind, feature.unit)) {
            Some((FeatureKind::Categorical { .. }, _)) => Sent::Level(typed.clone()),
            kind => {
                let per = match kind {
                    // Shares are typed as people say them.
                    Some((_, Unit::Share | Unit::Ratio)) => 100.0,
                    _ => 1.0,
                };
                let number = typed.trim_end_matches(['%', ' ']).replace(',', ".").parse::<f64>();
                match number {
                    Ok(number) if number.abs() <= LARGEST => Sent::Number(number / per),
                    _ => {
                        let label = feature.map_or(name.as_str(), |feature| feature.label.as_str());
                        problems.push(format!("{label}: “{typed}” is no number; write one such as 12 or 7.5"));
                        continue;
                    }
                }
            }
        };
        let value = Some(v1::FeatureValue { value: Some(value) });
        changes.push(v1::FeatureChange { feature: name.clone(), value });
    }
    if problems.is_empty() { Ok(changes) } else { Err(problems) }
}

/// A value of a feature in words, as the active model has it; empty where that does not know the feature.
pub(super) fn value_words(site: &Site, feature: &str, told: Option<&v1::FeatureValue>) -> String {
    let active = site.core().active.load();
    let known = active.schema().feature(feature);
    known.map_or_else(String::new, |feature| value_text(feature, &value(told)))
}

fn label(site: &Site, feature: &str) -> String {
    let active = site.core().active.load();
    let known = active.schema().feature(feature);
    known.map_or_else(|| feature.to_owned(), |feature| feature.label.clone())
}

impl Said {
    fn of(score: Option<&v1::EmployeeScore>) -> Self {
        match assessment(score) {
            Some(told) => Self {
                band: Band::of(told.band()),
                percent: words::percent(told.risk),
                range: words::percent_range(told.low, told.high),
            },
            None => Self { band: Band::NotScored, percent: String::new(), range: String::new() },
        }
    }
}

impl Tried {
    fn of(site: &Site, reply: &v1::SimulateChangesResponse) -> Self {
        Self {
            before: Said::of(reply.before.as_ref()),
            after: Said::of(reply.after.as_ref()),
            moved: reply.moved.iter().map(|moved| Moved::of(site, moved)).collect(),
            caveat: Notice::new(NoticeKind::Caution, "", reply.caveat.clone()),
        }
    }
}

impl Moved {
    fn of(site: &Site, moved: &v1::MovedFactor) -> Self {
        let by = moved.after_log_odds - moved.before_log_odds;
        Self {
            label: moved.label.clone(),
            before: value_words(site, &moved.feature, moved.before.as_ref()),
            after: value_words(site, &moved.feature, moved.after.as_ref()),
            said: match by {
                by if by < -1e-9 => "lowers the risk",
                by if by > 1e-9 => "raises the risk",
                _ => "does not move the risk",
            },
            follows: moved.follows,
        }
    }
}

/// The smallest change that would help; `None` where there is nothing to look for, or who looks may not ask.
pub(super) async fn smallest(
    site: &Site,
    visit: &Visit,
    risk: &v1::EmployeeRisk,
    purpose: &str,
) -> Result<Option<Smallest>, PageError> {
    let Some(told) = scored(risk) else { return Ok(None) };
    if told.band() == v1::RiskBand::Low || !visit.may(methods::FIND_COUNTERFACTUAL) {
        return Ok(None);
    }
    let request = v1::FindCounterfactualRequest {
        employee_id: risk.employee_id.clone(),
        purpose: purpose.to_owned(),
        ..Default::default()
    };
    let reply = match site.api().scoring.find_counterfactual(visit.ask(request)).await {
        Ok(reply) => reply.into_inner(),
        // A score of a model that lacked features of this one: the page can be without it.
        Err(status) if status.code() == tonic::Code::FailedPrecondition => return Ok(None),
        Err(status) => return Err(status.into()),
    };
    let bound = words::percent(site.core().active.load().artifact().content().bands.elevated);
    let Some(found) = &reply.counterfactual else {
        return Ok(Some(Smallest {
            changes: Vec::new(),
            after: None,
            said: format!(
                "No plausible change of up to three facts on which somebody can act brings the risk below {bound}, from which it \
                 counts as elevated."
            ),
            caveat: reply.caveat,
        }));
    };
    let change = |change: &v1::FeatureChange| {
        let moved = found.moved.iter().find(|moved| moved.feature == change.feature);
        let before = value_words(site, &change.feature, moved.and_then(|moved| moved.before.as_ref()));
        let after = value_words(site, &change.feature, change.value.as_ref());
        format!("{}: {after} instead of {before}", label(site, &change.feature))
    };
    Ok(Some(Smallest {
        changes: found.changes.iter().map(change).collect(),
        after: Some(Said::of(found.after.as_ref())),
        said: String::new(),
        caveat: reply.caveat,
    }))
}
