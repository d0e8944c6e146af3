//! Predicted against observed: does "30 %" mean three of ten?

use super::Chart;
use super::drawing::{Anchor, Drawing, legend};
use super::markup::{Html, Markup};
use super::number::{Estimate, Share, count, percent, range};
use super::scale::Axis;
use super::tabular;

const HEIGHT: f64 = 260.0;
/// Radius of the dot with most people.
const LARGEST: f64 = 9.0;

/// People with much the same prediction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReliabilityBin {
    /// Their mean prediction.
    pub(crate) predicted: Share,
    /// The share of them that left, with its interval.
    pub(crate) observed: Estimate,
    /// How many they are.
    pub(crate) people: u64,
}

/// Predictions beside what happened.
#[derive(Clone, Debug)]
pub(crate) struct Reliability {
    /// What it shows, as a heading.
    pub(crate) title: String,
    /// The bins, by prediction.
    pub(crate) bins: Vec<ReliabilityBin>,
}

impl Chart for Reliability {
    fn title(&self) -> &str {
        &self.title
    }

    fn picture(&self) -> Markup {
        let most = self.bins.iter().map(|bin| bin.observed.high().max(bin.predicted.get())).fold(0.0, f64::max);
        let axis = Axis::percent(most);
        let mut drawing = Drawing::new(HEIGHT);
        drawing.grid_across(&axis, (0.0, HEIGHT));
        drawing.grid_upright(&axis);
        drawing.labels_below(&axis, HEIGHT + 18.0);
        drawing.text("t", (1.0, HEIGHT + 36.0), Anchor::End, 0.0, "predicted →");
        drawing.text("t", (0.0, -10.0), Anchor::Start, 0.0, "↑ observed");
        drawing.path("diag", [(0.0, HEIGHT), (1.0, 0.0)]);
        let largest = self.bins.iter().map(|bin| bin.people).max().unwrap_or(1).max(1) as f64;
        for bin in &self.bins {
            let x = axis.at(bin.predicted.get());
            let y = |value| axis.down(value, HEIGHT);
            drawing.line("v-whisker", (x, y(bin.observed.low())), (x, y(bin.observed.high())));
            let radius = (LARGEST * (bin.people as f64 / largest).sqrt()).max(3.5);
            drawing.dot("v-dot", (x, y(bin.observed.value())), radius);
        }
        let mut html = Html::new();
        let keys = [("", "people with like predictions; larger: more of them"), ("diagonal", "prediction came true")];
        html.markup(&legend(&keys)).markup(&drawing.plot(&self.title, &self.in_words()));
        html.finish()
    }

    fn in_words(&self) -> String {
        let outside = |bin: &&ReliabilityBin| {
            let predicted = bin.predicted.get();
            predicted < bin.observed.low() || predicted > bin.observed.high()
        };
        let off = self.bins.iter().filter(outside).count();
        let all = self.bins.len();
        let mut words = match off {
            0 => format!("In all {all} groups the prediction is within the likely range of what happened."),
            off => {
                format!("In {} of {all} groups the prediction is within the likely range of what happened.", all - off)
            }
        };
        if let Some(top) = self.bins.last() {
            words += &format!(
                " Of those with the highest predictions, {} on average, {} left.",
                percent(top.predicted.get()),
                percent(top.observed.value())
            );
        }
        words
    }

    fn as_table(&self) -> Option<Markup> {
        let rows = self.bins.iter().map(|bin| {
            vec![percent(bin.predicted.get()), percent(bin.observed.value()), range(bin.observed), count(bin.people)]
        });
        Some(tabular::table(&self.title, &["Predicted", "Observed", "Likely", "People"], rows))
    }
}
