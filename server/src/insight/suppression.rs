//! Which groups may be shown, of all dimensions at once.
//!
//! A group below the minimum is hidden. So are as many others as it takes that no combination of answers isolates fewer people
//! than the minimum: department A less location X is one person where A is X and somebody elsewhere. What counts as safe is told
//! in [`super::leverage`]; here is which groups go. The choice depends on the people, never on what was asked, so that answers to
//! different questions fit together.
//!
//! Dimensions are released in stages ([`STAGES`]): what a stage adds hides nothing that an earlier one shows. So teams, which are
//! small and many, cost the departments nothing, and crossed groups cost neither.
//!
//! Somebody who sees a part of the company gets a plan on top of the one for all: the two together are safe. Plans of two parts
//! are not compared with each other; two people who pool what they see of different parts are beyond this.

use std::collections::BTreeMap;

use super::design::Design;
use super::dimension::{DIMENSIONS, Dimension, Groups, NO_GROUP, STAGES};
use super::leverage::{Leverages, Part, Seen};

/// Most groups shown of all dimensions but managers, whose groups are taken out first; the smallest beyond it are hidden, those of
/// the later stages before those of the earlier.
const MAX_DENSE_GROUPS: usize = 800;
/// Of how many people whom hiding one of their own groups does not protect all groups are searched, in one round.
const SEARCHED: usize = 32;
/// Offenders times groups up to which all groups are weighed against all offenders.
const WEIGHED: usize = 200_000;
/// Rounds of a stage after which half of what it shows goes at a time.
const ROUNDS: usize = 200;
/// Arithmetic that may be spent on showing again what need not have been hidden, and again on gathering.
const TRYING: usize = 400_000_000;
/// Room for rounding.
const MARGIN: f64 = 1e-7;

/// People with the same groups in every dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    /// Their groups.
    pub(crate) groups: Groups,
    /// Whether who asks may see them.
    pub(crate) inside: bool,
    /// How many.
    pub(crate) people: u32,
}

/// What may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// All whom the caller may see, as one group.
    pub(crate) total: bool,
    /// Of each dimension and group, whether it is shown.
    pub(crate) groups: [Vec<bool>; DIMENSIONS],
}

impl Shown {
    /// Nothing.
    pub(crate) fn nothing(levels: [usize; DIMENSIONS]) -> Self {
        Self { total: false, groups: levels.map(|count| vec![false; count]) }
    }

    /// Whether a group is shown.
    pub(crate) fn has(&self, dimension: usize, group: u32) -> bool {
        self.groups.get(dimension).and_then(|groups| groups.get(group as usize)).copied().unwrap_or(false)
    }

    fn count(&self, dimension: usize) -> usize {
        self.groups[dimension].iter().filter(|&&shown| shown).count()
    }

    /// Whether department and years of these people are shown, each by itself.
    fn parts(&self, groups: &Groups) -> bool {
        [Dimension::Department, Dimension::Tenure].iter().all(|part| self.has(part.position(), groups[part.position()]))
    }

    fn hide(&mut self, (dimension, group): Name) {
        if let Some(shown) = self.groups.get_mut(dimension).and_then(|groups| groups.get_mut(group as usize)) {
            *shown = false;
        }
    }

    /// All that is shown, in the order of the stages.
    pub(super) fn all(&self) -> Vec<Name> {
        let of = |dimension: &Dimension| -> Vec<Name> {
            let dimension = dimension.position();
            let groups = (0_u32..).zip(self.groups.get(dimension).into_iter().flatten());
            groups.filter(|&(_, &shown)| shown).map(|(group, _)| (dimension, group)).collect()
        };
        STAGES.iter().copied().flatten().flat_map(of).collect()
    }
}

/// Dimension and group.
pub(super) type Name = (usize, u32);

/// What is to be decided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    /// Everybody, those outside the caller's part too.
    pub(crate) cells: &'a [Cell],
    /// Groups of each dimension.
    pub(crate) levels: [usize; DIMENSIONS],
    /// Fewest people whose sum may be told.
    pub(crate) minimum: u32,
    /// What somebody who sees everybody is shown, if the caller does not.
    pub(crate) wide: Option<&'a Shown>,
    /// The only groups that come into question, if not all do.
    pub(crate) candidates: Option<&'a Shown>,
}

/// Decides which groups may be shown.
pub(crate) fn plan(question: &Question<'_>) -> Shown {
    let mut planner = Planner::new(question);
    planner.run();
    planner.shown
}

