//! What an additive model is made of: which features are curves, which pairs there are, and the penalty of every block.

use std::collections::BTreeMap;

use flight_risk_scoring::schema::FeatureKind;

use crate::additive::basis::{Binned, FeatureBlocks, Side, feature, pair, side};
use crate::additive::evidence::{evidence, pair_evidence};
use crate::additive::gram::{Columns, Recurrence};
use crate::additive::newton::NEGLIGIBLE;
use crate::additive::{Penalised, Start, Variable, VariableKind, fit};
use crate::config::{Complexity, TrainingPlan};
use crate::design::Design;
use crate::solver::SolveError;
use crate::table::TrainingTable;

/// Where the search for a block's penalty begins.
const FIRST_PENALTY: f64 = 10.0;
/// Gain in log marginal likelihood (nats) from which a curve is worth more than a straight line.
const CURVE_WORTH: f64 = 1.0;
/// A pair must gain as much as the best of so many that mean nothing would (their logarithm), and at least this.
const PAIR_WORTH: f64 = 2.0;
/// Pairs of a model, at most: few enough to be looked at.
const MAX_PAIRS: usize = 8;
/// Features among which pairs are looked for: those that matter most.
const MAX_PAIRED_FEATURES: usize = 40;
/// Gain from which values that recur are taken for people.
const RECURRING_WORTH: f64 = 10.0;
/// Rows that share a value, at least, and on average.
const RECURRING_ROWS: usize = 3;
/// Fewer different values than this are a scale, not a name.
const LEAST_RECURRING_VALUES: usize = 50;
/// More of them would need a matrix of their own size.
const MAX_RECURRING_VALUES: usize = 20_000;

const LINES: &str = "straight lines";
const UNKNOWN: &str = "unknown values";
/// Name of the block of recurring values.
pub(crate) const RECURRING: &str = "recurring values";

/// The parts of a model beside straight lines and levels, by name, and the penalty of every block, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Structure {
    curves: Vec<String>,
    pairs: Vec<[String; 2]>,
    recurring: Option<String>,
    penalties: BTreeMap<String, f64>,
}

impl Structure {
    /// Whether every feature is a straight line or levels.
    pub(crate) fn is_straight(&self) -> bool {
        self.curves.is_empty() && self.pairs.is_empty() && self.recurring.is_none()
    }

    /// The feature whose exact values have effects of their own.
    pub(crate) fn recurring(&self) -> Option<&str> {
        self.recurring.as_deref()
    }

    /// The penalty of a block; a middling one where none is known.
    fn penalty(&self, block: &str) -> f64 {
        self.penalties.get(block).copied().unwrap_or(FIRST_PENALTY)
    }
}

/// Rows ready for fitting: every feature of a design in bins.
pub(crate) struct Prepared<'a> {
    pub(crate) design: &'a Design,
    packed: Vec<Vec<f64>>,
    binned: Vec<Binned>,
    pub(crate) events: Vec<bool>,
    /// Whether rows stand for themselves, so that values which recur may stand for people.
    anonymous: bool,
    /// Features whose effect may have one sign only.
    monotone: Vec<usize>,
}

/// A structure laid out in columns.
pub(crate) struct Layout {
    pub(crate) variables: Vec<Variable>,
    pub(crate) blocks: Vec<String>,
    pub(crate) recurrence: Option<(usize, Vec<f64>, Recurrence)>,
}

impl Layout {
    pub(crate) fn columns(&self) -> Columns<'_> {
        Columns { variables: &self.variables, recurrence: self.recurrence.as_ref().map(|recurring| &recurring.2) }
    }

    /// The penalty of every column of the variables in a fit.
    pub(crate) fn penalties<'a>(&'a self, solved: &'a Penalised) -> impl Iterator<Item = f64> + 'a {
        let blocks = self.variables.iter().flat_map(|variable| variable.blocks.iter());
        blocks.map(|&block| solved.penalties.get(block).copied().unwrap_or_default())
    }
}

impl<'a> Prepared<'a> {
    pub(crate) fn new(design: &'a Design, table: &TrainingTable, rows: &[usize]) -> Self {
        let packed: Vec<Vec<f64>> =
            (0..design.features.len()).map(|feature| design.packed_column(table, feature, rows)).collect();
        let binned = packed.iter().zip(&design.features).map(|(values, feature)| {
            let levels = match &feature.kind {
                FeatureKind::Categorical { levels, .. } => Some(levels.len() + 1),
                FeatureKind::Numeric { .. } => None,
            };
            Binned::new(values, levels)
        });
        let binned = binned.collect();
        let mut groups: Vec<u32> = rows.iter().map(|&row| table.groups.get(row).copied().unwrap_or_default()).collect();
        groups.sort_unstable();
        groups.dedup();
        let monotone = design.signs(table).into_iter().map(|(feature, _)| feature).collect();
        let anonymous = !table.named && groups.len() * 10 >= rows.len() * 9;
        Self { design, packed, binned, events: table.events_of(rows), anonymous, monotone }
    }

