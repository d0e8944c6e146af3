//! Charts of what moves the risk: the strongest features, and each feature's effect.

use flight_risk_scoring::features::Unit;
use flight_risk_scoring::schema::FeatureKind;

use super::chart::{Anchor, Axis, Bar, Canvas, Scale, bars, odds_ticks, round_ticks};
use super::effects::{Effect, FeatureEffect, Level, Shape};
use super::numbers::{self, multiple, percent};
use super::summary::{heading, yes};
use super::tables::{table, with_table};
use flight_risk_scoring::effects::Density;

/// Drivers on the chart of drivers.
const TOP_DRIVERS: usize = 12;
/// Features that move the odds by less than a tenth look weak, even where there are no stronger ones.
const LEAST_DRIVER: f64 = 0.1;
/// Levels of a category that are drawn; the table has all.
const DRAWN_LEVELS: usize = 14;
/// Smallest and largest half-width of the effects' common axis, in log-odds: a third more, and sixteen times.
const REACH: (f64, f64) = (0.29, 2.8);
/// Curves with no more knots than this have a mark on each: their feature takes few different values.
const FEW_KNOTS: usize = 8;
/// Rows of the table of a straight line, about.
const TABLE_ROWS: usize = 5;
/// Rows of the table of a curve, at most about.
const KNOT_ROWS: usize = 16;

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
            text: multiple(effect.importance),
            ..Bar::new(heading(effect.feature), effect.importance, "bar strong")
        })
        .collect();
    let most = shown.iter().map(|bar| bar.value).fold(0.0, f64::max).max(LEAST_DRIVER);
    let axis = Axis { range: (0.0, most), ticks: Vec::new(), title: String::new() };
    let caption = "By how much a feature moves the odds of leaving up or down, on average over all rows: ×1.20 means by a fifth. ×1.00 means not at all.";
    let svg = bars(760.0, 356.0, 0.0, &axis, &shown).finish(id, "Strongest drivers", caption);
    let rows: Vec<Vec<String>> = effects.iter().map(row).collect();
    let heads = ["feature", "family", "moves the odds by", "direction", "HR can act", "from confidential answers"];
    with_table(&svg, caption, &table("All features, strongest first", &heads, &rows))
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
    let (svg, mut rows) = match &effect.shape {
        Shape::Line(points) => (line(effect, points, reach), line_rows(effect, points)),
        Shape::Levels(levels) => (level_bars(effect, levels, reach), levels.iter().map(level_row).collect()),
    };
    rows.extend(effect.unknown.map(|unknown| row("not known".to_owned(), unknown, Some(1.0 - feature.known_share))));
    let furthest = effect.all().into_iter().max_by(|a, b| a.log_odds.abs().total_cmp(&b.log_odds.abs()));
    let mut note = match furthest.filter(|furthest| furthest.log_odds.abs() > reach) {
        Some(furthest) => {
            format!("It goes beyond the drawing, to {}; the table has the figures. ", multiple(furthest.log_odds))
        }
        None => String::new(),
    };
    if let (Shape::Line(points), FeatureKind::Numeric { min, max, .. }) = (&effect.shape, &feature.kind) {
        let ends = points.first().zip(points.last());
        if ends.is_some_and(|(first, last)| first.0 > *min || last.0 < *max) {
            let text = |value: f64| numbers::about(feature, value);
            note.push_str(&format!("Seen from {} to {}; drawn where nearly all are.", text(*min), text(*max)));
        }
    }
    if let Shape::Levels(levels) = &effect.shape
        && levels.len() > DRAWN_LEVELS
    {
        note.push_str(&format!("{} more levels in the table.", levels.len() - DRAWN_LEVELS));
    }
    let description = format!("Odds against the average: {}.", effect.trend_text());
    let svg = svg.finish(id, &title, &description);
    let share = if matches!(effect.density, Density::Near(_)) { "people near it" } else { "people" };
    with_table(&svg, note.trim_end(), &table(&title, &["value", "odds", "90 % interval", share], &rows))
}

