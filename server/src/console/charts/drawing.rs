//! A drawing board: places along the width are shares of it, places down are pixels, so that a drawing may be as wide as it
//! likes while its type, strokes and dots keep their size.

use super::markup::{Html, Markup};
use super::scale::Axis;

/// Length of an arrow's head.
const HEAD: f64 = 9.0;
/// Units across a curve, which is the one thing that has to be stretched.
const ACROSS: f64 = 1_000.0;

/// Where a text stands relative to its place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    /// It begins there.
    Start,
    /// It is centred there.
    Middle,
    /// It ends there.
    End,
}

/// A drawing in the making.
#[derive(Debug)]
pub(super) struct Drawing {
    height: f64,
    body: Html,
}

impl Drawing {
    /// An empty drawing of this height.
    pub(super) fn new(height: f64) -> Self {
        Self { height, body: Html::new() }
    }

    /// Its height.
    pub(super) fn height(&self) -> f64 {
        self.height
    }

    /// A straight line.
    pub(super) fn line(&mut self, class: &'static str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.body.raw("<line").attribute("class", class);
        self.body.share("x1", x1).number("y1", y1).share("x2", x2).number("y2", y2).raw("/>");
    }

    /// A vertical line from top to bottom.
    pub(super) fn upright(&mut self, class: &'static str, x: f64) {
        let height = self.height;
        self.line(class, (x, 0.0), (x, height));
    }

    /// A rectangle between two places across and two down.
    pub(super) fn bar(&mut self, class: &'static str, (x1, x2): (f64, f64), (y1, y2): (f64, f64)) {
        self.body.raw("<rect").attribute("class", class);
        self.body.share("x", x1.min(x2)).number("y", y1.min(y2));
        self.body.share("width", (x2 - x1).abs()).number("height", (y2 - y1).abs()).raw("/>");
    }

    /// A round dot.
    pub(super) fn dot(&mut self, class: &'static str, (x, y): (f64, f64), radius: f64) {
        self.body.raw("<circle").attribute("class", class);
        self.body.share("cx", x).number("cy", y).number("r", radius).raw("/>");
    }

    /// A small shape given as a path around its place.
    pub(super) fn shape(&mut self, class: &'static str, (x, y): (f64, f64), path: &'static str) {
        self.body.raw(r#"<svg overflow="visible""#).share("x", x).number("y", y).raw("><path");
        self.body.attribute("class", class).attribute("d", path).raw("/></svg>");
    }

    /// Any text.
    pub(super) fn text(&mut self, class: &'static str, (x, y): (f64, f64), anchor: Anchor, shift: f64, text: &str) {
        self.body.raw("<text").attribute("class", class).share("x", x).number("y", y).number("dx", shift);
        self.body.raw(match anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        });
        self.body.raw(">").text(text).raw("</text>");
    }

    /// A line through points.
    pub(super) fn path(&mut self, class: &'static str, points: impl IntoIterator<Item = (f64, f64)>) {
        self.stretched("<polyline", class, points);
    }

    /// An area between points.
    pub(super) fn area(&mut self, class: &'static str, points: impl IntoIterator<Item = (f64, f64)>) {
        self.stretched("<polygon", class, points);
    }

