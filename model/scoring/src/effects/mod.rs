//! What each feature does to the log-odds, with a 90 % interval from the covariance of the coefficients.
//!
//! The effect of a value x is `slope * w'(x - m)` over the feature's columns: the contribution that a score with this value
//! shows, measured from the average of the reference population m. Its variance is `slope^2 (x - m)'V(x - m)` with V the
//! covariance of the feature's coefficients and the doubt that a single effect has beside it. What the rules say by the feature
//! alone is added to both.

mod density;
mod own_covariance;
mod own_rules;

use crate::ArtifactContent;
use crate::encoding::Encoding;
use crate::features::{PlausibleDirection, Unit};
use crate::schema::{FeatureKind, SourceFeature};
use crate::scorer::Z_90;

use crate::effects::density::{density, share_set};
use crate::effects::own_rules::OwnRules;
use crate::wording::numbers;

pub use crate::effects::density::Density;
pub use crate::effects::own_covariance::OwnCovariance;

/// Values at which the effect of a numeric feature is drawn, beside its knots and the steps of its rules.
const LINE_POINTS: usize = 25;
/// A curve that goes back by no more than this share of its way still goes one way.
const SMALL_RETURN: f64 = 0.1;

/// An effect on the log-odds against the average of the reference population.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effect {
    /// Estimate.
    pub log_odds: f64,
    /// Standard error.
    pub error: f64,
}

impl Effect {
    /// Ends of the 90 % interval.
    pub fn interval(self) -> (f64, f64) {
        (self.log_odds - Z_90 * self.error, self.log_odds + Z_90 * self.error)
    }

    /// The sum with another effect that was estimated independently.
    fn and(self, other: Self) -> Self {
        Self { log_odds: self.log_odds + other.log_odds, error: self.error.hypot(other.error) }
    }
}

/// The effect at each value.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Over the range of a numeric feature, ascending.
    Line(Vec<(f64, Effect)>),
    /// At each level of a category, of a flag, or at the only value that was seen.
    Levels(Vec<Level>),
}

/// One level with its effect.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Its name.
    pub name: String,
    /// Its effect.
    pub effect: Effect,
    /// Share of the rows that have it, where that is known.
    pub share: Option<f64>,
}

/// Which way the risk goes as a number grows, or when a flag is set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trend {
    /// Up, beyond doubt at 90 %.
    Raises,
    /// Down, beyond doubt at 90 %.
    Lowers,
    /// Up and down, beyond doubt at 90 %: highest at the first value, lowest at the second.
    Bends(f64, f64),
    /// The data cannot tell.
    Unclear,
    /// A category has no more and less.
    Levels,
}

/// Everything to be shown of one feature.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureEffect<'a> {
    /// The feature.
    pub feature: &'a SourceFeature,
    /// Mean absolute contribution in log-odds.
    pub importance: f64,
    /// The effect at known values.
    pub shape: Shape,
    /// The effect of not knowing the value, where training saw such rows.
    pub unknown: Option<Effect>,
    /// Which way it goes.
    pub trend: Trend,
    /// Where the people are.
    pub density: Density,
    /// Whether rules are part of it.
    pub has_rules: bool,
    /// Whether single values of it have effects of their own, because they seem to stand for people.
    pub recurs: bool,
}

impl FeatureEffect<'_> {
    /// All effects, that of not knowing included.
    pub fn all(&self) -> Vec<Effect> {
        let mut all: Vec<Effect> = match &self.shape {
            Shape::Line(points) => points.iter().map(|(_, effect)| *effect).collect(),
            Shape::Levels(levels) => levels.iter().map(|level| level.effect).collect(),
        };
        all.extend(self.unknown);
        all
    }

    /// Whether the data says the contrary of what is plausible.
    pub fn against_expectation(&self) -> bool {
        matches!(
            (self.feature.direction, self.trend),
            (PlausibleDirection::Raises, Trend::Lowers) | (PlausibleDirection::Lowers, Trend::Raises)
        )
    }

    /// The trend in a few words.
    pub fn trend_text(&self) -> String {
        let (raises, lowers) = match self.feature.unit {
            Unit::Flag => ("yes raises the risk", "yes lowers the risk"),
            _ => ("more raises the risk", "more lowers the risk"),
        };
        match (self.trend, &self.shape) {
            (Trend::Raises, _) => raises.to_owned(),
            (Trend::Lowers, _) => lowers.to_owned(),
            (Trend::Levels, Shape::Levels(levels)) if levels.len() > 1 => {
                let highest = levels.iter().max_by(|a, b| a.effect.log_odds.total_cmp(&b.effect.log_odds));
                highest.map_or_else(String::new, |level| format!("highest risk: {}", level.name))
            }
            (Trend::Bends(highest, lowest), _) => format!(
                "risk highest near {}, lowest near {}",
                numbers::about(self.feature, highest),
                numbers::about(self.feature, lowest)
            ),
            (Trend::Unclear, Shape::Levels(levels)) if levels.len() > 2 => "levels do not certainly differ".to_owned(),
            (Trend::Levels | Trend::Unclear, _) => "direction not certain".to_owned(),
        }
    }
}

