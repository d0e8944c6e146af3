//! Who leads whom: the first organisation chart, successions, reorganisations, new teams.
//!
//! Changes are made in the order of their days, so that the chart after the last change is also the latest one, and each
//! change keeps it a tree.

use std::collections::HashSet;

use flight_risk_scoring::Day;

use super::person::{CareerEvent, Person};
use super::positions::TEAM_LEAD_LEVEL;

/// A team of this size is split.
pub(super) const CROWDED_TEAM: usize = 12;
/// A manager with fewer people than this takes in another team.
const ROOM_FOR_ONE_MORE: usize = 9;
/// Days in the company before somebody may lead a team.
const LEAD_DAYS: i32 = 270;

/// Something that changes who leads whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    /// This manager leaves: the team goes to a successor.
    HandOver(usize),
    /// These two managers swap their teams.
    Swap(usize, usize),
    /// Half of this manager's team gets a manager of its own.
    Split(usize),
}

/// The people and who leads them.
#[derive(Clone, Debug, Default)]
pub(super) struct Organisation {
    pub(super) people: Vec<Person>,
    /// Direct reports after everything decided so far, people who have left included until [`Organisation::forget_leavers`].
    reports: Vec<Vec<usize>>,
    /// People whose career or manager has changed since the last [`Organisation::take_changed`].
    changed: Vec<usize>,
}

impl Organisation {
    /// Adds somebody who starts under this manager.
    pub(super) fn add(&mut self, mut person: Person, manager: Option<usize>) {
        person.managers.push((person.hire, manager));
        self.add_with_managers(person);
    }

    /// Adds somebody with all managers so far.
    pub(super) fn add_with_managers(&mut self, person: Person) {
        let number = self.people.len();
        self.reports.push(Vec::new());
        if let Some(team) = person.manager().and_then(|m| self.reports.get_mut(m)) {
            team.push(number);
        }
        self.people.push(person);
        self.changed.push(number);
    }

    /// Takes in the managers given to [`Organisation::people`] directly.
    pub(super) fn gather_reports(&mut self) {
        self.reports = vec![Vec::new(); self.people.len()];
        for (number, person) in self.people.iter().enumerate() {
            if let Some(team) = person.manager().and_then(|m| self.reports.get_mut(m)) {
                team.push(number);
            }
        }
    }

    pub(super) fn person(&self, number: usize) -> Option<&Person> {
        self.people.get(number)
    }

    /// The people whose facts must be made anew.
    pub(super) fn take_changed(&mut self) -> Vec<usize> {
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort_unstable();
        changed.dedup();
        changed
    }

    pub(super) fn mark_changed(&mut self, number: usize) {
        self.changed.push(number);
    }

    /// Direct reports who are still there after this day.
    pub(super) fn team(&self, manager: usize, day: Day) -> Vec<usize> {
        let there = |&r: &usize| self.person(r).is_some_and(|p| p.exit.is_none_or(|exit| exit.date > day));
        self.reports.get(manager).map(|team| team.iter().copied().filter(there).collect()).unwrap_or_default()
    }

    /// Direct reports who have not decided to leave.
    pub(super) fn staying(&self, manager: usize) -> usize {
        let stays = |&&r: &&usize| self.person(r).is_some_and(|p| p.exit.is_none());
        self.reports.get(manager).map_or(0, |team| team.iter().filter(stays).count())
    }

    fn same_department(&self, a: usize, b: usize) -> bool {
        self.person(a).map(|p| p.department) == self.person(b).map(|p| p.department)
    }

    /// Others take the places of these people, who are not there any more when the records begin.
    pub(super) fn redraw(&mut self, numbers: &HashSet<usize>, seed: u64) {
        for &number in numbers {
            if let Some(person) = self.people.get_mut(number) {
                *person = person.redrawn(seed);
            }
        }
        // People feel who leads them, and who led them.
        let touched = |p: &&Person| {
            numbers.contains(&p.number) || p.managers.iter().any(|m| m.1.is_some_and(|m| numbers.contains(&m)))
        };
        self.changed.extend(self.people.iter().filter(touched).map(|p| p.number));
    }

    /// Those who lead a team and have not decided to leave.
    pub(super) fn leads(&self) -> impl Iterator<Item = &Person> {
        self.people.iter().filter(|p| p.seat.is_some() && p.exit.is_none())
    }

    /// Drops those who left on or before this day from the chart.
    pub(super) fn forget_leavers(&mut self, day: Day) {
        let people = &self.people;
        for team in &mut self.reports {
            team.retain(|&r| people.get(r).is_some_and(|p| p.exit.is_none_or(|exit| exit.date > day)));
        }
    }

