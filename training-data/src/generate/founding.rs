//! The company on the day before the first exits: its people, their careers so far, and the chart of who leads whom.

use flight_risk_scoring::Day;

use super::calendar::PAST_YEARS;
use super::organisation::Organisation;
use super::person::{CareerEvent, Person};
use super::positions::{CHIEF_LEVEL, DEPARTMENTS, HEAD_LEVEL, LOCATIONS, TEAM_LEAD_LEVEL, breadth};
use super::random::{Dice, Purpose};

/// People that one manager leads when the chart is drawn.
const USUAL_SPAN: usize = 8;
/// Mean years in the company.
const MEAN_TENURE_YEARS: f64 = 5.5;
/// How much of a year's hiring falls into each month, January first: new budgets, then the school leavers of the autumn.
pub(super) const HIRING_SEASON: [f64; 12] = [1.5, 1.1, 1.1, 1.3, 0.9, 0.7, 0.6, 0.7, 1.5, 1.3, 0.8, 0.5];
/// Shares of the levels of those who lead nobody.
pub(super) const LEVEL_SHARES: [f64; 5] = [0.20, 0.34, 0.27, 0.14, 0.05];

struct Founder {
    department: usize,
    location: usize,
    level: u8,
    seat: Option<u8>,
    manager: Option<usize>,
}

/// A company of this many people on this day.
pub(super) fn found(seed: u64, employees: usize, day: Day) -> Organisation {
    let mut dice = Dice::new(seed, Purpose::Founding, 0);
    let founders = chart(&mut dice, employees);
    let mut organisation = Organisation::default();
    for (number, founder) in founders.iter().enumerate() {
        organisation.add_with_managers(career_so_far(seed, &mut dice, number, founder, day));
    }
    let hires: Vec<Day> = organisation.people.iter().map(|p| p.hire).collect();
    let mut leads_under = vec![Vec::new(); founders.len()];
    for (number, founder) in founders.iter().enumerate().filter(|(_, f)| f.seat.is_some()) {
        if let Some(leads) = founder.manager.and_then(|boss| leads_under.get_mut(boss)) {
            leads.push(number);
        }
    }
    for (number, person) in organisation.people.iter_mut().enumerate() {
        person.managers = managers_so_far(&mut dice, &founders, &leads_under, (&hires, day), number);
    }
    organisation.gather_reports();
    organisation
}

/// The chart: the head of the company first, then department by department.
fn chart(dice: &mut Dice, employees: usize) -> Vec<Founder> {
    let (departments, locations) = breadth(employees);
    let places: Vec<f64> = LOCATIONS.iter().take(locations).map(|l| l.share).collect();
    let shares: Vec<f64> = DEPARTMENTS.iter().take(departments).map(|d| d.share).collect();
    let total: f64 = shares.iter().sum();
    let chief = Founder { department: 0, location: 0, level: CHIEF_LEVEL, seat: Some(CHIEF_LEVEL), manager: None };
    let mut founders = vec![chief];
    let mut left = employees.saturating_sub(1);
    for (department, share) in shares.iter().enumerate() {
        let fair = ((employees - 1) as f64 * share / total).round() as usize;
        let size = if department + 1 == departments { left } else { fair.clamp(2, left) };
        left -= size;
        let mut members: Vec<usize> = (0..size).map(|_| dice.weighted(&places)).collect();
        members.sort_unstable();
        let first = founders.len();
        founders.extend(members.into_iter().map(|location| Founder {
            department,
            location,
            level: 1 + dice.weighted(&LEVEL_SHARES) as u8,
            seat: None,
            manager: None,
        }));
        let numbers: Vec<usize> = (first..founders.len()).collect();
        appoint(&mut founders, &numbers, 0, HEAD_LEVEL);
    }
    founders
}

/// Gives these people, neighbours by location, a lead out of their midst who reports to `boss`, and the lead a team.
fn appoint(founders: &mut [Founder], members: &[usize], boss: usize, seat: u8) {
    let Some((&lead, rest)) = members.split_first() else { return };
    if let Some(founder) = founders.get_mut(lead) {
        founder.manager = Some(boss);
        founder.seat = Some(seat);
        founder.level = seat;
    }
    let groups = if rest.len() <= USUAL_SPAN + 2 {
        0
    } else if rest.len() <= 5 * USUAL_SPAN {
        (rest.len() / USUAL_SPAN).max(2)
    } else {
        (rest.len() / (6 * USUAL_SPAN)).clamp(5, USUAL_SPAN)
    };
    // A manager of few managers has people of their own as well.
    let own = if groups == 0 { rest.len() } else { 4_usize.saturating_sub(groups) };
    let (own, grouped) = rest.split_at(own.min(rest.len()));
    for &member in own {
        if let Some(founder) = founders.get_mut(member) {
            founder.manager = Some(lead);
        }
    }
    if groups == 0 {
        return;
    }
    for group in 0..groups {
        let (from, to) = (group * grouped.len() / groups, (group + 1) * grouped.len() / groups);
        let members = grouped.get(from..to).unwrap_or_default();
        let below = if members.len() <= USUAL_SPAN + 3 { TEAM_LEAD_LEVEL } else { seat.saturating_sub(1).max(6) };
        appoint(founders, members, lead, below);
    }
}

