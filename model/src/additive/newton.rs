//! Newton's method for the penalised log-loss, and penalties that maximise the approximate marginal likelihood.

use flight_risk_scoring::LogOdds;
use ndarray::{Array1, Array2};

use super::gram::Columns;
use super::inverse::inverse;
use crate::solver::{SolveError, sigmoid};

/// Penalties stay between these: less is none on standardised columns, more leaves nothing.
const PENALTIES: (f64, f64) = (0.02, 1e6);
/// A penalty moves by at most this factor at a time.
const LARGEST_MOVE: f64 = 30.0;
const MAX_STEPS: usize = 60;
const MAX_HALVINGS: usize = 12;
/// The largest move of any row's log-odds in one step.
const LARGEST_STEP: f64 = 4.0;
/// Half of g' H^-1 g, in nats, below which penalties may be moved, and below which the fit has converged.
const NEAR: f64 = 0.5;
const CONVERGED: f64 = 1e-9;
/// Penalties have settled when none that matters moves by more than this (of its logarithm).
const SETTLED: f64 = 0.05;
/// A block with fewer effective parameters than this does not matter.
pub(crate) const NEGLIGIBLE: f64 = 0.05;

/// Where a fit starts, and whether its penalties are still to be found.
#[derive(Clone, Debug)]
pub(crate) struct Start<'a> {
    /// A fit whose coefficients are begun with, where it has as many of them: of the same columns there is nothing left to do.
    pub(crate) near: Option<&'a Penalised>,
    /// Of each block.
    pub(crate) penalties: Vec<f64>,
    /// The penalty of recurring values.
    pub(crate) recurring_penalty: f64,
    /// Whether penalties are moved to where the marginal likelihood is largest.
    pub(crate) estimate: bool,
}

/// A penalised fit.
#[derive(Clone, Debug)]
pub(crate) struct Penalised {
    /// Intercept, then the columns of the variables.
    pub(crate) coefficients: Array1<f64>,
    /// Of recurring values.
    pub(crate) recurring: Vec<f64>,
    pub(crate) penalties: Vec<f64>,
    pub(crate) recurring_penalty: f64,
    /// Inverse of the penalised Hessian, intercept first.
    pub(crate) inverse: Array2<f64>,
    /// Diagonal of its part for recurring values.
    pub(crate) recurring_variances: Vec<f64>,
    /// Of each block.
    pub(crate) effective: Vec<f64>,
    /// Effective parameters of the recurring values.
    pub(crate) recurring_effective: f64,
    /// Log-odds of the rows.
    pub(crate) log_odds: Vec<f64>,
}

impl Penalised {
    /// Observed less predicted, and p (1 - p), of every row.
    pub(crate) fn working(&self, events: &[bool]) -> (Vec<f64>, Vec<f64>) {
        let p = |x: &f64| LogOdds(*x).probability().get();
        let residuals = self.log_odds.iter().zip(events).map(|(x, &event)| f64::from(u8::from(event)) - p(x)).collect();
        (residuals, self.log_odds.iter().map(|x| p(x) * (1.0 - p(x))).collect())
    }
}

struct State {
    dense: Array1<f64>,
    recurring: Vec<f64>,
    log_odds: Vec<f64>,
    loss: f64,
}

