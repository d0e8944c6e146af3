//! `model-card.md`, after Mitchell et al. (2019), "Model Cards for Model Reporting".

use flight_risk_scoring::effects::effects;
use flight_risk_scoring::wording::{guards, periods};
use flight_risk_scoring::{Artifact, ArtifactContent};

use super::escape::{markdown, markdown_block, markdown_code};
use super::numbers::{count, fixed, multiple, people, percent};
use super::statements;
use super::summary::{self, Judged, yes};
use super::{joint, joint_charts, time_chart, verdict};

/// The whole card.
pub(super) fn render(artifact: &Artifact) -> String {
    let content = artifact.content();
    let version = markdown(artifact.model_version());
    let sets = summary::judged(content);
    [
        format!("# Model card: flight-risk model {version}\n"),
        format!("**{}**\n", markdown(&verdict::first_line(content))),
        format!("{}\n", markdown(&verdict::verdict(content).join(" "))),
        format!("Verdict: **{}**.\n", verdict::standing(content).text()),
        cautions(content),
        format!("{}\n", markdown(&form(content))),
        format!("## Intended use\n\n{}", list(statements::INTENDED)),
        format!("## Prohibited uses\n\n{}\n{}\n", list(statements::PROHIBITED), statements::LAW),
        format!("## Data\n\n{}", data(content)),
        format!("## How it was judged\n\n{}\n", markdown(&verdict::judged_on(content))),
        format!("## Metrics\n\n{}{}", tests(content), sets.iter().map(metrics).collect::<Vec<_>>().join("\n")),
        format!("## Over time\n\n{}", over_time(content)),
        format!("## Guards against leaks\n\n{}", leaks(content)),
        format!("## Base rates and bands\n\n{}", base_rates(content)),
        format!("## Features\n\n{}", features(content)),
        format!("## Features together\n\n{}", together(content)),
        format!(
            "## Abstention\n\nNo risk is given, and the reason is named, when:\n\n{}",
            list(&statements::abstention(content))
        ),
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
        ("window", verdict::window(content).unwrap_or_else(|| "no time in the data".to_owned())),
    ];
    let rows = rows.into_iter().map(|(name, text)| vec![name.to_owned(), text]);
    format!("{}\n\n{}", markdown(&verdict::learned_from(content)), table(&["what", "value"], rows))
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

/// The form of the model in words.
fn form(content: &ArtifactContent) -> String {
    let mut text = String::from(
        "Penalised logistic regression: the log-odds are an intercept plus one effect per feature, a straight line, a curve or one step per level",
    );
    let pairs = content.pairs.len() as u64;
    if pairs > 0 {
        text.push_str(&format!(", plus the joint effects of {} pairs of features", count(pairs)));
    }
    if content.rules.is_some() {
        text.push_str(", plus small rules");
    }
    text + ". Every score can be taken apart exactly."
}

/// What to keep in mind before anything else.
fn cautions(content: &ArtifactContent) -> String {
    let cautions = verdict::cautions(content);
    if cautions.is_empty() { String::new() } else { format!("Keep in mind:\n\n{}", list(&cautions)) }
}

fn tests(content: &ArtifactContent) -> String {
    let tests = verdict::tests(content);
    if tests.is_empty() { String::new() } else { table(verdict::TEST_HEADS, tests.into_iter()) + "\n" }
}

fn over_time(content: &ArtifactContent) -> String {
    let metrics = &content.metrics;
    let mut text = String::new();
    for (title, periods) in [("One model, later time", &metrics.stability), ("Walking forward", &metrics.backtest)] {
        if !periods.is_empty() {
            let rows = table(time_chart::SHORT_HEADS, time_chart::short_rows(periods).into_iter());
            let sentence = markdown(&periods::sentence(periods));
            text.push_str(&format!("### {title}\n\n{sentence}\n\n{rows}\n"));
        }
    }
    if text.is_empty() {
        "The rows were not split in time: whether it holds in later time is not known.\n".to_owned()
    } else {
        text
    }
}

fn leaks(content: &ArtifactContent) -> String {
    let rows = guards::in_order(content).into_iter();
    let rows = rows.map(|g| vec![guards::subject(&g).to_owned(), guards::finding(&g).to_owned(), g.text]);
    table(&["guard", "finding", "what"], rows)
}

fn together(content: &ArtifactContent) -> String {
    let pairs = joint::pairs(content).into_iter();
    let mut text: String =
        pairs.map(|p| format!("- **{}**: {}\n", markdown(&p.title()), markdown(&p.sentence()))).collect();
    if let Some(rules) = joint::rules(content) {
        let sets = rules.interactions.iter().map(|set| vec![set.labels.join(" + "), percent(set.strength)]);
        text.push_str(&format!(
            "\n{}\n\n{}",
            markdown(&joint_charts::explanation(&rules).join(" ")),
            table(&["features that act together by rules", "strength beside the strongest"], sets)
        ));
    }
    if text.is_empty() { "The model has no joint effects: the features’ effects add up.\n".to_owned() } else { text }
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
