//! How the model does from period to period: expected beside observed rates.

use flight_risk_scoring::metrics::PeriodQuality;
use flight_risk_scoring::wording::periods::sentence;

use super::chart::{Anchor, Axis, Canvas};
use super::escape::shortened;
use super::numbers::{NO_NUMBER, count, fixed, people, percent};
use super::quality_charts::percent_axis;
use super::summary::{self, wilson};
use super::tables::{table, with_table};

/// Expected and observed rates of some periods, as a chart and a table.
pub(super) fn periods(id: &str, title: &str, periods: &[PeriodQuality]) -> String {
    const LEFT: f64 = 58.0;
    const RIGHT: f64 = 750.0;
    const TOP: f64 = 40.0;
    const BOTTOM: f64 = 250.0;
    let intervals: Vec<(f64, f64)> = periods.iter().map(|p| wilson(p.observed_rate, p.rows)).collect();
    let rates = periods.iter().map(|p| p.mean_predicted.max(p.base_rate));
    let most = intervals.iter().map(|(_, high)| *high).chain(rates).fold(1e-4, f64::max).min(1.0) * 1.05;
    let mut canvas = Canvas::new(760.0, BOTTOM + 40.0);
    let slot = (RIGHT - LEFT) / periods.len().max(1) as f64;
    let fits = (slot / 6.4) as usize;
    let none = Axis { range: (0.0, 1.0), ticks: Vec::new(), title: String::new() };
    let (_, up) = canvas.frame((LEFT, TOP, RIGHT, BOTTOM), &none, &percent_axis(most, 4, ""));
    canvas.rectangle("bar", (LEFT, 9.0), (LEFT + 18.0, 19.0));
    canvas.text("tick", (LEFT + 24.0, 18.0), Anchor::Start, "expected");
    canvas.interval((LEFT + 110.0, 6.0), (LEFT + 110.0, 22.0));
    canvas.dot("mark", (LEFT + 110.0, 14.0));
    canvas.text(
        "tick",
        (LEFT + 122.0, 18.0),
        Anchor::Start,
        "observed, with its 90 % interval; below, the first and the last day of each period",
    );
    for (index, (period, (low, high))) in periods.iter().zip(&intervals).enumerate() {
        let middle = LEFT + slot * (index as f64 + 0.5);
        let half = (slot * 0.3).min(34.0);
        canvas.rectangle("bar", (middle - half, up.at(period.mean_predicted)), (middle + half, BOTTOM));
        canvas.interval((middle, up.at(*low)), (middle, up.at(*high)));
        canvas.dot("mark", (middle, up.at(period.observed_rate)));
        canvas.text("tick", (middle, BOTTOM + 16.0), Anchor::Middle, &shortened(&period.from, fits));
        if period.until != period.from {
            canvas.text("tick", (middle, BOTTOM + 31.0), Anchor::Middle, &shortened(&period.until, fits));
        }
    }
    let caption = sentence(periods);
    let row = |(p, (low, high)): (&PeriodQuality, &(f64, f64))| {
        vec![
            summary::period_name(p),
            format!("{} ({})", count(p.trained_rows), count(p.trained_events)),
            count(p.rows),
            people(p.mean_predicted * p.rows as f64),
            count(p.events),
            percent(p.mean_predicted),
            format!("{} ({} to {})", percent(p.observed_rate), percent(*low), percent(*high)),
            p.auc.map_or_else(|| NO_NUMBER.to_owned(), |auc| fixed(auc, 3)),
            format!("{} / {}", fixed(p.log_loss, 4), fixed(p.log_loss_base_rate, 4)),
        ]
    };
    let rows: Vec<Vec<String>> = periods.iter().zip(&intervals).map(row).collect();
    let heads = [
        "period",
        "learned from (exits)",
        "judged",
        "exits expected",
        "exits found",
        "predicted",
        "observed (90 %)",
        "AUC",
        "log-loss / base rate's",
    ];
    with_table(&canvas.finish(id, title, &caption), &caption, &table(title, &heads, &rows))
}

/// The heads and rows of the periods for the card: fewer columns.
pub(super) fn short_rows(periods: &[PeriodQuality]) -> Vec<Vec<String>> {
    let row = |p: &PeriodQuality| {
        vec![
            summary::period_name(p),
            count(p.rows),
            people(p.mean_predicted * p.rows as f64),
            count(p.events),
            p.auc.map_or_else(|| NO_NUMBER.to_owned(), |auc| fixed(auc, 3)),
        ]
    };
    periods.iter().map(row).collect()
}

/// Heads of [`short_rows`].
pub(super) const SHORT_HEADS: &[&str] = &["period", "rows judged", "exits expected", "exits found", "AUC"];
