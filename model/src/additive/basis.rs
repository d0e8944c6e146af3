//! From a feature to bins, and from bins to columns.

use flight_risk_scoring::encoding::{Cells, Encoding};
use flight_risk_scoring::pair::Axis;
use ndarray::{Array1, Array2, ArrayView1};

/// Bins of a numeric feature: a curve of 16 knots cannot tell finer ones apart.
const MAX_BINS: usize = 64;
/// Knots of a curve, at quantiles; with fewer different values every one is a knot.
const MAX_KNOTS: usize = 16;
/// Waves of which a curve is put together beside its straight line.
const MAX_WAVES: usize = 9;
/// Bins of a numeric feature in a pair.
const MAX_PAIR_BINS: usize = 10;
/// Levels of a feature in a pair; the rarest share one.
const MAX_PAIR_LEVELS: usize = 8;
/// Waves of a numeric feature in a pair.
const MAX_PAIR_WAVES: usize = 6;

/// What the columns of a variable are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum VariableKind {
    /// One feature of the design.
    Feature {
        /// Its position.
        feature: usize,
        /// Knots of its curve; empty where it has none.
        knots: Vec<f64>,
    },
    /// Two features together.
    Pair {
        /// Their positions.
        features: [usize; 2],
        /// How they are cut.
        axes: [Axis; 2],
    },
}

/// A feature or a pair, discretised.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    pub(crate) kind: VariableKind,
    /// Bin of every row.
    pub(crate) codes: Vec<u16>,
    /// Bins by columns.
    pub(crate) basis: Array2<f64>,
    /// Block of each column.
    pub(crate) blocks: Vec<usize>,
    /// From these columns to those of the artifact's encoding (a pair: to its cells): rows are the artifact's.
    pub(crate) outward: Array2<f64>,
}

/// A feature's values in bins: what curves and pairs are made of.
#[derive(Clone, Debug)]
pub(crate) struct Binned {
    /// Bin of every row; the last bin holds unknown values.
    pub(crate) codes: Vec<u16>,
    /// A value for every bin but the last.
    pub(crate) values: Vec<f64>,
    /// Rows of every bin.
    pub(crate) counts: Vec<f64>,
    /// Whether the values are levels.
    levels: bool,
}

impl Variable {
    /// What coefficients of the columns are in the artifact's columns (a pair: in its cells).
    pub(crate) fn outside(&self, coefficients: ArrayView1<'_, f64>) -> Array1<f64> {
        self.outward.dot(&coefficients)
    }
}

impl Binned {
    /// Bins of packed values, NaN where unknown; `levels`: how many bins levels have, `None` for numbers.
    pub(crate) fn new(packed: &[f64], levels: Option<usize>) -> Self {
        let (upper, values) = match levels {
            Some(count) => (Vec::new(), (0..count.max(1)).map(|level| level as f64).collect()),
            None => quantile_bins(packed, MAX_BINS),
        };
        let unknown = values.len() as u16;
        let last = unknown.saturating_sub(1);
        let code = |&value: &f64| match levels {
            _ if value.is_nan() => unknown,
            Some(_) => (value as u16).min(last),
            None => (upper.partition_point(|bound| *bound < value) as u16).min(last),
        };
        let codes: Vec<u16> = packed.iter().map(code).collect();
        let mut counts = vec![0.0; values.len() + 1];
        let mut sums = vec![0.0; values.len() + 1];
        let mut ends = vec![(f64::INFINITY, f64::NEG_INFINITY); values.len() + 1];
        for (&code, &value) in codes.iter().zip(packed) {
            counts[code as usize] += 1.0;
            sums[code as usize] += value;
            let (least, most) = &mut ends[code as usize];
            (*least, *most) = (least.min(value), most.max(value));
        }
        // A bin's value is the mean of what is in it, and not outside of it by rounding: bins next to each other may differ by
        // no more than that.
        let mean = |(bin, &value): (usize, &f64)| match ends[bin] {
            _ if levels.is_some() || counts[bin] == 0.0 => value,
            (least, most) => (sums[bin] / counts[bin]).clamp(least, most),
        };
        let values = values.iter().enumerate().map(mean).collect();
        Self { codes, values, counts, levels: levels.is_some() }
    }

