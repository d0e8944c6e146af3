//! The text of a notice to employees: what is worked out about them, from what, what for, and what they may ask.
//!
//! Made from the configuration and the model as they are, so that it cannot promise what the server does not keep. What only the
//! company knows stands in square brackets.

use flight_risk_scoring::ArtifactContent;
use flight_risk_scoring::artifact::Target;
use flight_risk_scoring::features::Family;

use crate::config::ServerConfig;

/// The notice.
pub(crate) struct Notice {
    /// Its parts in their order.
    pub(crate) parts: Vec<Part>,
}

/// A part of the notice.
pub(crate) struct Part {
    /// Its heading.
    pub(crate) title: &'static str,
    /// Its paragraphs.
    pub(crate) paragraphs: Vec<String>,
    /// A list after them; may be empty.
    pub(crate) items: Vec<String>,
}

/// The heading of the notice.
pub(crate) const TITLE: &str = "How we look after people who may think of leaving";

impl Notice {
    /// The notice of a server with this model.
    pub(crate) fn of(content: &ArtifactContent, config: &ServerConfig) -> Self {
        Self { parts: vec![what(content), from(content), what_for(), who(config), how_long(config), rights(), ask()] }
    }

    /// As plain text.
    pub(crate) fn plain(&self) -> String {
        let mut text = format!("{TITLE}\n{}\n", "=".repeat(TITLE.chars().count()));
        for part in &self.parts {
            text.push_str(&format!("\n{}\n{}\n", part.title, "-".repeat(part.title.chars().count())));
            for paragraph in &part.paragraphs {
                text.push_str(&format!("\n{paragraph}\n"));
            }
            if !part.items.is_empty() {
                text.push('\n');
            }
            for item in &part.items {
                text.push_str(&format!("- {item}\n"));
            }
        }
        text
    }
}

fn part(title: &'static str, paragraphs: impl Into<Vec<String>>) -> Part {
    Part { title, paragraphs: paragraphs.into(), items: Vec::new() }
}

fn what(content: &ArtifactContent) -> Part {
    let within = match &content.target {
        Target::Hazard { horizons_months, .. } => {
            let months: Vec<String> = horizons_months.iter().map(u32::to_string).collect();
            format!(" within {} months", list(&months))
        }
        Target::SinglePeriod { .. } => String::new(),
    };
    part(
        "What is worked out",
        [
            format!(
                "[Company] uses a computer program (flight-risk) that estimates how likely it is that an employee leaves of \
                 their own accord{within}. It learned from our own records of the past which circumstances went with people leaving. \
                 For each estimate it also says how sure it is and which circumstances raise or lower it."
            ),
            "It knows nothing but these records. It speaks of many people in like circumstances, never of what you intend: \
             at an estimate of 30 %, seven of ten stay. Where it knows too little, it gives no estimate."
                .to_owned(),
        ],
    )
}

