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
    /// A piecewise linear curve: one column per knot, the weights of the two knots beside the value (beyond the outermost knots,
    /// those of the nearest), all 0 where unknown; then, where training saw unknown values, 1 if unknown and 0 otherwise. The
    /// coefficient of a knot is the effect at that value.
    Spline {
        /// Values of the knots, ascending, at least two.
        knots: Vec<f64>,
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

/// The columns of a value that are not zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cells {
    /// One column and what is in it.
    One(usize, f64),
    /// A column and what is in it, and what is in the next.
    Two(usize, f64, f64),
    /// What training never saw: the means of the columns over the reference population.
    Typical,
}

impl Cells {
    /// Gives every column that is not zero and what is in it; `means` holds the columns' means over the reference population.
    pub fn each(self, means: &[f64], mut put: impl FnMut(usize, f64)) {
        match self {
            Self::One(column, x) => put(column, x),
            Self::Two(column, x, next) => {
                put(column, x);
                put(column + 1, next);
            }
            Self::Typical => means.iter().enumerate().for_each(|(column, &mean)| put(column, mean)),
        }
    }
}

impl Encoding {
    /// Number of columns.
    pub fn width(&self) -> usize {
        match self {
            Self::Standardised { unknown, .. } | Self::LogStandardised { unknown, .. } => 1 + usize::from(*unknown),
            Self::Spline { knots, unknown } => knots.len() + usize::from(*unknown),
            Self::OneHot { levels, pooled, unknown } => levels + usize::from(*pooled) + usize::from(*unknown),
        }
    }

    /// Whether there is a column for unknown values.
    pub fn has_unknown_column(&self) -> bool {
        let (Self::Standardised { unknown, .. }
        | Self::LogStandardised { unknown, .. }
        | Self::Spline { unknown, .. }
        | Self::OneHot { unknown, .. }) = self;
        *unknown
    }

    /// The columns of a packed value (NaN: unknown) that are not zero. A level or a gap that training never saw counts as the
    /// average employee and contributes nothing.
    #[inline]
    pub fn cells(&self, value: f64) -> Cells {
        if value.is_nan() {
            return if self.has_unknown_column() { Cells::One(self.width() - 1, 1.0) } else { Cells::Typical };
        }
        match self {
            Self::Standardised { mean, scale, .. } => Cells::One(0, (value - mean) / scale),
            Self::LogStandardised { mean, scale, .. } => Cells::One(0, (value.max(0.0).ln_1p() - mean) / scale),
            Self::Spline { knots, .. } => between(knots, value),
            Self::OneHot { levels, pooled, .. } => {
                if (value as usize) < *levels {
                    Cells::One(value as usize, 1.0)
                } else if *pooled {
                    Cells::One(*levels, 1.0)
                } else {
                    Cells::Typical
                }
            }
        }
    }

    /// The effect of a packed value: its columns times their coefficients. `typical` is the effect of the columns' means.
    /// `coefficients` has [`Encoding::width`] elements.
    pub fn effect(&self, value: f64, coefficients: &[f64], typical: f64) -> f64 {
        let at = |column: usize| coefficients.get(column).copied().unwrap_or_default();
        match self.cells(value) {
            Cells::One(column, x) => x * at(column),
            Cells::Two(column, x, next) => x * at(column) + next * at(column + 1),
            Cells::Typical => typical,
        }
    }

    /// What each column stands for, for tables of coefficients.
    pub fn column_names(&self, feature: &str, levels: &[String]) -> Vec<String> {
        let mut names: Vec<String> = match self {
            Self::Standardised { .. } => vec![feature.to_owned()],
            Self::LogStandardised { .. } => vec![format!("ln(1 + {feature})")],
            Self::Spline { knots, .. } => knots.iter().map(|knot| format!("{feature} at {knot}")).collect(),
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

/// The weights of the two knots beside a value.
fn between(knots: &[f64], value: f64) -> Cells {
    let after = knots.partition_point(|knot| *knot <= value);
    match (after.checked_sub(1).and_then(|before| Some((before, *knots.get(before)?))), knots.get(after)) {
        (Some((before, low)), Some(high)) => {
            let share = (value - low) / (high - low);
            Cells::Two(before, 1.0 - share, share)
        }
        (Some((last, _)), None) => Cells::One(last, 1.0),
        (None, _) => Cells::One(0, 1.0),
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
        let curve = |unknown| Encoding::Spline { knots: vec![1.0, 2.0, 4.0], unknown };
        let cases: [(Encoding, f64, Cells); 17] = [
            (logarithm.clone(), std::f64::consts::E - 1.0, Cells::One(0, 0.0)),
            (logarithm.clone(), -3.0, Cells::One(0, -2.0)),
            (logarithm, f64::NAN, Cells::One(1, 1.0)),
            (numeric(true), 14.0, Cells::One(0, 2.0)),
            (numeric(true), f64::NAN, Cells::One(1, 1.0)),
            (numeric(false), 9.0, Cells::One(0, -0.5)),
            (numeric(false), f64::NAN, Cells::Typical),
            (curve(true), 3.5, Cells::Two(1, 0.25, 0.75)),
            (curve(true), 0.0, Cells::One(0, 1.0)),
            (curve(true), 9.0, Cells::One(2, 1.0)),
            (curve(true), f64::NAN, Cells::One(3, 1.0)),
            (curve(false), f64::NAN, Cells::Typical),
            (levels(true, true), 1.0, Cells::One(1, 1.0)),
            (levels(true, true), 2.0, Cells::One(2, 1.0)),
            (levels(true, true), f64::NAN, Cells::One(3, 1.0)),
            (levels(false, false), 2.0, Cells::Typical),
            (levels(false, false), f64::NAN, Cells::Typical),
        ];
        for (encoding, value, expected) in cases {
            assert_eq!(encoding.cells(value), expected, "{encoding:?} of {value}");
            assert_eq!(encoding.column_names("f", &["a".into(), "b".into()]).len(), encoding.width());
        }
    }

    #[test]
    fn a_curve_runs_straight_from_knot_to_knot_and_level_beyond() {
        let curve = Encoding::Spline { knots: vec![1.0, 2.0, 4.0], unknown: false };
        for (value, effect) in [(0.0, 10.0), (1.0, 10.0), (1.5, 15.0), (2.0, 20.0), (3.0, 10.0), (4.0, 0.0), (5.0, 0.0)]
        {
            assert!((curve.effect(value, &[10.0, 20.0, 0.0], 7.0) - effect).abs() < 1e-12, "{value}");
        }
        assert!((curve.effect(f64::NAN, &[10.0, 20.0, 0.0], 7.0) - 7.0).abs() < 1e-12);
    }
}
