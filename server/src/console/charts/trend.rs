//! Mean risk by month, with those who left below.

use super::Chart;
use super::drawing::{Anchor, Drawing, legend};
use super::markup::{Html, Markup};
use super::number::{Share, count, percent};
use super::scale::Axis;
use super::tabular;

/// Height of the line's panel.
const LINE: f64 = 150.0;
/// Space between the panels.
const GAP: f64 = 34.0;
/// Height of the bars' panel.
const BARS: f64 = 70.0;
/// Most labels below.
const MOST_LABELS: usize = 4;

/// A month.
#[derive(Clone, Debug)]
pub(crate) struct TrendMonth {
    /// Its name, such as "Jan 2026".
    pub(crate) label: String,
    /// Mean risk; none where it may not be shown or nobody was scored.
    pub(crate) mean_risk: Option<Share>,
    /// How many left; none where it may not be shown or is not known yet.
    pub(crate) exits: Option<u64>,
}

/// Months in a row.
#[derive(Clone, Debug)]
pub(crate) struct Trend {
    /// What it shows, as a heading.
    pub(crate) title: String,
    /// The months, ascending, without gaps.
    pub(crate) months: Vec<TrendMonth>,
}

impl Chart for Trend {
    fn title(&self) -> &str {
        &self.title
    }

    fn picture(&self) -> Markup {
        let risks = || self.months.iter().map(|month| month.mean_risk.map(Share::get));
        let axis = Axis::percent(risks().flatten().fold(0.0, f64::max));
        let most = self.months.iter().filter_map(|month| month.exits).max();
        let all = self.months.len().max(1) as f64;
        let middle = |place: usize| (place as f64 + 0.5) / all;
        let bottom = if most.is_some() { LINE + GAP + BARS } else { LINE };
        let mut drawing = Drawing::new(bottom);
        drawing.text("t", (0.0, -10.0), Anchor::Start, 0.0, "mean risk");
        drawing.grid_across(&axis, (0.0, LINE));
        let mut stretch: Vec<(f64, f64)> = Vec::new();
        for (place, risk) in risks().enumerate().chain([(self.months.len(), None)]) {
            match risk {
                Some(risk) => stretch.push((middle(place), axis.down(risk, LINE))),
                None if !stretch.is_empty() => {
                    let dots = stretch.clone();
                    drawing.path("v-line", std::mem::take(&mut stretch));
                    for point in dots {
                        drawing.dot("v-dot", point, 3.0);
                    }
                }
                None => {}
            }
        }
        if let Some(most) = most {
            let counts = Axis::count(most as f64);
            let (top, bottom) = (LINE + GAP, LINE + GAP + BARS);
            drawing.text("t", (0.0, top - 10.0), Anchor::Start, 0.0, "left in the month");
            drawing.grid_across(&counts, (top, bottom));
            for (place, month) in self.months.iter().enumerate() {
                if let Some(exits) = month.exits.filter(|exits| *exits > 0) {
                    let half = 0.32 / all;
                    let across = (middle(place) - half, middle(place) + half);
                    drawing.bar("count", across, (top + counts.down(exits as f64, BARS), bottom));
                }
            }
        }
        let every = self.months.len().div_ceil(MOST_LABELS).max(1);
        for (place, month) in self.months.iter().enumerate().step_by(every) {
            drawing.text("t", (middle(place), bottom + 18.0), Anchor::Middle, 0.0, &month.label);
        }
        let mut html = Html::new();
        let mut keys = vec![("line", "mean risk in the month")];
        if most.is_some() {
            keys.push(("hatch", "how many left"));
        }
        html.markup(&legend(&keys)).markup(&drawing.plot(&self.title, &self.in_words()));
        html.finish()
    }

    fn in_words(&self) -> String {
        let mut shown = self.months.iter().filter_map(|month| month.mean_risk.map(|risk| (&month.label, risk.get())));
        let mut words = match (shown.next(), shown.next_back()) {
            (Some((first, from)), Some((last, to))) => {
                format!("Mean risk {} in {first}, {} in {last}.", percent(from), percent(to))
            }
            (Some((only, risk)), None) => format!("Mean risk {} in {only}.", percent(risk)),
            _ => "No month can be shown.".to_owned(),
        };
        if self.months.iter().any(|month| month.exits.is_some()) {
            let left = self.months.iter().filter_map(|month| month.exits).sum();
            words += &format!(" {} left in these months.", count(left));
        }
        words
    }

    fn as_table(&self) -> Option<Markup> {
        let rows = self.months.iter().map(|month| {
            let risk = month.mean_risk.map_or("not shown".to_owned(), |risk| percent(risk.get()));
            vec![month.label.clone(), risk, month.exits.map_or("not shown".to_owned(), count)]
        });
        Some(tabular::table(&self.title, &["Month", "Mean risk", "Left"], rows))
    }
}