    /// The values of a feature, a row each; NaN where unknown.
    pub(crate) fn values(&self, feature: usize) -> &[f64] {
        self.packed.get(feature).map(Vec::as_slice).unwrap_or_default()
    }

    /// Means of a feature's values below and above each bin's value (not above it: first) with the number of such rows, then NaN
    /// with the number of unknown values. What is straight between the bins' values has the same mean over these as over the rows.
    pub(crate) fn half_bins(&self, feature: usize) -> Vec<(f64, f64)> {
        let Some(binned) = self.binned.get(feature) else { return Vec::new() };
        let mut sums = vec![(0.0, 0.0); 2 * binned.values.len() + 1];
        for (&code, &value) in binned.codes.iter().zip(self.values(feature)) {
            let above = binned.values.get(code as usize).is_some_and(|middle| value > *middle);
            if let Some((sum, count)) = sums.get_mut(2 * code as usize + usize::from(above)) {
                *sum += value;
                *count += 1.0;
            }
        }
        sums.into_iter().filter(|(_, count)| *count > 0.0).map(|(sum, count)| (sum / count, count)).collect()
    }

    fn name(&self, feature: usize) -> &str {
        self.design.features.get(feature).map_or("", |feature| feature.name.as_str())
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.design.features.iter().position(|feature| feature.name == name)
    }

    /// Lays out the columns of a structure.
    pub(crate) fn layout(&self, structure: &Structure) -> Layout {
        let mut blocks = vec![LINES.to_owned(), UNKNOWN.to_owned()];
        let mut variables = Vec::with_capacity(self.binned.len() + structure.pairs.len());
        for (position, (encoding, binned)) in self.design.encodings.iter().zip(&self.binned).enumerate() {
            let name = self.name(position);
            let curved = structure.curves.iter().any(|curve| curve == name);
            let own = FeatureBlocks { line: 0, unknown: 1, own: blocks.len() };
            let variable = feature(position, encoding, binned, curved, own);
            if variable.blocks.contains(&own.own) {
                let VariableKind::Feature { knots, .. } = &variable.kind else { continue };
                blocks.push(format!("{} of {name}", if knots.is_empty() { "levels" } else { "curve" }));
            }
            variables.push(variable);
        }
        for [first, second] in &structure.pairs {
            let Some((a, b)) = self.position(first).zip(self.position(second)) else { continue };
            let Some((one, two)) = self.side(a).zip(self.side(b)) else { continue };
            variables.push(pair([a, b], [&one, &two], blocks.len()));
            blocks.push(pair_name(first, second));
        }
        let recurrence = structure.recurring.as_deref().and_then(|name| {
            let feature = self.position(name)?;
            let (values, recurrence) = recurrence(self.packed.get(feature)?)?;
            Some((feature, values, recurrence))
        });
        Layout { variables, blocks, recurrence }
    }

    fn side(&self, feature: usize) -> Option<Side> {
        self.binned.get(feature).and_then(side)
    }

    /// Fits a layout beside log-odds that are given; `estimate`: from the structure's penalties on, those are looked for that fit
    /// best. `near`: a fit that may be of the same columns already.
    pub(crate) fn fit(
        &self,
        layout: &Layout,
        structure: &Structure,
        estimate: bool,
        offset: Option<&[f64]>,
        near: Option<&Penalised>,
    ) -> Result<Penalised, SolveError> {
        let start = Start {
            near,
            penalties: layout.blocks.iter().map(|block| structure.penalty(block)).collect(),
            recurring_penalty: structure.penalty(RECURRING),
            estimate,
        };
        fit(layout.columns(), &self.events, offset, &start)
    }

    /// Fits a structure, and takes over into it what the fit found.
    pub(crate) fn settle(&self, structure: &mut Structure) -> Result<Penalised, SolveError> {
        let layout = self.layout(structure);
        let fitted = self.fit(&layout, structure, true, None, None)?;
        structure.keep(&layout, &fitted);
        Ok(fitted)
    }

