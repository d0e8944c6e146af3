//! Charts of how good the model proved: reliability, ranking, lists.

use flight_risk_scoring::metrics::{CurvePoint, Quality, ReliabilityGroup};

use super::chart::{Anchor, Axis, Bar, Canvas, bars, round_ticks};
use super::escape::html;
use super::numbers::{self, count, fixed, people, percent};
use super::summary::{Judged, by_chance, capitalised, wilson};
use super::tables::{table, with_table};

/// Lists that hold a smaller share of the leavers do not set the scale of precision.
const FIRST_OF_THE_LIST: f64 = 0.05;
/// Steps of the tables of curves.
const CURVE_STEPS: u32 = 10;

/// An axis of rates from 0.
pub(super) fn percent_axis(most: f64, ticks: usize, title: &str) -> Axis {
    let labelled = |t: f64| {
        (t, if most > 0.05 || t.abs() < 1e-12 { percent(t) } else { format!("{}\u{a0}%", numbers::number(t * 100.0)) })
    };
    Axis {
        range: (0.0, most),
        ticks: round_ticks(0.0, most, ticks).into_iter().map(labelled).collect(),
        title: title.to_owned(),
    }
}

/// Predicted against observed rate in groups, with counts.
pub(super) fn reliability(id: &str, set: &Judged<'_>) -> String {
    let quality = set.quality;
    if quality.reliability.is_empty() {
        return "<p>No groups could be formed.</p>\n".to_owned();
    }
    let intervals: Vec<(f64, f64)> = quality.reliability.iter().map(|g| wilson(g.observed, g.rows)).collect();
    let highest = quality.reliability.iter().map(|g| g.predicted.max(g.observed)).fold(0.0, f64::max);
    let most = (intervals.iter().map(|(_, high)| *high).fold(highest, f64::max) * 1.04).clamp(1e-4, 1.0);
    let mut canvas = Canvas::new(460.0, 350.0);
    let (x, y) = (percent_axis(most, 5, "predicted risk"), percent_axis(most, 5, "observed rate"));
    let (across, up) = canvas.frame((58.0, 26.0, 432.0, 306.0), &x, &y);
    canvas.text("axis-title", (4.0, 14.0), Anchor::Start, "observed rate");
    canvas.line("diagonal", (across.at(0.0), up.at(0.0)), (across.at(most), up.at(most)));
    let points: Vec<(f64, f64)> =
        quality.reliability.iter().map(|g| (across.at(g.predicted), up.at(g.observed))).collect();
    canvas.path("curve", &points);
    for (point, (low, high)) in points.iter().zip(&intervals) {
        canvas.interval((point.0, up.at(*low)), (point.0, up.at(*high)));
        canvas.dot("mark", *point);
    }
    let left = |g: &ReliabilityGroup| count((g.observed * g.rows as f64).round() as u64);
    let found: Vec<String> = quality.reliability.iter().map(left).collect();
    let groups = quality.reliability.len();
    let per_group = count(quality.rows / groups.max(1) as u64);
    let caption = format!(
        "{groups} groups of about {per_group} {}, from the lowest to the highest predicted risk. On the dashed line, as many left as predicted. The whiskers are 90 % intervals of the observed rate. {} found, group by group: {}.",
        set.rows,
        capitalised(set.events),
        found.join(", ")
    );
    let rows: Vec<Vec<String>> = quality
        .reliability
        .iter()
        .zip(&intervals)
        .enumerate()
        .map(|(i, (g, (low, high)))| {
            vec![
                (i + 1).to_string(),
                count(g.rows),
                people(g.predicted * g.rows as f64),
                left(g),
                percent(g.predicted),
                percent(g.observed),
                format!("{} to {}", percent(*low), percent(*high)),
            ]
        })
        .collect();
    let title = format!("{}: predicted against observed", set.title);
    let heads = ["group", set.rows, "expected", "found", "predicted", "observed", "90 % interval"];
    with_table(&canvas.finish(id, &title, &caption), &caption, &table(&title, &heads, &rows))
}

/// How the model ranks: leavers found against stayers listed.
pub(super) fn roc(id: &str, set: &Judged<'_>) -> String {
    let quality = set.quality;
    let axes = ("share of stayers on the list", "share of leavers found");
    let auc = quality.auc.map_or_else(|| "not defined".to_owned(), |auc| fixed(auc, 3));
    let caption = format!(
        "ROC: as the list of the riskiest grows, the share of all leavers that it holds against the share of all stayers. On the dashed line the list is drawn by lot. The area below the curve is the AUC: {auc}; by lot 0.5."
    );
    let title = format!("{}: ROC curve", set.title);
    curve(id, &title, &caption, &quality.roc, axes, None)
}

/// What lists cost: precision against recall.
pub(super) fn precision_recall(id: &str, set: &Judged<'_>) -> String {
    let quality = set.quality;
    let axes = ("share of leavers found", "share of the list that leaves");
    let rate = percent(quality.observed_rate);
    let precision = quality.average_precision.map_or_else(|| "not defined".to_owned(), |value| fixed(value, 3));
    let caption = format!(
        "Precision and recall: how many of a list leave, against how many of all leavers it holds. The dashed line is a list drawn by lot: the base rate, {rate}. Average precision: {precision}; by lot {}.",
        fixed(quality.observed_rate, 3)
    );
    let title = format!("{}: precision and recall", set.title);
    curve(id, &title, &caption, &quality.precision_recall, axes, Some(quality.observed_rate))
}

