//! Everybody with a recorded score at a moment, small enough to be kept for a million: groups as numbers, in the order of names.

use std::collections::HashMap;

use super::dimension::{DIMENSIONS, Dimension, FACTS, Groups, NO_GROUP, crossed, tenure_group};
use super::suppression::Cell;
use crate::access::caller::Scope;

/// Names of groups by number, of every dimension.
#[derive(Debug, Default)]
pub(crate) struct Names {
    names: [Vec<String>; DIMENSIONS],
    numbers: [HashMap<String, u32>; DIMENSIONS],
}

impl Names {
    /// The groups of somebody with these facts (department, location, manager, job level) and years with the company.
    pub(crate) fn groups(&mut self, facts: [Option<String>; 4], tenure_years: Option<f64>) -> Groups {
        let [department, location, manager, job_level] = facts;
        let tenure = tenure_years.map(|years| tenure_group(years).to_owned());
        let mut groups = [NO_GROUP; DIMENSIONS];
        for (slot, (dimension, name)) in
            groups.iter_mut().zip([department, location, manager, job_level, tenure].into_iter().enumerate())
        {
            // An empty text names no group.
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                *slot = self.number_or_new(dimension, name);
            }
        }
        // What is crossed is numbered by [`Names::sort`], when all departments are known.
        groups
    }

    fn number_or_new(&mut self, dimension: usize, name: String) -> u32 {
        let (names, numbers) = (&mut self.names[dimension], &mut self.numbers[dimension]);
        if let Some(&number) = numbers.get(&name) {
            return number;
        }
        let number = u32::try_from(names.len()).unwrap_or(NO_GROUP);
        names.push(name.clone());
        numbers.insert(name, number);
        number
    }

    /// Numbers groups in the order of their names, so that the order in which scores were recorded changes nothing, and all
    /// combinations that are crossed. Gives what becomes of each number.
    pub(crate) fn sort(&mut self) -> Renumbered {
        let mut renumbered: [Vec<u32>; FACTS] = Default::default();
        for (dimension, renumbered) in renumbered.iter_mut().enumerate() {
            let names = &mut self.names[dimension];
            let mut order: Vec<u32> = (0..names.len() as u32).collect();
            order.sort_by(|&a, &b| names[a as usize].cmp(&names[b as usize]));
            *renumbered = vec![0; names.len()];
            let mut sorted = Vec::with_capacity(names.len());
            for (new, &old) in (0_u32..).zip(&order) {
                renumbered[old as usize] = new;
                sorted.push(std::mem::take(&mut names[old as usize]));
            }
            for (name, number) in self.numbers[dimension].iter_mut() {
                *number = renumbered[*number as usize];
                debug_assert_eq!(sorted[*number as usize], *name);
            }
            *names = sorted;
        }
        let (department, tenure) = (Dimension::Department.position(), Dimension::Tenure.position());
        let position = Dimension::DepartmentAndTenure.position();
        let both = |name: &String| self.names[tenure].iter().map(|years| crossed(name, years)).collect::<Vec<_>>();
        self.names[position] = self.names[department].iter().flat_map(both).collect();
        self.numbers[position] = self.names[position].iter().cloned().zip(0_u32..).collect();
        Renumbered { numbers: renumbered, tenures: u32::try_from(self.names[tenure].len()).unwrap_or(0) }
    }

    /// How many groups each dimension has.
    pub(crate) fn levels(&self) -> [usize; DIMENSIONS] {
        std::array::from_fn(|dimension| self.names[dimension].len())
    }

    /// The name of a group.
    pub(crate) fn name(&self, dimension: usize, group: u32) -> &str {
        self.names.get(dimension).and_then(|names| names.get(group as usize)).map_or("", String::as_str)
    }

    /// The number of a group.
    pub(crate) fn number(&self, dimension: Dimension, name: &str) -> Option<u32> {
        self.numbers[dimension.position()].get(name).copied()
    }

    /// Of every department and location, whether a scope of units has it; for one group each, whoever is in both.
    pub(crate) fn reach(&self, scope: &Scope) -> Reach {
        let all = |dimension: usize| vec![true; self.names[dimension].len()];
        match scope {
            Scope::All => {
                Reach { departments: all(0), locations: all(1), manager: None, everybody: true, any: [true; 2] }
            }
            Scope::Units { departments, locations } => {
                let listed = |dimension: usize, list: &[String]| -> Vec<bool> {
                    self.names[dimension].iter().map(|name| list.is_empty() || list.contains(name)).collect()
                };
                Reach {
                    departments: listed(0, departments),
                    locations: listed(1, locations),
                    manager: None,
                    everybody: scope.is_everybody(),
                    any: [departments.is_empty(), locations.is_empty()],
                }
            }
            Scope::Reports { manager_id } => Reach {
                departments: all(0),
                locations: all(1),
                // Nobody's number where the manager has no reports.
                manager: Some(self.number(Dimension::Manager, manager_id).unwrap_or(NO_GROUP - 1)),
                everybody: false,
                any: [true; 2],
            },
        }
    }
}

