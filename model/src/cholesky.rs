//! Cholesky factorisation of small symmetric positive definite matrices: a hundred lines that replace a linear-algebra stack.

use ndarray::{Array1, Array2, ArrayView1};

/// The lower triangle L of A = L L', row after row.
#[derive(Clone, Debug)]
pub(crate) struct Cholesky {
    lower: Vec<f64>,
    size: usize,
}

/// The product of two rows, in four sums that the processor works on side by side.
fn product(a: &[f64], b: &[f64]) -> f64 {
    let ((a_parts, a_rest), (b_parts, b_rest)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
    let mut sums = [0.0; 4];
    for (a, b) in a_parts.iter().zip(b_parts) {
        for lane in 0..4 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

impl Cholesky {
    /// Factorises; only the lower triangle is read. `None` when the matrix is not positive definite.
    pub(crate) fn new(matrix: &Array2<f64>) -> Option<Self> {
        let size = matrix.nrows();
        let mut lower = vec![0.0; size * size];
        for (i, given) in matrix.rows().into_iter().enumerate() {
            let (done, rest) = lower.split_at_mut(i * size);
            let (row, _) = rest.split_at_mut(size);
            for (j, &x) in given.iter().take(i).enumerate() {
                let above = done.get(j * size..j * size + j + 1)?;
                let (before, pivot) = (above.get(..j)?, above.get(j)?);
                let value = (x - product(row.get(..j)?, before)) / pivot;
                *row.get_mut(j)? = value;
            }
            let before = row.get(..i)?;
            let pivot = given.get(i)? - product(before, before);
            if pivot.is_nan() || pivot <= 0.0 {
                return None;
            }
            *row.get_mut(i)? = pivot.sqrt();
        }
        Some(Self { lower, size })
    }

    /// The part of a row up to the diagonal.
    fn row(&self, i: usize) -> &[f64] {
        &self.lower[i * self.size..i * self.size + i + 1]
    }

    /// x with A x = b.
    pub(crate) fn solve(&self, b: ArrayView1<'_, f64>) -> Array1<f64> {
        let mut x = b.to_vec();
        for i in 0..self.size {
            let (row, pivot) = self.row(i).split_at(i);
            x[i] = (x[i] - product(row, &x[..i])) / pivot[0];
        }
        for i in (0..self.size).rev() {
            let (row, pivot) = self.row(i).split_at(i);
            let value = x[i] / pivot[0];
            x[i] = value;
            x[..i].iter_mut().zip(row).for_each(|(x, l)| *x -= l * value);
        }
        Array1::from(x)
    }

    /// b' A^-1 b.
    pub(crate) fn quadratic(&self, b: ArrayView1<'_, f64>) -> f64 {
        let mut x = b.to_vec();
        for i in 0..self.size {
            let (row, pivot) = self.row(i).split_at(i);
            x[i] = (x[i] - product(row, &x[..i])) / pivot[0];
        }
        product(&x, &x)
    }

    /// A^-1: the product of L^-1 with its transpose.
    pub(crate) fn inverse(&self) -> Array2<f64> {
        let size = self.size;
        // L^-1 by columns, each of which begins at the diagonal; as a row of the transpose.
        let mut inverse = vec![0.0; size * size];
        for j in 0..size {
            let column = &mut inverse[j * size..(j + 1) * size];
            for i in j..size {
                let (row, pivot) = self.row(i).split_at(i);
                let unit = if i == j { 1.0 } else { 0.0 };
                column[i] = (unit - product(&row[j..], &column[j..i])) / pivot[0];
            }
        }
        let row = |i: usize| &inverse[i * size..(i + 1) * size];
        let mut whole = Array2::zeros((size, size));
        for i in 0..size {
            for j in 0..=i {
                let entry = product(&row(i)[i..], &row(j)[i..]);
                whole[[i, j]] = entry;
                whole[[j, i]] = entry;
            }
        }
        whole
    }

    /// ln det A.
    pub(crate) fn log_determinant(&self) -> f64 {
        2.0 * (0..self.size).filter_map(|i| self.row(i).last()).map(|x| x.ln()).sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_solution_solves() {
        let a = ndarray::arr2(&[[4.0, 2.0, 0.6], [2.0, 5.0, 1.0], [0.6, 1.0, 3.0]]);
        let b = ndarray::arr1(&[1.0, -2.0, 0.5]);
        let x = Cholesky::new(&a).map(|factor| factor.solve(b.view()));
        let residual = x.map(|x| (a.dot(&x) - &b).iter().fold(0.0_f64, |m, r| m.max(r.abs())));
        assert!(residual.is_some_and(|r| r < 1e-14), "{residual:?}");
        let product = Cholesky::new(&a).map(|factor| factor.inverse().dot(&a) - Array2::<f64>::eye(3));
        let worst = product.map(|p| p.iter().fold(0.0_f64, |m, x| m.max(x.abs())));
        assert!(worst.is_some_and(|w| w < 1e-14), "{worst:?}");
        assert!(Cholesky::new(&ndarray::arr2(&[[1.0, 0.0], [2.0, 1.0]])).is_none(), "not positive definite");
    }
}
