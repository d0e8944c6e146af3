//! The company month by month: who decides to leave, who takes over, who is hired.
//!
//! What a person will say and earn is laid out ahead as if they stayed, which is sound because features on a day never look
//! past it. Each month the whole company is indexed and its features are computed by the code that training and serving
//! use; decisions change only what lies more than [`BLACKOUT_DAYS`] later, so every feature computed before stays as it was.

use std::collections::HashSet;

use flight_risk_scoring::features::{FeatureInput, compute};
use flight_risk_scoring::history::{Exit, ExitKind};
use flight_risk_scoring::{Company, Day, EmployeeHistory};
use rayon::prelude::*;

use super::behaviour::{UnitMoods, behaviour};
use super::calendar::{Calendar, Period};
use super::career::{assignments, career};
use super::founding::{HIRING_SEASON, LEVEL_SHARES, found};
use super::organisation::{CROWDED_TEAM, Change, Organisation};
use super::person::Person;
use super::positions::{DEPARTMENTS, HEAD_LEVEL, breadth};
use super::random::{Dice, Purpose, logistic};
use super::truth::{BLACKOUT_DAYS, Hazard};
use super::{GeneratedEmployee, GeneratorError, GeneratorOptions, PersonMonth};

/// Yearly growth of the number of employees.
const GROWTH: f64 = 1.04;
/// Monthly chance of a swap of teams between two managers, per 100 managers.
const SWAPS_PER_LEAD: f64 = 0.008;
/// Share of new hires with a fixed term, and of those the share who stay on.
const FIXED_TERM: (f64, f64) = (0.12, 0.5);
/// Rounds in which founders are replaced, and the months that each of them must be likely to survive.
const SURVIVAL_ROUNDS: u32 = 2;
const SURVIVAL_MONTHS: i32 = 9;
/// Days by which a manager's people can change hands before the last day.
const EARLY_HAND_OVER_DAYS: i32 = 11;

/// A company after its walk through all months.
pub(super) struct Walk {
    options: GeneratorOptions,
    calendar: Calendar,
    units: UnitMoods,
    locations: usize,
    organisation: Organisation,
    histories: Vec<EmployeeHistory>,
    hiring: Dice,
    exits: Dice,
    /// Every decision, by day and person.
    pub(super) months: Vec<PersonMonth>,
}

/// Walks a company through all months with this hazard.
pub(super) fn walk(options: &GeneratorOptions, hazard: &Hazard) -> Result<Walk, GeneratorError> {
    let calendar = Calendar::new(options.years, options.end);
    let employees = options.employees as usize;
    let (departments, locations) = breadth(employees);
    let at_start = (f64::from(options.employees) / GROWTH.powi(options.years as i32)).round() as usize;
    let start = calendar.periods.get(calendar.first_exits).map_or(options.end, |p| p.start);
    let mut walk = Walk {
        options: options.clone(),
        units: UnitMoods::new(options.seed, departments, locations, calendar.periods.len()),
        locations,
        organisation: found(options.seed, at_start, start),
        histories: Vec::new(),
        hiring: Dice::new(options.seed, Purpose::Organisation, 0),
        exits: Dice::new(options.seed, Purpose::Exits, 0),
        months: Vec::new(),
        calendar,
    };
    walk.keep_survivors(start, hazard)?;
    let periods: Vec<Period> = walk.calendar.periods.iter().skip(walk.calendar.first_exits).copied().collect();
    for (month, period) in periods.iter().enumerate() {
        let months_left = periods.len() - month;
        walk.month(period, hazard)?;
        walk.organise(period);
        walk.hire(period, months_left - 1, departments);
        walk.organisation.forget_leavers(period.end);
    }
    Ok(walk)
}

impl Walk {
    /// Makes the histories of those whose career, manager or exit has changed.
    fn rewrite_changed(&mut self) {
        let changed = self.organisation.take_changed();
        let rewritten: Vec<(usize, EmployeeHistory)> = changed
            .into_par_iter()
            .filter_map(|number| Some((number, EmployeeHistory::new(self.employee(number)?.facts()))))
            .collect();
        for (number, history) in rewritten {
            match self.histories.get_mut(number) {
                Some(slot) => *slot = history,
                None => self.histories.push(history),
            }
        }
    }

