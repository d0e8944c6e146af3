//! Manager circles: A reports to B and B to A on the same day, directly or through others.
//!
//! Who reports to whom changes over time, so the links are laid down day by day. Only a link that is new on a day can
//! close a circle on it; from each such link the chain of managers is followed upwards, and no chain is followed twice
//! on one day. The links of a circle that took effect on that day are the ones that are dropped, whatever the order of
//! the rows.

use flight_risk_scoring::Day;

use super::assignments::Placed;
use super::rows::People;
use crate::report::{Problem, ValidationReport};
use crate::table::Table;

/// Names shown of one circle.
const NAMES_SHOWN: usize = 6;

/// One change of an employee's manager.
struct Change {
    day: Day,
    employee: usize,
    /// The manager's position; `None`: none, or nobody of the employees table.
    manager: Option<usize>,
    /// Position among the employee's assignments; `None`: the employee has left.
    assignment: Option<usize>,
}

/// Drops the manager of every assignment that closes a circle on the day it takes effect.
pub(super) fn drop_circles(table: &Table, people: &People, placed: &mut [Vec<Placed>], report: &mut ValidationReport) {
    let changes = changes(people, placed);
    let mut links = vec![Link::default(); people.facts.len()];
    let mut walk = 0;
    for today in changes.chunk_by(|a, b| a.day == b.day) {
        let before_today = walk;
        for change in today {
            if let Some(link) = links.get_mut(change.employee) {
                link.manager = change.manager;
                link.assignment = change.assignment;
                link.changed = Some(change.day);
            }
        }
        for change in today {
            walk += 1;
            let Some(at) = follow(&mut links, change.employee, walk, before_today) else { continue };
            let circle = circle_of(&links, at);
            let names =
                circle.iter().chain(circle.first()).take(NAMES_SHOWN).map(|&member| {
                    people.facts.get(member).map(|facts| facts.employee_id.as_str()).unwrap_or_default()
                });
            let mut names = names.collect::<Vec<_>>().join(" > ");
            if circle.len() >= NAMES_SHOWN {
                names.push_str(" > …");
            }
            for member in circle {
                let Some(link) = links.get_mut(member).filter(|link| link.changed == Some(change.day)) else {
                    continue;
                };
                link.manager = None;
                let place = link.assignment.and_then(|i| placed.get_mut(member)?.get_mut(i));
                if let Some(place) = place {
                    place.assignment.manager_id = None;
                    let what = "a circle of managers: each reports to the next on this day";
                    report.at_value(table, place.row, &Problem::value_dropped("manager_id", what), names.clone());
                }
            }
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Link {
    manager: Option<usize>,
    assignment: Option<usize>,
    changed: Option<Day>,
    /// The last walk that came by, counted from 1.
    seen: usize,
}

/// All changes by day; on one day an exit comes last, for it ends whatever took effect.
fn changes(people: &People, placed: &[Vec<Placed>]) -> Vec<Change> {
    let mut changes = Vec::new();
    for (employee, (rows, facts)) in placed.iter().zip(&people.facts).enumerate() {
        for (i, row) in rows.iter().enumerate() {
            let id = row.assignment.manager_id.as_ref();
            let manager = id.and_then(|id| people.by_id.get(id.as_str()).copied().flatten());
            changes.push(Change { day: row.assignment.effective_date, employee, manager, assignment: Some(i) });
        }
        if let Some(exit) = facts.exit {
            changes.push(Change { day: exit.date, employee, manager: None, assignment: None });
        }
    }
    changes.sort_by_key(|change| (change.day, change.assignment.is_none()));
    changes
}

/// Follows the managers upwards; a member of a circle when the walk meets itself.
fn follow(links: &mut [Link], start: usize, walk: usize, before_today: usize) -> Option<usize> {
    let mut at = start;
    loop {
        let link = links.get_mut(at)?;
        if link.seen == walk {
            return Some(at);
        }
        if link.seen > before_today {
            return None;
        }
        link.seen = walk;
        at = link.manager?;
    }
}

/// The circle through a member, beginning with its smallest position so that the message does not depend on the walk.
fn circle_of(links: &[Link], member: usize) -> Vec<usize> {
    let mut circle = vec![member];
    let mut at = member;
    while let Some(next) = links.get(at).and_then(|link| link.manager).filter(|&next| next != member) {
        circle.push(next);
        at = next;
    }
    let first = circle.iter().enumerate().min_by_key(|(_, position)| **position).map_or(0, |(i, _)| i);
    circle.rotate_left(first);
    circle
}