    fn known(&self) -> f64 {
        self.counts.iter().take(self.values.len()).sum()
    }
}

/// Upper bounds and values of at most `most` bins of equal size; every different value has its own where there are no more.
fn quantile_bins(packed: &[f64], most: usize) -> (Vec<f64>, Vec<f64>) {
    let mut known: Vec<f64> = packed.iter().copied().filter(|value| !value.is_nan()).collect();
    known.sort_unstable_by(f64::total_cmp);
    let mut distinct = known.clone();
    distinct.dedup();
    let bounds = if distinct.len() <= most {
        distinct
    } else {
        let mut bounds: Vec<f64> = (1..=most).map(|bin| known[bin * known.len() / most - 1]).collect();
        bounds.dedup();
        bounds
    };
    (bounds.clone(), bounds)
}

/// Knots of a curve over binned values: at quantiles, the smallest and the largest value among them.
fn knots(binned: &Binned) -> Vec<f64> {
    let values = &binned.values;
    if values.len() <= MAX_KNOTS {
        return values.clone();
    }
    let (total, mut before, mut knots) = (binned.known(), 0.0, Vec::new());
    for (&value, &count) in values.iter().zip(&binned.counts) {
        let wanted = knots.len() as f64 * total / (MAX_KNOTS - 1) as f64;
        // The bin's middle is past the wanted share, or it is the first.
        if knots.is_empty() || before + count / 2.0 >= wanted {
            knots.push(value);
        }
        before += count;
    }
    if let Some(&largest) = values.last()
        && knots.last().is_some_and(|last| *last < largest)
    {
        knots.truncate(MAX_KNOTS - 1);
        knots.push(largest);
    }
    knots
}

/// Cosines over the knots' order, from long to short waves, each shrunken like the second differences of a curve would be:
/// knots by waves.
fn waves(knots: usize, most: usize, roughness: i32) -> Array2<f64> {
    let count = knots.saturating_sub(1).min(most);
    Array2::from_shape_fn((knots, count), |(knot, wave)| {
        let angle = std::f64::consts::PI * (wave + 1) as f64 / knots as f64;
        let difference = 2.0 - 2.0 * angle.cos();
        (angle * (knot as f64 + 0.5)).cos() / difference.powf(f64::from(roughness) / 2.0)
    })
}

/// Centres every column at its mean over the rows and scales all of them so that their variances add up to 1.
fn standardise(columns: &mut Array2<f64>, counts: &[f64]) {
    let total: f64 = counts.iter().sum();
    let mut spread = 0.0;
    for mut column in columns.columns_mut() {
        let mean = column.iter().zip(counts).map(|(x, n)| x * n).sum::<f64>() / total;
        column -= mean;
        spread += column.iter().zip(counts).map(|(x, n)| x * x * n).sum::<f64>() / total;
    }
    if spread > 0.0 {
        *columns /= spread.sqrt();
    }
}

/// Which blocks the parts of a feature belong to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FeatureBlocks {
    pub(crate) line: usize,
    pub(crate) unknown: usize,
    pub(crate) own: usize,
}

/// The variable of one feature; a curve only where `curved`.
pub(crate) fn feature(
    position: usize,
    encoding: &Encoding,
    binned: &Binned,
    curved: bool,
    blocks: FeatureBlocks,
) -> Variable {
    let levels = matches!(encoding, Encoding::OneHot { .. });
    let knots = if curved && !levels { knots(binned) } else { Vec::new() };
    if knots.len() > 2 {
        return curve(position, encoding, binned, knots, blocks);
    }
    let width = encoding.width();
    let mut basis = Array2::zeros((binned.values.len() + 1, width));
    for (bin, value) in binned.values.iter().copied().chain([f64::NAN]).enumerate() {
        encoding.cells(value).each(&[], |column, x| basis[[bin, column]] = x);
    }
    let own = match encoding {
        Encoding::OneHot { .. } => vec![blocks.own; width],
        _ => [blocks.line, blocks.unknown].into_iter().take(width).collect(),
    };
    let kind = VariableKind::Feature { feature: position, knots: Vec::new() };
    Variable { kind, codes: binned.codes.clone(), basis, blocks: own, outward: Array2::eye(width) }
}

