//! What a model expects of an employee: its source features in order, and rows checked against them.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::features::{Family, FeatureSpec, PlausibleDirection, Unit};

/// What kind of values a source feature has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum FeatureKind {
    /// A number.
    Numeric {
        /// Smallest known value seen in training.
        min: f64,
        /// Largest known value seen in training.
        max: f64,
        /// Median of the known values seen in training.
        typical: f64,
    },
    /// One of several levels; a level that is not listed is pooled with the rare ones.
    Categorical {
        /// The levels that have a column of their own.
        levels: Vec<String>,
        /// The most frequent level seen in training.
        typical: String,
    },
}

/// One source feature of a model, with everything needed to speak about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceFeature {
    /// Name in tables, exports and requests.
    pub name: String,
    /// Plain label.
    pub label: String,
    /// What it is about.
    pub family: Family,
    /// Unit of a numeric value.
    pub unit: Unit,
    /// Direction that is plausible.
    pub direction: PlausibleDirection,
    /// Whether HR or the manager can act on it.
    pub actionable: bool,
    /// Whether it comes from confidential survey answers, which are never shown.
    pub confidential: bool,
    /// Sentence with `{value}`.
    pub phrase: String,
    /// Sentence for an unknown value, or for a flag that is not set.
    pub otherwise: String,
    /// Values and what is typical.
    pub kind: FeatureKind,
    /// Share of the training rows in which the value was known, 0 to 1.
    pub known_share: f64,
}

impl SourceFeature {
    /// The entry of a native feature; what training saw is filled in by the caller.
    pub fn native(spec: &FeatureSpec, kind: FeatureKind, known_share: f64) -> Self {
        Self {
            name: spec.name.to_owned(),
            label: spec.label.to_owned(),
            family: spec.family,
            unit: spec.unit,
            direction: spec.direction,
            actionable: spec.actionable,
            confidential: spec.confidential,
            phrase: spec.phrase.to_owned(),
            otherwise: spec.otherwise.to_owned(),
            kind,
            known_share,
        }
    }
}

/// A value of a source feature as people and tables write it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Not known.
    Unknown,
    /// A number.
    Number(f64),
    /// A level of a categorical feature.
    Level(String),
}

/// The values of one employee in the order of a [`Schema`], checked against it: a finite number, the index of a level
/// (the number of levels stands for every other level), or NaN where the value is unknown.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureRow(Vec<f64>);

impl FeatureRow {
    /// The packed values; NaN where unknown.
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// A checked row in which checked values were changed.
    pub(crate) fn changed(values: Vec<f64>) -> Self {
        Self(values)
    }
}

/// What is wrong with one value of a row.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RowProblem {
    /// The model has no such feature.
    #[error("the model has no feature `{0}`; the features it uses are listed in its description (GetModel)")]
    UnknownFeature(String),
    /// The same feature twice.
    #[error("feature `{0}` is given twice")]
    Repeated(String),
    /// Text or an index where a number belongs.
    #[error("feature `{feature}` is a number, got the text `{text}`")]
    NotANumber {
        /// The feature.
        feature: String,
        /// What was given.
        text: String,
    },
    /// A number where a level belongs.
    #[error("feature `{feature}` is a category, got the number {number}; send its level as text")]
    NotALevel {
        /// The feature.
        feature: String,
        /// What was given.
        number: f64,
    },
    /// Infinity or NaN as a value.
    #[error("feature `{0}` must be a finite number; leave it out where it is not known")]
    NotFinite(String),
    /// A packed row of the wrong length.
    #[error("{got} packed values, but the model has {expected} features; fetch its schema again")]
    Length {
        /// Values given.
        got: usize,
        /// Features of the model.
        expected: usize,
    },
    /// A packed level that does not exist.
    #[error("feature `{feature}` has levels 0 to {levels} ({levels} stands for any other level), got {got}")]
    NoSuchLevel {
        /// The feature.
        feature: String,
        /// Number of levels.
        levels: usize,
        /// What was given.
        got: f64,
    },
}

/// The source features of a model, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    features: Vec<SourceFeature>,
    /// Which of them are confidential: asked for every factor of every score.
    confidential: Vec<bool>,
    digest: String,
}

impl Schema {
    /// A schema of these features.
    pub fn new(features: Vec<SourceFeature>) -> Self {
        let mut hash = Sha256::new();
        for feature in &features {
            hash.update(feature.name.as_bytes());
            hash.update([0]);
            if let FeatureKind::Categorical { levels, .. } = &feature.kind {
                for level in levels {
                    hash.update([1]);
                    hash.update(level.as_bytes());
                }
            }
            hash.update([2]);
        }
        let digest = hex(&hash.finalize());
        let confidential = features.iter().map(|feature| feature.confidential).collect();
        Self { features, confidential, digest }
    }

    /// Whether the feature at this position comes from confidential answers; so does one that does not exist.
    pub fn is_confidential(&self, position: usize) -> bool {
        self.confidential.get(position).copied().unwrap_or(true)
    }

