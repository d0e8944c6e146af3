//! Departments crossed with years with the company, as a table that is coloured by how many left against how many were expected to.

use std::collections::BTreeMap;

use flight_risk_proto::v1;

use crate::console::charts::{Heat, HeatMap, HeatRow, Real};
use crate::console::error::encoded;
use crate::console::pages::hot_spots::line;
use crate::console::words;

/// The table of what is told; at most so many rows, those with most people.
pub(super) fn table(told: &v1::ListHotspotsResponse, by: &str, most_rows: usize) -> HeatMap {
    let mut cells: BTreeMap<(&str, &str), &v1::Hotspot> = BTreeMap::new();
    let mut people: BTreeMap<&str, u64> = BTreeMap::new();
    for group in &told.hotspots {
        cells.insert((&group.department, &group.tenure), group);
        *people.entry(&group.department).or_default() += group.employees;
    }
    let mut departments: Vec<&str> = told.departments.iter().map(String::as_str).collect();
    if departments.len() > most_rows {
        departments.sort_by_key(|name| std::cmp::Reverse(people.get(name).copied().unwrap_or(0)));
        departments.truncate(most_rows);
        departments.sort_unstable();
    }
    let observed = !told.observed_from.is_empty();
    let mean = told.total.as_ref().map_or(0.0, |total| total.mean_risk);
    let cell = |department: &str, tenure: &String| match cells.get(&(department, tenure.as_str())) {
        Some(group) => shown(group, by, observed, mean),
        None => Heat::Hidden { reason: String::new() },
    };
    HeatMap {
        title: match observed {
            true => "Who left against who was expected to, by department and years with the company".to_owned(),
            false => "Mean risk against that of everybody, by department and years with the company".to_owned(),
        },
        rows_are: "Department".to_owned(),
        columns: told.tenures.iter().map(|years| in_years(years)).collect(),
        rows: departments
            .into_iter()
            .map(|department| HeatRow {
                label: department.to_owned(),
                href: Some(format!("/drivers?by=department&group={}", encoded(department))),
                cells: told.tenures.iter().map(|tenure| cell(department, tenure)).collect(),
            })
            .collect(),
    }
}

/// A group of years, as people say it.
fn in_years(years: &str) -> String {
    let unit = if years == "1" || years.ends_with(" 1") { "year" } else { "years" };
    format!("{years} {unit}")
}

fn shown(group: &v1::Hotspot, by: &str, observed: bool, mean: f64) -> Heat {
    let href = Some(format!("/drivers?by={by}&group={}", encoded(&group.group)));
    let risk = format!("mean risk {}", words::percent(group.mean_risk));
    let people = words::count(group.employees, "person", "people");
    // Before exits were observed the mean risk is what there is to compare.
    let (ratio, text, note) = match observed && group.expected_exits > 0.0 {
        true => (group.excess, line::left(group), risk),
        false => (if mean > 0.0 { group.mean_risk / mean } else { 1.0 }, risk, people),
    };
    match Real::new(ratio) {
        Some(ratio) => Heat::Shown { ratio, text, note, href },
        None => Heat::Hidden { reason: "not known".to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::in_years;

    #[test]
    fn one_year_is_one() {
        for (group, expected) in
            [("under 1", "under 1 year"), ("1 to 2", "1 to 2 years"), ("10 and more", "10 and more years")]
        {
            assert_eq!(in_years(group), expected);
        }
    }
}
