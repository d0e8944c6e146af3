//! What each feature does to the log-odds, with a 90 % interval from the covariance of the coefficients.
//!
//! The effect of a value x is `slope * w'(x - m)` over the feature's columns: the contribution that a score with this value
//! shows, measured from the average of the reference population m. Its variance is `slope^2 (x - m)'V(x - m)` with V the
//! covariance of the feature's coefficients.

use flight_risk_scoring::ArtifactContent;
use flight_risk_scoring::encoding::{Cells, Encoding};
use flight_risk_scoring::features::{PlausibleDirection, Unit};
use flight_risk_scoring::schema::{FeatureKind, SourceFeature};
use flight_risk_scoring::scorer::Z_90;

use super::numbers;

/// Values at which the effect of a numeric feature is drawn.
const LINE_POINTS: usize = 25;

/// An effect on the log-odds against the average of the reference population.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Effect {
    /// Estimate.
    pub(super) log_odds: f64,
    /// Standard error.
    pub(super) error: f64,
}

impl Effect {
    /// Ends of the 90 % interval.
    pub(super) fn interval(self) -> (f64, f64) {
        (self.log_odds - Z_90 * self.error, self.log_odds + Z_90 * self.error)
    }
}

/// The effect at each value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// Over the range of a numeric feature, ascending.
    Line(Vec<(f64, Effect)>),
    /// At each level of a category, of a flag, or at the only value that was seen.
    Levels(Vec<(String, Effect)>),
}

/// Which way the risk goes as a number grows, or when a flag is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trend {
    /// Up, beyond doubt at 90 %.
    Raises,
    /// Down, beyond doubt at 90 %.
    Lowers,
    /// The data cannot tell.
    Unclear,
    /// A category has no more and less.
    Levels,
}

/// Everything to be shown of one feature.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FeatureEffect<'a> {
    /// The feature.
    pub(super) feature: &'a SourceFeature,
    /// Mean absolute contribution in log-odds.
    pub(super) importance: f64,
    /// The effect at known values.
    pub(super) shape: Shape,
    /// The effect of not knowing the value, where training saw such rows.
    pub(super) unknown: Option<Effect>,
    /// Which way it goes.
    pub(super) trend: Trend,
}

impl FeatureEffect<'_> {
    /// All effects, that of not knowing included.
    pub(super) fn all(&self) -> Vec<Effect> {
        let mut all: Vec<Effect> = match &self.shape {
            Shape::Line(points) => points.iter().map(|(_, effect)| *effect).collect(),
            Shape::Levels(levels) => levels.iter().map(|(_, effect)| *effect).collect(),
        };
        all.extend(self.unknown);
        all
    }

    /// Whether the data says the contrary of what is plausible.
    pub(super) fn against_expectation(&self) -> bool {
        matches!(
            (self.feature.direction, self.trend),
            (PlausibleDirection::Raises, Trend::Lowers) | (PlausibleDirection::Lowers, Trend::Raises)
        )
    }

    /// The trend in a few words.
    pub(super) fn trend_text(&self) -> String {
        let (raises, lowers) = match self.feature.unit {
            Unit::Flag => ("yes raises the risk", "yes lowers the risk"),
            _ => ("more raises the risk", "more lowers the risk"),
        };
        match (self.trend, &self.shape) {
            (Trend::Raises, _) => raises.to_owned(),
            (Trend::Lowers, _) => lowers.to_owned(),
            (Trend::Levels, Shape::Levels(levels)) if levels.len() > 1 => {
                let highest = levels.iter().max_by(|a, b| a.1.log_odds.total_cmp(&b.1.log_odds));
                highest.map_or_else(String::new, |(level, _)| format!("highest risk: {level}"))
            }
            (Trend::Levels | Trend::Unclear, _) => "direction not certain".to_owned(),
        }
    }
}

/// The effects of all features, most important first.
pub(super) fn effects(content: &ArtifactContent) -> Vec<FeatureEffect<'_>> {
    let mut effects = Vec::with_capacity(content.features.len());
    let mut start = 0;
    for ((feature, encoding), &importance) in content.features.iter().zip(&content.encodings).zip(&content.importance) {
        let block = Block::new(content, encoding, start);
        start += encoding.width();
        effects.push(feature_effect(feature, importance, &block));
    }
    effects.sort_by(|a, b| b.importance.total_cmp(&a.importance));
    effects
}

