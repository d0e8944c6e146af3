//! From a source feature's value to the columns of the linear model.

use serde::{Deserialize, Serialize};

/// How one source feature becomes columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Encoding {
    /// `(x - mean) / scale`, 0 where unknown; then, where training saw unknown values, 1 if unknown and 0 otherwise.
    Standardised {
        /// Mean of the known values in training.
        mean: f64,
        /// Standard deviation of the known values in training; positive.
        scale: f64,
        /// Whether there is a column for unknown values.
        unknown: bool,
    },
    /// `(ln(1 + x) - mean) / scale` for amounts with a long tail, negative ones counting as 0; unknown values as above.
    LogStandardised {
        /// Mean of ln(1 + x) over the known values in training.
        mean: f64,
        /// Standard deviation of ln(1 + x) over the known values in training; positive.
        scale: f64,
        /// Whether there is a column for unknown values.
        unknown: bool,
    },
    /// One column per level (1 if it is that level), then one for all other levels and one for unknown where training saw such.
    OneHot {
        /// Number of levels with a column of their own.
        levels: usize,
        /// Whether there is a column for all other levels.
        pooled: bool,
        /// Whether there is a column for unknown values.
        unknown: bool,
    },
}

impl Encoding {
    /// Number of columns.
    pub fn width(&self) -> usize {
        match *self {
            Self::Standardised { unknown, .. } | Self::LogStandardised { unknown, .. } => 1 + usize::from(unknown),
            Self::OneHot { levels, pooled, unknown } => levels + usize::from(pooled) + usize::from(unknown),
        }
    }

    /// Whether there is a column for unknown values.
    pub fn has_unknown_column(&self) -> bool {
        let (Self::Standardised { unknown, .. } | Self::LogStandardised { unknown, .. } | Self::OneHot { unknown, .. }) =
            *self;
        unknown
    }

    /// Writes the columns of a packed value (NaN: unknown). `fallback` holds the columns' means over the reference
    /// population: a level or a gap that training never saw is encoded as the average employee and contributes nothing.
    /// `out` and `fallback` have [`Encoding::width`] elements.
    pub fn encode(&self, value: f64, fallback: &[f64], out: &mut [f64]) {
        match *self {
            Self::Standardised { mean, scale, unknown } => {
                encode_number((value - mean) / scale, unknown, fallback, out);
            }
            Self::LogStandardised { mean, scale, unknown } => {
                let x = if value.is_nan() { value } else { value.max(0.0).ln_1p() };
                encode_number((x - mean) / scale, unknown, fallback, out);
            }
            Self::OneHot { levels, pooled, unknown } => {
                let column = if value.is_nan() {
                    unknown.then_some(levels + usize::from(pooled))
                } else if (value as usize) < levels {
                    Some(value as usize)
                } else {
                    pooled.then_some(levels)
                };
                match column {
                    Some(column) => {
                        out.fill(0.0);
                        if let Some(cell) = out.get_mut(column) {
                            *cell = 1.0;
                        }
                    }
                    None => out.copy_from_slice(fallback),
                }
            }
        }
    }

    /// What each column stands for, for tables of coefficients.
    pub fn column_names(&self, feature: &str, levels: &[String]) -> Vec<String> {
        let mut names: Vec<String> = match self {
            Self::Standardised { .. } => vec![feature.to_owned()],
            Self::LogStandardised { .. } => vec![format!("ln(1 + {feature})")],
            Self::OneHot { .. } => levels.iter().map(|level| format!("{feature} = {level}")).collect(),
        };
        if matches!(self, Self::OneHot { pooled: true, .. }) {
            names.push(format!("{feature} = any other level"));
        }
        if self.has_unknown_column() {
            names.push(format!("{feature} unknown"));
        }
        names
    }
}

/// Writes a standardised number, NaN where unknown.
fn encode_number(z: f64, unknown: bool, fallback: &[f64], out: &mut [f64]) {
    let known = !z.is_nan();
    if known || unknown {
        let cells = [if known { z } else { 0.0 }, f64::from(u8::from(!known))];
        out.iter_mut().zip(cells).for_each(|(cell, x)| *cell = x);
    } else {
        out.copy_from_slice(fallback);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_unknowns_and_other_levels_have_their_columns() {
        let numeric = |unknown| Encoding::Standardised { mean: 10.0, scale: 2.0, unknown };
        let levels = |pooled, unknown| Encoding::OneHot { levels: 2, pooled, unknown };
        let logarithm = Encoding::LogStandardised { mean: 1.0, scale: 0.5, unknown: true };
        let cases: [(Encoding, f64, &[f64]); 12] = [
            (logarithm.clone(), std::f64::consts::E - 1.0, &[0.0, 0.0]),
            (logarithm.clone(), -3.0, &[-2.0, 0.0]),
            (logarithm, f64::NAN, &[0.0, 1.0]),
            (numeric(true), 14.0, &[2.0, 0.0]),
            (numeric(true), f64::NAN, &[0.0, 1.0]),
            (numeric(false), 9.0, &[-0.5]),
            (numeric(false), f64::NAN, &[0.25]),
            (levels(true, true), 1.0, &[0.0, 1.0, 0.0, 0.0]),
            (levels(true, true), 2.0, &[0.0, 0.0, 1.0, 0.0]),
            (levels(true, true), f64::NAN, &[0.0, 0.0, 0.0, 1.0]),
            (levels(false, false), 2.0, &[0.25, 0.25]),
            (levels(false, false), f64::NAN, &[0.25, 0.25]),
        ];
        for (encoding, value, expected) in cases {
            let mut out = vec![9.0; encoding.width()];
            encoding.encode(value, &vec![0.25; encoding.width()], &mut out);
            assert_eq!(out, expected, "{encoding:?} of {value}");
            assert_eq!(encoding.column_names("f", &["a".into(), "b".into()]).len(), encoding.width());
        }
    }
}
