//! Rows that are equal to others: copies, which must never lie on both sides of a split, or people who happen to be alike.
//!
//! A table with few columns of few values has many equal rows that are different people; a table that was joined badly, or that
//! repeats its people, has many that are not. Each column in turn tells them apart: pairs of rows that are equal in all other
//! columns are equal in this one always when they are copies, and as often as any two rows when they are alike by chance. Copies
//! share a fold whatever their outcome: to keep those apart that left from equal ones that stayed would teach a model the opposite
//! of what it is judged on. Protected attributes are not looked at: they change nothing that is learned.

use rayon::prelude::*;

use crate::folds::mixed;
use crate::table::{SourceColumn, indices};

/// Equal rows are copies when every column says so of at least this share of the equal pairs.
const MOSTLY_COPIES: f64 = 0.5;
/// A column in which more pairs than this are equal tells nothing.
const NEARLY_CONSTANT: f64 = 0.9;
/// Chance is computed on about this many rows.
const CHANCE_ROWS: usize = 200_000;
/// When copies tie together more than this share of the rows, they are no copies but the rule for those who stay the same.
const MOST_TIED: f64 = 0.2;

/// What is equal in a flat table.
#[derive(Clone, Debug, PartialEq)]
pub struct Duplicates {
    /// Rows that are equal to another row in every feature and the outcome.
    pub rows: usize,
    /// Whether they are taken for copies, so that equal rows share a group.
    pub copies: bool,
    /// Whether the table says whose the rows are.
    pub named: bool,
    /// Of each row the person it is about, before copies are tied together.
    people: Vec<u32>,
}

impl Duplicates {
    /// Finds equal rows, and gives each row a group: its person, joined with the persons of its copies. Without people each row
    /// is one, numbered by what it holds: the order of the rows in a file must not change the model. Rows are compared by 128
    /// bits mixed from their values, so that a million wide rows need no second copy.
    pub fn find(columns: &[SourceColumn], events: &[bool], people: People) -> (Self, Vec<u32>) {
        let key = |row: usize, seed: u64| columns.iter().fold(seed, |key, column| mixed(key, column.values.bits(row)));
        let (facts, different) = indices((0..events.len()).map(|row| (key(row, 0), key(row, 1))));
        let exact: Vec<u32> = facts.iter().zip(events).map(|(&facts, &event)| facts * 2 + u32::from(event)).collect();
        let (people, named) = match people {
            People::Named(people) => (people, true),
            People::OnePerRow(Some(people)) => (people, false),
            People::OnePerRow(None) => (ranks(&exact), false),
        };
        let mut counts = vec![0_u32; 2 * different];
        for &key in &exact {
            if let Some(count) = counts.get_mut(key as usize) {
                *count += 1;
            }
        }
        let equal = counts.iter().filter(|&&count| count > 1).map(|&count| count as usize).sum();
        let mut duplicates = Self { rows: equal, copies: false, named, people };
        if named || different == events.len() {
            let groups = duplicates.people.clone();
            return (duplicates, groups);
        }
        duplicates.copies = copied_share(columns, &duplicates.people) >= MOSTLY_COPIES;
        let groups = if duplicates.copies { tied(&facts, &duplicates.people) } else { duplicates.people.clone() };
        if duplicates.copies && largest(&groups) as f64 > MOST_TIED * events.len() as f64 {
            duplicates.copies = false;
            let groups = duplicates.people.clone();
            return (duplicates, groups);
        }
        (duplicates, groups)
    }

    /// How many people have more than one row.
    pub fn people_with_several_rows(&self) -> usize {
        counts(&self.people).into_iter().filter(|&count| count > 1).count()
    }
}

/// Who the rows are about.
#[derive(Clone, Debug)]
pub enum People {
    /// The table says so: equal rows of different people are theirs.
    Named(Vec<u32>),
    /// Each row has a name of its own, or none: equal rows may be one person's.
    OnePerRow(Option<Vec<u32>>),
}

