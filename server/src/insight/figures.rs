//! Figures of every group at once, from one pass over everybody; and which of them may be shown.

use super::dimension::{DIMENSIONS, Dimension, Groups};
use super::excess::{Exits, Gamma};
use super::population::{Names, Reach, cells};
use super::suppression::{Cell, Question, Shown, plan};
use crate::access::caller::Scope;

/// An employee with a score in force.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Person {
    /// In which groups.
    pub(crate) groups: Groups,
    /// Headline risk and its interval; the first is below 0 where the model abstained.
    pub(crate) risk: [f32; 3],
    /// Number of the score.
    pub(crate) seq: i64,
    /// Whether the active model gave it.
    pub(crate) current: bool,
}

impl Person {
    fn answered(&self) -> bool {
        self.risk[0] >= 0.0
    }
}

/// An employee who had a score when the time observed began.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Past {
    /// In which groups then.
    pub(crate) groups: Groups,
    /// The probability, by that score, of having left by now.
    pub(crate) expected: f32,
    /// Whether they did.
    pub(crate) left: bool,
}

/// The sums of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Figures {
    /// Employees with a score.
    pub(crate) employees: u64,
    /// Those whom the model answered for.
    pub(crate) answered: u64,
    /// Sum of their risks and of the ends of their intervals.
    sums: [f64; 3],
    /// Exits in the time observed.
    pub(crate) exits: Exits,
}

impl Figures {
    fn add(&mut self, person: &Person) {
        self.employees += 1;
        if person.answered() {
            self.answered += 1;
            self.sums.iter_mut().zip(person.risk).for_each(|(sum, risk)| *sum += f64::from(risk));
        }
    }

    fn add_past(&mut self, past: &Past) {
        self.exits.observed += f64::from(u8::from(past.left));
        self.exits.expected += f64::from(past.expected);
    }

    /// Mean risk with the ends of its interval. Doubt about the coefficients, which the intervals of the members express, is common
    /// to all: it does not average out, so the ends are the means of theirs.
    pub(crate) fn mean_risk(&self) -> [f64; 3] {
        self.sums.map(|sum| sum / (self.answered.max(1) as f64))
    }

    /// Leavers expected within the headline horizon.
    pub(crate) fn expected_leavers(&self) -> f64 {
        self.sums[0]
    }
}

/// What one caller may see of a company.
#[derive(Debug)]
pub(crate) struct View {
    /// Groups whose risk may be shown.
    pub(crate) shown: Shown,
    /// Those of them whose drivers may be.
    pub(crate) drivers: Shown,
    /// All whom the caller may see.
    pub(crate) total: Figures,
    /// Of every dimension and group, by number.
    pub(crate) groups: [Vec<Figures>; DIMENSIONS],
    /// What is believed of a group's ratio before its own exits are seen, by dimension.
    priors: [Gamma; DIMENSIONS],
    /// Groups within the scope, by dimension.
    pub(crate) existing: [usize; DIMENSIONS],
}

impl View {
    /// The figures of those within the scope.
    pub(crate) fn new(names: &Names, people: &[Person], past: &[Past], scope: &Scope, minimum: u32) -> Self {
        let reach = names.reach(scope);
        let levels = names.levels();
        let mut total = Figures::default();
        let mut groups = levels.map(|count| vec![Figures::default(); count]);
        let mut each = |of: &Groups, add: &dyn Fn(&mut Figures)| {
            if !reach.covers(of) {
                return;
            }
            add(&mut total);
            for (figures, &group) in groups.iter_mut().zip(of) {
                if let Some(figures) = figures.get_mut(group as usize) {
                    add(figures);
                }
            }
        };
        people.iter().for_each(|person| each(&person.groups, &|figures| figures.add(person)));
        let existing: [usize; DIMENSIONS] = std::array::from_fn(|_| 0);
        let answered = cells(people.iter().filter(|p| p.answered()).map(|p| &p.groups), &reach);
        let shown = shown(&answered, levels, minimum, &reach, None);
        let current = cells(people.iter().filter(|p| p.answered() && p.current).map(|p| &p.groups), &reach);
        let drivers = if current == answered {
            shown.clone()
        } else {
            self::shown(&current, levels, minimum, &reach, Some(&shown))
        };
        // Exits are told of the groups of that time, for those groups alone in which nobody stands out among the people of then.
        let then = cells(past.iter().map(|past| &past.groups), &reach);
        let told =
            if then == answered { shown.clone() } else { self::shown(&then, levels, minimum, &reach, Some(&shown)) };
        let untold = |dimension: usize, group: u32| !told.has(dimension, group);
        past.iter().for_each(|past| each(&past.groups, &|figures| figures.add_past(past)));
        let mut view =
            Self { shown, drivers, total, groups, priors: [Gamma::of_all(Exits::default()); DIMENSIONS], existing };
        view.finish(told.total, untold);
        view
    }

