//! What HR can plausibly do about a feature: the values that a counterfactual may give it.
//!
//! | feature | values |
//! |---|---|
//! | months since something that raises the risk | 0: it can be made to happen, and nothing else |
//! | days since something that raises the risk | one week |
//! | a flag | the other way, in the plausible direction |
//! | a count, share, ratio or percentage that lowers the risk | more of it, up to what is usually high |
//! | a count or number that raises the risk | less of it, down to what is usually low |
//! | a count of events without a direction | more of it: what happened stays |
//! | time that lowers the risk | none: time cannot be made |
//! | an actionable column of a flat table | in its plausible direction, or either; every level of a category that training saw |
//!
//! Usually high and low are the outer knots but one of the feature's curve (the 7th and 93rd percentile of a curve of sixteen
//! knots), or two standard deviations about its mean, within the range of training. Values that are not known are not changed.

use crate::artifact::Target;
use crate::encoding::Encoding;
use crate::features::{PlausibleDirection, Unit};
use crate::schema::{FeatureKind, SourceFeature};
use crate::scorer::Scorer;
use crate::what_if::ties::Ties;

/// Most values of one feature that are tried before the change is made as small as it can be.
const MAX_CANDIDATES: usize = 8;
/// What is to happen soon happens within a week.
const SOON_DAYS: f64 = 7.0;
/// Knots of a curve from which on the outermost are left out as unusual.
const KNOTS_WITH_TAILS: usize = 6;
/// Standard deviations about the mean that are usual.
const USUAL_DEVIATIONS: f64 = 2.0;
/// A number without a unit is changed in steps of which this many fit into its usual range, at least.
const STEPS: f64 = 50.0;

/// A feature that can be changed, and how.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lever {
    /// Position in the schema.
    pub(super) feature: usize,
    /// Features of one group tell of the same thing.
    pub(super) group: usize,
    path: Path,
    from: f64,
    /// What counts as a distance of 1.
    scale: f64,
    /// Numbers of the values to be tried, by ascending distance.
    candidates: Vec<i64>,
}

/// The values by number: 1 is the smallest change.
#[derive(Clone, Debug, PartialEq)]
enum Path {
    /// These.
    Values(Vec<f64>),
    /// Multiples of a step from the first one on.
    Steps {
        /// The multiple that has number 1.
        first: i64,
        /// 1 for up, -1 for down.
        direction: i64,
        /// Steps are a power of ten.
        decimals: i32,
    },
}

impl Lever {
    /// Numbers of the values to be tried, by ascending distance.
    pub(super) fn candidates(&self) -> &[i64] {
        &self.candidates
    }

    /// The value of a number.
    pub(super) fn value(&self, number: i64) -> f64 {
        match &self.path {
            Path::Values(values) => {
                let index = usize::try_from(number - 1).unwrap_or(usize::MAX);
                values.get(index).copied().unwrap_or(self.from)
            }
            Path::Steps { first, direction, decimals } => stepped((first + direction * (number - 1)) as f64, *decimals),
        }
    }

    /// Whether there are values between those of two neighbouring candidates.
    pub(super) fn has_steps(&self) -> bool {
        matches!(self.path, Path::Steps { .. })
    }

    /// How far the value of a number is from that of today, in usual ranges.
    pub(super) fn distance(&self, number: i64) -> f64 {
        match &self.path {
            Path::Values(_) if self.scale.is_nan() => 1.0,
            _ => (self.value(number) - self.from).abs() / self.scale,
        }
    }
}

/// A multiple of a power of ten, to the last bit as people write it.
fn stepped(multiple: f64, decimals: i32) -> f64 {
    if decimals >= 0 { multiple / 10_f64.powi(decimals) } else { multiple * 10_f64.powi(-decimals) }
}

/// Everything that can be done about the features of a row, in the schema's order.
pub(super) fn levers(scorer: &Scorer, values: &[f64], ties: &Ties) -> Vec<Lever> {
    let content = scorer.artifact().content();
    let native = matches!(content.target, Target::Hazard { .. });
    let mut levers = Vec::new();
    for (position, ((feature, encoding), &from)) in
        content.features.iter().zip(&content.encodings).zip(values).enumerate()
    {
        if !feature.actionable || feature.confidential || from.is_nan() {
            continue;
        }
        // The growth that lacks is the lever, not the index that it makes with the reviews.
        if native && feature.name == "performance_without_growth" && ties.growth_is_known(values) {
            continue;
        }
        let lever = |path, scale, candidates| Lever {
            feature: position,
            group: ties.group(position),
            path,
            from,
            scale,
            candidates,
        };
        match &feature.kind {
            FeatureKind::Categorical { levels, .. } => {
                let others = (0..levels.len()).map(|level| level as f64).filter(|level| level.total_cmp(&from).is_ne());
                for value in others {
                    levers.push(lever(Path::Values(vec![value]), f64::NAN, vec![1]));
                }
            }
            FeatureKind::Numeric { min, max, .. } => {
                let usual = usual(encoding, *min, *max);
                let width = if usual.1 > usual.0 { usual.1 - usual.0 } else { (max - min).max(f64::MIN_POSITIVE) };
                if let Some(only) = happening(feature, native, *min, from) {
                    levers.extend(only.map(|value| lever(Path::Values(vec![value]), width, vec![1])));
                    continue;
                }
                let decimals = decimals(feature, encoding, width);
                for direction in directions(feature, native) {
                    let limit = if direction > 0 { usual.1 } else { usual.0 };
                    if let Some((path, candidates)) = steps(from, limit, direction, decimals, encoding) {
                        levers.push(lever(path, width, candidates));
                    }
                }
            }
        }
    }
    levers
}

