//! What was done against leaks, and what looks like one, as a list.

use flight_risk_scoring::ArtifactContent;
use flight_risk_scoring::metrics::{Guard, GuardFinding};
use flight_risk_scoring::wording::guards::{finding, in_order, subject};

use super::escape::html;
use super::summary::capitalised;

/// The list of the page.
pub(super) fn list(content: &ArtifactContent) -> String {
    let guards = in_order(content);
    if guards.is_empty() {
        return "<p>Nothing is recorded.</p>\n".to_owned();
    }
    let item = |guard: Guard| {
        let (class, sign) = match guard.finding {
            GuardFinding::Suspected => ("suspected", "⚠"),
            GuardFinding::CannotTell => ("unsure", "?"),
            GuardFinding::Kept => ("kept", "✓"),
        };
        format!(
            "<li class=\"{class}\"><b><span aria-hidden=\"true\">{sign}</span> {}: {}</b><span>{}.</span></li>\n",
            html(&capitalised(subject(&guard))),
            html(finding(&guard)),
            code(&capitalised(&guard.text))
        )
    };
    let items: String = guards.into_iter().map(item).collect();
    format!(
        "<p>A leak is something in the data that is known only because somebody leaves. It makes a model look better than it is. What was answered in confidence must not leak either.</p>\n<ul class=\"guards\">\n{items}</ul>\n"
    )
}

/// Text in which names between backticks are set as names.
pub(super) fn code(text: &str) -> String {
    let escaped = html(text);
    let parts: Vec<&str> = escaped.split('`').collect();
    // An odd number of backticks is somebody's text.
    if parts.len().is_multiple_of(2) {
        return escaped;
    }
    let set = |(index, part): (usize, &&str)| {
        if index % 2 == 1 { format!("<code>{part}</code>") } else { (*part).to_owned() }
    };
    parts.iter().enumerate().map(set).collect()
}
