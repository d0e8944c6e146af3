//! A heat map that is a table: a number in every cell, its sign, and one of seven steps of colour.

use super::Chart;
use super::markup::{Html, Markup};
use super::number::Real;

/// Ends of the steps, as observed over expected: below, about as, above.
const STEPS: [f64; 6] = [0.5, 0.75, 0.9, 1.1, 1.33, 2.0];

/// A cell.
#[derive(Clone, Debug)]
pub(crate) enum Heat {
    /// Figures.
    Shown {
        /// Observed over expected: 1 is as expected.
        ratio: Real,
        /// What stands in the cell, such as "12 left, 7 expected".
        text: String,
        /// More, in small type, such as "mean risk 14 %"; may be empty.
        note: String,
        /// Where the cell leads, if anywhere.
        href: Option<String>,
    },
    /// Not shown, and why.
    Hidden {
        /// The reason, such as "fewer than 10 people"; empty where it stands beside the table.
        reason: String,
    },
    /// Nobody is there.
    Empty,
}

/// A row.
#[derive(Clone, Debug)]
pub(crate) struct HeatRow {
    /// Its label.
    pub(crate) label: String,
    /// Where it leads, if anywhere.
    pub(crate) href: Option<String>,
    /// One cell per column.
    pub(crate) cells: Vec<Heat>,
}

/// A heat map.
#[derive(Clone, Debug)]
pub(crate) struct HeatMap {
    /// What it shows, as a heading.
    pub(crate) title: String,
    /// What the rows are, such as "Department".
    pub(crate) rows_are: String,
    /// The columns.
    pub(crate) columns: Vec<String>,
    /// The rows.
    pub(crate) rows: Vec<HeatRow>,
}

/// The step of a ratio, from 1 (far below) to 7 (far above), and its sign.
pub(super) fn step(ratio: f64) -> (&'static str, &'static str, &'static str) {
    match STEPS.iter().filter(|end| ratio > **end).count() {
        0 => ("heat h1", "▼▼", "far below expected"),
        1 => ("heat h2", "▼", "below expected"),
        2 => ("heat h3", "▽", "a little below expected"),
        3 => ("heat h4", "=", "as expected"),
        4 => ("heat h5", "△", "a little above expected"),
        5 => ("heat h6", "▲", "above expected"),
        _ => ("heat h7", "▲▲", "far above expected"),
    }
}

impl Chart for HeatMap {
    fn title(&self) -> &str {
        &self.title
    }

    fn picture(&self) -> Markup {
        let mut html = Html::new();
        html.raw(r#"<ul class="legend heat-legend">"#);
        for ratio in [0.4, 0.6, 0.8, 1.0, 1.2, 1.5, 3.0] {
            let (class, sign, words) = step(ratio);
            html.raw("<li").attribute("class", class).raw(r#"><span aria-hidden="true">"#);
            html.text(sign).raw("</span> ").text(words).raw("</li>");
        }
        html.raw(r#"<li class="heat hidden">not shown</li></ul>"#);
        html.raw(r#"<div class="scroll" role="region" tabindex="0""#).attribute("aria-label", &self.title);
        html.raw(r#"><table class="heatmap"><caption class="visually-hidden">"#).text(&self.title);
        html.raw(r#"</caption><thead><tr><th scope="col">"#).text(&self.rows_are).raw("</th>");
        for column in &self.columns {
            html.raw(r#"<th scope="col">"#).text(column).raw("</th>");
        }
        html.raw("</tr></thead><tbody>");
        for row in &self.rows {
            html.raw(r#"<tr><th scope="row">"#);
            linked(&mut html, row.href.as_deref(), &row.label);
            html.raw("</th>");
            let missing = self.columns.len().saturating_sub(row.cells.len());
            for heat in row.cells.iter().take(self.columns.len()) {
                cell(&mut html, heat);
            }
            for _ in 0..missing {
                cell(&mut html, &Heat::Empty);
            }
            html.raw("</tr>");
        }
        html.raw("</tbody></table></div>");
        html.finish()
    }

    fn in_words(&self) -> String {
        let all = || self.rows.iter().flat_map(|row| row.cells.iter().zip(&self.columns).map(move |cell| (row, cell)));
        let hottest = all().filter_map(|(row, (heat, column))| match heat {
            Heat::Shown { ratio, .. } => Some((ratio.get(), row, column)),
            _ => None,
        });
        let mut words = match hottest.max_by(|a, b| a.0.total_cmp(&b.0)) {
            Some((ratio, row, column)) if ratio > 1.1 => {
                format!("Highest above what was expected: {}, {column} ({:.1} times).", row.label, ratio)
            }
            Some(_) => "Nowhere did more leave than expected.".to_owned(),
            None => "No group can be shown.".to_owned(),
        };
        let hidden = all().filter(|(_, (heat, _))| matches!(heat, Heat::Hidden { .. })).count();
        if hidden > 0 {
            let cells = if hidden == 1 { "cell is" } else { "cells are" };
            words += &format!(" {hidden} {cells} not shown, to protect people in small groups.");
        }
        words
    }
}

fn linked(html: &mut Html, href: Option<&str>, text: &str) {
    match href {
        Some(href) => html.raw("<a").attribute("href", href).raw(">").text(text).raw("</a>"),
        None => html.text(text),
    };
}

fn cell(html: &mut Html, heat: &Heat) {
    match heat {
        Heat::Shown { ratio, text, note, href } => {
            let (class, sign, words) = step(ratio.get());
            html.raw("<td").attribute("class", class).raw(r#"><span class="sign" aria-hidden="true">"#);
            html.text(sign).raw(r#" </span><span class="visually-hidden">"#).text(words).raw(": </span>");
            linked(html, href.as_deref(), text);
            if !note.is_empty() {
                html.raw(" ").element("span", "note", note);
            }
        }
        Heat::Hidden { reason } => {
            html.raw(r#"<td class="heat hidden">not shown"#);
            if !reason.is_empty() {
                html.raw(" ").element("span", "note", reason);
            }
        }
        Heat::Empty => {
            html.raw(
                r#"<td class="heat none"><span aria-hidden="true">–</span><span class="visually-hidden">nobody</span>"#,
            );
        }
    }
    html.raw("</td>");
}