    fn finish(&mut self, told: bool, untold: impl Fn(usize, u32) -> bool) {
        if !told {
            self.total.exits = Exits::default();
        }
        for dimension in 0..DIMENSIONS {
            let (groups, shown) = (&mut self.groups[dimension], &self.shown.groups[dimension]);
            self.existing[dimension] = groups.iter().filter(|group| group.employees > 0).count();
            for (group, figures) in (0_u32..).zip(groups.iter_mut()) {
                if untold(dimension, group) {
                    figures.exits = Exits::default();
                }
            }
            // From what is shown only: nothing of the others shows through.
            let exits: Vec<Exits> =
                groups.iter().zip(shown).filter(|&(_, &shown)| shown).map(|(figures, _)| figures.exits).collect();
            self.priors[dimension] = Gamma::between(self.total.exits, &exits);
        }
    }

    /// What is believed of the ratio of a group; of all without a dimension.
    pub(crate) fn ratio(&self, dimension: Option<Dimension>, figures: &Figures) -> Gamma {
        match dimension {
            Some(dimension) => self.priors[dimension.position()].seeing(figures.exits),
            None => Gamma::of_all(figures.exits),
        }
    }
}

/// Which groups of these people may be shown to somebody with this reach.
pub(crate) fn shown(
    cells: &[Cell],
    levels: [usize; DIMENSIONS],
    minimum: u32,
    reach: &Reach,
    candidates: Option<&Shown>,
) -> Shown {
    let question = Question { cells, levels, minimum, wide: None, candidates };
    if reach.everybody {
        return plan(&question);
    }
    let all: Vec<Cell> = cells.iter().map(|cell| Cell { inside: true, ..*cell }).collect();
    let wide = plan(&Question { cells: &all, candidates: None, ..question });
    match reach.manager {
        None => plan(&Question { wide: Some(&wide), ..question }),
        Some(manager) => team(&question, &wide, manager),
    }
}

/// What a manager is shown: the own team, if it is large enough and if what others are shown does not differ from it by too few.
fn team(question: &Question<'_>, wide: &Shown, manager: u32) -> Shown {
    let minimum = question.minimum;
    let mut shown = Shown::nothing(question.levels);
    let mut sizes = question.levels.map(|count| vec![(0_u32, 0_u32); count]);
    let (mut all, mut team) = (0, 0);
    for cell in question.cells {
        all += cell.people;
        team += if cell.inside { cell.people } else { 0 };
        for (sizes, &group) in sizes.iter_mut().zip(&cell.groups) {
            if let Some((size, common)) = sizes.get_mut(group as usize) {
                *size += cell.people;
                *common += if cell.inside { cell.people } else { 0 };
            }
        }
    }
    let enough = |people: u32| people == 0 || people >= minimum;
    // A group that has the team in it, or that the team has in it, must differ from it by nobody or by enough.
    let apart =
        |(size, common): (u32, u32)| (common < team || enough(size - team)) && (common < size || enough(team - size));
    let differs = sizes.iter().enumerate().all(|(dimension, sizes)| {
        (0_u32..).zip(sizes).filter(|&(group, _)| wide.has(dimension, group)).all(|(_, &pair)| apart(pair))
    });
    let allowed = question.candidates.is_none_or(|only| only.total);
    if team >= minimum && enough(all - team) && differs && allowed {
        shown.total = true;
        if let Some(own) = shown.groups[Dimension::Manager.position()].get_mut(manager as usize) {
            *own = true;
        }
    }
    shown
}