    /// Everything on record about one person, up to the exit.
    fn employee(&self, number: usize) -> Option<GeneratedEmployee> {
        let people = &self.organisation.people;
        let person = self.organisation.person(number)?;
        let seed = self.options.seed;
        let last = person.exit.map_or(self.options.end, |exit| exit.date).min(self.options.end);
        let jobs = career(seed, person, &self.calendar, self.locations);
        let (surveys, feedback) = behaviour(seed, person, &jobs, people, &self.calendar, &self.units, last);
        Some(GeneratedEmployee {
            employee_id: person.id.clone(),
            hire_date: person.hire,
            exit: person.exit,
            gender: person.gender,
            age: u32::try_from(person.age_on(last)).unwrap_or_default(),
            assignments: assignments(person, &jobs, people, last),
            surveys,
            feedback,
        })
    }

    /// Everything on record about everybody; exits after the end are still to come and not on record.
    pub(super) fn employees(&self) -> Vec<GeneratedEmployee> {
        (0..self.organisation.people.len())
            .into_par_iter()
            .filter_map(|number| self.employee(number))
            .map(|employee| {
                let exit = employee.exit.filter(|exit| exit.date <= self.options.end);
                GeneratedEmployee { exit, ..employee }
            })
            .collect()
    }

    /// The log-odds of leaving of everybody employed on a day who has not decided to leave, by position.
    fn at_risk(&mut self, as_of: Day, hazard: &Hazard) -> Result<Vec<(usize, f64)>, GeneratorError> {
        self.rewrite_changed();
        let histories = std::mem::take(&mut self.histories);
        let company = Company::new(histories, Some(self.options.end)).ok_or(GeneratorError::Empty)?;
        let teams = company.teams_on(as_of);
        let at_risk = company
            .histories()
            .par_iter()
            .enumerate()
            .filter(|(_, history)| history.employed_on(as_of) && history.exit().is_none())
            .map(|(employee, history)| {
                let team = teams.context(employee);
                let values = compute(&FeatureInput { history, team: &team, coverage: company.coverage(), as_of });
                (employee, hazard.log_odds(&values))
            })
            .collect();
        self.histories = company.into_histories();
        Ok(at_risk)
    }

    /// Puts others in the place of founders who would hardly be there still: the company has been losing people at this
    /// hazard for years, and without this its first year would begin with an exodus.
    fn keep_survivors(&mut self, as_of: Day, hazard: &Hazard) -> Result<(), GeneratorError> {
        for _ in 0..SURVIVAL_ROUNDS {
            let at_risk = self.at_risk(as_of, hazard)?;
            let survives = |log_odds: f64| (1.0 - logistic(log_odds)).powi(SURVIVAL_MONTHS);
            let gone = at_risk.into_iter().filter(|&(_, log_odds)| !self.exits.chance(survives(log_odds)));
            let gone: HashSet<usize> = gone.map(|(employee, _)| employee).collect();
            self.organisation.redraw(&gone, self.options.seed);
        }
        Ok(())
    }

    /// One month's decisions to leave, and the exits that nobody decided on.
    fn month(&mut self, period: &Period, hazard: &Hazard) -> Result<(), GeneratorError> {
        let as_of = period.start;
        let mut leaving = Vec::new();
        for (employee, log_odds) in self.at_risk(as_of, hazard)? {
            let leaves = self.exits.chance(logistic(log_odds));
            let day = self.exits.day_in(as_of.plus_days(BLACKOUT_DAYS), period.end.plus_days(BLACKOUT_DAYS));
            self.months.push(PersonMonth { as_of, employee, log_odds, leaves_on: leaves.then_some(day) });
            let exit = if leaves {
                Some(Exit { date: day, kind: ExitKind::Voluntary })
            } else {
                self.organisation.person(employee).and_then(|p| other_exit(&mut self.exits, p, period, day))
            };
            leaving.extend(exit.map(|exit| (employee, exit)));
        }
        for (employee, exit) in leaving {
            if let Some(person) = self.organisation.people.get_mut(employee) {
                person.exit = Some(exit);
            }
            self.organisation.mark_changed(employee);
        }
        Ok(())
    }

    /// Successions after this month's exits, swaps of teams, and new teams; all after the blackout.
    fn organise(&mut self, period: &Period) {
        let (from, to) = (period.start.plus_days(BLACKOUT_DAYS), period.end.plus_days(BLACKOUT_DAYS));
        let mut changes: Vec<(Day, Change)> = Vec::new();
        for person in &self.organisation.people {
            let Some(exit) = person.exit.filter(|exit| exit.date > from && exit.date <= to) else { continue };
            // A company has one head at a time: that one hands over on the last day.
            let days = if person.manager().is_some() { self.hiring.days(EARLY_HAND_OVER_DAYS) } else { 0 };
            let early = exit.date.plus_days(-days).max(from.plus_days(1));
            changes.push((early, Change::HandOver(person.number)));
        }
        let leads: Vec<&Person> = self.organisation.leads().collect();
        for (i, lead) in leads.iter().enumerate() {
            if self.organisation.staying(lead.number) >= CROWDED_TEAM {
                changes.push((self.hiring.day_in(from, to), Change::Split(lead.number)));
                continue;
            }
            let colleague = leads
                .iter()
                .skip(i + 1)
                .find(|c| c.manager() == lead.manager() && c.seat == lead.seat && c.department == lead.department);
            if self.hiring.chance(SWAPS_PER_LEAD)
                && let Some(colleague) = colleague
            {
                changes.push((self.hiring.day_in(from, to), Change::Swap(lead.number, colleague.number)));
            }
        }
        changes.sort_unstable();
        for (day, change) in changes {
            self.organisation.make(change, day);
        }
    }

