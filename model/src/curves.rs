//! ROC and precision-recall curves, thinned to what a plot can show.

use flight_risk_scoring::metrics::CurvePoint;

/// Most points of a curve; both ends are always among them.
const MOST_POINTS: usize = 60;

/// The curves of some predictions, rows with the same prediction at one threshold; empty with one class only.
///
/// The ROC curve runs from (0, 0) to (1, 1). The precision-recall curve starts at the highest threshold and ends at recall 1.
pub(crate) fn curves(events: &[bool], predicted: &[f64], order: &[usize]) -> (Vec<CurvePoint>, Vec<CurvePoint>) {
    let positives = events.iter().filter(|&&event| event).count() as f64;
    let negatives = events.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return (Vec::new(), Vec::new());
    }
    let at = |i: usize| predicted.get(i).copied().unwrap_or(f64::NAN);
    let (mut roc, mut precision_recall) = (vec![CurvePoint { x: 0.0, y: 0.0 }], Vec::new());
    let (mut listed, mut found) = (0.0, 0.0);
    for tied in order.chunk_by(|&a, &b| at(a).total_cmp(&at(b)).is_eq()) {
        listed += tied.len() as f64;
        found += tied.iter().filter(|&&i| events.get(i).copied().unwrap_or_default()).count() as f64;
        let recall = found / positives;
        roc.push(CurvePoint { x: (listed - found) / negatives, y: recall });
        // Beyond recall 1 the list only grows longer.
        if precision_recall.last().is_none_or(|last: &CurvePoint| last.x < 1.0) {
            precision_recall.push(CurvePoint { x: recall, y: found / listed });
        }
    }
    (thinned(roc), thinned(precision_recall))
}

/// At most [`MOST_POINTS`] of the points, both ends among them, spread evenly along the curve rather than over the thresholds,
/// of which most lie where little happens.
fn thinned(points: Vec<CurvePoint>) -> Vec<CurvePoint> {
    if points.len() <= MOST_POINTS {
        return points;
    }
    let step = |pair: &[CurvePoint]| match pair {
        [a, b] => (b.x - a.x).abs() + (b.y - a.y).abs(),
        _ => 0.0,
    };
    let length: f64 = points.windows(2).map(step).sum();
    let spacing = length / (MOST_POINTS - 1) as f64;
    let (mut kept, mut travelled, mut next) = (Vec::with_capacity(MOST_POINTS), 0.0, 0.0);
    for (position, pair) in points.windows(2).enumerate() {
        if travelled >= next && kept.len() + 1 < MOST_POINTS {
            kept.extend(points.get(position));
            next = (travelled / spacing).floor() * spacing + spacing;
        }
        travelled += step(pair);
    }
    kept.extend(points.last());
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pairs = Vec<(f64, f64)>;

    fn of(events: &[bool], predicted: &[f64]) -> (Pairs, Pairs) {
        let mut order: Vec<usize> = (0..events.len()).collect();
        order.sort_by(|&a, &b| predicted[b].total_cmp(&predicted[a]));
        let (roc, precision_recall) = curves(events, predicted, &order);
        let pairs = |points: Vec<CurvePoint>| points.into_iter().map(|p| (p.x, p.y)).collect();
        (pairs(roc), pairs(precision_recall))
    }

    #[test]
    fn curves_are_those_drawn_by_hand() {
        // Thresholds .9 (an event), .8 (none), .5 (one of each, tied), .1 (none).
        let (roc, precision_recall) = of(&[true, false, true, false, false], &[0.9, 0.8, 0.5, 0.5, 0.1]);
        let third = 1.0 / 3.0;
        assert_eq!(roc, [(0.0, 0.0), (0.0, 0.5), (third, 0.5), (2.0 * third, 1.0), (1.0, 1.0)]);
        assert_eq!(precision_recall, [(0.5, 1.0), (0.5, 0.5), (1.0, 0.5)]);
        assert_eq!(of(&[true, true], &[0.1, 0.2]), (Vec::new(), Vec::new()));
    }

    #[test]
    fn many_points_are_thinned_and_the_ends_stay_exact() {
        let events: Vec<bool> = (0..20_000_u32).map(|row| row.wrapping_mul(2_654_435_761) % 97 == 0).collect();
        let predicted: Vec<f64> =
            (0..20_000_u32).map(|row| f64::from(row.wrapping_mul(40_503) % 65_536) / 65_536.0).collect();
        let (roc, precision_recall) = of(&events, &predicted);
        assert!((40..=MOST_POINTS).contains(&roc.len()), "{}", roc.len());
        assert!((20..=MOST_POINTS).contains(&precision_recall.len()), "{}", precision_recall.len());
        assert_eq!((roc.first(), roc.last()), (Some(&(0.0, 0.0)), Some(&(1.0, 1.0))));
        assert_eq!(precision_recall.last().map(|p| p.0), Some(1.0));
        assert!(roc.is_sorted_by(|a, b| a.0 <= b.0 && a.1 <= b.1), "{roc:?}");
        // The area below the thinned curve is that below the whole one.
        let area: f64 = roc.windows(2).map(|p| (p[1].0 - p[0].0) * (p[0].1 + p[1].1) / 2.0).sum();
        let exact = crate::metrics::auc(&events, &predicted).unwrap_or_default();
        assert!((area - exact).abs() < 0.01, "{area} {exact}");
    }
}
