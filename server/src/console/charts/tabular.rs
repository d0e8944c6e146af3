//! The numbers of a chart as a table.

use super::markup::{Html, Markup};

/// A table with a header per column; the first cell of every row is its header.
pub(super) fn table(caption: &str, heads: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Markup {
    let mut html = Html::new();
    html.raw(r#"<div class="scroll" role="region" tabindex="0""#).attribute("aria-label", caption);
    html.raw(r#"><table class="plain"><caption class="visually-hidden">"#).text(caption).raw("</caption><thead><tr>");
    for head in heads {
        html.raw(r#"<th scope="col">"#).text(head).raw("</th>");
    }
    html.raw("</tr></thead><tbody>");
    for row in rows {
        html.raw("<tr>");
        for (place, cell) in row.iter().enumerate() {
            if place == 0 {
                html.raw(r#"<th scope="row">"#).text(cell).raw("</th>");
            } else {
                html.raw("<td>").text(cell).raw("</td>");
            }
        }
        html.raw("</tr>");
    }
    html.raw("</tbody></table></div>");
    html.finish()
}
