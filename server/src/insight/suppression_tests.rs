//! No combination of what is shown isolates fewer people than the minimum: tried against every combination there is.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]

use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::dimension::{DIMENSIONS, FACTS, Groups, NO_GROUP};
use super::suppression::{Cell, Question, Shown, plan};

const MINIMUM: u32 = 10;
/// Exact arithmetic is modulo this prime (2^61 - 1): what follows over the rationals follows here too.
const PRIME: u128 = (1 << 61) - 1;

/// Years with the company are in so many groups at most.
const TENURES: u32 = 8;

fn with_crossed(facts: [u32; FACTS]) -> Groups {
    let [department, location, manager, level, tenure] = facts;
    let known = department != NO_GROUP && tenure != NO_GROUP;
    [department, location, manager, level, tenure, if known { department * TENURES + tenure } else { NO_GROUP }]
}

fn cells(people: &[([u32; FACTS], bool)]) -> Vec<Cell> {
    let mut sorted: Vec<(Groups, bool)> = people.iter().map(|&(facts, inside)| (with_crossed(facts), inside)).collect();
    sorted.sort_unstable();
    sorted
        .chunk_by(|a, b| a == b)
        .map(|same| Cell { groups: same[0].0, inside: same[0].1, people: u32::try_from(same.len()).unwrap() })
        .collect()
}

fn levels(cells: &[Cell]) -> [usize; DIMENSIONS] {
    std::array::from_fn(|d| {
        cells.iter().map(|cell| cell.groups[d]).filter(|&g| g != NO_GROUP).max().map_or(0, |g| g as usize + 1)
    })
}

fn planned(cells: &[Cell], wide: Option<&Shown>) -> Shown {
    plan(&Question { cells, levels: levels(cells), minimum: MINIMUM, wide, candidates: None })
}

/// What hiding small groups alone would show.
fn without_complement(cells: &[Cell]) -> Shown {
    let mut shown = Shown::nothing(levels(cells));
    shown.total = true;
    for (d, groups) in shown.groups.iter_mut().enumerate() {
        for (g, shown) in (0_u32..).zip(groups) {
            *shown = cells.iter().filter(|cell| cell.groups[d] == g).map(|cell| cell.people).sum::<u32>() >= MINIMUM;
        }
    }
    shown
}

/// Over the cells, who is in each sum that is told.
fn told(cells: &[Cell], shown: &Shown, all: bool) -> Vec<Vec<u128>> {
    let mut sums = Vec::new();
    let mut tell = |member: &dyn Fn(&Cell) -> bool| {
        sums.push(cells.iter().map(|cell| u128::from(member(cell))).collect());
    };
    if shown.total {
        tell(&|cell| all || cell.inside);
    }
    for (d, groups) in shown.groups.iter().enumerate() {
        for (g, _) in (0_u32..).zip(groups).filter(|&(_, &shown)| shown) {
            tell(&|cell| (all || cell.inside) && cell.groups[d] == g);
        }
    }
    sums
}

fn inverse(of: u128) -> u128 {
    let (mut result, mut base, mut power) = (1, of, PRIME - 2);
    while power > 0 {
        if power & 1 == 1 {
            result = result * base % PRIME;
        }
        base = base * base % PRIME;
        power >>= 1;
    }
    result
}

/// A basis of everything that can be worked out, each with a cell that no other has.
fn basis(mut rows: Vec<Vec<u128>>) -> (Vec<Vec<u128>>, Vec<usize>) {
    let (mut rank, mut pivots) = (0, Vec::new());
    for column in 0..rows.first().map_or(0, Vec::len) {
        let Some(found) = (rank..rows.len()).find(|&row| rows[row][column] != 0) else { continue };
        rows.swap(rank, found);
        let scale = inverse(rows[rank][column]);
        rows[rank].iter_mut().for_each(|value| *value = *value * scale % PRIME);
        let pivot = rows[rank].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|(at, row)| *at != rank && row[column] != 0) {
            let factor = PRIME - row[column];
            row.iter_mut().zip(&pivot).for_each(|(value, p)| *value = (*value + factor * p) % PRIME);
        }
        pivots.push(column);
        rank += 1;
    }
    rows.truncate(rank);
    (rows, pivots)
}

