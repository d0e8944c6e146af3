//! What was done against leaks, and what looks like one; what is suspected comes first.

use crate::ArtifactContent;
use crate::metrics::{Guard, GuardFinding, GuardKind};

/// The guards that found something suspicious.
pub fn suspected(content: &ArtifactContent) -> impl Iterator<Item = &Guard> {
    content.metrics.guards.iter().filter(|guard| guard.finding == GuardFinding::Suspected)
}

/// The features that are suspected to give the outcome away.
pub fn giveaways(content: &ArtifactContent) -> impl Iterator<Item = &str> {
    let leaks = suspected(content).filter(|guard| guard.kind != GuardKind::ConfidentialAnswers);
    leaks.flat_map(|guard| &guard.features).map(String::as_str)
}

/// All guards: what is suspected, what cannot be told, what is kept. Values that recur are a suspicion of their own, which
/// only shows in the fit.
pub fn in_order(content: &ArtifactContent) -> Vec<Guard> {
    let rank = |guard: &Guard| match guard.finding {
        GuardFinding::Suspected => 0,
        GuardFinding::CannotTell => 1,
        GuardFinding::Kept => 2,
    };
    let recurring = crate::wording::verdict::recurring(content).map(|text| Guard {
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
pub fn subject(guard: &Guard) -> &'static str {
    match guard.kind {
        GuardKind::ExactDuplicates => "equal rows",
        GuardKind::OneEmployee => "several rows of one employee",
        GuardKind::SingleFeature => "a feature that tells by itself",
        GuardKind::LaterFacts => "facts written later",
        GuardKind::Blackout => "facts of the notice period",
        GuardKind::ConfidentialAnswers => "confidential answers worked out from the rest",
    }
}

/// What it found, in words.
pub fn finding(guard: &Guard) -> &'static str {
    match guard.finding {
        GuardFinding::Suspected => "suspected",
        GuardFinding::CannotTell => "cannot be told",
        GuardFinding::Kept => "kept",
    }
}
