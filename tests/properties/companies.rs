//! Random companies out of a seed, and what may happen to their records after a day.

use flight_risk_scoring::history::{
    Assignment, Exit, ExitKind, FeedbackEvent, FeedbackKind, HistoryFacts, SurveyResponse,
};
use flight_risk_scoring::{Company, Day, EmployeeHistory, EmployeeId};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const DRIVERS: [&str; 8] =
    ["growth", "recognition", "manager", "workload", "belonging", "intent_to_stay", "Intent to stay", "canteen"];
const KINDS: [FeedbackKind; 9] = [
    FeedbackKind::OneOnOne,
    FeedbackKind::RecognitionReceived,
    FeedbackKind::RecognitionGiven,
    FeedbackKind::FeedbackReceived,
    FeedbackKind::FeedbackGiven,
    FeedbackKind::PerformanceReview,
    FeedbackKind::GoalUpdate,
    FeedbackKind::StayInterview,
    FeedbackKind::Other,
];

/// Days on which something can happen: ten years from 2015 on.
const DAYS: i32 = 3650;

fn first_day() -> Day {
    Day::from_ymd(2015, 1, 1).unwrap()
}

/// Facts of a company, drawn from a seed.
pub(super) struct Draw {
    random: ChaCha8Rng,
    people: usize,
}

impl Draw {
    pub(super) fn new(seed: u64, people: usize) -> Self {
        Self { random: ChaCha8Rng::seed_from_u64(seed), people }
    }

