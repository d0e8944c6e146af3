//! Setting rows apart: folds that never split a group, and a split in time.

use crate::table::{Times, TrainingTable};

/// Mixes a seed and an index into a number that looks random (SplitMix64, Steele, Lea & Flood 2014).
pub(crate) fn mixed(seed: u64, index: u64) -> u64 {
    let mut z = seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The groups among `rows`, those with an event first, each part in an order drawn from the seed; with each group its rows.
fn shuffled_groups(table: &TrainingTable, group_of: &[u32], rows: &[usize], seed: u64) -> Vec<Vec<usize>> {
    let mut by_group: std::collections::BTreeMap<u32, Vec<usize>> = std::collections::BTreeMap::new();
    for &row in rows {
        by_group.entry(group_of.get(row).copied().unwrap_or_default()).or_default().push(row);
    }
    let has_event = |rows: &[usize]| rows.iter().any(|&row| table.events.get(row).copied().unwrap_or_default());
    let mut groups: Vec<(bool, u64, Vec<usize>)> =
        by_group.into_iter().map(|(group, rows)| (!has_event(&rows), mixed(seed, u64::from(group)), rows)).collect();
    groups.sort_by_key(|group| (group.0, group.1));
    groups.into_iter().map(|group| group.2).collect()
}

/// Deals the groups of `rows` into folds of equal size, those with events and those without separately, so that every fold has
/// its share of both. The rows of each fold ascend.
pub fn folds(table: &TrainingTable, rows: &[usize], count: usize, seed: u64) -> Vec<Vec<usize>> {
    folds_of(table, &table.groups, rows, count, seed)
}

/// The same where the groups are others than the table's; `group_of` has one for each of its rows.
pub(crate) fn folds_of(
    table: &TrainingTable,
    group_of: &[u32],
    rows: &[usize],
    count: usize,
    seed: u64,
) -> Vec<Vec<usize>> {
    let mut folds = vec![Vec::new(); count.max(1)];
    let mut next = 0;
    for group in shuffled_groups(table, group_of, rows, seed) {
        if let Some(fold) = folds.get_mut(next) {
            fold.extend(group);
        }
        next = (next + 1) % count.max(1);
    }
    for fold in &mut folds {
        fold.sort_unstable();
    }
    folds
}

/// Whole groups drawn from `rows` until there are at least `limit` rows, with events in the same proportion; all rows when
/// there are no more than that.
pub fn sample(table: &TrainingTable, rows: &[usize], limit: usize, seed: u64) -> Vec<usize> {
    if rows.len() <= limit {
        return rows.to_vec();
    }
    let parts = rows.len().div_ceil(limit);
    let mut sampled = folds(table, rows, parts, seed).swap_remove(0);
    sampled.sort_unstable();
    sampled
}

/// The first time index of the rows that judge the model: about `share` of the events, the latest, lie from it on.
/// `preferred` is an earlier index to take instead when the events before it are still at least `enough` of all (so that the
/// judged time spans a whole horizon). `None` when one side would have fewer than `least` events.
pub fn time_cut(
    events: &[bool],
    times: &Times,
    share: f64,
    preferred: Option<usize>,
    enough: f64,
    least: usize,
) -> Option<usize> {
    let mut per_time = vec![0_usize; times.labels.len()];
    for (&event, &time) in events.iter().zip(&times.index) {
        if let (true, Some(count)) = (event, per_time.get_mut(time as usize)) {
            *count += 1;
        }
    }
    let total: usize = per_time.iter().sum();
    let before = |cut: usize| per_time.get(..cut).map_or(total, |part| part.iter().sum::<usize>());
    let wanted = (share * total as f64).ceil() as usize;
    let by_share = (0..times.labels.len()).rev().find(|&cut| total - before(cut) >= wanted.max(least))?;
    let cut =
        preferred.filter(|&cut| cut < by_share && before(cut) as f64 >= enough * total as f64).unwrap_or(by_share);
    (before(cut) >= least && total - before(cut) >= least).then_some(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: usize, per_group: usize) -> TrainingTable {
        TrainingTable {
            columns: Vec::new(),
            events: (0..rows).map(|row| row % 10 == 0).collect(),
            groups: (0..rows).map(|row| (row / per_group) as u32).collect(),
            named: per_group > 1,
            times: None,
        }
    }

    #[test]
    fn folds_partition_the_rows_and_never_split_a_group() {
        for (rows, per_group, count) in [(1000, 1, 5), (1000, 20, 5), (7, 3, 5)] {
            let table = table(rows, per_group);
            let all: Vec<usize> = (0..rows).collect();
            let folds = folds(&table, &all, count, 7);
            let mut dealt: Vec<usize> = folds.concat();
            dealt.sort_unstable();
            assert_eq!(dealt, all);
            let mut owners = std::collections::HashMap::new();
            for (number, fold) in folds.iter().enumerate() {
                for &row in fold {
                    assert_eq!(*owners.entry(table.groups[row]).or_insert(number), number, "group of row {row}");
                }
            }
            if per_group == 1 {
                let events = |fold: &Vec<usize>| fold.iter().filter(|&&row| table.events[row]).count();
                assert!(folds.iter().all(|fold| events(fold) == 20));
            }
        }
    }

    #[test]
    fn a_sample_keeps_the_rate() {
        let table = table(10_000, 1);
        let rows: Vec<usize> = (0..10_000).collect();
        let sampled = sample(&table, &rows, 1000, 3);
        let events = sampled.iter().filter(|&&row| table.events[row]).count();
        assert_eq!((sampled.len(), events), (1000, 100));
    }

    #[test]
    fn the_cut_leaves_events_on_both_sides() {
        let times = |counts: &[usize]| {
            let mut index = Vec::new();
            for (time, &count) in counts.iter().enumerate() {
                index.extend(std::iter::repeat_n(time as u32, count));
            }
            (vec![true; index.len()], Times { index, labels: counts.iter().map(|c| c.to_string()).collect() })
        };
        for (counts, preferred, expected) in [
            (&[10, 10, 10, 10][..], None, Some(3)),
            (&[10, 10, 10, 10], Some(2), None.or(Some(3))),
            (&[30, 5, 5, 10], Some(1), Some(1)),
            (&[3, 40], None, None),
            (&[40, 3], None, None),
        ] {
            let (events, times) = times(counts);
            assert_eq!(time_cut(&events, &times, 0.25, preferred, 0.6, 5), expected, "{counts:?} {preferred:?}");
        }
    }
}
