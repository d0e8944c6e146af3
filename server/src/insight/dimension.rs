//! By what employees are grouped.

/// How many dimensions there are.
pub(crate) const DIMENSIONS: usize = 6;
/// How many of them are facts of their own; the others come after them, made of these.
pub(crate) const FACTS: usize = 5;

/// The group of an employee in every dimension; [`NO_GROUP`] where it is not known.
pub(crate) type Groups = [u32; DIMENSIONS];

/// Stands for no group.
pub(crate) const NO_GROUP: u32 = u32::MAX;

/// By what employees are grouped. Plans and tables keep them in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Dimension {
    /// Organisational unit.
    Department,
    /// Place of work.
    Location,
    /// Who they report to.
    Manager,
    /// Seniority.
    JobLevel,
    /// Years with the company.
    Tenure,
    /// Department and years with the company, crossed.
    DepartmentAndTenure,
}

impl Dimension {
    /// Its place among all of them.
    pub(crate) fn position(self) -> usize {
        self as usize
    }
}

/// What is released in which order: a later stage hides nothing of an earlier one. The simple views come first, then what is
/// crossed, which is where people look for hot spots, and last teams, which are small and many.
pub(crate) const STAGES: [&[Dimension]; 3] = [
    &[Dimension::Department, Dimension::Location, Dimension::JobLevel, Dimension::Tenure],
    &[Dimension::DepartmentAndTenure],
    &[Dimension::Manager],
];

/// Between the names of a crossed group. Names by years with the company do not contain it, so that the last one separates,
/// whatever the name of the department.
const CROSSING: &str = " / ";

/// The name of those of a department with these years.
pub(crate) fn crossed(department: &str, tenure: &str) -> String {
    format!("{department}{CROSSING}{tenure}")
}

/// Department and years of a crossed group.
pub(crate) fn uncrossed(name: &str) -> Option<(&str, &str)> {
    name.rsplit_once(CROSSING)
}

/// Names of the groups by years with the company, and where they end.
const TENURE_GROUPS: [(&str, f64); 5] =
    [("under 1", 1.0), ("1 to 2", 2.0), ("2 to 5", 5.0), ("5 to 10", 10.0), ("10 and more", f64::INFINITY)];

/// The group of these years with the company.
pub(crate) fn tenure_group(years: f64) -> &'static str {
    TENURE_GROUPS.iter().find(|&&(_, end)| years < end).map_or("10 and more", |&(name, _)| name)
}

/// The place of a group by years with the company among them, the shortest first.
pub(crate) fn tenure_place(group: &str) -> usize {
    TENURE_GROUPS.iter().position(|&(name, _)| name == group).unwrap_or(TENURE_GROUPS.len())
}

/// From which years on (included) to which (excluded) a group by years with the company goes.
pub(crate) fn tenure_bounds(group: &str) -> Option<(f64, f64)> {
    let position = TENURE_GROUPS.iter().position(|&(name, _)| name == group)?;
    let from = position.checked_sub(1).and_then(|before| TENURE_GROUPS.get(before)).map_or(0.0, |&(_, end)| end);
    TENURE_GROUPS.get(position).map(|&(_, end)| (from, end.min(MOST_YEARS)))
}

/// More than anybody has been with a company: databases are not asked to compare with infinity.
pub(crate) const MOST_YEARS: f64 = 1e6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crossed_names_are_taken_apart_as_they_were_put_together() {
        for department in ["Sales", "R / D", " / ", "Sales / 1 to 2", "/", "a/b / ", ""] {
            for (tenure, _) in TENURE_GROUPS {
                assert_eq!(uncrossed(&crossed(department, tenure)), Some((department, tenure)));
            }
        }
        assert_eq!(uncrossed("Sales"), None);
    }

    #[test]
    fn every_dimension_is_released_once() {
        let mut positions: Vec<usize> = STAGES.iter().flat_map(|stage| stage.iter()).map(|d| d.position()).collect();
        positions.sort_unstable();
        assert_eq!(positions, (0..DIMENSIONS).collect::<Vec<_>>());
    }

    #[test]
    fn years_fall_into_groups_with_the_upper_end_excluded() {
        for (years, group) in [
            (0.0, "under 1"),
            (0.99, "under 1"),
            (1.0, "1 to 2"),
            (2.0, "2 to 5"),
            (5.0, "5 to 10"),
            (10.0, "10 and more"),
            (60.0, "10 and more"),
        ] {
            assert_eq!(tenure_group(years), group, "{years}");
            assert!(tenure_bounds(group).is_some_and(|(from, end)| (from..end).contains(&years)), "{years}");
        }
    }
}
