//! Where the people are: how many of the reference population are near each value, as far as the model's columns tell.

use crate::encoding::Encoding;
use crate::schema::{FeatureKind, SourceFeature};

/// Share of the way between the outermost knots that is drawn beyond them.
const MARGIN_OF_KNOTS: f64 = 0.15;
/// The same for the middle of a straight line: to six standard deviations from the mean.
const MARGIN_OF_MIDDLE: f64 = 2.5;

/// A range is cut where less than this share of it is left.
const WORTH_CUTTING: f64 = 0.75;

/// What is known of how a number is spread over people.
#[derive(Clone, Debug, PartialEq)]
pub enum Density {
    /// Share of the rows nearest to each knot of a curve, ascending. What is between two knots counts towards both.
    Near(Vec<(f64, f64)>),
    /// A standard deviation below and above the mean of a straight line: about two thirds of the known values.
    Middle(f64, f64),
    /// Nothing.
    Unknown,
}

impl Density {
    /// The part of a range in which nearly all people are: a few far outliers would squeeze everybody else into a corner.
    pub fn drawn(&self, min: f64, max: f64) -> (f64, f64) {
        let (low, high, margin) = match self {
            Self::Near(knots) => {
                let ends = knots.first().zip(knots.last()).map_or((min, max), |(first, last)| (first.0, last.0));
                (ends.0, ends.1, MARGIN_OF_KNOTS)
            }
            Self::Middle(low, high) => (*low, *high, MARGIN_OF_MIDDLE),
            Self::Unknown => return (min, max),
        };
        let margin = margin * (high / 2.0 - low / 2.0) * 2.0;
        let (from, to) = ((low - margin).max(min), (high + margin).min(max));
        let much = to > from && (to / 2.0 - from / 2.0) < WORTH_CUTTING * (max / 2.0 - min / 2.0);
        if much { (from, to) } else { (min, max) }
    }
}

/// The density of a numeric feature from the means of its columns.
pub(super) fn density(feature: &SourceFeature, encoding: &Encoding, means: &[f64]) -> Density {
    let FeatureKind::Numeric { min, max, .. } = feature.kind else { return Density::Unknown };
    let middle = |low: f64, high: f64| Density::Middle(low.clamp(min, max), high.clamp(min, max));
    match encoding {
        Encoding::Spline { knots, .. } => Density::Near(knots.iter().copied().zip(means.iter().copied()).collect()),
        Encoding::Standardised { mean, scale, .. } => middle(mean - scale, mean + scale),
        Encoding::LogStandardised { mean, scale, .. } => middle((mean - scale).exp_m1(), (mean + scale).exp_m1()),
        Encoding::OneHot { .. } => Density::Unknown,
    }
}

/// Share of the rows in which a flag is set.
pub(super) fn share_set(feature: &SourceFeature, encoding: &Encoding, means: &[f64]) -> Option<f64> {
    match encoding {
        Encoding::Standardised { mean, .. } => Some(mean.clamp(0.0, 1.0) * feature.known_share),
        Encoding::Spline { knots, .. } if knots.len() == 2 => means.get(1).copied(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Family, PlausibleDirection, Unit};

    #[test]
    fn knots_carry_their_share_and_lines_their_middle() {
        let feature = SourceFeature {
            name: "pay".to_owned(),
            label: "pay".to_owned(),
            family: Family::Other,
            unit: Unit::Number,
            direction: PlausibleDirection::Either,
            actionable: false,
            confidential: false,
            phrase: String::new(),
            otherwise: String::new(),
            kind: FeatureKind::Numeric { min: 0.0, max: 10.0, typical: 4.0 },
            known_share: 0.5,
        };
        let curve = Encoding::Spline { knots: vec![0.0, 5.0, 10.0], unknown: true };
        let near = density(&feature, &curve, &[0.2, 0.2, 0.1, 0.5]);
        assert_eq!(near, Density::Near(vec![(0.0, 0.2), (5.0, 0.2), (10.0, 0.1)]));
        assert_eq!(near.drawn(-1.0, 100.0), (-1.0, 11.5));
        let line = Encoding::Standardised { mean: 8.0, scale: 3.0, unknown: false };
        assert_eq!(density(&feature, &line, &[0.0]), Density::Middle(5.0, 10.0));
        let amount = Encoding::LogStandardised { mean: 1.0, scale: 1.0, unknown: false };
        let Density::Middle(low, high) = density(&feature, &amount, &[0.0]) else { unreachable!() };
        assert!(low.abs() < 1e-12 && (high - 2_f64.exp_m1()).abs() < 1e-12);
        let flag = Encoding::Standardised { mean: 0.3, scale: 0.4, unknown: false };
        assert!(share_set(&feature, &flag, &[0.0]).is_some_and(|share| (share - 0.15).abs() < 1e-12));
    }
}
