//! The schema of a flat table: which column plays which role.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize};

use flight_risk_scoring::features::Family;

use crate::error::DataError;

/// Largest schema that is read.
const MAX_SCHEMA_BYTES: u64 = 1 << 20;

/// The direction in which a feature may move the risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Monotone {
    /// More of it never lowers the risk.
    Increasing,
    /// More of it never raises the risk.
    Decreasing,
}

/// What the schema says about one feature; everything is optional.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureNotes {
    /// The name for readers.
    pub label: Option<String>,
    /// The group in which reports show it.
    pub family: Option<Family>,
    /// Whether HR can act on it.
    pub actionable: Option<bool>,
    /// The only direction in which it may act.
    pub monotone: Option<Monotone>,
}

/// Which column of a flat table plays which role; every column without a role is a feature.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlatSchema {
    /// Column that identifies the employee; without it rows are named r1, r2 ...
    pub id: Option<String>,
    /// Column that says whether the employee left.
    pub target: String,
    /// The value of `target` that means "left".
    #[serde(deserialize_with = "text_of_scalar")]
    pub positive: String,
    /// Columns that are never features: leaks, constants.
    #[serde(default)]
    pub drop: Vec<String>,
    /// Columns that are never features, but audited.
    #[serde(default)]
    pub protected: Vec<String>,
    /// Columns of numbers that are codes.
    #[serde(default)]
    pub categorical: Vec<String>,
    /// Column with the period of the row, for splitting in time.
    pub time: Option<String>,
    /// Column that names the person where rows are employee-periods, so that nobody is on both sides of a split.
    pub group: Option<String>,
    /// More about single features.
    #[serde(default)]
    pub features: BTreeMap<String, FeatureNotes>,
}

/// `positive = 1` and `positive = true` mean the texts `1` and `true`.
fn text_of_scalar<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a text, a number or a boolean")]
    enum Scalar {
        Text(String),
        Integer(i64),
        Number(f64),
        Flag(bool),
    }
    Ok(match Scalar::deserialize(deserializer)? {
        Scalar::Text(text) => text,
        Scalar::Integer(value) => value.to_string(),
        Scalar::Number(value) => value.to_string(),
        Scalar::Flag(value) => value.to_string(),
    })
}

impl FlatSchema {
    /// Reads a schema from a TOML file.
    ///
    /// # Errors
    /// [`DataError::Schema`] with everything that contradicts itself.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let error = |problems| DataError::Schema { path: path.to_owned(), problems };
        let text = read_text(path).map_err(|why| error(vec![why]))?;
        let schema: Self = toml::from_str(&text).map_err(|e| error(vec![e.to_string().trim_end().to_owned()]))?;
        let problems = schema.contradictions();
        if problems.is_empty() { Ok(schema) } else { Err(error(problems)) }
    }

    /// The columns that are no features, each with its role.
    pub fn roles(&self) -> Vec<(&'static str, &str)> {
        let mut roles = Vec::new();
        roles.extend(self.id.as_deref().map(|name| ("id", name)));
        roles.push(("target", self.target.as_str()));
        roles.extend(self.drop.iter().map(|name| ("drop", name.as_str())));
        roles.extend(self.protected.iter().map(|name| ("protected", name.as_str())));
        roles.extend(self.time.as_deref().map(|name| ("time", name)));
        roles.extend(self.group.as_deref().map(|name| ("group", name)));
        roles
    }

    /// Whether a column is a feature.
    pub fn is_feature(&self, column: &str) -> bool {
        self.roles().iter().all(|(_, name)| *name != column)
    }

    /// What contradicts itself, whatever the table.
    pub(super) fn contradictions(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.target.trim().is_empty() {
            problems.push("`target` is blank; name the column that says who left".to_owned());
        }
        if self.positive.trim().is_empty() {
            problems.push("`positive` is blank; give the value of the target that means `left`".to_owned());
        }
        let mut first_role: HashMap<&str, &str> = HashMap::new();
        for (role, name) in self.roles() {
            match first_role.get(name) {
                // One person may have one row: then the identifier is also the group.
                Some(&first) if (first, role) == ("id", "group") => {}
                Some(&first) if first == role => problems.push(format!("`{name}` is twice in {role}")),
                Some(&first) => problems.push(format!("`{name}` is both {first} and {role}; a column has one role")),
                None => {
                    first_role.insert(name, role);
                }
            }
        }
        for name in &self.categorical {
            if let Some(role) = first_role.get(name.as_str()).filter(|role| **role != "protected") {
                problems.push(format!("`{name}` is both {role} and categorical; only features have a kind"));
            }
        }
        for (name, notes) in &self.features {
            if let Some(role) = first_role.get(name.as_str()) {
                problems.push(format!("`features.{name}` describes a column that is no feature but {role}"));
            }
            if notes.monotone.is_some() && self.categorical.contains(name) {
                problems
                    .push(format!("`features.{name}.monotone` needs a numeric column, but `{name}` is categorical"));
            }
        }
        problems
    }

    /// Names of columns that the table lacks, with what looks alike.
    pub(super) fn missing_from(&self, columns: &[&str]) -> Vec<String> {
        let categorical = self.categorical.iter().map(|name| ("categorical", name.as_str()));
        let features = self.features.keys().map(|name| ("features", name.as_str()));
        let named = self.roles().into_iter().chain(categorical).chain(features);
        named
            .filter(|(_, name)| !columns.contains(name))
            .map(|(role, name)| format!("{role} names `{name}`, {}", absent(name, columns)))
            .collect()
    }
}

/// The text of a schema's file, or why it cannot be read.
fn read_text(path: &Path) -> Result<String, String> {
    let found = fs::metadata(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => "there is no such file; --schema names a TOML file".to_owned(),
        _ => format!("cannot be read: {e}"),
    })?;
    // A pipe would be waited for without end, and a device may never end.
    if !found.is_file() {
        return Err("is no file; --schema names a TOML file".to_owned());
    }
    if found.len() > MAX_SCHEMA_BYTES {
        return Err(format!("{} bytes are too many for a schema; --schema names a TOML file", found.len()));
    }
    let bytes = fs::read(path).map_err(|e| format!("cannot be read: {e}"))?;
    String::from_utf8(bytes).map_err(|_| "is not UTF-8; save it as UTF-8 text".to_owned())
}

/// "which the table lacks", and the column that differs only in case, blanks or underscores.
pub(super) fn absent(name: &str, columns: &[&str]) -> String {
    let plain = |text: &str| text.to_lowercase().replace([' ', '_', '-', '.'], "");
    match columns.iter().find(|column| plain(column) == plain(name)) {
        Some(alike) => format!("which the table lacks (it has `{alike}`)"),
        None => "which the table lacks".to_owned(),
    }
}