    /// A day on which features are asked for.
    pub(super) fn as_of(&mut self) -> Day {
        first_day().plus_days(self.random.random_range(DAYS / 4..DAYS))
    }

    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.random.random_bool(probability)
    }

    /// A day, in the later years rather than the earlier ones so that windows are not empty.
    pub(super) fn day(&mut self) -> Day {
        let share = self.random.random::<f64>().sqrt();
        first_day().plus_days((share * f64::from(DAYS)) as i32)
    }

    /// A day after another.
    fn day_after(&mut self, day: Day) -> Day {
        day.plus_days(self.random.random_range(1..400))
    }

    fn id(number: usize) -> EmployeeId {
        EmployeeId::new(&format!("E{number}")).unwrap()
    }

    pub(super) fn facts(&mut self) -> Vec<HistoryFacts> {
        (0..self.people).map(|number| self.person(number)).collect()
    }

    fn person(&mut self, number: usize) -> HistoryFacts {
        let hire_date = self.day();
        let exit = self.random.random_bool(0.4).then(|| self.exit(hire_date));
        let mut facts = HistoryFacts {
            employee_id: Self::id(number),
            hire_date,
            exit,
            observed_until: None,
            assignments: Vec::new(),
            survey_responses: Vec::new(),
            feedback: Vec::new(),
        };
        for _ in 0..self.random.random_range(0..8) {
            let day = self.day().max(hire_date);
            facts.assignments.push(self.assignment(day));
        }
        for _ in 0..self.random.random_range(0..20) {
            let day = self.day().max(hire_date);
            facts.survey_responses.push(self.answer(day));
            facts.feedback.push(self.event(day));
        }
        facts
    }

    fn exit(&mut self, hire_date: Day) -> Exit {
        let kinds = [ExitKind::Voluntary, ExitKind::Voluntary, ExitKind::Involuntary, ExitKind::Retirement];
        Exit { date: self.day().max(hire_date), kind: *kinds.choose(&mut self.random).unwrap() }
    }

    fn assignment(&mut self, day: Day) -> Assignment {
        let people = self.people;
        let mut maybe = |most: usize| self.random.random_bool(0.9).then(|| self.random.random_range(0..most));
        // Few managers and units, so that teams are large enough to have a mean.
        Assignment {
            manager_id: maybe(people.div_ceil(8)).map(Self::id),
            department: maybe(2).map(|n| format!("D{n}")),
            location: maybe(2).map(|n| format!("L{n}")),
            job_title: maybe(3).map(|n| format!("T{n}")),
            job_level: maybe(5).map(|n| n as f64),
            annual_pay: maybe(50).map(|n| 30_000.0 + 1_234.5 * n as f64),
            pay_midpoint: maybe(5).map(|n| 40_000.0 + 10_000.0 * n as f64),
            critical_role: maybe(2).map(|n| n == 1),
            ..Assignment::starting(day)
        }
    }

    fn answer(&mut self, day: Day) -> SurveyResponse {
        let score = self.random.random_bool(0.8).then(|| self.random.random_range(0..=10) as f64 / 10.0);
        let driver = (*DRIVERS.choose(&mut self.random).unwrap()).to_owned();
        let survey = ["quarterly", "pulse"].choose(&mut self.random).unwrap().to_string();
        SurveyResponse { date: day, survey, driver, score }
    }

    fn event(&mut self, day: Day) -> FeedbackEvent {
        let rating = self.random.random_bool(0.7).then(|| self.random.random_range(1..=5) as f64);
        FeedbackEvent { date: day, kind: *KINDS.choose(&mut self.random).unwrap(), rating }
    }

    /// The same people with another future: everything dated after a day is dropped, changed or joined by more. Those employed
    /// on the day keep their order; nobody else does.
    pub(super) fn other_future(&mut self, facts: &[HistoryFacts], as_of: Day) -> Vec<HistoryFacts> {
        let mut changed = Vec::new();
        for person in facts {
            if person.hire_date > as_of && self.random.random_bool(0.5) {
                continue;
            }
            let mut person = person.clone();
            self.change_after(&mut person, as_of);
            changed.push(person);
        }
        for number in 0..self.random.random_range(0..4) {
            let hire_date = self.day_after(as_of);
            let mut person = self.person(1000 + number);
            // Nothing of a newcomer is dated before the day on which they come.
            person.hire_date = hire_date;
            person.exit = None;
            person.assignments.iter_mut().for_each(|a| a.effective_date = a.effective_date.max(hire_date));
            person.survey_responses.iter_mut().for_each(|s| s.date = s.date.max(hire_date));
            person.feedback.iter_mut().for_each(|f| f.date = f.date.max(hire_date));
            changed.push(person);
        }
        changed
    }

    fn change_after(&mut self, person: &mut HistoryFacts, as_of: Day) {
        let hire_date = person.hire_date.max(as_of);
        if person.exit.is_none_or(|exit| exit.date > as_of) {
            person.exit =
                self.random.random_bool(0.5).then(|| Exit { date: self.day_after(hire_date), ..self.exit(hire_date) });
            person.observed_until = self.random.random_bool(0.2).then(|| self.day_after(hire_date));
        }
        person.assignments.retain(|a| a.effective_date <= as_of || self.random.random_bool(0.5));
        person.survey_responses.retain(|s| s.date <= as_of || self.random.random_bool(0.5));
        person.feedback.retain(|f| f.date <= as_of || self.random.random_bool(0.5));
        for later in person.assignments.iter_mut().filter(|a| a.effective_date > as_of) {
            *later = self.assignment(later.effective_date);
        }
        for later in person.survey_responses.iter_mut().filter(|s| s.date > as_of) {
            *later = self.answer(later.date);
        }
        for later in person.feedback.iter_mut().filter(|f| f.date > as_of) {
            *later = self.event(later.date);
        }
        for _ in 0..self.random.random_range(0..6) {
            let day = self.day_after(as_of);
            person.assignments.push(self.assignment(day));
            person.survey_responses.push(self.answer(day));
            person.feedback.push(self.event(day));
        }
    }
}

/// The company of these facts.
pub(super) fn company(facts: &[HistoryFacts]) -> Option<Company> {
    Company::new(facts.iter().cloned().map(EmployeeHistory::new).collect(), None)
}
