//! The positions of the company: departments, places, titles, levels and what they pay.

use flight_risk_scoring::Day;
use flight_risk_scoring::date::DAYS_PER_YEAR;

/// A department: its name, its share of the people and its usual profession.
pub(super) struct Department {
    pub(super) name: &'static str,
    pub(super) share: f64,
    profession: &'static str,
    /// Pay against the company's midpoints.
    pay: f64,
}

/// The departments; a small company has the first few.
pub(super) const DEPARTMENTS: [Department; 9] = [
    Department { name: "Operations", share: 0.22, profession: "Operations Specialist", pay: 0.90 },
    Department { name: "Engineering", share: 0.18, profession: "Software Engineer", pay: 1.18 },
    Department { name: "Sales", share: 0.15, profession: "Account Manager", pay: 1.05 },
    Department { name: "Customer Service", share: 0.14, profession: "Service Agent", pay: 0.82 },
    Department { name: "Logistics", share: 0.11, profession: "Logistics Planner", pay: 0.88 },
    Department { name: "Finance", share: 0.06, profession: "Financial Analyst", pay: 1.04 },
    Department { name: "Marketing", share: 0.06, profession: "Marketing Specialist", pay: 0.98 },
    Department { name: "People", share: 0.04, profession: "People Partner", pay: 0.96 },
    Department { name: "Legal", share: 0.04, profession: "Legal Counsel", pay: 1.15 },
];

/// A place of work, its share of the people and its pay against the company's midpoints.
pub(super) struct Location {
    pub(super) name: &'static str,
    pub(super) share: f64,
    pay: f64,
}

/// The places of work; a small company has the first few.
pub(super) const LOCATIONS: [Location; 6] = [
    Location { name: "Berlin", share: 0.30, pay: 1.05 },
    Location { name: "Leipzig", share: 0.20, pay: 0.92 },
    Location { name: "Vienna", share: 0.16, pay: 1.02 },
    Location { name: "Lyon", share: 0.14, pay: 0.98 },
    Location { name: "Dublin", share: 0.12, pay: 1.12 },
    Location { name: "Porto", share: 0.08, pay: 0.80 },
];

/// The level of somebody who leads a team of individual contributors.
pub(super) const TEAM_LEAD_LEVEL: u8 = 5;
/// The highest level without people to lead.
pub(super) const TOP_OWN_LEVEL: u8 = 5;
/// The head of a department.
pub(super) const HEAD_LEVEL: u8 = 9;
/// The head of the company.
pub(super) const CHIEF_LEVEL: u8 = 10;

/// Pay midpoint of level 1 in the reference year.
const BASE_PAY: f64 = 34_000.0;
/// From one level's midpoint to the next.
const LEVEL_STEP: f64 = 1.19;
/// Yearly growth of all midpoints.
const MIDPOINT_GROWTH: f64 = 1.024;
/// The year in which [`BASE_PAY`] holds.
const REFERENCE_YEAR: f64 = 2025.0;

/// Number of departments and locations of a company of this size.
pub(super) fn breadth(employees: usize) -> (usize, usize) {
    let departments = (employees / 30).clamp(2, DEPARTMENTS.len());
    let locations = (employees / 60).clamp(1, LOCATIONS.len());
    (departments, locations)
}

/// The middle of the pay range of a position in the year of `day`.
pub(super) fn midpoint(department: usize, location: usize, level: u8, day: Day) -> f64 {
    let year = 1970.0 + (f64::from(day.epoch_days()) / DAYS_PER_YEAR).floor();
    let of_unit = DEPARTMENTS.get(department).map_or(1.0, |d| d.pay) * LOCATIONS.get(location).map_or(1.0, |l| l.pay);
    let of_level = LEVEL_STEP.powi(i32::from(level) - 1);
    round_pay(BASE_PAY * of_unit * of_level * MIDPOINT_GROWTH.powf(year - REFERENCE_YEAR))
}

/// Pay is agreed in tens.
pub(super) fn round_pay(pay: f64) -> f64 {
    (pay / 10.0).round() * 10.0
}

/// The name of a position.
pub(super) fn title(department: usize, level: u8, leads: bool) -> String {
    let Some(department) = DEPARTMENTS.get(department) else { return String::new() };
    if leads {
        return match level {
            0..=6 => format!("Team Lead {}", department.name),
            7 => format!("Senior Manager {}", department.name),
            8 => format!("Director {}", department.name),
            9 => format!("Vice President {}", department.name),
            _ => "Chief Executive".to_owned(),
        };
    }
    match level {
        0 | 1 => format!("Junior {}", department.profession),
        2 => department.profession.to_owned(),
        3 => format!("Senior {}", department.profession),
        4 => format!("Staff {}", department.profession),
        _ => format!("Principal {}", department.profession),
    }
}
