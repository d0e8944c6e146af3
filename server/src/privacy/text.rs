//! Everything held about a person, in plain language (Markdown).

use std::fmt::Write;

use flight_risk_scoring::explain::Direction;
use flight_risk_scoring::scorer::Band;

use crate::clock::rfc3339;
use crate::privacy::{Held, exit_type, words};
use crate::store::stored_score::HeldScore;

/// Everything held, in plain language. Texts that others wrote are set as they are, on lines of their own.
pub(crate) fn text(held: &Held) -> String {
    let holdings = &held.holdings;
    let mut out = String::new();
    let _ = writeln!(out, "# What is held about {}\n", line(&held.employee_id));
    let _ = writeln!(
        out,
        "Gathered on {}. This system estimates, from records of the company, how likely somebody is to leave voluntarily, so that \
         HR can talk to them in time. People decide; the estimate is one reason among others to look closer. You may ask for \
         all of this to be erased.\n",
        day(held.at)
    );
    out.push_str("## Estimates\n\n");
    match holdings.scores.first() {
        None => out.push_str("None is recorded.\n"),
        Some(latest) => {
            let _ = writeln!(out, "{} recorded. The latest: {}\n", estimates(holdings.scores.len()), estimate(latest));
            facts(&mut out, held, latest);
            organisation(&mut out, latest);
        }
    }
    if holdings.scores.len() > 1 {
        out.push_str("\n### Earlier ones\n\n");
        for score in holdings.scores.iter().skip(1) {
            let _ = writeln!(out, "- {}", estimate(score));
        }
    }
    out.push_str("\n## Changes that were told to HR\n\n");
    list(&mut out, holdings.changes.iter().map(|(at, kind)| format!("{}: {}", day(*at), words(kind))));
    out.push_str("\n## Actions for you\n\n");
    list(
        &mut out,
        holdings.actions.iter().map(|action| {
            let who = if action.assignee.is_empty() { "nobody yet".to_owned() } else { line(&action.assignee) };
            let note = if action.note.is_empty() { String::new() } else { format!(" Note: {}", line(&action.note)) };
            format!(
                "{}: {}, by {who} until {}; {}; {}.{note}",
                day(action.created_at),
                line(&action.title),
                action.due_day,
                words(&action.state),
                action.outcome.map_or("no outcome yet".to_owned(), |outcome| words(&outcome)),
            )
        }),
    );
    out.push_str("\n## Leaving the company\n\n");
    list(
        &mut out,
        holdings
            .exit
            .iter()
            .map(|(last, kind, at)| format!("last day {last}, {}; reported on {}", exit_type(*kind), day(*at))),
    );
    out.push_str("\n## Elsewhere\n\n");
    let mentions = holdings.mentions;
    list(
        &mut out,
        [
            (holdings.requests.len() as u64, "answers about you are kept for a day, in case a request is sent twice"),
            (mentions.as_manager, "estimates of other people name you as their manager"),
            (mentions.as_assignee, "actions are to be carried out by you"),
            (mentions.as_creator, "actions were created by you"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}")),
    );
    out.push_str("\n## Who looked, and why\n\n");
    list(
        &mut out,
        held.accesses.iter().map(|record| {
            let draft = &record.draft;
            let method = draft.method.rsplit('/').next().unwrap_or_default();
            let purpose = if draft.purpose.is_empty() { "no purpose stated".to_owned() } else { line(&draft.purpose) };
            format!(
                "{}: {} ({}), {method}, {}: {purpose}",
                rfc3339(draft.at),
                line(&draft.actor),
                draft.role,
                draft.decision
            )
        }),
    );
    out
}

fn list(out: &mut String, lines: impl Iterator<Item = String>) {
    let before = out.len();
    for line in lines {
        let _ = writeln!(out, "- {line}");
    }
    if out.len() == before {
        out.push_str("Nothing.\n");
    }
}

fn estimates(count: usize) -> String {
    if count == 1 { "One is".to_owned() } else { format!("{count} are") }
}

fn estimate(score: &HeldScore) -> String {
    let record = &score.record;
    let on = format!("from what was known on {} (model {})", record.as_of, record.model_version);
    let percent = |risk: f64| format!("{:.1} %", risk * 100.0);
    match (record.band, record.risk, record.low, record.high) {
        (Band::Abstained, ..) | (_, None, ..) | (.., None, _) | (.., None) => {
            format!("{on}, the model did not know enough to say anything.")
        }
        (band, Some(risk), Some(low), Some(high)) => {
            let within = match record.horizon_months {
                0 => String::new(),
                months => format!(" within {months} months"),
            };
            format!(
                "{on}, {} (between {} and {}) to leave voluntarily{within}; this counts as {}.",
                percent(risk),
                percent(low),
                percent(high),
                band.name()
            )
        }
    }
}

fn facts(out: &mut String, held: &Held, score: &HeldScore) {
    if score.details.is_none() {
        out.push_str("The facts that it came from are not kept any more.\n");
        return;
    }
    out.push_str("It came from these facts, the ones that count most first:\n\n");
    let (confidential, open): (Vec<_>, Vec<_>) = held.facts(score).into_iter().partition(|fact| fact.confidential);
    list(
        out,
        open.iter().map(|fact| {
            let effect = match Direction::of(fact.contribution_log_odds) {
                Direction::Raises => "raises the estimate",
                Direction::Lowers => "lowers the estimate",
                Direction::None => "does not move the estimate",
            };
            format!("{}: {}; {effect}", fact.label, line(&fact.text))
        }),
    );
    if !confidential.is_empty() {
        let labels = confidential.iter().map(|fact| fact.label).collect::<Vec<_>>().join(", ");
        let _ = writeln!(
            out,
            "\n{} taken from survey answers given in confidence ({labels}). What was answered is not shown to HR and so not \
             here; the survey system can tell you.",
            match confidential.len() {
                1 => "One more is".to_owned(),
                count => format!("{count} more are"),
            }
        );
    }
}

fn organisation(out: &mut String, score: &HeldScore) {
    let org = &score.record.org;
    let facts = [
        org.display_name.as_deref().map(|text| format!("the name {}", line(text))),
        org.department.as_deref().map(|text| format!("department {}", line(text))),
        org.location.as_deref().map(|text| format!("location {}", line(text))),
        org.manager_id.as_deref().map(|text| format!("manager {}", line(text))),
        org.job_level.as_deref().map(|text| format!("job level {}", line(text))),
        org.critical_role.map(|yes| if yes { "critical role".to_owned() } else { "no critical role".to_owned() }),
        org.tenure_years.map(|years| format!("{years:.1} years with the company")),
    ];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    if !facts.is_empty() {
        let _ = writeln!(out, "\nKept with it: {}.", facts.join(", "));
    }
}

/// The day of a time.
fn day(micros: i64) -> String {
    crate::clock::day_of(micros).to_string()
}

/// A text on one line, with what Markdown would read otherwise taken for itself.
fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            _ if c.is_control() => out.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}
