//! What a block of columns would add: the gain in log marginal likelihood when it is added to a fit, at its best penalty.

use ndarray::{Array1, Array2};

use super::basis::{Side, Variable};
use super::gram::{by_bin, weighted_square};
use crate::cholesky::Cholesky;

/// Penalties that are tried, as powers of ten.
const EXPONENTS: [f64; 8] = [-0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0];
/// The order in which they are tried: what the first of them say spares most of the others.
const ORDER: [usize; 8] = [4, 0, 2, 6, 1, 3, 5, 7];

/// The best gain of some columns of a variable, in nats, and the penalty that gives it; no gain where it is not `worth` it.
/// `residuals` and `weights` are those of the fit without them (observed less predicted, and p (1 - p)).
pub(crate) fn evidence(
    variable: &Variable,
    columns: std::ops::Range<usize>,
    (residuals, weights): (&[f64], &[f64]),
    worth: f64,
) -> (f64, f64) {
    let basis = variable.basis.slice(ndarray::s![.., columns]);
    let gradient = basis.t().dot(&by_bin(variable, residuals));
    best_gain(&gradient, &weighted_square(basis, &by_bin(variable, weights)), worth)
}

/// The same of a pair of two sides. Its columns are the products of theirs, so that their sums are put together from sums over
/// one side, without the columns themselves.
pub(crate) fn pair_evidence(sides: [&Side; 2], (residuals, weights): (&[f64], &[f64]), worth: f64) -> (f64, f64) {
    let [first, second] = sides;
    let columns = second.basis.nrows();
    let mut sums = vec![(0.0, 0.0); first.basis.nrows() * columns];
    for (((&a, &b), r), w) in first.codes.iter().zip(&second.codes).zip(residuals).zip(weights) {
        if let Some(cell) = sums.get_mut(a as usize * columns + b as usize) {
            cell.0 += r;
            cell.1 += w;
        }
    }
    let (wide, narrow) = (first.basis.ncols(), second.basis.ncols());
    let mut gradient = Array1::<f64>::zeros(wide * narrow);
    let mut information = Array2::<f64>::zeros((wide * narrow, wide * narrow));
    let (mut along, mut square) = (vec![0.0; narrow], vec![0.0; narrow * narrow]);
    for (of_first, cells) in first.basis.rows().into_iter().zip(sums.chunks_exact(columns)) {
        along.fill(0.0);
        square.fill(0.0);
        for (of_second, &(r, w)) in second.basis.rows().into_iter().zip(cells) {
            for (q, &x) in of_second.iter().enumerate() {
                along[q] += r * x;
                let row = &mut square[q * narrow..(q + 1) * narrow];
                row.iter_mut().zip(of_second).for_each(|(sum, &y)| *sum += w * x * y);
            }
        }
        for (p, &x) in of_first.iter().enumerate() {
            for (q, sum) in along.iter().enumerate() {
                gradient[p * narrow + q] += x * sum;
            }
            // The lower triangle is enough.
            for (q, of_square) in square.chunks_exact(narrow).enumerate() {
                let mut row = information.row_mut(p * narrow + q);
                let Some(row) = row.as_slice_mut() else { continue };
                for (&y, part) in of_first.iter().take(p + 1).zip(row.chunks_exact_mut(narrow)) {
                    let factor = x * y;
                    part.iter_mut().zip(of_square).for_each(|(sum, z)| *sum += factor * z);
                }
            }
        }
    }
    best_gain(&gradient, &information, worth)
}

/// The largest gain over the penalties, and the penalty that gives it; no gain where it is not `worth` it. Reads the lower
/// triangle of the information.
fn best_gain(gradient: &Array1<f64>, information: &Array2<f64>, worth: f64) -> (f64, f64) {
    // The gain is half of what is explained less what it costs; both fall as the penalty rises. So what was found at two
    // penalties bounds the gain of all between them.
    let mut tried = [None; EXPONENTS.len()];
    let size = gradient.len() as f64;
    let trace: f64 = information.diag().sum();
    let mut best = (f64::NEG_INFINITY, 1.0);
    for place in ORDER {
        let penalty = 10.0_f64.powf(EXPONENTS[place]);
        let explained =
            tried[..place].iter().rev().flatten().next().map_or(f64::INFINITY, |found: &(f64, f64)| found.0);
        let cost = tried[place + 1..].iter().flatten().next().map_or(0.0, |found| found.1);
        if 0.5 * (explained - cost.max((trace / penalty).ln_1p())) < worth.max(best.0) {
            continue;
        }
        let mut penalised = information.clone();
        penalised.diag_mut().iter_mut().for_each(|x| *x += penalty);
        let Some(factor) = Cholesky::new(&penalised) else { continue };
        let found = (factor.quadratic(gradient.view()), factor.log_determinant() - size * penalty.ln());
        tried[place] = Some(found);
        let gain = 0.5 * (found.0 - found.1);
        if gain > best.0 {
            best = (gain, penalty);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::additive::basis::{Binned, pair, side};
    use crate::folds::mixed;

    fn uniform(seed: u64, row: usize) -> f64 {
        (mixed(seed, row as u64) >> 11) as f64 / (1_u64 << 53) as f64
    }

    #[test]
    fn a_pair_is_worth_what_its_columns_are() {
        for seed in 0..20 {
            let numbers: Vec<f64> =
                (0..700).map(|row| if row % 13 == 0 { f64::NAN } else { uniform(seed, row).powi(3) }).collect();
            let levels: Vec<f64> = (0..700).map(|row| (uniform(seed + 100, row) * 5.0).floor()).collect();
            // Half of the pairs say something.
            let joint =
                |row: usize| if seed % 2 == 0 && (numbers[row] > 0.2) == (levels[row] > 2.0) { 0.5 } else { 0.2 };
            let residuals: Vec<f64> =
                (0..700).map(|row| f64::from(u8::from(uniform(seed + 200, row) < joint(row))) - 0.3).collect();
            let weights: Vec<f64> = (0..700).map(|row| 0.1 + 0.1 * uniform(seed + 300, row)).collect();
            let sides = [side(&Binned::new(&numbers, None)), side(&Binned::new(&levels, Some(5)))];
            let (Some(a), Some(b)) = (&sides[0], &sides[1]) else { unreachable!("both vary") };
            let variable = pair([0, 1], [a, b], 0);
            let working = (residuals.as_slice(), weights.as_slice());
            let wanted = evidence(&variable, 0..variable.basis.ncols(), working, f64::NEG_INFINITY);
            let found = pair_evidence([a, b], working, f64::NEG_INFINITY);
            assert!((wanted.0 - found.0).abs() < 1e-9 && (wanted.1 - found.1).abs() < 1e-9, "{wanted:?} {found:?}");
            // What is worth it is found however many penalties are spared; what is not stays below.
            for worth in [-3.0, 0.0, 2.0, 5.0] {
                let spared = pair_evidence([a, b], working, worth);
                assert!(if found.0 > worth { spared == found } else { spared.0 <= found.0 }, "{found:?} {spared:?}");
            }
        }
    }
}
