//! How a model does from period to period: the judged rows cut in time, and walking forward.

use flight_risk_scoring::metrics::PeriodQuality;

use crate::metrics::{auc, log_loss, log_loss_of};
use crate::table::{Times, TrainingTable};

/// Most periods.
const MOST_PERIODS: usize = 8;
/// Voluntary exits that a period should have: with fewer its figures say little.
const EVENTS_PER_PERIOD: usize = 30;
/// With fewer voluntary exits than this there is but one period.
const EVENTS_FOR_TWO: usize = 20;

/// Time indices from the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) first: usize,
    pub(crate) last: usize,
}

/// Cuts the times from `from` on into periods with about the same number of exits, ascending, `extra` more than the usual most.
pub(crate) fn periods(events: &[bool], times: &Times, from: usize, extra: usize) -> Vec<Period> {
    let mut per_time = vec![0_usize; times.labels.len()];
    for (&event, &time) in events.iter().zip(&times.index) {
        if let (true, Some(count)) = (event, per_time.get_mut(time as usize)) {
            *count += 1;
        }
    }
    let per_time = per_time.get(from..).unwrap_or_default();
    let total: usize = per_time.iter().sum();
    let wanted = (total / EVENTS_PER_PERIOD).clamp(if total >= EVENTS_FOR_TWO { 2 } else { 1 }, MOST_PERIODS + extra);
    let (mut periods, mut first, mut seen): (Vec<Period>, usize, usize) = (Vec::new(), from, 0);
    for (time, count) in (from..).zip(per_time) {
        seen += count;
        let full = seen * wanted >= total * (periods.len() + 1);
        // What follows the last exit belongs to its period.
        if full && periods.len() + 1 < wanted && seen < total {
            periods.push(Period { first, last: time });
            first = time + 1;
        }
    }
    if first < times.labels.len() {
        periods.push(Period { first, last: times.labels.len() - 1 });
    }
    periods
}

/// The rows a model learned from, in numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Learned {
    rows: usize,
    events: usize,
}

impl Learned {
    pub(crate) fn from(table: &TrainingTable, rows: &[usize]) -> Self {
        Self { rows: rows.len(), events: table.events_of(rows).into_iter().filter(|&event| event).count() }
    }

    pub(crate) fn base_rate(self) -> f64 {
        self.events as f64 / self.rows.max(1) as f64
    }

    /// Whether there are so many with and without an exit.
    pub(crate) fn has(self, least: usize) -> bool {
        self.events >= least && self.rows - self.events >= least
    }
}

/// The figures of one period; `rows` with their predictions may hold those of other periods too. `None` without rows.
pub(crate) fn period_quality(
    table: &TrainingTable,
    period: Period,
    learned: Learned,
    rows: &[usize],
    predicted: &[f64],
) -> Option<PeriodQuality> {
    let times = table.times.as_ref()?;
    let within =
        |row: usize| times.index.get(row).is_some_and(|&t| (period.first..=period.last).contains(&(t as usize)));
    let (rows, predicted): (Vec<usize>, Vec<f64>) =
        rows.iter().copied().zip(predicted.iter().copied()).filter(|(row, _)| within(*row)).unzip();
    if rows.is_empty() {
        return None;
    }
    let events = table.events_of(&rows);
    let (count, left) = (rows.len() as f64, events.iter().filter(|&&event| event).count());
    let base_rate = learned.base_rate();
    Some(PeriodQuality {
        from: times.labels.get(period.first)?.clone(),
        until: times.labels.get(period.last)?.clone(),
        trained_rows: learned.rows as u64,
        trained_events: learned.events as u64,
        rows: rows.len() as u64,
        events: left as u64,
        base_rate,
        mean_predicted: predicted.iter().sum::<f64>() / count,
        observed_rate: left as f64 / count,
        auc: auc(&events, &predicted),
        log_loss: log_loss(&events, &predicted),
        log_loss_base_rate: events.iter().map(|&event| log_loss_of(event, base_rate)).sum::<f64>() / count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(counts: &[usize], from: usize, extra: usize) -> Vec<(usize, usize)> {
        let index: Vec<u32> = counts.iter().zip(0..).flat_map(|(&n, time)| std::iter::repeat_n(time, n)).collect();
        let times = Times { labels: counts.iter().map(|n| n.to_string()).collect(), index };
        periods(&vec![true; times.index.len()], &times, from, extra).iter().map(|p| (p.first, p.last)).collect()
    }

    #[test]
    fn periods_have_their_share_of_the_exits_and_leave_no_time_out() {
        for (counts, from, extra, expected) in [
            (&[30, 30, 30, 30][..], 0, 0, &[(0, 0), (1, 1), (2, 2), (3, 3)][..]),
            (&[30, 30, 30, 30], 1, 0, &[(1, 1), (2, 2), (3, 3)]),
            (&[10; 12], 0, 0, &[(0, 2), (3, 5), (6, 8), (9, 11)]),
            (&[12, 12], 0, 0, &[(0, 0), (1, 1)]),
            (&[4, 4, 4], 0, 0, &[(0, 2)]),
            (&[0, 100, 0, 0], 0, 0, &[(0, 3)]),
        ] {
            assert_eq!(cut(counts, from, extra), expected, "{counts:?} from {from}");
        }
        assert_eq!(cut(&[100; 20], 0, 0).len(), 8);
        assert_eq!(cut(&[100; 20], 0, 1).len(), 9);
    }
}
