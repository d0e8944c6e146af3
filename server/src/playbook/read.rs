//! From a playbook's text to its entries; everything that is wrong is said at once.

use std::collections::BTreeSet;

use serde::Deserialize;
use toml::{Table, Value};

use super::{Playbook, PlaybookEntry};

/// Longest id, in bytes.
const MAX_ID_BYTES: usize = 64;
/// Longest title, in bytes: it becomes an action's title.
const MAX_TITLE_BYTES: usize = crate::limits::MAX_TEXT_BYTES;
/// Longest text of what to do or how to begin, in bytes: a reply holds several.
const MAX_WORDS_BYTES: usize = 2_000;
/// Most entries: they are sent in one reply.
const MAX_ENTRIES: usize = 200;
/// Longest time for an action, in days.
const MAX_DAYS: u32 = 365;

/// Reads a playbook.
///
/// # Errors
/// Everything that is wrong; only what cannot be read at all hides what comes after it.
pub(super) fn parse(text: &str) -> Result<Playbook, Vec<String>> {
    let table: Table = toml::from_str(text).map_err(|error| vec![error.to_string()])?;
    let mut problems: Vec<String> = table
        .keys()
        .filter(|key| *key != "entry")
        .map(|key| format!("{key} is not known; a playbook consists of [[entry]]"))
        .collect();
    let tables = match table.get("entry") {
        Some(Value::Array(tables)) if !tables.is_empty() => tables.as_slice(),
        _ => {
            problems.push(
                "no [[entry]]; leave the playbook out of the configuration to use the one compiled in".to_owned(),
            );
            &[]
        }
    };
    if tables.len() > MAX_ENTRIES {
        problems.push(format!("{} entries; at most {MAX_ENTRIES} are allowed", tables.len()));
    }
    let mut entries = Vec::new();
    for (number, value) in (1..).zip(tables) {
        let place = place(number, value);
        match PlaybookEntry::deserialize(value.clone()) {
            Ok(entry) => {
                check(&entry, &place, &mut problems);
                entries.push(entry);
            }
            Err(error) => problems.push(format!("{place}: {}", error.to_string().trim_end())),
        }
    }
    check_together(&entries, &mut problems);
    if problems.is_empty() { Ok(Playbook { entries }) } else { Err(problems) }
}

/// Where an entry stands, for errors.
fn place(number: usize, value: &Value) -> String {
    match value.get("id").and_then(Value::as_str) {
        Some(id) => format!("entry {number} ({})", id.chars().take(MAX_ID_BYTES).collect::<String>()),
        None => format!("entry {number}"),
    }
}

fn check(entry: &PlaybookEntry, place: &str, problems: &mut Vec<String>) {
    let fit = |bytes: u8| bytes.is_ascii_alphanumeric() || bytes == b'-';
    if entry.id.is_empty() || entry.id.len() > MAX_ID_BYTES || !entry.id.bytes().all(fit) {
        problems.push(format!("{place}: id must be 1 to {MAX_ID_BYTES} letters, digits and hyphens"));
    }
    let texts = [
        ("title", &entry.title, MAX_TITLE_BYTES),
        ("what", &entry.what, MAX_WORDS_BYTES),
        ("conversation_prompt", &entry.conversation_prompt, MAX_WORDS_BYTES),
    ];
    for (name, text, most) in texts {
        if text.trim().is_empty() || text.len() > most {
            problems.push(format!("{place}: {name} must have 1 to {most} bytes, has {}", text.len()));
        }
    }
    if !(1..=MAX_DAYS).contains(&entry.within_days) {
        problems.push(format!("{place}: within_days must be 1 to {MAX_DAYS}, is {}", entry.within_days));
    }
    if entry.features.is_empty() && entry.families.is_empty() && !entry.general {
        problems.push(format!("{place}: it is never recommended; name features or families, or make it general"));
    }
}

/// What one entry cannot tell by itself: nothing may be claimed twice.
fn check_together(entries: &[PlaybookEntry], problems: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for entry in entries {
        let ids = std::iter::once(format!("id {}", entry.id));
        let features = entry.features.iter().map(|feature| format!("feature {feature}"));
        let families = entry.families.iter().map(|family| format!("family {}", family.label()));
        let general = entry.general.then(|| "general = true".to_owned());
        for claim in ids.chain(features).chain(families).chain(general) {
            if !seen.insert(claim.clone()) {
                problems.push(format!("entry {}: {claim} appears twice in the playbook", entry.id));
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [[entry]]
        id = "talk"
        title = "Talk"
        what = "Talk."
        owner = "leadership"
        within_days = 7
        conversation_prompt = "How are things?"
        families = ["pay"]
    "#;

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        assert_eq!(parse(GOOD).unwrap().entries().len(), 1);
        let bad = format!(
            "surprise = 1\n{GOOD}{}\n{}\n{}",
            GOOD.replace("within_days = 7", "within_days = 0").replace("\"Talk.\"", "\"\""),
            GOOD.replace("families", "famlies").replace("\"talk\"", "\"other\""),
            GOOD.replace("owner = \"leadership\"", "owner = \"nobody\"").replace("\"talk\"", "\"a b\""),
        );
        let problems = parse(&bad).unwrap_err().join("\n");
        for expected in [
            "surprise is not known",
            "entry 2 (talk): within_days",
            "entry 2 (talk): what",
            "entry 3 (other): unknown field `famlies`",
            "entry 4 (a b): unknown variant `nobody`",
            "id talk appears twice",
            "family Pay appears twice",
        ] {
            assert!(problems.contains(expected), "{expected}\n---\n{problems}");
        }
    }

    #[test]
    fn what_is_no_playbook_is_refused() {
        for text in ["", "entry = 3", "entry = []", "not toml at all", "[entry]\nid = \"x\""] {
            assert!(parse(text).is_err(), "{text}");
        }
        let idle = GOOD.replace("families = [\"pay\"]", "");
        assert!(parse(&idle).unwrap_err().join("").contains("never recommended"));
        assert!(parse(&GOOD.replace("\"talk\"", "\"a b\"")).unwrap_err().join("").contains("id must be"));
    }
}
