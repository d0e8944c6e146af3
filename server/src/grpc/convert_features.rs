//! From the feature row of a request to a row checked against the model's schema.

use flight_risk_proto::v1;
use flight_risk_scoring::schema::{FeatureRow, RowProblem, Schema, Value};

use crate::grpc::status::ApiError;
use crate::grpc::violations::Violations;
use crate::limits::{MAX_NAMED_VALUES, MAX_NUMBER};

/// Converts a row. `Ok(None)` exactly where `problems` has got more.
///
/// # Errors
/// [`ApiError::SchemaMismatch`] for values packed for another model: then nothing can be said about the values.
pub(crate) fn row(
    row: v1::FeatureRow,
    schema: &Schema,
    problems: &mut Violations,
) -> Result<Option<FeatureRow>, ApiError> {
    match row.values {
        Some(v1::feature_row::Values::Named(named)) => Ok(named_row(named, schema, problems)),
        Some(v1::feature_row::Values::Packed(packed)) => packed_row(packed, schema, problems),
        None => {
            problems.push(|| "features.values".to_owned(), "either `named` or `packed` is required");
            Ok(None)
        }
    }
}

fn named_row(named: v1::NamedValues, schema: &Schema, problems: &mut Violations) -> Option<FeatureRow> {
    use v1::named_value::Value as Sent;
    if !problems.length(|| "features.named.values".to_owned(), named.values.len(), MAX_NAMED_VALUES) {
        return None;
    }
    let path = |index: usize, field: &str| format!("features.named.values[{index}].{field}");
    let mut values = Vec::with_capacity(named.values.len());
    for (index, entry) in named.values.into_iter().enumerate() {
        problems.text(|| path(index, "name"), &entry.name);
        let value = match entry.value {
            None => Value::Unknown,
            Some(Sent::Number(number)) => {
                if number.is_finite() {
                    problems.number(|| path(index, "number"), number, -MAX_NUMBER, MAX_NUMBER);
                }
                Value::Number(number)
            }
            Some(Sent::Level(level)) => {
                problems.text(|| path(index, "level"), &level);
                Value::Level(level)
            }
        };
        values.push((entry.name, value));
    }
    match schema.row(values.iter().map(|(name, value)| (name.as_str(), value))) {
        Ok(row) => Some(row).filter(|_| problems.is_empty()),
        Err(wrong) => {
            for (index, problem) in wrong {
                problems.push(|| path(index, field(&problem)), problem.to_string());
            }
            None
        }
    }
}

/// The field of a named value to which a problem belongs.
fn field(problem: &RowProblem) -> &'static str {
    match problem {
        RowProblem::UnknownFeature(_) | RowProblem::Repeated(_) | RowProblem::Length { .. } => "name",
        RowProblem::NotANumber { .. } => "level",
        RowProblem::NotALevel { .. } | RowProblem::NotFinite(_) | RowProblem::NoSuchLevel { .. } => "number",
    }
}

fn packed_row(
    packed: v1::PackedValues,
    schema: &Schema,
    problems: &mut Violations,
) -> Result<Option<FeatureRow>, ApiError> {
    if packed.schema_digest.is_empty() {
        problems.push(
            || "features.packed.schema_digest".to_owned(),
            "required: the digest that GetModel gives, so that no value is taken for that of another feature",
        );
        return Ok(None);
    }
    if packed.schema_digest != schema.digest() {
        return Err(ApiError::SchemaMismatch { active: schema.digest().to_owned() });
    }
    let path = |index: usize| format!("features.packed.values[{index}]");
    // Few are beyond, and this runs for every number of every employee.
    let beyond = |(_, value): &(usize, &f64)| value.is_finite() && value.abs() > MAX_NUMBER;
    for (index, &value) in packed.values.iter().enumerate().filter(beyond) {
        problems.number(|| path(index), value, -MAX_NUMBER, MAX_NUMBER);
    }
    match schema.packed_row(packed.values) {
        Ok(row) => Ok(Some(row).filter(|_| problems.is_empty())),
        Err(wrong) => {
            for (index, problem) in wrong {
                let whole = matches!(problem, RowProblem::Length { .. });
                let field = || if whole { "features.packed.values".to_owned() } else { path(index) };
                problems.push(field, problem.to_string());
            }
            Ok(None)
        }
    }
}
