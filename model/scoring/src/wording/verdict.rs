//! The model in words: what it predicts, how good it proved, how far it may be used. Plain text, for both documents.

use crate::ArtifactContent;
use crate::artifact::Target;
use crate::metrics::{Evidence, Quality, Split, Verdict, WeakReason};

use super::numbers::{count, fixed, people, percent};
use super::summary::{
    Calibrated, Judged, beats_base_rate, by_chance, calibrated, capitalised, judged, row_noun, usual_list,
};

/// With fewer judged exits than this, every figure is rough.
const FEW_EVENTS: u64 = 50;
/// Standard deviations by which a list must fall short to be called disappointing.
const TOO_FEW: f64 = 3.0;

/// What the probability speaks about, to be put after "how likely it is that".
pub fn outcome(content: &ArtifactContent) -> String {
    match &content.target {
        Target::Hazard { horizons_months, risk_horizon_months, .. } => {
            let others: Vec<String> =
                horizons_months.iter().filter(|months| *months != risk_horizon_months).map(u32::to_string).collect();
            let others =
                if others.is_empty() { String::new() } else { format!(" (and within {})", others.join(" and ")) };
            format!("an employee leaves voluntarily within {risk_horizon_months} months{others}")
        }
        Target::SinglePeriod { target, positive, .. } => format!("“{target}” is “{positive}” for an employee"),
    }
}

/// How far the model may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing speaks against it.
    Usable,
    /// It ranks, but something is to be kept in mind.
    WithCare,
    /// Not at all.
    NotUsable,
}

impl Standing {
    /// In two or three words.
    pub fn text(self) -> &'static str {
        match self {
            Self::Usable => "usable",
            Self::WithCare => "usable with care",
            Self::NotUsable => "not usable",
        }
    }
}

/// How far the model may be used: the verdict of the training, and what a reader should keep in mind.
pub fn standing(content: &ArtifactContent) -> Standing {
    if !content.metrics.verdict.publishable {
        return Standing::NotUsable;
    }
    let sets = judged(content);
    let sound = |set: &Judged<'_>| beats_base_rate(set.quality) && calibrated(set.quality) == Calibrated::Yes;
    let level = sets.first().is_none_or(sound) && sets.iter().all(|set| beats_base_rate(set.quality));
    let few = sets.first().is_some_and(|set| set.quality.events < FEW_EVENTS);
    if level && !few && cautions(content).is_empty() { Standing::Usable } else { Standing::WithCare }
}

/// The verdict on the whole, in one sentence.
pub fn first_line(content: &ArtifactContent) -> String {
    let sets = judged(content);
    let rows = sets.first().map_or("rows", |set| set.rows);
    let verdict = &content.metrics.verdict;
    if !verdict.publishable {
        let clauses: Vec<String> = verdict.reasons.iter().map(|reason| against(reason, verdict, rows)).collect();
        let clauses = if clauses.is_empty() { "was not judged".to_owned() } else { clauses.join(", and it ") };
        return format!("This model {clauses}. Do not use it to single out people.");
    }
    let auc = sets.first().and_then(|set| set.quality.auc);
    let how = match auc {
        Some(auc) if auc >= 0.8 => "very well",
        Some(auc) if auc >= 0.7 => "well",
        Some(auc) if auc >= 0.6 => "moderately well",
        Some(_) => "only a little better than chance",
        None => {
            return "How well this model tells leavers from stayers could not be measured: the judged rows are all of one kind."
                .to_owned();
        }
    };
    let leaks: Vec<&str> = super::guards::giveaways(content).collect();
    if !leaks.is_empty() {
        return format!(
            "This model tells leavers from stayers {how}, but perhaps only because {} gives the answer away. Settle that before anybody uses it.",
            leaks.join(", ")
        );
    }
    match sets.first() {
        Some(set) if !beats_base_rate(set.quality) => format!(
            "This model ranks {how}, but the level of risk moved: it tells who is likelier to leave, not how many will. Use the order, not the number."
        ),
        _ => format!("This model tells leavers from stayers {how}."),
    }
}

