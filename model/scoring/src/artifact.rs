//! The artifact: one self-describing JSON file with everything needed to score, explain, bound and refuse.
//!
//! The file is `{"format":...,"version":1,"sha256":...,"content":{...}}` in compact form. The hash is over the bytes of
//! `content`; loading checks the form of the envelope byte for byte, the hash, and that the content makes sense.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::encoding::Encoding;
use crate::metrics::Metrics;
use crate::pair::{Pair, Recurring};
use crate::rules::RuleEnsemble;
use crate::schema::{FeatureKind, SourceFeature, hex};

const FORMAT: &str = "flight-risk-model";
/// Version of the format that this code reads and writes.
pub const FORMAT_VERSION: u32 = 2;
/// Name of the artifact's file in a model directory.
pub const FILE_NAME: &str = "model.json";
/// Digits of the digest that make the model version that people see.
const VERSION_DIGITS: usize = 12;

/// What the probability of a model speaks about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Target {
    /// A voluntary exit within one period of employment, compounded over horizons.
    Hazard {
        /// Length of a period in months.
        period_months: u32,
        /// Days between the day on which the facts are known and the start of the period that they predict (the blackout).
        blackout_days: u32,
        /// Horizons in months, ascending.
        horizons_months: Vec<u32>,
        /// The horizon of the headline risk; one of `horizons_months`.
        risk_horizon_months: u32,
    },
    /// The target column of a flat table, one probability per row.
    SinglePeriod {
        /// Name of the target column.
        target: String,
        /// Its value that is predicted.
        positive: String,
        /// Name of the column that identifies a row; `None`: rows are numbered.
        id_column: Option<String>,
    },
}

/// An affine correction of the log-odds: `slope x log-odds + intercept` (Platt 1999).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Factor, positive.
    pub slope: f64,
    /// Added after it.
    pub intercept: f64,
}

impl Calibration {
    /// Changes nothing.
    pub const NONE: Self = Self { slope: 1.0, intercept: 0.0 };
}

/// The population from which contributions are measured: the rows on which the model was fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Mean of every column.
    pub column_means: Vec<f64>,
    /// Rows.
    pub rows: u64,
    /// Rows with a voluntary exit.
    pub events: u64,
    /// Different employees.
    pub employees: u64,
}

/// Base rates: what one would say of an employee about whom nothing is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaseRates {
    /// Observed rate per period (or per row of a flat table).
    pub period: f64,
    /// The rate at each horizon, parallel to the target's horizons; empty for a flat table.
    pub horizons: Vec<f64>,
}

impl BaseRates {
    /// The rate at the headline horizon; for a flat table that of a row.
    pub fn headline(&self, target: &Target) -> f64 {
        let position = match target {
            Target::Hazard { horizons_months, risk_horizon_months, .. } => {
                horizons_months.iter().position(|months| months == risk_horizon_months)
            }
            Target::SinglePeriod { .. } => None,
        };
        position.and_then(|i| self.horizons.get(i)).copied().unwrap_or(self.period)
    }
}

/// Probabilities from which a headline risk counts as elevated and as high.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bands {
    /// Lower bound of `elevated`.
    pub elevated: f64,
    /// Lower bound of `high`.
    pub high: f64,
}

/// Beyond these the model says that it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Fewest known features of all but a thousandth of the training rows.
    pub min_known_features: u32,
    /// Largest standard error (of the log-odds) that is still answered: a multiple of the largest one in training.
    pub max_standard_error: f64,
}

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Version of the software that trained it.
    pub software_version: String,
    /// SHA-256 (hex) over the training data's files.
    pub data_digest: String,
    /// First and last day (or time label) of the training rows; `None` where there is no time.
    pub data_from: Option<String>,
    /// See `data_from`.
    pub data_until: Option<String>,
    /// The configuration, in TOML.
    pub config: String,
    /// Seed of every random choice.
    pub seed: u64,
    /// The penalty of each block of coefficients, and what it leaves of the block.
    pub blocks: Vec<Block>,
    /// What was noticed while training and matters to who uses the model.
    pub notes: Vec<String>,
}

/// Coefficients that share a penalty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// What they are: `straight lines`, `unknown values`, `curve of ...`, `levels of ...`, `... with ...`.
    pub name: String,
    /// How many there are.
    pub columns: u32,
    /// Weight of half the sum of their squares against the summed log-loss.
    pub penalty: f64,
    /// How many of them the penalty leaves free (the trace of their part of the influence matrix).
    pub effective_parameters: f64,
}

/// Rules of up to three conditions, and how much they count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulePart {
    /// Factor of their log-odds, positive.
    pub weight: f64,
    /// The rules.
    pub ensemble: RuleEnsemble,
}