/// The fewest people whose sum can be worked out from these sums. Every set of cells whose indicator is in their span is given by
/// which pivot cells it has, so trying all small choices of pivots tries all small sets.
fn fewest(cells: &[Cell], sums: Vec<Vec<u128>>) -> Option<u32> {
    fn descend(
        cells: &[Cell],
        rows: &[Vec<u128>],
        pivots: &[usize],
        from: usize,
        have: u32,
        sum: &[u128],
        best: &mut Option<u32>,
    ) {
        if have > 0 && sum.iter().all(|&value| value <= 1) {
            let people = sum.iter().zip(cells).filter(|(v, _)| **v == 1).map(|(_, cell)| cell.people).sum::<u32>();
            *best = Some(best.map_or(people, |best| best.min(people)));
        }
        for at in from..rows.len() {
            let have = have + cells[pivots[at]].people;
            if have < MINIMUM {
                let sum: Vec<u128> = sum.iter().zip(&rows[at]).map(|(a, b)| (a + b) % PRIME).collect();
                descend(cells, rows, pivots, at + 1, have, &sum, best);
            }
        }
    }
    let (rows, pivots) = basis(sums);
    let mut best = None;
    descend(cells, &rows, &pivots, 0, 0, &vec![0; cells.len()], &mut best);
    best.filter(|&best| best < MINIMUM)
}

fn count(shown: &Shown, dimension: usize) -> usize {
    shown.groups[dimension].iter().filter(|&&shown| shown).count()
}

/// People as `(groups, how many)`.
fn company(parts: &[([u32; FACTS], usize)]) -> Vec<Cell> {
    let people: Vec<_> = parts.iter().flat_map(|&(groups, n)| std::iter::repeat_n((groups, true), n)).collect();
    cells(&people)
}

#[test]
fn known_attacks_succeed_without_complementary_suppression_and_fail_with_it() {
    let n = NO_GROUP;
    for (name, parts) in [
        (
            "a department is a location and one person elsewhere",
            vec![([0, 0, n, n, n], 40), ([0, 1, n, n, n], 1), ([1, 1, n, n, n], 50), ([1, 2, n, n, n], 30)],
        ),
        ("all but three have a department", vec![([0, n, n, n, n], 20), ([1, n, n, n, n], 30), ([n, n, n, n, n], 3)]),
        (
            "one small department among large ones",
            vec![([0, n, n, n, n], 20), ([1, n, n, n, n], 30), ([2, n, n, n, n], 9)],
        ),
        (
            "two teams are a level and two people",
            vec![
                ([n, n, 0, 0, n], 12),
                ([n, n, 1, 0, n], 15),
                ([n, n, 1, 1, n], 2),
                ([n, n, 2, 1, n], 40),
                ([n, n, 3, 2, n], 40),
            ],
        ),
        (
            "three dimensions together",
            vec![
                ([0, 0, n, 0, n], 30),
                ([0, 1, n, 1, n], 30),
                ([1, 0, n, 1, n], 30),
                ([1, 1, n, 0, n], 30),
                ([0, 0, n, 1, n], 4),
            ],
        ),
    ] {
        let cells = company(&parts);
        let naive = fewest(&cells, told(&cells, &without_complement(&cells), true));
        assert!(naive.is_some() || name == "three dimensions together", "{name}: the attack should work");
        let shown = planned(&cells, None);
        assert_eq!(fewest(&cells, told(&cells, &shown, true)), None, "{name}: {shown:?}");
        assert!(shown.total, "{name}");
    }
}

#[test]
fn what_is_safe_is_shown() {
    // Groups of 60 to 200, crossed evenly; teams of 24 within departments.
    let mut people = Vec::new();
    for i in 0..600_u32 {
        people.push(([i % 4, (i / 4) % 3, (i % 4) * 6 + (i / 100), (i / 12) % 5, (i / 60) % 5], true));
    }
    let shown = planned(&cells(&people), None);
    for (d, name) in [(0, "department"), (1, "location"), (3, "level"), (4, "tenure")] {
        let missing = shown.groups[d].iter().filter(|&&shown| !shown).count();
        assert_eq!(missing, 0, "{name}: {:?}", shown.groups[d]);
    }
    assert_eq!(count(&shown, 5), 20, "what is crossed: {:?}", shown.groups[5]);
    // Of the teams, as many as what is crossed leaves room for; without it all.
    assert!(count(&shown, 2) >= 3, "{:?}", shown.groups[2]);
    let mut uncrossed = cells(&people);
    uncrossed.iter_mut().for_each(|cell| cell.groups[5] = NO_GROUP);
    assert_eq!(count(&planned(&uncrossed, None), 2), 24);
    // One partition alone is shown down to the minimum itself.
    let shown = planned(&company(&[([0, 0, 0, 0, 0], 10), ([1, 0, 0, 0, 0], 10), ([2, 0, 0, 0, 0], 11)]), None);
    assert_eq!(shown.groups[0], [true, true, true]);
}

