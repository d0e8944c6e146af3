//! Microseconds an employee on one core: from a feature row to the risk with all factors, with the factors in words, and
//! from the raw history.
//!
//! `cargo bench --workspace --bench scoring`

#![allow(clippy::unwrap_used, reason = "a measurement stops at the first surprise")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use flight_risk_data::generate::{GeneratorOptions, generate};
use flight_risk_data::{NativeData, ValidationReport};
use flight_risk_model::{TrainOptions, TrainingConfig, train_native};
use flight_risk_scoring::explain::FactorWords;
use flight_risk_scoring::features::FeatureInput;
use flight_risk_scoring::schema::FeatureRow;
use flight_risk_scoring::{Company, Scorer, TeamContext};

/// A company of this many employees and years of exits.
const COMPANY: (u32, u32) = (1_000, 4);

fn native_data() -> NativeData {
    let options = GeneratorOptions::new(COMPANY.0, COMPANY.1, 1);
    NativeData {
        company: Company::new(generate(&options).unwrap().histories(), Some(options.end)).unwrap(),
        protected: BTreeMap::new(),
        report: ValidationReport::default(),
        digest: String::new(),
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4))
        .configure_from_args();
    let data = native_data();
    let artifact =
        train_native(&data, &TrainingConfig::default().check().unwrap(), TrainOptions::default(), &|_| {}).unwrap();
    let scorer = Scorer::new(artifact);
    let company = &data.company;
    let as_of = company.data_end();
    let teams = company.teams_on(as_of);
    let present = company.histories().iter().enumerate().filter(|(_, h)| h.employed_on(as_of));
    let inputs: Vec<(usize, TeamContext)> = present.map(|(employee, _)| (employee, teams.context(employee))).collect();
    let row = |(employee, team): &(usize, TeamContext)| {
        let history = &company.histories()[*employee];
        scorer.row(&FeatureInput { history, team, coverage: company.coverage(), as_of }).unwrap()
    };
    let rows: Vec<FeatureRow> = inputs.iter().map(row).collect();
    println!(
        "{} employees, {} features in {} columns",
        rows.len(),
        scorer.schema().features().len(),
        scorer.artifact().content().coefficients.len()
    );

    let words: Vec<FactorWords> = scorer.schema().features().iter().map(FactorWords::of).collect();
    let mut group = criterion.benchmark_group("scoring");
    group.throughput(Throughput::Elements(rows.len() as u64));
    group.bench_function("risk, interval, all factors", |bencher| {
        bencher.iter(|| {
            for row in &rows {
                let assessment = scorer.score(row);
                black_box(assessment.factors());
                black_box(&assessment);
            }
        });
    });
    group.bench_function("the same, every factor in words", |bencher| {
        bencher.iter(|| {
            for row in &rows {
                for factor in scorer.score(row).factors() {
                    black_box(words[factor.feature].text(&scorer.schema().value(row, factor.feature)));
                }
            }
        });
    });
    group.bench_function("a row from a history", |bencher| {
        bencher.iter(|| {
            for input in &inputs {
                black_box(row(input));
            }
        });
    });
    group.bench_function("from a history, all factors", |bencher| {
        bencher.iter(|| {
            for input in &inputs {
                let assessment = scorer.score(&row(input));
                black_box(assessment.factors());
                black_box(&assessment);
            }
        });
    });
    group.finish();
    criterion.final_summary();
}
