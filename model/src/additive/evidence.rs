//! What a block of columns would add: the gain in log marginal likelihood when it is added to a fit, at its best penalty.

use super::basis::Variable;
use super::gram::{by_bin, weighted_square};
use crate::cholesky::Cholesky;

/// Penalties that are tried, as powers of ten.
const EXPONENTS: [f64; 8] = [-0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0];

/// The best gain of some columns of a variable, in nats, and the penalty that gives it. `residuals` and `weights` are those of
/// the fit without them (observed less predicted, and p (1 - p)).
pub(crate) fn evidence(
    variable: &Variable,
    columns: std::ops::Range<usize>,
    residuals: &[f64],
    weights: &[f64],
) -> (f64, f64) {
    let basis = variable.basis.slice(ndarray::s![.., columns]);
    let gradient = basis.t().dot(&by_bin(variable, residuals));
    let information = weighted_square(basis, &by_bin(variable, weights));
    let size = gradient.len() as f64;
    let gain = |penalty: f64| {
        let mut penalised = information.clone();
        penalised.diag_mut().iter_mut().for_each(|x| *x += penalty);
        let factor = Cholesky::new(&penalised)?;
        let explained = gradient.dot(&factor.solve(gradient.view()));
        Some(0.5 * (explained - factor.log_determinant() + size * penalty.ln()))
    };
    let tried =
        EXPONENTS.iter().map(|exponent| 10.0_f64.powf(*exponent)).filter_map(|penalty| Some((gain(penalty)?, penalty)));
    tried.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((f64::NEG_INFINITY, 1.0))
}
