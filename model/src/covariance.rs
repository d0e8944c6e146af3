//! Uncertainty of the coefficients: the Laplace approximation, clustered by employee.
//!
//! With H = X'WX + P (the Hessian of the penalised log-loss, P the penalties) and M the sum over employees of the outer product
//! of their summed scores, the covariance is H^-1 (M + P) H^-1: the sandwich of Huber and White for the part that comes from
//! the data, the Bayesian view of the penalties (Marra & Wood 2012) for the part that comes from shrinking. Where rows are
//! independent, M is X'WX in expectation and the whole is H^-1.
//!
//! That view takes all coefficients of a block for draws from one normal distribution. Real effects are a few large ones among
//! many small ones, and the large ones are shrunk by more than it allows for: on generated companies their true risks lay below
//! the interval four times as often as above it. The bias that the data can see, d = F^-1 P b with F = X'WX + e P (how far the
//! coefficients b would move if nearly all of the penalty were taken away), is therefore not left out, as in intervals that
//! hold for a biased estimate (Armstrong & Kolesar 2020). With many exits d vanishes beside the rest.
//!
//! d is an estimate too, with covariance N = F^-1 P H^-1 M H^-1 P F^-1, so that its square is too large by N in the mean. Of a
//! risk, in which the biases of all features meet, that much is taken off: k d d' is added, with the k by which the squared
//! length of d, measured by X'WX, exceeds what N alone would give. Of the effect of one feature, whose bias may be where the data
//! do not show it, nothing is taken off and N is added: intervals of effects are wider than what they have in a risk.

use ndarray::{Array1, Array2, Axis, s};

use crate::additive::Penalised;
use crate::additive::inverse::inverse;
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

/// Uncertainty of (intercept, columns of the layout's variables).
pub(crate) struct Uncertainty {
    /// The covariance as it enters risks.
    pub(crate) risks: Array2<f64>,
    /// What is added to it where the effect of one feature is told by itself.
    pub(crate) effects: Array2<f64>,
}

/// The uncertainty of a fit.
pub(crate) fn uncertainty(
    table: &TrainingTable,
    rows: &[usize],
    layout: &Layout,
    solved: &Penalised,
    events: &[bool],
    plan: &TrainingPlan,
) -> Uncertainty {
    // Recurring values stand for people already: what is left is independent.
    if layout.recurrence.is_some() {
        return Uncertainty { risks: solved.inverse.clone(), effects: Array2::zeros(solved.inverse.raw_dim()) };
    }
    // The intercept has none.
    let penalties: Array1<f64> = std::iter::once(0.0).chain(layout.penalties(solved)).collect();
    from_scores(solved, &penalties, &clustered_scores(table, rows, layout, solved, events, plan))
}

/// The same from the penalty of every coefficient and the scores' outer products.
fn from_scores(solved: &Penalised, penalties: &Array1<f64>, scores: &Array2<f64>) -> Uncertainty {
    let of_data = solved.inverse.dot(scores).dot(&solved.inverse);
    let shrunk = &solved.inverse * penalties;
    let spread = &of_data + &shrunk.dot(&solved.inverse);
    let information = inverse(&solved.inverse).map(|mut hessian| {
        hessian.diag_mut().scaled_add(-1.0, penalties);
        hessian
    });
    let freed = information.as_ref().and_then(|information| {
        let mut freed = information.clone();
        freed.diag_mut().scaled_add(REMAINING_PENALTY, penalties);
        inverse(&freed)
    });
    // Beyond what rounding leaves of the Hessian, the step that keeps the penalties is the best there is.
    let withheld = freed.unwrap_or_else(|| solved.inverse.clone()) * penalties;
    let bias = withheld.dot(&solved.coefficients).insert_axis(Axis(1));
    let noise = withheld.dot(&of_data).dot(&withheld.t());
    let square = bias.dot(&bias.t());
    let share = information.map_or(1.0, |information| beyond_chance(&square, &noise, &information));
    Uncertainty { risks: spread + &square * share, effects: square * (1.0 - share) + noise }
}

/// The share of a squared bias that is more than its own noise would make.
fn beyond_chance(square: &Array2<f64>, noise: &Array2<f64>, information: &Array2<f64>) -> f64 {
    let [seen, chance] = [square, noise].map(|matrix| (matrix * information).sum());
    if seen > chance { 1.0 - chance.max(0.0) / seen } else { 0.0 }
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
        let scores = Array2::from_diag(&Array1::from(vec![100.0, 100.0, 1e6]));
        let found = from_scores(&solved, &penalties, &scores);
        let (bias, noise) = (0.4 * 50.0 / 101.0, (50.0_f64 / 101.0).powi(2) * 100.0 / 150.0_f64.powi(2));
        // The third column's bias and noise weigh as much, but for rounding: a millionth of the information is withheld.
        let third = (1e6 * (0.4 * 5e-5_f64).powi(2), 1e6 * 5e-5_f64.powi(2) / 1e6);
        let share = 1.0 - (100.0 * noise + third.1) / (100.0 * bias * bias + third.0);
        let total = &found.risks + &found.effects;
        assert!((found.risks[[0, 0]] - 0.01).abs() < 1e-12 && found.effects[[0, 0]] == 0.0, "nothing holds it back");
        assert!((found.risks[[1, 1]] - (1.0 / 150.0 + share * bias * bias)).abs() < 1e-7, "{}", found.risks);
        assert!((total[[1, 1]] - (1.0 / 150.0 + bias * bias + noise)).abs() < 1e-12, "{total}");
        assert!((total[[2, 2]] - 1.0 / (1e6 + 50.0)).abs() < 1e-9, "{total}");
    }

    #[test]
    fn a_bias_no_larger_than_its_noise_is_not_in_the_risk() {
        let (solved, penalties) = fit([100.0, 100.0, 100.0], [0.0, 50.0, 50.0], [-3.0, 0.01, 0.02]);
        let found = from_scores(&solved, &penalties, &Array2::from_diag(&Array1::from(vec![100.0; 3])));
        assert!((found.risks[[1, 1]] - 1.0 / 150.0).abs() < 1e-12, "{}", found.risks);
        assert!(found.effects[[1, 1]] > 1e-3, "{}", found.effects);
        // A block without anything in it stays without doubt that the data cannot have: a column nobody has.
        let (solved, penalties) = fit([100.0, 0.0, 100.0], [0.0, 1e6, 1e6], [0.0, 0.0, 1e-6]);
        let found = from_scores(&solved, &penalties, &Array2::from_diag(&Array1::from(vec![100.0, 0.0, 100.0])));
        let total = found.risks + found.effects;
        assert!((total[[1, 1]] - 1e-6).abs() < 1e-12 && total[[2, 2]] < 1e-5, "{total}");
    }
}
