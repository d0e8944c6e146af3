//! A small drawing board for charts: scales, axes, lines, bands, bars and intervals as inline SVG.
//!
//! Colours come from the page's classes, so that one drawing serves light, dark and paper. Coordinates are written with one
//! decimal: enough for the eye, and the same on every machine.

use super::escape::{html, shortened};
use super::numbers;

/// Mean width of a character of the charts' type, in drawing units.
pub(super) const CHARACTER_WIDTH: f64 = 7.3;

/// From values to drawing units.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// Maps `low` to `from` and `high` to `to`. What lies outside is drawn on the edge.
    pub(super) fn new((low, high): (f64, f64), (from, to): (f64, f64)) -> Self {
        Self { low, high, from, to }
    }

    /// The place of a value, on the paper.
    pub(super) fn at(&self, value: f64) -> f64 {
        self.place(value, (0.0, 1.0))
    }

    /// The place of a value, beyond the edge too; for what is drawn inside [`Canvas::clipped`].
    pub(super) fn beyond(&self, value: f64) -> f64 {
        self.place(value, (-50.0, 51.0))
    }

    fn place(&self, value: f64, (least, most): (f64, f64)) -> f64 {
        // Halved, so that the difference of two huge values is still finite.
        let share = (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0);
        let share = if share.is_nan() { 0.0 } else { share.clamp(least, most) };
        self.from + share * (self.to - self.from)
    }
}

/// Round numbers inside a range, about `count` of them.
pub(super) fn round_ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let rough = (high / 2.0 - low / 2.0) * 2.0 / count.max(1) as f64;
    if !rough.is_finite() || rough <= 0.0 {
        return vec![low, high];
    }
    let magnitude = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|s| s * magnitude).find(|s| *s >= rough * 0.999);
    let step = step.unwrap_or(rough);
    let first = (low / step - 1e-9).ceil();
    (0..=2 * count.max(1)).map(|i| (first + i as f64) * step + 0.0).take_while(|t| *t <= high + step * 1e-9).collect()
}

/// Ticks for effects on the odds: log-odds with their factor as text; every one or, where texts stand side by side, every other.
pub(super) fn odds_ticks(reach: f64, every: usize) -> Vec<(f64, String)> {
    let factors: &[f64] = if reach < 0.3 {
        &[1.1, 1.2]
    } else if reach < 0.75 {
        &[1.25, 1.5]
    } else if reach < 1.5 {
        &[2.0, 3.0, 4.0]
    } else {
        &[2.0, 4.0, 8.0, 16.0]
    };
    let mut ticks = vec![(0.0, "×1".to_owned())];
    for factor in
        factors.iter().skip(every.saturating_sub(1)).step_by(every.max(1)).filter(|factor| factor.ln() <= reach)
    {
        let inverse = if factor.fract() > 0.0 {
            format!("×{}", numbers::fixed(1.0 / factor, 2))
        } else {
            format!("×1/{}", numbers::number(*factor))
        };
        ticks.push((factor.ln(), format!("×{}", numbers::number(*factor))));
        ticks.push((-factor.ln(), inverse));
    }
    ticks
}

/// An axis: range, labelled ticks, and what it measures.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    /// Smallest and largest value.
    pub(super) range: (f64, f64),
    /// Labelled values.
    pub(super) ticks: Vec<(f64, String)>,
    /// What it measures.
    pub(super) title: String,
}

/// A drawing in the making.
#[derive(Debug)]
pub(super) struct Canvas {
    width: f64,
    height: f64,
    body: String,
}

/// Where a text stands relative to its point.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    /// The text begins there.
    Start,
    /// The text is centred there.
    Middle,
    /// The text ends there.
    End,
}

