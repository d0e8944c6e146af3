//! Charts that consist of rows: a table with a drawing in one cell of each row, all on one axis.
//!
//! The table is the text equivalent: what the drawing shows stands beside it. Where it is narrow, the style sheet puts the
//! drawing below the words.

use super::drawing::Drawing;
use super::markup::{Html, Markup};
use super::scale::Axis;

/// Height of a row's drawing.
pub(super) const STRIP: f64 = 26.0;
/// Where in it a value stands.
pub(super) const MIDDLE: f64 = STRIP / 2.0;

/// A row.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// What it is about.
    pub(super) label: String,
    /// More of it, in small type; may be empty.
    pub(super) note: String,
    /// A short remark in a frame; may be empty.
    pub(super) tag: &'static str,
    /// What it comes to.
    pub(super) value: String,
    /// More of that; may be empty.
    pub(super) value_note: String,
    /// Class of the row, for the ends of a waterfall.
    pub(super) class: &'static str,
    /// Its drawing; none where nothing may be shown.
    pub(super) strip: Option<Drawing>,
}

/// A strip with the axis's lines, to draw on.
pub(super) fn strip(axis: &Axis) -> Drawing {
    let mut drawing = Drawing::new(STRIP);
    for (value, _) in &axis.ticks {
        let x = axis.at(*value);
        // Beyond the strip, so that the lines of rows that follow each other meet.
        drawing.line("g", (x, -18.0), (x, STRIP + 18.0));
    }
    drawing
}

/// The table. `heads` name the labels, the drawings and the values.
pub(super) fn table(title: &str, heads: [&str; 3], axis: &Axis, rows: Vec<Row>) -> Markup {
    let [label, drawn, value] = heads;
    let mut html = Html::new();
    html.raw(r#"<table class="rows"><caption class="visually-hidden">"#).text(title).raw("</caption><thead><tr>");
    html.raw(r#"<th scope="col">"#).text(label).raw(r#"</th><th scope="col" class="strip">"#).text(drawn);
    html.raw(r#"</th><th scope="col" class="value">"#).text(value).raw("</th></tr></thead><tbody>");
    for row in rows {
        html.raw("<tr").attribute("class", row.class).raw(r#"><th scope="row">"#).text(&row.label);
        if !row.tag.is_empty() {
            html.raw(" ").element("span", "tag", row.tag);
        }
        if !row.note.is_empty() {
            html.raw(" ").element("span", "note", &row.note);
        }
        html.raw(r#"</th><td class="strip">"#);
        if let Some(strip) = row.strip {
            html.markup(&strip.beside_text("wide"));
        }
        html.raw(r#"</td><td class="value">"#).text(&row.value);
        if !row.value_note.is_empty() {
            html.raw(" ").element("span", "note", &row.value_note);
        }
        html.raw("</td></tr>");
    }
    let mut labels = Drawing::new(16.0);
    labels.labels_below(axis, 12.0);
    html.raw(r#"<tr class="scale" aria-hidden="true"><td></td><td class="strip">"#).markup(&labels.beside_text("wide"));
    html.raw("</td><td></td></tr></tbody></table>");
    html.finish()
}