fn curve(position: usize, encoding: &Encoding, binned: &Binned, knots: Vec<f64>, blocks: FeatureBlocks) -> Variable {
    let unknown = encoding.has_unknown_column();
    let hats = Encoding::Spline { knots: knots.clone(), unknown: false };
    // Weight of every knot in every bin of known values.
    let mut weights = Array2::<f64>::zeros((binned.values.len(), knots.len()));
    for (bin, &value) in binned.values.iter().enumerate() {
        hats.cells(value).each(&[], |knot, x| weights[[bin, knot]] = x);
    }
    let shapes = waves(knots.len(), MAX_WAVES, 2);
    let width = 1 + shapes.ncols() + usize::from(unknown);
    // At the knots: the straight line (or logarithm), then the waves, centred and scaled over the rows.
    let mut at_knots = Array2::zeros((knots.len(), 1 + shapes.ncols()));
    for (knot, &value) in knots.iter().enumerate() {
        if let Cells::One(_, x) = encoding.cells(value) {
            at_knots[[knot, 0]] = x;
        }
    }
    let counts = binned.counts.get(..binned.values.len()).unwrap_or_default();
    let in_bins = weights.dot(&shapes);
    let total = binned.known();
    let means = in_bins.t().dot(&Array1::from(counts.to_vec())) / total;
    let centred = &in_bins - &means;
    let spread = centred.rows().into_iter().zip(counts).map(|(row, n)| n * row.dot(&row)).sum::<f64>() / total;
    let scale = if spread > 0.0 { spread.sqrt() } else { 1.0 };
    at_knots.slice_mut(ndarray::s![.., 1..]).assign(&((&shapes - &means) / scale));
    let mut basis = Array2::zeros((binned.values.len() + 1, width));
    basis.slice_mut(ndarray::s![..binned.values.len(), ..1 + shapes.ncols()]).assign(&weights.dot(&at_knots));
    let mut outward = Array2::zeros((knots.len() + usize::from(unknown), width));
    outward.slice_mut(ndarray::s![..knots.len(), ..1 + shapes.ncols()]).assign(&at_knots);
    let mut own = vec![blocks.line];
    own.extend(std::iter::repeat_n(blocks.own, shapes.ncols()));
    if unknown {
        basis[[binned.values.len(), width - 1]] = 1.0;
        outward[[knots.len(), width - 1]] = 1.0;
        own.push(blocks.unknown);
    }
    let kind = VariableKind::Feature { feature: position, knots };
    Variable { kind, codes: binned.codes.clone(), basis, blocks: own, outward }
}

/// A feature as one side of a pair.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    pub(crate) axis: Axis,
    /// Coarse bin of every row.
    pub(super) codes: Vec<u16>,
    /// Coarse bins by columns, centred over the rows.
    pub(super) basis: Array2<f64>,
}

/// Cuts a feature for pairs; `None` when only one bin is left.
pub(crate) fn side(binned: &Binned) -> Option<Side> {
    let fine = binned.values.len();
    // Coarse bin of every fine one, and how to find it from a value.
    let (coarse, axis): (Vec<u16>, Axis) = if binned.levels {
        let mut order: Vec<usize> = (0..fine).collect();
        order.sort_by(|&a, &b| binned.counts[b].total_cmp(&binned.counts[a]).then(a.cmp(&b)));
        let mut coarse = vec![0_u16; fine];
        for (rank, &level) in order.iter().enumerate() {
            coarse[level] = rank.min(MAX_PAIR_LEVELS - 1) as u16;
        }
        let bins = coarse.iter().map(|&bin| u32::from(bin)).collect();
        (coarse, Axis::Levels { bins })
    } else {
        let wanted = fine.min(MAX_PAIR_BINS);
        let total = binned.known();
        let (mut coarse, mut cuts, mut before) = (Vec::with_capacity(fine), Vec::new(), 0.0);
        for (bin, &value) in binned.values.iter().enumerate() {
            let due = fine <= MAX_PAIR_BINS || before >= (cuts.len() + 1) as f64 * total / wanted as f64;
            if bin > 0 && due && cuts.len() + 1 < wanted {
                let below = binned.values[bin - 1];
                cuts.push(below + (value - below) / 2.0);
            }
            coarse.push(cuts.len() as u16);
            before += binned.counts[bin];
        }
        (coarse, Axis::Cuts { cuts })
    };
    let bins = axis.len();
    let unknown = (bins - 1) as u16;
    let codes: Vec<u16> =
        binned.codes.iter().map(|&code| coarse.get(code as usize).copied().unwrap_or(unknown)).collect();
    let mut counts = vec![0.0; bins];
    codes.iter().for_each(|&code| counts[code as usize] += 1.0);
    let known = bins - 1;
    let has_unknown = counts[known] > 0.0;
    if known + usize::from(has_unknown) < 2 {
        return None;
    }
    let shapes = if binned.levels { Array2::eye(known) } else { waves(known, MAX_PAIR_WAVES, 1) };
    let width = shapes.ncols() + usize::from(has_unknown);
    let mut basis = Array2::zeros((bins, width));
    basis.slice_mut(ndarray::s![..known, ..shapes.ncols()]).assign(&shapes);
    if has_unknown {
        basis[[known, width - 1]] = 1.0;
    }
    standardise(&mut basis, &counts);
    Some(Side { axis, codes, basis })
}