/// Of each key its place in ascending order, equal ones in their own order.
fn ranks(keys: &[u32]) -> Vec<u32> {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by_key(|&row| keys.get(row));
    let mut ranks = vec![0; keys.len()];
    for (rank, row) in (0..).zip(order) {
        if let Some(slot) = ranks.get_mut(row) {
            *slot = rank;
        }
    }
    ranks
}

fn counts(keys: &[u32]) -> Vec<usize> {
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();
    sorted.chunk_by(|a, b| a == b).map(<[u32]>::len).collect()
}

fn largest(keys: &[u32]) -> usize {
    counts(keys).into_iter().max().unwrap_or_default()
}

/// Pairs among so many.
pub(crate) fn pairs(count: usize) -> f64 {
    let count = count as f64;
    count * (count - 1.0) / 2.0
}

/// Pairs of rows with equal keys that belong to different people.
fn pairs_of_different_people(keys: impl Iterator<Item = u64>, people: &[u32]) -> f64 {
    let mut keys: Vec<(u64, u32)> = keys.zip(people.iter().copied()).collect();
    keys.sort_unstable();
    let of_equal = |rows: &[(u64, u32)]| {
        pairs(rows.len()) - rows.chunk_by(|a, b| a.1 == b.1).map(|own| pairs(own.len())).sum::<f64>()
    };
    keys.chunk_by(|a, b| a.0 == b.0).map(of_equal).sum()
}

/// The share of the equal pairs of different people that are copies: of what the columns say, the least. A column that depends on
/// others says too much, one that does not says what is.
fn copied_share(columns: &[SourceColumn], people: &[u32]) -> f64 {
    let sampled: Vec<usize> = (0..people.len()).step_by(people.len().div_ceil(CHANCE_ROWS).max(1)).collect();
    let people: Vec<u32> = sampled.iter().filter_map(|&row| people.get(row).copied()).collect();
    // What a row holds in a column, mixed so that the sum over columns stands for the row.
    let part = |number: usize, column: &SourceColumn, row: usize| {
        let bits = column.values.bits(row);
        mixed(mixed(number as u64, bits), bits)
    };
    let sum = |&row: &usize| {
        let parts = columns.iter().enumerate().map(|(number, column)| part(number, column, row));
        parts.fold(0_u64, u64::wrapping_add)
    };
    let sums: Vec<u64> = sampled.par_iter().map(sum).collect();
    let found = pairs_of_different_people(sums.iter().copied(), &people);
    if found == 0.0 {
        return 0.0;
    }
    let all = pairs(sampled.len());
    let says = |(number, column): (usize, &SourceColumn)| {
        let parts = || sampled.iter().map(|&row| part(number, column, row));
        let alike = pairs_of_different_people(parts(), &people) / all;
        let otherwise_equal =
            pairs_of_different_people(sums.iter().zip(parts()).map(|(s, p)| s.wrapping_sub(p)), &people);
        (alike < NEARLY_CONSTANT).then(|| (found - alike * otherwise_equal) / (1.0 - alike) / found)
    };
    columns.par_iter().enumerate().filter_map(says).reduce(|| 1.0, f64::min)
}

