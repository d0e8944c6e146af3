//! How good the model proved: lists, reliability, periods of time, and what came of its scores since.

use flight_risk_proto::v1;
use flight_risk_scoring::wording::numbers::{count, fixed, people};
use flight_risk_scoring::wording::summary::wilson;

use crate::console::charts::{Chart, Estimate, Lift, Markup, Reliability, ReliabilityBin, Share};
use crate::console::words::{day, percent, percent_range};

/// The length of list that people think in; the nearest that was judged is drawn.
const USUAL_LIST: u64 = 20;

/// Rows on which the model was judged.
pub(super) struct JudgedSet {
    pub(super) title: String,
    pub(super) about: String,
    pub(super) lists: Vec<ListRow>,
    pub(super) reliability: Option<Markup>,
}

/// What a list of the riskiest finds.
pub(super) struct ListRow {
    pub(super) length: String,
    pub(super) expected: String,
    pub(super) found: String,
    pub(super) by_lot: String,
    pub(super) times: String,
}

/// The sets of rows, the headline risk first.
pub(super) fn sets(model: &v1::Model, metrics: &v1::ModelMetrics) -> Vec<JudgedSet> {
    let mut sets = Vec::new();
    if let Some(horizon) = &metrics.horizon
        && let Some(quality) = &horizon.quality
    {
        let title = format!("Risk within {} months", horizon.months);
        let about = format!(
            "{} employees as they were known on {}; {} of them left within {} months. {} more could not be followed to the end.",
            count(quality.rows),
            day(&horizon.as_of),
            count(quality.events),
            horizon.months,
            count(horizon.censored),
        );
        sets.push(set(title, about, quality));
    }
    if let Some(quality) = &metrics.rows {
        let (title, rows) = match &model.target {
            Some(v1::model::Target::Hazard(target)) if target.period_months == 1 => {
                ("Risk in one month".to_owned(), "months of single employees")
            }
            Some(v1::model::Target::Hazard(target)) => {
                (format!("Risk in {} months", target.period_months), "periods of single employees")
            }
            _ => ("Risk per row".to_owned(), "rows"),
        };
        let about = format!("{} {rows}, {} of them with an exit.", count(quality.rows), count(quality.events));
        sets.push(set(title, about, quality));
    }
    sets
}

fn set(title: String, about: String, quality: &v1::Quality) -> JudgedSet {
    let bins = quality.reliability.iter().filter_map(|group| {
        let (low, high) = wilson(group.observed, group.rows);
        Some(ReliabilityBin {
            predicted: Share::new(group.predicted)?,
            observed: Estimate::share(group.observed, low, high)?,
            people: group.rows,
        })
    });
    let lists = quality.lift.iter().map(|list| ListRow {
        length: count(list.length),
        expected: people(list.expected),
        found: count(list.found),
        by_lot: people(by_lot(quality, list)),
        times: format!("{} times", fixed(list.lift, 1)),
    });
    JudgedSet {
        reliability: chart(format!("What it said and what happened: {}", lowered(&title)), bins.collect()),
        lists: lists.collect(),
        title,
        about,
    }
}

fn chart(title: String, bins: Vec<ReliabilityBin>) -> Option<Markup> {
    (!bins.is_empty()).then(|| Reliability { title, bins }.figure())
}

fn lowered(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().collect::<String>() + characters.as_str())
}

fn by_lot(quality: &v1::Quality, list: &v1::ListLift) -> f64 {
    list.length as f64 * quality.observed_rate
}

/// What to expect of a list of the usual length, drawn.
pub(super) fn lift(metrics: &v1::ModelMetrics) -> Option<Markup> {
    let quality = metrics.horizon.as_ref().and_then(|horizon| horizon.quality.as_ref()).or(metrics.rows.as_ref())?;
    let list = quality.lift.iter().min_by_key(|list| list.length.abs_diff(USUAL_LIST))?;
    let whole = |number: f64| number.round().max(0.0) as u64;
    let rate = list.found as f64 / list.length.max(1) as f64;
    let (low, high) = wilson(rate, list.length);
    let chart = Lift {
        title: format!("A list of {}", count(list.length)),
        listed: list.length,
        expected: list.found,
        likely: Some((whole(low * list.length as f64), whole(high * list.length as f64))),
        by_chance: whole(by_lot(quality, list)),
    };
    Some(chart.figure())
}

/// Periods of time, one after the other.
pub(super) struct PeriodTable {
    pub(super) title: &'static str,
    pub(super) about: &'static str,
    pub(super) words: String,
    pub(super) rows: Vec<PeriodRow>,
}