struct Planner<'a> {
    question: &'a Question<'a>,
    sizes: [Vec<u32>; DIMENSIONS],
    /// People inside.
    inside: u32,
    shown: Shown,
    /// Dimensions that are being released; the others stay as they are.
    stage: [bool; DIMENSIONS],
}

impl<'a> Planner<'a> {
    fn new(question: &'a Question<'a>) -> Self {
        let mut sizes = question.levels.map(|count| vec![0_u32; count]);
        let (mut inside, mut outside) = (0_u32, 0_u32);
        for cell in question.cells {
            if !cell.inside {
                outside += cell.people;
                continue;
            }
            inside += cell.people;
            for (sizes, &group) in sizes.iter_mut().zip(&cell.groups) {
                if let Some(size) = sizes.get_mut(group as usize) {
                    *size += cell.people;
                }
            }
        }
        let minimum = question.minimum;
        let mut shown = Shown::nothing(question.levels);
        if inside >= minimum && (outside == 0 || outside >= minimum) && question.candidates.is_none_or(|c| c.total) {
            shown.total = true;
        }
        Self { question, sizes, inside, shown, stage: [false; DIMENSIONS] }
    }

    fn run(&mut self) {
        if !self.shown.total {
            return;
        }
        for (number, stage) in STAGES.iter().enumerate() {
            self.stage = [false; DIMENSIONS];
            stage.iter().for_each(|dimension| self.stage[dimension.position()] = true);
            stage.iter().for_each(|&dimension| self.release(dimension));
            self.cap();
            let released = self.released();
            if !self.protect() && number == 0 {
                self.shown = Shown::nothing(self.question.levels);
                return;
            }
            self.gather(released);
        }
    }

    /// Shows all of a dimension that are large enough.
    fn release(&mut self, dimension: Dimension) {
        let Question { minimum, candidates, cells, .. } = *self.question;
        let position = dimension.position();
        for (group, &size) in (0_u32..).zip(&self.sizes[position]) {
            self.shown.groups[position][group as usize] =
                size >= minimum && candidates.is_none_or(|only| only.has(position, group));
        }
        if dimension == Dimension::DepartmentAndTenure {
            // Only where both its parts are shown: then which ones there could be is no secret.
            for cell in cells.iter().filter(|cell| cell.groups[position] != NO_GROUP) {
                if !self.shown.parts(&cell.groups) {
                    self.shown.hide((position, cell.groups[position]));
                }
            }
        }
    }

    /// Hides of the stage what must be hidden; `false`: what was shown before it is not safe either.
    fn protect(&mut self) -> bool {
        let mut hidden = Vec::new();
        for round in 0.. {
            self.settle_rests();
            let removal = self.offenders();
            if removal.safe {
                break;
            }
            if removal.groups.is_empty() || round >= ROUNDS {
                // The smaller half of the stage.
                let names = self.by_size(self.released());
                if names.is_empty() {
                    return false;
                }
                let half = names.len().div_ceil(2);
                names.into_iter().take(half).for_each(|name| self.shown.hide(name));
            }
            for name in removal.groups {
                self.shown.hide(name);
                hidden.push(name);
            }
        }
        self.restore(hidden);
        true
    }

    /// Another way to the same end, as far as the effort is small: none of the stage, and then one after the other, the largest
    /// first, as long as it is safe. Kept if more is shown in the end; neither way is always the better one.
    fn gather(&mut self, released: Vec<Name>) {
        let kept = self.shown.clone();
        let hidden = self.released().len();
        if hidden == released.len() || released.len() > self.tries(self.shown.all().len() + released.len()) {
            return;
        }
        let names = self.by_size(released);
        names.iter().for_each(|&name| self.shown.hide(name));
        let before = self.offenders().safe;
        for name in names.into_iter().rev().take_while(|_| before) {
            self.shown.groups[name.0][name.1 as usize] = true;
            if !self.offenders().safe {
                self.shown.hide(name);
            }
        }
        if self.released().len() <= hidden || !self.offenders().safe {
            self.shown = kept;
        }
    }

    /// How often everybody may be looked at with so many groups.
    fn tries(&self, groups: usize) -> usize {
        TRYING / (self.question.cells.len() * 100 + (groups + 2).saturating_pow(3)).max(1)
    }

    /// What the stage shows.
    fn released(&self) -> Vec<Name> {
        self.shown.all().into_iter().filter(|&(dimension, _)| self.stage[dimension]).collect()
    }

