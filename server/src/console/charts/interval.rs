//! One probability with its interval, small enough for a table's cell.

use super::drawing::Drawing;
use super::markup::Markup;
use super::number::{Estimate, Share, percent, range};
use super::scale::Axis;

const HEIGHT: f64 = 20.0;

/// A probability, its interval and the base rate, on an axis that all cells of a column share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whisker {
    /// The probability with its 90 % interval.
    pub(crate) risk: Estimate,
    /// The base rate.
    pub(crate) base_rate: Share,
    /// The axis's right end: the column's largest upper end, so that rows can be compared.
    pub(crate) most: Share,
}

impl Whisker {
    /// The drawing, 140 by 20 pixels (less where the cell is narrower).
    pub(crate) fn picture(&self) -> Markup {
        let axis = Axis::percent(self.most.get().max(self.base_rate.get()));
        let mut drawing = Drawing::new(HEIGHT);
        drawing.line("axis", (0.0, HEIGHT / 2.0), (1.0, HEIGHT / 2.0));
        drawing.line("base-tick", (axis.at(self.base_rate.get()), 2.0), (axis.at(self.base_rate.get()), HEIGHT - 2.0));
        let at = |value| axis.at(value);
        drawing.whisker("v-whisker", (at(self.risk.low()), at(self.risk.value()), at(self.risk.high())), HEIGHT / 2.0);
        drawing.named("spark", &self.in_words(), "")
    }

    /// The same in words.
    pub(crate) fn in_words(&self) -> String {
        let (risk, base) = (percent(self.risk.value()), percent(self.base_rate.get()));
        format!("{risk}, likely {}; base rate {base}", range(self.risk))
    }
}
