//! The same as [`convert_score`](crate::grpc::convert_score), written straight into the bytes of the reply.
//!
//! A score with all its factors has some two hundred texts and numbers, most of which are the same for every employee. To make
//! a message of it and to encode that costs several times what computing the score costs; so what does not change is encoded
//! once per model. A test holds the bytes against those of the message.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use bytes::{BufMut, Bytes};
use flight_risk_proto::v1;
use flight_risk_scoring::explain::{Factor, FactorWords};
use flight_risk_scoring::schema::{FeatureKind, FeatureRow, SourceFeature, Value};
use flight_risk_scoring::scorer::Band;
use flight_risk_scoring::{Assessment, Scorer};
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};

use crate::access::fields::FieldRules;
use crate::grpc::convert_score::{self, Told, shown_factors};

/// Field numbers of the messages that are written here (employee_score.proto); the test fails if they are others.
mod field {
    pub(super) const SCORE_ASSESSMENT: u32 = 4;
    pub(super) const ASSESSMENT_FACTORS: u32 = 11;
    pub(super) const ASSESSMENT_REMAINING: u32 = 12;
    pub(super) const FACTOR_VALUE: u32 = 4;
    pub(super) const FACTOR_CONTRIBUTION: u32 = 6;
    pub(super) const FACTOR_DIRECTION: u32 = 7;
    pub(super) const FACTOR_TEXT: u32 = 10;
    pub(super) const VALUE_NUMBER: u32 = 1;
}

/// Bytes of a double without its key.
const DOUBLE_BYTES: usize = 8;

/// What of a feature's factor is the same for everybody.
#[derive(Debug)]
struct Shape {
    /// Name, label and family.
    head: Vec<u8>,
    /// What is typical.
    typical: Vec<u8>,
    /// Actionable, confidential.
    tail: Vec<u8>,
    words: FactorWords,
    confidential: bool,
    numeric: bool,
}

impl Shape {
    fn of(feature: &SourceFeature) -> Self {
        let head = v1::Factor {
            feature: feature.name.clone(),
            label: feature.label.clone(),
            family: convert_score::family(feature.family).into(),
            ..Default::default()
        };
        let typical = v1::Factor { typical: convert_score::typical(feature), ..Default::default() };
        let tail =
            v1::Factor { actionable: feature.actionable, confidential: feature.confidential, ..Default::default() };
        Self {
            head: head.encode_to_vec(),
            typical: typical.encode_to_vec(),
            tail: tail.encode_to_vec(),
            words: FactorWords::of(feature),
            confidential: feature.confidential,
            numeric: matches!(feature.kind, FeatureKind::Numeric { .. }),
        }
    }
}

/// The shapes of one model.
#[derive(Debug)]
pub(crate) struct Shapes {
    sha256: String,
    features: Vec<Shape>,
}

/// The shapes of the model that scored last.
#[derive(Debug, Default)]
pub(crate) struct ShapeCache(ArcSwapOption<Shapes>);

impl ShapeCache {
    /// The shapes of a model; made when it scores for the first time.
    pub(crate) fn of(&self, scorer: &Scorer) -> Arc<Shapes> {
        let sha256 = scorer.artifact().sha256();
        if let Some(shapes) = self.0.load_full().filter(|shapes| shapes.sha256 == sha256) {
            return shapes;
        }
        let features = scorer.schema().features().iter().map(Shape::of).collect();
        let shapes = Arc::new(Shapes { sha256: sha256.to_owned(), features });
        self.0.store(Some(Arc::clone(&shapes)));
        shapes
    }
}

/// What an employee's score is told with.
pub(crate) struct Heading<'a> {
    /// The employee, as asked for.
    pub(crate) employee_id: String,
    /// The request's identifier.
    pub(crate) request_id: String,
    /// Most factors.
    pub(crate) max_factors: usize,
    /// What of the answer the caller may see.
    pub(crate) fields: FieldRules,
    /// The shapes of the model.
    pub(crate) shapes: &'a Shapes,
}

/// An encoded `EmployeeScore`, and how many factors are in it.
#[derive(Clone, Debug)]
pub(crate) struct Encoded {
    /// The message.
    pub(crate) score: Bytes,
    /// Its factors.
    pub(crate) factors: usize,
    /// Whether it says that the model does not know.
    pub(crate) abstained: bool,
}

