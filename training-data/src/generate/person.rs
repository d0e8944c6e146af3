//! One person: who they are, and the decisions taken about them so far.

use flight_risk_scoring::history::Exit;
use flight_risk_scoring::{Day, EmployeeId};

use super::random::{Dice, Purpose};

/// Something that happens to a career for reasons outside of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum CareerEvent {
    /// Rises to this level without leading anybody.
    Rise(u8),
    /// Leads a team, at this level or at the own one where that is higher.
    Lead(u8),
}

/// Who somebody is, and what has been decided about them.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) number: usize,
    /// The number of the streams of random numbers; see [`Person::redrawn`].
    pub(super) stream: usize,
    pub(super) id: EmployeeId,
    pub(super) hire: Day,
    pub(super) hire_level: u8,
    pub(super) department: usize,
    pub(super) location: usize,
    pub(super) gender: &'static str,
    pub(super) birth: Day,
    pub(super) part_time: bool,
    /// The end of a fixed term, and whether a permanent contract follows.
    pub(super) term: Option<(Day, bool)>,
    /// Quality of work, mean 0, variance 1.
    pub(super) performance: f64,
    /// Contentment that does not change, mean 0.
    pub(super) disposition: f64,
    /// Log-odds of answering a survey in a neutral mood; `None`: never answers.
    pub(super) response: Option<f64>,
    /// First pay against the midpoint.
    pub(super) first_compa: f64,
    /// How hard the person is to replace, 0 to 1.
    pub(super) rarity: f64,
    /// As a manager: the effect on the mood of the team.
    pub(super) leadership: f64,
    /// As a manager: days between two one-on-ones with the same person.
    pub(super) one_on_one_days: f64,
    /// Who leads this person, ascending by day.
    pub(super) managers: Vec<(Day, Option<usize>)>,
    /// What happens to the career, ascending by day.
    pub(super) events: Vec<(Day, CareerEvent)>,
    /// The level of the team's lead, where the person leads one.
    pub(super) seat: Option<u8>,
    pub(super) exit: Option<Exit>,
}

/// Share of people who never answer a survey.
const NEVER_ANSWER: f64 = 0.04;

/// Beyond the number of any employee.
const REDRAW_STEP: usize = 1 << 24;

impl Person {
    /// Somebody hired on a day into a position.
    pub(super) fn new(seed: u64, number: usize, hire: Day, position: (usize, usize, u8)) -> Self {
        Self::drawn(seed, number, number, hire, position)
    }

    /// Somebody else with the same past on record: position, managers and promotions so far.
    pub(super) fn redrawn(&self, seed: u64) -> Self {
        let position = (self.department, self.location, self.hire_level);
        let other = Self::drawn(seed, self.number, self.stream + REDRAW_STEP, self.hire, position);
        Self { managers: self.managers.clone(), events: self.events.clone(), seat: self.seat, ..other }
    }

    fn drawn(seed: u64, number: usize, stream: usize, hire: Day, position: (usize, usize, u8)) -> Self {
        let mut dice = Dice::new(seed, Purpose::Traits, stream);
        let (department, location, hire_level) = position;
        let age = (29.0 + 1.8 * f64::from(hire_level) + 10.5 * dice.normal()).clamp(19.0, 60.0);
        let gender = match dice.unit() {
            u if u < 0.46 => "female",
            u if u < 0.98 => "male",
            _ => "diverse",
        };
        let rhythm = [14.0, 28.0, 42.0, 75.0, 150.0];
        Self {
            number,
            stream,
            id: employee_id(number),
            hire,
            hire_level,
            department,
            location,
            gender,
            birth: hire.plus_days(-(age * 365.25) as i32),
            part_time: dice.chance(0.13),
            term: None,
            performance: dice.normal(),
            disposition: 0.55 * dice.normal(),
            response: (!dice.chance(NEVER_ANSWER)).then(|| 1.7 + 1.0 * dice.normal()),
            first_compa: (1.0 + 0.10 * dice.normal()).clamp(0.75, 1.3),
            rarity: dice.unit(),
            leadership: 0.5 * dice.normal(),
            one_on_one_days: rhythm.get(dice.weighted(&[0.2, 0.35, 0.2, 0.15, 0.1])).copied().unwrap_or(28.0),
            managers: Vec::new(),
            events: Vec::new(),
            seat: None,
            exit: None,
        }
    }

    /// Who leads this person on a day.
    pub(super) fn manager_on(&self, day: Day) -> Option<usize> {
        let end = self.managers.partition_point(|m| m.0 <= day);
        end.checked_sub(1).and_then(|i| self.managers.get(i)).and_then(|m| m.1)
    }

    /// Who leads this person after everything decided so far.
    pub(super) fn manager(&self) -> Option<usize> {
        self.managers.last().and_then(|m| m.1)
    }

    /// Age in whole years.
    pub(super) fn age_on(&self, day: Day) -> i32 {
        (f64::from(day.days_since(self.birth)) / 365.25) as i32
    }
}

/// `E` and six digits: nobody's name.
fn employee_id(number: usize) -> EmployeeId {
    #[allow(clippy::expect_used, reason = "the text begins with a letter, so it is never blank")]
    EmployeeId::new(&format!("E{:06}", number + 1)).expect("an identifier that is not blank")
}
