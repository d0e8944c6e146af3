//! `model-card.md`, after Mitchell et al. (2019), "Model Cards for Model Reporting".

use flight_risk_scoring::Artifact;
use flight_risk_scoring::ArtifactContent;

use super::effects::effects;
use super::escape::{markdown, markdown_block, markdown_code};
use super::figures::yes;
use super::numbers::{count, fixed, multiple, people, percent};
use super::statements;
use super::summary::{self, Judged};

/// The whole card.
pub(super) fn render(artifact: &Artifact) -> String {
    let content = artifact.content();
    let version = markdown(artifact.model_version());
    let sets = summary::judged(content);
    [
        format!("# Model card: flight-risk model {version}\n"),
        format!("**{}**\n", markdown(&summary::first_line(content))),
        format!("{}\n", markdown(&summary::verdict(content).join(" "))),
        "Regularised logistic regression: the log-odds are an intercept plus one effect per feature, so every score can be taken \
         apart exactly.\n"
            .to_owned(),
        format!("## Intended use\n\n{}", list(statements::INTENDED)),
        format!("## Prohibited uses\n\n{}\n{}\n", list(statements::PROHIBITED), statements::LAW),
        format!("## Data\n\n{}", data(content)),
        format!("## How it was judged\n\n{}\n", markdown(&summary::judged_on(content))),
        format!("## Metrics\n\n{}", sets.iter().map(metrics).collect::<Vec<_>>().join("\n")),
        format!("## Base rates and bands\n\n{}", base_rates(content)),
        format!("## Features\n\n{}", features(content)),
        format!("## Abstention\n\nNo risk is given, and the reason is named, when:\n\n{}", list(&statements::abstention(content))),
        format!("## Limits\n\n{}", list(&statements::limits(content))),
        format!("## What was noticed in training\n\n{}", notes(content)),
        format!(
            "## Provenance\n\n{}\nConfiguration:\n\n{}",
            table(&["what", "value"], super::provenance(artifact).into_iter().map(|(name, text)| vec![name, text])),
            markdown_block("toml", &content.provenance.config)
        ),
    ]
    .join("\n")
}

fn list<T: AsRef<str>>(items: &[T]) -> String {
    items.iter().map(|item| format!("- {}\n", markdown(item.as_ref()))).collect()
}

/// A table of texts; every cell is escaped.
fn table(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    escaped_table(heads, rows, markdown)
}

/// The same with a way of its own to write the first column.
fn escaped_table(heads: &[&str], rows: impl Iterator<Item = Vec<String>>, first: fn(&str) -> String) -> String {
    let mut text = format!("| {} |\n|{}\n", heads.join(" | "), "---|".repeat(heads.len()));
    for row in rows {
        let escape = |(index, cell): (usize, &String)| if index == 0 { first(cell) } else { markdown(cell) };
        let cells: Vec<String> = row.iter().enumerate().map(escape).collect();
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    text
}

fn data(content: &ArtifactContent) -> String {
    let reference = &content.reference;
    let rows = [
        (summary::row_noun(content), count(reference.rows)),
        ("employees", count(reference.employees)),
        ("with a voluntary exit", count(reference.events)),
        ("window", summary::window(content).unwrap_or_else(|| "no time in the data".to_owned())),
    ];
    let rows = rows.into_iter().map(|(name, text)| vec![name.to_owned(), text]);
    format!("{}\n\n{}", markdown(&summary::learned_from(content)), table(&["what", "value"], rows))
}

fn metrics(set: &Judged<'_>) -> String {
    let figures = summary::figures(set.quality).into_iter();
    let rows = figures.map(|f| vec![f.name.to_owned(), f.model, f.base_rate, f.meaning.to_owned()]);
    let mut text = format!(
        "### {}\n\n{} {}, {} {}.\n\n{}",
        markdown(&set.title),
        count(set.quality.rows),
        set.rows,
        count(set.quality.events),
        set.events,
        table(&["figure", "this model", "base rate for all", "meaning"], rows)
    );
    if !set.quality.lift.is_empty() {
        let lists = set.quality.lift.iter().map(|list| {
            vec![
                count(list.length),
                count(list.found),
                people(list.expected),
                people(summary::by_chance(set.quality, list)),
                format!("{}×", fixed(list.lift, 1)),
            ]
        });
        text.push_str(&format!(
            "\n{}",
            table(&["length of the list", "found", "expected", "by lot", "found over by lot"], lists)
        ));
    }
    text
}

fn base_rates(content: &ArtifactContent) -> String {
    let rates = summary::base_rates(content).into_iter().map(|(name, rate)| vec![name, percent(rate)]);
    let bands = [("elevated risk from", content.bands.elevated), ("high risk from", content.bands.high)];
    let bands = bands.into_iter().map(|(name, bound)| vec![name.to_owned(), percent(bound)]);
    table(&["what", "probability"], rates.chain(bands))
}

fn features(content: &ArtifactContent) -> String {
    let rows = effects(content).into_iter().map(|effect| {
        let feature = effect.feature;
        let mut direction = effect.trend_text();
        if effect.against_expectation() {
            direction.push_str(" (against expectation)");
        }
        vec![
            feature.name.clone(),
            feature.label.clone(),
            feature.family.label().to_owned(),
            multiple(effect.importance),
            direction,
            percent(feature.known_share),
            yes(feature.actionable),
            yes(feature.confidential),
        ]
    });
    let heads = ["name", "label", "family", "moves the odds by", "direction", "known in", "HR can act", "confidential"];
    format!(
        "Strongest first. “Moves the odds by” is the average over the training rows, up or down. Confidential features come from \
         survey answers: a person’s value is never shown.\n\n{}",
        escaped_table(&heads, rows, markdown_code)
    )
}

fn notes(content: &ArtifactContent) -> String {
    let notes = &content.provenance.notes;
    if notes.is_empty() { "Nothing that matters to who uses the model.\n".to_owned() } else { list(notes) }
}