    fn size(&self, (dimension, group): Name) -> u32 {
        self.sizes.get(dimension).and_then(|sizes| sizes.get(group as usize)).copied().unwrap_or(0)
    }

    /// The smallest first; the dimension and the order of names decide between equals.
    fn by_size(&self, mut names: Vec<Name>) -> Vec<Name> {
        names.sort_by_key(|&name| (self.size(name), name));
        names
    }

    /// Hides the smallest groups beyond what can be computed with.
    fn cap(&mut self) {
        let manager = Dimension::Manager.position();
        let dense = self.shown.all().into_iter().filter(|&(dimension, _)| dimension != manager).count();
        let excess = dense.saturating_sub(MAX_DENSE_GROUPS);
        let names = self.released().into_iter().filter(|&(dimension, _)| dimension != manager).collect();
        self.by_size(names).into_iter().take(excess).for_each(|name| self.shown.hide(name));
    }

    /// In each dimension those in no shown group are nobody, or enough.
    fn settle_rests(&mut self) {
        for dimension in (0..DIMENSIONS).filter(|&dimension| self.stage[dimension]) {
            let names: Vec<Name> = self.shown.all().into_iter().filter(|name| name.0 == dimension).collect();
            let mut rest = self.inside - names.iter().map(|&name| self.size(name)).sum::<u32>();
            if rest == 0 || rest >= self.question.minimum {
                continue;
            }
            for name in self.nearest_to_rest(dimension, names) {
                rest += self.size(name);
                self.shown.hide(name);
                if rest >= self.question.minimum {
                    break;
                }
            }
        }
    }

    /// Groups of a dimension in the order in which they are to keep those in no shown group company: groups that lie in the same
    /// groups of other dimensions first (a team of the same department: then the departments can be shown), the smallest first
    /// among them.
    fn nearest_to_rest(&self, dimension: usize, names: Vec<Name>) -> Vec<Name> {
        // Where all members of a group are, by dimension; none where they are in several groups.
        let mut homes: Vec<Option<[Option<u32>; DIMENSIONS]>> = vec![None; self.sizes[dimension].len()];
        let mut rest_home = None;
        let rest_of = |group: u32| !self.shown.has(dimension, group);
        for cell in self.question.cells.iter().filter(|cell| cell.inside) {
            let group = cell.groups[dimension];
            let home = if rest_of(group) { Some(&mut rest_home) } else { homes.get_mut(group as usize) };
            let Some(home) = home else { continue };
            let all = home.get_or_insert_with(|| cell.groups.map(Some));
            for (home, &group) in all.iter_mut().zip(&cell.groups) {
                *home = home.filter(|&home| home == group);
            }
        }
        let rest_home = rest_home.unwrap_or_default();
        let shared = |&(_, group): &Name| {
            let home = homes.get(group as usize).copied().flatten().unwrap_or_default();
            home.iter().zip(&rest_home).filter(|(home, rest)| home.is_some() && home == rest).count()
        };
        let mut names = names;
        names.sort_by_key(|name| (std::cmp::Reverse(shared(name)), self.size(*name), *name));
        names
    }

    /// The dimension with the most groups.
    fn block(&self) -> usize {
        let count =
            |dimension| self.shown.count(dimension) + self.question.wide.map_or(0, |wide| wide.count(dimension));
        (0..DIMENSIONS).max_by_key(|&dimension| (count(dimension), DIMENSIONS - dimension)).unwrap_or(0)
    }

    fn limit(&self) -> f64 {
        1.0 / f64::from(self.question.minimum.max(2) - 1) - MARGIN
    }

    /// What makes people stand out, as the plan is now.
    fn offenders(&self) -> Removal {
        let design = Design::new(self.question, self.block(), &self.shown, self.stage);
        let leverages = Leverages::new(&design.rows, design.atoms, design.columns.len());
        let mut votes = Votes::default();
        for &column in leverages.doubtful() {
            votes.safe = false;
            if let Some(name) = design.name(Part::Column(column), 0) {
                votes.add(name, 1.0);
            }
        }
        let limit = self.limit();
        if let (true, Some(best)) = (votes.weights.is_empty(), self.weigh(&design, &leverages)) {
            return Removal { safe: false, groups: vec![best] };
        }
        let mut hard: Vec<(f64, usize)> = Vec::new();
        leverages.visit(|position, seen| {
            if seen.leverage < limit {
                return;
            }
            votes.safe = false;
            let enough = seen.own().into_iter().filter(|&(_, fall)| seen.leverage - fall < limit);
            let names = enough.filter_map(|(part, fall)| Some((design.name(part, position)?, fall)));
            match names.min_by_key(|&(name, _)| (self.size(name), name)) {
                Some((name, fall)) => votes.add(name, fall * f64::from(self.question.cells[position].people)),
                None => hard.push((seen.leverage, position)),
            }
        });
        if !hard.is_empty() {
            hard.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            hard.truncate(SEARCHED);
            let chosen: Vec<usize> = hard.into_iter().map(|(_, position)| position).collect();
            leverages.visit(|position, seen| {
                if chosen.contains(&position) {
                    self.search(&design, position, seen, &mut votes);
                }
            });
        }
        votes.into_removal(design.block, self.shown.all().len())
    }

