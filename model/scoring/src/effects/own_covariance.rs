//! The uncertainty of one feature's own coefficients.

use crate::ArtifactContent;

/// Covariance of the coefficients of one feature, as it holds for the effect of this feature alone.
#[derive(Clone, Copy, Debug)]
pub struct OwnCovariance<'a> {
    all: &'a [f64],
    doubts: &'a [f64],
    start: usize,
}

impl<'a> OwnCovariance<'a> {
    /// Of the feature at a position, whose first column is `start`.
    pub fn of(content: &'a ArtifactContent, position: usize, start: usize) -> Self {
        let doubts = content.effect_doubts.get(position).map(Vec::as_slice).unwrap_or_default();
        Self { all: &content.covariance, doubts, start }
    }

    /// Of two of its columns.
    pub fn at(&self, i: usize, j: usize) -> f64 {
        let (low, high) = (i.min(j), i.max(j));
        let own = |triangle: &[f64], low: usize, high: usize| {
            triangle.get(high * (high + 1) / 2 + low).copied().unwrap_or_default()
        };
        // The intercept comes first in the whole triangle.
        own(self.all, self.start + 1 + low, self.start + 1 + high) + own(self.doubts, low, high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_doubt_of_a_single_effect_is_added_to_its_own_columns() {
        // Intercept and three columns, of which the feature has the last two.
        let all = [9.0, 8.0, 7.0, 0.1, 0.2, 1.0, 0.3, 0.4, 0.5, 2.0];
        let mut own = OwnCovariance { all: &all, doubts: &[0.25, 0.125, 0.75], start: 1 };
        let found = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(i, j)| own.at(i, j));
        let close = |found: &[f64], expected: &[f64]| found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15);
        assert!(close(&found, &[1.25, 0.625, 0.625, 2.75]), "{found:?}");
        // Models of before there was such a thing have none.
        own.doubts = &[];
        assert!(close(&[own.at(0, 0), own.at(1, 0)], &[1.0, 0.5]));
    }
}