/// Hired some time ago, risen since to the level of today.
fn career_so_far(seed: u64, dice: &mut Dice, number: usize, founder: &Founder, day: Day) -> Person {
    let mut draw = || (-MEAN_TENURE_YEARS * (1.0 - dice.unit()).ln()).min(f64::from(PAST_YEARS) - 1.0);
    let years = match founder.seat {
        Some(CHIEF_LEVEL) => f64::from(PAST_YEARS) - 0.5,
        Some(_) => {
            let (a, b) = (draw(), draw());
            a.max(b).max(1.5)
        }
        None => draw(),
    };
    let month = 1 + dice.weighted(&HIRING_SEASON) as u32;
    let earliest = day.plus_days(-(365.25 * (years + 1.0)) as i32);
    // The hiring month of the season within the year that the tenure points to, never after the founding.
    let hire = [earliest.year() + 1, earliest.year()]
        .into_iter()
        .filter_map(|year| Day::from_ymd(year, month, if dice.chance(0.7) { 1 } else { 15 }))
        .find(|&hire| hire > earliest && hire <= day)
        .unwrap_or(day.plus_days(-30));
    let served = f64::from(day.days_since(hire)) / 365.25;
    let rises = (served / 2.6 * dice.between(0.4, 1.2)) as u8;
    let rises = rises.min(founder.level - 1).min(4);
    let mut person = Person::new(seed, number, hire, (founder.department, founder.location, founder.level - rises));
    for rise in 1..=rises {
        let share = (f64::from(rise) - 0.3 * dice.unit()) / (f64::from(rises) + 0.4);
        let at = hire.plus_days((share * served * 365.25) as i32);
        let at = Day::from_ymd(at.year(), if at.month() < 7 { 4 } else { 10 }, 1).unwrap_or(at).max(hire.plus_days(30));
        let level = founder.level - rises + rise;
        let event =
            if rise == rises && founder.seat.is_some() { CareerEvent::Lead(level) } else { CareerEvent::Rise(level) };
        person.events.push((at.min(day), event));
    }
    if rises == 0 && founder.seat.is_some() {
        person.events.push((hire, CareerEvent::Lead(founder.level)));
    }
    person.events.sort_by_key(|e| e.0);
    person.seat = founder.seat;
    person
}

/// Today's manager; before the day on which that one came, the nearest manager above who was there, and now and then a
/// colleague of today's manager in between. Every manager on every day stands higher in today's chart, so nobody ever
/// leads their own lead.
fn managers_so_far(
    dice: &mut Dice,
    founders: &[Founder],
    leads_under: &[Vec<usize>],
    (hires, founded): (&[Day], Day),
    number: usize,
) -> Vec<(Day, Option<usize>)> {
    let hired = |n: usize| hires.get(n).copied();
    let manager_of = |n: usize| founders.get(n).and_then(|f| f.manager);
    let (Some(hire), Some(today)) = (hired(number), manager_of(number)) else {
        return hired(number).map(|hire| vec![(hire, None)]).unwrap_or_default();
    };
    let mut managers = Vec::new();
    let mut until: Option<Day> = None;
    let mut next = Some(today);
    while let Some(manager) = next {
        let came = hired(manager).unwrap_or(hire);
        let from = came.max(hire);
        if until.is_none_or(|until| from < until) {
            managers.push((from, Some(manager)));
            until = Some(from);
        }
        if came <= hire {
            break;
        }
        next = manager_of(manager);
    }
    managers.reverse();
    // Somebody else of the same rank led the person for the first part of the time.
    let colleagues: Vec<usize> = manager_of(today)
        .and_then(|boss| leads_under.get(boss))
        .map(|leads| leads.iter().copied().filter(|&c| c != today && c != number && hired(c) <= Some(hire)).collect())
        .unwrap_or_default();
    if let [(from, _)] = managers[..]
        && dice.chance(0.5)
        && let Some(&colleague) = colleagues.get(dice.below(colleagues.len()))
    {
        let changed = dice.day_in(from, founded.max(from.plus_days(1)));
        managers = vec![(from, Some(colleague)), (changed, Some(today))];
    }
    managers
}
