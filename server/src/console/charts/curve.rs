//! The curve of an effect, with its interval.

use super::Chart;
use super::drawing::{Anchor, Drawing, legend};
use super::markup::{Html, Markup};
use super::number::{Estimate, Real, times};
use super::odds;
use super::scale::{Axis, number};
use super::tabular;

const HEIGHT: f64 = 190.0;
/// Most rows of the table.
const MOST_ROWS: usize = 25;

/// A point of a curve.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CurvePoint {
    /// The feature's value.
    pub(crate) at: Real,
    /// The effect in log-odds with its interval.
    pub(crate) effect: Estimate,
}

/// An effect.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    /// What it shows, as a heading.
    pub(crate) title: String,
    /// What the values are, with their unit.
    pub(crate) across: String,
    /// The points by value.
    pub(crate) points: Vec<CurvePoint>,
    /// The effect of not knowing the value, if there is one.
    pub(crate) unknown: Option<Estimate>,
}

/// A value in a sentence: three digits say enough.
fn rounded(value: f64) -> String {
    let digits = 2 - value.abs().log10().floor().clamp(-3.0, 2.0) as i32;
    let scale = 10_f64.powi(digits);
    number((value * scale).round() / scale)
}

impl Chart for Curve {
    fn title(&self) -> &str {
        &self.title
    }

    fn picture(&self) -> Markup {
        let ends = |point: &CurvePoint| [point.effect.low(), point.effect.high()];
        let axis = odds::axis(self.points.iter().flat_map(ends));
        let values = || self.points.iter().map(|point| point.at.get());
        let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        let across = if low < high { Axis::over(low, high, 4) } else { Axis::new(low, high, Vec::new()) };
        let mut drawing = Drawing::new(HEIGHT);
        drawing.grid_across(&axis, (0.0, HEIGHT));
        let reference = axis.down(0.0, HEIGHT);
        drawing.line("ref", (0.0, reference), (1.0, reference));
        drawing.text("t", (0.0, -10.0), Anchor::Start, 0.0, "times the odds of leaving");
        let place = |point: &CurvePoint, value: f64| (across.at(point.at.get()), axis.down(value, HEIGHT));
        if let [only] = self.points.as_slice() {
            let (x, low) = place(only, only.effect.low());
            let (_, high) = place(only, only.effect.high());
            drawing.line("v-whisker", (x, low), (x, high));
            drawing.dot("v-dot", place(only, only.effect.value()), 4.5);
        } else {
            let upper = self.points.iter().map(|point| place(point, point.effect.high()));
            let lower = self.points.iter().rev().map(|point| place(point, point.effect.low()));
            drawing.area("v-band", upper.chain(lower));
            drawing.path("v-line", self.points.iter().map(|point| place(point, point.effect.value())));
        }
        drawing.labels_below(&across, HEIGHT + 18.0);
        let mut html = Html::new();
        let keys = [("line", "effect"), ("band", "likely range")];
        html.markup(&legend(&keys)).markup(&drawing.plot(&self.title, &self.in_words()));
        html.element("p", "across", &self.across);
        if let Some(unknown) = self.unknown {
            html.raw(r#"<p class="chart-notes">"#);
            let (value, likely) = (times(unknown.value()), odds::range(unknown));
            html.text(&format!("Where the value is not known: {value} the odds, likely {likely}.")).raw("</p>");
        }
        html.finish()
    }

    fn in_words(&self) -> String {
        let by_effect = |a: &&CurvePoint, b: &&CurvePoint| a.effect.value().total_cmp(&b.effect.value());
        match (self.points.iter().max_by(by_effect), self.points.iter().min_by(by_effect)) {
            (Some(high), Some(low)) if odds::alike(high.effect.value(), low.effect.value()) => {
                "It makes hardly any difference.".to_owned()
            }
            (Some(high), Some(low)) => format!(
                "The risk is highest at {} ({} the odds) and lowest at {} ({}).",
                rounded(high.at.get()),
                times(high.effect.value()),
                rounded(low.at.get()),
                times(low.effect.value())
            ),
            _ => "No points.".to_owned(),
        }
    }

    fn as_table(&self) -> Option<Markup> {
        let every = self.points.len().div_ceil(MOST_ROWS).max(1);
        let row =
            |point: &CurvePoint| vec![number(point.at.get()), times(point.effect.value()), odds::range(point.effect)];
        let rows = self.points.iter().step_by(every).map(row);
        Some(tabular::table(&self.title, &[self.across.as_str(), "Times the odds", "Likely"], rows))
    }
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn values_in_a_sentence_have_three_digits() {
        for (value, expected) in [
            (22.831, "22.8"),
            (0.0, "0"),
            (8.0, "8"),
            (0.123_45, "0.123"),
            (-7.456, "−7.46"),
            (365.2, "365"),
            (123_456.0, "123,456"),
        ] {
            assert_eq!(rounded(value), expected);
        }
    }
}