    /// Where few stand out: of all groups that of which hiding it protects most of them; of several that do, the smallest.
    fn weigh(&self, design: &Design, leverages: &Leverages<'_>) -> Option<Name> {
        let limit = self.limit();
        let mut offenders = 0_usize;
        leverages.visit(|_, seen| offenders += usize::from(seen.leverage >= limit));
        if offenders == 0 || offenders.saturating_mul(design.columns.len()) > WEIGHED {
            return None;
        }
        let mut votes = Votes::default();
        leverages.visit(|position, seen| {
            if seen.leverage >= limit {
                let people = f64::from(self.question.cells[position].people);
                let enough = parts(seen).filter(|&(_, fall)| seen.leverage - fall < limit);
                enough.filter_map(|(part, _)| design.name(part, position)).for_each(|name| votes.add(name, people));
            }
        });
        let key = |&(name, people): &(Name, f64)| (people as u64, std::cmp::Reverse((self.size(name), name)));
        votes.weights.into_iter().max_by_key(key).map(|(name, _)| name)
    }

    /// The group whose hiding protects somebody best, wherever it is.
    fn search(&self, design: &Design, position: usize, seen: &Seen<'_>, votes: &mut Votes) {
        let named = parts(seen).filter_map(|(part, fall)| Some((design.name(part, position)?, fall)));
        // Falls that differ by rounding only are the same: the smaller group goes then.
        let key =
            |&(name, fall): &(Name, f64)| ((fall * 1e6).round() as i64, std::cmp::Reverse((self.size(name), name)));
        if let Some((name, fall)) = named.filter(|&(_, fall)| fall > MARGIN).max_by_key(key) {
            votes.add(name, fall);
        }
    }

    /// Shows again what need not be hidden after all, the largest first, as far as the effort is small.
    fn restore(&mut self, hidden: Vec<Name>) {
        let tries = self.tries(self.shown.all().len() + hidden.len());
        for name in self.by_size(hidden).into_iter().rev().take(tries) {
            let before = self.shown.clone();
            self.shown.groups[name.0][name.1 as usize] = true;
            let settled = self.shown.clone();
            self.settle_rests();
            if self.shown != settled || !self.offenders().safe {
                self.shown = before;
            }
        }
    }
}

/// Everything that could be hidden so that somebody's leverage falls, and by how much.
fn parts(seen: &Seen<'_>) -> impl Iterator<Item = (Part, f64)> {
    seen.any().into_iter().chain(seen.own().into_iter().filter(|(part, _)| *part == Part::Atom))
}

/// What is to be hidden next.
struct Removal {
    safe: bool,
    groups: Vec<Name>,
}

/// What protects whom, collected over everybody.
struct Votes {
    safe: bool,
    weights: BTreeMap<Name, f64>,
}

impl Default for Votes {
    fn default() -> Self {
        Self { safe: true, weights: BTreeMap::new() }
    }
}

impl Votes {
    fn add(&mut self, name: Name, weight: f64) {
        self.safe = false;
        *self.weights.entry(name).or_default() += weight;
    }

    /// Groups of the large dimension hardly touch each other and go together; of the others the one (of many, a few) that
    /// protects most.
    fn into_removal(self, block: usize, shown: usize) -> Removal {
        let (blocks, mut others): (Vec<_>, Vec<_>) =
            self.weights.into_iter().partition(|&((dimension, _), _)| dimension == block);
        // In a small company groups go one by one: there is time, and fewer go.
        let few = 1 + shown / 20;
        let mut chosen = if blocks.is_empty() { std::mem::take(&mut others) } else { blocks };
        chosen.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        if shown < 200 || chosen.first().is_some_and(|&((dimension, _), _)| dimension != block) {
            chosen.truncate(few);
        }
        Removal { safe: self.safe, groups: chosen.into_iter().map(|(name, _)| name).collect() }
    }
}
