//! The whole company: every history, who worked for whom, and the team facts of one day.
//!
//! Team facts are the only features that need other people's records. They are assembled here, once per day for everyone,
//! into a [`TeamContext`] per employee; a client of the server that knows its teams sends the same facts with a request.

use std::collections::HashMap;

use crate::date::Day;
use crate::features::engagement::current_index;
use crate::features::manager_team::{EXIT_WINDOW_DAYS, MANAGER_EXIT_WINDOW_DAYS};
use crate::history::{Coverage, EmployeeHistory, EmployeeId, ExitKind};

/// A manager's exit counts for those who still reported to them this many days before it (their rows change hands early).
const HANDOVER_DAYS: i32 = 31;

/// Fewer answering teammates than this and the team's engagement stays unknown: a mean of few reveals the answers.
pub const MIN_TEAM_ANSWERS: u32 = 5;

/// What is known, on one day, about the people around one employee. `None`: not known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TeamContext {
    /// People who report to the same manager, the employee included.
    pub manager_span: Option<u32>,
    /// People in the same department and location, the employee included.
    pub team_size: Option<u32>,
    /// Days on which colleagues under the same manager left voluntarily.
    pub teammate_exits: Option<Vec<Day>>,
    /// Mean engagement index (0 to 1) of the colleagues under the same manager who answered within a year, the employee
    /// not included; unknown below [`MIN_TEAM_ANSWERS`].
    pub team_engagement: Option<f64>,
    /// Days on which managers of this employee left the company while managing them.
    pub manager_exits: Option<Vec<Day>>,
}

/// Index of a manager or of a unit (department and location) within a [`Company`].
type GroupIndex = u32;

/// Manager and unit in force from a day on.
type GroupRow = (Day, Option<GroupIndex>, Option<GroupIndex>);

/// The histories of all employees of a company.
#[derive(Clone, Debug)]
pub struct Company {
    histories: Vec<EmployeeHistory>,
    coverage: Coverage,
    data_end: Day,
    /// Manager and unit in force from each assignment on, parallel to the assignments of each history.
    groups: Vec<Vec<GroupRow>>,
    /// Per manager: ascending days on which a direct report left voluntarily, and who it was.
    exits_by_manager: HashMap<GroupIndex, Vec<(Day, usize)>>,
    /// Per employee: ascending days on which their manager left.
    manager_exits: Vec<Vec<Day>>,
    by_id: HashMap<EmployeeId, usize>,
}

impl Company {
    /// Indexes the histories. `data_end` is the last day on which the records are complete; `None`: the latest date of any fact.
    /// Where an identifier occurs twice, look-ups find the last one (validation refuses such data before).
    pub fn new(histories: Vec<EmployeeHistory>, data_end: Option<Day>) -> Option<Self> {
        let latest = histories.iter().map(EmployeeHistory::last_date).max()?;
        let data_end = data_end.unwrap_or(latest);
        let by_id: HashMap<EmployeeId, usize> =
            histories.iter().enumerate().map(|(i, h)| (h.employee_id().clone(), i)).collect();
        let mut managers: HashMap<&EmployeeId, GroupIndex> = HashMap::new();
        let mut units: HashMap<(&str, &str), GroupIndex> = HashMap::new();
        let mut groups = Vec::with_capacity(histories.len());
        let mut exits_by_manager: HashMap<GroupIndex, Vec<(Day, usize)>> = HashMap::new();
        let mut manager_exits = Vec::with_capacity(histories.len());
        for (employee, history) in histories.iter().enumerate() {
            let mut rows: Vec<GroupRow> = Vec::with_capacity(history.assignments.len());
            for (assignment, carried_over) in history.assignments.iter().zip(&history.carried_over) {
                let last = rows.last().copied();
                let manager = match last.filter(|_| carried_over.manager) {
                    Some((_, manager, _)) => manager,
                    None => {
                        let next = GroupIndex::try_from(managers.len()).ok()?;
                        assignment.manager_id.as_ref().map(|id| *managers.entry(id).or_insert(next))
                    }
                };
                let unit = match last.filter(|_| carried_over.unit) {
                    Some((_, _, unit)) => unit,
                    None => {
                        let next = GroupIndex::try_from(units.len()).ok()?;
                        assignment.department.as_deref().map(|department| {
                            *units
                                .entry((department, assignment.location.as_deref().unwrap_or_default()))
                                .or_insert(next)
                        })
                    }
                };
                rows.push((assignment.effective_date, manager, unit));
            }
            if let Some(exit) = history.exit().filter(|exit| exit.kind == ExitKind::Voluntary)
                && let Some(manager) = group_on(&rows, exit.date).and_then(|row| row.1)
            {
                exits_by_manager.entry(manager).or_default().push((exit.date, employee));
            }
            groups.push(rows);
            manager_exits.push(exits_of_managers(history, |id| {
                by_id.get(id).and_then(|&i| histories.get(i)).and_then(EmployeeHistory::exit).map(|exit| exit.date)
            }));
        }
        for exits in exits_by_manager.values_mut() {
            exits.sort_unstable();
        }
        let coverage = Coverage::of(&histories);
        Some(Self { coverage, data_end, groups, exits_by_manager, manager_exits, by_id, histories })
    }

    /// All histories, in the order in which they were given.
    pub fn histories(&self) -> &[EmployeeHistory] {
        &self.histories
    }

