//! `report.html`: one page that needs nothing but itself, for HR on a screen and on A4 paper.

use flight_risk_scoring::Artifact;
use flight_risk_scoring::ArtifactContent;

use super::effects::effects;
use super::escape::html;
use super::guards;
use super::joint;
use super::numbers::{count, fixed, people, percent};
use super::sections;
use super::statements;
use super::summary::{self, Calibrated, Judged};
use super::verdict::{self, Standing};

const STYLE: &str = include_str!("style.css");

/// The whole page.
pub(super) fn render(artifact: &Artifact) -> String {
    let content = artifact.content();
    let effects = effects(content);
    let pairs = joint::pairs(content);
    let sets = summary::judged(content);
    let mut body = vec![
        opinion(content),
        sets.first().map(|set| tiles(content, set)).unwrap_or_default(),
        section("drivers", "What moves the risk", &sections::drivers(&effects)),
        section("quality", "How good it proved", &sections::quality(content, &sets)),
        section("stability", "Whether it holds over time", &sections::stability(content)),
        section("guards", "Guards against leaks", &guards::list(content)),
        section("effects", "Feature by feature", &sections::effect_cards(&effects)),
    ];
    if !pairs.is_empty() {
        body.push(section("pairs", "Features that matter together", &sections::pair_maps(&pairs)));
    }
    if let Some(rules) = joint::rules(content) {
        body.push(section("rules", "Rules", &super::joint_charts::rules("rules-chart", &rules)));
    }
    body.extend([
        section("notes", "What was noticed in training", &sections::notes(content)),
        section("limits", "What the model cannot know", &list(&statements::limits(content))),
        section("abstention", "When it says that it does not know", &list(&statements::abstention(content))),
        section("use", "What it is for, and what it is not for", &sections::uses()),
        section("provenance", "Where it comes from", &sections::provenance(artifact)),
    ]);
    let body = body.concat();
    let version = html(artifact.model_version());
    let title = format!("Flight-risk model {version}");
    let about = html(&format!("How likely it is that {}.", verdict::outcome(content)));
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

/// A list of texts.
pub(super) fn list<T: AsRef<str>>(items: &[T]) -> String {
    let items: String = items.iter().map(|item| format!("<li>{}</li>\n", guards::code(item.as_ref()))).collect();
    format!("<ul>\n{items}</ul>\n")
}

fn opinion(content: &ArtifactContent) -> String {
    let standing = verdict::standing(content);
    let class = match standing {
        Standing::Usable => "",
        Standing::WithCare => " care",
        Standing::NotUsable => " weak",
    };
    let cautions = verdict::cautions(content).into_iter();
    let cautions: String = cautions.map(|text| format!("<p class=\"caution\">{}</p>\n", guards::code(&text))).collect();
    format!(
        "<section class=\"verdict{class}\" aria-label=\"Verdict\">\n<p class=\"first\">{}</p>\n<p class=\"standing\">Verdict: {}</p>\n<p>{}</p>\n{cautions}<p class=\"soft\">{}</p>\n</section>\n",
        html(&verdict::first_line(content)),
        html(standing.text()),
        html(&verdict::verdict(content).join(" ")),
        html(&verdict::evidence(content).join(" "))
    )
}

fn tiles(content: &ArtifactContent, set: &Judged<'_>) -> String {
    let quality = set.quality;
    let mut tiles = Vec::new();
    if let Some(list) = summary::usual_list(quality) {
        tiles.push((
            format!("{} of {}", count(list.found), count(list.length)),
            format!(
                "with the highest risk left; expected {}, by lot {}",
                people(list.expected),
                people(summary::by_chance(quality, list))
            ),
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
    let headline = content.base_rates.headline(&content.target);
    tiles.push((percent(headline), summary::headline_base_rate_text(content)));
    let tiles: String = tiles
        .iter()
        .map(|(figure, text)| format!("<li><b>{}</b><span>{}</span></li>\n", html(figure), html(text)))
        .collect();
    format!("<ul class=\"tiles\" aria-label=\"Key figures\">\n{tiles}</ul>\n")
}
