//! Uncertainty of the coefficients: the Laplace approximation, clustered by employee.
//!
//! With H = X'WX + P (the Hessian of the penalised log-loss, P the penalties) and M the sum over employees of the outer product
//! of their summed scores, the covariance is H^-1 (M + P) H^-1: the sandwich of Huber and White for the part that comes from
//! the data, the Bayesian view of the penalties (Marra & Wood 2012) for the part that comes from shrinking. Where rows are
//! independent, M is X'WX in expectation and the whole is H^-1.
//!
//! That view takes all coefficients of a block for draws from one normal distribution. Real effects are a few large ones among
//! many small ones, and the large ones are shrunk by more than it allows for: on generated companies their true risks lay below
//! the interval four times as often as above it. The bias that the data can see, d = (X'WX + e P)^-1 P b (how far the
//! coefficients b would move if nearly all of the penalty were taken away), is therefore not left out: d d' is added, as in
//! intervals that hold for a biased estimate (Armstrong & Kolesar 2020). With many exits d vanishes beside the rest.

use ndarray::{Array1, Array2, Axis, s};

use crate::additive::Penalised;
use crate::additive::inverse::inverse;
use crate::cholesky::Cholesky;
use crate::config::TrainingPlan;
use crate::folds;
use crate::structure::Layout;
use crate::table::TrainingTable;

/// Rows from which the scores' spread is learned, at most about: whole employees, scaled up.
const MAX_ROWS: usize = 60_000;
/// Employees whose scores are multiplied at a time.
const BATCH: usize = 256;

/// What is left of the penalties where their bias is looked for: enough to tell copies of one column apart.
const REMAINING_PENALTY: f64 = 0.02;

/// The covariance of (intercept, columns of the layout's variables).
pub(crate) fn covariance(
    table: &TrainingTable,
    rows: &[usize],
    layout: &Layout,
    solved: &Penalised,
    events: &[bool],
    plan: &TrainingPlan,
) -> Array2<f64> {
    // Recurring values stand for people already: what is left is independent.
    if layout.recurrence.is_some() {
        return solved.inverse.clone();
    }
    let mut middle = clustered_scores(table, rows, layout, solved, events, plan);
    // The intercept has none.
    let penalties: Array1<f64> = std::iter::once(0.0).chain(layout.penalties(solved)).collect();
    middle.diag_mut().scaled_add(1.0, &penalties);
    let bias = bias(solved, &penalties).insert_axis(Axis(1));
    solved.inverse.dot(&middle).dot(&solved.inverse) + bias.dot(&bias.t())
}

/// How far the coefficients would move in one step if nearly all of the penalties were taken away.
fn bias(solved: &Penalised, penalties: &Array1<f64>) -> Array1<f64> {
    let withheld = penalties * &solved.coefficients;
    let freed = inverse(&solved.inverse).and_then(|mut hessian| {
        hessian.diag_mut().scaled_add(REMAINING_PENALTY - 1.0, penalties);
        Cholesky::new(&hessian)
    });
    // Beyond what rounding leaves of the Hessian, the step that keeps the penalties is the best there is.
    freed.map_or_else(|| solved.inverse.dot(&withheld), |freed| freed.solve(withheld.view()))
}

/// Sum over employees of the outer product of their summed scores, with the small-sample factor G / (G - 1).
fn clustered_scores(
    table: &TrainingTable,
    rows: &[usize],
    layout: &Layout,
    solved: &Penalised,
    events: &[bool],
    plan: &TrainingPlan,
) -> Array2<f64> {
    let columns = layout.columns();
    let (size, starts) = (columns.width(), columns.starts());
    let (errors, _) = solved.working(events);
    let sampled = folds::sample(table, rows, MAX_ROWS, plan.seed);
    let group = |row: usize| table.groups.get(row).copied().unwrap_or_default();
    let mut places: Vec<(u32, usize)> =
        sampled.iter().filter_map(|&row| Some((group(row), rows.binary_search(&row).ok()?))).collect();
    places.sort_unstable();
    let mut middle = Array2::<f64>::zeros((size, size));
    let mut batch = Array2::<f64>::zeros((BATCH, size));
    let (mut filled, mut clusters) = (0, 0.0);
    for cluster in places.chunk_by(|a, b| a.0 == b.0) {
        let mut scores = batch.row_mut(filled);
        scores.fill(0.0);
        for &(_, place) in cluster {
            let Some(&error) = errors.get(place) else { continue };
            scores[0] += error;
            for (variable, &start) in layout.variables.iter().zip(&starts) {
                let Some(&code) = variable.codes.get(place) else { continue };
                let row = variable.basis.row(code as usize);
                scores.slice_mut(s![start..start + row.len()]).scaled_add(error, &row);
            }
        }
        clusters += 1.0;
        filled += 1;
        if filled == BATCH {
            middle += &batch.t().dot(&batch);
            filled = 0;
        }
    }
    let rest = batch.slice(s![..filled, ..]);
    middle += &rest.t().dot(&rest);
    let share = places.len().max(1) as f64 / rows.len().max(1) as f64;
    middle * (clusters / (clusters - 1.0_f64).max(1.0) / share)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fit of three columns whose information is diagonal.
    fn fit(information: [f64; 3], penalties: [f64; 3], coefficients: [f64; 3]) -> (Penalised, Array1<f64>) {
        let penalties = Array1::from(penalties.to_vec());
        let inverse = Array2::from_diag(&(Array1::from(information.to_vec()) + &penalties).mapv(f64::recip));
        let solved = Penalised {
            coefficients: Array1::from(coefficients.to_vec()),
            recurring: Vec::new(),
            penalties: penalties.to_vec(),
            recurring_penalty: 1.0,
            inverse,
            recurring_variances: Vec::new(),
            effective: vec![0.0; 3],
            recurring_effective: 0.0,
            log_odds: Vec::new(),
        };
        (solved, penalties)
    }

    #[test]
    fn the_bias_is_what_the_penalty_took_and_vanishes_with_it() {
        // Without its penalty of 50 a coefficient of 0.4 with information 100 would be 0.4 (100 + 50) / 100.
        let (solved, penalties) = fit([100.0, 100.0, 1e6], [0.0, 50.0, 50.0], [-3.0, 0.4, 0.4]);
        let found = bias(&solved, &penalties);
        assert!(found[0].abs() < 1e-12, "nothing holds the intercept back");
        assert!((found[1] - 0.4 * 50.0 / 101.0).abs() < 1e-9, "{found}");
        assert!(found[2].abs() < 3e-5, "{found}");
        // A block without anything in it stays without doubt that the data cannot have: a column nobody has.
        let (solved, penalties) = fit([100.0, 0.0, 100.0], [0.0, 1e6, 1e6], [0.0, 0.0, 1e-6]);
        let found = bias(&solved, &penalties);
        assert!(found[1].abs() < 1e-12 && found[2].abs() < 1e-4, "{found}");
    }
}