/// A period.
pub(super) struct PeriodRow {
    pub(super) period: String,
    pub(super) learned: String,
    pub(super) judged: String,
    pub(super) expected: String,
    pub(super) found: String,
    pub(super) predicted: String,
    pub(super) observed: String,
    pub(super) pairs: String,
    pub(super) held: &'static str,
}

/// Whether it held over time.
pub(super) fn periods(model: &v1::Model) -> Vec<PeriodTable> {
    let mut tables = Vec::new();
    let about = [
        (
            "One model, later time",
            "Learned once, then judged period by period on the time after.",
            &model.stability,
            &model.stability_text,
        ),
        (
            "Walking forward",
            "Learned anew before each period from everything before it, as when it is retrained regularly.",
            &model.backtest,
            &model.backtest_text,
        ),
    ];
    for (title, about, periods, words) in about {
        if !periods.is_empty() {
            let rows = periods.iter().map(period).collect();
            tables.push(PeriodTable { title, about, words: words.clone(), rows });
        }
    }
    tables
}

fn period(period: &v1::PeriodQuality) -> PeriodRow {
    let (low, high) = wilson(period.observed_rate, period.rows);
    let held = (low..=high).contains(&period.mean_predicted);
    PeriodRow {
        period: if period.from == period.until {
            day(&period.from)
        } else {
            format!("{} to {}", day(&period.from), day(&period.until))
        },
        learned: format!("{} ({} leavers)", count(period.trained_rows), count(period.trained_events)),
        judged: count(period.rows),
        expected: people(period.mean_predicted * period.rows as f64),
        found: count(period.events),
        predicted: fine_percent(period.mean_predicted),
        observed: format!("{} ({} to {})", fine_percent(period.observed_rate), fine_percent(low), fine_percent(high)),
        pairs: period
            .auc
            .map_or_else(|| "cannot be told".to_owned(), |auc| format!("{} of 100", fixed(auc * 100.0, 0))),
        held: match (held, period.mean_predicted < low) {
            (true, _) => "as expected",
            (false, true) => "more left than expected",
            (false, false) => "fewer left than expected",
        },
    }
}

/// Rates of one period are small: whole percents would all be the same.
fn fine_percent(rate: f64) -> String {
    flight_risk_scoring::wording::numbers::percent(rate)
}

/// What came of the scores that this model gave.
pub(super) struct Realised {
    pub(super) words: String,
    pub(super) pending: String,
    pub(super) chart: Option<Markup>,
    pub(super) groups: Vec<RealisedRow>,
}

/// Scores of much the same risk.
pub(super) struct RealisedRow {
    pub(super) scores: String,
    pub(super) predicted: String,
    pub(super) observed: String,
    pub(super) likely: String,
}

impl Realised {
    pub(super) fn of(reply: &v1::GetRealizedCalibrationResponse, model: &v1::Model) -> Self {
        let promised = model.metrics.as_ref().and_then(|metrics| metrics.horizon.as_ref()?.quality.as_ref());
        let words = match &reply.total {
            None => "Not known yet: no scores of this model, or of too few people, are so old that their whole time has passed."
                .to_owned(),
            Some(total) => {
                let within = total.predicted >= total.observed_low && total.predicted <= total.observed_high;
                let fits = match (within, total.predicted < total.observed_low) {
                    (true, _) => "That fits what it promised.",
                    (false, true) => "More left than it said: trust the order more than the number, and train it again.",
                    (false, false) => "Fewer left than it said: trust the order more than the number, and train it again. (What you did about it may be a reason, too.)",
                };
                let before = promised.map_or_else(String::new, |quality| {
                    format!(
                        " When it was judged in training it said {} and {} left.",
                        percent(quality.mean_predicted),
                        percent(quality.observed_rate)
                    )
                });
                format!(
                    "Of {} scores whose whole time has passed it said {} on average, and {} left (likely {}). {fits}{before}",
                    count(total.scores),
                    percent(total.predicted),
                    percent(total.observed),
                    percent_range(total.observed_low, total.observed_high)
                )
            }
        };
        let bins = reply.groups.iter().filter_map(|group| {
            Some(ReliabilityBin {
                predicted: Share::new(group.predicted)?,
                observed: Estimate::share(group.observed, group.observed_low, group.observed_high)?,
                people: group.scores,
            })
        });
        let groups = reply.groups.iter().map(|group| RealisedRow {
            scores: count(group.scores),
            predicted: percent(group.predicted),
            observed: percent(group.observed),
            likely: percent_range(group.observed_low, group.observed_high),
        });
        Self {
            words,
            pending: if reply.pending == 0 {
                String::new()
            } else {
                format!("The time of {} more scores has not passed yet; they are not counted.", count(reply.pending))
            },
            chart: chart("What it said here and what happened".to_owned(), bins.collect()),
            groups: groups.collect(),
        }
    }
}