/// Groups of people tied together by equal rows.
fn tied(facts: &[u32], people: &[u32]) -> Vec<u32> {
    let size = people.iter().max().map_or(0, |&last| last as usize + 1);
    let mut parent: Vec<u32> = (0..size as u32).collect();
    fn root(parent: &mut [u32], mut of: u32) -> u32 {
        while let Some(&up) = parent.get(of as usize).filter(|&&up| up != of) {
            let above = parent.get(up as usize).copied().unwrap_or(up);
            if let Some(slot) = parent.get_mut(of as usize) {
                *slot = above;
            }
            of = above;
        }
        of
    }
    let mut first: Vec<(u32, u32)> = facts.iter().copied().zip(people.iter().copied()).collect();
    first.sort_unstable();
    for pair in first.windows(2) {
        if let [a, b] = pair
            && a.0 == b.0
        {
            let (a, b) = (root(&mut parent, a.1), root(&mut parent, b.1));
            // The smaller number wins, whatever the order of the rows.
            if let Some(slot) = parent.get_mut(a.max(b) as usize) {
                *slot = a.min(b);
            }
        }
    }
    people.iter().map(|&person| root(&mut parent, person)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{ColumnValues, FlatFeature, Origin};

    fn numeric(values: Vec<f64>) -> SourceColumn {
        SourceColumn { origin: Origin::Flat(FlatFeature::default()), values: ColumnValues::Numeric(values) }
    }

    fn value(seed: u64, row: usize, different: u64) -> f64 {
        (mixed(seed, row as u64) % different) as f64
    }

    fn table(rows: usize, different: &[u64]) -> Vec<SourceColumn> {
        let column = |(seed, &n): (usize, &u64)| numeric((0..rows).map(|row| value(seed as u64, row, n)).collect());
        different.iter().enumerate().map(column).collect()
    }

    fn find(columns: &[SourceColumn], events: &[bool]) -> (Duplicates, Vec<u32>) {
        Duplicates::find(columns, events, People::OnePerRow(None))
    }

    #[test]
    fn copies_share_a_group_whatever_their_outcome() {
        // 300 different rows, and the first 60 of them once more.
        let mut columns = table(300, &[1 << 40, 50]);
        for column in &mut columns {
            if let ColumnValues::Numeric(values) = &mut column.values {
                values.extend_from_within(..60);
            }
        }
        let mut events: Vec<bool> = (0..300).map(|row| row % 5 == 0).collect();
        events.extend_from_within(..60);
        events[359] = !events[359];
        let (duplicates, groups) = find(&columns, &events);
        assert!(duplicates.copies);
        assert_eq!(duplicates.rows, 118, "one pair differs in its outcome");
        assert!((0..60).all(|row| groups[row] == groups[300 + row]));
        assert_eq!(counts(&groups).len(), 300);
    }

    #[test]
    fn people_who_happen_to_be_alike_are_different_people() {
        let columns = table(2000, &[3, 4, 2, 5]);
        let events: Vec<bool> = (0..2000).map(|row| row % 3 == 0).collect();
        let (duplicates, groups) = find(&columns, &events);
        assert!(duplicates.rows > 1900 && !duplicates.copies);
        assert_eq!(counts(&groups).len(), 2000);
    }

    #[test]
    fn columns_that_depend_on_each_other_do_not_make_copies() {
        // City and region follow from the store: far more rows are equal than if the columns were independent.
        let store = |row: usize| value(1, row, 300);
        let column = |value: &dyn Fn(usize) -> f64| numeric((0..5000).map(value).collect());
        let columns = [
            column(&store),
            column(&|row| (store(row) / 4.0).floor()),
            column(&|row| (store(row) / 30.0).floor()),
            column(&|row| value(2, row, 10)),
            column(&|row| value(3, row, 2)),
        ];
        let (duplicates, _) = find(&columns, &[false; 5000]);
        assert!(duplicates.rows > 2000 && !duplicates.copies, "{duplicates:?}");
    }

    #[test]
    fn copies_are_found_where_one_column_tells_people_apart() {
        let mut columns = table(400, &[1 << 40, 2, 5]);
        for column in &mut columns {
            if let ColumnValues::Numeric(values) = &mut column.values {
                values.extend_from_within(..40);
            }
        }
        let (duplicates, _) = find(&columns, &[false; 440]);
        assert!(duplicates.copies && duplicates.rows == 80);
    }

    #[test]
    fn rows_of_one_person_are_no_copies_and_copies_tie_persons_together() {
        let [x, y] =
            [1.1, 1.7].map(|by| numeric([1, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(|x| f64::from(x) * by).to_vec()));
        let columns = [x, y];
        let events = [false; 12];
        let of = |people| Duplicates::find(&columns, &events, people);
        let (unnamed, groups) = of(People::OnePerRow(None));
        assert!(unnamed.copies && groups[0] == groups[1]);
        let (named, groups) = of(People::Named(vec![0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
        assert_eq!((named.copies, named.rows, named.people_with_several_rows()), (false, 4, 1));
        assert_eq!(groups[..4], [0, 1, 2, 2], "the table says who they are");
        assert_eq!(tied(&[0, 0, 1, 1, 2, 3], &[0, 1, 1, 2, 3, 4]), [0, 0, 0, 0, 3, 4]);
    }
}