fn row(label: String, effect: Effect, share: Option<f64>) -> Vec<String> {
    let (low, high) = effect.interval();
    let share = share.map_or_else(|| numbers::NO_NUMBER.to_owned(), percent);
    vec![label, multiple(effect.log_odds), format!("{} to {}", multiple(low), multiple(high)), share]
}

fn level_row(level: &Level) -> Vec<String> {
    row(level.name.clone(), level.effect, level.share)
}

/// The knots of a curve with their people, or some points of a line.
fn line_rows(effect: &FeatureEffect<'_>, points: &[(f64, Effect)]) -> Vec<Vec<String>> {
    let text = |value: f64| numbers::value(effect.feature, value);
    if let Density::Near(knots) = &effect.density {
        let every = knots.len().div_ceil(KNOT_ROWS).max(1);
        let at = |value: f64| points.iter().find(|(x, _)| x.total_cmp(&value).is_eq()).map(|(_, effect)| *effect);
        let shown = knots.chunks(every).filter_map(|chunk| {
            let (value, _) = chunk.first()?;
            Some(row(text(*value), at(*value)?, Some(chunk.iter().map(|(_, share)| share).sum())))
        });
        let shown: Vec<Vec<String>> = shown.collect();
        if !shown.is_empty() {
            return shown;
        }
    }
    let every = (points.len() / TABLE_ROWS).max(1);
    points.iter().step_by(every).map(|(value, effect)| row(text(*value), *effect, None)).collect()
}

fn line(effect: &FeatureEffect<'_>, points: &[(f64, Effect)], reach: f64) -> Canvas {
    const TOP: f64 = 10.0;
    const BOTTOM: f64 = 160.0;
    /// Between these is the strip of where the people are.
    const STRIP: (f64, f64) = (184.0, 202.0);
    let feature = effect.feature;
    let mut canvas = Canvas::new(420.0, 222.0);
    let right = if effect.unknown.is_some() { 332.0 } else { 400.0 };
    let ends = points.first().zip(points.last()).map_or((0.0, 1.0), |(first, last)| (first.0, last.0));
    let x = value_axis(effect, ends);
    let y = Axis { range: (-reach, reach), ticks: odds_ticks(reach, 1), title: String::new() };
    let (across, up) = canvas.frame((52.0, TOP, right, BOTTOM), &Axis { title: String::new(), ..x.clone() }, &y);
    if let FeatureKind::Numeric { typical, .. } = feature.kind {
        let at = across.at(typical);
        canvas.line("typical", (at, TOP), (at, BOTTOM));
        let (anchor, aside) = if at > right - 50.0 { (Anchor::End, -4.0) } else { (Anchor::Start, 4.0) };
        canvas.text("note", (at + aside, 18.0), anchor, "typical");
    }
    let place = |value: f64, log_odds: f64| (across.at(value), up.beyond(log_odds));
    let upper = points.iter().map(|(value, e)| place(*value, e.interval().1));
    let lower = points.iter().rev().map(|(value, e)| place(*value, e.interval().0));
    let band: Vec<(f64, f64)> = upper.chain(lower).collect();
    let curve: Vec<(f64, f64)> = points.iter().map(|(value, e)| place(*value, e.log_odds)).collect();
    canvas.line("base", (52.0, up.at(0.0)), (right, up.at(0.0)));
    canvas.clipped((52.0, TOP, right, BOTTOM), |canvas| {
        canvas.area("band", &band);
        canvas.path("curve", &curve);
    });
    if let Density::Near(knots) = &effect.density
        && knots.len() <= FEW_KNOTS
    {
        let marked = points.iter().filter(|(value, _)| knots.iter().any(|(knot, _)| knot.total_cmp(value).is_eq()));
        marked.for_each(|(value, e)| canvas.dot("mark", (across.at(*value), up.at(e.log_odds))));
    }
    people_strip(&mut canvas, &effect.density, &across, STRIP);
    canvas.text("axis-title", ((52.0 + right) / 2.0, STRIP.1 + 16.0), Anchor::Middle, &x.title);
    if let Some(unknown) = effect.unknown {
        let (low, high) = unknown.interval();
        canvas.interval((386.0, up.at(low)), (386.0, up.at(high)));
        canvas.dot("mark", (386.0, up.at(unknown.log_odds)));
        canvas.line("axis", (364.0, BOTTOM), (408.0, BOTTOM));
        canvas.text("tick", (386.0, 176.0), Anchor::Middle, "not known");
        canvas.text("note", (386.0, 196.0), Anchor::Middle, &percent(1.0 - feature.known_share));
    }
    canvas
}