/// What a model says of a row.
pub(crate) fn score(scorer: &Scorer, row: &FeatureRow, assessment: &Assessment, heading: Heading<'_>) -> Encoded {
    let Heading { employee_id, request_id, max_factors, fields, shapes } = heading;
    let told = Told::by(scorer, row, assessment);
    let model_version = scorer.artifact().model_version().to_owned();
    let mut reply = v1::EmployeeScore { employee_id, request_id, model_version, outcome: None };
    if assessment.band == Band::Abstained {
        reply.outcome = Some(convert_score::outcome(&told, max_factors, fields));
        return Encoded { score: reply.encode_to_vec().into(), factors: 0, abstained: true };
    }
    let (shown, remaining) = shown_factors(&told, max_factors, fields);
    let head = convert_score::assessment(&told, Vec::new(), 0.0);
    let mut factors = Vec::with_capacity(shown.len() * 192);
    let mut text = String::with_capacity(128);
    for factor in &shown {
        if let Some(shape) = shapes.features.get(factor.feature) {
            write_factor(&mut factors, shape, scorer, row, factor, &mut text);
        }
    }
    let rest = if remaining == 0.0 { 0 } else { key_len(field::ASSESSMENT_REMAINING) + DOUBLE_BYTES };
    let length = head.encoded_len() + factors.len() + rest;
    let before = reply.encoded_len() + key_len(field::SCORE_ASSESSMENT) + encoded_len_varint(length as u64);
    let mut out = Vec::with_capacity(before + length);
    reply.encode_raw(&mut out);
    encode_key(field::SCORE_ASSESSMENT, WireType::LengthDelimited, &mut out);
    encode_varint(length as u64, &mut out);
    head.encode_raw(&mut out);
    out.extend_from_slice(&factors);
    if rest > 0 {
        write_double(&mut out, field::ASSESSMENT_REMAINING, remaining);
    }
    Encoded { score: out.into(), factors: shown.len(), abstained: false }
}

fn write_double(out: &mut Vec<u8>, number: u32, value: f64) {
    encode_key(number, WireType::SixtyFourBit, out);
    out.put_f64_le(value);
}

fn write_factor(
    out: &mut Vec<u8>,
    shape: &Shape,
    scorer: &Scorer,
    row: &FeatureRow,
    factor: &Factor,
    text: &mut String,
) {
    /// Key, length, and the double of a number with its key.
    const NUMBER_BYTES: usize = 2 + 1 + DOUBLE_BYTES;
    /// Key and double of the contribution.
    const CONTRIBUTION_BYTES: usize = 1 + DOUBLE_BYTES;
    /// Key and value of the direction.
    const DIRECTION_BYTES: usize = 2;
    text.clear();
    let number = row.values().get(factor.feature).copied().unwrap_or(f64::NAN);
    let mut level = Vec::new();
    if shape.numeric || shape.confidential {
        shape.words.write_number(text, number);
    } else {
        let value = scorer.schema().value(row, factor.feature);
        text.push_str(&shape.words.text(&value));
        if value != Value::Unknown {
            level = v1::Factor { value: convert_score::feature_value(value), ..Default::default() }.encode_to_vec();
        }
    }
    let has_number = shape.numeric && !shape.confidential && !number.is_nan();
    let contribution = !shape.confidential;
    let length = shape.head.len()
        + if has_number { NUMBER_BYTES } else { level.len() }
        + shape.typical.len()
        + if contribution { CONTRIBUTION_BYTES } else { 0 }
        + DIRECTION_BYTES
        + shape.tail.len()
        + if text.is_empty() { 0 } else { 1 + encoded_len_varint(text.len() as u64) + text.len() };
    encode_key(field::ASSESSMENT_FACTORS, WireType::LengthDelimited, out);
    encode_varint(length as u64, out);
    out.extend_from_slice(&shape.head);
    if has_number {
        encode_key(field::FACTOR_VALUE, WireType::LengthDelimited, out);
        encode_varint((1 + DOUBLE_BYTES) as u64, out);
        write_double(out, field::VALUE_NUMBER, number);
    } else {
        out.extend_from_slice(&level);
    }
    out.extend_from_slice(&shape.typical);
    if contribution {
        write_double(out, field::FACTOR_CONTRIBUTION, factor.contribution_log_odds);
    }
    encode_key(field::FACTOR_DIRECTION, WireType::Varint, out);
    encode_varint(convert_score::direction(factor.contribution_log_odds) as u64, out);
    out.extend_from_slice(&shape.tail);
    if !text.is_empty() {
        encode_key(field::FACTOR_TEXT, WireType::LengthDelimited, out);
        encode_varint(text.len() as u64, out);
        out.extend_from_slice(text.as_bytes());
    }
}
