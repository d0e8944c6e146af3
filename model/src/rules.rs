//! Rules of a few conditions beside the additive effects: grown outside each fold, and how much they count.

use flight_risk_scoring::rules::{MAX_CONDITIONS, RuleTree};
use flight_risk_scoring::schema::FeatureKind;
use rayon::prelude::*;

use crate::boost::{BinColumn, Binned, BoostPlan, Boosted, boost};
use crate::calibration::{Blend, HeldOut, blend};
use crate::design::Design;
use crate::table::{Origin, SourceColumn, TrainingTable};

/// Conditions of a rule, ...
const DEPTH: usize = 3;
/// ... and the share of such rules from which deeper ones are tried too.
const OUTWEIGHS: f64 = 0.3;

/// Rules of one depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    depth: usize,
    rounds: usize,
}

impl Kind {
    /// As many rounds as there were at a place of a curve.
    fn at(depth: usize, place: usize) -> Self {
        Self { depth, rounds: (place + 1) * BoostPlan::default().report_every }
    }
}

/// Rules of a model.
pub(crate) struct Rules {
    /// Their share, and the held-out log-odds that come of it.
    pub(crate) blend: Blend,
    /// The trees of every member; the score is the mean over members.
    pub(crate) members: Vec<Vec<RuleTree>>,
    /// What the members are, as many of each as there are folds.
    pub(crate) kinds: Vec<Kind>,
    /// Mean log-odds that the members' trees are added to.
    pub(crate) start: f64,
}

/// The rows on which rules are grown, and the folds that judge them (places among the rows).
pub(crate) struct Grounds<'a> {
    pub(crate) table: &'a TrainingTable,
    pub(crate) design: &'a Design,
    pub(crate) rows: &'a [usize],
    pub(crate) folds: &'a [Vec<usize>],
    pub(crate) seed: u64,
}

/// Held-out log-odds by rounds and fold.
type Curve = Vec<Vec<Vec<f64>>>;

fn curve(boosted: &[Boosted]) -> Curve {
    let rounds = boosted.iter().map(|member| member.held_out.len()).min().unwrap_or_default();
    let after = |round: usize| boosted.iter().filter_map(|member| member.held_out.get(round).cloned()).collect();
    (0..rounds).map(after).collect()
}

/// Rules and their share; where they outweigh the additive effects, deeper ones join, for two kinds of rules err less together.
pub(crate) fn rules(grounds: &Grounds<'_>, held: HeldOut<'_>) -> Option<Rules> {
    let native = |column: &SourceColumn| matches!(column.origin, Origin::Native(_));
    let designed = grounds.table.columns.iter().all(native);
    let binned = grounds.binned();
    let shallow = grounds.boosted(&binned, DEPTH);
    let shallow_curve = curve(&shallow);
    let alone = blend(held, &shallow_curve, designed)?;
    let shallow_kind = Kind::at(DEPTH, alone.place);
    if alone.share < OUTWEIGHS {
        return Some(Rules::new(alone, &[(shallow_kind, &shallow)]));
    }
    let deep = grounds.boosted(&binned, MAX_CONDITIONS);
    let deep_curve = curve(&deep);
    let beside = shallow_curve.get(alone.place)?;
    let mean = |folds: &Vec<Vec<f64>>| -> Vec<Vec<f64>> {
        let of_fold = |(a, b): (&Vec<f64>, &Vec<f64>)| a.iter().zip(b).map(|(a, b)| f64::midpoint(*a, *b)).collect();
        beside.iter().zip(folds).map(of_fold).collect()
    };
    let together: Curve = deep_curve.iter().map(mean).collect();
    // Deeper rules that are worth nothing take nothing from the others.
    let (Some(deep_alone), Some(both)) = (blend(held, &deep_curve, designed), blend(held, &together, designed)) else {
        return Some(Rules::new(alone, &[(shallow_kind, &shallow)]));
    };
    // The simpler choices only where they are better beyond noise.
    let beats = |other: &Blend| {
        let (mean, error) = held.gain(&both.log_odds, &other.log_odds);
        mean > error
    };
    let deep_kind = |blend: &Blend| Kind::at(MAX_CONDITIONS, blend.place);
    Some(if beats(&deep_alone) {
        let kind = deep_kind(&deep_alone);
        Rules::new(deep_alone, &[(kind, &deep)])
    } else if beats(&alone) {
        Rules::new(alone, &[(shallow_kind, &shallow)])
    } else {
        let kind = deep_kind(&both);
        Rules::new(both, &[(shallow_kind, &shallow), (kind, &deep)])
    })
}

impl Rules {
    /// Puts members together, each with as many rounds as its kind has.
    fn new(blend: Blend, found: &[(Kind, &Vec<Boosted>)]) -> Self {
        let kinds = found.iter().map(|(kind, _)| *kind).collect();
        let boosted = || found.iter().flat_map(|(kind, members)| members.iter().map(move |member| (kind, member)));
        let trees = |(kind, member): (&Kind, &Boosted)| member.trees.iter().take(kind.rounds).cloned().collect();
        let members: Vec<Vec<RuleTree>> = boosted().map(trees).collect();
        let start = boosted().map(|(_, member)| member.start).sum::<f64>() / members.len().max(1) as f64;
        Self { blend, members, kinds, start }
    }
}

impl Grounds<'_> {
    fn binned(&self) -> Binned {
        let features = &self.design.features;
        let packed: Vec<Vec<f64>> =
            (0..features.len()).map(|feature| self.design.packed_column(self.table, feature, self.rows)).collect();
        let columns: Vec<BinColumn<'_>> = packed
            .iter()
            .zip(features)
            .map(|(values, feature)| match feature.kind {
                FeatureKind::Numeric { .. } => BinColumn::Numbers(values),
                FeatureKind::Categorical { .. } => BinColumn::Levels(values),
            })
            .collect();
        Binned::new(&columns)
    }

    /// Log-odds of each fold's rows by rules of some kinds, grown from the other rows.
    pub(crate) fn held_out(&self, kinds: &[Kind]) -> Vec<Vec<f64>> {
        let binned = self.binned();
        let mut sums: Vec<Vec<f64>> = self.folds.iter().map(|fold| vec![0.0; fold.len()]).collect();
        for kind in kinds {
            let plan = BoostPlan { report_every: kind.rounds, ..self.plan(*kind) };
            for (sums, boosted) in sums.iter_mut().zip(self.grown(&binned, &plan)) {
                let last = boosted.held_out.last().into_iter().flatten();
                sums.iter_mut().zip(last).for_each(|(sum, x)| *sum += x / kinds.len() as f64);
            }
        }
        sums
    }

    fn plan(&self, Kind { depth, rounds }: Kind) -> BoostPlan {
        BoostPlan { seed: self.seed, depth, rounds, ..BoostPlan::default() }
    }

    /// Rules of the rows outside each fold, with the log-odds that they give its rows.
    fn boosted(&self, binned: &Binned, depth: usize) -> Vec<Boosted> {
        self.grown(binned, &self.plan(Kind { depth, rounds: BoostPlan::default().rounds }))
    }

    fn grown(&self, binned: &Binned, plan: &BoostPlan) -> Vec<Boosted> {
        let events = self.table.events_of(self.rows);
        let signs = self.design.signs(self.table);
        let of_fold = |fold: &Vec<usize>| {
            let kept: Vec<usize> = (0..self.rows.len()).filter(|place| fold.binary_search(place).is_err()).collect();
            boost(binned, &events, &kept, fold, plan, &signs)
        };
        self.folds.par_iter().map(of_fold).collect()
    }
}
