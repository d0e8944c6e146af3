//! What a person says and does month by month: surveys, one-on-ones, recognition, feedback, reviews.
//!
//! Behind it is a mood that drifts slowly and is shared in part with the unit and coloured by the manager. It is never
//! written down; only answers and events are. As with careers, a change of manager alters nothing before its day.

use flight_risk_scoring::Day;
use flight_risk_scoring::history::{Exit, ExitKind};

use super::calendar::{Calendar, Period};
use super::career::Job;
use super::person::Person;
use super::random::{Dice, Purpose, logistic};
use super::{Contact, SurveyWave};

/// How much of last month's mood is left.
const MOOD_MEMORY: f64 = 0.95;
/// The monthly news in the mood.
const MOOD_NEWS: f64 = 0.20;
/// The spread of the drifting part in the long run: news / sqrt(1 - memory^2).
const MOOD_SPREAD: f64 = 0.64;
/// Days from the opening of the survey to the last answers.
const ANSWER_DAYS: i32 = 10;
/// Days after the hire date of the two surveys that newcomers get.
const ONBOARDING_DAYS: [i32; 2] = [7, 60];
/// The last days before an exit, in which behaviour changes; not longer than the blackout of the training rows.
pub(super) const FAREWELL_DAYS: i32 = 30;

/// The moods of the units (department and location) over the periods.
#[derive(Clone, Debug)]
pub(super) struct UnitMoods {
    moods: Vec<Vec<f64>>,
    locations: usize,
}

impl UnitMoods {
    pub(super) fn new(seed: u64, departments: usize, locations: usize, periods: usize) -> Self {
        let walk = |unit: usize| {
            let mut dice = Dice::new(seed, Purpose::Unit, unit);
            let mut mood = 0.3 * dice.normal();
            (0..periods)
                .map(|_| {
                    mood = 0.97 * mood + 0.07 * dice.normal();
                    mood
                })
                .collect()
        };
        Self { moods: (0..departments * locations).map(walk).collect(), locations }
    }

    fn mood(&self, person: &Person, period: usize) -> f64 {
        let unit = person.department * self.locations + person.location;
        self.moods.get(unit).and_then(|moods| moods.get(period)).copied().unwrap_or_default()
    }
}

struct Recorder<'a> {
    person: &'a Person,
    waves: Vec<SurveyWave>,
    contacts: Vec<Contact>,
    dice: Dice,
}

/// Everything one person says and does in the recorded periods, up to `last`.
pub(super) fn behaviour(
    seed: u64,
    person: &Person,
    jobs: &[Job],
    people: &[Person],
    calendar: &Calendar,
    units: &UnitMoods,
    last: Day,
) -> (Vec<SurveyWave>, Vec<Contact>) {
    let dice = Dice::new(seed, Purpose::Behaviour, person.stream);
    let mut recorder = Recorder { person, waves: Vec::with_capacity(24), contacts: Vec::with_capacity(128), dice };
    let mut drift = MOOD_SPREAD * recorder.dice.normal();
    let mut next_talk: Option<Day> = None;
    let first = calendar.first_recorded.max(calendar.position(person.hire));
    for (position, period) in calendar.periods.iter().enumerate().skip(first) {
        // Only what is in force when the month begins enters the month.
        let opening = period.start.max(person.hire);
        if opening > last {
            break;
        }
        let manager = person.manager_on(opening).and_then(|m| people.get(m));
        let months_here = f64::from(opening.days_since(person.hire)) / 30.4;
        let honeymoon = 0.6 * (1.0 - months_here / 12.0).max(0.0);
        let leadership = manager.map_or(0.0, |m| m.leadership);
        drift = MOOD_MEMORY * drift + MOOD_NEWS * recorder.dice.normal();
        let mood = person.disposition
            + drift
            + units.mood(person, position)
            + leadership
            + honeymoon
            + news_of_the_job(jobs, opening);
        recorder.surveys(period, mood, leadership);
        recorder.talks(period, opening, manager, &mut next_talk);
        recorder.exchanges(period, opening, mood);
    }
    let Recorder { mut waves, mut contacts, .. } = recorder;
    waves.retain(|w| w.date <= last && w.date >= person.hire);
    contacts.retain(|c| c.date <= last && c.date >= person.hire);
    if let Some(exit) = person.exit {
        farewell(seed, person, exit, last, &mut contacts);
    }
    contacts.sort_by_key(|c| c.date);
    (waves, contacts)
}

/// A recent promotion or good raise lifts the mood for a while.
fn news_of_the_job(jobs: &[Job], day: Day) -> f64 {
    let end = jobs.partition_point(|j| j.day <= day);
    let recent = |i: usize| jobs.get(i).filter(|j| day.days_since(j.day) <= 180);
    (1..end)
        .rev()
        .map_while(|i| recent(i).zip(jobs.get(i - 1)))
        .map(
            |(now, before)| {
                if now.level > before.level { 0.35 } else { (2.0 * (now.pay / before.pay - 1.03)).clamp(-0.1, 0.15) }
            },
        )
        .sum()
}

