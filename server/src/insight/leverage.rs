//! How much of what is told about groups is about one person.
//!
//! Everything that is told of groups is a sum over their members. Whoever has the answers can add and subtract them with any
//! weights, and so learns the sum over people of `w x` for every `w` in the span of the groups' indicators, and nothing else. Let
//! `h` be the leverage of a person: the largest `w(person)^2 / |w|^2` in that span (the diagonal of the hat matrix of a regression
//! on the groups; Hoaglin and Welsch 1978, The American Statistician 32). The indicator of a set of `s` people has `|w|^2 = s`, so
//! a set whose sum can be worked out has at least `1 / h` members, for every one of them. Where every leverage is below
//! `1 / (minimum - 1)`, no combination of answers whatever gives the sum over fewer than the minimum. The reverse does not hold:
//! the bound hides a little more than it must, in exchange for certainty at a price that a million employees can pay.
//!
//! Groups of one dimension do not overlap. Those of the dimension with the most groups (managers, nearly always) are therefore
//! taken out first, by taking means within them (Frisch and Waugh 1933); a dense matrix is left of the others.

use super::dimension::DIMENSIONS;

/// Most columns of one row beside its atom: two totals, and two groups of each of the other dimensions.
pub(super) const MAX_COLUMNS: usize = 2 * DIMENSIONS;

/// A column whose part that the columns before it do not explain has less than this square length is made up of them.
const DEPENDENT: f64 = 1e-6;
/// Between the two it is neither surely made up of them nor surely not.
const INDEPENDENT: f64 = 1e-3;
/// What rounding leaves of a column's own square length.
const ROUNDING: f64 = 1e-11;

/// People with the same groups.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// Their group in the dimension with the most groups.
    pub(super) atom: Option<u32>,
    columns: [u32; MAX_COLUMNS],
    width: u8,
    /// How many.
    pub(super) people: u32,
}

impl Row {
    /// People in no group.
    pub(super) fn new(people: u32) -> Self {
        Self { atom: None, columns: [0; MAX_COLUMNS], width: 0, people }
    }

    /// They are in this group of another dimension, too.
    pub(super) fn push(&mut self, column: u32) {
        if let Some(slot) = self.columns.get_mut(usize::from(self.width)) {
            *slot = column;
            self.width += 1;
        }
    }

    fn columns(&self) -> impl Iterator<Item = usize> + '_ {
        self.columns.iter().take(usize::from(self.width)).map(|&column| column as usize)
    }
}

/// The members of an atom, and which share of them is in each column.
struct Atom {
    rows: std::ops::Range<usize>,
    people: f64,
    shares: Vec<(usize, f64)>,
}

/// The leverages of everybody.
pub(super) struct Leverages<'a> {
    rows: &'a [Row],
    /// Rows by atom, those of no atom last.
    order: Vec<u32>,
    atoms: Vec<Atom>,
    loose: std::ops::Range<usize>,
    inverse: Inverse,
}

impl<'a> Leverages<'a> {
    /// Of rows whose atoms are below `atoms` and whose columns are below `columns`.
    pub(super) fn new(rows: &'a [Row], atoms: usize, columns: usize) -> Self {
        let (order, starts) = by_atom(rows, atoms);
        let mut products = vec![0.0; columns * columns];
        for row in rows {
            for a in row.columns() {
                for b in row.columns() {
                    products[a * columns + b] += f64::from(row.people);
                }
            }
        }
        let mut sums = vec![0.0; columns];
        let mut list = Vec::new();
        for range in starts.windows(2).map(|w| w[0]..w[1]).take(atoms).filter(|range| !range.is_empty()) {
            let mut people = 0.0;
            let mut touched = Vec::new();
            for row in order[range.clone()].iter().map(|&row| &rows[row as usize]) {
                people += f64::from(row.people);
                for column in row.columns() {
                    if sums[column] <= 0.0 {
                        touched.push(column);
                    }
                    sums[column] += f64::from(row.people);
                }
            }
            touched.sort_unstable();
            let shares: Vec<(usize, f64)> = touched.iter().map(|&column| (column, sums[column] / people)).collect();
            for &(a, share_a) in &shares {
                for &(b, share_b) in &shares {
                    products[a * columns + b] -= people * share_a * share_b;
                }
            }
            touched.iter().for_each(|&column| sums[column] = 0.0);
            list.push(Atom { rows: range, people, shares });
        }
        let lengths = column_lengths(rows, columns);
        let loose = starts[atoms]..order.len();
        Self { rows, order, atoms: list, loose, inverse: Inverse::new(products, &lengths) }
    }

    /// Columns of which it is not sure whether the others make them up.
    pub(super) fn doubtful(&self) -> &[usize] {
        &self.inverse.doubtful
    }

