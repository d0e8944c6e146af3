//! The charts of the report, each with the table that says the same in text.

use flight_risk_scoring::ArtifactContent;
use flight_risk_scoring::features::{Family, Unit};
use flight_risk_scoring::metrics::Quality;
use flight_risk_scoring::schema::{FeatureKind, SourceFeature};

use super::chart::{Anchor, Axis, Bar, Canvas, bars, odds_ticks, round_ticks};
use super::effects::{Effect, FeatureEffect, Shape};
use super::escape::html;
use super::numbers::{self, count, multiple, people, percent};
use super::summary::{Judged, by_chance, wilson};

/// Drivers on the chart of drivers.
const TOP_DRIVERS: usize = 12;
/// Levels of a category that are drawn; the table has all.
const DRAWN_LEVELS: usize = 14;
/// Smallest and largest half-width of the effects' common axis, in log-odds: a third more, and sixteen times.
const REACH: (f64, f64) = (0.29, 2.8);

/// A table for readers who do not see the chart.
fn table(caption: &str, heads: &[&str], rows: &[Vec<String>]) -> String {
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

fn with_table(svg: &str, caption: &str, table: &str) -> String {
    format!(
        "<figure>{svg}<figcaption>{}</figcaption></figure>\n<details><summary>The same as a table</summary>{table}</details>\n",
        html(caption)
    )
}

fn percent_axis(most: f64, ticks: usize, title: &str) -> Axis {
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
    let (across, up) = canvas.frame((58.0, 26.0, 446.0, 306.0), &x, &y);
    canvas.text("axis-title", (4.0, 14.0), Anchor::Start, "observed rate");
    canvas.line("diagonal", (across.at(0.0), up.at(0.0)), (across.at(most), up.at(most)));
    let points: Vec<(f64, f64)> =
        quality.reliability.iter().map(|g| (across.at(g.predicted), up.at(g.observed))).collect();
    canvas.path("curve", &points);
    for (point, (low, high)) in points.iter().zip(&intervals) {
        canvas.interval((point.0, up.at(*low)), (point.0, up.at(*high)));
        canvas.dot("mark", *point);
    }
    let groups = quality.reliability.len();
    let per_group = count(quality.rows / groups.max(1) as u64);
    let caption = format!(
        "{groups} groups of about {per_group} {}, from the lowest to the highest predicted risk. On the dashed line, as many left as predicted. The whiskers are 90 % intervals of the observed rate.",
        set.rows
    );
    let rows: Vec<Vec<String>> = quality
        .reliability
        .iter()
        .zip(&intervals)
        .enumerate()
        .map(|(i, (g, (low, high)))| {
            let left = (g.observed * g.rows as f64).round() as u64;
            vec![
                (i + 1).to_string(),
                count(g.rows),
                count(left),
                percent(g.predicted),
                percent(g.observed),
                format!("{} to {}", percent(*low), percent(*high)),
            ]
        })
        .collect();
    let title = format!("{}: predicted against observed", set.title);
    let table = table(&title, &["group", set.rows, set.events, "predicted", "observed", "90 % interval"], &rows);
    with_table(&canvas.finish(id, &title, &caption), &caption, &table)
}

/// What lists of the riskiest find, beside the expectation and a draw by lot.
pub(super) fn lift(id: &str, set: &Judged<'_>) -> String {
    let quality: &Quality = set.quality;
    if quality.lift.is_empty() {
        return format!("<p>Too few {} were judged for a list of the riskiest.</p>\n", html(set.rows));
    }
    let mut shown = Vec::new();
    let mut rows = Vec::new();
    for list in &quality.lift {
        let chance = by_chance(quality, list);
        let parts = [
            (format!("list of {}: found", count(list.length)), list.found as f64, "bar strong"),
            ("expected by the model".to_owned(), list.expected, "bar"),
            ("drawn by lot".to_owned(), chance, "bar faint"),
        ];
        for (index, (label, value, class)) in parts.into_iter().enumerate() {
            shown.push(Bar { label, value, interval: None, text: people(value), class, apart: index == 0 });
        }
        rows.push(vec![
            count(list.length),
            count(list.found),
            people(list.expected),
            people(chance),
            format!("{}×", numbers::fixed(list.lift, 1)),
        ]);
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
    with_table(&svg, &caption, &table(&title, &heads, &rows))
}

/// The features that move scores most.
pub(super) fn drivers(id: &str, effects: &[FeatureEffect<'_>]) -> String {
    let row = |effect: &FeatureEffect<'_>| {
        vec![
            effect.feature.label.clone(),
            effect.feature.family.label().to_owned(),
            multiple(effect.importance),
            effect.trend_text(),
            yes(effect.feature.actionable),
            yes(effect.feature.confidential),
        ]
    };
    let shown: Vec<Bar> = effects
        .iter()
        .take(TOP_DRIVERS)
        .map(|effect| Bar {
            label: heading(effect.feature),
            value: effect.importance,
            interval: None,
            text: multiple(effect.importance),
            class: "bar strong",
            apart: false,
        })
        .collect();
    let most = shown.iter().map(|bar| bar.value).fold(0.0, f64::max).max(1e-6);
    let axis = Axis { range: (0.0, most), ticks: Vec::new(), title: String::new() };
    let caption = "By how much a feature moves the odds of leaving up or down, on average over all rows: ×1.20 means by a fifth. ×1.00 means not at all.";
    let svg = bars(760.0, 356.0, 0.0, &axis, &shown).finish(id, "Strongest drivers", caption);
    let rows: Vec<Vec<String>> = effects.iter().map(row).collect();
    let heads = ["feature", "family", "moves the odds by", "direction", "HR can act", "from confidential answers"];
    with_table(&svg, caption, &table("All features, strongest first", &heads, &rows))
}

/// A label at the beginning of a line; the name of a column of somebody's table stays as it is.
pub(super) fn heading(feature: &SourceFeature) -> String {
    if feature.family == Family::Other { feature.label.clone() } else { capitalised(&feature.label) }
}

/// "yes" or nothing.
pub(super) fn yes(value: bool) -> String {
    if value { "yes".to_owned() } else { String::new() }
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + characters.as_str())
}

/// Half-width of the axis that all effects share, so that strong and weak look strong and weak.
pub(super) fn common_reach(effects: &[FeatureEffect<'_>]) -> f64 {
    let largest = effects.iter().flat_map(FeatureEffect::all).map(|e| e.log_odds.abs()).fold(0.0, f64::max);
    (largest * 1.1).clamp(REACH.0, REACH.1)
}

/// One feature's effect with its interval.
pub(super) fn effect(id: &str, effect: &FeatureEffect<'_>, reach: f64) -> String {
    let feature = effect.feature;
    let title = format!("Effect of {} on the odds of leaving", feature.label);
    let (svg, rows) = match &effect.shape {
        Shape::Line(points) => (line(effect, points, reach), line_rows(feature, points)),
        Shape::Levels(levels) => (level_bars(effect, levels, reach), level_rows(levels)),
    };
    let mut rows = rows;
    rows.extend(effect.unknown.map(|unknown| row("not known".to_owned(), unknown)));
    let mut note = "";
    let description = format!("Odds against the average, {}.", effect.trend_text());
    if effect.all().iter().any(|e| e.log_odds.abs() > reach) {
        note = "<figcaption>It goes beyond the drawing; the table has the figures.</figcaption>";
    }
    let svg = svg.finish(id, &title, &description);
    let table = table(&title, &["value", "odds", "90 % interval"], &rows);
    format!("<figure>{svg}{note}</figure>\n<details><summary>The same as a table</summary>{table}</details>\n")
}

fn row(label: String, effect: Effect) -> Vec<String> {
    let (low, high) = effect.interval();
    vec![label, multiple(effect.log_odds), format!("{} to {}", multiple(low), multiple(high))]
}

fn line_rows(feature: &SourceFeature, points: &[(f64, Effect)]) -> Vec<Vec<String>> {
    const EVERY: usize = 6;
    points.iter().step_by(EVERY).map(|(value, effect)| row(numbers::value(feature, *value), *effect)).collect()
}

fn level_rows(levels: &[(String, Effect)]) -> Vec<Vec<String>> {
    levels.iter().map(|(level, effect)| row(level.clone(), *effect)).collect()
}

fn line(effect: &FeatureEffect<'_>, points: &[(f64, Effect)], reach: f64) -> Canvas {
    let feature = effect.feature;
    let mut canvas = Canvas::new(420.0, 204.0);
    let right = if effect.unknown.is_some() { 332.0 } else { 408.0 };
    let ends = points.first().zip(points.last()).map_or((0.0, 1.0), |(first, last)| (first.0, last.0));
    let x = value_axis(feature, ends);
    let y = Axis { range: (-reach, reach), ticks: odds_ticks(reach, 1), title: String::new() };
    let (across, up) = canvas.frame((52.0, 10.0, right, 160.0), &x, &y);
    if let FeatureKind::Numeric { typical, .. } = feature.kind {
        canvas.line("typical", (across.at(typical), 10.0), (across.at(typical), 160.0));
        let anchor = if across.at(typical) > right - 50.0 { Anchor::End } else { Anchor::Start };
        let aside = if matches!(anchor, Anchor::End) { -4.0 } else { 4.0 };
        canvas.text("note", (across.at(typical) + aside, 18.0), anchor, "typical");
    }
    let place = |value: f64, log_odds: f64| (across.at(value), up.beyond(log_odds));
    let upper = points.iter().map(|(value, e)| place(*value, e.interval().1));
    let lower = points.iter().rev().map(|(value, e)| place(*value, e.interval().0));
    let band: Vec<(f64, f64)> = upper.chain(lower).collect();
    let curve: Vec<(f64, f64)> = points.iter().map(|(value, e)| place(*value, e.log_odds)).collect();
    canvas.line("base", (52.0, up.at(0.0)), (right, up.at(0.0)));
    canvas.clipped((52.0, 10.0, right, 160.0), |canvas| {
        canvas.area("band", &band);
        canvas.path("curve", &curve);
    });
    if let Some(unknown) = effect.unknown {
        let (low, high) = unknown.interval();
        canvas.interval((386.0, up.at(low)), (386.0, up.at(high)));
        canvas.dot("mark", (386.0, up.at(unknown.log_odds)));
        canvas.line("axis", (364.0, 160.0), (408.0, 160.0));
        canvas.text("tick", (386.0, 176.0), Anchor::Middle, "not known");
    }
    canvas
}

/// The axis of a feature's values, in the unit in which people write them.
fn value_axis(feature: &SourceFeature, (low, high): (f64, f64)) -> Axis {
    let hundredfold = matches!(feature.unit, Unit::Share | Unit::Ratio);
    let factor = if hundredfold { 100.0 } else { 1.0 };
    let ticks = round_ticks(low * factor, high * factor, 5).into_iter();
    let title = match feature.unit {
        Unit::Years => "years",
        Unit::Months => "months",
        Unit::Days => "days",
        Unit::Count => "count",
        Unit::Percent | Unit::Share | Unit::Ratio => "%",
        Unit::Flag | Unit::Number => "value",
    };
    Axis {
        range: (low, high),
        ticks: ticks.map(|t| (t / factor, numbers::number(t))).collect(),
        title: title.to_owned(),
    }
}

fn level_bars(effect: &FeatureEffect<'_>, levels: &[(String, Effect)], reach: f64) -> Canvas {
    let mut order: Vec<usize> = (0..levels.len()).collect();
    if levels.len() > DRAWN_LEVELS {
        let strength = |i: &usize| levels.get(*i).map_or(0.0, |(_, e)| e.log_odds.abs());
        order.sort_by(|a, b| strength(b).total_cmp(&strength(a)));
        order.truncate(DRAWN_LEVELS);
        order.sort_unstable();
    }
    let bar = |label: &str, e: Effect, apart: bool| Bar {
        label: label.to_owned(),
        value: e.log_odds,
        interval: Some(e.interval()),
        text: multiple(e.log_odds),
        class: if e.log_odds > 0.0 { "bar raises" } else { "bar" },
        apart,
    };
    let mut shown: Vec<Bar> =
        order.iter().filter_map(|&i| levels.get(i)).map(|(level, e)| bar(level, *e, false)).collect();
    shown.extend(effect.unknown.map(|unknown| bar("not known", unknown, true)));
    let hidden = levels.len() - order.len();
    let title = if hidden > 0 {
        format!("odds against the average; {hidden} more levels in the table")
    } else {
        "odds against the average".to_owned()
    };
    let axis = Axis { range: (-reach, reach), ticks: odds_ticks(reach, 2), title };
    bars(420.0, 130.0, 0.0, &axis, &shown)
}

/// A table of figures beside the base-rate model.
pub(super) fn quality_table(set: &Judged<'_>) -> String {
    let rows: Vec<Vec<String>> = super::summary::figures(set.quality)
        .into_iter()
        .map(|figure| vec![figure.name.to_owned(), figure.model, figure.base_rate, figure.meaning.to_owned()])
        .collect();
    let caption = format!("{} {}, {} {}", count(set.quality.rows), set.rows, count(set.quality.events), set.events);
    table(&caption, &["figure", "this model", "base rate for all", "meaning"], &rows)
}

/// A table of names and texts.
pub(super) fn pairs(caption: &str, content: &[(String, String)]) -> String {
    let rows: Vec<Vec<String>> = content.iter().map(|(name, text)| vec![name.clone(), text.clone()]).collect();
    table(caption, &["what", "value"], &rows)
}

/// The table of base rates and bands.
pub(super) fn base_rate_table(content: &ArtifactContent) -> String {
    let mut rows: Vec<(String, String)> = super::summary::base_rates(content)
        .into_iter()
        .map(|(name, rate)| (format!("base rate, {name}"), percent(rate)))
        .collect();
    rows.push(("elevated risk from".to_owned(), percent(content.bands.elevated)));
    rows.push(("high risk from".to_owned(), percent(content.bands.high)));
    pairs("Base rates and bands", &rows)
}