fn from(content: &ArtifactContent) -> Part {
    let families = [
        (Family::Tenure, "how long you have been here"),
        (Family::Role, "your role"),
        (Family::Pay, "your pay"),
        (Family::Engagement, "surveys"),
        (Family::Feedback, "talks and feedback"),
        (Family::ManagerAndTeam, "your manager and your team"),
        (Family::Other, "other records"),
    ];
    let mut items = Vec::new();
    for (family, about) in families {
        let labels: Vec<String> = content
            .features
            .iter()
            .filter(|feature| feature.family == family)
            .map(|feature| feature.label.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        if !labels.is_empty() {
            items.push(format!("About {about}: {}.", labels.join("; ")));
        }
    }
    let confidential = content.features.iter().any(|feature| feature.confidential);
    let surveys = if confidential {
        "Answers to our surveys enter the estimate. Nobody is shown what you answered: not your manager, not HR, not in any list, \
         file or reason. That you did not answer a survey may enter, too."
    } else {
        "Answers to our surveys do not enter the estimate."
    };
    let mut paragraphs =
        vec!["The estimate comes from these facts, as our records had them on a given day:".to_owned()];
    if let Target::Hazard { blackout_days, .. } = &content.target
        && *blackout_days > 0
    {
        paragraphs.insert(
            0,
            format!(
                "The program learned from records{} of people who stayed and of people who left; facts of the last {blackout_days} \
                 days before a possible exit were left out.",
                window(content)
            ),
        );
    }
    items.push(surveys.to_owned());
    items.push(
        "Characteristics that our settings protect are not used for estimates. The content of messages, calls, web pages or \
         anything outside of work is not read."
            .to_owned(),
    );
    Part { title: "From what", paragraphs, items }
}

fn window(content: &ArtifactContent) -> String {
    let provenance = &content.provenance;
    match (&provenance.data_from, &provenance.data_until) {
        (Some(from), Some(until)) => format!(" from {from} to {until}"),
        _ => String::new(),
    }
}

fn what_for() -> Part {
    Part {
        items: vec![
            "People in HR decide whom to talk to first, and about what, so that what can be improved is improved in time."
                .to_owned(),
            "It is not used for decisions about hiring, pay, promotion, assignment, performance or dismissal.".to_owned(),
            "No decision is made by the program. Whoever sees an estimate sees its reasons and its doubt, and can overrule it."
                .to_owned(),
            "Groups are looked at, too, so that causes can be found that concern many.".to_owned(),
        ],
        ..part("What for", [])
    }
}

fn who(config: &ServerConfig) -> Part {
    let managers = if config.access.managers_see_numbers {
        "Your manager sees the estimate of their own reports and prompts for a talk."
    } else {
        "Your manager sees prompts for a talk with their own reports, but no estimate and no number."
    };
    let mut items = vec![
        "HR partners who are responsible for your part of the company see the estimate and its reasons.".to_owned(),
        managers.to_owned(),
        format!(
            "Others see groups only, of {} people or more, and of {} answers or more where surveys are concerned.",
            config.groups.minimum_employees, config.groups.minimum_answers
        ),
    ];
    items.push(if config.audit.enabled {
        "Everybody who looks at what is held about you must say why. It is written to a log that cannot be changed unnoticed, and \
         you may ask what it says about you."
            .to_owned()
    } else {
        "[There is no log of who looked: the audit log is turned off on this server. Turn it on before you publish this notice.]"
            .to_owned()
    });
    Part { items, ..part("Who sees it", []) }
}

fn how_long(config: &ServerConfig) -> Part {
    let mut items = vec![
        format!("Estimates, and the facts they came from: {} days.", config.store.retention_days),
        "What was agreed with you and what came of it, and the day on which you left: until it is erased.".to_owned(),
        "The raw records from which the facts are worked out are not kept by the program.".to_owned(),
    ];
    if config.audit.enabled {
        items.push(
            "The log of who looked: as long as the server is run. You stand in it as a number that cannot be turned back into your \
             name without a secret key."
                .to_owned(),
        );
    }
    Part { items, ..part("How long it is kept", []) }
}

fn rights() -> Part {
    Part {
        items: vec![
            "to see everything that is held about you, in plain language and as a file, and who looked at it and why;"
                .to_owned(),
            "to have wrong records put right: the estimate is worked out anew from them;".to_owned(),
            "to have everything that is held about you here erased;".to_owned(),
            "to object to estimates about you, and to have a person look at what was made of one;".to_owned(),
            "to complain to the data protection authority: [name of the authority].".to_owned(),
        ],
        ..part("Your rights", ["You have the right".to_owned()])
    }
}

fn ask() -> Part {
    part(
        "Whom to ask",
        ["[Name and address of whom to ask in HR; data protection officer; works council; the legal basis, and the agreement with the \
          works council, where there is one.]"
            .to_owned()],
    )
}

fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
