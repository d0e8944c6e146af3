//! The model in words: what it predicts, how good it proved, on what it was judged. Plain text, for both documents.

use flight_risk_scoring::ArtifactContent;
use flight_risk_scoring::artifact::Target;
use flight_risk_scoring::metrics::{ListLift, Quality, ReliabilityGroup, Split};

use super::numbers::{count, fixed, people, percent};
use flight_risk_scoring::scorer::Z_90;

/// The length of list that people think in; the nearest that was judged is shown first.
const USUAL_LIST: u64 = 20;
/// With fewer judged exits than this, every figure is rough.
const FEW_EVENTS: u64 = 50;
/// A calibration error below this share of the observed rate does not mislead anybody.
const SMALL_ERROR: f64 = 0.1;
/// Standard normal quantile of 0.99.
const Z_99: f64 = 2.326;

/// A judged set of rows and how to speak about it.
#[derive(Clone, Debug)]
pub(super) struct Judged<'a> {
    /// Its figures.
    pub(super) quality: &'a Quality,
    /// Short title.
    pub(super) title: String,
    /// What one row is, plural.
    pub(super) rows: &'static str,
    /// What the rows with the event are, plural.
    pub(super) events: &'static str,
}

/// Whether the probabilities can be read as they stand.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Calibrated {
    /// The differences are no larger than chance makes them, or too small to mislead.
    Yes,
    /// On the whole, but not where the risk is highest, which is where people look.
    NotAtTop(ReliabilityGroup),
    /// Too high or too low.
    No,
}

/// What one row of training is, plural.
pub(super) fn row_noun(content: &ArtifactContent) -> &'static str {
    match content.target {
        Target::Hazard { period_months: 1, .. } => "employee-months",
        Target::Hazard { .. } => "employee-periods",
        Target::SinglePeriod { .. } => "rows",
    }
}

/// The judged sets, the headline first.
pub(super) fn judged(content: &ArtifactContent) -> Vec<Judged<'_>> {
    let metrics = &content.metrics;
    let mut sets = Vec::new();
    if let Some(horizon) = &metrics.horizon {
        sets.push(Judged {
            quality: &horizon.quality,
            title: format!("Risk within {} months", horizon.months),
            rows: "employees",
            events: "leavers",
        });
    }
    let (title, events) = match &content.target {
        Target::Hazard { period_months: 1, .. } => ("Risk in one month".to_owned(), "exits"),
        Target::Hazard { period_months, .. } => (format!("Risk in one period of {period_months} months"), "exits"),
        Target::SinglePeriod { .. } => ("Risk per row".to_owned(), "leavers"),
    };
    sets.push(Judged { quality: &metrics.rows, title, rows: row_noun(content), events });
    sets
}

/// Whether the log-loss is better than that of giving everybody the base rate.
pub(super) fn beats_base_rate(quality: &Quality) -> bool {
    quality.log_loss < quality.log_loss_base_rate
}