/// Everything needed to score, explain, bound and refuse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArtifactContent {
    /// What the probability speaks about.
    pub target: Target,
    /// The source features, in the order of packed rows.
    pub features: Vec<SourceFeature>,
    /// How each becomes columns, parallel to `features`.
    pub encodings: Vec<Encoding>,
    /// Log-odds at zero in every column.
    pub intercept: f64,
    /// Log-odds per unit of each column.
    pub coefficients: Vec<f64>,
    /// Covariance of intercept (first) and coefficients: lower triangle, row by row.
    pub covariance: Vec<f64>,
    /// What is added to the covariance of each feature's own coefficients where its effect is told by itself: lower triangles,
    /// row by row, parallel to `features`; empty in models of before there was such a thing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effect_doubts: Vec<Vec<f64>>,
    /// Effects of two features together, beyond their own.
    pub pairs: Vec<Pair>,
    /// Effects of exact values that recur, where rows of one employee are told apart by nothing else.
    pub recurring: Option<Recurring>,
    /// Correction of the log-odds of all of the above.
    pub calibration: Calibration,
    /// Rules beside them, where they tell more.
    pub rules: Option<RulePart>,
    /// The population from which contributions are measured.
    pub reference: Reference,
    /// How much of each feature's contribution is still there one period later, 0 to 1, parallel to `features`; 1 for clocks,
    /// which move by themselves, and for a flat table.
    pub persistence: Vec<f64>,
    /// Added to the log-odds of each later period so that its mean is the observed one; index: periods moved forward. Empty
    /// for a flat table.
    pub lead_shifts: Vec<f64>,
    /// Mean absolute contribution of every feature over that population, in log-odds, parallel to `features`.
    pub importance: Vec<f64>,
    /// Base rates.
    pub base_rates: BaseRates,
    /// Bands of the headline risk.
    pub bands: Bands,
    /// When to abstain.
    pub limits: Limits,
    /// How good the model proved.
    pub metrics: Metrics,
    /// Where it comes from.
    pub provenance: Provenance,
}

/// A checked artifact.
#[derive(Clone, Debug, PartialEq)]
pub struct Artifact {
    content: ArtifactContent,
    sha256: String,
}

/// Why an artifact is refused.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// Not JSON of the expected form.
    #[error(
        "not a flight-risk model: {0}; the file is damaged or something else, train again or restore it from a backup"
    )]
    Form(#[source] serde_json::Error),
    /// Written for another format or version.
    #[error(
        "format `{format}` version {version} is not one that this program reads (`{FORMAT}` version {FORMAT_VERSION}); train again with this version"
    )]
    Version {
        /// The format named in the file.
        format: String,
        /// The version named in the file.
        version: u32,
    },
    /// The bytes are not those that were written.
    #[error(
        "the file was altered or cut short: its content does not match its SHA-256; restore it from a backup or train again"
    )]
    Altered,
    /// The hash is right but the content contradicts itself.
    #[error("the model contradicts itself: {0}; train again")]
    Inconsistent(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'a> {
    format: String,
    version: u32,
    sha256: String,
    #[serde(borrow)]
    content: &'a RawValue,
}

impl Artifact {
    /// Checks the content and computes its digest.
    ///
    /// # Errors
    /// [`ArtifactError::Inconsistent`] when lengths do not fit, or a number is not finite or out of its range.
    pub fn new(content: ArtifactContent) -> Result<Self, ArtifactError> {
        check(&content).map_err(ArtifactError::Inconsistent)?;
        let json = serde_json::to_string(&content).map_err(ArtifactError::Form)?;
        Ok(Self { content, sha256: digest(&json) })
    }

    /// The file's text.
    ///
    /// # Errors
    /// Only when serialisation fails.
    pub fn to_json(&self) -> Result<String, ArtifactError> {
        let json = serde_json::to_string(&self.content).map_err(ArtifactError::Form)?;
        let content = serde_json::from_str::<&RawValue>(&json).map_err(ArtifactError::Form)?;
        let envelope = Envelope { format: FORMAT.to_owned(), version: FORMAT_VERSION, sha256: digest(&json), content };
        serde_json::to_string(&envelope).map_err(ArtifactError::Form)
    }

    /// Reads and checks a file's text.
    ///
    /// # Errors
    /// See [`ArtifactError`].
    pub fn from_json(text: &str) -> Result<Self, ArtifactError> {
        let envelope: Envelope<'_> = serde_json::from_str(text).map_err(ArtifactError::Form)?;
        if envelope.format != FORMAT || envelope.version != FORMAT_VERSION {
            return Err(ArtifactError::Version { format: envelope.format, version: envelope.version });
        }
        let written = serde_json::to_string(&envelope).map_err(ArtifactError::Form)?;
        if digest(envelope.content.get()) != envelope.sha256 || written != text {
            return Err(ArtifactError::Altered);
        }
        let content: ArtifactContent = serde_json::from_str(envelope.content.get()).map_err(ArtifactError::Form)?;
        check(&content).map_err(ArtifactError::Inconsistent)?;
        Ok(Self { content, sha256: envelope.sha256 })
    }

    /// The checked content.
    pub fn content(&self) -> &ArtifactContent {
        &self.content
    }