/// What speaks against a model, to be put after "This model".
fn against(reason: &WeakReason, verdict: &Verdict, rows: &str) -> String {
    let exits = count(verdict.events);
    match reason {
        WeakReason::NoBetterThanBaseRate => {
            format!("is no better than the base rate: giving all {rows} the same average risk would have done as well")
        }
        WeakReason::FewEvents { least } => {
            format!("has learned from too few exits: {exits}, where at least {} are needed", count(*least))
        }
        WeakReason::FewEventsPerParameter { .. } => format!(
            "has too few exits for what it has learned: {exits} for {} effective parameters",
            fixed(verdict.effective_parameters, 0)
        ),
    }
}

/// What the model predicts and how well, sentence by sentence.
pub fn verdict(content: &ArtifactContent) -> Vec<String> {
    let mut sentences = vec![format!("It estimates how likely it is that {}.", outcome(content))];
    let sets = judged(content);
    if content.metrics.verdict.allowed_weak {
        sentences.push(
            "It was written all the same because whoever trained it asked for that (--allow-weak); it is for looking at, not for use."
                .to_owned(),
        );
    }
    if let Some(set) = sets.first() {
        sentences.extend(list_sentence(set));
        sentences.extend(auc_sentence(set));
        // Who gives everybody the average is calibrated, and says nothing.
        sentences.extend(content.metrics.verdict.publishable.then(|| calibration_sentence(set.quality)));
    }
    if let Some(set) = sets.get(1).filter(|set| !beats_base_rate(set.quality)) {
        sentences.push(format!("Judged on {} it is no better than the base rate: be careful.", set.rows));
    }
    if let Some(set) = sets.first().filter(|set| set.quality.events < FEW_EVENTS) {
        let events = count(set.quality.events);
        sentences.push(format!("Only {events} {} could be judged: all figures are rough.", set.events));
    }
    sentences
}

/// What to keep in mind before anything else: suspected leaks, and people who hide behind values.
pub fn cautions(content: &ArtifactContent) -> Vec<String> {
    let mut cautions: Vec<String> =
        super::guards::suspected(content).map(|guard| capitalised(&guard.text) + ".").collect();
    cautions.extend(disappointing_top(content));
    cautions.extend(recurring(content));
    cautions
}

/// What it means that exact values of a feature recur.
pub fn recurring(content: &ArtifactContent) -> Option<String> {
    let recurring = content.recurring.as_ref()?;
    let label = content.features.get(recurring.feature).map_or("one feature", |feature| feature.label.as_str());
    Some(format!(
        "Rows that share an exact value of {label} behave alike beyond what the value explains ({} such values): they are probably the same employee, seen again. The model uses that, so the figures here hold for employees whom it has seen already; for new ones it will do less well. Name the column that identifies employees as “group” in the schema and train again to see by how much.",
        count(recurring.values.len() as u64)
    ))
}

/// The tests against the base rate: how judged, exits, AUC, gain in log-loss, whether passed.
pub fn tests(content: &ArtifactContent) -> Vec<Vec<String>> {
    let row = |evidence: &Evidence| {
        let auc = evidence.auc.zip(evidence.auc_standard_error);
        vec![
            match &evidence.split {
                Split::ByTime { from } => format!("later time, from {from}"),
                Split::CrossValidation { folds } => {
                    format!("cross-validation, by {folds} models that had not seen the rows")
                }
            },
            count(evidence.events),
            auc.map_or_else(
                || "not defined".to_owned(),
                |(auc, error)| format!("{} ± {}", fixed(auc, 3), fixed(error, 3)),
            ),
            format!("{} ± {}", fixed(evidence.log_loss_gain, 4), fixed(evidence.log_loss_gain_standard_error, 4)),
            if evidence.passed { "yes" } else { "no" }.to_owned(),
        ]
    };
    content.metrics.verdict.evidence.iter().map(row).collect()
}

/// Heads of [`tests`].
pub const TEST_HEADS: &[&str] =
    &["judged on", "exits", "AUC ± standard error", "log-loss gained ± standard error", "beyond chance"];

/// On what it was trained and judged, sentence by sentence.
pub fn evidence(content: &ArtifactContent) -> Vec<String> {
    vec![learned_from(content), judged_on(content)]
}

fn list_sentence(set: &Judged<'_>) -> Option<String> {
    let list = usual_list(set.quality)?;
    let length = count(list.length);
    let found = list.found;
    Some(format!(
        "On a list of the {length} {} with the highest risk, expect about {} {}; {length} drawn by lot would hold about {}. (When judged, {} {} found; the model had expected {}.)",
        set.rows,
        count(found),
        noun(set.events, found),
        people(by_chance(set.quality, list)),
        count(found),
        if found == 1 { "was" } else { "were" },
        people(list.expected),
    ))
}

