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
pub(crate) struct Sparse(Vec<(usize, f64)>);

impl Sparse {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    pub(crate) fn push(&mut self, column: usize, value: f64) {
        if value != 0.0 {
            self.0.push((column, value));
        }
    }

    /// `z' V z` for the lower triangle of V, row by row. `NAN` when V is too short.
    pub(crate) fn quadratic_form(&self, lower: &[f64]) -> f64 {
        /// Where columns are filled more densely than one in so many, reading the zeros too is faster than skipping them.
        const DENSE: usize = 3;
        let width = self.0.last().map_or(0, |(last, _)| last + 1);
        let mut filled = Vec::new();
        if width < DENSE * self.0.len() {
            filled.resize(width, 0.0);
            for &(column, x) in &self.0 {
                if let Some(cell) = filled.get_mut(column) {
                    *cell = x;
                }
            }
        }
        let mut sum = 0.0;
        for (place, &(column, x)) in self.0.iter().enumerate() {
            let start = column * (column + 1) / 2;
            let Some((own, row)) = lower.get(start..=start + column).and_then(<[f64]>::split_last) else {
                return f64::NAN;
            };
            let off = if let Some(before) = filled.get(..column) {
                dot_in_lanes(row, before)
            } else {
                let before = self.0.iter().take(place);
                before.map(|&(other, y)| row.get(other).copied().unwrap_or_default() * y).sum()
            };
            sum += x * (own * x + 2.0 * off);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quadratic_form_is_the_same_however_densely_the_row_is_filled() {
        // A triangle of 40 columns of small whole numbers: every sum is exact.
        let at = |row: usize, column: usize| ((row * 7 + column * 3) % 11) as f64 - 4.0;
        let lower: Vec<f64> = (0..40).flat_map(|row| (0..=row).map(move |column| at(row, column))).collect();
        for every in [1, 2, 3, 5, 13, 39] {
            let row: Vec<(usize, f64)> =
                (0..40).step_by(every).map(|column| (column, (column % 5) as f64 - 1.0)).collect();
            let mut sparse = Sparse::with_capacity(row.len());
            row.iter().for_each(|&(column, x)| sparse.push(column, x));
            let whole = |i: usize, j: usize| at(i.max(j), i.min(j));
            let expected: f64 = row.iter().flat_map(|&(i, x)| row.iter().map(move |&(j, y)| x * y * whole(i, j))).sum();
            assert!((sparse.quadratic_form(&lower) - expected).abs() < 1e-9, "every {every}th column");
        }
        let mut beyond = Sparse::with_capacity(1);
        beyond.push(40, 1.0);
        assert!(beyond.quadratic_form(&lower).is_nan(), "there is no such row");
    }
}
