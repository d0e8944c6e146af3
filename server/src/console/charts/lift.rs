//! "Of 20 people on the list expect so many leavers": one figure per person.

use std::fmt::Write as _;

use super::Chart;
use super::drawing::legend;
use super::markup::{Html, Markup, plain};
use super::number::count;

/// Most people drawn one by one; longer lists are drawn per 100.
const MOST_FIGURES: u64 = 100;
/// Figures side by side.
const ACROSS: u64 = 10;
/// From one figure to the next.
const STEP: f64 = 22.0;

/// A list and what to expect of it.
#[derive(Clone, Debug)]
pub(crate) struct Lift {
    /// What it shows, as a heading.
    pub(crate) title: String,
    /// How many are on the list.
    pub(crate) listed: u64,
    /// How many of them are expected to leave.
    pub(crate) expected: u64,
    /// Fewest and most to expect, where that is known.
    pub(crate) likely: Option<(u64, u64)>,
    /// How many would leave of as many people chosen by chance.
    pub(crate) by_chance: u64,
}

impl Lift {
    /// How many figures are drawn, and how many of them are leavers: on the list, and by chance.
    pub(super) fn figures(&self) -> (u64, u64, u64) {
        let listed = self.listed;
        let figures = listed.min(MOST_FIGURES);
        let share = |leavers: u64| {
            if listed == 0 { 0 } else { (leavers.min(listed) as f64 * figures as f64 / listed as f64).round() as u64 }
        };
        (figures, share(self.expected), share(self.by_chance))
    }
}

/// Persons in rows of ten, the first ones filled.
fn figures(all: u64, filled: u64, title: &str) -> Markup {
    let rows = all.div_ceil(ACROSS).max(1);
    let (width, height) = (STEP * ACROSS as f64, STEP * rows as f64);
    let mut body = String::new();
    for place in 0..all {
        let (x, y) = (STEP * (0.5 + (place % ACROSS) as f64), STEP * (place / ACROSS) as f64);
        let class = if place < filled { "full" } else { "hollow" };
        let (x, head, body_top) = (plain(x), plain(y + 5.5), plain(y + 18.5));
        let _ = write!(
            body,
            r#"<g class="{class}"><circle cx="{x}" cy="{head}" r="3.5"/><path d="M{x} {body_top}m-6 0v-2a6 6 0 0 1 12 0v2z"/></g>"#
        );
    }
    let mut html = Html::new();
    html.raw(r#"<svg class="crowd" role="img""#).number("width", width).number("height", height);
    html.attribute("viewBox", &format!("0 0 {width} {height}")).raw("><title>").text(title).raw("</title>");
    html.drawn(&body).raw("</svg>");
    html.finish()
}

impl Chart for Lift {
    fn title(&self) -> &str {
        &self.title
    }

    fn picture(&self) -> Markup {
        let (all, on_list, by_chance) = self.figures();
        let mut html = Html::new();
        let scaled = if self.listed > MOST_FIGURES { "of every 100: leaves" } else { "leaves" };
        html.markup(&legend(&[("full", scaled), ("hollow", "stays")]));
        html.raw(r#"<div class="grid"><div><p class="figure-label">"#);
        html.text(&format!("On the list: {} of {}", count(self.expected), count(self.listed))).raw("</p>");
        html.markup(&figures(all, on_list, &format!("{on_list} of {all} filled")));
        html.raw(r#"</div><div><p class="figure-label">"#);
        html.text(&format!("Chosen by chance: {} of {}", count(self.by_chance), count(self.listed))).raw("</p>");
        html.markup(&figures(all, by_chance, &format!("{by_chance} of {all} filled"))).raw("</div></div>");
        html.finish()
    }

    fn in_words(&self) -> String {
        let mut words =
            format!("Of {} people on the list, expect {} to leave", count(self.listed), count(self.expected));
        if let Some((fewest, most)) = self.likely {
            words += &format!(" (likely {} to {})", count(fewest), count(most));
        }
        words + &format!("; of as many chosen by chance, {}.", count(self.by_chance))
    }
}