/// The one value that something which can only be made to happen gets; `None` for what can be changed by degrees.
fn happening(feature: &SourceFeature, native: bool, min: f64, from: f64) -> Option<Option<f64>> {
    let raises = feature.direction == PlausibleDirection::Raises;
    let value = match feature.unit {
        Unit::Months if native && raises => min.max(0.0),
        Unit::Days if native && raises => min.max(SOON_DAYS),
        // Time cannot be made.
        Unit::Months | Unit::Days | Unit::Years if native => return Some(None),
        Unit::Flag => f64::from(u8::from(!raises)),
        _ => return None,
    };
    // A clock that was just reset is not reset again; a flag that stands right stays.
    let least = if feature.unit == Unit::Flag { 0.5 } else { 1.0 };
    let wanted = if raises { from - value >= least } else { value - from >= least };
    Some(wanted.then_some(value))
}

/// 1 for up and -1 for down.
fn directions(feature: &SourceFeature, native: bool) -> Vec<i64> {
    match feature.direction {
        PlausibleDirection::Raises => vec![-1],
        PlausibleDirection::Lowers => vec![1],
        PlausibleDirection::Either if native => vec![1],
        PlausibleDirection::Either => vec![-1, 1],
    }
}

/// What is usually low and high.
fn usual(encoding: &Encoding, min: f64, max: f64) -> (f64, f64) {
    let (low, high) = match encoding {
        Encoding::Spline { knots, .. } if knots.len() >= KNOTS_WITH_TAILS => {
            let inner = knots.get(1).zip(knots.len().checked_sub(2).and_then(|last| knots.get(last)));
            inner.map_or((min, max), |(low, high)| (*low, *high))
        }
        Encoding::Standardised { mean, scale, .. } => {
            (mean - USUAL_DEVIATIONS * scale, mean + USUAL_DEVIATIONS * scale)
        }
        Encoding::LogStandardised { mean, scale, .. } => {
            let at = |deviations: f64| (mean + deviations * scale).exp_m1();
            (at(-USUAL_DEVIATIONS), at(USUAL_DEVIATIONS))
        }
        Encoding::Spline { .. } | Encoding::OneHot { .. } => (min, max),
    };
    (low.max(min), high.min(max))
}

/// Decimals in which a value is changed; negative for tens and hundreds.
fn decimals(feature: &SourceFeature, encoding: &Encoding, width: f64) -> i32 {
    match feature.unit {
        Unit::Count | Unit::Months | Unit::Days | Unit::Flag => 0,
        Unit::Percent | Unit::Years => 1,
        Unit::Share | Unit::Ratio => 2,
        Unit::Number => {
            let FeatureKind::Numeric { min, max, typical } = feature.kind else { return 0 };
            let knots: &[f64] = if let Encoding::Spline { knots, .. } = encoding { knots } else { &[] };
            let whole = |x: &f64| x.fract().abs() < f64::EPSILON;
            let fitting = -(width / STEPS).log10().floor().clamp(-12.0, 12.0) as i32;
            if [min, max, typical].iter().chain(knots).all(whole) { fitting.min(0) } else { fitting }
        }
    }
}

/// The values from today's to a limit: none where there is no step between them.
fn steps(from: f64, limit: f64, direction: i64, decimals: i32, encoding: &Encoding) -> Option<(Path, Vec<i64>)> {
    // In steps; rounding errors of a value that is a multiple of the step are none.
    let scaled = |value: f64| stepped(value, -decimals);
    let inwards = |value: f64, up: bool| if up { (value - 1e-9).ceil() } else { (value + 1e-9).floor() };
    let first = inwards(scaled(from) + direction as f64 * 1e-6, direction > 0);
    let last = inwards(scaled(limit), direction < 0);
    let count = (last - first) * direction as f64 + 1.0;
    if !(1.0..=1e9).contains(&count) {
        return None;
    }
    let (first, count) = (first as i64, count as i64);
    let number = |value: f64| ((scaled(value).round() as i64) - first) * direction + 1;
    let mut candidates: Vec<i64> = match encoding {
        // A curve bends at its knots and nowhere else.
        Encoding::Spline { knots, .. } => {
            knots.iter().map(|knot| number(*knot)).filter(|number| (1..count).contains(number)).collect()
        }
        _ => Vec::new(),
    };
    if candidates.is_empty() {
        let most = MAX_CANDIDATES as i64 - 1;
        candidates =
            if count <= most { (1..count).collect() } else { (1..=most).map(|i| i * count / (most + 1)).collect() };
    }
    candidates.push(count);
    candidates.sort_unstable();
    candidates.dedup();
    while candidates.len() > MAX_CANDIDATES {
        // Every other one, from the farthest on.
        let odd = candidates.len() % 2;
        let mut index = 0;
        candidates.retain(|_| {
            index += 1;
            index % 2 == odd
        });
    }
    Some((Path::Steps { first, direction, decimals }, candidates))
}
