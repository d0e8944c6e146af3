//! From typical to this person, factor by factor.
//!
//! Contributions add up on the scale of log-odds, so bars do too; the axis says them as factors of the odds. What is typical and
//! where the person ends are said as probabilities.

use super::Chart;
use super::drawing::{Drawing, legend};
use super::markup::{Html, Markup};
use super::number::Real;
use super::odds;
use super::rows::{self, MIDDLE, Row, STRIP};
use super::scale::Axis;

/// Most factors with a row of their own; the others, which are the smaller ones, share a row.
const MOST_ROWS: usize = 12;

/// Least length of an arrow, as a share of the width; what is smaller hardly moves anything and is a tick.
const SMALLEST: f64 = 0.015;

/// A factor.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// What it is.
    pub(crate) label: String,
    /// Value and typical value in words; may be empty.
    pub(crate) detail: String,
    /// Its contribution in log-odds.
    pub(crate) contribution: Real,
    /// Whether somebody can act on it.
    pub(crate) actionable: bool,
}

/// All that leads from typical to this person.
#[derive(Clone, Debug)]
pub(crate) struct Waterfall {
    /// What it shows, as a heading.
    pub(crate) title: String,
    /// How the start is called, such as "Typical here".
    pub(crate) from: String,
    /// The start's probability in words; may be empty.
    pub(crate) from_value: String,
    /// The factors, strongest first.
    pub(crate) steps: Vec<Step>,
    /// What is not itemised, in log-odds, with the reason; none if nothing is left out.
    pub(crate) rest: Option<(String, Real)>,
    /// How the end is called, such as "This person".
    pub(crate) to: String,
    /// The end's probability in words; may be empty.
    pub(crate) to_value: String,
}

/// A bar: label, detail, contribution, whether it can be acted on.
type Bar<'a> = (String, &'a str, f64, bool);

impl Waterfall {
    /// Where the person ends, in log-odds above typical.
    pub(crate) fn total(&self) -> f64 {
        let steps: f64 = self.steps.iter().map(|step| step.contribution.get()).sum();
        steps + self.rest.as_ref().map_or(0.0, |(_, rest)| rest.get())
    }

    fn bars(&self) -> Vec<Bar<'_>> {
        let mut order: Vec<&Step> = self.steps.iter().collect();
        order.sort_by(|a, b| b.contribution.get().abs().total_cmp(&a.contribution.get().abs()));
        let shown = if order.len() > MOST_ROWS { MOST_ROWS - 1 } else { order.len() };
        let (large, small) = order.split_at(shown);
        let mut bars: Vec<Bar<'_>> = large
            .iter()
            .map(|step| (step.label.clone(), step.detail.as_str(), step.contribution.get(), step.actionable))
            .collect();
        if !small.is_empty() {
            let sum = small.iter().map(|step| step.contribution.get()).sum();
            bars.push((format!("{} smaller factors together", small.len()), "", sum, false));
        }
        if let Some((reason, rest)) = &self.rest {
            bars.push((reason.clone(), "", rest.get(), false));
        }
        bars
    }

    fn axis(bars: &[Bar<'_>]) -> Axis {
        let mut sum = 0.0;
        odds::axis(bars.iter().map(|bar| {
            sum += bar.2;
            sum
        }))
    }

    /// Where each bar begins and ends, and the person's mark, as shares of the width.
    pub(super) fn places(&self) -> (Vec<(f64, f64)>, f64) {
        let bars = self.bars();
        let axis = Self::axis(&bars);
        let mut sum = 0.0;
        let mut place = |bar: &Bar<'_>| {
            let from = sum;
            sum += bar.2;
            (axis.at(from), axis.at(sum))
        };
        let places = bars.iter().map(&mut place).collect();
        (places, axis.at(self.total()))
    }
}

/// A bar with an arrow's head, and lines to the rows before and after.
fn bar(axis: &Axis, from: f64, to: f64) -> Drawing {
    let mut drawing = rows::strip(axis);
    drawing.line("link", (from, -12.0), (from, MIDDLE - 8.0));
    drawing.line("link", (to, MIDDLE + 8.0), (to, STRIP + 12.0));
    if (to - from).abs() > SMALLEST {
        drawing.arrow((from, to), MIDDLE);
    } else {
        drawing.line("end-tick", (to, MIDDLE - 5.0), (to, MIDDLE + 5.0));
    }
    drawing
}

/// An end of the waterfall.
fn end(axis: &Axis, at: f64) -> Drawing {
    let mut drawing = rows::strip(axis);
    drawing.line("end-tick", (at, 1.0), (at, STRIP - 1.0));
    drawing.dot("v-dot", (at, MIDDLE), 5.5);
    drawing
}

impl Chart for Waterfall {
    fn title(&self) -> &str {
        &self.title
    }

    fn picture(&self) -> Markup {
        let bars = self.bars();
        let axis = Self::axis(&bars);
        let (places, total) = self.places();
        let ends = |label: &str, value: &str, at| Row {
            label: label.to_owned(),
            value: value.to_owned(),
            class: "end",
            strip: Some(end(&axis, at)),
            ..Row::default()
        };
        let mut table = vec![ends(&self.from, &self.from_value, axis.at(0.0))];
        for ((label, detail, contribution, actionable), (from, to)) in bars.into_iter().zip(places) {
            table.push(Row {
                label,
                note: detail.to_owned(),
                tag: if actionable { "can be acted on" } else { "" },
                value: odds::arrow(contribution),
                value_note: odds::direction(contribution).to_owned(),
                strip: Some(bar(&axis, from, to)),
                ..Row::default()
            });
        }
        table.push(ends(&self.to, &self.to_value, total));
        let mut html = Html::new();
        html.markup(&legend(&[("up", "raises the risk"), ("down", "lowers the risk")]));
        html.markup(&rows::table(&self.title, ["Factor", "Times the odds, from typical on", "Effect"], &axis, table));
        html.finish()
    }

    fn in_words(&self) -> String {
        let strongest = |raises: bool| {
            let side = self.steps.iter().filter(|step| (step.contribution.get() > 0.0) == raises);
            let strongest = side.max_by(|a, b| a.contribution.get().abs().total_cmp(&b.contribution.get().abs()));
            strongest.filter(|step| odds::direction(step.contribution.get()) != "hardly moves")
        };
        let mut words = match (self.from_value.as_str(), self.to_value.as_str()) {
            ("", _) | (_, "") => String::new(),
            (from, to) => format!("From {from} (typical) to {to}. "),
        };
        words += &match (strongest(true), strongest(false)) {
            (Some(up), Some(down)) => {
                format!("Most of what raises the risk is “{}”, most of what lowers it “{}”.", up.label, down.label)
            }
            (Some(up), None) => format!("Most of what raises the risk is “{}”; nothing much lowers it.", up.label),
            (None, Some(down)) => format!("Nothing much raises the risk; most of what lowers it is “{}”.", down.label),
            (None, None) => "Nothing stands out.".to_owned(),
        };
        words
    }
}