    /// The features in order.
    pub fn features(&self) -> &[SourceFeature] {
        &self.features
    }

    /// SHA-256 (hex) over names, order and levels: equal digests mean that packed rows mean the same.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The position of a feature.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.features.iter().position(|feature| feature.name == name)
    }

    /// The feature of a name.
    pub fn feature(&self, name: &str) -> Option<&SourceFeature> {
        self.features.iter().find(|feature| feature.name == name)
    }

    /// One value as a packed number.
    ///
    /// # Errors
    /// A number that is not finite, text for a number or a number for a level.
    pub fn pack_value(feature: &SourceFeature, value: &Value) -> Result<f64, RowProblem> {
        match (&feature.kind, value) {
            (_, Value::Unknown) => Ok(f64::NAN),
            (FeatureKind::Numeric { .. }, Value::Number(number)) if number.is_finite() => Ok(*number),
            (FeatureKind::Numeric { .. }, Value::Number(_)) => Err(RowProblem::NotFinite(feature.name.clone())),
            (FeatureKind::Numeric { .. }, Value::Level(text)) => {
                Err(RowProblem::NotANumber { feature: feature.name.clone(), text: text.clone() })
            }
            (FeatureKind::Categorical { .. }, Value::Number(number)) => {
                Err(RowProblem::NotALevel { feature: feature.name.clone(), number: *number })
            }
            (FeatureKind::Categorical { levels, .. }, Value::Level(text)) => {
                let text = text.trim();
                Ok(if text.is_empty() {
                    f64::NAN
                } else {
                    levels.iter().position(|level| level == text).unwrap_or(levels.len()) as f64
                })
            }
        }
    }

    /// A row from named values; a feature that is not named is unknown. All problems at once, each with the position of the
    /// value it belongs to.
    ///
    /// # Errors
    /// Names that the model does not have (a native feature that this model does not use is ignored), names given twice,
    /// values of the wrong kind.
    pub fn row<'a>(
        &self,
        values: impl IntoIterator<Item = (&'a str, &'a Value)>,
    ) -> Result<FeatureRow, Vec<(usize, RowProblem)>> {
        let mut row = vec![f64::NAN; self.features.len()];
        let mut seen = vec![false; self.features.len()];
        let mut problems = Vec::new();
        for (index, (name, value)) in values.into_iter().enumerate() {
            let Some(position) = self.position(name) else {
                if crate::features::position(name).is_none() {
                    problems.push((index, RowProblem::UnknownFeature(name.to_owned())));
                }
                continue;
            };
            let (Some(feature), Some(cell), Some(seen)) =
                (self.features.get(position), row.get_mut(position), seen.get_mut(position))
            else {
                continue;
            };
            if std::mem::replace(seen, true) {
                problems.push((index, RowProblem::Repeated(name.to_owned())));
                continue;
            }
            match Self::pack_value(feature, value) {
                Ok(packed) => *cell = packed,
                Err(problem) => problems.push((index, problem)),
            }
        }
        if problems.is_empty() { Ok(FeatureRow(row)) } else { Err(problems) }
    }

    /// A row from packed values in the schema's order; NaN where unknown.
    ///
    /// # Errors
    /// The wrong number of values, infinities, levels that do not exist; each with the position of the value.
    pub fn packed_row(&self, values: Vec<f64>) -> Result<FeatureRow, Vec<(usize, RowProblem)>> {
        if values.len() != self.features.len() {
            return Err(vec![(0, RowProblem::Length { got: values.len(), expected: self.features.len() })]);
        }
        let mut problems = Vec::new();
        for (index, (feature, &value)) in self.features.iter().zip(&values).enumerate() {
            if value.is_infinite() {
                problems.push((index, RowProblem::NotFinite(feature.name.clone())));
            } else if let FeatureKind::Categorical { levels, .. } = &feature.kind
                && !value.is_nan()
                && !(0..=levels.len()).any(|level| (level as f64).to_bits() == value.to_bits())
            {
                problems.push((
                    index,
                    RowProblem::NoSuchLevel { feature: feature.name.clone(), levels: levels.len(), got: value },
                ));
            }
        }
        if problems.is_empty() { Ok(FeatureRow(values)) } else { Err(problems) }
    }

    /// A value of a packed row as people write it.
    pub fn value(&self, row: &FeatureRow, feature: usize) -> Value {
        let Some((feature, &packed)) = self.features.get(feature).zip(row.0.get(feature)) else {
            return Value::Unknown;
        };
        if packed.is_nan() {
            return Value::Unknown;
        }
        match &feature.kind {
            FeatureKind::Numeric { .. } => Value::Number(packed),
            FeatureKind::Categorical { levels, .. } => {
                Value::Level(levels.get(packed as usize).cloned().unwrap_or_else(|| "any other level".to_owned()))
            }
        }
    }
}

/// Lower-case hexadecimal digits of some bytes.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
