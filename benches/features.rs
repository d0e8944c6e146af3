//! Snapshots a second on one core: the features alone, and whole rows with the team facts of each day.
//!
//! `cargo bench --workspace --bench features`

#![allow(clippy::unwrap_used, reason = "a measurement stops at the first surprise")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use flight_risk_data::generate::{GeneratorOptions, generate};
use flight_risk_scoring::features::{FeatureInput, compute};
use flight_risk_scoring::{Company, Day, TeamContext};

/// A company of this many employees and years of exits.
const COMPANY: (u32, u32) = (1_000, 4);
/// Months back from the end of the data: as many days as training cuts such a company into.
const MONTHS: i32 = 47;

fn company() -> Company {
    let options = GeneratorOptions::new(COMPANY.0, COMPANY.1, 1);
    Company::new(generate(&options).unwrap().histories(), Some(options.end)).unwrap()
}

/// Ascending, as training goes through them.
fn days(company: &Company) -> Vec<Day> {
    (1..=MONTHS).rev().map(|month| company.data_end().plus_months(-month)).collect()
}

fn employed(company: &Company, as_of: Day) -> impl Iterator<Item = usize> {
    company.histories().iter().enumerate().filter(move |(_, h)| h.employed_on(as_of)).map(|(employee, _)| employee)
}

/// Everybody employed on each day, with the team facts of that day.
fn snapshots(company: &Company) -> Vec<(Day, usize, TeamContext)> {
    let of_day = |as_of: Day| {
        let teams = company.teams_on(as_of);
        employed(company, as_of).map(|e| (as_of, e, teams.context(e))).collect::<Vec<_>>()
    };
    days(company).into_iter().flat_map(of_day).collect()
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4))
        .configure_from_args();
    let company = company();
    let snapshots = snapshots(&company);
    let mut group = criterion.benchmark_group("features");
    group.throughput(Throughput::Elements(snapshots.len() as u64));
    group.bench_function("compute", |bencher| {
        bencher.iter(|| {
            for (as_of, employee, team) in &snapshots {
                let history = &company.histories()[*employee];
                black_box(compute(&FeatureInput { history, team, coverage: company.coverage(), as_of: *as_of }));
            }
        });
    });
    group.bench_function("rows with team facts", |bencher| {
        bencher.iter(|| {
            for as_of in days(&company) {
                let teams = company.teams_on(as_of);
                for employee in employed(&company, as_of) {
                    let (history, team) = (&company.histories()[employee], teams.context(employee));
                    black_box(compute(&FeatureInput { history, team: &team, coverage: company.coverage(), as_of }));
                }
            }
        });
    });
    group.finish();
    criterion.final_summary();
}
