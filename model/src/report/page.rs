//! `report.html`: one page that needs nothing but itself, for HR on a screen and on A4 paper.

use flight_risk_scoring::Artifact;
use flight_risk_scoring::ArtifactContent;

use super::effects::{FeatureEffect, effects};
use super::escape::{html, html_lines};
use super::figures;
use super::numbers::{self, count, fixed, people, percent};
use super::statements;
use super::summary::{self, Calibrated, Judged};

const STYLE: &str = include_str!("style.css");
/// Features whose effects stand open; those that follow are folded, and open on demand.
const OPEN_EFFECTS: usize = 40;

/// The whole page.
pub(super) fn render(artifact: &Artifact) -> String {
    let content = artifact.content();
    let effects = effects(content);
    let sets = summary::judged(content);
    let body = [
        verdict(content),
        sets.first().map(|set| tiles(content, set)).unwrap_or_default(),
        quality(content, &sets),
        section("drivers", "What moves the risk", &drivers(&effects)),
        section("effects", "Feature by feature", &effect_cards(&effects)),
        section("notes", "What was noticed in training", &notes(content)),
        section("limits", "What the model cannot know", &list(&statements::limits(content))),
        section("abstention", "When it says that it does not know", &list(&statements::abstention(content))),
        section("use", "What it is for, and what it is not for", &uses()),
        section("provenance", "Where it comes from", &provenance(artifact)),
    ]
    .concat();
    let version = html(artifact.model_version());
    let title = format!("Flight-risk model {version}");
    let about = html(&format!("How likely it is that {}.", summary::outcome(content)));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}: report</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header class=\"top\"><h1>Report on a flight-risk model</h1>\n<p class=\"soft\">{about} Model version <code>{version}</code>.</p></header>\n\
         <main>\n{body}</main>\n\
         <footer><p>Model <code>{version}</code>, written by flight-risk {}. The same model always gives the same page.</p></footer>\n\
         </body>\n</html>\n",
        html(&content.provenance.software_version)
    )
}

fn section(id: &str, title: &str, body: &str) -> String {
    format!("<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{}</h2>\n{body}</section>\n", html(title))
}

fn list<T: AsRef<str>>(items: &[T]) -> String {
    let items: String = items.iter().map(|item| format!("<li>{}</li>\n", html(item.as_ref()))).collect();
    format!("<ul>\n{items}</ul>\n")
}

fn verdict(content: &ArtifactContent) -> String {
    let weak = summary::judged(content).iter().any(|set| !summary::beats_base_rate(set.quality));
    format!(
        "<section class=\"verdict{}\" aria-label=\"Verdict\">\n<p class=\"first\">{}</p>\n<p>{}</p>\n<p class=\"soft\">{}</p>\n</section>\n",
        if weak { " weak" } else { "" },
        html(&summary::first_line(content)),
        html(&summary::verdict(content).join(" ")),
        html(&summary::evidence(content).join(" "))
    )
}

fn tiles(content: &ArtifactContent, set: &Judged<'_>) -> String {
    let quality = set.quality;
    let mut tiles = Vec::new();
    if let Some(list) = summary::usual_list(quality) {
        tiles.push((
            format!("{} of {}", count(list.found), count(list.length)),
            format!("with the highest risk were {}; by lot {}", set.events, people(summary::by_chance(quality, list))),
        ));
    }
    tiles.push(match quality.auc {
        Some(auc) => (fixed(auc, 2), "AUC: 0.50 is chance, 1.00 is perfect".to_owned()),
        None => ("not defined".to_owned(), "AUC: the judged rows are all of one kind".to_owned()),
    });
    let means = format!("predicted {}, observed {}", percent(quality.mean_predicted), percent(quality.observed_rate));
    tiles.push(match summary::calibrated(quality) {
        Calibrated::Yes => ("calibrated".to_owned(), means),
        Calibrated::NotAtTop(top) => (
            if top.predicted > top.observed { "too high at the top" } else { "too low at the top" }.to_owned(),
            format!("highest group: predicted {}, observed {}", percent(top.predicted), percent(top.observed)),
        ),
        Calibrated::No => ("not calibrated".to_owned(), means),
    });
    let headline = summary::headline_base_rate(content);
    tiles.push((percent(headline), summary::headline_base_rate_text(content)));
    let tiles: String = tiles
        .iter()
        .map(|(figure, text)| format!("<li><b>{}</b><span>{}</span></li>\n", html(figure), html(text)))
        .collect();
    format!("<ul class=\"tiles\" aria-label=\"Key figures\">\n{tiles}</ul>\n")
}