impl Recorder<'_> {
    fn surveys(&mut self, period: &Period, mood: f64, leadership: f64) {
        let hire = self.person.hire;
        if let Some(opens) = period.survey.filter(|opens| opens.days_since(hire) >= 14) {
            self.wave("quarterly", opens, mood, leadership, 0.0);
        }
        for days in ONBOARDING_DAYS {
            let day = hire.plus_days(days);
            if period.start < day && day <= period.end {
                self.wave("onboarding", day, mood, leadership, 1.5);
            }
        }
    }

    fn wave(&mut self, survey: &'static str, opens: Day, mood: f64, leadership: f64, invitation: f64) {
        let delay = self.dice.days(ANSWER_DAYS);
        let will = self.dice.unit();
        let noise: [f64; 6] = std::array::from_fn(|_| self.dice.normal());
        let answers = self.person.response.is_some_and(|r| will < logistic(r + invitation + 0.9 * mood)).then(|| {
            // growth, recognition, manager, workload, belonging, intent_to_stay
            let base = [3.5, 3.5, 3.7, 3.3, 3.8, 3.9];
            let weight = [0.75, 0.7, 0.6, 0.55, 0.75, 1.0];
            let from_manager = [0.0, 0.2, 0.8, 0.0, 0.0, 0.0];
            std::array::from_fn(|d| {
                let view = base[d] + weight[d] * mood + from_manager[d] * leadership + 0.55 * noise[d];
                view.round().clamp(1.0, 5.0) as u8
            })
        });
        let date = if answers.is_some() { opens.plus_days(delay) } else { opens };
        self.waves.push(SurveyWave { date, survey, answers });
    }

    /// One-on-ones keep the manager's rhythm; the head of the company talks to the board.
    fn talks(&mut self, period: &Period, opening: Day, manager: Option<&Person>, next: &mut Option<Day>) {
        let rhythm = manager.map_or(28.0, |m| m.one_on_one_days);
        let mut wait = |low: f64| (rhythm * self.dice.between(low, 1.5)) as i32 + 1;
        let first = opening.plus_days(wait(0.0));
        // A new manager with a faster rhythm does not wait for the old one's next date.
        let mut day = next.map_or(first, |planned| planned.min(opening.plus_days((1.5 * rhythm) as i32 + 1)));
        while day <= period.end {
            self.contacts.push(Contact {
                date: day,
                kind: "one_on_one",
                rating: None,
                counterpart: self.person.manager_on(day).or(manager.map(|m| m.number)),
            });
            day = day.plus_days(wait(0.6));
        }
        *next = Some(day);
    }

    fn exchanges(&mut self, period: &Period, opening: Day, mood: f64) {
        let performance = self.person.performance;
        let lively = (0.35 * mood).exp();
        let rates = [
            ("recognition_received", 0.22 * lively * (0.3 * performance).exp()),
            ("recognition_given", 0.20 * lively),
            ("feedback_received", 0.12),
            ("feedback_given", 0.10 * lively),
            ("goal_update", 0.14),
            ("stay_interview", if mood < -0.7 && performance > 0.5 { 0.03 } else { 0.001 }),
        ];
        let before = opening.plus_days(-1).max(period.start);
        for (kind, rate) in rates {
            // Two chances a month: close to a Poisson count, and the same number of draws whatever happens.
            for _ in 0..2 {
                let (happens, date) = (self.dice.chance(rate / 2.0), self.dice.day_in(before, period.end));
                if happens {
                    self.contacts.push(Contact { date, kind, rating: None, counterpart: None });
                }
            }
        }
        let rating = (3.2 + 0.75 * performance + 0.1 * mood + 0.45 * self.dice.normal()).round().clamp(1.0, 5.0);
        if let Some(date) = period.review.filter(|day| day.days_since(self.person.hire) >= 90) {
            let counterpart = self.person.manager_on(date);
            self.contacts.push(Contact { date, kind: "performance_review", rating: Some(rating), counterpart });
        }
    }
}

/// The last days before an exit: talks and thanks fade, the work is handed over. Nothing before those days changes.
fn farewell(seed: u64, person: &Person, exit: Exit, last: Day, contacts: &mut Vec<Contact>) {
    let mut dice = Dice::new(seed, Purpose::Farewell, person.stream);
    let begins = exit.date.plus_days(-FAREWELL_DAYS);
    if exit.kind != ExitKind::Voluntary {
        return;
    }
    let fades =
        |kind: &str| matches!(kind, "one_on_one" | "recognition_received" | "recognition_given" | "goal_update");
    contacts.retain(|c| c.date <= begins || !fades(c.kind) || dice.chance(0.25));
    let hand_over = dice.day_in(begins, exit.date);
    let interview = exit.date.plus_days(-dice.days(6));
    for (date, kind) in [(hand_over, "goal_update"), (interview, "exit_interview")] {
        if date <= last && date >= person.hire {
            contacts.push(Contact { date, kind, rating: None, counterpart: person.manager_on(date) });
        }
    }
}
