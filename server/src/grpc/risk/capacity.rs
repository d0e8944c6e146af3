//! What a list of a given length covers: the number of leavers to be expected on it.

use flight_risk_proto::v1;
use flight_risk_scoring::scorer::Z_90;

use crate::interval::TAIL;

/// Up to as many employees the distribution is computed exactly; beyond, the normal one is as good as it needs to be.
const EXACT_UP_TO: usize = 1_000;

/// The outlook of a list with these risks (-1: the model abstained); `in_all` are the leavers expected among all.
pub(crate) fn outlook(risks: &[f64], in_all: f64) -> v1::CapacityOutlook {
    let answered: Vec<f64> = risks.iter().copied().filter(|risk| (0.0..=1.0).contains(risk)).collect();
    let (low, high) = range(&answered);
    v1::CapacityOutlook {
        length: u32::try_from(risks.len()).unwrap_or(u32::MAX),
        expected_leavers: answered.iter().fold(0.0, |sum, risk| sum + risk),
        expected_leavers_low: low,
        expected_leavers_high: high,
        expected_leavers_in_all: in_all,
    }
}

/// The ends of the range that covers the number of leavers with 90 % probability, of independent employees with these risks (the
/// Poisson binomial distribution): fewer than the lower end have at most 5 %, and more than the upper end.
fn range(risks: &[f64]) -> (f64, f64) {
    if risks.len() <= EXACT_UP_TO { exact_range(risks) } else { normal_range(risks) }
}

fn exact_range(risks: &[f64]) -> (f64, f64) {
    let chances = distribution(risks);
    let mut below = 0.0;
    let mut low = 0;
    let mut high = 0;
    for (count, chance) in chances.iter().enumerate() {
        if below <= TAIL {
            low = count;
        }
        if below < 1.0 - TAIL {
            high = count;
        }
        below += chance;
    }
    (low as f64, high as f64)
}

/// The chance of every number of leavers, from none to all, by adding one employee after the other.
fn distribution(risks: &[f64]) -> Vec<f64> {
    let mut chances = vec![1.0];
    for &risk in risks {
        let mut carried = 0.0;
        for chance in &mut chances {
            let leaves = *chance * risk;
            *chance = *chance - leaves + carried;
            carried = leaves;
        }
        chances.push(carried);
    }
    chances
}

/// The same by the normal distribution with continuity correction.
fn normal_range(risks: &[f64]) -> (f64, f64) {
    let mean: f64 = risks.iter().sum();
    let spread = Z_90 * risks.iter().map(|risk| risk * (1.0 - risk)).sum::<f64>().sqrt();
    let all = risks.len() as f64;
    ((mean - spread + 0.5).floor().clamp(0.0, all), (mean + spread - 0.5).ceil().clamp(0.0, all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_risks_give_the_binomial_distribution() {
        let chances = distribution(&[0.3; 4]);
        let expected = [0.2401, 0.4116, 0.2646, 0.0756, 0.0081];
        assert_eq!(chances.len(), expected.len());
        for (chance, expected) in chances.iter().zip(expected) {
            assert!((chance - expected).abs() < 1e-12, "{chances:?}");
        }
    }

    #[test]
    fn the_range_covers_nine_in_ten_and_no_end_can_be_taken_off() {
        for risks in [vec![0.3; 40], vec![0.01; 10], (0..200).map(|i| f64::from(i) / 400.0).collect(), vec![0.5, 0.9]] {
            let chances = distribution(&risks);
            let (low, high) = exact_range(&risks);
            let below: f64 = chances.iter().take(low as usize).sum();
            let above: f64 = chances.iter().skip(high as usize + 1).sum();
            assert!(below <= TAIL + 1e-12 && above <= TAIL + 1e-12, "{low} {high}: {below} {above}");
            let at = |count: f64| chances.get(count as usize).copied().unwrap_or_default();
            assert!(below + at(low) > TAIL - 1e-12, "{low} could be higher");
            assert!(above + at(high) > TAIL - 1e-12, "{high} could be lower");
        }
    }

    #[test]
    fn the_normal_range_agrees_with_the_exact_one_where_both_are_known() {
        for risks in [vec![0.3; 900], (0..1000).map(|i| f64::from(i % 100) / 200.0).collect::<Vec<_>>()] {
            let ((low, high), (exact_low, exact_high)) = (normal_range(&risks), exact_range(&risks));
            assert!(
                (low - exact_low).abs() <= 1.0 && (high - exact_high).abs() <= 1.0,
                "{low} {exact_low} {high} {exact_high}"
            );
        }
    }

    #[test]
    fn an_empty_list_and_sure_things_have_no_doubt() {
        for (risks, expected) in [(vec![], (0.0, 0.0)), (vec![0.0; 3], (0.0, 0.0)), (vec![1.0; 3], (3.0, 3.0))] {
            assert_eq!(exact_range(&risks), expected, "{risks:?}");
        }
        let outlook = outlook(&[0.5, -1.0, 0.25], 9.0);
        assert_eq!((outlook.length, outlook.expected_leavers), (3, 0.75), "abstentions are listed, not counted");
    }
}
