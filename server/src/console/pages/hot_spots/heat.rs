//! Groups as a table that is coloured by how many left against how many were expected to, and by the mean risk against everybody's:
//! departments crossed with years with the company, or groups of one kind with both measures side by side.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use flight_risk_proto::v1;

use crate::console::charts::{Against, Heat, HeatColumn, HeatMap, HeatRow, HiddenRows, Real};
use crate::console::error::encoded;
use crate::console::pages::hot_spots::line;
use crate::console::words;

/// Why a cell that is not shown is not, in the cell: the whole reason stands beside the table.
const HIDDEN: &str = "to protect people";

/// Most departments crossed with years that are drawn at a time, so that the page stays small.
pub(super) const MOST_ROWS: usize = 20;

/// Which departments crossed with years are drawn, of more than [`MOST_ROWS`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Rows {
    /// Those with the cells furthest above what they are held against.
    Hottest,
    /// By name, from the one with this place on.
    From(usize),
}

/// What cells are made of.
pub(super) struct Cells<'a> {
    /// What the API tells.
    pub(super) told: &'a v1::ListHotspotsResponse,
    /// By what is grouped, in addresses.
    pub(super) by: &'a str,
}

impl Cells<'_> {
    /// Departments crossed with years.
    pub(super) fn crossed(&self, against: Against, rows: Rows) -> HeatMap {
        let told = self.told;
        let mut cells: BTreeMap<(&str, &str), &v1::Hotspot> = BTreeMap::new();
        let mut hottest: BTreeMap<&str, f64> = BTreeMap::new();
        for group in &told.hotspots {
            cells.insert((&group.department, &group.tenure), group);
            let heat = hottest.entry(&group.department).or_insert(0.0);
            *heat = heat.max(self.ratio(group, against));
        }
        let mut departments: Vec<&str> = told.departments.iter().map(String::as_str).collect();
        match rows {
            Rows::Hottest => {
                let heat = |name: &&str| hottest.get(name).copied().unwrap_or(0.0);
                departments.sort_by(|a, b| heat(b).partial_cmp(&heat(a)).unwrap_or(Ordering::Equal).then(a.cmp(b)));
                departments.truncate(MOST_ROWS);
                departments.sort_unstable();
            }
            Rows::From(first) => departments = departments.into_iter().skip(first).take(MOST_ROWS).collect(),
        }
        let cell = |department: &str, tenure: &String| match cells.get(&(department, tenure.as_str())) {
            Some(group) => self.both(group, against),
            None => Heat::Hidden { reason: HIDDEN.to_owned() },
        };
        HeatMap {
            title: match against {
                Against::Expected => {
                    "Who left against who was expected to, by department and years with the company".to_owned()
                }
                Against::Everybody => {
                    "Mean risk against that of everybody, by department and years with the company".to_owned()
                }
            },
            rows_are: "Department".to_owned(),
            columns: told.tenures.iter().map(|years| HeatColumn { label: line::in_years(years), against }).collect(),
            rows: departments
                .into_iter()
                .map(|department| HeatRow {
                    label: department.to_owned(),
                    note: String::new(),
                    href: Some(format!("/drivers?by=department&group={}", encoded(department))),
                    cells: told.tenures.iter().map(|tenure| cell(department, tenure)).collect(),
                })
                .collect(),
            hidden: None,
        }
    }

    /// Groups of one kind, with both measures; those that are not shown stand below the last of them, if it is here.
    pub(super) fn of_one_kind(&self, observed: bool, hidden: Option<HiddenRows>) -> HeatMap {
        let column = |label: &str, against| HeatColumn { label: label.to_owned(), against };
        let left = observed.then(|| column("Left against expected", Against::Expected));
        let columns: Vec<_> = left.into_iter().chain([column("Mean risk", Against::Everybody)]).collect();
        let row = |group: &v1::Hotspot| HeatRow {
            label: line::named(self.by, &group.group),
            note: words::count(group.employees, "person", "people"),
            href: None,
            cells: columns.iter().map(|column| self.one(group, column.against)).collect(),
        };
        HeatMap {
            title: match observed {
                true => "Who left against who was expected to, and mean risk against that of everybody".to_owned(),
                false => "Mean risk against that of everybody".to_owned(),
            },
            rows_are: "Group".to_owned(),
            rows: self.told.hotspots.iter().map(row).collect(),
            columns,
            hidden,
        }
    }

    /// A cell of two things: what it is coloured by, and the other in small type.
    fn both(&self, group: &v1::Hotspot, against: Against) -> Heat {
        let risk = format!("mean risk {}", words::percent(group.mean_risk));
        let (text, note) = match (against, line::is_observed(group)) {
            (Against::Expected, true) => (line::left(group), risk),
            (Against::Expected, false) => return too_few(),
            (Against::Everybody, true) => (risk, line::left(group)),
            (Against::Everybody, false) => (risk, words::count(group.employees, "person", "people")),
        };
        let hot = group.hot && against == Against::Expected;
        self.shown(group, against, text, if hot { format!("{note}; {}", line::HOT) } else { note })
    }

    /// A cell of one thing, with its doubt in small type.
    fn one(&self, group: &v1::Hotspot, against: Against) -> Heat {
        let (text, note) = match against {
            Against::Expected if !line::is_observed(group) => return too_few(),
            Against::Expected => {
                let times = line::times(group);
                (line::left(group), if group.hot { format!("{times}; {}", line::HOT) } else { times })
            }
            Against::Everybody => {
                let range = words::percent_range(group.mean_risk_low, group.mean_risk_high);
                (words::percent(group.mean_risk), format!("likely {range}"))
            }
        };
        self.shown(group, against, text, note)
    }

    /// How many times what it is held against.
    fn ratio(&self, group: &v1::Hotspot, against: Against) -> f64 {
        let mean = self.told.total.as_ref().map_or(0.0, |total| total.mean_risk);
        match against {
            Against::Expected if !line::is_observed(group) => 0.0,
            Against::Expected => group.excess,
            Against::Everybody if mean > 0.0 => group.mean_risk / mean,
            Against::Everybody => 1.0,
        }
    }

    fn shown(&self, group: &v1::Hotspot, against: Against, text: String, note: String) -> Heat {
        let href = Some(format!("/drivers?by={}&group={}", self.by, encoded(&group.group)));
        match Real::new(self.ratio(group, against)) {
            Some(ratio) => Heat::Shown { ratio, text, note, href },
            None => Heat::Hidden { reason: "not known".to_owned() },
        }
    }
}

/// Exits of too few people.
fn too_few() -> Heat {
    Heat::Hidden { reason: "too few people then".to_owned() }
}
