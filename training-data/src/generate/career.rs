//! A career: pay rounds, promotions, raises between them, moves.
//!
//! A career is a function of the person's stream of random numbers and of the events decided so far. Each month takes the
//! same number of draws, so that a new event changes nothing before its day.

use flight_risk_scoring::Day;
use flight_risk_scoring::history::Assignment;

use super::calendar::{Calendar, Period};
use super::person::{CareerEvent, Person};
use super::positions::{DEPARTMENTS, LOCATIONS, TOP_OWN_LEVEL, midpoint, round_pay, title};
use super::random::{Dice, Purpose};

/// Days in the company before the first raise and the first promotion.
const SETTLING_DAYS: i32 = 180;
/// Days between two promotions that nobody had to leave for.
const PROMOTION_DAYS: i32 = 540;

/// What is in force from a day on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub(super) day: Day,
    location: usize,
    pub(super) level: u8,
    leads: bool,
    temporary: bool,
    pub(super) pay: f64,
    midpoint: f64,
}

enum Change {
    Event(CareerEvent),
    PayRound { noise: f64, left_out: bool },
    Promotion { growth: f64 },
    Raise { percent: f64 },
    Permanent,
    Move(usize),
}

/// The jobs of one person, ascending by day, to the end of the calendar.
pub(super) fn career(seed: u64, person: &Person, calendar: &Calendar, locations: usize) -> Vec<Job> {
    let mut dice = Dice::new(seed, Purpose::Career, person.stream);
    let first = midpoint(person.department, person.location, person.hire_level, person.hire);
    let mut job = Job {
        day: person.hire,
        location: person.location,
        level: person.hire_level,
        leads: false,
        temporary: person.term.is_some(),
        pay: round_pay(first * person.first_compa),
        midpoint: first,
    };
    let mut jobs = Vec::with_capacity(8);
    jobs.push(job);
    let mut last_promotion = person.hire;
    let mut events = person.events.iter().peekable();
    for (position, period) in calendar.periods.iter().enumerate().skip(calendar.position(person.hire)) {
        let in_window = position >= calendar.first_exits;
        let mut changes = spontaneous(&mut dice, person, &job, period, last_promotion, in_window, locations);
        while let Some(&&(day, event)) = events.peek().filter(|e| e.0 <= period.end) {
            changes.push((day, Change::Event(event)));
            events.next();
        }
        changes.sort_by_key(|change| change.0);
        for (day, change) in changes {
            let level = job.level;
            apply(&mut job, person, day, &change);
            if job.level > level {
                last_promotion = day;
            }
            job.day = day;
            match jobs.last_mut().filter(|last| last.day == day) {
                Some(last) => *last = job,
                None => jobs.push(job),
            }
        }
    }
    jobs
}

/// What a month brings by itself. Always seven draws.
fn spontaneous(
    dice: &mut Dice,
    person: &Person,
    job: &Job,
    period: &Period,
    last_promotion: Day,
    in_window: bool,
    locations: usize,
) -> Vec<(Day, Change)> {
    let [left_out, noise_a, noise_b, promoted, raised, moved, size]: [f64; 7] = std::array::from_fn(|_| dice.unit());
    let mut changes = Vec::new();
    let settled = |day: Day| day.days_since(person.hire) >= SETTLING_DAYS;
    if let Some(day) = period.pay_round.filter(|&day| settled(day)) {
        // The difference of two uniforms: mean 0, from -1 to 1.
        changes.push((day, Change::PayRound { noise: noise_a - noise_b, left_out: left_out < 0.12 }));
    }
    let last_level = if job.leads { job.level } else { TOP_OWN_LEVEL };
    if let Some(day) = period.promotions.filter(|&day| in_window && day.days_since(last_promotion) >= PROMOTION_DAYS)
        && job.level < last_level
        && promoted < (0.09 + 0.05 * person.performance).max(0.01)
    {
        changes.push((day, Change::Promotion { growth: 0.04 + 0.06 * size }));
    }
    let month_start = |day_of_month: i32| period.start.plus_days(day_of_month);
    if settled(period.start) && raised < 0.006 && period.pay_round.is_none() {
        changes.push((month_start(1), Change::Raise { percent: 3.0 + 6.0 * size }));
    }
    if in_window && settled(period.start) && moved < 0.0012 {
        changes.push((month_start(15), Change::Move(((size * locations as f64) as usize).min(locations - 1))));
    }
    if let Some((end, true)) = person.term
        && period.start < end
        && end <= period.end
    {
        changes.push((end, Change::Permanent));
    }
    changes
}

fn apply(job: &mut Job, person: &Person, day: Day, change: &Change) {
    let range = |job: &Job| midpoint(person.department, job.location, job.level, day);
    match *change {
        Change::PayRound { noise, left_out } => {
            job.midpoint = range(job);
            let compa = job.pay / job.midpoint;
            let percent = 2.9 + 0.9 * person.performance + 9.0 * (1.0 - compa) + 2.2 * noise;
            if !left_out {
                job.pay = round_pay(job.pay * (1.0 + percent.clamp(0.0, 9.0) / 100.0));
            }
        }
        Change::Promotion { growth } => {
            job.level += 1;
            job.midpoint = range(job);
            job.pay = round_pay((job.pay * (1.0 + growth)).max(0.85 * job.midpoint));
        }
        Change::Raise { percent } => job.pay = round_pay(job.pay * (1.0 + percent / 100.0)),
        Change::Permanent => job.temporary = false,
        Change::Move(location) => {
            job.location = location;
            job.midpoint = range(job);
        }
        Change::Event(event) => {
            let level = match event {
                CareerEvent::Rise(level) => level,
                CareerEvent::Lead(level) => {
                    job.leads = true;
                    level
                }
            };
            if level > job.level {
                job.level = level;
                job.midpoint = range(job);
                job.pay = round_pay((job.pay * 1.07).max(0.88 * job.midpoint));
            }
        }
    }
}

/// The rows of the assignments table: one for each day on which the job or the manager changes, up to `last`.
pub(super) fn assignments(person: &Person, jobs: &[Job], people: &[Person], last: Day) -> Vec<Assignment> {
    let mut days: Vec<Day> = jobs.iter().map(|j| j.day).chain(person.managers.iter().map(|m| m.0)).collect();
    days.sort_unstable();
    days.dedup();
    let row = |day: Day| {
        let job = jobs.get(jobs.partition_point(|j| j.day <= day).checked_sub(1)?)?;
        let manager = person.manager_on(day).and_then(|m| people.get(m));
        let employment_type = match (job.temporary, person.part_time) {
            (true, _) => "temporary",
            (false, true) => "part_time",
            (false, false) => "full_time",
        };
        Some(Assignment {
            effective_date: day,
            manager_id: manager.map(|m| m.id.clone()),
            department: DEPARTMENTS.get(person.department).map(|d| d.name.to_owned()),
            location: LOCATIONS.get(job.location).map(|l| l.name.to_owned()),
            job_title: Some(title(person.department, job.level, job.leads)),
            job_level: Some(f64::from(job.level)),
            employment_type: Some(employment_type.to_owned()),
            annual_pay: Some(job.pay),
            pay_midpoint: Some(job.midpoint),
            critical_role: Some(job.level >= 8 || (job.level >= 3 && person.rarity > 0.85)),
        })
    };
    days.into_iter().filter(|&day| day >= person.hire && day <= last).filter_map(row).collect()
}
