//! Seconds of the fit alone, on the numbers that `peers/train.py` writes: the same as its peers get, not standardised, one
//! penalty. Writes one line of JSON.
//!
//! `cargo bench --workspace --bench solver -- --data FILE.f64 --rows N --columns P --penalty 1 --repeats 3`
//!
//! `--solver linfa` fits with the reference solver, `--layout row` lays the matrix out row by row.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement stops at the first surprise")]

use std::fs::File;
use std::hint::black_box;
use std::io::Read;
use std::time::Instant;

use flight_risk_model::solver::{EXACT, Problem, Solution, fit, reference};
use ndarray::{Array2, ShapeBuilder};

/// Bytes that are read at a time: the numbers go straight into the matrix, with no second copy.
const READ_BYTES: usize = 1 << 20;
/// Gradient per row that is accepted of the reference solver where its line search gives up.
const ACCEPTED: f64 = 1e-5;

/// The value after `--name`.
fn argument(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}

fn number(name: &str) -> usize {
    argument(name).unwrap_or_else(|| panic!("{name} N")).parse().unwrap()
}

/// Little-endian doubles, a column after the other; then a byte for each row, 1 for an event.
fn read(path: &str, rows: usize, columns: usize) -> (Array2<f64>, Vec<bool>) {
    let mut file = File::open(path).unwrap();
    let mut values = Vec::with_capacity(rows * columns);
    let mut bytes = vec![0; READ_BYTES];
    while values.len() < rows * columns {
        let wanted = READ_BYTES.min((rows * columns - values.len()) * 8);
        file.read_exact(&mut bytes[..wanted]).unwrap();
        values.extend(bytes[..wanted].as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes)));
    }
    let mut events = Vec::with_capacity(rows);
    file.read_to_end(&mut events).unwrap();
    let events = events.into_iter().map(|byte| byte == 1).collect();
    (Array2::from_shape_vec((rows, columns).f(), values).unwrap(), events)
}

fn main() {
    let Some(path) = argument("--data") else {
        println!("solver: needs --data FILE.f64; benches/peers/train.py writes one and calls this");
        return;
    };
    let penalty: f64 = argument("--penalty").map_or(1.0, |text| text.parse().unwrap());
    let repeats: usize = argument("--repeats").map_or(1, |text| text.parse().unwrap());
    let (mut matrix, events) = read(&path, number("--rows"), number("--columns"));
    if argument("--layout").as_deref() == Some("row") {
        matrix = matrix.as_standard_layout().into_owned();
    }
    let solve = |problem: &Problem<'_>| -> Solution {
        match argument("--solver").as_deref() {
            None | Some("engine") => fit(problem, None).unwrap(),
            Some("linfa") => reference(problem, ACCEPTED).unwrap(),
            Some(other) => panic!("no solver `{other}`"),
        }
    };
    let problem = Problem { matrix: matrix.view(), events: &events, penalty, tolerance: EXACT };
    let mut seconds = Vec::with_capacity(repeats);
    let mut solution = None;
    for _ in 0..repeats {
        let started = Instant::now();
        let fitted = black_box(solve(&problem));
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