    /// Looks for a structure, from what is known of an earlier one on; and the last fit on the way to it.
    pub(crate) fn find(
        &self,
        plan: &TrainingPlan,
        complexity: Complexity,
        earlier: &Structure,
    ) -> Result<(Structure, Penalised), SolveError> {
        let mut structure = Structure { penalties: earlier.penalties.clone(), ..Structure::default() };
        if complexity == Complexity::Lines {
            let fitted = self.settle(&mut structure)?;
            return Ok((structure, fitted));
        }
        let bendable = self.bendable();
        let recurring = if self.anonymous { self.recurring_candidates() } else { Vec::new() };
        if complexity == Complexity::Curves || !recurring.is_empty() {
            let working = self.settle(&mut structure)?.working(&self.events);
            if complexity == Complexity::Curves {
                let worth = |&&feature: &&usize| self.curve_evidence(feature, &working) > CURVE_WORTH;
                structure.curves =
                    bendable.iter().filter(worth).map(|&feature| self.name(feature).to_owned()).collect();
            }
            structure.recurring = self.best_recurring(&recurring, &working);
        }
        if complexity == Complexity::Full {
            structure.curves = bendable.iter().map(|&feature| self.name(feature).to_owned()).collect();
        }
        let mut fitted = self.settle(&mut structure)?;
        if plan.pairs {
            structure.pairs = self.pairs(&fitted, &mut structure.penalties, earlier);
            if !structure.pairs.is_empty() {
                fitted = self.settle(&mut structure)?;
            }
        }
        Ok((structure, fitted))
    }

    /// The features that may be curves.
    pub(crate) fn bendable(&self) -> Vec<usize> {
        (0..self.binned.len()).filter(|&feature| self.bends(feature)).collect()
    }

    /// Whether a feature may be a curve: a number with more than two values.
    fn bends(&self, feature: usize) -> bool {
        let numeric = matches!(self.design.features.get(feature).map(|f| &f.kind), Some(FeatureKind::Numeric { .. }));
        numeric && self.binned.get(feature).is_some_and(|binned| binned.values.len() > 2)
    }

    fn curve_evidence(&self, position: usize, working: &(Vec<f64>, Vec<f64>)) -> f64 {
        let Some((encoding, binned)) = self.design.encodings.get(position).zip(self.binned.get(position)) else {
            return f64::NEG_INFINITY;
        };
        let variable = feature(position, encoding, binned, true, FeatureBlocks { line: 0, unknown: 1, own: 2 });
        let waves = variable.blocks.iter().filter(|&&block| block == 2).count();
        if waves == 0 {
            f64::NEG_INFINITY
        } else {
            evidence(&variable, 1..1 + waves, (&working.0, &working.1), CURVE_WORTH).0
        }
    }