/// The 90 % interval of a rate observed on some rows (Wilson 1927).
pub(super) fn wilson(rate: f64, rows: u64) -> (f64, f64) {
    let n = rows.max(1) as f64;
    let z2 = Z_90 * Z_90;
    let middle = (rate + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z_90 / (1.0 + z2 / n) * (rate * (1.0 - rate) / n + z2 / (4.0 * n * n)).max(0.0).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

/// Judges calibration: the chi-squared statistic of Hosmer & Lemeshow (1980) over the groups, its 99 % point after Wilson &
/// Hilferty (1931), with as many degrees of freedom as groups because the rows were not fitted. With many rows even harmless
/// differences are beyond chance; an error below a tenth of the rate is harmless. The group of the highest risk is looked at by
/// itself: among ten groups a difference there, which is what people act on, would drown.
pub(super) fn calibrated(quality: &Quality) -> Calibrated {
    let groups = quality.reliability.len().max(1) as f64;
    let statistic: f64 = quality
        .reliability
        .iter()
        .map(|g| g.rows as f64 * (g.observed - g.predicted).powi(2) / (g.predicted * (1.0 - g.predicted)).max(1e-9))
        .sum();
    let spread = 2.0 / (9.0 * groups);
    let limit = groups * (1.0 - spread + Z_99 * spread.sqrt()).powi(3);
    if statistic <= limit || quality.calibration_error <= SMALL_ERROR * quality.observed_rate {
        top_that_is_off(quality).map_or(Calibrated::Yes, Calibrated::NotAtTop)
    } else {
        Calibrated::No
    }
}

/// The group of the highest predicted risk, when what was predicted is outside the 90 % interval of what was observed, and by
/// more than is harmless.
fn top_that_is_off(quality: &Quality) -> Option<ReliabilityGroup> {
    let top = quality.reliability.iter().max_by(|a, b| a.predicted.total_cmp(&b.predicted))?;
    let (low, high) = wilson(top.observed, top.rows);
    let off = top.predicted < low || top.predicted > high;
    (off && (top.predicted - top.observed).abs() > SMALL_ERROR * top.observed).then(|| top.clone())
}

/// The list to speak about first.
pub(super) fn usual_list(quality: &Quality) -> Option<&ListLift> {
    quality.lift.iter().min_by_key(|list| list.length.abs_diff(USUAL_LIST))
}

/// Leavers on a list drawn by lot.
pub(super) fn by_chance(quality: &Quality, list: &ListLift) -> f64 {
    list.length as f64 * quality.observed_rate
}

/// What the probability speaks about, to be put after "how likely it is that".
pub(super) fn outcome(content: &ArtifactContent) -> String {
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

/// The verdict on the whole, in one sentence.
pub(super) fn first_line(content: &ArtifactContent) -> String {
    let sets = judged(content);
    let no_better = !content.metrics.verdict.beats_base_rate();
    if let Some(set) = sets.first().filter(|set| no_better || !beats_base_rate(set.quality)) {
        let rows = set.rows;
        return format!(
            "This model is no better than the base rate: giving all {rows} the same average risk would have done as well. Do not use it to single out people."
        );
    }
    let grade = match sets.first().and_then(|set| set.quality.auc) {
        Some(auc) if auc >= 0.8 => "This model tells leavers from stayers very well.",
        Some(auc) if auc >= 0.7 => "This model tells leavers from stayers well.",
        Some(auc) if auc >= 0.6 => "This model tells leavers from stayers moderately well.",
        Some(_) => "This model tells leavers from stayers only a little better than chance.",
        None => {
            "How well this model tells leavers from stayers could not be measured: the judged rows are all of one kind."
        }
    };
    grade.to_owned()
}

/// What the model predicts and how well, sentence by sentence.
pub(super) fn verdict(content: &ArtifactContent) -> Vec<String> {
    let mut sentences = vec![format!("It estimates how likely it is that {}.", outcome(content))];
    let sets = judged(content);
    if let Some(set) = sets.first() {
        sentences.extend(list_sentence(set));
        sentences.extend(auc_sentence(set));
        sentences.push(calibration_sentence(set.quality));
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

/// On what it was trained and judged, sentence by sentence.
pub(super) fn evidence(content: &ArtifactContent) -> Vec<String> {
    vec![learned_from(content), judged_on(content)]
}

fn list_sentence(set: &Judged<'_>) -> Option<String> {
    let list = usual_list(set.quality)?;
    let length = count(list.length);
    Some(format!(
        "On a list of the {length} {} with the highest risk, expect about {} {}; {length} drawn by lot would hold about {}. (When judged, {} were found; the model had expected {}.)",
        set.rows,
        count(list.found),
        set.events,
        people(by_chance(set.quality, list)),
        count(list.found),
        people(list.expected),
    ))
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
pub(super) fn learned_from(content: &ArtifactContent) -> String {
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
pub(super) fn window(content: &ArtifactContent) -> Option<String> {
    let provenance = &content.provenance;
    match (&provenance.data_from, &provenance.data_until) {
        (Some(from), Some(until)) => Some(format!("from {from} to {until}")),
        (Some(from), None) => Some(format!("from {from} on")),
        (None, Some(until)) => Some(format!("until {until}")),
        (None, None) => None,
    }
}

/// How the judged rows were set apart, in one sentence or two.
pub(super) fn judged_on(content: &ArtifactContent) -> String {
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

/// One figure of the table of metrics.
#[derive(Clone, Debug)]
pub(super) struct Figure {
    /// Name.
    pub(super) name: &'static str,
    /// Of the model.
    pub(super) model: String,
    /// Of the base-rate model.
    pub(super) base_rate: String,
    /// How to read it.
    pub(super) meaning: &'static str,
}

/// The figures of a judged set beside those of the base-rate model.
pub(super) fn figures(quality: &Quality) -> Vec<Figure> {
    let maybe = |value: Option<f64>, text: &dyn Fn(f64) -> String| value.map_or_else(|| "not defined".to_owned(), text);
    let none = || super::numbers::NO_NUMBER.to_owned();
    let figure = |name, model, base_rate, meaning| Figure { name, model, base_rate, meaning };
    vec![
        figure(
            "Log-loss",
            fixed(quality.log_loss, 4),
            fixed(quality.log_loss_base_rate, 4),
            "surprise at what happened; lower is better",
        ),
        figure(
            "AUC",
            maybe(quality.auc, &|v| fixed(v, 3)),
            fixed(0.5, 3),
            "how often a leaver ranks above a stayer; 1 is perfect",
        ),
        figure(
            "Average precision",
            maybe(quality.average_precision, &|v| fixed(v, 3)),
            fixed(quality.observed_rate, 3),
            "mean share of leavers on lists of every length; higher is better",
        ),
        figure(
            "Brier score",
            fixed(quality.brier, 4),
            fixed(quality.brier_base_rate, 4),
            "squared error of the probabilities; lower is better",
        ),
        figure(
            "Calibration error",
            percent(quality.calibration_error),
            none(),
            "mean gap between predicted and observed rate; lower is better",
        ),
        figure("Mean predicted risk", percent(quality.mean_predicted), none(), "to be compared with the observed rate"),
        figure("Observed rate", percent(quality.observed_rate), none(), "what happened"),
    ]
}

/// The base rates, each with its name.
pub(super) fn base_rates(content: &ArtifactContent) -> Vec<(String, f64)> {
    match &content.target {
        Target::Hazard { horizons_months, period_months, .. } => {
            let period = if *period_months == 1 {
                "one month".to_owned()
            } else {
                format!("one period ({period_months} months)")
            };
            let horizons = horizons_months.iter().zip(&content.base_rates.horizons);
            let horizons = horizons.map(|(months, rate)| (format!("within {months} months"), *rate));
            std::iter::once((period, content.base_rates.period)).chain(horizons).collect()
        }
        Target::SinglePeriod { .. } => vec![("per row".to_owned(), content.base_rates.period)],
    }
}

/// What the headline base rate is the share of.
pub(super) fn headline_base_rate_text(content: &ArtifactContent) -> String {
    match &content.target {
        Target::Hazard { risk_horizon_months, .. } => {
            format!("of all leave within {risk_horizon_months} months: the base rate in training")
        }
        Target::SinglePeriod { .. } => "of all rows are leavers: the base rate in training".to_owned(),
    }
}

/// The base rate that belongs to the headline risk.
pub(super) fn headline_base_rate(content: &ArtifactContent) -> f64 {
    let Target::Hazard { horizons_months, risk_horizon_months, .. } = &content.target else {
        return content.base_rates.period;
    };
    let position = horizons_months.iter().position(|months| months == risk_horizon_months);
    position.and_then(|i| content.base_rates.horizons.get(i)).copied().unwrap_or(content.base_rates.period)
}