    fn stretched(&mut self, tag: &'static str, class: &'static str, points: impl IntoIterator<Item = (f64, f64)>) {
        let points: Vec<String> = points.into_iter().map(|(x, y)| format!("{:.1},{y:.1}", ACROSS * x)).collect();
        let (width, height) = (ACROSS, self.height);
        self.body.raw(r#"<svg width="100%""#).number("height", height);
        self.body.attribute("viewBox", &format!("0 0 {width} {height}"));
        self.body.raw(r#" preserveAspectRatio="none" overflow="visible">"#).raw(tag).attribute("class", class);
        self.body.raw(r#" vector-effect="non-scaling-stroke""#).attribute("points", &points.join(" "));
        self.body.raw("/></svg>");
    }

    /// Horizontal lines with their labels on the left.
    pub(super) fn grid_across(&mut self, axis: &Axis, (top, bottom): (f64, f64)) {
        for (value, label) in &axis.ticks {
            let y = top + axis.down(*value, bottom - top);
            self.line("g", (0.0, y), (1.0, y));
            self.text("t", (0.0, y + 4.0), Anchor::End, -8.0, label);
        }
    }

    /// Vertical lines.
    pub(super) fn grid_upright(&mut self, axis: &Axis) {
        for (value, _) in &axis.ticks {
            self.upright("g", axis.at(*value));
        }
    }

    /// Labels below, at this height.
    pub(super) fn labels_below(&mut self, axis: &Axis, y: f64) {
        for (value, label) in &axis.ticks {
            self.text("t", (axis.at(*value), y), Anchor::Middle, 0.0, label);
        }
    }

    /// A bar that ends in an arrow's head: where the tip is, the value is. Filled to the right, hollow to the left.
    pub(super) fn arrow(&mut self, (from, to): (f64, f64), y: f64) {
        let (class, shift, head_class, head) = if to >= from {
            ("up", -HEAD, "up-head", "M-9-9 0 0-9 9z")
        } else {
            ("down", HEAD, "down-head", "M9-9 0 0 9 9z")
        };
        // The shaft ends at the head: shifted by the head's length inside of a box that cuts it off.
        self.body.raw("<svg").share("x", from.min(to)).number("y", y - 7.0).share("width", (to - from).abs());
        self.body.raw(r#" height="14" overflow="hidden"><rect"#).attribute("class", class).number("x", shift);
        self.body.raw(r#" y="2" width="100%" height="10"/></svg>"#);
        self.line(class, (from, y - 5.0), (from, y + 5.0));
        self.shape(head_class, (to, y), head);
    }

    /// A value with its interval: a line with caps and a dot.
    pub(super) fn whisker(&mut self, class: &'static str, (low, value, high): (f64, f64, f64), y: f64) {
        self.line(class, (low, y), (high, y));
        self.line(class, (low, y - 3.5), (low, y + 3.5));
        self.line(class, (high, y - 3.5), (high, y + 3.5));
        self.dot("v-dot", (value, y), 4.5);
    }

    /// The picture by itself, with a name and a description, as wide as its place and with room for labels around it.
    pub(super) fn plot(self, title: &str, words: &str) -> Markup {
        let mut html = Html::new();
        html.raw(r#"<div class="plot">"#).markup(&self.named("wide", title, words)).raw("</div>");
        html.finish()
    }

    /// The picture with a name and a description. How wide it is, the class says.
    pub(super) fn named(self, class: &'static str, title: &str, words: &str) -> Markup {
        let mut html = Html::new();
        html.raw(r#"<svg role="img""#).attribute("class", class).number("height", self.height);
        html.raw(r#" overflow="visible"><title>"#).text(title).raw("</title>");
        if !words.is_empty() {
            html.raw("<desc>").text(words).raw("</desc>");
        }
        html.markup(&self.body.finish()).raw("</svg>");
        html.finish()
    }

    /// The picture beside text that says the same.
    pub(super) fn beside_text(self, class: &'static str) -> Markup {
        let mut html = Html::new();
        html.raw(r#"<svg aria-hidden="true" focusable="false""#)
            .attribute("class", class)
            .number("height", self.height);
        html.raw(r#" overflow="visible">"#).markup(&self.body.finish()).raw("</svg>");
        html.finish()
    }
}

/// A diamond around its place.
pub(super) const DIAMOND: &str = "M0-5.5 5.5 0 0 5.5-5.5 0z";

/// What the signs of a picture mean.
pub(super) fn legend(keys: &[(&'static str, &str)]) -> Markup {
    let mut html = Html::new();
    html.raw(r#"<ul class="legend">"#);
    for (key, words) in keys {
        let mut drawing = Drawing::new(14.0);
        match *key {
            "whisker" => drawing.whisker("v-whisker", (0.05, 0.5, 0.95), 7.0),
            "base" => drawing.line("base-tick", (0.5, 0.0), (0.5, 14.0)),
            "team" => drawing.shape("team", (0.5, 7.0), DIAMOND),
            "line" => drawing.line("v-line", (0.0, 7.0), (1.0, 7.0)),
            "band" => drawing.bar("v-band", (0.0, 1.0), (1.0, 13.0)),
            "model" => drawing.line("model", (0.5, 0.0), (0.5, 14.0)),
            "diagonal" => drawing.line("diag", (0.0, 7.0), (1.0, 7.0)),
            "density" => drawing.bar("density", (0.1, 0.9), (3.0, 13.0)),
            "hatch" => drawing.bar("count", (0.1, 0.9), (3.0, 13.0)),
            "up" => drawing.arrow((0.0, 1.0), 7.0),
            "down" => drawing.arrow((1.0, 0.0), 7.0),
            "full" => drawing.dot("full", (0.5, 7.0), 5.0),
            "hollow" => drawing.dot("hollow", (0.5, 7.0), 5.0),
            _ => drawing.dot("v-dot", (0.5, 7.0), 5.0),
        }
        html.raw("<li>").markup(&drawing.beside_text("key")).text(words).raw("</li>");
    }
    html.raw("</ul>");
    html.finish()
}