    /// Pairs that say more than their features alone, strongest first.
    fn pairs(
        &self,
        fitted: &Penalised,
        penalties: &mut BTreeMap<String, f64>,
        earlier: &Structure,
    ) -> Vec<[String; 2]> {
        let working = fitted.working(&self.events);
        let mut features: Vec<usize> =
            (0..self.binned.len()).filter(|&feature| !self.monotone.contains(&feature)).collect();
        if features.len() > MAX_PAIRED_FEATURES {
            let mut spreads: Vec<(f64, usize)> =
                features.into_iter().map(|feature| (self.spread(feature, fitted), feature)).collect();
            spreads.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            features = spreads.into_iter().take(MAX_PAIRED_FEATURES).map(|(_, feature)| feature).collect();
            features.sort_unstable();
        }
        let sides: Vec<(usize, Side)> =
            features.into_iter().filter_map(|feature| Some((feature, self.side(feature)?))).collect();
        let couples: Vec<(usize, usize)> = (0..sides.len()).flat_map(|i| (0..i).map(move |j| (j, i))).collect();
        let worth = PAIR_WORTH.max((couples.len().max(1) as f64).ln() - 0.5);
        let mut found: Vec<(f64, f64, [usize; 2])> = {
            use rayon::prelude::*;
            let gain = |&(i, j): &(usize, usize)| {
                let ((a, one), (b, two)) = (sides.get(i)?, sides.get(j)?);
                let (gain, penalty) = pair_evidence([one, two], (&working.0, &working.1), worth);
                (gain > worth).then_some((gain, penalty, [*a, *b]))
            };
            couples.par_iter().filter_map(gain).collect()
        };
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.2.cmp(&b.2)));
        found.truncate(MAX_PAIRS);
        let mut pairs = Vec::with_capacity(found.len());
        for (_, penalty, features) in found {
            let [first, second] = features.map(|feature| self.name(feature).to_owned());
            let name = pair_name(&first, &second);
            let start = earlier.penalties.get(&name).copied().unwrap_or(penalty);
            penalties.insert(name, start);
            pairs.push([first, second]);
        }
        pairs
    }

    /// How far the mean log-odds of a feature's bins lie from 0, squared and summed over the rows: what it tells of the fit.
    fn spread(&self, feature: usize, fitted: &Penalised) -> f64 {
        let Some(binned) = self.binned.get(feature) else { return 0.0 };
        let bins = binned.values.len() + 1;
        let (mut sums, mut squares) = (vec![0.0; bins], 0.0);
        for (&code, x) in binned.codes.iter().zip(&fitted.log_odds) {
            if let Some(sum) = sums.get_mut(code as usize) {
                *sum += x;
            }
        }
        for (sum, count) in sums.iter().zip(&binned.counts) {
            squares += if *count > 0.0 { sum * sum / count } else { 0.0 };
        }
        squares
    }

    /// Features whose values may stand for people; an effect that may move in one direction only leaves no room for them.
    fn recurring_candidates(&self) -> Vec<(usize, Recurrence)> {
        let free = self.bendable().into_iter().filter(|feature| !self.monotone.contains(feature));
        free.filter_map(|feature| Some((feature, recurrence(self.values(feature))?.1))).collect()
    }

    /// The feature whose exact values tell most, where that is worth it.
    fn best_recurring(&self, candidates: &[(usize, Recurrence)], working: &(Vec<f64>, Vec<f64>)) -> Option<String> {
        let gain = |(feature, recurrence): &(usize, Recurrence)| {
            let (mut r, mut w) = (vec![0.0; recurrence.count], vec![0.0; recurrence.count]);
            for ((place, residual), weight) in recurrence.places.iter().zip(&working.0).zip(&working.1) {
                let Some(place) = place else { continue };
                if let (Some(r), Some(w)) = (r.get_mut(*place as usize), w.get_mut(*place as usize)) {
                    *r += residual;
                    *w += weight;
                }
            }
            let at = |penalty: f64| -> f64 {
                r.iter().zip(&w).map(|(r, w)| 0.5 * (r * r / (w + penalty) - (w / penalty).ln_1p())).sum()
            };
            let best = [0.3, 1.0, 3.0, 10.0, 30.0].map(at).into_iter().fold(f64::NEG_INFINITY, f64::max);
            (best > RECURRING_WORTH).then_some((best, *feature))
        };
        let best = candidates.iter().filter_map(gain).max_by(|a, b| a.0.total_cmp(&b.0));
        best.map(|(_, feature)| self.name(feature).to_owned())
    }
}

impl Structure {
    /// Takes over the penalties that a fit found, and drops curves, pairs and recurring values of which it left nothing.
    fn keep(&mut self, layout: &Layout, fitted: &Penalised) {
        let left: BTreeMap<&str, f64> =
            layout.blocks.iter().map(String::as_str).zip(fitted.effective.iter().copied()).collect();
        for (block, penalty) in layout.blocks.iter().zip(&fitted.penalties) {
            self.penalties.insert(block.clone(), *penalty);
        }
        let matters = |block: &str| left.get(block).is_none_or(|&effective| effective > 2.0 * NEGLIGIBLE);
        self.curves.retain(|curve| matters(&format!("curve of {curve}")));
        self.pairs.retain(|[first, second]| matters(&pair_name(first, second)));
        if layout.recurrence.is_some() {
            self.penalties.insert(RECURRING.to_owned(), fitted.recurring_penalty);
            if fitted.recurring_effective < 1.0 {
                self.recurring = None;
            }
        }
    }
}

fn pair_name(first: &str, second: &str) -> String {
    format!("{first} with {second}")
}

/// The values that recur often enough, and the place of every row's; `None` where there are too few or too many.
fn recurrence(packed: &[f64]) -> Option<(Vec<f64>, Recurrence)> {
    let mut known: Vec<f64> = packed.iter().copied().filter(|value| !value.is_nan()).collect();
    known.sort_unstable_by(f64::total_cmp);
    let runs: Vec<&[f64]> = known.chunk_by(|a, b| a.total_cmp(b).is_eq()).collect();
    let average = known.len() / runs.len().max(1);
    if runs.len() < LEAST_RECURRING_VALUES || average < RECURRING_ROWS {
        return None;
    }
    let often = runs.into_iter().filter(|run| run.len() >= RECURRING_ROWS);
    let values: Vec<f64> = often.filter_map(|run| run.first().copied()).collect();
    if values.len() > MAX_RECURRING_VALUES || values.len() < LEAST_RECURRING_VALUES {
        return None;
    }
    let place = |value: &f64| values.binary_search_by(|known| known.total_cmp(value)).ok().map(|place| place as u32);
    let places = packed.iter().map(place).collect();
    Some((values.clone(), Recurrence { places, count: values.len() }))
}
