//! Flat tables drawn from a rule with as much signal as a test asks for.

use std::fmt::Write;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What to draw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drawn {
    pub(crate) seed: u64,
    /// Rows, each an employee `E0`, `E1` ...
    pub(crate) rows: usize,
    /// Columns `x0`, `x1` ... of numbers that are normal and independent.
    pub(crate) features: usize,
    /// About the share of those who left.
    pub(crate) rate: f64,
    /// Standard deviation of the log-odds, which the first three features share; 0 is noise, 0.55 the signal of an AUC of 0.65.
    pub(crate) signal: f64,
    /// Months over which the rows are spread evenly, in a column `month`; 0: no such column.
    pub(crate) months: usize,
}

/// Schema of a drawn table.
pub(crate) const DRAWN_SCHEMA: &str = "id = \"employee\"\ntarget = \"left\"\npositive = \"Yes\"\n";

impl Drawn {
    /// Noise: 300 rows, 6 features, a fifth left.
    pub(crate) fn noise(seed: u64) -> Self {
        Self { seed, rows: 300, features: 6, rate: 0.2, signal: 0.0, months: 0 }
    }

    /// The table as CSV: `employee,x0,...,[month],left`.
    pub(crate) fn csv(&self) -> String {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        let names: Vec<String> = (0..self.features).map(|feature| format!("x{feature}")).collect();
        let month_name = if self.months > 0 { "month," } else { "" };
        let mut csv = format!("employee,{},{month_name}left\n", names.join(","));
        let base = (self.rate / (1.0 - self.rate)).ln();
        for row in 0..self.rows {
            // Twelve uniform numbers less six are nearly normal.
            let values: Vec<f64> =
                (0..self.features).map(|_| (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0).collect();
            let log_odds = base + self.signal * values.iter().take(3).sum::<f64>() / 3.0_f64.sqrt();
            let left = if random.random_bool(1.0 / (1.0 + (-log_odds).exp())) { "Yes" } else { "No" };
            let cells: Vec<String> = values.iter().map(|value| format!("{value:.4}")).collect();
            let month = match self.months {
                0 => String::new(),
                months => format!("{:03},", row * months / self.rows),
            };
            writeln!(csv, "E{row},{},{month}{left}", cells.join(",")).unwrap();
        }
        csv
    }
}