    /// Calls `each` with every row's position and leverage.
    pub(super) fn visit(&self, mut each: impl FnMut(usize, &Seen<'_>)) {
        let mut explained = vec![0.0; self.inverse.size];
        for atom in &self.atoms {
            for &(a, _) in &atom.shares {
                explained[a] = atom.shares.iter().map(|&(b, share)| self.inverse.at(a, b) * share).sum();
            }
            let level: f64 = atom.shares.iter().map(|&(a, share)| share * explained[a]).sum();
            for &position in &self.order[atom.rows.clone()] {
                let row = &self.rows[position as usize];
                let along: f64 = row.columns().map(|column| explained[column]).sum();
                let leverage = 1.0 / atom.people + self.square(row) - 2.0 * along + level;
                let seen = Seen { all: self, row, atom: Some(atom), explained: &explained, along, level, leverage };
                each(position as usize, &seen);
            }
        }
        explained.fill(0.0);
        for &position in &self.order[self.loose.clone()] {
            let row = &self.rows[position as usize];
            let leverage = self.square(row);
            let seen = Seen { all: self, row, atom: None, explained: &explained, along: 0.0, level: 0.0, leverage };
            each(position as usize, &seen);
        }
    }

    fn square(&self, row: &Row) -> f64 {
        row.columns().map(|a| row.columns().map(|b| self.inverse.at(a, b)).sum::<f64>()).sum()
    }
}

/// One row as [`Leverages::visit`] passes it.
pub(super) struct Seen<'a> {
    all: &'a Leverages<'a>,
    row: &'a Row,
    atom: Option<&'a Atom>,
    explained: &'a [f64],
    along: f64,
    level: f64,
    /// The leverage of each of the row's people.
    pub(super) leverage: f64,
}

/// What could be hidden so that a leverage falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The row's group in the dimension with the most groups.
    Atom,
    /// A group of another dimension.
    Column(usize),
}

impl Seen<'_> {
    /// By how much the leverage falls if a group that the people are in is hidden.
    pub(super) fn own(&self) -> Vec<(Part, f64)> {
        let mut falls: Vec<(Part, f64)> = self
            .row
            .columns()
            .map(|column| {
                let toward: f64 = self.row.columns().map(|other| self.all.inverse.at(column, other)).sum();
                (Part::Column(column), self.all.inverse.fall(column, toward - self.explained[column]))
            })
            .collect();
        if let Some(atom) = self.atom {
            let weight = 1.0 / atom.people - self.along + self.level;
            falls.push((Part::Atom, weight * weight / (1.0 / atom.people + self.level)));
        }
        falls
    }

    /// By how much the leverage falls if any group of another dimension is hidden.
    pub(super) fn any(&self) -> Vec<(Part, f64)> {
        let inverse = &self.all.inverse;
        let shares = self.atom.map_or(&[][..], |atom| &atom.shares);
        (0..inverse.size)
            .map(|column| {
                let toward: f64 = self.row.columns().map(|other| inverse.at(column, other)).sum();
                let within: f64 = shares.iter().map(|&(other, share)| inverse.at(column, other) * share).sum();
                (Part::Column(column), inverse.fall(column, toward - within))
            })
            .collect()
    }
}

/// Rows by atom and where each atom's begin; after the last atom those of none.
fn by_atom(rows: &[Row], atoms: usize) -> (Vec<u32>, Vec<usize>) {
    let key = |row: &Row| row.atom.map_or(atoms, |atom| atom as usize);
    let mut starts = vec![0; atoms + 2];
    rows.iter().for_each(|row| starts[key(row) + 1] += 1);
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let mut next = starts.clone();
    let mut order = vec![0; rows.len()];
    for (position, row) in rows.iter().enumerate() {
        let slot = &mut next[key(row)];
        order[*slot] = u32::try_from(position).unwrap_or(u32::MAX);
        *slot += 1;
    }
    starts.truncate(atoms + 1);
    (order, starts)
}

fn column_lengths(rows: &[Row], columns: usize) -> Vec<f64> {
    let mut lengths = vec![0.0; columns];
    for row in rows {
        row.columns().for_each(|column| lengths[column] += f64::from(row.people));
    }
    lengths
}

/// A generalised inverse of a matrix of inner products: of the columns that earlier ones do not make up; nought for the others.
struct Inverse {
    size: usize,
    values: Vec<f64>,
    doubtful: Vec<usize>,
}