impl Canvas {
    /// An empty drawing.
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    /// A straight line.
    pub(super) fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.body.push_str(&format!(r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#));
    }

    /// A line through points.
    pub(super) fn path(&mut self, class: &str, points: &[(f64, f64)]) {
        self.body.push_str(&format!(r#"<polyline class="{class}" points="{}"/>"#, coordinates(points)));
    }

    /// An area between points.
    pub(super) fn area(&mut self, class: &str, points: &[(f64, f64)]) {
        self.body.push_str(&format!(r#"<polygon class="{class}" points="{}"/>"#, coordinates(points)));
    }

    /// A rectangle between two corners.
    pub(super) fn rectangle(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        let (x, y, width, height) = (x1.min(x2), y1.min(y2), (x2 - x1).abs().max(1.0), (y2 - y1).abs());
        self.body.push_str(&format!(
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="1.5"/>"#
        ));
    }

    /// Whatever is drawn meanwhile ends at these edges (left, top, right, bottom).
    pub(super) fn clipped(&mut self, (left, top, right, bottom): (f64, f64, f64, f64), draw: impl FnOnce(&mut Self)) {
        let (width, height) = (right - left, bottom - top);
        self.body.push_str(&format!(
            r#"<svg x="{left:.1}" y="{top:.1}" width="{width:.1}" height="{height:.1}" viewBox="{left:.1} {top:.1} {width:.1} {height:.1}">"#
        ));
        draw(self);
        self.body.push_str("</svg>");
    }

    /// A round mark.
    pub(super) fn dot(&mut self, class: &str, (x, y): (f64, f64)) {
        self.body.push_str(&format!(r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="4"/>"#));
    }

    /// A rectangle filled as strongly as a share says, up to half.
    pub(super) fn tinted(&mut self, class: &str, (left, top): (f64, f64), (width, height): (f64, f64), share: f64) {
        let strength = 0.04 + 0.5 * share.clamp(0.0, 1.0);
        self.body.push_str(&format!(
            r#"<rect class="{class}" x="{left:.1}" y="{top:.1}" width="{width:.1}" height="{height:.1}" fill-opacity="{strength:.2}"/>"#
        ));
    }

    /// An interval with caps, along the longer side.
    pub(super) fn interval(&mut self, from: (f64, f64), to: (f64, f64)) {
        let cap = if (from.1 - to.1).abs() > (from.0 - to.0).abs() { (3.5, 0.0) } else { (0.0, 3.5) };
        self.line("whisker", from, to);
        for end in [from, to] {
            self.line("whisker", (end.0 - cap.0, end.1 - cap.1), (end.0 + cap.0, end.1 + cap.1));
        }
    }

    /// A text.
    pub(super) fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = html(text);
        self.body
            .push_str(&format!(r#"<text class="{class}" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#));
    }

    /// A frame with both axes; gives back the scales.
    pub(super) fn frame(
        &mut self,
        (left, top, right, bottom): (f64, f64, f64, f64),
        x: &Axis,
        y: &Axis,
    ) -> (Scale, Scale) {
        let across = Scale::new(x.range, (left, right));
        let up = Scale::new(y.range, (bottom, top));
        for (value, label) in &y.ticks {
            let at = up.at(*value);
            self.line("grid", (left, at), (right, at));
            self.text("tick", (left - 6.0, at + 4.0), Anchor::End, label);
        }
        self.across_axis((left, right, bottom), x, None);
        (across, up)
    }

    /// A horizontal axis with its ticks and title; grid lines up to `top` where one is given.
    fn across_axis(&mut self, (left, right, bottom): (f64, f64, f64), x: &Axis, top: Option<f64>) {
        let across = Scale::new(x.range, (left, right));
        self.line("axis", (left, bottom), (right, bottom));
        for (value, label) in &x.ticks {
            let at = across.at(*value);
            match top {
                Some(top) => self.line("grid", (at, bottom), (at, top)),
                None => self.line("axis", (at, bottom), (at, bottom + 4.0)),
            }
            self.text("tick", (at, bottom + 16.0), Anchor::Middle, label);
        }
        self.text("axis-title", (left / 2.0 + right / 2.0, bottom + 33.0), Anchor::Middle, &x.title);
    }

    /// The drawing as an element with a name and a description for readers who do not see it.
    pub(super) fn finish(self, id: &str, title: &str, description: &str) -> String {
        let Self { width, height, body } = self;
        let (title, description) = (html(title), html(description));
        format!(
            r#"<svg viewBox="0 0 {width:.0} {height:.0}" role="img" aria-labelledby="{id}-title {id}-text"><title id="{id}-title">{title}</title><desc id="{id}-text">{description}</desc>{body}</svg>"#
        )
    }
}

fn coordinates(points: &[(f64, f64)]) -> String {
    points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ")
}

/// One bar of a chart of horizontal bars.
#[derive(Clone, Debug)]
pub(super) struct Bar {
    /// What it stands for.
    pub(super) label: String,
    /// Its end.
    pub(super) value: f64,
    /// An interval around the end.
    pub(super) interval: Option<(f64, f64)>,
    /// The value in words, beside the bar.
    pub(super) text: String,
    /// Class that colours it.
    pub(super) class: &'static str,
    /// Whether a gap precedes it.
    pub(super) apart: bool,
    /// Beside the label, small.
    pub(super) note: String,
}

impl Bar {
    /// A bar without interval, text, gap or note.
    pub(super) fn new(label: String, value: f64, class: &'static str) -> Self {
        Self { label, value, interval: None, text: String::new(), class, apart: false, note: String::new() }
    }
}

/// Horizontal bars from `base`, one below the other, with an axis below; without ticks there is no axis.
pub(super) fn bars(width: f64, label_width: f64, base: f64, axis: &Axis, bars: &[Bar]) -> Canvas {
    const ROW: f64 = 24.0;
    const GAP: f64 = 12.0;
    const TEXT_WIDTH: f64 = 58.0;
    const NOTE_WIDTH: f64 = 52.0;
    let note_width = if bars.iter().all(|bar| bar.note.is_empty()) { 0.0 } else { NOTE_WIDTH };
    let gaps = bars.iter().skip(1).filter(|bar| bar.apart).count() as f64;
    let top = 4.0;
    let bottom = top + ROW * bars.len() as f64 + GAP * gaps + 2.0;
    let (left, right) = (label_width, width - TEXT_WIDTH);
    let mut canvas = Canvas::new(width, if axis.ticks.is_empty() { bottom + 2.0 } else { bottom + 38.0 });
    if !axis.ticks.is_empty() {
        canvas.across_axis((left, right, bottom), axis, Some(top));
    }
    let across = Scale::new(axis.range, (left, right));
    canvas.line("axis", (across.at(base), top), (across.at(base), bottom));
    let mut y = top;
    for (index, bar) in bars.iter().enumerate() {
        if bar.apart && index > 0 {
            y += GAP;
        }
        let middle = y + ROW / 2.0;
        let label_end = left - 8.0 - note_width;
        let label = shortened(&bar.label, (label_end / CHARACTER_WIDTH) as usize);
        canvas.text("label", (label_end, middle + 4.0), Anchor::End, &label);
        if !bar.note.is_empty() {
            canvas.text("note", (left - 8.0, middle + 4.0), Anchor::End, &bar.note);
        }
        canvas.rectangle(bar.class, (across.at(base), y + 4.0), (across.at(bar.value), y + ROW - 4.0));
        if let Some((low, high)) = bar.interval {
            canvas.interval((across.at(low), middle), (across.at(high), middle));
        }
        canvas.text("value", (width - TEXT_WIDTH + 6.0, middle + 4.0), Anchor::Start, &bar.text);
        y += ROW;
    }
    canvas
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        for (low, high, expected) in [
            (0.0, 1.0, "0 0.2 0.4 0.6 0.8 1"),
            (0.0, 0.047, "0 0.01 0.02 0.03 0.04"),
            (1009.0, 19999.0, "5,000 10,000 15,000"),
            (-3.0, 3.0, "-2 0 2"),
            (5.0, 5.0, "5 5"),
        ] {
            let ticks: Vec<String> = round_ticks(low, high, 5).into_iter().map(numbers::number).collect();
            assert_eq!(ticks.join(" "), expected, "{low} to {high}");
        }
        assert_eq!(round_ticks(f64::MIN, f64::MAX, 5).len(), 2, "nothing overflows");
    }

    #[test]
    fn a_scale_stays_on_the_paper() {
        let scale = Scale::new((0.0, 10.0), (100.0, 200.0));
        for (value, expected) in [(0.0, 100.0), (5.0, 150.0), (10.0, 200.0), (1e300, 200.0), (-1.0, 100.0)] {
            assert!((scale.at(value) - expected).abs() < 1e-9, "{value}");
        }
        assert!((Scale::new((3.0, 3.0), (1.0, 2.0)).at(3.0) - 1.0).abs() < 1e-9, "an empty range has a place too");
    }

    #[test]
    fn texts_are_escaped() {
        let mut canvas = Canvas::new(10.0, 10.0);
        canvas.text("label", (0.0, 0.0), Anchor::Start, "<a & b>");
        let svg = canvas.finish("x", "</title>", "\"");
        assert!(svg.contains("&lt;a &amp; b&gt;") && svg.contains("&lt;/title&gt;") && svg.contains("&quot;"), "{svg}");
    }
}
