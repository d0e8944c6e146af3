//! One employee's survey answers, grouped into waves, with running sums so that any window costs two look-ups.

use crate::date::Day;
use crate::history::SurveyResponse;

/// The drivers that have a feature of their own; any other driver counts in the index and as the lowest.
pub const KNOWN_DRIVERS: [&str; 6] = ["growth", "recognition", "manager", "workload", "belonging", "intent_to_stay"];

/// The driver that is a forecast by the employee rather than a view of the work: kept out of the engagement index.
const INTENT_TO_STAY: &str = "intent_to_stay";

/// Answers up to this many days before the latest one are averaged into the latest index, so that a daily pulse question
/// does not make the index jump with every answer; a quarterly survey has one wave in such a window.
pub const INDEX_WINDOW_DAYS: i32 = 30;

/// Running sums over answered waves up to and including one of them; time in days since the first answered wave.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sums {
    n: f64,
    t: f64,
    y: f64,
    ty: f64,
    tt: f64,
}

impl Sums {
    fn minus(self, other: Self) -> Self {
        Self {
            n: self.n - other.n,
            t: self.t - other.t,
            y: self.y - other.y,
            ty: self.ty - other.ty,
            tt: self.tt - other.tt,
        }
    }
}

/// The survey history of one employee.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SurveyHistory {
    /// Every wave to which the employee was invited, ascending, and whether it was answered.
    invited: Vec<(Day, bool)>,
    /// Number of answered waves among the first `i` invited ones (one element more than `invited`).
    answered_before: Vec<u32>,
    /// Answered waves that have an index: day, index, lowest driver.
    waves: Vec<(Day, f64, f64)>,
    /// Running sums over `waves` (one element more than `waves`).
    sums: Vec<Sums>,
    /// Answers to each known driver, ascending.
    drivers: [Vec<(Day, f64)>; KNOWN_DRIVERS.len()],
}

impl SurveyHistory {
    /// Groups responses by day and survey into waves.
    pub fn new(mut responses: Vec<SurveyResponse>) -> Self {
        for response in &mut responses {
            // Nearly all names are in this form already; a new text for each would take longer than all the rest here.
            if response.driver.bytes().any(|b| !matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_')) {
                response.driver = response.driver.trim().to_ascii_lowercase().replace([' ', '-'], "_");
            }
        }
        // A full order, so that the order of the rows in a file means nothing.
        responses.sort_by(|a, b| {
            (a.date, &a.survey, &a.driver)
                .cmp(&(b.date, &b.survey, &b.driver))
                .then_with(|| a.score.unwrap_or(f64::NEG_INFINITY).total_cmp(&b.score.unwrap_or(f64::NEG_INFINITY)))
        });
        let mut history = Self { answered_before: vec![0], sums: vec![Sums::default()], ..Self::default() };
        for wave in responses.chunk_by(|a, b| a.date == b.date && a.survey == b.survey) {
            history.push_wave(wave);
        }
        for response in &responses {
            let known = KNOWN_DRIVERS.iter().position(|&d| d == response.driver);
            if let (Some(score), Some(driver)) = (response.score, known.and_then(|i| history.drivers.get_mut(i))) {
                driver.push((response.date, score));
            }
        }
        history
    }

    fn push_wave(&mut self, wave: &[SurveyResponse]) {
        let Some(day) = wave.first().map(|r| r.date) else { return };
        let answers = || wave.iter().filter_map(|r| r.score.map(|score| (r.driver.as_str(), score)));
        let answered = answers().next().is_some();
        self.invited.push((day, answered));
        let before = self.answered_before.last().copied().unwrap_or_default();
        self.answered_before.push(before + u32::from(answered));
        let (mut sum, mut count, mut lowest) = (0.0, 0.0, f64::INFINITY);
        for (driver, score) in answers() {
            if driver != INTENT_TO_STAY {
                sum += score;
                count += 1.0;
                lowest = f64::min(lowest, score);
            }
        }
        if count == 0.0 {
            return;
        }
        let index = sum / count;
        let origin = self.waves.first().map_or(day, |w| w.0);
        let t = f64::from(day.days_since(origin));
        let last = self.sums.last().copied().unwrap_or_default();
        self.sums.push(Sums {
            n: last.n + 1.0,
            t: last.t + t,
            y: last.y + index,
            ty: last.ty + t * index,
            tt: last.tt + t * t,
        });
        self.waves.push((day, index, lowest));
    }

