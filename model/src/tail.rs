//! Long tails: amounts of which a few people have very much.
//!
//! A straight line through such an amount is bent by its few largest values and says nothing about the difference between none
//! and some, where most of the effect is. Its logarithm is taken instead where it tells the outcome better.

use crate::calibration::line;
use crate::metrics::log_loss;
use flight_risk_scoring::LogOdds;

/// Skewness (third standardised moment) from which an amount has a long tail: twice that of an exponential distribution, which
/// waiting times have and whose effect may well be straight.
const LONG_TAIL_SKEWNESS: f64 = 4.0;
/// By how much the summed log-loss must fall: a straight line is simpler to read.
const WORTH_LOG_LOSS: f64 = 2.0;
/// Rows that are looked at: two numbers are fitted.
const MAX_ROWS: usize = 20_000;

/// Whether the outcome is told better by the logarithm of an amount than by the amount. `moments` are mean and standard
/// deviation of the known values.
pub(crate) fn is_better_as_logarithm(values: &[f64], rows: &[usize], events: &[bool], moments: (f64, f64)) -> bool {
    let (mean, deviation) = moments;
    let known =
        || rows.iter().filter_map(|&row| Some((*values.get(row)?, *events.get(row)?))).filter(|v| !v.0.is_nan());
    let (mut count, mut cubes) = (0.0, 0.0);
    for (value, _) in known() {
        if value < 0.0 {
            return false;
        }
        count += 1.0;
        cubes += ((value - mean) / deviation).powi(3);
    }
    // Not a number where values are huge: then there is a long tail for certain.
    if cubes / count <= LONG_TAIL_SKEWNESS {
        return false;
    }
    let every = rows.len().div_ceil(MAX_ROWS).max(1);
    let (amounts, events): (Vec<f64>, Vec<bool>) = known().step_by(every).unzip();
    let loss = |x: Vec<f64>| {
        line(&x, &events).map(|fitted| {
            let p: Vec<f64> =
                x.iter().map(|x| LogOdds(fitted.slope * x + fitted.intercept).probability().get()).collect();
            log_loss(&events, &p) * events.len() as f64
        })
    };
    let straight = loss(amounts.iter().map(|x| (x - mean) / deviation).collect());
    let curved = loss(amounts.iter().map(|x| x.ln_1p()).collect());
    match (straight, curved) {
        (Some(straight), Some(curved)) => curved < straight - WORTH_LOG_LOSS,
        (None, curved) => curved.is_some(),
        (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Amounts with a long tail, and outcomes whose rate follows `rate` of the amount.
    fn decide(rate: impl Fn(f64) -> f64, amount: impl Fn(f64) -> f64) -> bool {
        let amounts: Vec<f64> = (0..4000).map(|i| amount((f64::from(i % 200) + 0.5) / 200.0)).collect();
        let events: Vec<bool> =
            amounts.iter().enumerate().map(|(i, &a)| ((i / 200) as f64 + 0.5) / 20.0 < rate(a)).collect();
        let rows: Vec<usize> = (0..4000).collect();
        let mean = amounts.iter().sum::<f64>() / 4000.0;
        let deviation = (amounts.iter().map(|a| (a - mean).powi(2)).sum::<f64>() / 4000.0).sqrt();
        is_better_as_logarithm(&amounts, &rows, &events, (mean, deviation))
    }

    #[test]
    fn the_logarithm_is_taken_only_where_it_tells_more() {
        let long_tail = |q: f64| (1.0 - q).powi(-2) - 1.0;
        let none_or_some = |a: f64| if a < 1.0 { 0.5 } else { 0.1 };
        assert!(decide(none_or_some, long_tail), "the difference is between none and some");
        assert!(!decide(|a| LogOdds(-2.0 + a / 2000.0).probability().get(), long_tail), "the effect is straight");
        assert!(!decide(none_or_some, |q| 4.0 * q), "there is no long tail");
        assert!(!decide(|_| 0.3, long_tail), "there is no effect");
    }
}
