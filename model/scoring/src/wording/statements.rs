//! What every model of this kind is for, is not for, and cannot know.

use crate::ArtifactContent;
use crate::artifact::Target;

use super::numbers::{count, fixed};

/// What the model is made for.
pub const INTENDED: &[&str] = &[
    "Help HR partners and managers to decide with whom to talk first, and about what, so that people stay.",
    "Show where in the company the risk gathers and which working conditions go with it.",
    "Support a person who decides: every score comes with its reasons and its doubt, and can be contradicted.",
];

/// What it must not be used for.
pub const PROHIBITED: &[&str] = &[
    "Dismissal, pay, promotion, assignment or performance decisions about a person.",
    "Any decision without a human being who knows the person and can overrule the score.",
    "Passing scores to people outside the circle that the company has agreed on, or to future employers.",
    "Finding out what somebody answered in a confidential survey.",
    "Scoring people of another company, another country or another time than the data it learned from.",
];

/// What the law asks in many places.
pub const LAW: &str = "Predictions about employees are regulated in many places (in the European Union by the data protection regulation and, \
     as a high-risk use, by the AI Act; often by rights of the works council). Settle that before the first use.";

/// What it cannot know, whatever its figures.
pub fn limits(content: &ArtifactContent) -> Vec<String> {
    let mut limits = vec![
        "It knows only what is in the records. An offer from elsewhere, a partner who moves, health, family or a quarrel last week are not in them."
            .to_owned(),
        "Its factors are associations, not causes. That people without one-on-ones leave more often does not prove that a one-on-one keeps them."
            .to_owned(),
        "It speaks of many people like this one, not of this person. At a risk of 30 %, seven in ten stay.".to_owned(),
        "It learned from the past. A reorganisation, a new pay system or another labour market can make it wrong overnight: judge it again on newer data."
            .to_owned(),
        "This report does not audit fairness. Attributes that the configuration protects are not features, but others can stand in for them; compare groups before use."
            .to_owned(),
    ];
    match &content.target {
        Target::Hazard { horizons_months, blackout_days, .. } => {
            if let Some(longest) = horizons_months.last() {
                limits.push(format!("It looks no further ahead than {longest} months."));
            }
            if *blackout_days > 0 {
                limits.push(format!(
                    "Facts of the last {blackout_days} days before the predicted time are not used, so that a notice already given does not pass for foresight."
                ));
            }
        }
        Target::SinglePeriod { .. } => limits.push(
            "The table has one outcome per row and no horizon: the model says how likely it is, not when.".to_owned(),
        ),
    }
    limits
}

/// When the model says that it does not know.
pub fn abstention(content: &ArtifactContent) -> Vec<String> {
    let features = content.features.len() as u64;
    vec![
        format!(
            "Fewer than {} of {} features known: less than of all but one in a thousand of the rows it learned from.",
            count(u64::from(content.limits.min_known_features)),
            count(features)
        ),
        format!(
            "A combination of values so unusual that the standard error of the log-odds exceeds {} (a multiple of the largest in training).",
            fixed(content.limits.max_standard_error, 2)
        ),
    ]
}