    /// The first day of any invitation or answer.
    pub fn first_date(&self) -> Option<Day> {
        self.invited.first().map(|w| w.0)
    }

    /// The last day of any invitation or answer.
    pub fn last_date(&self) -> Option<Day> {
        self.invited.last().map(|w| w.0)
    }

    /// Waves answered on or before `as_of`.
    fn waves_until(&self, as_of: Day) -> usize {
        self.waves.partition_point(|w| w.0 <= as_of)
    }

    fn sums_between(&self, start: usize, end: usize) -> Sums {
        let at = |i: usize| self.sums.get(i).copied().unwrap_or_default();
        at(end).minus(at(start))
    }

    /// The day of the latest answered wave on or before `as_of`.
    pub fn last_answer(&self, as_of: Day) -> Option<Day> {
        self.waves_until(as_of).checked_sub(1).and_then(|i| self.waves.get(i)).map(|w| w.0)
    }

    /// Mean index (0 to 1) of the waves answered in the [`INDEX_WINDOW_DAYS`] days up to the latest answer.
    pub fn latest_index(&self, as_of: Day) -> Option<f64> {
        let end = self.waves_until(as_of);
        let last = self.last_answer(as_of)?;
        let start = self.waves.partition_point(|w| w.0 <= last.plus_days(-INDEX_WINDOW_DAYS));
        let sums = self.sums_between(start, end);
        (sums.n > 0.0).then(|| sums.y / sums.n)
    }

    /// The lowest driver score (0 to 1) of the latest answered wave.
    pub fn latest_lowest(&self, as_of: Day) -> Option<f64> {
        self.waves_until(as_of).checked_sub(1).and_then(|i| self.waves.get(i)).map(|w| w.2)
    }

    /// Least-squares slope of the index, per year, over the waves answered in the `window` days up to `as_of`;
    /// `None` when those waves span less than a month.
    pub fn slope_per_year(&self, as_of: Day, window: i32) -> Option<f64> {
        let end = self.waves_until(as_of);
        let start = self.waves.partition_point(|w| w.0 <= as_of.plus_days(-window));
        let first = self.waves.get(start..end)?.first()?.0;
        let last = self.waves.get(start..end)?.last()?.0;
        if last.days_since(first) < INDEX_WINDOW_DAYS {
            return None;
        }
        let s = self.sums_between(start, end);
        let spread = s.tt - s.t * s.t / s.n;
        (spread > 0.0).then(|| (s.ty - s.t * s.y / s.n) / spread * crate::date::DAYS_PER_YEAR)
    }

    /// The latest answer (0 to 1) to a known driver on or before `as_of`.
    pub fn latest_driver(&self, driver: usize, as_of: Day) -> Option<f64> {
        let answers = self.drivers.get(driver)?;
        let end = answers.partition_point(|a| a.0 <= as_of);
        end.checked_sub(1).and_then(|i| answers.get(i)).map(|a| a.1)
    }

    /// Whether the latest invitation on or before `as_of` was answered.
    pub fn answered_latest(&self, as_of: Day) -> Option<bool> {
        let end = self.invited.partition_point(|w| w.0 <= as_of);
        end.checked_sub(1).and_then(|i| self.invited.get(i)).map(|w| w.1)
    }

    /// Share (0 to 1) of the invitations of the `window` days up to `as_of` that were answered.
    pub fn response_rate(&self, as_of: Day, window: i32) -> Option<f64> {
        let end = self.invited.partition_point(|w| w.0 <= as_of);
        let start = self.invited.partition_point(|w| w.0 <= as_of.plus_days(-window));
        let invited = end.checked_sub(start).filter(|&n| n > 0)?;
        let answered = self.answered_before.get(end)?.checked_sub(*self.answered_before.get(start)?)?;
        Some(f64::from(answered) / invited as f64)
    }
}
