//! The company's calendar: monthly periods, and what falls into each of them.

use flight_risk_scoring::Day;

/// How many years before the first exits the longest-serving people were hired.
pub(super) const PAST_YEARS: i32 = 20;
/// How many months of surveys and feedback lie before the first exits: without them everybody's engagement would be unknown
/// in the first months, and a hazard that reads unknown as zero would jump.
pub(super) const WARM_UP_MONTHS: i32 = 6;

/// A month: the days after `start`, up to and including `end`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Period {
    pub(super) start: Day,
    pub(super) end: Day,
    /// The yearly pay round.
    pub(super) pay_round: Option<Day>,
    /// One of the two days a year on which promotions take effect.
    pub(super) promotions: Option<Day>,
    /// The opening of the quarterly survey.
    pub(super) survey: Option<Day>,
    /// The half-yearly performance review.
    pub(super) review: Option<Day>,
}

/// All periods, ascending, with the first ones that matter.
#[derive(Clone, Debug)]
pub(super) struct Calendar {
    pub(super) periods: Vec<Period>,
    /// Position of the first period with surveys and feedback.
    pub(super) first_recorded: usize,
    /// Position of the first period in which people decide to leave.
    pub(super) first_exits: usize,
}

impl Calendar {
    /// The periods whose last day is `end`, counted back as the training rows count them: `end.plus_months(-k)`.
    pub(super) fn new(years: u32, end: Day) -> Self {
        let window = 12 * i32::try_from(years).unwrap_or(i32::MAX / 24);
        let total = window + 12 * (PAST_YEARS + 1);
        let periods: Vec<Period> =
            (0..total).map(|i| Period::new(end.plus_months(i - total), end.plus_months(i + 1 - total))).collect();
        // The first decisions fall a month before the window: their exits are the window's first.
        let at = |months: i32| usize::try_from(total - months).unwrap_or_default();
        Self { periods, first_recorded: at(window + 1 + WARM_UP_MONTHS), first_exits: at(window + 1) }
    }

    /// The position of the period that holds this day.
    pub(super) fn position(&self, day: Day) -> usize {
        self.periods.partition_point(|p| p.end < day)
    }
}

impl Period {
    fn new(start: Day, end: Day) -> Self {
        let falls = |months: &[u32], day: u32| {
            [start.year(), end.year()]
                .into_iter()
                .flat_map(|year| months.iter().filter_map(move |&month| Day::from_ymd(year, month, day)))
                .find(|&d| start < d && d <= end)
        };
        Self {
            start,
            end,
            pay_round: falls(&[4], 1),
            promotions: falls(&[4, 10], 1),
            survey: falls(&[2, 5, 8, 11], 8),
            review: falls(&[3, 9], 10),
        }
    }
}
