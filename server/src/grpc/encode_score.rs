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
use flight_risk_scoring::schema::{FeatureKind, FeatureRow, SourceFeature};
use flight_risk_scoring::scorer::Band;
use flight_risk_scoring::{Assessment, Scorer};
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};

use crate::access::fields::FieldRules;
use crate::grpc::convert_score::{self, Told, shown_factors};

/// Field numbers of the messages that are written here (employee_score.proto); the test fails if they are others.
mod field {
    pub(super) const SCORE_EMPLOYEE_ID: u32 = 1;
    pub(super) const SCORE_REQUEST_ID: u32 = 2;
    pub(super) const SCORE_MODEL_VERSION: u32 = 3;
    pub(super) const SCORE_ASSESSMENT: u32 = 4;
    pub(super) const ASSESSMENT_FACTORS: u32 = 11;
    pub(super) const ASSESSMENT_REMAINING: u32 = 12;
    pub(super) const FACTOR_VALUE: u32 = 4;
    pub(super) const FACTOR_CONTRIBUTION: u32 = 6;
    pub(super) const FACTOR_DIRECTION: u32 = 7;
    pub(super) const FACTOR_TEXT: u32 = 10;
}

/// Bytes of a double without its key.
const DOUBLE_BYTES: usize = 8;

/// What of a feature's factor is the same for everybody.
#[derive(Debug)]
struct Shape {
    /// Of a factor whose value is a number, or is not told.
    plain: Template,
    /// Of one whose value is a number that is not known.
    unknown: Template,
    words: FactorWords,
    confidential: bool,
    numeric: bool,
    /// Before and behind what is written of a level: name, label and family; what is typical and all else.
    around_level: (Vec<u8>, Template),
}

/// The bytes of a factor but for its text, with places for what differs.
#[derive(Debug)]
struct Template {
    bytes: Vec<u8>,
    number: Option<usize>,
    contribution: Option<usize>,
    direction: usize,
}

impl Template {
    /// The template of which this factor has the fixed parts; its value, if it has one, is a number.
    fn of(factor: &v1::Factor) -> Self {
        let mut bytes = Vec::new();
        let v1::Factor { feature, label, family, typical, actionable, confidential, .. } = factor.clone();
        v1::Factor { feature, label, family, ..Default::default() }.encode_raw(&mut bytes);
        let number = factor.value.is_some().then(|| {
            encode_key(field::FACTOR_VALUE, WireType::LengthDelimited, &mut bytes);
            let value = v1::FeatureValue { value: Some(v1::feature_value::Value::Number(0.0)) };
            bytes.extend(value.encode_length_delimited_to_vec());
            bytes.len() - DOUBLE_BYTES
        });
        v1::Factor { typical, ..Default::default() }.encode_raw(&mut bytes);
        let contribution = factor.contribution_log_odds.is_some().then(|| {
            write_double(&mut bytes, field::FACTOR_CONTRIBUTION, 0.0);
            bytes.len() - DOUBLE_BYTES
        });
        encode_key(field::FACTOR_DIRECTION, WireType::Varint, &mut bytes);
        let direction = bytes.len();
        bytes.push(0);
        v1::Factor { actionable, confidential, ..Default::default() }.encode_raw(&mut bytes);
        Self { bytes, number, contribution, direction }
    }

    /// Appends the bytes with these values in their places.
    fn write(&self, out: &mut Vec<u8>, number: f64, contribution: f64) {
        let start = out.len();
        out.extend_from_slice(&self.bytes);
        let mut put = |place: Option<usize>, bytes: &[u8]| {
            let place = place.map(|place| start + place);
            if let Some(gap) = place.and_then(|place| out.get_mut(place..place + bytes.len())) {
                gap.copy_from_slice(bytes);
            }
        };
        put(self.number, &number.to_le_bytes());
        put(self.contribution, &contribution.to_le_bytes());
        put(Some(self.direction), &[convert_score::direction(contribution) as u8]);
    }
}