    /// Gives all histories back, in the order in which they were given.
    pub fn into_histories(self) -> Vec<EmployeeHistory> {
        self.histories
    }

    /// Since when each kind of record has been kept.
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// The last day on which the records are complete.
    pub fn data_end(&self) -> Day {
        self.data_end
    }

    /// The position of an employee in [`Company::histories`].
    pub fn position(&self, id: &EmployeeId) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The team facts of one day, for everyone employed on it.
    pub fn teams_on(&self, as_of: Day) -> TeamsOnDay<'_> {
        let mut managers: HashMap<GroupIndex, ManagerTotals> = HashMap::new();
        let mut units: HashMap<GroupIndex, u32> = HashMap::new();
        let mut members = vec![Member::default(); self.histories.len()];
        for ((history, rows), member) in self.histories.iter().zip(&self.groups).zip(&mut members) {
            if !history.employed_on(as_of) {
                continue;
            }
            let Some(&(_, manager, unit)) = group_on(rows, as_of) else { continue };
            *member = Member { manager, unit, index: current_index(history, as_of) };
            if let Some(manager) = manager {
                let totals = managers.entry(manager).or_default();
                totals.span += 1;
                if let Some(index) = member.index {
                    totals.answers += 1;
                    totals.index_sum += fixed(index);
                }
            }
            if let Some(unit) = unit {
                *units.entry(unit).or_default() += 1;
            }
        }
        TeamsOnDay { company: self, as_of, managers, units, members }
    }
}

fn group_on(rows: &[GroupRow], day: Day) -> Option<&GroupRow> {
    rows.partition_point(|row| row.0 <= day).checked_sub(1).and_then(|i| rows.get(i))
}

/// The ascending days on which a manager left while managing this employee, or within [`HANDOVER_DAYS`] after.
fn exits_of_managers(history: &EmployeeHistory, exit_of: impl Fn(&EmployeeId) -> Option<Day>) -> Vec<Day> {
    let mut days = Vec::new();
    let mut exit = None;
    for (i, (assignment, carried_over)) in history.assignments.iter().zip(&history.carried_over).enumerate() {
        let until = history.assignments.get(i + 1).map(|next| next.effective_date.plus_days(HANDOVER_DAYS));
        if !carried_over.manager {
            exit = assignment.manager_id.as_ref().and_then(&exit_of);
        }
        if let Some(left) = exit
            && left >= assignment.effective_date
            && until.is_none_or(|until| left <= until)
        {
            days.push(left);
        }
    }
    days.sort_unstable();
    days.dedup();
    days
}

#[derive(Clone, Copy, Debug, Default)]
struct ManagerTotals {
    span: u32,
    answers: u32,
    /// In parts of [`ONE`].
    index_sum: i128,
}

/// A sum of whole numbers does not depend on its order, so neither does what is said of a team on that of a file's rows.
const ONE: f64 = (1_u64 << 60) as f64;

fn fixed(index: f64) -> i128 {
    (index * ONE).round() as i128
}

#[derive(Clone, Copy, Debug, Default)]
struct Member {
    manager: Option<GroupIndex>,
    unit: Option<GroupIndex>,
    index: Option<f64>,
}

/// The team facts of one day; see [`Company::teams_on`].
#[derive(Debug)]
pub struct TeamsOnDay<'a> {
    company: &'a Company,
    as_of: Day,
    managers: HashMap<GroupIndex, ManagerTotals>,
    units: HashMap<GroupIndex, u32>,
    members: Vec<Member>,
}

impl TeamsOnDay<'_> {
    /// The day of these facts.
    pub fn as_of(&self) -> Day {
        self.as_of
    }

    /// What is known about the people around the employee at this position of [`Company::histories`].
    pub fn context(&self, employee: usize) -> TeamContext {
        let Some(member) = self.members.get(employee) else { return TeamContext::default() };
        let totals = member.manager.and_then(|m| self.managers.get(&m));
        let recent = |days: &[Day], window: i32| -> Vec<Day> {
            let start = days.partition_point(|&d| d <= self.as_of.plus_days(-window));
            let end = days.partition_point(|&d| d <= self.as_of);
            days.get(start..end).unwrap_or_default().to_vec()
        };
        TeamContext {
            manager_span: totals.map(|t| t.span),
            team_size: member.unit.and_then(|u| self.units.get(&u)).copied(),
            teammate_exits: member.manager.map(|manager| {
                let exits = self.company.exits_by_manager.get(&manager).map(Vec::as_slice).unwrap_or_default();
                let start = exits.partition_point(|e| e.0 <= self.as_of.plus_days(-EXIT_WINDOW_DAYS));
                let end = exits.partition_point(|e| e.0 <= self.as_of);
                exits.get(start..end).unwrap_or_default().iter().filter(|e| e.1 != employee).map(|e| e.0).collect()
            }),
            team_engagement: totals.and_then(|t| {
                let answers = t.answers - u32::from(member.index.is_some());
                let sum = (t.index_sum - member.index.map_or(0, fixed)) as f64 / ONE;
                (answers >= MIN_TEAM_ANSWERS).then(|| sum / f64::from(answers))
            }),
            manager_exits: member.manager.map(|_| {
                recent(
                    self.company.manager_exits.get(employee).map(Vec::as_slice).unwrap_or_default(),
                    MANAGER_EXIT_WINDOW_DAYS,
                )
            }),
        }
    }
}
