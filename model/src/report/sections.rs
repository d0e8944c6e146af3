//! The sections of the page: charts with the words around them.

use flight_risk_scoring::Artifact;
use flight_risk_scoring::ArtifactContent;
use flight_risk_scoring::features::Family;

use super::effect_charts;
use super::effects::FeatureEffect;
use super::escape::{html, html_lines};
use super::guards::code;
use super::joint::JointEffect;
use super::joint_charts;
use super::numbers::{self, count, fixed, percent};
use super::page::list;
use super::quality_charts;
use super::statements;
use super::summary::{Judged, heading};
use super::tables;
use super::time_chart;
use super::verdict;

/// Features whose effects stand open; those that follow are folded, and open on demand.
const OPEN_EFFECTS: usize = 40;

/// How good the model proved, set by set.
pub(super) fn quality(content: &ArtifactContent, sets: &[Judged<'_>]) -> String {
    let mut body = String::new();
    let tests = verdict::tests(content);
    if !tests.is_empty() {
        let caption = "Is it better than giving everybody the base rate?";
        body.push_str(&tables::table(caption, verdict::TEST_HEADS, &tests));
    }
    let card = |title: &str, chart: &str| format!("<div class=\"card\"><h4>{}</h4>\n{chart}</div>\n", html(title));
    for (index, set) in sets.iter().enumerate() {
        let id = |name: &str| format!("{name}-{index}");
        body.push_str(&format!("<h3>{}</h3>\n{}", html(&set.title), tables::quality_table(set)));
        let cards = [
            card("Does it happen as often as predicted?", &quality_charts::reliability(&id("reliability"), set)),
            card("What does a list find?", &quality_charts::lift(&id("lift"), set)),
            card("Does it rank leavers above stayers?", &quality_charts::roc(&id("roc"), set)),
            card("How pure is a list?", &quality_charts::precision_recall(&id("precision"), set)),
        ];
        body.push_str(&format!("<div class=\"two\">{}</div>\n", cards.concat()));
    }
    body + &tables::base_rates(content)
}

/// Whether the figures hold from period to period.
pub(super) fn stability(content: &ArtifactContent) -> String {
    let metrics = &content.metrics;
    let mut body = String::new();
    if metrics.stability.is_empty() && metrics.backtest.is_empty() {
        return "<p>That cannot be seen from this training: the rows were not split in time. Where the data has a time, <code>train --backtest</code> walks forward over it.</p>\n".to_owned();
    }
    if !metrics.stability.is_empty() {
        body.push_str(&format!(
            "<h3>One model, later time</h3>\n<p>The rows that judged the model, cut into periods of about as many exits each.</p>\n{}",
            time_chart::periods("stability-chart", "Expected and observed rate, period by period", &metrics.stability)
        ));
    }
    if !metrics.backtest.is_empty() {
        body.push_str(&format!(
            "<h3>Walking forward</h3>\n<p>Each period was judged by a model of its own, trained on nothing but what came before: as if it had been in use all the time.</p>\n{}",
            time_chart::periods("backtest-chart", "Walking forward: expected and observed rate", &metrics.backtest)
        ));
    }
    body
}

/// The strongest features, and those that go against expectation.
pub(super) fn drivers(effects: &[FeatureEffect<'_>]) -> String {
    if effects.is_empty() {
        return "<p>The model has no features: it gives everybody the base rate.</p>\n".to_owned();
    }
    let contrary: Vec<&str> =
        effects.iter().filter(|e| e.against_expectation()).map(|e| e.feature.label.as_str()).collect();
    let contrary = if contrary.is_empty() {
        String::new()
    } else {
        format!(
            "<p class=\"warn\">Against expectation: {}. Look for the reason before anybody acts on it.</p>\n",
            html(&contrary.join("; "))
        )
    };
    format!("{contrary}{}", effect_charts::drivers("drivers-chart", effects))
}

/// Every feature's effect.
pub(super) fn effect_cards(effects: &[FeatureEffect<'_>]) -> String {
    let reach = effect_charts::common_reach(effects);
    let card = |index: usize, effect: &FeatureEffect<'_>| {
        format!(
            "<article class=\"card\"><h3><bdi>{}</bdi></h3>\n{}{}</article>\n",
            html(&heading(effect.feature)),
            tags(effect),
            effect_charts::effect(&format!("effect-{index}"), effect, reach)
        )
    };
    let cards: Vec<String> = effects.iter().enumerate().map(|(index, effect)| card(index, effect)).collect();
    let (open, folded) = cards.split_at(cards.len().min(OPEN_EFFECTS));
    let mut body = format!(
        "<p>Odds of leaving against the average of everybody the model learned from, all else equal: ×2 means twice the odds, \
         ×1/2 half; at low risk that is nearly the multiple of the risk itself. The shaded band and the whiskers are 90 % intervals. \
         All drawings share one scale, and each runs over the values seen in training. Below a drawing, “people” shows where they are: \
         the higher a bar, the more of them are near that value; a box spans the middle two thirds. Where there are few, trust the curve less.</p>\n\
         <div class=\"two\">\n{}</div>\n",
        open.concat()
    );
    if !folded.is_empty() {
        body.push_str(&format!(
            "<details><summary>{} weaker features (open to see or to print them)</summary>\n<div class=\"two\">\n{}</div></details>\n",
            folded.len(),
            folded.concat()
        ));
    }
    body
}

fn tags(effect: &FeatureEffect<'_>) -> String {
    let feature = effect.feature;
    let mut tags = Vec::new();
    if feature.family != Family::Other {
        tags.push(html(feature.family.label()));
    }
    tags.extend([
        format!("<strong>{}</strong>", html(&effect.trend_text())),
        format!("moves the odds by {} on average", html(&numbers::multiple(effect.importance))),
        format!("known in {} of the rows", html(&percent(feature.known_share))),
    ]);
    if feature.actionable {
        tags.push("HR can act on it".to_owned());
    }
    if effect.has_rules {
        tags.push("rules included".to_owned());
    }
    if effect.recurs {
        tags.push("<strong>single values stand for people</strong>: see the verdict".to_owned());
    }
    if feature.confidential {
        tags.push("<strong>from confidential answers</strong>: a person’s value is never shown".to_owned());
    }
    if effect.against_expectation() {
        tags.push("<span class=\"warn\">against expectation</span>".to_owned());
    }
    format!("<p class=\"tags\">{}</p>\n", tags.join(" · "))
}

/// The pairs as heat maps, each with a sentence.
pub(super) fn pair_maps(pairs: &[JointEffect<'_>]) -> String {
    let reach = joint_charts::common_reach(pairs);
    let mut body = String::from(
        "<p>What two features do together, <em>beyond</em> what each does alone (that is drawn above). In each cell: the factor on the odds, and the share of the people who are in it. \
         Orange (above ×1) raises the risk, blue (below ×1) lowers it; the stronger the colour, the stronger the effect; bold figures are beyond doubt at 90 %. \
         A dashed cell says that nobody is there: the model does not know. All maps share one scale.</p>\n",
    );
    let card = |index: usize, pair: &JointEffect<'_>| {
        format!(
            "<article class=\"card{}\"><h3><bdi>{}</bdi></h3>\n<p>{}</p>\n{}</article>\n",
            if joint_charts::is_wide(pair) { " wide" } else { "" },
            html(&pair.title()),
            html(&pair.sentence()),
            joint_charts::heat_map(&format!("pair-{index}"), pair, reach)
        )
    };
    let (weak, strong): (Vec<_>, Vec<_>) = pairs.iter().enumerate().partition(|(_, pair)| pair.is_weak());
    let cards =
        |of: &[(usize, &JointEffect<'_>)]| -> String { of.iter().map(|(index, pair)| card(*index, pair)).collect() };
    if !strong.is_empty() {
        body.push_str(&format!("<div class=\"two dense\">\n{}</div>\n", cards(&strong)));
    }
    if !weak.is_empty() {
        body.push_str(&format!(
            "<details><summary>{} hardly more together than each alone (open to see or to print)</summary>\n<div class=\"two dense\">\n{}</div></details>\n",
            if weak.len() == 1 { "One pair that does".to_owned() } else { format!("{} pairs that do", weak.len()) },
            cards(&weak)
        ));
    }
    body
}

/// What was noticed in training.
pub(super) fn notes(content: &ArtifactContent) -> String {
    let notes = &content.provenance.notes;
    if notes.is_empty() { "<p>Nothing that matters to who uses the model.</p>\n".to_owned() } else { list(notes) }
}

/// What the model is for and what it is not for.
pub(super) fn uses() -> String {
    format!(
        "<div class=\"two\"><div class=\"card\"><h3>Intended</h3>\n{}</div>\n<div class=\"card\"><h3>Prohibited</h3>\n{}</div></div>\n<p>{}</p>\n",
        list(statements::INTENDED),
        list(statements::PROHIBITED),
        code(statements::LAW)
    )
}

/// Where the model comes from.
pub(super) fn provenance(artifact: &Artifact) -> String {
    let provenance = &artifact.content().provenance;
    let config = html_lines(provenance.config.trim_end());
    let block = |block: &flight_risk_scoring::artifact::Block| {
        vec![
            block.name.clone(),
            count(u64::from(block.columns)),
            numbers::number(block.penalty),
            fixed(block.effective_parameters, 1),
        ]
    };
    let blocks: Vec<Vec<String>> = provenance.blocks.iter().map(block).collect();
    let blocks = if blocks.is_empty() {
        String::new()
    } else {
        let heads = ["what", "columns", "penalty", "effective parameters"];
        let caption = "What the data left of each part of the model";
        format!(
            "<details><summary>Parts and penalties</summary>{}</details>\n",
            tables::table(caption, &heads, &blocks)
        )
    };
    format!(
        "{}{blocks}<details><summary>Configuration</summary>\n<pre>{config}</pre></details>\n",
        tables::entries("Provenance", &super::provenance(artifact))
    )
}
