//! Reading the configuration file: everything that is wrong with it at once, each with its line.

use std::collections::HashMap;

use serde::Deserialize;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use crate::config::keys::{KEYS, Kind, REQUIRED, SECTIONS};
use crate::config::{ConfigProblem, ServerConfig};

/// Longest value that is repeated in an error.
const SHOWN_CHARS: usize = 80;

/// What was read: a configuration of all that is right in the file, what is wrong, and where each key stands.
pub(super) struct Read {
    pub(super) config: ServerConfig,
    pub(super) problems: Vec<ConfigProblem>,
    pub(super) lines: HashMap<String, usize>,
}

/// Reads the text of a configuration file.
pub(super) fn read(text: &str) -> Read {
    let mut reader = Reader { text, problems: Vec::new(), lines: HashMap::new() };
    let (tree, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let line = error.span().map(|span| line(text, span.start));
        reader.problems.push(ConfigProblem { line, ..ConfigProblem::new("", None, error.message()) });
    }
    if !errors.is_empty() {
        // What else is wrong cannot be told from a broken text.
        return reader.done(ServerConfig::default());
    }
    let mut clean = reader.section("", tree.get_ref());
    for key in REQUIRED {
        reader.required(key, &mut clean);
    }
    match ServerConfig::deserialize(Value::Table(clean)) {
        Ok(config) => reader.done(config),
        Err(error) => {
            reader.problems.push(ConfigProblem::new("", None, error.message()));
            reader.done(ServerConfig::default())
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    problems: Vec<ConfigProblem>,
    lines: HashMap<String, usize>,
}

impl Reader<'_> {
    fn done(self, config: ServerConfig) -> Read {
        Read { config, problems: self.problems, lines: self.lines }
    }

    /// What is right in a section; the rest is noted.
    fn section(&mut self, section: &str, tree: &DeTable<'_>) -> Table {
        let mut clean = Table::new();
        for (name, value) in tree {
            let key = joined(section, name.get_ref());
            self.lines.insert(key.clone(), line(self.text, name.span().start));
            if SECTIONS.contains(&key.as_str()) {
                match value.get_ref() {
                    DeValue::Table(inner) => {
                        let inner = self.section(&key, inner);
                        clean.insert(name.get_ref().to_string(), Value::Table(inner));
                    }
                    _ => self.problem(&key, Some(value), format!("it is a section: write [{key}] and its keys below")),
                }
            } else if let Some((_, kind)) = KEYS.iter().find(|(known, _)| *known == key) {
                match kind.accept(value.get_ref()) {
                    Some(value) => {
                        clean.insert(name.get_ref().to_string(), value);
                    }
                    None => self.problem(&key, Some(value), kind.allowed()),
                }
            } else {
                self.problem(&key, None, unknown(section));
            }
        }
        clean
    }

    /// Notes a required key that is missing, and takes its section out.
    fn required(&mut self, key: &str, clean: &mut Table) {
        let Some((section, name)) = key.rsplit_once('.') else { return };
        let (outer, inner) = section.split_once('.').map_or(("", section), |(outer, inner)| (outer, inner));
        let parent = if outer.is_empty() { Some(clean) } else { clean.get_mut(outer).and_then(Value::as_table_mut) };
        let Some(parent) = parent else { return };
        if self.lines.contains_key(section) && !self.lines.contains_key(key) {
            let kind = KEYS.iter().find(|(known, _)| *known == key).map_or(Kind::Text, |(_, kind)| *kind);
            let line = self.lines.get(section).copied();
            let allowed = format!("it is missing in [{section}]: {}", kind.allowed());
            self.problems.push(ConfigProblem { line, ..ConfigProblem::new(key, None, allowed) });
        }
        if parent.get(inner).and_then(Value::as_table).is_some_and(|table| !table.contains_key(name)) {
            parent.remove(inner);
        }
    }

    fn problem(&mut self, key: &str, value: Option<&Spanned<DeValue<'_>>>, allowed: String) {
        let value = value.and_then(|value| self.text.get(value.span())).map(|text| shown(key, text));
        let line = self.lines.get(key).copied();
        self.problems.push(ConfigProblem { line, ..ConfigProblem::new(key, value, allowed) });
    }
}

fn joined(section: &str, name: &str) -> String {
    if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") }
}

fn unknown(section: &str) -> String {
    let within = |key: &&str| match key.rsplit_once('.') {
        Some((before, _)) => before == section,
        None => section.is_empty(),
    };
    let keys = KEYS.iter().map(|(key, _)| *key);
    let known: Vec<&str> = SECTIONS.into_iter().chain(keys).filter(within).collect();
    format!("there is no such key; known are {}", known.join(", "))
}

/// A value as it stands in the file. A URL can hold a password.
fn shown(key: &str, text: &str) -> String {
    if key == "store.url" {
        return "...".to_owned();
    }
    let line: String = text.lines().next().unwrap_or_default().chars().take(SHOWN_CHARS).collect();
    if line == text { line } else { format!("{line} ...") }
}

/// The line of a place in a text, from 1.
fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}