    /// Makes one change on a day that is not before that of the change made last.
    pub(super) fn make(&mut self, change: Change, day: Day) {
        match change {
            Change::HandOver(leaver) => self.hand_over(leaver, day),
            Change::Swap(a, b) => {
                let (team_a, team_b) = (self.team(a, day), self.team(b, day));
                team_a.into_iter().for_each(|r| self.set_manager(r, Some(b), day));
                team_b.into_iter().for_each(|r| self.set_manager(r, Some(a), day));
            }
            Change::Split(manager) => self.split(manager, day),
        }
    }

    /// The best of these to lead the others.
    fn best(&self, candidates: &[usize], day: Day) -> Option<usize> {
        let merit = |p: &Person| {
            let settled = day.days_since(p.hire) >= LEAD_DAYS;
            let rank = f64::from(u8::from(settled)) * 4.0 + f64::from(p.seat.unwrap_or_default()) * 2.0;
            rank + p.performance + 0.3 * f64::from(p.hire_level)
        };
        candidates
            .iter()
            .filter_map(|&c| self.person(c))
            .filter(|p| p.exit.is_none() && p.hire < day && p.term.is_none())
            .max_by(|a, b| merit(a).total_cmp(&merit(b)))
            .map(|p| p.number)
    }

    fn hand_over(&mut self, leaver: usize, day: Day) {
        let team = self.team(leaver, day);
        let boss = self.person(leaver).and_then(Person::manager);
        if team.is_empty() {
            return;
        }
        // A small team joins that of a colleague under the same boss.
        if team.len() <= 3
            && let Some(boss) = boss
            && let Some(colleague) = self
                .team(boss, day)
                .into_iter()
                .filter(|&c| c != leaver && self.same_department(c, leaver))
                .filter(|&c| self.person(c).is_some_and(|p| p.seat.is_some() && p.exit.is_none()))
                .filter(|&c| self.staying(c) + team.len() < ROOM_FOR_ONE_MORE)
                .min_by_key(|&c| self.staying(c))
        {
            team.into_iter().for_each(|r| self.set_manager(r, Some(colleague), day));
            return;
        }
        match self.best(&team, day) {
            Some(successor) => self.take_seat(successor, leaver, day),
            None => team.into_iter().for_each(|r| self.set_manager(r, boss, day)),
        }
    }

    /// `successor`, who reports to `leader`, takes over the team of `leader`; the best of the successor's own team takes over that.
    fn take_seat(&mut self, successor: usize, leader: usize, day: Day) {
        let own = self.team(successor, day);
        if let Some(next) = self.best(&own, day) {
            self.take_seat(next, successor, day);
        }
        for report in self.team(leader, day) {
            if report != successor {
                self.set_manager(report, Some(successor), day);
            }
        }
        let boss = self.person(leader).and_then(Person::manager);
        self.set_manager(successor, boss, day);
        let seat = self.person(leader).and_then(|p| p.seat).unwrap_or(TEAM_LEAD_LEVEL);
        self.give_seat(successor, seat, day);
    }

    fn split(&mut self, manager: usize, day: Day) {
        let own: Vec<usize> = self
            .team(manager, day)
            .into_iter()
            .filter(|&r| self.person(r).is_some_and(|p| p.seat.is_none() && p.exit.is_none()))
            .collect();
        let Some(lead) = self.best(&own, day).filter(|_| own.len() >= CROWDED_TEAM / 2) else { return };
        let boss = self.person(manager).and_then(Person::manager).filter(|&boss| self.staying(boss) < CROWDED_TEAM - 2);
        if let Some(boss) = boss {
            self.set_manager(lead, Some(boss), day);
        }
        for &report in own.iter().filter(|&&r| r != lead).take(own.len() / 2) {
            self.set_manager(report, Some(lead), day);
        }
        self.give_seat(lead, TEAM_LEAD_LEVEL, day);
    }

    fn give_seat(&mut self, number: usize, seat: u8, day: Day) {
        if let Some(person) = self.people.get_mut(number) {
            person.seat = Some(seat.max(person.seat.unwrap_or_default()));
            person.events.push((day, CareerEvent::Lead(seat)));
            self.changed.push(number);
        }
    }

    fn set_manager(&mut self, number: usize, manager: Option<usize>, day: Day) {
        let Some(person) = self.people.get_mut(number) else { return };
        let before = person.manager();
        if before == manager {
            return;
        }
        let day = day.max(person.hire);
        match person.managers.last_mut().filter(|last| last.0 == day) {
            Some(last) => last.1 = manager,
            None => person.managers.push((day, manager)),
        }
        self.changed.push(number);
        if let Some(team) = before.and_then(|m| self.reports.get_mut(m)) {
            team.retain(|&r| r != number);
        }
        if let Some(team) = manager.and_then(|m| self.reports.get_mut(m)) {
            team.push(number);
        }
    }
}
