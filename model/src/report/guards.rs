//! What was done against leaks, and what looks like one; what is suspected comes first.

use flight_risk_scoring::ArtifactContent;
use flight_risk_scoring::metrics::{Guard, GuardFinding, GuardKind};

use super::escape::html;
use super::summary::capitalised;

/// The guards that found something suspicious.
pub(super) fn suspected(content: &ArtifactContent) -> impl Iterator<Item = &Guard> {
    content.metrics.guards.iter().filter(|guard| guard.finding == GuardFinding::Suspected)
}

/// All guards: what is suspected, what cannot be told, what is kept. Values that recur are a suspicion of their own, which
/// only shows in the fit.
pub(super) fn in_order(content: &ArtifactContent) -> Vec<Guard> {
    let rank = |guard: &Guard| match guard.finding {
        GuardFinding::Suspected => 0,
        GuardFinding::CannotTell => 1,
        GuardFinding::Kept => 2,
    };
    let recurring = super::verdict::recurring(content).map(|text| Guard {
        kind: GuardKind::OneEmployee,
        finding: GuardFinding::Suspected,
        count: 0,
        features: Vec::new(),
        text: text.trim_end_matches('.').to_owned(),
    });
    let contradicted = |guard: &&Guard| recurring.is_none() || guard.kind != GuardKind::OneEmployee;
    let mut guards: Vec<Guard> = content.metrics.guards.iter().filter(contradicted).cloned().collect();
    guards.extend(recurring);
    // Stable: those of one finding stay in their order.
    guards.sort_by_key(rank);
    guards
}

/// What a guard is about, in words.
pub(super) fn subject(guard: &Guard) -> &'static str {
    match guard.kind {
        GuardKind::ExactDuplicates => "equal rows",
        GuardKind::OneEmployee => "several rows of one employee",
        GuardKind::SingleFeature => "a feature that tells by itself",
        GuardKind::LaterFacts => "facts written later",
        GuardKind::Blackout => "facts of the notice period",
    }
}

/// What it found, in words.
pub(super) fn finding(guard: &Guard) -> &'static str {
    match guard.finding {
        GuardFinding::Suspected => "suspected",
        GuardFinding::CannotTell => "cannot be told",
        GuardFinding::Kept => "kept",
    }
}

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
        "<p>A leak is something in the data that is known only because somebody leaves. It makes a model look better than it is.</p>\n<ul class=\"guards\">\n{items}</ul>\n"
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