/// A curve over all thresholds beside that of chance: the diagonal, or a level.
fn curve(
    id: &str,
    title: &str,
    caption: &str,
    points: &[CurvePoint],
    (x, y): (&str, &str),
    chance: Option<f64>,
) -> String {
    let (Some(first), Some(_)) = (points.first(), points.last()) else {
        return "<p>Not defined: the judged rows are all of one kind.</p>\n".to_owned();
    };
    let mut canvas = Canvas::new(460.0, 350.0);
    // Where leavers are rare, the first few of a list are drawn beyond the edge, so that the rest can be seen.
    let highest = points.iter().filter(|point| point.x >= FIRST_OF_THE_LIST).map(|point| point.y).fold(0.0, f64::max);
    let top = chance.map_or(1.0, |level| (1.2 * highest.max(2.0 * level)).min(1.0));
    let beyond = points.iter().any(|point| point.y > top);
    let (x_axis, y_axis) = (percent_axis(1.0, 5, x), percent_axis(top, 5, y));
    let caption =
        &format!("{caption}{}", if beyond { " The first few of the list are above the drawing." } else { "" });
    let (across, up) = canvas.frame((58.0, 26.0, 432.0, 306.0), &x_axis, &y_axis);
    canvas.text("axis-title", (4.0, 14.0), Anchor::Start, y);
    let (from, to) = chance.map_or((0.0, 1.0), |level| (level, level));
    canvas.line("diagonal", (across.at(0.0), up.at(from)), (across.at(1.0), up.at(to)));
    // The dashed line is named where the curve is not.
    let name = if chance.is_some_and(|level| level > 0.9 * top) {
        up.at(to) + 14.0
    } else {
        up.at(from + (to - from) * 0.62) - 6.0
    };
    let at = if chance.is_some() { (64.0, name, Anchor::Start) } else { (across.at(0.66), name + 22.0, Anchor::Start) };
    canvas.text("note", (at.0, at.1), at.2, "by lot");
    let drawn: Vec<(f64, f64)> = points.iter().map(|point| (across.at(point.x), up.beyond(point.y))).collect();
    canvas.clipped((56.0, 24.0, 434.0, 308.0), |canvas| canvas.path("curve", &drawn));
    if drawn.len() == 1 {
        canvas.dot("mark", (across.at(first.x), up.at(first.y)));
    }
    let rows: Vec<Vec<String>> = (0..=CURVE_STEPS)
        .map(|step| f64::from(step) / f64::from(CURVE_STEPS))
        .filter_map(|at| {
            let by_lot = chance.unwrap_or(at);
            Some(vec![percent(at), percent(on_curve(points, at)?), percent(by_lot)])
        })
        .collect();
    with_table(&canvas.finish(id, title, caption), caption, &table(title, &[x, y, "by lot"], &rows))
}

/// The height of a curve between its points; `None` before its first.
fn on_curve(points: &[CurvePoint], x: f64) -> Option<f64> {
    let after = points.partition_point(|point| point.x <= x);
    let before = points.get(after.checked_sub(1)?)?;
    let Some(next) = points.get(after).filter(|next| next.x > before.x) else { return Some(before.y) };
    Some(before.y + (next.y - before.y) * (x - before.x) / (next.x - before.x))
}

/// What lists of the riskiest find, beside the expectation and a draw by lot.
pub(super) fn lift(id: &str, set: &Judged<'_>) -> String {
    let quality: &Quality = set.quality;
    if quality.lift.is_empty() {
        return format!("<p>Too few {} were judged for a list of the riskiest.</p>\n", html(set.rows));
    }
    let mut shown = Vec::new();
    let mut rows = Vec::new();
    let mut sentences = String::new();
    for list in &quality.lift {
        let chance = by_chance(quality, list);
        let parts = [
            (format!("list of {}: found", count(list.length)), list.found as f64, "bar strong"),
            ("expected by the model".to_owned(), list.expected, "bar"),
            ("drawn by lot".to_owned(), chance, "bar faint"),
        ];
        for (index, (label, value, class)) in parts.into_iter().enumerate() {
            shown.push(Bar { text: people(value), apart: index == 0, ..Bar::new(label, value, class) });
        }
        rows.push(vec![
            count(list.length),
            count(list.found),
            people(list.expected),
            people(chance),
            format!("{}×", fixed(list.lift, 1)),
        ]);
        sentences.push_str(&format!(
            "<li>Of {} flagged, the model expected {} {}; <strong>{} were found</strong>. By lot: {}.</li>\n",
            count(list.length),
            people(list.expected),
            html(set.events),
            count(list.found),
            people(chance)
        ));
    }
    let most = shown.iter().map(|bar| bar.value).fold(0.0, f64::max).max(1.0);
    let axis = Axis { range: (0.0, most), ticks: Vec::new(), title: String::new() };
    let caption = format!(
        "{} among the {} with the highest predicted risk, for lists of several lengths.",
        capitalised(set.events),
        set.rows
    );
    let title = format!("{}: what a list finds", set.title);
    let svg = bars(460.0, 170.0, 0.0, &axis, &shown).finish(id, &title, &caption);
    let heads = ["length of the list", "found", "expected", "by lot", "found over by lot"];
    format!("<ul class=\"plain\">\n{sentences}</ul>\n{}", with_table(&svg, &caption, &table(&title, &heads, &rows)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_read_between_its_points() {
        let points: Vec<CurvePoint> =
            [(0.2, 1.0), (0.2, 0.5), (0.6, 0.7), (1.0, 0.1)].map(|(x, y)| CurvePoint { x, y }).to_vec();
        for (x, expected) in [(0.0, None), (0.2, Some(0.5)), (0.4, Some(0.6)), (0.6, Some(0.7)), (1.0, Some(0.1))] {
            let got = on_curve(&points, x);
            assert_eq!(got.is_some(), expected.is_some(), "{x}");
            assert!((got.unwrap_or_default() - expected.unwrap_or_default()).abs() < 1e-12, "{x}: {got:?}");
        }
    }
}