#[test]
fn too_few_people_are_not_shown_at_all_nor_is_a_part_that_leaves_out_too_few() {
    assert!(!planned(&company(&[([0; FACTS], 9)]), None).total);
    assert!(planned(&company(&[([0; FACTS], 10)]), None).total);
    let people: Vec<_> = (0..50).map(|i| ([0; FACTS], i >= 4)).collect();
    let cells = cells(&people);
    let wide = planned(&cells.iter().map(|cell| Cell { inside: true, ..*cell }).collect::<Vec<_>>(), None);
    assert!(wide.total && !planned(&cells, Some(&wide)).total);
}

/// Small companies: levels that follow each other (nested), that are spread evenly, and that are skewed; some facts missing.
fn companies() -> impl Strategy<Value = Vec<([u32; FACTS], bool)>> {
    let shape = (1_u32..4, 1_u32..4, 1_u32..5, 1_u32..4, 1_u32..4, 0_u8..4, any::<u64>());
    (30_usize..200, shape).prop_map(|(count, (departments, locations, managers, grades, tenures, nesting, seed))| {
        let mut state = seed | 1;
        let mut draw = |below: u32| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            u32::try_from(state % u64::from(below)).unwrap()
        };
        let mut people = Vec::new();
        for _ in 0..count {
            let skewed = |draw: &mut dyn FnMut(u32) -> u32, of: u32| if draw(3) > 0 { 0 } else { draw(of) };
            let department = draw(departments);
            // Nested up to one in thirty.
            let stray = draw(30) == 0;
            let location = if nesting & 1 == 1 && !stray { department % locations } else { draw(locations) };
            let manager = if nesting & 2 == 2 && !stray { department * 2 + draw(2) } else { draw(managers) };
            let grade = skewed(&mut draw, grades);
            let tenure = if draw(40) == 0 { NO_GROUP } else { skewed(&mut draw, tenures) };
            people.push(([department, location, manager, grade, tenure], draw(departments) == 0 || location == 0));
        }
        people
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_combination_of_answers_isolates_fewer_than_the_minimum(people in companies()) {
        let everybody: Vec<_> = people.iter().map(|&(groups, _)| (groups, true)).collect();
        let wide_cells = cells(&everybody);
        let wide = planned(&wide_cells, None);
        prop_assert_eq!(fewest(&wide_cells, told(&wide_cells, &wide, true)), None);
        // Neither what is crossed nor teams cost the simple views anything, nor teams what is crossed.
        let teamless = |crossed: bool| -> Vec<Cell> {
            let of = |&(mut groups, inside): &([u32; FACTS], bool)| {
                groups[2] = NO_GROUP;
                (groups, inside)
            };
            let mut cells = cells(&everybody.iter().map(of).collect::<Vec<_>>());
            if !crossed {
                cells.iter_mut().for_each(|cell| cell.groups[5] = NO_GROUP);
            }
            cells
        };
        for (crossed, same) in [(false, &[0, 1, 3, 4][..]), (true, &[0, 1, 3, 4, 5])] {
            let simple = planned(&teamless(crossed), None);
            for &dimension in same {
                prop_assert_eq!(&simple.groups[dimension], &wide.groups[dimension]);
            }
        }
        for cell in wide_cells.iter().filter(|cell| wide.has(5, cell.groups[5])) {
            prop_assert!(wide.has(0, cell.groups[0]) && wide.has(4, cell.groups[4]));
        }
        // The order in which people come changes nothing.
        let reversed: Vec<_> = everybody.iter().rev().copied().collect();
        prop_assert_eq!(&planned(&cells(&reversed), None), &wide);
        // Somebody who sees a part, together with somebody who sees all.
        let part_cells = cells(&people);
        let part = plan(&Question {
            cells: &part_cells, levels: levels(&part_cells), minimum: MINIMUM, wide: Some(&wide), candidates: None,
        });
        let mut both = told(&part_cells, &wide, true);
        both.extend(told(&part_cells, &part, false));
        prop_assert_eq!(fewest(&part_cells, both), None);
    }
}

#[test]
fn the_property_is_one_that_hiding_small_groups_alone_does_not_have() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut broken, mut large, mut kept) = (0, 0, 0);
    for _ in 0..100 {
        let people: Vec<_> = companies().new_tree(&mut runner).unwrap().current();
        let cells = cells(&people.into_iter().map(|(groups, _)| (groups, true)).collect::<Vec<_>>());
        let naive = without_complement(&cells);
        broken += usize::from(fewest(&cells, told(&cells, &naive, true)).is_some());
        let count = |shown: &Shown| shown.groups.iter().flatten().filter(|&&shown| shown).count();
        large += count(&naive);
        kept += count(&planned(&cells, None));
    }
    assert!(broken > 20, "only {broken} of 100 companies have something to find");
    assert!(kept * 2 > large, "{kept} of {large} groups that are large enough are shown");
}
