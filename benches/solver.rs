//! Seconds of the fit alone, on the matrix of a flat table that `peers/train.py` writes: the same numbers in the same
//! order as its peers get, not standardised, one penalty. Writes one line of JSON.
//!
//! `cargo bench --workspace --bench solver -- --data FILE.parquet --penalty 1 --repeats 3`

#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement stops at the first surprise")]

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use flight_risk_data::flat::{FlatSchema, FlatTable, FlatValues, read_flat};
use flight_risk_model::solver::{Problem, fit};
use flight_risk_scoring::Day;
use ndarray::{Array2, ShapeBuilder};

/// The value after `--name`.
fn argument(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}

/// Column-major, as training lays it out.
fn matrix(table: &FlatTable) -> Array2<f64> {
    let values: Vec<f64> = table
        .columns
        .iter()
        .flat_map(|column| match &column.values {
            FlatValues::Numeric(values) => values.as_slice(),
            FlatValues::Categorical(_) => panic!("`{}` is not numeric", column.name),
        })
        .copied()
        .collect();
    Array2::from_shape_vec((table.target.len(), table.columns.len()).f(), values).unwrap()
}

fn main() {
    let Some(path) = argument("--data") else {
        println!("solver: needs --data FILE.parquet; benches/peers/train.py writes one and calls this");
        return;
    };
    let penalty: f64 = argument("--penalty").map_or(1.0, |text| text.parse().unwrap());
    let repeats: usize = argument("--repeats").map_or(1, |text| text.parse().unwrap());
    let schema: FlatSchema = toml::from_str("target = 'left'\npositive = 1").unwrap();
    let table = read_flat(Path::new(&path), &schema, Day::from_ymd(2100, 1, 1).unwrap()).unwrap();
    let matrix = matrix(&table);
    let problem =
        Problem { matrix: matrix.view(), events: &table.target, penalty, tolerance: flight_risk_model::solver::EXACT };
    let mut seconds = Vec::with_capacity(repeats);
    let mut solution = None;
    for _ in 0..repeats {
        let started = Instant::now();
        let fitted = black_box(fit(&problem, None)).unwrap();
        seconds.push(started.elapsed().as_secs_f64());
        solution = Some(fitted);
    }
    let solution = solution.unwrap();
    println!(
        "{}",
        serde_json::json!({
            "seconds": seconds, "intercept": solution.intercept, "coefficients": solution.coefficients.to_vec(),
        })
    );
}
