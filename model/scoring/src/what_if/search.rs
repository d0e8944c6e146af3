//! The smallest plausible change with which somebody leaves the bands at risk.
//!
//! Smallest: the fewest features first, then the smallest sum of distances, each measured in the feature's usual range. Every
//! candidate is scored exactly, for curves, pairs and rules need not move together.
//! 1. Every feature alone, at up to eight values.
//! 2. Sets of two to `max_changes` of the eight strongest features, in all combinations of features: at the values that help
//!    most alone, then, value by value, at what helps most given the others.
//! 3. Of the sets that suffice, each value is made as small as the others allow, in every order; the nearest result is it.
//!
//! The number of features is the smallest among what is tried; the distance is close to the smallest. The same row gives the
//! same answer.

use crate::assessment::{Assessment, Band};
use crate::schema::FeatureRow;
use crate::scorer::Scorer;
use crate::what_if::plausible::{Lever, levers};
use crate::what_if::ties::Ties;
use crate::what_if::{Change, SAME, Simulation, simulated};

/// Most features that a counterfactual changes.
pub const MAX_CHANGES: usize = 5;
/// Features whose combinations are tried: those that help most alone.
const STRONGEST: usize = 8;
/// Rounds in which the values of a set are improved one after the other.
const ROUNDS: usize = 2;
/// A raise beyond this factor is not plausible.
const LARGEST_RAISE: f64 = 1.25;
/// Rows that are scored before the search gives up.
const MAX_SCORED: usize = 20_000;

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// What the model says now.
    pub before: Assessment,
    /// Whether there is a change.
    pub found: Counterfactual,
    /// Rows that were scored.
    pub scored: usize,
}

/// Whether there is a change with which the band is low.
#[derive(Clone, Debug, PartialEq)]
pub enum Counterfactual {
    /// The band is low already.
    AlreadyLow,
    /// The model does not know enough about the person.
    Abstained,
    /// No plausible change that was tried is enough.
    None {
        /// The lowest headline risk among what was tried; that of today where nothing can be changed.
        lowest_risk: f64,
    },
    /// The smallest change, the strongest first, and what the model would say.
    Found {
        /// The changes.
        changes: Vec<Change>,
        /// Before and after.
        simulation: Box<Simulation>,
    },
}

/// Looks for the smallest plausible change of at most `max_changes` (1 to [`MAX_CHANGES`]) features after which the band is low.
pub fn counterfactual(scorer: &Scorer, row: &FeatureRow, max_changes: usize) -> Search {
    let before = scorer.score(row);
    let done = |before, found, scored| Search { before, found, scored };
    match before.band {
        Band::Low => return done(before, Counterfactual::AlreadyLow, 1),
        Band::Abstained => return done(before, Counterfactual::Abstained, 1),
        Band::Elevated | Band::High => {}
    }
    let ties = Ties::of(scorer);
    let levers = levers(scorer, row.values(), &ties);
    let lowest = before.risk.get();
    let mut trial = Trial { scorer, row, ties: &ties, levers: &levers, scored: 1, lowest };
    match trial.search(max_changes.clamp(1, MAX_CHANGES), before.risk.get()) {
        None => done(before, Counterfactual::None { lowest_risk: trial.lowest }, trial.scored),
        Some(set) => {
            let changes = trial.changes(&set);
            let changed = ties.applied(row.values(), &changes);
            let simulation = simulated(scorer, row, before.clone(), changed, &changes);
            let strength = |change: &Change| {
                let moved = simulation.moved.iter().find(|moved| moved.feature == change.feature);
                moved.map_or(0.0, |moved| (moved.after_log_odds - moved.before_log_odds).abs())
            };
            let mut ordered = changes;
            ordered.sort_by(|a, b| strength(b).total_cmp(&strength(a)));
            let found = Counterfactual::Found { changes: ordered, simulation: Box::new(simulation) };
            done(before, found, trial.scored)
        }
    }
}

/// Levers by position, each with the number of its value; ascending.
type Set = Vec<(usize, i64)>;

/// What a set makes of the row.
#[derive(Clone, Copy)]
struct Outcome {
    risk: f64,
    low: bool,
}

struct Trial<'a> {
    scorer: &'a Scorer,
    row: &'a FeatureRow,
    ties: &'a Ties,
    levers: &'a [Lever],
    scored: usize,
    lowest: f64,
}

