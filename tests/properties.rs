//! What must always hold: nothing later is used, parts add up, the same in gives the same out, and what is known is found.

mod additivity;
mod companies;
mod damage;
mod export;
mod horizons;
mod known_truth;
mod monotone;
mod no_leakage;
mod protected;
mod reproducible;
mod shapley;
mod solver;
mod structure;

use proptest::test_runner::Config;

/// A number of cases that keeps the whole suite quick. A failure prints the smallest input found, its seed included.
fn cases(count: u32) -> Config {
    Config { cases: count, failure_persistence: None, max_shrink_iters: 200, ..Config::default() }
}
