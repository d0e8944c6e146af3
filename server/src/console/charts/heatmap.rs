//! A heat map that is a table: a number in every cell, its sign, and one of seven steps of colour.

use super::Chart;
use super::markup::{Html, Markup};
use super::number::Real;

/// Ends of the steps, as observed over expected: below, about as, above.
const STEPS: [f64; 6] = [0.5, 0.75, 0.9, 1.1, 1.33, 2.0];

/// What the cells of a column are held against.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Against {
    /// What was expected of those in the cell.
    Expected,
    /// The mean of everybody.
    Everybody,
}

impl Against {
    /// How far a cell is from it, in words.
    fn words(self, how_far: &str) -> String {
        match self {
            Self::Expected if how_far == SAME => "as expected".to_owned(),
            Self::Expected => format!("{how_far} expected"),
            Self::Everybody if how_far == SAME => "as everybody’s".to_owned(),
            Self::Everybody => format!("{how_far} everybody’s"),
        }
    }
}

/// Neither above nor below.
const SAME: &str = "about the same";

/// A column.
#[derive(Clone, Debug)]
pub(crate) struct HeatColumn {
    /// Its label.
    pub(crate) label: String,
    /// What its cells are held against.
    pub(crate) against: Against,
}

/// A cell.
#[derive(Clone, Debug)]
pub(crate) enum Heat {
    /// Figures.
    Shown {
        /// How many times what the column is held against: 1 is the same.
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
    /// More, in small type, such as "41 people"; may be empty.
    pub(crate) note: String,
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
    pub(crate) columns: Vec<HeatColumn>,
    /// The rows.
    pub(crate) rows: Vec<HeatRow>,
    /// Rows that are not shown, if any.
    pub(crate) hidden: Option<HiddenRows>,
}

/// Rows of which nothing is shown, not even their names.
#[derive(Clone, Debug)]
pub(crate) struct HiddenRows {
    /// How many, such as "3 more teams".
    pub(crate) label: String,
    /// Why they are not shown.
    pub(crate) reason: String,
}

/// The step of a ratio, from 1 (far below) to 7 (far above), its sign, and the words for it.
pub(super) fn step(ratio: f64) -> (&'static str, &'static str, &'static str) {
    match STEPS.iter().filter(|end| ratio > **end).count() {
        0 => ("heat h1", "▼▼", "far below"),
        1 => ("heat h2", "▼", "below"),
        2 => ("heat h3", "▽", "a little below"),
        3 => ("heat h4", "=", SAME),
        4 => ("heat h5", "△", "a little above"),
        5 => ("heat h6", "▲", "above"),
        _ => ("heat h7", "▲▲", "far above"),
    }
}

impl HeatMap {
    /// Every cell with its row and column.
    fn cells(&self) -> impl Iterator<Item = (&HeatRow, &HeatColumn, &Heat)> {
        let cells = self.rows.iter().flat_map(|row| self.columns.iter().zip(&row.cells).map(move |cell| (row, cell)));
        cells.map(|(row, (column, heat))| (row, column, heat))
    }

    /// The cell that is furthest above what it is held against.
    fn hottest(&self, against: Against) -> Option<String> {
        let ratios = self.cells().filter_map(|(row, column, heat)| match heat {
            Heat::Shown { ratio, .. } if column.against == against => Some((ratio.get(), row, column)),
            _ => None,
        });
        let (ratio, row, column) = ratios.max_by(|a, b| a.0.total_cmp(&b.0))?;
        let alone = self.columns.iter().filter(|column| column.against == against).count() == 1;
        let place = if alone { row.label.clone() } else { format!("{}, {}", row.label, column.label) };
        Some(match against {
            Against::Expected if ratio > 1.1 => {
                format!("Highest above what was expected: {place} ({ratio:.1} times).")
            }
            Against::Expected => "Nowhere did more leave than expected.".to_owned(),
            Against::Everybody if ratio > 1.1 => {
                format!("Highest mean risk: {place} ({ratio:.1} times everybody’s).")
            }
            Against::Everybody => "Nowhere is the mean risk above everybody’s.".to_owned(),
        })
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
            let (class, sign, how_far) = step(ratio);
            html.raw("<li").attribute("class", class).raw(r#"><span aria-hidden="true">"#);
            html.text(sign).raw("</span> ").text(how_far).raw("</li>");
        }
        html.raw(r#"<li class="heat hidden">not shown</li></ul>"#);
        html.raw(r#"<div class="scroll" role="region" tabindex="0""#).attribute("aria-label", &self.title);
        html.raw(r#"><table class="heatmap"><caption class="visually-hidden">"#).text(&self.title);
        html.raw(r#"</caption><thead><tr><th scope="col">"#).text(&self.rows_are).raw("</th>");
        for column in &self.columns {
            html.raw(r#"<th scope="col">"#).text(&column.label).raw("</th>");
        }
        html.raw("</tr></thead><tbody>");
        for row in &self.rows {
            html.raw(r#"<tr><th scope="row">"#);
            linked(&mut html, row.href.as_deref(), &row.label);
            if !row.note.is_empty() {
                html.raw(" ").element("span", "note", &row.note);
            }
            html.raw("</th>");
            for (place, column) in self.columns.iter().enumerate() {
                cell(&mut html, column.against, row.cells.get(place).unwrap_or(&Heat::Empty));
            }
            html.raw("</tr>");
        }
        if let Some(hidden) = &self.hidden {
            html.raw(r#"<tr><th scope="row">"#).text(&hidden.label).raw(r#"</th><td class="heat hidden""#);
            html.attribute("colspan", &self.columns.len().to_string());
            html.raw(">not shown ").element("span", "note", &hidden.reason).raw("</td></tr>");
        }
        html.raw("</tbody></table></div>");
        html.finish()
    }

    fn in_words(&self) -> String {
        let hottest = [Against::Expected, Against::Everybody].into_iter().filter_map(|against| self.hottest(against));
        let mut words: Vec<String> = hottest.collect();
        if words.is_empty() {
            words.push("No group can be shown.".to_owned());
        }
        let cells = self.cells().filter(|(_, _, heat)| matches!(heat, Heat::Hidden { .. })).count();
        let cells = (cells > 0).then(|| format!("{cells} {}", if cells == 1 { "cell" } else { "cells" }));
        let hidden: Vec<String> =
            cells.into_iter().chain(self.hidden.as_ref().map(|rows| rows.label.clone())).collect();
        if !hidden.is_empty() {
            words.push(format!("Not shown, to protect people in small groups: {}.", hidden.join(" and ")));
        }
        words.join(" ")
    }
}

fn linked(html: &mut Html, href: Option<&str>, text: &str) {
    match href {
        Some(href) => html.raw("<a").attribute("href", href).raw(">").text(text).raw("</a>"),
        None => html.text(text),
    };
}

fn cell(html: &mut Html, against: Against, heat: &Heat) {
    match heat {
        Heat::Shown { ratio, text, note, href } => {
            let (class, sign, how_far) = step(ratio.get());
            html.raw("<td").attribute("class", class).raw(">");
            if let Some(href) = href {
                html.raw("<a").attribute("href", href).raw(">");
            }
            html.raw(r#"<span class="sign" aria-hidden="true">"#)
                .text(sign)
                .raw(r#" </span><span class="visually-hidden">"#);
            html.text(&against.words(how_far)).raw(": </span>").text(text);
            if href.is_some() {
                html.raw("</a>");
            }
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