/// Fits; `offset` is added to the log-odds of every row.
///
/// # Errors
/// One class only, or a Hessian that is not positive definite.
pub(crate) fn fit(
    columns: Columns<'_>,
    events: &[bool],
    offset: Option<&[f64]>,
    start: &Start<'_>,
) -> Result<Penalised, SolveError> {
    let (rows, positives) = (events.len(), events.iter().filter(|&&event| event).count());
    if positives == 0 || positives == rows {
        return Err(SolveError::OneClass { rows, events: positives });
    }
    let rate = positives as f64 / rows as f64;
    let blocks: Vec<usize> = columns.variables.iter().flat_map(|variable| variable.blocks.iter().copied()).collect();
    let (mut penalties, mut recurring_penalty) = (start.penalties.clone(), start.recurring_penalty);
    let mut dense = Array1::zeros(columns.width());
    dense[0] = (rate / (1.0 - rate)).ln();
    let evaluate = |dense: Array1<f64>, recurring: Vec<f64>, penalties: &[f64], recurring_penalty: f64| {
        let mut log_odds = offset.map_or_else(|| vec![0.0; rows], <[f64]>::to_vec);
        columns.add_log_odds(&dense, &recurring, &mut log_odds);
        let mut loss = sigmoid::loss(&log_odds, events);
        let weights = blocks.iter().map(|&block| penalties.get(block).copied().unwrap_or_default());
        loss += 0.5 * dense.iter().skip(1).zip(weights).map(|(b, penalty)| penalty * b * b).sum::<f64>();
        loss += 0.5 * recurring_penalty * recurring.iter().map(|b| b * b).sum::<f64>();
        State { dense, recurring, log_odds, loss }
    };
    let same =
        |near: &&Penalised| near.coefficients.len() == dense.len() && near.recurring.len() == columns.recurring();
    let (dense, recurring) = match start.near.filter(same) {
        Some(near) => (near.coefficients.clone(), near.recurring.clone()),
        None => (dense, vec![0.0; columns.recurring()]),
    };
    let mut state = evaluate(dense, recurring, &penalties, recurring_penalty);
    let mut settled = !start.estimate;
    let matrix = columns.matrix(rows);
    let mut steps = 0;
    loop {
        let mut p = state.log_odds.clone();
        sigmoid::probabilities(&mut p);
        let residuals: Vec<f64> = p.iter().zip(events).map(|(p, &event)| f64::from(u8::from(event)) - p).collect();
        let weights: Vec<f64> = p.iter().map(|p| (p * (1.0 - p)).max(1e-12)).collect();
        let (mut g, mut g_recurring) = columns.gradient(&residuals);
        let mut information = columns.information(&weights, matrix.as_ref());
        for (column, &block) in blocks.iter().enumerate() {
            let penalty = penalties.get(block).copied().unwrap_or_default();
            g[column + 1] -= penalty * state.dense[column + 1];
            information.dense[[column + 1, column + 1]] += penalty;
        }
        for ((g, b), diagonal) in g_recurring.iter_mut().zip(&state.recurring).zip(&mut information.diagonal) {
            *g -= recurring_penalty * b;
            *diagonal += recurring_penalty;
        }
        // Recurring values are eliminated: their part is diagonal.
        let scaled = &information.cross / &ndarray::aview1(&information.diagonal);
        if !information.diagonal.is_empty() {
            information.dense -= &scaled.dot(&information.cross.t());
        }
        let inverse = inverse(&information.dense).ok_or_else(|| SolveError::Failed(SINGULAR.to_owned()))?;
        let step = inverse.dot(&(&g - &scaled.dot(&ndarray::aview1(&g_recurring))));
        let across = information.cross.t().dot(&step);
        let recurring_step: Vec<f64> =
            g_recurring.iter().zip(&across).zip(&information.diagonal).map(|((g, c), d)| (g - c) / d).collect();
        let decrement = 0.5 * (g.dot(&step) + g_recurring.iter().zip(&recurring_step).map(|(g, s)| g * s).sum::<f64>());
        let recurring_variances: Vec<f64> = {
            let image = inverse.dot(&scaled);
            let quadratic = scaled.columns().into_iter().zip(image.columns()).map(|(a, b)| a.dot(&b));
            information.diagonal.iter().zip(quadratic).map(|(d, q)| 1.0 / d + q).collect()
        };
        let mut effective = vec![0.0; penalties.len()];
        for (column, &block) in blocks.iter().enumerate() {
            let penalty = penalties.get(block).copied().unwrap_or_default();
            if let Some(left) = effective.get_mut(block) {
                *left += 1.0 - penalty * inverse[[column + 1, column + 1]];
            }
        }
        let recurring_effective = recurring_variances.iter().map(|v| 1.0 - recurring_penalty * v).sum::<f64>();
        steps += 1;
        if (settled && decrement < CONVERGED) || steps >= MAX_STEPS {
            return Ok(Penalised {
                coefficients: state.dense,
                recurring: state.recurring,
                penalties,
                recurring_penalty,
                inverse,
                recurring_variances,
                effective,
                recurring_effective,
                log_odds: state.log_odds,
            });
        }
        // A step first, then the penalties: their update is made for the coefficients of the penalties that were.
        let reach = {
            let mut moved = vec![0.0; rows];
            columns.add_log_odds(&step, &recurring_step, &mut moved);
            moved.iter().fold(0.0_f64, |m, x| m.max(x.abs()))
        };
        let mut share = (LARGEST_STEP / reach).min(1.0);
        for _ in 0..MAX_HALVINGS {
            let recurring = state.recurring.iter().zip(&recurring_step).map(|(b, s)| b + share * s).collect();
            let there = evaluate(&state.dense + &(&step * share), recurring, &penalties, recurring_penalty);
            if there.loss <= state.loss + 1e-10 * state.loss.abs() {
                state = there;
                break;
            }
            share /= 2.0;
        }
        if !settled && decrement < NEAR && steps > 1 {
            let mut largest_move = 0.0_f64;
            let mut squares = vec![0.0; penalties.len()];
            for (column, &block) in blocks.iter().enumerate() {
                if let Some(square) = squares.get_mut(block) {
                    *square += state.dense[column + 1].powi(2);
                }
            }
            for ((penalty, left), square) in penalties.iter_mut().zip(&effective).zip(squares) {
                let moved = moved_penalty(*penalty, *left, square);
                if *left > NEGLIGIBLE {
                    largest_move = largest_move.max((moved / *penalty).ln().abs());
                }
                *penalty = moved;
            }
            if !state.recurring.is_empty() {
                let square = state.recurring.iter().map(|b| b * b).sum();
                let moved = moved_penalty(recurring_penalty, recurring_effective, square);
                if recurring_effective > NEGLIGIBLE {
                    largest_move = largest_move.max((moved / recurring_penalty).ln().abs());
                }
                recurring_penalty = moved;
            }
            settled = largest_move < SETTLED || steps + 12 >= MAX_STEPS;
            let State { dense, recurring, .. } = state;
            state = evaluate(dense, recurring, &penalties, recurring_penalty);
        }
    }
}

const SINGULAR: &str = "the penalised Hessian is not positive definite";

/// Fellner and Schall's update: effective parameters over the sum of squared coefficients.
fn moved_penalty(penalty: f64, effective: f64, squares: f64) -> f64 {
    let wanted = effective.max(1e-6) / squares.max(1e-12);
    wanted.clamp(penalty / LARGEST_MOVE, penalty * LARGEST_MOVE).clamp(PENALTIES.0, PENALTIES.1)
}
