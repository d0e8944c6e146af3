//! The model in figures: the judged sets, whether they are calibrated, base rates. Plain text, for both documents.

use crate::ArtifactContent;
use crate::artifact::Target;
use crate::features::Family;
use crate::metrics::{ListLift, PeriodQuality, Quality, ReliabilityGroup};
use crate::schema::SourceFeature;
use crate::scorer::Z_90;

use super::numbers::{fixed, percent};

/// The length of list that people think in; the nearest that was judged is shown first.
const USUAL_LIST: u64 = 20;
/// A calibration error below this share of the observed rate does not mislead anybody.
const SMALL_ERROR: f64 = 0.1;
/// Standard normal quantile of 0.99.
const Z_99: f64 = 2.326;

/// A judged set of rows and how to speak about it.
#[derive(Clone, Debug)]
pub struct Judged<'a> {
    /// Its figures.
    pub quality: &'a Quality,
    /// Short title.
    pub title: String,
    /// What one row is, plural.
    pub rows: &'static str,
    /// What the rows with the event are, plural.
    pub events: &'static str,
}

/// Whether the probabilities can be read as they stand.
#[derive(Clone, Debug, PartialEq)]
pub enum Calibrated {
    /// The differences are no larger than chance makes them, or too small to mislead.
    Yes,
    /// On the whole, but not where the risk is highest, which is where people look.
    NotAtTop(ReliabilityGroup),
    /// Too high or too low.
    No,
}

/// What one row of training is, plural.
pub fn row_noun(content: &ArtifactContent) -> &'static str {
    match content.target {
        Target::Hazard { period_months: 1, .. } => "employee-months",
        Target::Hazard { .. } => "employee-periods",
        Target::SinglePeriod { .. } => "rows",
    }
}

/// The judged sets, the headline first.
pub fn judged(content: &ArtifactContent) -> Vec<Judged<'_>> {
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
pub fn beats_base_rate(quality: &Quality) -> bool {
    quality.log_loss < quality.log_loss_base_rate
}

/// The 90 % interval of a rate observed on some rows (Wilson 1927).
pub fn wilson(rate: f64, rows: u64) -> (f64, f64) {
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
pub fn calibrated(quality: &Quality) -> Calibrated {
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
pub fn usual_list(quality: &Quality) -> Option<&ListLift> {
    quality.lift.iter().min_by_key(|list| list.length.abs_diff(USUAL_LIST))
}

/// Leavers on a list drawn by lot.
pub fn by_chance(quality: &Quality, list: &ListLift) -> f64 {
    list.length as f64 * quality.observed_rate
}

/// One figure of the table of metrics.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Name.
    pub name: &'static str,
    /// Of the model.
    pub model: String,
    /// Of the base-rate model.
    pub base_rate: String,
    /// How to read it.
    pub meaning: &'static str,
}

/// The figures of a judged set beside those of the base-rate model.
pub fn figures(quality: &Quality) -> Vec<Figure> {
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
pub fn base_rates(content: &ArtifactContent) -> Vec<(String, f64)> {
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
pub fn headline_base_rate_text(content: &ArtifactContent) -> String {
    match &content.target {
        Target::Hazard { risk_horizon_months, .. } => {
            format!("of all leave within {risk_horizon_months} months: the base rate in training")
        }
        Target::SinglePeriod { .. } => "of all rows are leavers: the base rate in training".to_owned(),
    }
}

/// A label at the beginning of a line; the name of a column of somebody's table stays as it is.
pub fn heading(feature: &SourceFeature) -> String {
    if feature.family == Family::Other { feature.label.clone() } else { capitalised(&feature.label) }
}

/// "yes" or nothing.
pub fn yes(value: bool) -> String {
    if value { "yes".to_owned() } else { String::new() }
}

/// The text with a capital letter.
pub fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + characters.as_str())
}

/// From when to when a period is.
pub fn period_name(period: &PeriodQuality) -> String {
    if period.from == period.until { period.from.clone() } else { format!("{} to {}", period.from, period.until) }
}
