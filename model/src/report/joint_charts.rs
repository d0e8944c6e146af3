//! Heat maps of pairs, and the chart of the sets of features that rules are about.

use super::chart::{Anchor, Axis, Bar, CHARACTER_WIDTH, Canvas, bars};
use super::escape::{html, shortened};
use super::joint::{Cell, JointEffect, RulesShown};
use super::numbers::{count, fixed, multiple, percent};
use super::summary::capitalised;
use super::tables::{table, with_table};

/// Cells as weak as this look weak, even in a model that has no stronger one.
const LEAST_REACH: f64 = 0.4;

/// Columns that fit into half the page.
const NARROW_COLUMNS: usize = 4;

/// Whether a pair takes the whole width of the page.
pub(super) fn is_wide(pair: &JointEffect<'_>) -> bool {
    pair.columns.bins.len() > NARROW_COLUMNS
}

/// The strongest cell of all pairs, so that all heat maps share one scale.
pub(super) fn common_reach(pairs: &[JointEffect<'_>]) -> f64 {
    pairs.iter().map(JointEffect::reach).fold(LEAST_REACH, f64::max)
}

/// A pair as a heat map: in every cell the factor on the odds and the share of the people.
pub(super) fn heat_map(id: &str, pair: &JointEffect<'_>, reach: f64) -> String {
    const ROW: f64 = 40.0;
    const TOP: f64 = 4.0;
    let (width, labels) = if is_wide(pair) { (760.0, 170.0) } else { (420.0, 130.0) };
    let columns = pair.columns.bins.len().max(1) as f64;
    let wide = (width - labels - 6.0) / columns;
    let bottom = TOP + ROW * pair.rows.bins.len() as f64;
    let fits = (wide / CHARACTER_WIDTH) as usize;
    let two_lines = pair.columns.bins.iter().any(|name| name.chars().count() > fits);
    let title_at = if two_lines { 47.0 } else { 33.0 };
    let mut canvas = Canvas::new(width, bottom + title_at + 7.0);
    for (i, (name, row)) in pair.rows.bins.iter().zip(&pair.cells).enumerate() {
        let top = TOP + ROW * i as f64;
        canvas.text(
            "label",
            (labels - 8.0, top + ROW / 2.0 + 4.0),
            Anchor::End,
            &shortened(name, (labels / CHARACTER_WIDTH) as usize),
        );
        for (j, cell) in row.iter().enumerate() {
            draw(&mut canvas, cell, (labels + wide * j as f64, top), (wide, ROW), reach);
        }
    }
    for (j, name) in pair.columns.bins.iter().enumerate() {
        let middle = labels + wide * (j as f64 + 0.5);
        let (first, second) = if name.chars().count() > fits { two_lines_of(name) } else { (&**name, "") };
        canvas.text("tick", (middle, bottom + 15.0), Anchor::Middle, &shortened(first, fits));
        if !second.is_empty() {
            canvas.text("tick", (middle, bottom + 29.0), Anchor::Middle, &shortened(second, fits));
        }
    }
    let centre = labels + wide * columns / 2.0;
    canvas.text(
        "axis-title",
        (centre, bottom + title_at),
        Anchor::Middle,
        &shortened(&pair.columns.feature.label, (width / CHARACTER_WIDTH * 0.6) as usize),
    );
    canvas.text(
        "axis-title",
        (labels - 8.0, bottom + 15.0),
        Anchor::End,
        &shortened(&pair.rows.feature.label, (labels / CHARACTER_WIDTH) as usize),
    );
    let title = format!("{}: effect of both together on the odds of leaving", pair.title());
    let sentence = pair.sentence();
    let rows: Vec<Vec<String>> =
        pair.rows.bins.iter().zip(&pair.cells).flat_map(|(name, row)| cell_rows(pair, name, row)).collect();
    let heads = [&*pair.rows.feature.label, &*pair.columns.feature.label, "odds", "90 % interval", "people"];
    with_table(&canvas.finish(id, &title, &sentence), "", &table(&title, &heads, &rows))
}

/// A name that is too long for its column, cut where a range or a word ends.
fn two_lines_of(name: &str) -> (&str, &str) {
    let cut = [" to ", " or ", " "].into_iter().find_map(|gap| name.find(gap));
    cut.and_then(|cut| Some((name.get(..cut)?, name.get(cut + 1..)?))).unwrap_or((name, ""))
}

fn draw(canvas: &mut Canvas, cell: &Cell, (left, top): (f64, f64), (width, height): (f64, f64), reach: f64) {
    let (left, top, width, height) = (left + 1.5, top + 1.5, width - 3.0, height - 3.0);
    let middle = left + width / 2.0;
    if cell.share <= 0.0 {
        canvas.tinted("nobody", (left, top), (width, height), 0.0);
        canvas.text("note", (middle, top + height / 2.0 + 4.0), Anchor::Middle, "nobody");
        return;
    }
    let effect = cell.effect;
    let class = if effect.log_odds > 0.0 { "heat raises" } else { "heat" };
    canvas.tinted(class, (left, top), (width, height), effect.log_odds.abs() / reach);
    let (low, high) = effect.interval();
    let figure = if low > 0.0 || high < 0.0 { "figure sure" } else { "figure" };
    canvas.text(figure, (middle, top + 16.0), Anchor::Middle, &multiple(effect.log_odds));
    canvas.text("share", (middle, top + 31.0), Anchor::Middle, &percent(cell.share).replace("under ", "<"));
}

fn cell_rows(pair: &JointEffect<'_>, name: &str, row: &[Cell]) -> Vec<Vec<String>> {
    let text = |(column, cell): (&String, &Cell)| {
        let (low, high) = cell.effect.interval();
        let (odds, interval) = if cell.share > 0.0 {
            (multiple(cell.effect.log_odds), format!("{} to {}", multiple(low), multiple(high)))
        } else {
            ("nobody".to_owned(), String::new())
        };
        vec![name.to_owned(), column.clone(), odds, interval, percent(cell.share)]
    };
    pair.columns.bins.iter().zip(row).map(text).collect()
}

/// What rules are, how much they count, and which features they bring together.
pub(super) fn rules(id: &str, rules: &RulesShown) -> String {
    let mut body = String::from("<p>");
    for sentence in explanation(rules) {
        body.push_str(&html(&sentence));
        body.push(' ');
    }
    body.push_str("</p>\n");
    if rules.interactions.is_empty() {
        body.push_str("<p>No rule asks for more than one feature.</p>\n");
        return body;
    }
    let bar = |set: &super::joint::Interaction| Bar {
        text: percent(set.strength),
        ..Bar::new(set.labels.join(" + "), set.strength, "bar strong")
    };
    let shown: Vec<Bar> = rules.interactions.iter().map(bar).collect();
    let axis = Axis { range: (0.0, 1.0), ticks: Vec::new(), title: String::new() };
    let mut caption = String::from(
        "Features that the rules bring together, by how far the rules about them spread the log-odds beyond what fewer of these features do. The strongest set is 100 %; the order counts, not the number.",
    );
    if rules.more > 0 {
        caption.push_str(&format!(" {} weaker sets are not shown.", count(rules.more as u64)));
    }
    let title = "Features that act together by rules";
    let rows: Vec<Vec<String>> =
        rules.interactions.iter().map(|set| vec![set.labels.join(" + "), percent(set.strength)]).collect();
    let svg = bars(760.0, 540.0, 0.0, &axis, &shown).finish(id, title, &caption);
    body + &with_table(&svg, &caption, &table(title, &["features", "strength beside the strongest"], &rows))
}

/// The rules in words, for both documents.
pub(super) fn explanation(rules: &RulesShown) -> Vec<String> {
    let sets = if rules.members > 1 {
        format!(", in {} sets that were learned from different parts of the rows", count(rules.members))
    } else {
        String::new()
    };
    let mut sentences = vec![format!(
        "Beside the effects of single features, the model holds {} small rules{sets}. Each asks at most {} yes-or-no questions of a person’s facts and adds a little to the log-odds, depending on the answers.",
        count(rules.rules),
        count(rules.questions)
    )];
    if !rules.example.is_empty() {
        sentences.push(format!("One of them asks: {}", capitalised(&rules.example.join(" And "))));
    }
    sentences.push(format!(
        "Their sum counts {} times: as much as predicted best for rows that they had not seen. What they say by one feature alone is drawn in that feature’s effect; what they say by several is shared fairly among these (Shapley values), so that every score can still be taken apart exactly.",
        fixed(rules.weight, 2)
    ));
    sentences
}