fn feature_effect<'a>(feature: &'a SourceFeature, importance: f64, block: &Block<'_>) -> FeatureEffect<'a> {
    let unknown = block.has_unknown().then(|| block.effect(f64::NAN));
    let (shape, trend) = match &feature.kind {
        FeatureKind::Numeric { min, max, .. } => {
            let trend = block.trend(*min, *max);
            if feature.unit == Unit::Flag {
                let levels = [("no", 0.0), ("yes", 1.0)].map(|(name, value)| (name.to_owned(), block.effect(value)));
                (Shape::Levels(levels.to_vec()), trend)
            } else if max > min {
                let step = |i: usize| i as f64 / (LINE_POINTS - 1) as f64;
                let point = |value: f64| (value, block.effect(value));
                let line = (0..LINE_POINTS).map(|i| point(min * (1.0 - step(i)) + max * step(i))).collect();
                (Shape::Line(line), trend)
            } else {
                (Shape::Levels(vec![(numbers::value(feature, *min), block.effect(*min))]), Trend::Unclear)
            }
        }
        FeatureKind::Categorical { levels, .. } => {
            let mut shown: Vec<(String, Effect)> =
                levels.iter().enumerate().map(|(i, level)| (level.clone(), block.effect(i as f64))).collect();
            if matches!(block.encoding, Encoding::OneHot { pooled: true, .. }) {
                shown.push(("any other level".to_owned(), block.effect(levels.len() as f64)));
            }
            (Shape::Levels(shown), Trend::Levels)
        }
    };
    FeatureEffect { feature, importance, shape, unknown, trend }
}

/// One feature's columns: coefficients, means and their part of the covariance.
struct Block<'a> {
    encoding: &'a Encoding,
    slope: f64,
    weights: &'a [f64],
    means: &'a [f64],
    covariance: &'a [f64],
    start: usize,
    /// V m and m'V m.
    at_means: (Vec<f64>, f64),
}

impl<'a> Block<'a> {
    fn new(content: &'a ArtifactContent, encoding: &'a Encoding, start: usize) -> Self {
        let range = start..start + encoding.width();
        let mut block = Self {
            encoding,
            slope: content.calibration.slope,
            weights: content.coefficients.get(range.clone()).unwrap_or_default(),
            means: content.reference.column_means.get(range).unwrap_or_default(),
            covariance: &content.covariance,
            start,
            at_means: (Vec::new(), 0.0),
        };
        let product: Vec<f64> = (0..block.means.len())
            .map(|i| block.means.iter().enumerate().map(|(j, m)| block.at(i, j) * m).sum())
            .collect();
        let square = product.iter().zip(block.means).map(|(a, b)| a * b).sum();
        block.at_means = (product, square);
        block
    }

    /// Covariance of two of the feature's coefficients. The intercept comes first in the whole triangle.
    fn at(&self, i: usize, j: usize) -> f64 {
        let (low, high) = (self.start + 1 + i.min(j), self.start + 1 + i.max(j));
        self.covariance.get(high * (high + 1) / 2 + low).copied().unwrap_or_default()
    }

    fn has_unknown(&self) -> bool {
        self.encoding.has_unknown_column()
    }

    fn encode(&self, value: f64) -> Vec<f64> {
        let mut columns = vec![0.0; self.means.len()];
        let mut put = |column: usize, x: f64| {
            if let Some(cell) = columns.get_mut(column) {
                *cell = x;
            }
        };
        match self.encoding.cells(value) {
            Cells::One(column, x) => put(column, x),
            Cells::Two(column, x, next) => {
                put(column, x);
                put(column + 1, next);
            }
            Cells::Typical => columns.copy_from_slice(self.means),
        }
        columns
    }

    /// x'V x; most columns are zero, and a category may have hundreds of them.
    fn square(&self, columns: &[f64]) -> f64 {
        let filled: Vec<(usize, f64)> = columns.iter().copied().enumerate().filter(|(_, x)| x.abs() > 0.0).collect();
        filled.iter().map(|(i, x)| filled.iter().map(|(j, y)| self.at(*i, *j) * x * y).sum::<f64>()).sum()
    }

    fn effect(&self, value: f64) -> Effect {
        let columns = self.encode(value);
        let log_odds: f64 = self.weights.iter().zip(&columns).zip(self.means).map(|((w, x), m)| w * (x - m)).sum();
        let (product, at_means) = &self.at_means;
        let cross: f64 = columns.iter().zip(product).map(|(x, p)| x * p).sum();
        let variance = (self.square(&columns) - 2.0 * cross + at_means).max(0.0);
        Effect { log_odds: self.slope * log_odds, error: self.slope * variance.sqrt() }
    }

    /// The direction from one value to another, where its interval leaves no doubt.
    fn trend(&self, from: f64, to: f64) -> Trend {
        let difference: Vec<f64> = self.encode(to).iter().zip(self.encode(from)).map(|(a, b)| a - b).collect();
        let log_odds: f64 = self.weights.iter().zip(&difference).map(|(w, d)| w * d).sum();
        let doubt = Z_90 * self.square(&difference).max(0.0).sqrt();
        if log_odds > doubt {
            Trend::Raises
        } else if log_odds < -doubt {
            Trend::Lowers
        } else {
            Trend::Unclear
        }
    }
}
