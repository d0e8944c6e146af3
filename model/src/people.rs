//! Rows that look like one person's at several times, in a table that does not say whose its rows are.

use std::collections::BTreeMap;

use crate::duplicates::pairs;
use crate::folds;
use crate::pipeline::MIN_EVENTS;
use crate::table::{ColumnValues, TrainingTable};

/// By how much more often than chance rows with one value agree in another column (1: always), from which that is steady.
const STEADY: f64 = 0.7;
/// Columns that must be steady, and what the chance of agreeing in all of them must not exceed: the value of a pay scale settles
/// a grade, but not also where somebody works.
const LEAST_STEADY: usize = 2;
const CHANCE_OF_ALL: f64 = 0.1;

/// People told by a number that recurs.
#[derive(Clone, Debug, PartialEq)]
pub struct SamePeople {
    /// The column of the number.
    pub column: String,
    /// Columns that stay the same where it does.
    pub steady: Vec<String>,
    /// Values that several rows have.
    pub several: usize,
}

/// The people of some rows, and folds of these rows that keep each of them together.
pub(crate) struct Apart {
    pub(crate) people: SamePeople,
    pub(crate) folds: Vec<Vec<usize>>,
    /// The person of each row of the folds, one after the other.
    pub(crate) groups: Vec<u32>,
}

/// Folds that keep together what shares a value of a column, where the rows that do so agree in other columns too: they are
/// taken for one person's.
pub(crate) fn apart(table: &TrainingTable, rows: &[usize], column: &str, count: usize, seed: u64) -> Option<Apart> {
    let column_values = &table.columns.iter().find(|candidate| candidate.name() == column)?.values;
    let ColumnValues::Numeric(values) = column_values else { return None };
    let mut by_value: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    let mut unknown = Vec::new();
    for &row in rows {
        match values.get(row) {
            Some(value) if !value.is_nan() => by_value.entry(column_values.bits(row)).or_default().push(row),
            _ => unknown.push(vec![row]),
        }
    }
    let (mut steady, mut chance_of_all) = (Vec::new(), 1.0);
    for other in table.columns.iter().filter(|other| other.name() != column) {
        let chance = agreement(std::iter::once(rows), &other.values);
        let within = agreement(by_value.values().map(Vec::as_slice), &other.values);
        if (within - chance) >= STEADY * (1.0 - chance) && chance < 1.0 {
            chance_of_all *= chance;
            steady.push(other.name().to_owned());
        }
    }
    if steady.len() < LEAST_STEADY || chance_of_all > CHANCE_OF_ALL {
        return None;
    }
    // Every fold, and what is left without it, needs some who leave.
    let leaves = |rows: &&Vec<usize>| table.events_of(rows).contains(&true);
    if by_value.values().filter(leaves).count() < MIN_EVENTS {
        return None;
    }
    let several = by_value.values().filter(|rows| rows.len() > 1).count();
    let mut person = vec![0; table.rows()];
    for (number, rows) in by_value.values().chain(&unknown).enumerate() {
        for &row in rows {
            if let Some(slot) = person.get_mut(row) {
                *slot = number as u32;
            }
        }
    }
    let folds = folds::folds_of(table, &person, rows, count, seed);
    let groups = folds.iter().flatten().filter_map(|&row| person.get(row).copied()).collect();
    Some(Apart { people: SamePeople { column: column.to_owned(), steady, several }, folds, groups })
}

/// The share of the pairs of rows within the groups that have the same value.
fn agreement<'a>(groups: impl Iterator<Item = &'a [usize]>, column: &ColumnValues) -> f64 {
    let (mut equal, mut all) = (0.0, 0.0);
    for rows in groups {
        let mut values: Vec<u64> = rows.iter().map(|&row| column.bits(row)).collect();
        values.sort_unstable();
        equal += values.chunk_by(|a, b| a == b).map(|same| pairs(same.len())).sum::<f64>();
        all += pairs(rows.len());
    }
    if all > 0.0 { equal / all } else { 0.0 }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;
    use crate::folds::mixed;
    use crate::table::{FlatFeature, Origin, SourceColumn};

    const ROWS: usize = 2_000;

    fn column(name: &str, of: impl Fn(usize) -> f64) -> SourceColumn {
        SourceColumn {
            origin: Origin::Flat(FlatFeature { name: name.to_owned(), ..FlatFeature::default() }),
            values: ColumnValues::Numeric((0..ROWS).map(of).collect()),
        }
    }

    fn table(columns: Vec<SourceColumn>) -> TrainingTable {
        TrainingTable {
            events: (0..ROWS).map(|row| row % 7 == 0).collect(),
            columns,
            groups: (0..ROWS as u32).collect(),
            named: false,
            times: None,
        }
    }

    fn draw(seed: u64, of: usize, values: u64) -> f64 {
        (mixed(seed, of as u64) % values) as f64
    }

    #[test]
    fn rows_of_one_person_stay_together_though_nothing_names_them() {
        // 200 people of ten rows: pay, site and schooling are theirs, the rest is not.
        let person = |row: usize| row % 200;
        let pay = |row: usize| 2_000.0 + draw(1, person(row), 1_000_000);
        let table = table(vec![
            column("pay", pay),
            column("sales", |row| draw(2, row, 50)),
            column("site", |row| draw(3, person(row), 9)),
            column("schooling", |row| draw(4, person(row), 3)),
        ]);
        let rows: Vec<usize> = (0..ROWS).collect();
        let found = apart(&table, &rows, "pay", 5, 1).unwrap();
        let people = SamePeople {
            column: "pay".to_owned(),
            steady: vec!["site".to_owned(), "schooling".to_owned()],
            several: 200,
        };
        assert_eq!(found.people, people);
        let mut all: Vec<usize> = found.folds.concat();
        all.sort_unstable();
        assert_eq!(all, rows);
        for fold in &found.folds {
            assert_eq!(fold.len(), ROWS / 5);
            assert!(fold.iter().all(|row| fold.binary_search(&((row + 200) % ROWS)).is_ok()), "{fold:?}");
        }
        assert_eq!(found.groups.len(), ROWS);
    }

    #[test]
    fn a_few_leavers_are_not_kept_apart() {
        let person = |row: usize| row % 200;
        let mut table = table(vec![
            column("pay", |row| 2_000.0 + draw(1, person(row), 1_000_000)),
            column("site", |row| draw(3, person(row), 9)),
            column("schooling", |row| draw(4, person(row), 3)),
        ]);
        let rows: Vec<usize> = (0..ROWS).collect();
        for (leavers, kept_apart) in [(MIN_EVENTS - 1, false), (MIN_EVENTS, true)] {
            table.events = (0..ROWS).map(|row| person(row) < leavers).collect();
            assert_eq!(apart(&table, &rows, "pay", 5, 1).is_some(), kept_apart, "{leavers}");
        }
    }

    #[test]
    fn steps_of_a_scale_are_not_people() {
        // Sixty steps settle the grade and nothing else; months since the start settle nothing.
        let step = |row: usize| draw(1, row, 60);
        let table = table(vec![
            column("step", step),
            column("grade", |row| (step(row) / 6.0).floor()),
            column("site", |row| draw(3, row, 9)),
            column("months", |row| draw(4, row, 90)),
            column("one site", |_| 1.0),
        ]);
        let rows: Vec<usize> = (0..ROWS).collect();
        for column in ["step", "months", "nowhere"] {
            assert!(apart(&table, &rows, column, 5, 1).is_none(), "{column}");
        }
    }
}
