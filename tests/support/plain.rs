//! A model as its file has it, computed here from the format's description, without the engine.

use std::path::Path;

use flight_risk_scoring::artifact::FILE_NAME;
use serde::Deserialize;
use serde_json::Value;

/// What of the file says how log-odds come about.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Plain {
    pub(crate) features: Vec<PlainFeature>,
    encodings: Vec<PlainEncoding>,
    intercept: f64,
    coefficients: Vec<f64>,
    pub(crate) pairs: Vec<PlainPair>,
    pub(crate) recurring: Option<PlainRecurring>,
    calibration: PlainCalibration,
    pub(crate) rules: Option<PlainRules>,
    reference: PlainReference,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PlainFeature {
    pub(crate) name: String,
    pub(crate) kind: PlainKind,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum PlainKind {
    Numeric { min: f64, max: f64 },
    Categorical { levels: Vec<String> },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum PlainEncoding {
    Standardised { mean: f64, scale: f64, unknown: bool },
    LogStandardised { mean: f64, scale: f64, unknown: bool },
    Spline { knots: Vec<f64>, unknown: bool },
    OneHot { levels: usize, pooled: bool, unknown: bool },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum PlainAxis {
    Cuts { cuts: Vec<f64> },
    Levels { bins: Vec<usize> },
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PlainPair {
    pub(crate) features: [usize; 2],
    axes: [PlainAxis; 2],
    effects: Vec<f64>,
    shares: Vec<f64>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PlainRecurring {
    pub(crate) feature: usize,
    pub(crate) values: Vec<f64>,
    effects: Vec<f64>,
    mean: f64,
}

#[derive(Clone, Debug, Deserialize)]
struct PlainCalibration {
    slope: f64,
    intercept: f64,
}

#[derive(Clone, Debug, Deserialize)]
struct PlainReference {
    column_means: Vec<f64>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PlainRules {
    weight: f64,
    pub(crate) ensemble: PlainEnsemble,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PlainEnsemble {
    pub(crate) members: Vec<Vec<PlainTree>>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PlainTree {
    conditions: Vec<PlainCondition>,
    values: Vec<f64>,
    shares: Vec<f64>,
    /// Of every cell the Shapley value of each condition's feature, at the first condition on it.
    #[serde(skip)]
    explained: Vec<Vec<f64>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum PlainCondition {
    Above { feature: usize, threshold: f64, unknown: bool },
    OneOf { feature: usize, levels: Vec<u32>, unknown: bool },
}

impl PlainCondition {
    fn feature(&self) -> usize {
        match self {
            Self::Above { feature, .. } | Self::OneOf { feature, .. } => *feature,
        }
    }

    fn holds(&self, row: &[f64]) -> bool {
        let value = row[self.feature()];
        match self {
            Self::Above { unknown, .. } | Self::OneOf { unknown, .. } if value.is_nan() => *unknown,
            Self::Above { threshold, .. } => value > *threshold,
            Self::OneOf { levels, .. } => levels.contains(&(value as u32)),
        }
    }
}

impl PlainAxis {
    fn bins(&self) -> usize {
        match self {
            Self::Cuts { cuts } => cuts.len() + 2,
            Self::Levels { bins } => bins.iter().max().unwrap() + 2,
        }
    }

    fn bin(&self, value: f64) -> usize {
        match self {
            _ if value.is_nan() => self.bins() - 1,
            Self::Cuts { cuts } => cuts.iter().filter(|&&cut| value >= cut).count(),
            Self::Levels { bins } => bins[(value as usize).min(bins.len() - 1)],
        }
    }
}

impl PlainPair {
    fn effect(&self, row: &[f64]) -> f64 {
        let [a, b] = [0, 1].map(|side| self.axes[side].bin(row[self.features[side]]));
        self.effects[a * self.axes[1].bins() + b]
    }

    fn mean(&self) -> f64 {
        self.effects.iter().zip(&self.shares).map(|(effect, share)| effect * share).sum()
    }
}

impl PlainRecurring {
    fn effect(&self, row: &[f64]) -> f64 {
        let known = self.values.iter().position(|value| value.total_cmp(&row[self.feature]).is_eq());
        known.map_or(0.0, |place| self.effects[place])
    }
}

impl PlainTree {
    fn cell(&self, row: &[f64]) -> usize {
        self.conditions.iter().enumerate().map(|(bit, condition)| usize::from(condition.holds(row)) << bit).sum()
    }

    fn mean(&self) -> f64 {
        self.values.iter().zip(&self.shares).map(|(value, share)| value * share).sum()
    }

    /// The features asked for, each by the first bit that is its own, with all its bits.
    fn players(&self) -> Vec<(usize, usize)> {
        let of = |bit: usize| self.conditions[bit].feature();
        let first = |bit: &usize| (0..*bit).all(|earlier| of(earlier) != of(*bit));
        let bits = |bit: usize| (0..self.conditions.len()).filter(|&other| of(other) == of(bit)).map(|b| 1 << b).sum();
        (0..self.conditions.len()).filter(first).map(|bit| (bit, bits(bit))).collect()
    }

    /// Shapley values of a cell's features by going through all orders in which they can become known.
    fn explain(&self, cell: usize) -> Vec<f64> {
        let players = self.players();
        let expected = |known: usize| -> f64 {
            let mixed = |other: usize| self.values[(cell & known) | (other & !known)];
            self.shares.iter().enumerate().map(|(other, share)| share * mixed(other)).sum()
        };
        let orders = orders(players.len());
        let mut sums = vec![0.0; self.conditions.len()];
        for order in &orders {
            let mut known = 0;
            for &player in order {
                let (bit, bits) = players[player];
                sums[bit] += (expected(known | bits) - expected(known)) / orders.len() as f64;
                known |= bits;
            }
        }
        sums
    }
}

/// All orders of the numbers below `count`.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else { return vec![Vec::new()] };
    let with = |order: Vec<usize>| {
        (0..count).map(move |place| {
            let mut longer = order.clone();
            longer.insert(place, last);
            longer
        })
    };
    orders(last).into_iter().flat_map(with).collect()
}

impl Plain {
    /// Reads the file of a model directory.
    pub(crate) fn read(model: &Path) -> Self {
        Self::of(&std::fs::read_to_string(model.join(FILE_NAME)).unwrap())
    }

    /// Of a file's text.
    pub(crate) fn of(json: &str) -> Self {
        let mut file: Value = serde_json::from_str(json).unwrap();
        let mut plain: Self = serde_json::from_value(file["content"].take()).unwrap();
        for tree in plain.rules.iter_mut().flat_map(|rules| rules.ensemble.members.iter_mut().flatten()) {
            tree.explained = (0..tree.values.len()).map(|cell| tree.explain(cell)).collect();
        }
        plain
    }

    /// Whether a feature is a curve.
    pub(crate) fn has_curve(&self) -> bool {
        self.encodings.iter().any(|encoding| matches!(encoding, PlainEncoding::Spline { .. }))
    }

    /// Positions of a feature's columns.
    fn columns_of(&self, feature: usize) -> std::ops::Range<usize> {
        let width = |encoding: &PlainEncoding| match encoding {
            PlainEncoding::Standardised { unknown, .. } | PlainEncoding::LogStandardised { unknown, .. } => {
                1 + usize::from(*unknown)
            }
            PlainEncoding::Spline { knots, unknown } => knots.len() + usize::from(*unknown),
            PlainEncoding::OneHot { levels, pooled, unknown } => levels + usize::from(*pooled) + usize::from(*unknown),
        };
        let start = self.encodings[..feature].iter().map(width).sum();
        start..start + width(&self.encodings[feature])
    }

    /// The columns of a feature's value.
    fn columns(&self, feature: usize, value: f64) -> Vec<f64> {
        let range = self.columns_of(feature);
        let hot = |column: usize| range.clone().map(|c| f64::from(u8::from(c - range.start == column))).collect();
        let means = || self.reference.column_means[range.clone()].to_vec();
        let number = |x: f64| range.clone().map(|c| if c == range.start { x } else { 0.0 }).collect();
        match &self.encodings[feature] {
            PlainEncoding::Standardised { unknown, .. }
            | PlainEncoding::LogStandardised { unknown, .. }
            | PlainEncoding::Spline { unknown, .. }
            | PlainEncoding::OneHot { unknown, .. }
                if value.is_nan() =>
            {
                if *unknown {
                    hot(range.len() - 1)
                } else {
                    means()
                }
            }
            PlainEncoding::Standardised { mean, scale, .. } => number((value - mean) / scale),
            PlainEncoding::LogStandardised { mean, scale, .. } => number(((1.0 + value.max(0.0)).ln() - mean) / scale),
            PlainEncoding::Spline { knots, .. } => {
                let value = value.clamp(knots[0], *knots.last().unwrap());
                // A hat over each knot: 1 there, 0 at its neighbours.
                let hat = |knot: usize| {
                    let rise = |from: f64, to: f64| ((value - from) / (to - from)).clamp(0.0, 1.0);
                    let left = if knot == 0 { 1.0 } else { rise(knots[knot - 1], knots[knot]) };
                    let right = knots.get(knot + 1).map_or(1.0, |next| rise(*next, knots[knot]));
                    left.min(right)
                };
                range.clone().map(|c| if c - range.start < knots.len() { hat(c - range.start) } else { 0.0 }).collect()
            }
            PlainEncoding::OneHot { levels, .. } if (value as usize) < *levels => hot(value as usize),
            PlainEncoding::OneHot { levels, pooled, .. } => {
                if *pooled {
                    hot(*levels)
                } else {
                    means()
                }
            }
        }
    }

    fn effect(&self, feature: usize, columns: &[f64]) -> f64 {
        self.coefficients[self.columns_of(feature)].iter().zip(columns).map(|(c, x)| c * x).sum()
    }

    fn typical(&self, feature: usize) -> f64 {
        self.effect(feature, &self.reference.column_means[self.columns_of(feature)])
    }

    /// Log-odds of a packed row.
    pub(crate) fn log_odds(&self, row: &[f64]) -> f64 {
        let own: f64 = (0..row.len()).map(|feature| self.effect(feature, &self.columns(feature, row[feature]))).sum();
        let pairs: f64 = self.pairs.iter().map(|pair| pair.effect(row)).sum();
        let recurring = self.recurring.as_ref().map_or(0.0, |recurring| recurring.effect(row));
        let rules = self.rules(&|tree| tree.values[tree.cell(row)]);
        self.corrected(self.intercept + own + pairs + recurring, rules)
    }

    /// Log-odds of the reference population.
    pub(crate) fn reference(&self) -> f64 {
        let own: f64 = (0..self.features.len()).map(|feature| self.typical(feature)).sum();
        let pairs: f64 = self.pairs.iter().map(PlainPair::mean).sum();
        let recurring = self.recurring.as_ref().map_or(0.0, |recurring| recurring.mean);
        self.corrected(self.intercept + own + pairs + recurring, self.rules(&PlainTree::mean))
    }

    fn corrected(&self, additive: f64, rules: f64) -> f64 {
        self.calibration.slope * additive + self.calibration.intercept + rules
    }

    /// A sum over trees, as it counts.
    fn rules(&self, of: &dyn Fn(&PlainTree) -> f64) -> f64 {
        let Some(rules) = &self.rules else { return 0.0 };
        let members = &rules.ensemble.members;
        rules.weight * members.iter().flatten().map(of).sum::<f64>() / members.len() as f64
    }

    /// Contribution of every feature to the log-odds of a packed row.
    pub(crate) fn contributions(&self, row: &[f64]) -> Vec<f64> {
        let slope = self.calibration.slope;
        let own = |feature: usize| self.effect(feature, &self.columns(feature, row[feature])) - self.typical(feature);
        let mut parts: Vec<f64> = (0..row.len()).map(|feature| slope * own(feature)).collect();
        for pair in &self.pairs {
            for feature in pair.features {
                parts[feature] += slope * (pair.effect(row) - pair.mean()) / 2.0;
            }
        }
        if let Some(recurring) = &self.recurring {
            parts[recurring.feature] += slope * (recurring.effect(row) - recurring.mean);
        }
        if let Some(rules) = &self.rules {
            let members = &rules.ensemble.members;
            for tree in members.iter().flatten() {
                for (condition, part) in tree.conditions.iter().zip(&tree.explained[tree.cell(row)]) {
                    parts[condition.feature()] += rules.weight * part / members.len() as f64;
                }
            }
        }
        parts
    }

    /// Interventional Shapley values of a packed row by their definition: every coalition of features, each expectation taken
    /// over the background's rows.
    pub(crate) fn shapley(&self, row: &[f64], background: &[Vec<f64>]) -> Vec<f64> {
        let count = row.len();
        let expected: Vec<f64> = (0..1_usize << count)
            .map(|known| {
                let mixed = |other: &Vec<f64>| -> Vec<f64> {
                    (0..count).map(|f| if known >> f & 1 == 1 { row[f] } else { other[f] }).collect()
                };
                background.iter().map(|other| self.log_odds(&mixed(other))).sum::<f64>() / background.len() as f64
            })
            .collect();
        let factorial = |n: usize| (1..=n).product::<usize>() as f64;
        let of = |feature: usize| {
            let without = (0..1_usize << count).filter(|known| known >> feature & 1 == 0);
            let step = |known: usize| {
                let size = known.count_ones() as usize;
                let weight = factorial(size) * factorial(count - size - 1) / factorial(count);
                weight * (expected[known | 1 << feature] - expected[known])
            };
            without.map(step).sum()
        };
        (0..count).map(of).collect()
    }
}