/// What became of the numbers of groups.
#[derive(Debug)]
pub(crate) struct Renumbered {
    numbers: [Vec<u32>; FACTS],
    /// Groups by years with the company.
    tenures: u32,
}

impl Renumbered {
    /// Gives somebody the new numbers.
    pub(crate) fn apply(&self, groups: &mut Groups) {
        for (group, new) in groups.iter_mut().zip(&self.numbers) {
            *group = new.get(*group as usize).copied().unwrap_or(NO_GROUP);
        }
        let (department, tenure) = (groups[Dimension::Department.position()], groups[Dimension::Tenure.position()]);
        let known = department != NO_GROUP && tenure != NO_GROUP;
        groups[Dimension::DepartmentAndTenure.position()] =
            if known { department * self.tenures + tenure } else { NO_GROUP };
    }
}

/// Whom a scope covers, asked of groups by number.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    departments: Vec<bool>,
    locations: Vec<bool>,
    /// Only those who report to this one.
    pub(crate) manager: Option<u32>,
    /// Nobody is outside.
    pub(crate) everybody: bool,
    /// Whether those of unknown department, or unknown location, are within.
    any: [bool; 2],
}

impl Reach {
    /// Whether somebody in these groups is within the scope.
    pub(crate) fn covers(&self, groups: &Groups) -> bool {
        if let Some(manager) = self.manager {
            return groups[Dimension::Manager.position()] == manager;
        }
        let listed = |list: &[bool], group: u32, any: bool| list.get(group as usize).copied().unwrap_or(any);
        self.everybody
            || listed(&self.departments, groups[0], self.any[0]) && listed(&self.locations, groups[1], self.any[1])
    }
}

/// Those of `people` who are `counted`, by their groups.
pub(crate) fn cells<'a>(people: impl Iterator<Item = &'a Groups>, reach: &Reach) -> Vec<Cell> {
    let mut groups: Vec<Groups> = people.copied().collect();
    groups.sort_unstable();
    groups
        .chunk_by(|a, b| a == b)
        .filter_map(|same| {
            let groups = *same.first()?;
            let people = u32::try_from(same.len()).unwrap_or(u32::MAX);
            Some(Cell { groups, inside: reach.covers(&groups), people })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::scope::Place;

    fn facts(department: &str, location: &str, manager: &str) -> [Option<String>; 4] {
        [department, location, manager, ""].map(|text| Some(text.to_owned()))
    }

    #[test]
    fn numbers_follow_names_whatever_the_order_of_scores() {
        let mut names = Names::default();
        let mut people = [
            names.groups(facts("Sales", "b", "m"), Some(3.0)),
            names.groups(facts("Ops", "a", "n"), None),
            names.groups(facts("Ops", "a", "n"), Some(1.0)),
        ];
        let renumbered = names.sort();
        people.iter_mut().for_each(|groups| renumbered.apply(groups));
        let n = NO_GROUP;
        assert_eq!(people, [[1, 1, 0, n, 1, 3], [0, 0, 1, n, n, n], [0, 0, 1, n, 0, 0]]);
        let crossed = Dimension::DepartmentAndTenure;
        assert_eq!(names.name(crossed.position(), 3), "Sales / 2 to 5");
        assert_eq!(names.number(crossed, "Ops / 1 to 2"), Some(0));
        assert_eq!((names.name(0, 0), names.number(Dimension::Department, "Sales")), ("Ops", Some(1)));
    }

    #[test]
    fn a_reach_covers_whom_the_scope_covers() {
        let mut names = Names::default();
        let people = [("Sales", "a", "m"), ("Sales", "b", "n"), ("Ops", "a", "m"), ("", "a", ""), ("Ops", "", "x")];
        let groups = people.map(|(d, l, m)| names.groups(facts(d, l, m), None));
        let units = |departments: &[&str], locations: &[&str]| Scope::Units {
            departments: departments.iter().map(|&name| name.to_owned()).collect(),
            locations: locations.iter().map(|&name| name.to_owned()).collect(),
        };
        for scope in [
            Scope::All,
            units(&[], &[]),
            units(&["Sales"], &[]),
            units(&["Sales", "Ops"], &["a"]),
            units(&[], &["b"]),
            units(&["Nowhere"], &[]),
            Scope::Reports { manager_id: "m".into() },
            Scope::Reports { manager_id: "nobody".into() },
        ] {
            let reach = names.reach(&scope);
            for ((department, location, manager), groups) in people.iter().zip(&groups) {
                fn known<'a>(text: &&'a str) -> Option<&'a str> {
                    Some(*text).filter(|text| !text.is_empty())
                }
                let place =
                    Place { department: known(department), location: known(location), manager_id: known(manager) };
                assert_eq!(reach.covers(groups), scope.covers(place), "{scope:?} {place:?}");
            }
        }
    }
}