impl Inverse {
    /// By Cholesky's factors. All loops run along rows, which is what processors are fast at.
    fn new(mut products: Vec<f64>, lengths: &[f64]) -> Self {
        let size = lengths.len();
        let mut doubtful = Vec::new();
        let mut kept = vec![false; size];
        for at in 0..size {
            let (done, left) = products.split_at_mut((at + 1) * size);
            let row = &mut done[at * size..];
            let pivot = row[at];
            if pivot < DEPENDENT + ROUNDING * lengths[at] {
                row.fill(0.0);
                continue;
            }
            if pivot < INDEPENDENT {
                doubtful.push(at);
            }
            kept[at] = true;
            let scale = 1.0 / pivot.sqrt();
            row[at..].iter_mut().for_each(|value| *value *= scale);
            for (below, target) in (at + 1..size).zip(left.chunks_exact_mut(size)) {
                let factor = row[below];
                if factor.abs() > 0.0 {
                    subtract(&mut target[below..], &row[below..], factor);
                }
            }
        }
        // The inverse of the upper factor, row by row from the last.
        let mut upper = vec![0.0; size * size];
        for at in (0..size).rev().filter(|&at| kept[at]) {
            let (head, tail) = upper.split_at_mut((at + 1) * size);
            let target = &mut head[at * size..];
            let factors = &products[at * size..(at + 1) * size];
            target[at] = 1.0;
            for (later, row) in (at + 1..size).zip(tail.chunks_exact(size)) {
                if factors[later].abs() > 0.0 && kept[later] {
                    subtract(&mut target[later..], &row[later..], factors[later]);
                }
            }
            let scale = 1.0 / factors[at];
            target[at..].iter_mut().for_each(|value| *value *= scale);
        }
        let mut values = products;
        values.fill(0.0);
        let mut column = vec![0.0; size];
        for at in (0..size).filter(|&at| kept[at]) {
            for (row, cell) in column[..=at].iter_mut().enumerate() {
                *cell = upper[row * size + at];
            }
            for row in 0..=at {
                if column[row].abs() > 0.0 {
                    subtract(&mut values[row * size..=row * size + at], &column[..=at], -column[row]);
                }
            }
        }
        Self { size, values, doubtful }
    }

    fn at(&self, row: usize, column: usize) -> f64 {
        self.values[row * self.size + column]
    }

    fn fall(&self, column: usize, weight: f64) -> f64 {
        let own = self.at(column, column);
        if own > 0.0 { weight * weight / own } else { 0.0 }
    }
}

fn subtract(target: &mut [f64], row: &[f64], factor: f64) {
    target.iter_mut().zip(row).for_each(|(target, value)| *target -= factor * value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(atom: Option<u32>, columns: &[u32], people: u32) -> Row {
        let mut row = Row::new(people);
        row.atom = atom;
        columns.iter().for_each(|&column| row.push(column));
        row
    }

    fn leverages(rows: &[Row], atoms: usize, columns: usize) -> Vec<f64> {
        let mut found = vec![0.0; rows.len()];
        Leverages::new(rows, atoms, columns).visit(|at, seen| found[at] = seen.leverage);
        found
    }

    fn assert_close(found: &[f64], expected: &[f64]) {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?} {expected:?}");
    }

    #[test]
    fn in_a_partition_it_is_one_over_the_size() {
        // Column 0 is the total; the groups have 20 and 5 people, as columns and as atoms.
        assert_close(&leverages(&[row(None, &[0, 1], 20), row(None, &[0, 2], 5)], 0, 3), &[1.0 / 20.0, 1.0 / 5.0]);
        assert_close(
            &leverages(&[row(Some(0), &[0], 20), row(Some(1), &[0], 5), row(None, &[0], 4)], 2, 1),
            &[1.0 / 20.0, 1.0 / 5.0, 1.0 / 4.0],
        );
    }

    #[test]
    fn somebody_whom_a_difference_isolates_has_all_of_it() {
        // Department 1 is location 2 and one person elsewhere.
        let rows = [row(None, &[0, 1, 2], 49), row(None, &[0, 1, 3], 1), row(None, &[0, 3], 60)];
        assert_close(&leverages(&rows, 0, 4)[1..2], &[1.0]);
        let atoms = [row(Some(0), &[0, 1], 49), row(Some(0), &[0, 2], 1), row(None, &[0, 2], 60)];
        assert_close(&leverages(&atoms, 1, 3)[1..2], &[1.0]);
    }

    #[test]
    fn atoms_and_columns_give_the_same() {
        let cells = [(0, 1, 7), (0, 2, 3), (1, 1, 11), (1, 2, 5), (2, 2, 20)];
        let with: Vec<Row> = cells.iter().map(|&(atom, column, n)| row(Some(atom), &[0, column], n)).collect();
        let without: Vec<Row> = cells.iter().map(|&(atom, column, n)| row(None, &[0, column, atom + 3], n)).collect();
        assert_close(&leverages(&with, 3, 3), &leverages(&without, 0, 6));
    }
}
