//! Tables of the page: those that stand by themselves, and those that say in text what a chart shows.

use flight_risk_scoring::ArtifactContent;

use super::escape::html;
use super::numbers::{count, percent};
use super::summary::{self, Judged};

/// A table whose first column names the rows.
pub(super) fn table(caption: &str, heads: &[&str], rows: &[Vec<String>]) -> String {
    let head: String = heads.iter().map(|head| format!("<th scope=\"col\">{}</th>", html(head))).collect();
    let mut body = String::new();
    for row in rows {
        body.push_str("<tr>");
        for (index, cell) in row.iter().enumerate() {
            let cell = html(cell);
            body.push_str(&if index == 0 {
                format!("<th scope=\"row\">{cell}</th>")
            } else {
                format!("<td>{cell}</td>")
            });
        }
        body.push_str("</tr>\n");
    }
    let caption = html(caption);
    format!(
        "<div class=\"scroll\"><table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>\n"
    )
}

/// A chart with a caption, and its table for readers who do not see it.
pub(super) fn with_table(svg: &str, caption: &str, table: &str) -> String {
    let caption =
        if caption.is_empty() { String::new() } else { format!("<figcaption>{}</figcaption>", html(caption)) };
    format!("<figure>{svg}{caption}</figure>\n<details><summary>The same as a table</summary>{table}</details>\n")
}

/// Figures beside those of the base-rate model.
pub(super) fn quality_table(set: &Judged<'_>) -> String {
    let rows: Vec<Vec<String>> = summary::figures(set.quality)
        .into_iter()
        .map(|figure| vec![figure.name.to_owned(), figure.model, figure.base_rate, figure.meaning.to_owned()])
        .collect();
    let caption = format!("{} {}, {} {}", count(set.quality.rows), set.rows, count(set.quality.events), set.events);
    table(&caption, &["figure", "this model", "base rate for all", "meaning"], &rows)
}

/// Names and texts.
pub(super) fn entries(caption: &str, content: &[(String, String)]) -> String {
    let rows: Vec<Vec<String>> = content.iter().map(|(name, text)| vec![name.clone(), text.clone()]).collect();
    table(caption, &["what", "value"], &rows)
}

/// Base rates and bands.
pub(super) fn base_rates(content: &ArtifactContent) -> String {
    let mut rows: Vec<(String, String)> = summary::base_rates(content)
        .into_iter()
        .map(|(name, rate)| (format!("base rate, {name}"), percent(rate)))
        .collect();
    rows.push(("elevated risk from".to_owned(), percent(content.bands.elevated)));
    rows.push(("high risk from".to_owned(), percent(content.bands.high)));
    entries("Base rates and bands", &rows)
}
