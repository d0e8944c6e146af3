//! probe
#![allow(clippy::unwrap_used)]
use super::dimension::NO_GROUP;
use super::suppression::{Cell, Question, plan};
#[test]
fn probe() {
    let text = std::fs::read_to_string(std::env::var("PROBE").unwrap()).unwrap();
    let mut people: Vec<[u32; DIMS]> = text
        .lines()
        .map(|line| {
            let v: Vec<u32> = line.split(' ').map(|w| w.parse().unwrap()).collect();
            make([v[0], v[1], v[2], v[3], v[4]])
        })
        .collect();
    people.sort_unstable();
    let cells: Vec<Cell> =
        people.chunk_by(|a, b| a == b).map(|s| Cell { groups: s[0], inside: true, people: s.len() as u32 }).collect();
    let levels: [usize; DIMS] = std::array::from_fn(|d| {
        people.iter().map(|g| g[d]).filter(|&g| g != NO_GROUP).max().map_or(0, |m| m as usize + 1)
    });
    let t = std::time::Instant::now();
    let shown = plan(&Question { cells: &cells, levels, minimum: 10, wide: None, candidates: None });
    println!("took {:?}", t.elapsed());
    for d in 0..DIMS {
        let sizes: Vec<u32> =
            (0..levels[d] as u32).map(|g| people.iter().filter(|p| p[d] == g).count() as u32).collect();
        let enough = sizes.iter().filter(|&&s| s >= 10).count();
        let mut hidden: Vec<u32> =
            sizes.iter().enumerate().filter(|(g, s)| **s >= 10 && !shown.groups[d][*g]).map(|(_, s)| *s).collect();
        hidden.sort();
        println!(
            "dim {d}: exist {} large {} shown {} hidden-large {:?}",
            sizes.iter().filter(|s| **s > 0).count(),
            enough,
            shown.groups[d].iter().filter(|s| **s).count(),
            hidden
        );
    }
}
const DIMS: usize = 6;
fn make(v: [u32; 5]) -> [u32; 6] {
    let [a, b, c, d, e] = v;
    [a, b, c, d, e, if a == NO_GROUP || e == NO_GROUP { NO_GROUP } else { a * 5 + e }]
}