    /// SHA-256 (hex) of the content.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The version that replies carry: the first digits of the digest.
    pub fn model_version(&self) -> &str {
        self.sha256.get(..VERSION_DIGITS).unwrap_or(&self.sha256)
    }
}

fn digest(json: &str) -> String {
    hex(&Sha256::digest(json.as_bytes()))
}

fn check(content: &ArtifactContent) -> Result<(), String> {
    let columns: usize = content.encodings.iter().map(Encoding::width).sum();
    let same = |what: &str, got: usize, expected: usize| {
        if got == expected { Ok(()) } else { Err(format!("{got} {what} where {expected} belong")) }
    };
    let finite = |what: &str, values: &[f64]| {
        if values.iter().all(|value| value.is_finite()) { Ok(()) } else { Err(format!("{what} not finite")) }
    };
    same("encodings", content.encodings.len(), content.features.len())?;
    same("coefficients", content.coefficients.len(), columns)?;
    same("column means", content.reference.column_means.len(), columns)?;
    same("persistences", content.persistence.len(), content.features.len())?;
    finite("lead shift", &content.lead_shifts)?;
    if !content.persistence.iter().all(|p| (0.0..=1.0).contains(p)) {
        return Err("a persistence is not between 0 and 1".to_owned());
    }
    same("importances", content.importance.len(), content.features.len())?;
    same("covariances", content.covariance.len(), (columns + 1) * (columns + 2) / 2)?;
    if !content.effect_doubts.is_empty() {
        same("doubts of effects", content.effect_doubts.len(), content.features.len())?;
    }
    for (doubts, encoding) in content.effect_doubts.iter().zip(&content.encodings) {
        same("doubts of an effect", doubts.len(), encoding.width() * (encoding.width() + 1) / 2)?;
        finite("doubt of an effect", doubts)?;
    }
    finite("coefficient", &content.coefficients)?;
    finite("column mean", &content.reference.column_means)?;
    finite("covariance", &content.covariance)?;
    finite("importance", &content.importance)?;
    finite("intercept or calibration", &[content.intercept, content.calibration.slope, content.calibration.intercept])?;
    let rates = content.base_rates.horizons.iter().chain([
        &content.base_rates.period,
        &content.bands.elevated,
        &content.bands.high,
    ]);
    if !rates.into_iter().all(|rate| (0.0..=1.0).contains(rate)) {
        return Err("a base rate or band is no probability".to_owned());
    }
    if content.calibration.slope <= 0.0 {
        return Err("the slope of the calibration is not positive".to_owned());
    }
    if content.limits.max_standard_error.is_nan() || content.limits.max_standard_error <= 0.0 {
        return Err("the largest standard error is not positive".to_owned());
    }
    for (feature, encoding) in content.features.iter().zip(&content.encodings) {
        let fits = match (&feature.kind, encoding) {
            (
                FeatureKind::Numeric { min, max, typical },
                Encoding::Standardised { mean, scale, .. } | Encoding::LogStandardised { mean, scale, .. },
            ) => [min, max, typical, mean, scale].into_iter().all(|x| x.is_finite()) && *scale > 0.0 && min <= max,
            (FeatureKind::Numeric { min, max, typical }, Encoding::Spline { knots, .. }) => {
                [min, max, typical].into_iter().chain(knots).all(|x| x.is_finite())
                    && knots.len() > 1
                    && knots.is_sorted_by(|a, b| a < b)
                    && min <= max
            }
            (FeatureKind::Categorical { levels, .. }, Encoding::OneHot { levels: count, .. }) => levels.len() == *count,
            _ => false,
        };
        if !fits {
            return Err(format!("feature `{}` does not fit its encoding", feature.name));
        }
    }
    for pair in &content.pairs {
        pair.check(content.features.len())?;
    }
    if let Some(recurring) = &content.recurring {
        recurring.check(content.features.len())?;
    }
    if let Some(rules) = &content.rules {
        if !(rules.weight > 0.0 && rules.weight.is_finite()) {
            return Err("the weight of the rules is not positive".to_owned());
        }
        rules.ensemble.check(&content.features)?;
    }
    if let Target::Hazard { period_months, horizons_months, risk_horizon_months, .. } = &content.target {
        same("base rates", content.base_rates.horizons.len(), horizons_months.len())?;
        let whole = |months: &u32| *months > 0 && months.is_multiple_of(*period_months);
        if *period_months == 0 || !horizons_months.iter().all(whole) || !horizons_months.is_sorted_by(|a, b| a < b) {
            return Err("the horizons are not ascending whole numbers of periods".to_owned());
        }
        if !horizons_months.contains(risk_horizon_months) {
            return Err("the headline horizon is not one of the horizons".to_owned());
        }
    }
    let names: std::collections::HashSet<&str> = content.features.iter().map(|feature| feature.name.as_str()).collect();
    same("different feature names", names.len(), content.features.len())
}
