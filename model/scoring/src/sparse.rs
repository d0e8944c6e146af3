//! Sums over the columns of one row: this runs for every employee scored.

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Numbers added at a time: a sum in one variable waits for each addition before the next.
const LANES: usize = 8;

pub(crate) fn dot_in_lanes(a: &[f64], b: &[f64]) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().sum::<f64>() + dot(a_rest, b_rest)
}

pub(crate) fn sum_in_lanes(values: &[f64]) -> f64 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        sums.iter_mut().zip(chunk).for_each(|(sum, value)| *sum += value);
    }
    sums.iter().sum::<f64>() + rest.iter().sum::<f64>()
}

/// The columns of a row that are not zero, ascending.
pub(crate) struct Sparse {
    columns: Vec<usize>,
    values: Vec<f64>,
}

impl Sparse {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { columns: Vec::with_capacity(capacity), values: Vec::with_capacity(capacity) }
    }

    pub(crate) fn push(&mut self, column: usize, value: f64) {
        if value != 0.0 {
            self.columns.push(column);
            self.values.push(value);
        }
    }

    /// `z' V z` for the lower triangle of V, row by row. `NAN` when V is too short.
    pub(crate) fn quadratic_form(&self, lower: &[f64]) -> f64 {
        /// Where columns are filled more densely than one in so many, reading the zeros too is faster than skipping them.
        const DENSE: usize = 3;
        let width = self.columns.last().map_or(0, |last| last + 1);
        let mut filled = Vec::new();
        if width < DENSE * self.columns.len() {
            filled.resize(width, 0.0);
            for (&column, &x) in self.columns.iter().zip(&self.values) {
                if let Some(cell) = filled.get_mut(column) {
                    *cell = x;
                }
            }
        }
        let mut sum = 0.0;
        for (place, (&column, &x)) in self.columns.iter().zip(&self.values).enumerate() {
            let start = column * (column + 1) / 2;
            let Some((own, row)) = lower.get(start..=start + column).and_then(<[f64]>::split_last) else {
                return f64::NAN;
            };
            let off = if let Some(before) = filled.get(..column) {
                dot_in_lanes(row, before)
            } else {
                let before = self.columns.iter().zip(&self.values).take(place);
                before.map(|(&other, y)| row.get(other).copied().unwrap_or_default() * y).sum()
            };
            sum += x * (own * x + 2.0 * off);
        }
        sum
    }
}