/// One leaver, several leavers.
fn noun(plural: &'static str, count: u64) -> &'static str {
    if count == 1 { plural.trim_end_matches('s') } else { plural }
}

/// That the top of the list holds far fewer than expected, where it does: by more than three standard deviations of a count.
fn disappointing_top(content: &ArtifactContent) -> Option<String> {
    let sets = judged(content);
    let set = sets.first()?;
    let list = usual_list(set.quality)?;
    let (found, expected) = (list.found as f64, list.expected);
    let spread = (expected * (1.0 - expected / list.length.max(1) as f64)).max(0.0).sqrt();
    (found < expected - TOO_FEW * spread).then(|| {
        format!(
            "The very top of the list disappointed: of the {} with the highest risk the model expected {} {}, and {} left. Do not act on the top ranks alone.",
            count(list.length),
            people(expected),
            set.events,
            count(list.found)
        )
    })
}

fn auc_sentence(set: &Judged<'_>) -> Option<String> {
    let auc = set.quality.auc?;
    Some(format!(
        "Shown one who left and one who stayed, it gives the leaver the higher risk in {} of 100 cases (AUC {}; a coin reaches 50).",
        fixed(auc * 100.0, 0),
        fixed(auc, 2)
    ))
}

fn calibration_sentence(quality: &Quality) -> String {
    let (predicted, observed) = (percent(quality.mean_predicted), percent(quality.observed_rate));
    match calibrated(quality) {
        Calibrated::Yes => {
            format!("Its probabilities can be read as they stand: on average it said {predicted} and {observed} left.")
        }
        Calibrated::NotAtTop(top) => format!(
            "Its probabilities are right on the whole (on average it said {predicted} and {observed} left) but {} at the top: of those with the highest risk it said {} and {} left.",
            if top.predicted > top.observed { "too high" } else { "too low" },
            percent(top.predicted),
            percent(top.observed)
        ),
        Calibrated::No => format!(
            "Its probabilities are not well calibrated: on average it said {predicted} and {observed} left, and single groups are off by {} on average. Trust the order more than the number.",
            percent(quality.calibration_error)
        ),
    }
}

/// The size and the time of the training data, in one sentence.
pub fn learned_from(content: &ArtifactContent) -> String {
    let reference = &content.reference;
    let people = if matches!(content.target, Target::SinglePeriod { .. }) && reference.employees == reference.rows {
        String::new()
    } else {
        format!(" of {} employees", count(reference.employees))
    };
    format!(
        "It learned from {} {}{people} with {} {}{}.",
        count(reference.rows),
        row_noun(content),
        count(reference.events),
        if matches!(content.target, Target::Hazard { .. }) { "voluntary exits" } else { "leavers" },
        window(content).map(|window| format!(", {window}")).unwrap_or_default()
    )
}

/// From when to when the training rows are.
pub fn window(content: &ArtifactContent) -> Option<String> {
    let provenance = &content.provenance;
    match (&provenance.data_from, &provenance.data_until) {
        (Some(from), Some(until)) => Some(format!("from {from} to {until}")),
        (Some(from), None) => Some(format!("from {from} on")),
        (None, Some(until)) => Some(format!("until {until}")),
        (None, None) => None,
    }
}

/// How the judged rows were set apart, in one sentence or two.
pub fn judged_on(content: &ArtifactContent) -> String {
    let quality = &content.metrics.rows;
    let (rows, events) = (count(quality.rows), count(quality.events));
    let noun = row_noun(content);
    let mut text = match &content.metrics.split {
        Split::ByTime { from } => format!(
            "It was judged on later time: trained on what came before {from}, tested on {rows} {noun} ({events} with an exit) from then on; the model itself was then fitted on all of them."
        ),
        Split::CrossValidation { folds } => format!(
            "It was judged by cross-validation: each of {rows} {noun} ({events} with an exit) was predicted by one of {folds} models that had not seen it. That does not show whether it holds in later time."
        ),
    };
    if let Some(horizon) = &content.metrics.horizon {
        text.push_str(&format!(
            " The risk within {} months was judged on the {} employees of {} who could be followed to its end ({} could not).",
            horizon.months,
            count(horizon.quality.rows),
            horizon.as_of,
            count(horizon.censored)
        ));
    }
    text
}
