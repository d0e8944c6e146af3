//! Cholesky factorisation of small symmetric positive definite matrices: sixty lines that replace a linear-algebra stack.

use ndarray::{Array1, Array2, ArrayView1};

/// The lower triangle L of A = L L'.
#[derive(Clone, Debug)]
pub(crate) struct Cholesky(Array2<f64>);

impl Cholesky {
    /// Factorises; only the lower triangle is read. `None` when the matrix is not positive definite.
    pub(crate) fn new(matrix: &Array2<f64>) -> Option<Self> {
        let n = matrix.nrows();
        let mut lower = Array2::<f64>::zeros((n, n));
        for i in 0..n {
            for j in 0..=i {
                let done = lower.row(i).slice(ndarray::s![..j]).dot(&lower.row(j).slice(ndarray::s![..j]));
                let rest = matrix[[i, j]] - done;
                if i == j {
                    if rest.is_nan() || rest <= 0.0 {
                        return None;
                    }
                    lower[[i, i]] = rest.sqrt();
                } else {
                    lower[[i, j]] = rest / lower[[j, j]];
                }
            }
        }
        Some(Self(lower))
    }

    /// x with A x = b.
    pub(crate) fn solve(&self, b: ArrayView1<'_, f64>) -> Array1<f64> {
        let (lower, n) = (&self.0, b.len());
        let mut x = b.to_owned();
        for i in 0..n {
            let done = lower.row(i).slice(ndarray::s![..i]).dot(&x.slice(ndarray::s![..i]));
            x[i] = (x[i] - done) / lower[[i, i]];
        }
        for i in (0..n).rev() {
            let done = lower.column(i).slice(ndarray::s![i + 1..]).dot(&x.slice(ndarray::s![i + 1..]));
            x[i] = (x[i] - done) / lower[[i, i]];
        }
        x
    }

    /// ln det A.
    pub(crate) fn log_determinant(&self) -> f64 {
        2.0 * self.0.diag().iter().map(|x| x.ln()).sum::<f64>()
    }

    /// A^-1 B, column by column.
    pub(crate) fn solve_all(&self, b: &Array2<f64>) -> Array2<f64> {
        let mut solved = b.clone();
        for mut column in solved.columns_mut() {
            let x = self.solve(column.view());
            column.assign(&x);
        }
        solved
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
        assert!(Cholesky::new(&ndarray::arr2(&[[1.0, 0.0], [2.0, 1.0]])).is_none(), "not positive definite");
    }
}