/// Where the people are: at each knot a bar as high as the share of people near it, or the middle two thirds as a box.
fn people_strip(canvas: &mut Canvas, density: &Density, across: &Scale, (top, bottom): (f64, f64)) {
    match density {
        Density::Near(knots) => {
            let most = knots.iter().map(|(_, share)| *share).fold(0.0, f64::max).max(1e-9);
            let height = Scale::new((0.0, most), (bottom, top));
            for (knot, share) in knots {
                canvas.line("people", (across.at(*knot), bottom), (across.at(*knot), height.at(*share)));
            }
        }
        Density::Middle(low, high) => {
            let middle = (top + bottom) / 2.0;
            canvas.rectangle("box", (across.at(*low), middle - 4.0), (across.at(*high), middle + 4.0));
        }
        Density::Unknown => return,
    }
    canvas.text("note", (44.0, bottom), Anchor::End, "people");
}

/// The axis of a feature's values, in the unit in which people write them.
fn value_axis(effect: &FeatureEffect<'_>, (low, high): (f64, f64)) -> Axis {
    let feature = effect.feature;
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
    let years = numbers::is_calendar_year(feature);
    let text = |t: f64| if years { numbers::fixed(t, 0) } else { numbers::number(t) };
    // A feature of a few whole numbers has nothing between them.
    let few = matches!(&effect.density, Density::Near(knots) if knots.len() <= FEW_KNOTS && knots.iter().all(|(knot, _)| (knot * factor).fract().abs() < 1e-9));
    let whole = |t: &f64| !(years || few) || t.fract().abs() < 1e-9;
    Axis {
        range: (low, high),
        ticks: ticks.filter(whole).map(|t| (t / factor, text(t))).collect(),
        title: title.to_owned(),
    }
}

fn level_bars(effect: &FeatureEffect<'_>, levels: &[Level], reach: f64) -> Canvas {
    let mut order: Vec<usize> = (0..levels.len()).collect();
    if levels.len() > DRAWN_LEVELS {
        // A strong effect on many people comes first.
        let people = |level: &Level| level.share.unwrap_or(1.0).max(0.0).sqrt();
        let strength = |i: &usize| levels.get(*i).map_or(0.0, |level| level.effect.log_odds.abs() * people(level));
        order.sort_by(|a, b| strength(b).total_cmp(&strength(a)));
        order.truncate(DRAWN_LEVELS);
        order.sort_unstable();
    }
    let bar = |label: &str, e: Effect, share: Option<f64>| Bar {
        interval: Some(e.interval()),
        text: multiple(e.log_odds),
        note: share.map(percent).unwrap_or_default(),
        ..Bar::new(label.to_owned(), e.log_odds, if e.log_odds > 0.0 { "bar raises" } else { "bar" })
    };
    let drawn = order.iter().filter_map(|&i| levels.get(i));
    let mut shown: Vec<Bar> = drawn.map(|level| bar(&level.name, level.effect, level.share)).collect();
    let unknown = effect.unknown.map(|e| bar("not known", e, Some(1.0 - effect.feature.known_share)));
    shown.extend(unknown.map(|unknown| Bar { apart: true, ..unknown }));
    let title = "odds against the average".to_owned();
    let axis = Axis { range: (-reach, reach), ticks: odds_ticks(reach, 2), title };
    bars(420.0, 172.0, 0.0, &axis, &shown)
}
