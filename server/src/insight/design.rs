//! The regression by which leverage is measured: a row for each cell of people, a column for each group that is shown.

use super::dimension::DIMENSIONS;
use super::leverage::{Part, Row};
use super::suppression::{Name, Question, Shown};

/// The rows of the regression: one for each cell.
pub(super) struct Design {
    /// The dimension whose groups are atoms.
    pub(super) block: usize,
    /// Dimensions whose groups can be hidden.
    stage: [bool; DIMENSIONS],
    /// How many atoms there are room for.
    pub(super) atoms: usize,
    /// The rows.
    pub(super) rows: Vec<Row>,
    /// Of each column, which group of the plan it is; none for totals and for what is shown to others.
    pub(super) columns: Vec<Option<Name>>,
    /// Of each row, the group of the plan that its atom belongs to.
    atom_names: Vec<Option<Name>>,
}

impl Design {
    /// The design for a question, where the groups of `block` are atoms and these are shown; `stage` are the dimensions whose groups
    /// can be hidden.
    pub(super) fn new(question: &Question<'_>, block: usize, all: &Shown, stage: [bool; DIMENSIONS]) -> Self {
        let Question { cells, levels, wide, .. } = *question;
        let mut columns = vec![None];
        let total_inside = wide.map(|_| {
            columns.push(None);
            1_u32
        });
        let mut number = |shown: &Shown, of_plan: bool| -> [Vec<u32>; DIMENSIONS] {
            let mut numbers = levels.map(|count| vec![u32::MAX; count]);
            for (dimension, group) in shown.all().into_iter().filter(|&(dimension, _)| dimension != block) {
                numbers[dimension][group as usize] = u32::try_from(columns.len()).unwrap_or(u32::MAX);
                columns.push(of_plan.then_some((dimension, group)));
            }
            numbers
        };
        let wide_numbers = wide.map(|wide| number(wide, false));
        let numbers = number(all, true);
        let mut rows = Vec::with_capacity(cells.len());
        let mut atom_names = Vec::with_capacity(cells.len());
        for cell in cells {
            let mut row = Row::new(cell.people);
            row.push(0);
            if let (true, Some(column)) = (cell.inside, total_inside) {
                row.push(column);
            }
            let mut push = |numbers: &[Vec<u32>; DIMENSIONS]| {
                let found =
                    numbers.iter().zip(&cell.groups).filter_map(|(numbers, &group)| numbers.get(group as usize));
                found.filter(|&&column| column != u32::MAX).for_each(|&column| row.push(column));
            };
            wide_numbers.as_ref().into_iter().for_each(&mut push);
            if cell.inside {
                push(&numbers);
            }
            let group = cell.groups[block];
            let for_all = wide.is_some_and(|wide| wide.has(block, group));
            let for_caller = all.has(block, group);
            row.atom = match (for_all, for_caller) {
                // Who has the whole group and its part inside has the part outside too.
                (true, true) => Some(2 * group + u32::from(!cell.inside)),
                (true, false) => Some(2 * group),
                (false, true) => cell.inside.then_some(2 * group),
                (false, false) => None,
            };
            atom_names.push(for_caller.then_some((block, group)));
            rows.push(row);
        }
        Self { block, stage, atoms: 2 * levels[block], rows, columns, atom_names }
    }

    /// The group of the plan that a part is; none where the stage cannot hide it.
    pub(super) fn name(&self, part: Part, row: usize) -> Option<Name> {
        let name = match part {
            Part::Atom => self.atom_names.get(row).copied().flatten(),
            Part::Column(column) => self.columns.get(column).copied().flatten(),
        };
        name.filter(|&(dimension, _)| self.stage[dimension])
    }
}
