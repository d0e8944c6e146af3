//! How long it takes at a million employees. Run with
//! `cargo test --release -p flight-risk-server --lib -- insight::scale --ignored --nocapture`.

use std::time::Instant;

use super::dimension::{FACTS, Groups};
use super::suppression::{Cell, Question, plan};

/// A million people: teams of 4 to 18 within departments, most of a team in one place.
pub(crate) fn million() -> Vec<[u32; FACTS]> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut draw = |below: u32| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        u32::try_from(state % u64::from(below)).unwrap_or(0)
    };
    let mut people = Vec::with_capacity(1_000_000);
    let mut manager = 0;
    while people.len() < 1_000_000 {
        let (department, place) = (draw(400), draw(120));
        for _ in 0..4 + draw(15) {
            let location = if draw(8) == 0 { draw(120) } else { place };
            people.push([department, location, manager, draw(4) + draw(9), draw(5)]);
        }
        manager += 1;
    }
    people
}

#[test]
#[ignore = "takes seconds and prints its measurements; run it in release"]
fn a_plan_for_a_million() {
    let started = Instant::now();
    let mut people: Vec<Groups> = million().into_iter().map(|[d, l, m, g, t]| [d, l, m, g, t, 5 * d + t]).collect();
    people.sort_unstable();
    let cells: Vec<Cell> = people
        .chunk_by(|a, b| a == b)
        .map(|same| Cell {
            groups: same[0],
            inside: same[0][0] < 40,
            people: u32::try_from(same.len()).unwrap_or(u32::MAX),
        })
        .collect();
    println!("{} cells after {:?}", cells.len(), started.elapsed());
    let all: Vec<Cell> = cells.iter().map(|cell| Cell { inside: true, ..*cell }).collect();
    let levels = std::array::from_fn(|d| people.iter().map(|groups| groups[d] as usize + 1).max().unwrap_or(0));
    let started = Instant::now();
    let wide = plan(&Question { cells: &all, levels, minimum: 10, wide: None, candidates: None });
    println!("all: {:?}, {:?} of {levels:?} shown", started.elapsed(), counts(&wide.groups));
    let started = Instant::now();
    let part = plan(&Question { cells: &cells, levels, minimum: 10, wide: Some(&wide), candidates: None });
    println!("a tenth: {:?}, {:?} of {levels:?} shown", started.elapsed(), counts(&part.groups));
}

fn counts(groups: &[Vec<bool>]) -> Vec<usize> {
    groups.iter().map(|groups| groups.iter().filter(|&&shown| shown).count()).collect()
}