impl Trial<'_> {
    fn changes(&self, set: &[(usize, i64)]) -> Vec<Change> {
        let changes = set.iter().filter_map(|&(lever, number)| Some((self.levers.get(lever)?, number)));
        changes.map(|(lever, number)| Change { feature: lever.feature, value: lever.value(number) }).collect()
    }

    /// Scores a set; `None` where it is not plausible.
    fn score(&mut self, set: &[(usize, i64)]) -> Option<Outcome> {
        let changes = self.changes(set);
        if self.ties.raise(self.row.values(), &changes).is_some_and(|factor| factor > LARGEST_RAISE) {
            return None;
        }
        let changed = FeatureRow::changed(self.ties.applied(self.row.values(), &changes));
        self.scored += 1;
        let after = self.scorer.score(&changed);
        if after.band == Band::Abstained {
            return None;
        }
        self.lowest = self.lowest.min(after.risk.get());
        Some(Outcome { risk: after.risk.get(), low: after.band == Band::Low })
    }

    fn is_low(&mut self, set: &[(usize, i64)]) -> bool {
        self.score(set).is_some_and(|outcome| outcome.low)
    }

    fn candidates(&self, lever: usize) -> Vec<i64> {
        self.levers.get(lever).map(|lever| lever.candidates().to_vec()).unwrap_or_default()
    }

    fn distance(&self, set: &[(usize, i64)]) -> f64 {
        set.iter().filter_map(|&(lever, number)| Some(self.levers.get(lever)?.distance(number))).sum()
    }

    fn exhausted(&self) -> bool {
        self.scored >= MAX_SCORED
    }

    fn search(&mut self, max_changes: usize, risk_now: f64) -> Option<Set> {
        let mut best: Option<Set> = None;
        // Per lever the number that helps most alone, and the risk with it.
        let mut alone: Vec<(usize, i64, f64)> = Vec::new();
        for lever in 0..self.levers.len() {
            let mut strongest: Option<(i64, f64)> = None;
            let mut enough = false;
            for number in self.candidates(lever) {
                let Some(outcome) = self.score(&[(lever, number)]) else { continue };
                enough |= outcome.low;
                if strongest.is_none_or(|(_, risk)| outcome.risk < risk - SAME) {
                    strongest = Some((number, outcome.risk));
                }
            }
            let Some((number, risk)) = strongest else { continue };
            if enough {
                best = self.nearer(best, vec![(lever, number)]);
            } else if risk < risk_now - SAME {
                alone.push((lever, number, risk));
            }
        }
        if best.is_some() {
            return best;
        }
        let strongest = self.strongest(alone);
        for size in 2..=max_changes.min(strongest.len()) {
            for members in subsets(strongest.len(), size) {
                if self.exhausted() {
                    break;
                }
                let set: Set = members.iter().filter_map(|&member| strongest.get(member).copied()).collect();
                if let Some(enough) = self.enough(set) {
                    best = self.nearer(best, enough);
                }
            }
            if let Some(best) = best {
                return Some(self.without_needless(best));
            }
        }
        None
    }

    /// The strongest levers, one of each group, in the schema's order.
    fn strongest(&self, mut alone: Vec<(usize, i64, f64)>) -> Set {
        alone.sort_by(|a, b| a.2.total_cmp(&b.2));
        let group = |lever: usize| self.levers.get(lever).map(|lever| lever.group);
        let mut chosen: Set = Vec::new();
        for (lever, number, _) in alone {
            if chosen.len() < STRONGEST && !chosen.iter().any(|(other, _)| group(*other) == group(lever)) {
                chosen.push((lever, number));
            }
        }
        chosen.sort_unstable();
        chosen
    }

    /// The set with values that suffice, where there are such.
    fn enough(&mut self, mut set: Set) -> Option<Set> {
        let mut now = self.score(&set);
        for _ in 0..ROUNDS {
            if now.is_some_and(|outcome| outcome.low) {
                return Some(set);
            }
            let mut better = false;
            for place in 0..set.len() {
                let Some(&(lever, _)) = set.get(place) else { continue };
                for number in self.candidates(lever) {
                    let tried = with(&set, place, number);
                    let Some(outcome) = self.score(&tried) else { continue };
                    if now.is_none_or(|now| outcome.risk < now.risk - SAME) {
                        (set, now, better) = (tried, Some(outcome), true);
                    }
                }
            }
            if !better {
                break;
            }
        }
        now.is_some_and(|outcome| outcome.low).then_some(set)
    }

    /// The nearer of the best so far and of what a sufficient set can be made.
    fn nearer(&mut self, mut best: Option<Set>, set: Set) -> Option<Set> {
        for first in 0..set.len() {
            let small = self.small(set.clone(), first);
            if best.as_ref().is_none_or(|best| self.distance(&small) < self.distance(best) - SAME) {
                best = Some(small);
            }
        }
        best
    }

    /// A sufficient set with every value as small as the others allow, beginning with one of them.
    fn small(&mut self, mut set: Set, first: usize) -> Set {
        for turn in 0..set.len() {
            let place = (first + turn) % set.len();
            let Some(&(lever, largest)) = set.get(place) else { continue };
            let mut too_small = 0;
            let smaller = self.candidates(lever).into_iter().filter(|number| *number < largest);
            for number in smaller.chain([largest]) {
                if number == largest || self.is_low(&with(&set, place, number)) {
                    set = with(&set, place, number);
                    break;
                }
                too_small = too_small.max(number);
            }
            let Some(&(_, mut enough)) = set.get(place) else { continue };
            if !self.levers.get(lever).is_some_and(Lever::has_steps) || too_small >= enough {
                continue;
            }
            // Between two candidates the risk mostly falls, so halving finds about the smallest; what it finds suffices.
            while enough - too_small > 1 {
                let middle = too_small + (enough - too_small) / 2;
                let tried = with(&set, place, middle);
                if self.is_low(&tried) {
                    (set, enough) = (tried, middle);
                } else {
                    too_small = middle;
                }
            }
        }
        set
    }

    /// The set without changes that are not needed: with values between those tried before, fewer may suffice.
    fn without_needless(&mut self, set: Set) -> Set {
        for size in 1..set.len() {
            for members in subsets(set.len(), size) {
                let part: Set = members.iter().filter_map(|&member| set.get(member).copied()).collect();
                if self.is_low(&part) {
                    return part;
                }
            }
        }
        set
    }
}

/// The set with another value at a place.
fn with(set: &[(usize, i64)], place: usize, number: i64) -> Set {
    let mut set = set.to_vec();
    if let Some(cell) = set.get_mut(place) {
        cell.1 = number;
    }
    set
}

/// All subsets of `size` of the first `count` numbers, in lexicographic order.
fn subsets(count: usize, size: usize) -> Vec<Vec<usize>> {
    let masks = 0..1_u32 << count.min(STRONGEST);
    let members = |mask: u32| (0..count).filter(move |i| mask >> i & 1 == 1).collect::<Vec<usize>>();
    let mut subsets: Vec<Vec<usize>> = masks.filter(|mask| mask.count_ones() as usize == size).map(members).collect();
    subsets.sort();
    subsets
}
