//! The logistic function of a block of rows, written so that the compiler turns it into vector instructions.
//!
//! The standard library's `exp` is called a row at a time and would cost more than the two matrix products around it. The
//! polynomial here is exact to a few units in the last place.

/// Rows that are worked on side by side.
const LANES: usize = 8;
/// Rows whose losses are summed at a time.
const BLOCK: usize = 256;
/// Beyond this, e^-x is no longer a normal number.
const LARGEST_EXPONENT: f64 = 708.0;
/// ln 2 in two parts: the first has trailing zeros, so that its product with a small whole number is exact.
const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// Adding it leaves the nearest whole number in the lowest bits of the sum.
const ROUNDING: f64 = 6_755_399_441_055_744.0;
/// 1/k! from k = 13 down to 0: on |r| <= ln 2 / 2 the rest of the series is below the rounding.
const TAYLOR: [f64; 14] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
    1.0,
    1.0,
];

/// e^-x for x >= 0; where that is no longer a normal number, the smallest one. Not a number stays hidden: the caller sees it in
/// the gradient.
#[inline(always)]
fn exp_of_minus(x: f64) -> f64 {
    let x = -x.min(LARGEST_EXPONENT);
    let shifted = x * std::f64::consts::LOG2_E + ROUNDING;
    let whole = shifted - ROUNDING;
    let rest = (x - whole * LN_2_HIGH) - whole * LN_2_LOW;
    // Even and odd powers apart: two short chains of operations run side by side where one long one would wait for itself.
    let square = rest * rest;
    let (pairs, _) = TAYLOR.as_chunks::<2>();
    let (odd, even) = pairs.iter().fold((0.0, 0.0), |(odd, even), [a, b]| (odd * square + a, even * square + b));
    let series = odd * rest + even;
    // 2^whole: the whole number moves from the lowest bits to the exponent's.
    let power = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1023 << 52));
    series * power
}

/// What a block of log-odds says about its events. `signs` is +1 for a row without event and -1 with: z = sign * log-odds is
/// large where the model is wrong, the loss is ln(1 + e^z), and the error (prediction less event) is sign / (1 + e^-z).
/// Overwrites the log-odds with the errors and returns the sum of the losses; the other slices are overwritten too.
pub(super) fn errors(log_odds: &mut [f64], signs: &mut [f64], ones_plus: &mut [f64]) -> f64 {
    for ((x, s), u) in log_odds.iter_mut().zip(signs.iter_mut()).zip(ones_plus.iter_mut()) {
        let (z, sign) = (*x * *s, *s);
        let t = exp_of_minus(z.abs());
        *u = 1.0 + t;
        *x = sign * (if z > 0.0 { 1.0 } else { t } / (1.0 + t));
        *s = if z > 0.0 { z } else { 0.0 };
    }
    sum(signs) + sum_of_logarithms(ones_plus)
}

/// Overwrites log-odds with their probabilities.
pub(crate) fn probabilities(log_odds: &mut [f64]) {
    for x in log_odds {
        let t = exp_of_minus(x.abs());
        *x = if *x > 0.0 { 1.0 } else { t } / (1.0 + t);
    }
}

/// The summed loss of log-odds, ln(1 + e^z) with z = -x where the event happened and x where not.
pub(crate) fn loss(log_odds: &[f64], events: &[bool]) -> f64 {
    let mut total = 0.0;
    let (mut above, mut ones_plus) = ([0.0; BLOCK], [0.0; BLOCK]);
    for (x, events) in log_odds.chunks(BLOCK).zip(events.chunks(BLOCK)) {
        for (((&x, &event), above), u) in x.iter().zip(events).zip(&mut above).zip(&mut ones_plus) {
            let z = if event { -x } else { x };
            *u = 1.0 + exp_of_minus(z.abs());
            *above = if z > 0.0 { z } else { 0.0 };
        }
        let count = x.len().min(events.len());
        let (above, ones_plus) = (above.get(..count).unwrap_or_default(), ones_plus.get(..count).unwrap_or_default());
        total += sum(above) + sum_of_logarithms(ones_plus);
    }
    total
}

/// The sum, in lanes.
pub(super) fn sum(values: &[f64]) -> f64 {
    let (lanes, rest) = values.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for values in lanes {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += value;
        }
    }
    sums.iter().sum::<f64>() + rest.iter().sum::<f64>()
}

/// Sum of ln u for u from 1 to 2: products of up to a thousand of them stay below the largest number, so one logarithm does for
/// all.
fn sum_of_logarithms(u: &[f64]) -> f64 {
    u.chunks(LANES * 512)
        .map(|part| {
            let (lanes, rest) = part.as_chunks::<LANES>();
            let mut product = [1.0; LANES];
            for u in lanes {
                for (product, u) in product.iter_mut().zip(u) {
                    *product *= u;
                }
            }
            product.iter().map(|p: &f64| p.ln()).sum::<f64>() + rest.iter().map(|u| u.ln()).sum::<f64>()
        })
        .sum()
}

/// Overwrites log-odds x with the square root of p (1 - p), p = 1 / (1 + e^-x): the weight of a row of the Hessian's root.
pub(super) fn root_weights(log_odds: &mut [f64]) {
    for x in log_odds {
        let t = exp_of_minus(x.abs());
        *x = t.sqrt() / (1.0 + t);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_exact_to_rounding() {
        for i in 0..200_000 {
            let x = f64::from(i) * 0.003_7;
            let (found, wanted) = (exp_of_minus(x), (-x).exp().max((-LARGEST_EXPONENT).exp()));
            assert!((found / wanted - 1.0).abs() < 1e-15, "e^-{x}: {found:e}, not {wanted:e}");
        }
        assert!(exp_of_minus(f64::INFINITY) > 0.0);
    }

    #[test]
    fn errors_losses_and_weights_are_those_of_the_formulas() {
        // An odd number of rows, so that the rows beside the lanes are read too; and log-odds where 1 - p is 0.
        let x: Vec<f64> = (0..4_111).map(|i| (f64::from(i) - 2_000.0) / 20.0).collect();
        for sign in [1.0, -1.0] {
            let (mut errors_of_x, mut roots, mut scratch) = (x.clone(), x.clone(), vec![0.0; x.len()]);
            let loss = errors(&mut errors_of_x, &mut vec![sign; x.len()], &mut scratch);
            root_weights(&mut roots);
            let mut wanted_loss = 0.0;
            for (i, &x) in x.iter().enumerate() {
                let z = sign * x;
                let wanted = sign / (1.0 + (-z).exp());
                assert!((errors_of_x[i] / wanted - 1.0).abs() < 1e-14, "{x}: {}", errors_of_x[i]);
                let (p, q) = (1.0 / (1.0 + (-x).exp()), 1.0 / (1.0 + x.exp()));
                assert!((roots[i] / (p * q).sqrt() - 1.0).abs() < 1e-14, "{x}: {}", roots[i]);
                wanted_loss += z.max(0.0) + (-z.abs()).exp().ln_1p();
            }
            assert!((loss / wanted_loss - 1.0).abs() < 1e-13, "{loss}, not {wanted_loss}");
            let summed = super::loss(&x, &vec![sign < 0.0; x.len()]);
            assert!((summed / wanted_loss - 1.0).abs() < 1e-13, "{summed}, not {wanted_loss}");
            let mut p = x.clone();
            probabilities(&mut p);
            for (p, x) in p.iter().zip(&x) {
                assert!((p * (1.0 + (-x).exp()) - 1.0).abs() < 1e-14, "{x}: {p}");
            }
        }
    }
}
