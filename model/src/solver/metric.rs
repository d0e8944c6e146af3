//! The inverse Hessian as the solver knows it: a Cholesky factor, corrected by the steps made since (BFGS).

use std::collections::VecDeque;

use ndarray::{Array1, Array2};

use crate::cholesky::Cholesky;

/// Steps that are remembered.
const MAX_PAIRS: usize = 12;
/// Tried in turn on the diagonal, which is scaled to 1, where rounding leaves a Hessian that is not positive definite.
const RIDGES: [f64; 6] = [0.0, 1e-14, 1e-12, 1e-10, 1e-8, 1e-6];

/// An approximate inverse of the Hessian (Nocedal & Wright 2006, algorithm 7.4, with a factorised Hessian as the first matrix).
pub(super) struct Metric {
    /// 1 over the root of the Hessian's diagonal.
    scale: Array1<f64>,
    factor: Cholesky,
    pairs: VecDeque<Pair>,
}

/// A step, the change of the gradient along it, and 1 over their product.
struct Pair {
    step: Array1<f64>,
    change: Array1<f64>,
    curvature: f64,
}

impl Metric {
    /// Of a Hessian, each number of which stands for `stands_for` of the problem's. `None` if it is not positive definite by far.
    pub(super) fn new(hessian: &Array2<f64>, stands_for: f64) -> Option<Self> {
        let scale: Array1<f64> =
            hessian.diag().iter().map(|&d| if d > 0.0 { 1.0 / (d * stands_for).sqrt() } else { 1.0 }).collect();
        let mut scaled = hessian.clone();
        for ((i, j), value) in scaled.indexed_iter_mut() {
            *value *= stands_for * scale[i] * scale[j];
        }
        let factor = RIDGES.iter().find_map(|&ridge| {
            let mut shifted = scaled.clone();
            shifted.diag_mut().map_inplace(|d| *d += ridge);
            Cholesky::new(&shifted)
        })?;
        Some(Self { scale, factor, pairs: VecDeque::new() })
    }

    /// The inverse Hessian times a gradient.
    pub(super) fn apply(&self, gradient: &Array1<f64>) -> Array1<f64> {
        let mut q = gradient.clone();
        let mut shares = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs.iter().rev() {
            let share = pair.curvature * pair.step.dot(&q);
            q.scaled_add(-share, &pair.change);
            shares.push(share);
        }
        let mut r = self.factor.solve((&q * &self.scale).view()) * &self.scale;
        for (pair, share) in self.pairs.iter().zip(shares.into_iter().rev()) {
            let back = pair.curvature * pair.change.dot(&r);
            r.scaled_add(share - back, &pair.step);
        }
        r
    }

    /// Learns from a step and the change of the gradient along it.
    pub(super) fn learn(&mut self, step: Array1<f64>, change: Array1<f64>) {
        let product = step.dot(&change);
        // Rounding makes nonsense of the shortest steps.
        if product > f64::EPSILON * (step.dot(&step) * change.dot(&change)).sqrt() {
            if self.pairs.len() == MAX_PAIRS {
                self.pairs.pop_front();
            }
            self.pairs.push_back(Pair { step, change, curvature: 1.0 / product });
        }
    }
}
