//! Charts: pure functions from numbers and labels to inline SVG and HTML.
//!
//! The drawings carry no colour and no size of their own: elements have classes of the one style sheet, and horizontal places are
//! shares of the width. So one drawing serves light, dark and paper, keeps its type at one size from 320 px to a wide screen, and
//! needs neither inline style (which the content security policy forbids) nor a script. `plotters` was considered: its SVG has
//! fixed colours and fixed pixels, with which neither dark mode nor narrow screens nor a strict policy can live.
//!
//! Every chart says the same in words ([`Chart::in_words`]) and in a table: those that consist of rows are a table themselves,
//! with a drawing in one of its cells; the others bring one in a fold-out. Colour is never the only sign: what raises and what
//! lowers differ by arrow and fill, a group's expectation and its observation by shape.
//!
//! Numbers come in as [`Share`], [`Real`] and [`Estimate`], which are finite by construction; labels are plain text and are
//! escaped here.

mod categorical;
mod curve;
mod dots;
mod drawing;
mod heatmap;
mod history;
mod horizon;
mod interval;
mod lift;
mod markup;
mod number;
mod odds;
mod reliability;
mod rows;
mod scale;
mod tabular;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]
mod tests;
mod trend;
mod waterfall;

pub(crate) use categorical::{Categories, Level};
pub(crate) use curve::{Curve, CurvePoint};
pub(crate) use dots::{Group, GroupFigures, Groups};
pub(crate) use heatmap::{Against, Heat, HeatColumn, HeatMap, HeatRow, HiddenRows};
pub(crate) use history::{History, HistoryPoint, ModelChange};
pub(crate) use horizon::{Horizon, Horizons};
pub(crate) use interval::Whisker;
pub(crate) use lift::Lift;
pub(crate) use markup::Markup;
pub(crate) use number::{Estimate, Real, Share, percent, range};
pub(crate) use reliability::{Reliability, ReliabilityBin};
pub(crate) use trend::{Trend, TrendMonth};
pub(crate) use waterfall::{Step, Waterfall};

use markup::Html;

/// What every chart can do.
pub(crate) trait Chart {
    /// What it shows, as a heading.
    fn title(&self) -> &str;

    /// The drawing: inline SVG, or a table with drawings in it.
    fn picture(&self) -> Markup;

    /// What it shows, in a sentence or two.
    fn in_words(&self) -> String;

    /// Its numbers as a table, where the picture is none itself.
    fn as_table(&self) -> Option<Markup> {
        None
    }

    /// All of it: heading, sentence, picture, and the table to fold out.
    fn figure(&self) -> Markup {
        let mut html = Html::new();
        html.raw(r#"<figure class="chart"><figcaption><span class="chart-title">"#);
        html.text(self.title());
        html.raw(r#"</span> <span class="chart-words">"#);
        html.text(&self.in_words());
        html.raw("</span></figcaption>");
        html.markup(&self.picture());
        if let Some(table) = self.as_table() {
            html.raw(r#"<details><summary>As a table</summary>"#);
            html.markup(&table);
            html.raw("</details>");
        }
        html.raw("</figure>");
        html.finish()
    }
}