    /// Hires for those who leave and for growth, more in some months than in others.
    fn hire(&mut self, period: &Period, months_left: usize, departments: usize) {
        let target = f64::from(self.options.employees) / GROWTH.powf(months_left as f64 / 12.0);
        let staying: Vec<usize> = (0..departments)
            .map(|d| self.organisation.people.iter().filter(|p| p.department == d && p.exit.is_none()).count())
            .collect();
        let missing = target - staying.iter().sum::<usize>() as f64;
        let season = HIRING_SEASON.get(period.end.month() as usize - 1).copied().unwrap_or(1.0).min(1.0);
        // Vacancies of one month are filled over two; a quiet month fills fewer of them.
        let hires = (missing * 0.7 * season + self.hiring.unit()).max(0.0) as usize;
        let shares: f64 = DEPARTMENTS.iter().take(departments).map(|d| d.share).sum();
        let mut gaps: Vec<f64> = DEPARTMENTS
            .iter()
            .zip(&staying)
            .map(|(department, &there)| target * department.share / shares - there as f64)
            .collect();
        for _ in 0..hires {
            let Some(department) = (0..gaps.len()).max_by(|&a, &b| gaps[a].total_cmp(&gaps[b])) else { return };
            gaps[department] -= 1.0;
            self.hire_one(period, department);
        }
    }

    fn hire_one(&mut self, period: &Period, department: usize) {
        let day = self.hiring.day_in(period.start, period.end);
        // Most start on the first of the month.
        let first = Day::from_ymd(period.end.year(), period.end.month(), 1).filter(|&first| first > period.start);
        let day = first.filter(|_| self.hiring.chance(0.6)).unwrap_or(day);
        let level = 1 + self.hiring.weighted(&LEVEL_SHARES) as u8;
        let lead = self
            .organisation
            .leads()
            .filter(|p| p.hire <= period.start && p.seat.is_some_and(|seat| seat < HEAD_LEVEL))
            .filter(|p| p.department == department)
            .min_by_key(|p| self.organisation.staying(p.number))
            .or_else(|| {
                let anyone = self.organisation.leads().filter(|p| p.hire <= period.start);
                anyone.min_by_key(|p| (p.department != department, self.organisation.staying(p.number)))
            });
        let (manager, location) = lead.map_or((None, 0), |p| (Some(p.number), p.location));
        let mut person =
            Person::new(self.options.seed, self.organisation.people.len(), day, (department, location, level));
        if self.hiring.chance(FIXED_TERM.0) {
            let months = if self.hiring.chance(0.6) { 12 } else { 24 };
            person.term = Some((day.plus_months(months), self.hiring.chance(FIXED_TERM.1)));
        }
        self.organisation.add(person, manager);
    }
}

/// Exits that are no resignation: the end of a term, retirement, dismissal, and the rest.
fn other_exit(dice: &mut Dice, person: &Person, period: &Period, day: Day) -> Option<Exit> {
    let (retires, dismissed, other) = (dice.unit(), dice.unit(), dice.unit());
    let (from, to) = (period.start.plus_days(BLACKOUT_DAYS), period.end.plus_days(BLACKOUT_DAYS));
    if let Some((end, false)) = person.term
        && from < end
        && end <= to
    {
        return Some(Exit { date: end, kind: ExitKind::EndOfContract });
    }
    let chance_to_retire = match person.age_on(period.start) {
        66.. => 0.20,
        64.. => 0.06,
        62.. => 0.02,
        60.. => 0.005,
        _ => 0.0,
    };
    let chance_of_dismissal = if person.performance < -0.8 { 0.0055 } else { 0.0016 };
    let kind = if retires < chance_to_retire {
        ExitKind::Retirement
    } else if dismissed < chance_of_dismissal {
        ExitKind::Involuntary
    } else if other < 0.0005 {
        ExitKind::Other
    } else {
        return None;
    };
    Some(Exit { date: day, kind })
}