fn quality(content: &ArtifactContent, sets: &[Judged<'_>]) -> String {
    let mut body = String::new();
    for (index, set) in sets.iter().enumerate() {
        body.push_str(&format!("<h3>{}</h3>\n{}", html(&set.title), figures::quality_table(set)));
        body.push_str(&format!(
            "<div class=\"two\"><div class=\"card\"><h4>Does it happen as often as predicted?</h4>\n{}</div>\n\
             <div class=\"card\"><h4>What does a list find?</h4>\n{}</div></div>\n",
            figures::reliability(&format!("reliability-{index}"), set),
            figures::lift(&format!("lift-{index}"), set)
        ));
    }
    body.push_str(&figures::base_rate_table(content));
    section("quality", "How good it proved", &body)
}

fn drivers(effects: &[FeatureEffect<'_>]) -> String {
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
    format!("{contrary}{}", figures::drivers("drivers-chart", effects))
}

fn effect_cards(effects: &[FeatureEffect<'_>]) -> String {
    let reach = figures::common_reach(effects);
    let card = |index: usize, effect: &FeatureEffect<'_>| {
        format!(
            "<article class=\"card\"><h3><bdi>{}</bdi></h3>\n{}{}</article>\n",
            html(&figures::heading(effect.feature)),
            tags(effect),
            figures::effect(&format!("effect-{index}"), effect, reach)
        )
    };
    let cards: Vec<String> = effects.iter().enumerate().map(|(index, effect)| card(index, effect)).collect();
    let (open, folded) = cards.split_at(cards.len().min(OPEN_EFFECTS));
    let mut body = format!(
        "<p>Odds of leaving against the average of everybody the model learned from, all else equal: ×2 means twice the odds, \
         ×1/2 half; at low risk that is nearly the multiple of the risk itself. The shaded band and the whiskers are 90 % intervals. \
         All drawings share one scale, and each runs over the values seen in training.</p>\n<div class=\"two\">\n{}</div>\n",
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
    let mut tags = vec![
        html(feature.family.label()),
        format!("<strong>{}</strong>", html(&effect.trend_text())),
        format!("moves the odds by {} on average", html(&numbers::multiple(effect.importance))),
        format!("known in {} of the rows", html(&percent(feature.known_share))),
    ];
    if feature.actionable {
        tags.push("HR can act on it".to_owned());
    }
    if feature.confidential {
        tags.push("<strong>from confidential answers</strong>: a person’s value is never shown".to_owned());
    }
    if effect.against_expectation() {
        tags.push("<span class=\"warn\">against expectation</span>".to_owned());
    }
    format!("<p class=\"tags\">{}</p>\n", tags.join(" · "))
}

fn notes(content: &ArtifactContent) -> String {
    let notes = &content.provenance.notes;
    if notes.is_empty() { "<p>Nothing that matters to who uses the model.</p>\n".to_owned() } else { list(notes) }
}

fn uses() -> String {
    format!(
        "<div class=\"two\"><div class=\"card\"><h3>Intended</h3>\n{}</div>\n<div class=\"card\"><h3>Prohibited</h3>\n{}</div></div>\n<p>{}</p>\n",
        list(statements::INTENDED),
        list(statements::PROHIBITED),
        html(statements::LAW)
    )
}

fn provenance(artifact: &Artifact) -> String {
    let config = html_lines(artifact.content().provenance.config.trim_end());
    format!(
        "{}<details><summary>Configuration</summary>\n<pre>{config}</pre></details>\n",
        figures::pairs("Provenance", &super::provenance(artifact))
    )
}