/// The effects of all features, most important first.
pub fn effects(content: &ArtifactContent) -> Vec<FeatureEffect<'_>> {
    let mut effects = Vec::with_capacity(content.features.len());
    let mut start = 0;
    let parts = content.features.iter().zip(&content.encodings).zip(&content.importance).enumerate();
    for (position, ((feature, encoding), &importance)) in parts {
        let block = Block::new(content, encoding, position, start);
        start += encoding.width();
        let recurs = content.recurring.as_ref().is_some_and(|recurring| recurring.feature == position);
        effects.push(feature_effect(feature, importance, &block, recurs));
    }
    effects.sort_by(|a, b| b.importance.total_cmp(&a.importance));
    effects
}

fn feature_effect<'a>(
    feature: &'a SourceFeature,
    importance: f64,
    block: &Block<'_>,
    recurs: bool,
) -> FeatureEffect<'a> {
    let unknown = block.has_unknown().then(|| block.effect(f64::NAN));
    let (shape, trend) = match &feature.kind {
        FeatureKind::Numeric { min, max, .. } => numeric(feature, block, *min, *max),
        FeatureKind::Categorical { levels, .. } => {
            let levels = block.levels(levels);
            let trend = level_trend(block, &levels);
            (Shape::Levels(levels), trend)
        }
    };
    FeatureEffect {
        feature,
        importance,
        shape,
        unknown,
        trend,
        density: density(feature, block.encoding, block.means),
        has_rules: block.rules.is_some(),
        recurs,
    }
}

fn numeric(feature: &SourceFeature, block: &Block<'_>, min: f64, max: f64) -> (Shape, Trend) {
    if feature.unit == Unit::Flag {
        let set = share_set(feature, block.encoding, block.means);
        let not_set = set.map(|set| (feature.known_share - set).max(0.0));
        let level = |name: &str, value, share| Level { name: name.to_owned(), effect: block.effect(value), share };
        let levels = vec![level("no", 0.0, not_set), level("yes", 1.0, set)];
        return (Shape::Levels(levels), certain(block.difference(0.0, 1.0)).unwrap_or(Trend::Unclear));
    }
    if max <= min {
        let only =
            Level { name: numbers::value(feature, min), effect: block.effect(min), share: Some(feature.known_share) };
        return (Shape::Levels(vec![only]), Trend::Unclear);
    }
    let (min, max) = density(feature, block.encoding, block.means).drawn(min, max);
    let step = |i: usize| i as f64 / (LINE_POINTS - 1) as f64;
    let mut values: Vec<f64> = (0..LINE_POINTS).map(|i| min * (1.0 - step(i)) + max * step(i)).collect();
    if let Encoding::Spline { knots, .. } = block.encoding {
        values.extend(knots);
    }
    values.extend(block.rules.iter().flat_map(OwnRules::steps));
    values.retain(|value| (min..=max).contains(value));
    values.sort_by(f64::total_cmp);
    values.dedup_by(|a, b| a.total_cmp(b).is_eq());
    let line: Vec<(f64, Effect)> = values.into_iter().map(|value| (value, block.effect(value))).collect();
    let trend = trend(block, &line);
    (Shape::Line(line), trend)
}

/// Up or down, where the interval of a difference leaves no doubt.
fn certain(difference: Effect) -> Option<Trend> {
    let (low, high) = difference.interval();
    match (low > 0.0, high < 0.0) {
        (true, _) => Some(Trend::Raises),
        (_, true) => Some(Trend::Lowers),
        _ => None,
    }
}

/// Whether the highest and the lowest level certainly differ.
fn level_trend(block: &Block<'_>, levels: &[Level]) -> Trend {
    let by_effect = |a: &(usize, &Level), b: &(usize, &Level)| a.1.effect.log_odds.total_cmp(&b.1.effect.log_odds);
    let extremes = levels.iter().enumerate().max_by(by_effect).zip(levels.iter().enumerate().min_by(by_effect));
    let differ = extremes.and_then(|((high, _), (low, _))| certain(block.difference(low as f64, high as f64)));
    if differ.is_some() { Trend::Levels } else { Trend::Unclear }
}