/// The variable of two features together. Both sides are centred, so that neither's mean over the other's values moves: the
/// pair is purified by construction.
pub(crate) fn pair(features: [usize; 2], sides: [&Side; 2], block: usize) -> Variable {
    let [first, second] = sides;
    let (rows, columns) = (first.basis.nrows(), second.basis.nrows());
    let width = first.basis.ncols() * second.basis.ncols();
    let basis = Array2::from_shape_fn((rows * columns, width), |(cell, column)| {
        first.basis[[cell / columns, column / second.basis.ncols()]]
            * second.basis[[cell % columns, column % second.basis.ncols()]]
    });
    let codes = first.codes.iter().zip(&second.codes).map(|(&a, &b)| a * columns as u16 + b).collect();
    let kind = VariableKind::Pair { features, axes: [first.axis.clone(), second.axis.clone()] };
    Variable { kind, codes, outward: basis.clone(), basis, blocks: vec![block; width] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_differ_by_rounding_only_stay_apart_and_in_order() {
        let value = 0.1_f64;
        let neighbours = [value, value.next_up(), value.next_up().next_up()];
        let packed: Vec<f64> = neighbours.iter().flat_map(|neighbour| [*neighbour; 3]).collect();
        assert_eq!(Binned::new(&packed, None).values, neighbours);
    }

    #[test]
    fn knots_are_few_ascending_and_reach_both_ends() {
        for values in [
            (0..1000).map(f64::from).collect::<Vec<_>>(),
            (0..1000).map(|i| f64::from(i % 7)).collect(),
            (0..1000).map(|i| if i < 900 { 0.0 } else { f64::from(i) }).collect(),
            (0..1000).map(|i| f64::from(i).powi(5)).collect(),
        ] {
            let binned = Binned::new(&values, None);
            let knots = knots(&binned);
            assert!(knots.len() <= MAX_KNOTS && knots.is_sorted_by(|a, b| a < b), "{knots:?}");
            assert_eq!(knots.first(), binned.values.first());
            assert_eq!(knots.last(), binned.values.last());
            assert!((binned.counts.iter().sum::<f64>() - 1000.0).abs() < 1e-9);
        }
    }

    #[test]
    fn a_pair_is_purified() {
        let one: Vec<f64> = (0..600).map(|i| if i % 11 == 0 { f64::NAN } else { f64::from(i % 23) }).collect();
        let two: Vec<f64> = (0..600).map(|i| f64::from(i * i % 4)).collect();
        let sides = [side(&Binned::new(&one, None)), side(&Binned::new(&two, Some(4)))];
        let (Some(a), Some(b)) = (&sides[0], &sides[1]) else { unreachable!("both vary") };
        let pair = pair([0, 1], [a, b], 0);
        let share = |side: &Side, bin: usize| side.codes.iter().filter(|&&code| code as usize == bin).count() as f64;
        let columns = b.basis.nrows();
        for column in pair.basis.columns() {
            for first in 0..a.basis.nrows() {
                let over: f64 = (0..columns).map(|second| column[first * columns + second] * share(b, second)).sum();
                assert!(over.abs() < 1e-9, "{over}");
            }
        }
    }
}