impl Shape {
    fn of(feature: &SourceFeature) -> Self {
        let numeric = matches!(feature.kind, FeatureKind::Numeric { .. });
        let unknown = v1::Factor {
            feature: feature.name.clone(),
            label: feature.label.clone(),
            family: convert_score::family(feature.family).into(),
            typical: convert_score::typical(feature),
            contribution_log_odds: (!feature.confidential).then_some(0.0),
            actionable: feature.actionable,
            confidential: feature.confidential,
            ..Default::default()
        };
        let told = numeric && !feature.confidential;
        let plain = v1::Factor { value: told.then(v1::FeatureValue::default), ..unknown.clone() };
        let v1::Factor { feature: name, label, family, .. } = unknown.clone();
        let head = v1::Factor { feature: name.clone(), label: label.clone(), family, ..Default::default() };
        let behind = v1::Factor { feature: String::new(), label: String::new(), family: 0, ..unknown.clone() };
        Self {
            plain: Template::of(&plain),
            unknown: Template::of(&unknown),
            words: FactorWords::of(feature),
            confidential: feature.confidential,
            numeric,
            around_level: (head.encode_to_vec(), Template::of(&behind)),
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
    pub(crate) employee_id: &'a str,
    /// The request's identifier.
    pub(crate) request_id: &'a str,
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
    let model_version = scorer.artifact().model_version();
    if assessment.band == Band::Abstained {
        let outcome = Some(convert_score::outcome(&told, max_factors, fields));
        let (employee_id, request_id) = (employee_id.to_owned(), request_id.to_owned());
        let reply = v1::EmployeeScore { employee_id, request_id, model_version: model_version.to_owned(), outcome };
        return Encoded { score: reply.encode_to_vec().into(), factors: 0, abstained: true };
    }
    let (shown, remaining) = shown_factors(&told, max_factors, fields);
    let head = convert_score::assessment(&told, Vec::new(), 0.0);
    // What comes before the factors, and what a factor's text and length take, mostly.
    const HEAD_BYTES: usize = 384;
    const TEXT_BYTES: usize = 64;
    // Nearly every assessment has a length of two bytes; it is known when the assessment is written.
    const GAP: usize = 2;
    let shape = |factor: &Factor| shapes.features.get(factor.feature);
    let factor_bytes = shown.iter().filter_map(shape).map(|shape| shape.plain.bytes.len() + TEXT_BYTES).sum::<usize>();
    let mut out = Vec::with_capacity(HEAD_BYTES + employee_id.len() + request_id.len() + factor_bytes);
    write_text(&mut out, field::SCORE_EMPLOYEE_ID, employee_id);
    write_text(&mut out, field::SCORE_REQUEST_ID, request_id);
    write_text(&mut out, field::SCORE_MODEL_VERSION, model_version);
    encode_key(field::SCORE_ASSESSMENT, WireType::LengthDelimited, &mut out);
    let before = out.len() + GAP;
    out.resize(before, 0);
    head.encode_raw(&mut out);
    let mut text = String::with_capacity(TEXT_BYTES);
    for factor in &shown {
        if let Some(shape) = shape(factor) {
            write_factor(&mut out, shape, scorer, row, factor, &mut text);
        }
    }
    if remaining != 0.0 {
        write_double(&mut out, field::ASSESSMENT_REMAINING, remaining);
    }
    write_length(&mut out, before - GAP..before);
    Encoded { score: out.into(), factors: shown.len(), abstained: false }
}

/// Writes how many bytes follow the gap into it, in as many bytes as that takes.
fn write_length(out: &mut Vec<u8>, gap: std::ops::Range<usize>) {
    /// A varint has no more bytes.
    const MOST: usize = 10;
    let length = (out.len() - gap.end) as u64;
    let mut room = [0; MOST];
    let mut rest = room.as_mut_slice();
    encode_varint(length, &mut rest);
    let used = MOST - rest.len();
    let bytes = room.get(..used).unwrap_or_default();
    match out.get_mut(gap.clone()) {
        Some(place) if place.len() == used => place.copy_from_slice(bytes),
        _ => drop(out.splice(gap, bytes.iter().copied())),
    }
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
    text.clear();
    let number = row.values().get(factor.feature).copied().unwrap_or(f64::NAN);
    let contribution = factor.contribution_log_odds;
    if shape.numeric || shape.confidential {
        shape.words.write_number(text, number);
        let template = if number.is_nan() { &shape.unknown } else { &shape.plain };
        open_factor(out, template.bytes.len(), text);
        template.write(out, number, contribution);
    } else {
        let value = scorer.schema().value(row, factor.feature);
        text.push_str(&shape.words.text(&value));
        let level = v1::Factor { value: convert_score::feature_value(value), ..Default::default() }.encode_to_vec();
        let (head, behind) = &shape.around_level;
        open_factor(out, head.len() + level.len() + behind.bytes.len(), text);
        out.extend_from_slice(head);
        out.extend_from_slice(&level);
        behind.write(out, number, contribution);
    }
    write_text(out, field::FACTOR_TEXT, text);
}

/// Writes a text; one that is empty is left out, as in every message.
fn write_text(out: &mut Vec<u8>, number: u32, text: &str) {
    if !text.is_empty() {
        encode_key(number, WireType::LengthDelimited, out);
        encode_varint(text.len() as u64, out);
        out.extend_from_slice(text.as_bytes());
    }
}

/// Begins a factor of so many bytes and this text.
fn open_factor(out: &mut Vec<u8>, bytes: usize, text: &str) {
    let text_bytes = if text.is_empty() { 0 } else { 1 + encoded_len_varint(text.len() as u64) + text.len() };
    encode_key(field::ASSESSMENT_FACTORS, WireType::LengthDelimited, out);
    encode_varint((bytes + text_bytes) as u64, out);
}
