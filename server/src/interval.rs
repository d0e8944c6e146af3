//! Intervals that cover what they are about with 90 % probability.

use flight_risk_scoring::scorer::Z_90;

/// Share of each tail outside the interval.
pub(crate) const TAIL: f64 = 0.05;
/// Steps of the bisection: halves any bracket down to the last bit.
const BISECTIONS: usize = 200;
/// Most terms of a series or a continued fraction.
const MAX_TERMS: usize = 100_000;

/// The interval of Wilson (1927) for a share: `observed` of 0 to 1 among `n` independent observations. `n` may be fractional,
/// where observations that belong together count as fewer.
pub(crate) fn share(observed: f64, n: f64) -> (f64, f64) {
    let z2 = Z_90 * Z_90;
    let centre = observed + z2 / (2.0 * n);
    let half = Z_90 * (observed * (1.0 - observed) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    (((centre - half) / scale).max(0.0), ((centre + half) / scale).min(1.0))
}

/// The exact interval of Garwood (1936) for the mean of a Poisson count.
pub(crate) fn poisson_mean(count: u64) -> (f64, f64) {
    let count = count as f64;
    let low = if count > 0.0 { gamma_quantile(count, TAIL) } else { 0.0 };
    (low, gamma_quantile(count + 1.0, 1.0 - TAIL))
}

/// The quantile of a gamma distribution with this shape and scale 1: the x with P(shape, x) = `probability`.
pub(crate) fn gamma_quantile(shape: f64, probability: f64) -> f64 {
    let mut low = 0.0;
    let mut high = shape + 1.0;
    while lower_gamma(shape, high) < probability {
        high *= 2.0;
    }
    for _ in 0..BISECTIONS {
        let middle = 0.5 * (low + high);
        if lower_gamma(shape, middle) < probability { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// The regularised lower incomplete gamma function P(a, x): series below a + 1, continued fraction above (DLMF 8.11, 8.9).
fn lower_gamma(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let front = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 {
        let mut term = 1.0 / a;
        let mut sum = term;
        for n in 1..MAX_TERMS {
            term *= x / (a + n as f64);
            sum += term;
            if term < sum * f64::EPSILON {
                break;
            }
        }
        return (front * sum).min(1.0);
    }
    // Modified Lentz.
    let tiny = f64::MIN_POSITIVE;
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / tiny;
    let mut d = 1.0 / b;
    let mut h = d;
    for n in 1..MAX_TERMS {
        let n = n as f64;
        let an = -n * (n - a);
        b += 2.0;
        d = an * d + b;
        if d.abs() < tiny {
            d = tiny;
        }
        c = b + an / c;
        if c.abs() < tiny {
            c = tiny;
        }
        d = 1.0 / d;
        let step = d * c;
        h *= step;
        if (step - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    (1.0 - front * h).max(0.0)
}

/// The logarithm of the gamma function for a positive number: Stirling's series after the argument was raised to where five terms
/// are exact.
fn ln_gamma(mut x: f64) -> f64 {
    let mut shift = 0.0;
    while x < 10.0 {
        shift -= x.ln();
        x += 1.0;
    }
    let square = 1.0 / (x * x);
    let series =
        1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square * (1.0 / 1680.0 - square / 1188.0)));
    shift + (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series / x
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: f64, expected: f64, tolerance: f64) {
        assert!((got - expected).abs() <= tolerance, "{got} is not {expected}");
    }

    #[test]
    fn the_exact_poisson_interval_is_that_of_tables() {
        // Half the chi-squared quantiles with 2k and 2k + 2 degrees of freedom, as R's qchisq gives them.
        for (count, low, high) in [
            (0, 0.0, 2.995_732_273_553_991),
            (1, 0.051_293_294_387_550_53, 4.743_864_518_390_9),
            (5, 1.970_149_568_059_23, 10.513_034_908_741),
            (10, 5.425_405_697_091, 16.962_219_235_721),
        ] {
            let (got_low, got_high) = poisson_mean(count);
            near(got_low, low, 1e-5);
            near(got_high, high, 1e-5);
        }
    }

    #[test]
    fn the_exact_interval_leaves_a_twentieth_on_either_side() {
        for count in [1_u32, 3, 30, 1_000, 100_000] {
            let (low, high) = poisson_mean(u64::from(count));
            let count = f64::from(count);
            near(lower_gamma(count, low), 0.05, 1e-9);
            near(lower_gamma(count + 1.0, high), 0.95, 1e-9);
            assert!(low < count && count < high);
        }
    }

    #[test]
    fn the_interval_of_a_share_is_wilsons() {
        // 3 of 20 by hand: centre (0.15 + z²/40) / (1 + z²/20), half z √(0.15 · 0.85/20 + z²/1600) / (1 + z²/20).
        let (low, high) = share(0.15, 20.0);
        near(low, 0.061_583, 1e-5);
        near(high, 0.321_827, 1e-5);
        let (low, high) = share(0.0, 10.0);
        near(low, 0.0, 1e-12);
        near(high, 0.212_94, 1e-4);
        let (low, high) = share(1.0, 10.0);
        near(low, 1.0 - 0.212_94, 1e-4);
        near(high, 1.0, 1e-12);
    }

    #[test]
    fn the_gamma_function_is_the_factorial() {
        let mut factorial = 0.0;
        for n in 1..60 {
            near(ln_gamma(f64::from(n)), factorial, 1e-10 * (1.0 + factorial));
            factorial += f64::from(n).ln();
        }
        near(ln_gamma(0.5), std::f64::consts::PI.sqrt().ln(), 1e-12);
    }
}