/// Which way a line goes: one way, if from end to end it is certain and hardly turns back; else up and down, if its highest and
/// lowest point certainly differ.
fn trend(block: &Block<'_>, line: &[(f64, Effect)]) -> Trend {
    let by_effect = |a: &&(f64, Effect), b: &&(f64, Effect)| a.1.log_odds.total_cmp(&b.1.log_odds);
    let ends = line.first().zip(line.last());
    let extremes = line.iter().max_by(by_effect).zip(line.iter().min_by(by_effect));
    let (Some((first, last)), Some((highest, lowest))) = (ends, extremes) else { return Trend::Unclear };
    let whole = block.difference(first.0, last.0);
    let sign = whole.log_odds.signum();
    let (mut furthest, mut back) = (f64::NEG_INFINITY, 0.0_f64);
    for (_, effect) in line {
        furthest = furthest.max(sign * effect.log_odds);
        back = back.max(furthest - sign * effect.log_odds);
    }
    let one_way = certain(whole).filter(|_| back <= SMALL_RETURN * whole.log_odds.abs());
    let bends = || certain(block.difference(lowest.0, highest.0)).map(|_| Trend::Bends(highest.0, lowest.0));
    one_way.or_else(bends).unwrap_or(Trend::Unclear)
}

/// One feature's columns: coefficients, means and their part of the covariance.
struct Block<'a> {
    encoding: &'a Encoding,
    slope: f64,
    weights: &'a [f64],
    means: &'a [f64],
    covariance: OwnCovariance<'a>,
    /// V m and m'V m.
    at_means: (Vec<f64>, f64),
    rules: Option<OwnRules>,
}

impl<'a> Block<'a> {
    fn new(content: &'a ArtifactContent, encoding: &'a Encoding, position: usize, start: usize) -> Self {
        let range = start..start + encoding.width();
        let mut block = Self {
            encoding,
            slope: content.calibration.slope,
            weights: content.coefficients.get(range.clone()).unwrap_or_default(),
            means: content.reference.column_means.get(range).unwrap_or_default(),
            covariance: OwnCovariance::of(content, position, start),
            at_means: (Vec::new(), 0.0),
            rules: OwnRules::of(content, position),
        };
        let product: Vec<f64> = (0..block.means.len())
            .map(|i| block.means.iter().enumerate().map(|(j, m)| block.covariance.at(i, j) * m).sum())
            .collect();
        let square = product.iter().zip(block.means).map(|(a, b)| a * b).sum();
        block.at_means = (product, square);
        block
    }

    fn has_unknown(&self) -> bool {
        self.encoding.has_unknown_column()
    }

    fn encode(&self, value: f64) -> Vec<f64> {
        let mut columns = vec![0.0; self.means.len()];
        self.encoding.cells(value).each(self.means, |column, x| {
            if let Some(cell) = columns.get_mut(column) {
                *cell = x;
            }
        });
        columns
    }

    /// x'V x; most columns are zero, and a category may have hundreds of them.
    fn square(&self, columns: &[f64]) -> f64 {
        let filled: Vec<(usize, f64)> = columns.iter().copied().enumerate().filter(|(_, x)| x.abs() > 0.0).collect();
        filled.iter().map(|(i, x)| filled.iter().map(|(j, y)| self.covariance.at(*i, *j) * x * y).sum::<f64>()).sum()
    }

    fn effect(&self, value: f64) -> Effect {
        let columns = self.encode(value);
        let log_odds: f64 = self.weights.iter().zip(&columns).zip(self.means).map(|((w, x), m)| w * (x - m)).sum();
        let (product, at_means) = &self.at_means;
        let cross: f64 = columns.iter().zip(product).map(|(x, p)| x * p).sum();
        let variance = (self.square(&columns) - 2.0 * cross + at_means).max(0.0);
        let linear = Effect { log_odds: self.slope * log_odds, error: self.slope * variance.sqrt() };
        self.rules.as_ref().map_or(linear, |rules| linear.and(rules.effect(value)))
    }

    /// The effect of going from one value to another.
    fn difference(&self, from: f64, to: f64) -> Effect {
        let difference: Vec<f64> = self.encode(to).iter().zip(self.encode(from)).map(|(a, b)| a - b).collect();
        let log_odds: f64 = self.weights.iter().zip(&difference).map(|(w, d)| w * d).sum();
        let error = self.square(&difference).max(0.0).sqrt();
        let linear = Effect { log_odds: self.slope * log_odds, error: self.slope * error };
        self.rules.as_ref().map_or(linear, |rules| linear.and(rules.difference(from, to)))
    }

    /// The levels of a category, and any other level where it has a column.
    fn levels(&self, names: &[String]) -> Vec<Level> {
        let level = |index: usize, name: &str| Level {
            name: name.to_owned(),
            effect: self.effect(index as f64),
            share: self.means.get(index).copied(),
        };
        let mut levels: Vec<Level> = names.iter().enumerate().map(|(index, name)| level(index, name)).collect();
        if matches!(self.encoding, Encoding::OneHot { pooled: true, .. }) {
            levels.push(level(names.len(), "any other level"));
        }
        levels
    }
}
