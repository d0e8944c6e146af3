//! The history of a score: line and interval over time, with the days on which the model changed.

use super::Chart;
use super::drawing::{Anchor, Drawing, legend};
use super::markup::{Html, Markup};
use super::number::{Estimate, percent, range};
use super::scale::Axis;
use super::tabular;

const HEIGHT: f64 = 190.0;
/// Most scores with a dot of their own.
const MOST_DOTS: usize = 40;
/// Least distance between two labels of models, as a share of the width; those between have a line only.
const MODELS_APART: f64 = 0.1;
/// Most labels below.
const MOST_LABELS: usize = 3;
/// Least distance between two labels below, as a share of the width.
const APART: f64 = 0.36;

/// A score.
#[derive(Clone, Debug)]
pub(crate) struct HistoryPoint {
    /// The day as a number, such as the day of the Julian calendar.
    pub(crate) day: i32,
    /// The day in words, such as "1 Nov 2026".
    pub(crate) label: String,
    /// The risk with its 90 % interval; none where the model did not know.
    pub(crate) risk: Option<Estimate>,
    /// What changed since the score before, in words; may be empty.
    pub(crate) note: String,
}

/// A change of the model.
#[derive(Clone, Debug)]
pub(crate) struct ModelChange {
    /// The day as a number.
    pub(crate) day: i32,
    /// In words, such as "model 2026-11-22.3f9a from 22 Nov 2026".
    pub(crate) label: String,
}

/// A person's scores.
#[derive(Clone, Debug)]
pub(crate) struct History {
    /// What it shows, as a heading.
    pub(crate) title: String,
    /// The scores, earliest first.
    pub(crate) points: Vec<HistoryPoint>,
    /// The changes of the model among them.
    pub(crate) models: Vec<ModelChange>,
}

impl Chart for History {
    fn title(&self) -> &str {
        &self.title
    }

    fn picture(&self) -> Markup {
        let high = |point: &HistoryPoint| point.risk.map(Estimate::high);
        let axis = Axis::percent(self.points.iter().filter_map(high).fold(0.0, f64::max));
        let days = || self.points.iter().map(|point| f64::from(point.day));
        let (first, last) = (days().fold(f64::INFINITY, f64::min), days().fold(f64::NEG_INFINITY, f64::max));
        let time = Axis::new(first, last, Vec::new());
        let mut drawing = Drawing::new(HEIGHT);
        drawing.grid_across(&axis, (0.0, HEIGHT));
        let mut labelled = f64::NEG_INFINITY;
        for (number, change) in self.models.iter().enumerate() {
            let x = time.at(f64::from(change.day));
            drawing.upright("model", x);
            if (x - labelled).abs() >= MODELS_APART {
                labelled = x;
                drawing.text("t", (x, -8.0), Anchor::Middle, 0.0, &format!("M{}", number + 1));
            }
        }
        let down = |value| axis.down(value, HEIGHT);
        let known: Vec<Vec<(f64, Estimate)>> = self
            .points
            .split(|point| point.risk.is_none())
            .map(|run| run.iter().filter_map(|p| p.risk.map(|risk| (time.at(f64::from(p.day)), risk))).collect())
            .collect();
        for run in &known {
            let upper = run.iter().map(|(x, risk)| (*x, down(risk.high())));
            let lower = run.iter().rev().map(|(x, risk)| (*x, down(risk.low())));
            if run.len() > 1 {
                drawing.area("v-band", upper.chain(lower));
                drawing.path("v-line", run.iter().map(|(x, risk)| (*x, down(risk.value()))));
            }
            // Many dots would hide their line.
            let dotted = if run.len() <= MOST_DOTS { run.as_slice() } else { &[] };
            for (x, risk) in dotted {
                if run.len() == 1 {
                    drawing.line("v-whisker", (*x, down(risk.low())), (*x, down(risk.high())));
                }
                drawing.dot("v-dot", (*x, down(risk.value())), 3.5);
            }
        }
        self.dates(&mut drawing, &time);
        let mut html = Html::new();
        let mut keys = vec![("line", "risk"), ("band", "likely range")];
        if !self.models.is_empty() {
            keys.push(("model", "the model changed"));
        }
        html.markup(&legend(&keys)).markup(&drawing.plot(&self.title, &self.in_words()));
        if !self.models.is_empty() {
            html.raw(r#"<ul class="chart-notes">"#);
            for (number, change) in self.models.iter().enumerate() {
                html.raw("<li>").text(&format!("M{}: {}", number + 1, change.label)).raw("</li>");
            }
            html.raw("</ul>");
        }
        html.finish()
    }

    fn in_words(&self) -> String {
        let mut known = self.points.iter().filter_map(|point| point.risk.map(|risk| (point, risk)));
        match (known.next(), known.next_back()) {
            (Some((first, from)), Some((last, to))) => format!(
                "{} on {}, {} on {} (likely {}).",
                percent(from.value()),
                first.label,
                percent(to.value()),
                last.label,
                range(to)
            ),
            (Some((only, risk)), None) => {
                format!("{} on {} (likely {}); no other score yet.", percent(risk.value()), only.label, range(risk))
            }
            _ => "No score yet.".to_owned(),
        }
    }

    fn as_table(&self) -> Option<Markup> {
        let rows = self.points.iter().map(|point| {
            let (risk, likely) = match point.risk {
                Some(risk) => (percent(risk.value()), range(risk)),
                None => ("not scored".to_owned(), String::new()),
            };
            vec![point.label.clone(), risk, likely, point.note.clone()]
        });
        Some(tabular::table(&self.title, &["Day", "Risk", "Likely", "What changed"], rows))
    }
}

impl History {
    /// As many dates below as there is room for, the last one always.
    fn dates(&self, drawing: &mut Drawing, time: &Axis) {
        let mut taken: Vec<f64> = Vec::new();
        let ends = self.points.last().into_iter().chain(self.points.first());
        for point in ends.chain(self.points.iter()) {
            let x = time.at(f64::from(point.day));
            if taken.len() < MOST_LABELS && taken.iter().all(|other| (other - x).abs() >= APART) {
                taken.push(x);
                let anchor = match x {
                    x if x < 0.1 => Anchor::Start,
                    x if x > 0.9 => Anchor::End,
                    _ => Anchor::Middle,
                };
                let height = drawing.height();
                drawing.line("axis", (x, height), (x, height + 5.0));
                drawing.text("t", (x, height + 19.0), anchor, 0.0, &point.label);
            }
        }
    }
}
