//! Requests as a client builds them from its own tables: by the comments of the .proto files alone, without the engine's code.

use std::collections::HashMap;
use std::path::Path;

use flight_risk_proto::v1;

use super::tables::{CsvRow, CsvTable};

/// Answers older than this do not count for the team.
const ANSWER_YEAR_DAYS: i64 = 365;
/// Answers up to this many days before the latest one make the engagement index.
const INDEX_WINDOW_DAYS: i64 = 30;
/// A manager's exit counts for those whom they handed over up to this many days before.
const HANDOVER_DAYS: i64 = 31;
/// Fewer answering colleagues than this are not averaged.
const MIN_TEAM_ANSWERS: usize = 5;

/// A company's tables in the hands of a client.
#[derive(Debug)]
pub(crate) struct ClientCompany {
    people: Vec<Person>,
    by_id: HashMap<String, usize>,
    coverage: v1::RecordCoverage,
    /// The latest date of any record.
    pub(crate) data_end: String,
}

#[derive(Debug)]
struct Person {
    id: String,
    hire_date: String,
    exit: Option<(String, String)>,
    assignments: Vec<v1::Assignment>,
    surveys: Vec<v1::SurveyResponse>,
    feedback: Vec<v1::FeedbackEvent>,
}

impl Person {
    fn employed_on(&self, day: &str) -> bool {
        self.hire_date.as_str() <= day && self.exit.as_ref().is_none_or(|(date, _)| date.as_str() > day)
    }

    fn assignment_on(&self, day: &str) -> Option<&v1::Assignment> {
        // The latest; of two of the same day the one further down the file.
        let past = self.assignments.iter().filter(|a| a.effective_date.as_str() <= day);
        past.reduce(|a, b| if b.effective_date >= a.effective_date { b } else { a })
    }

    fn manager_on(&self, day: &str) -> Option<&str> {
        self.assignment_on(day)?.manager_id.as_deref()
    }

    /// Engagement index on a day, 0 to 1, of somebody who answered within a year.
    fn engagement_on(&self, day: &str) -> Option<f64> {
        let mut waves: HashMap<(&str, &str), Vec<f64>> = HashMap::new();
        for item in &self.surveys {
            if let (Some(score), Some(min), Some(max)) = (item.score, item.scale_min, item.scale_max)
                && item.date.as_str() <= day
                && item.driver != "intent_to_stay"
            {
                waves.entry((&item.date, &item.survey)).or_default().push((score - min) / (max - min));
            }
        }
        let latest = waves.keys().map(|(date, _)| *date).max()?;
        if days(day) - days(latest) > ANSWER_YEAR_DAYS {
            return None;
        }
        waves.retain(|(date, _), _| days(latest) - days(date) < INDEX_WINDOW_DAYS);
        Some(mean(waves.values().map(|answers| mean(answers.iter().copied()))))
    }
}

impl ClientCompany {
    /// Reads a folder of CSV tables.
    pub(crate) fn read(folder: &Path) -> Self {
        let table = |name: &str| CsvTable::read(&folder.join(name).with_extension("csv"));
        let mut people: Vec<Person> = table("employees").rows().map(person).collect();
        let by_id: HashMap<String, usize> = people.iter().enumerate().map(|(i, p)| (p.id.clone(), i)).collect();
        let mut of = |row: &CsvRow<'_>, add: &dyn Fn(&mut Person)| {
            let position = by_id.get(row.text("employee_id")).expect("an employee of the employees table");
            add(&mut people[*position]);
        };
        for row in table("assignments").rows() {
            of(&row, &|person| person.assignments.push(assignment(row)));
        }
        for row in table("survey_responses").rows() {
            of(&row, &|person| person.surveys.push(survey_response(row)));
        }
        for row in table("feedback").rows() {
            of(&row, &|person| person.feedback.push(feedback_event(row)));
        }
        let coverage = coverage(&people);
        let data_end = dates(&people).max().expect("records").to_owned();
        Self { people, by_id, coverage, data_end }
    }

    /// Identifiers of those who are employed on a day.
    pub(crate) fn employed_on(&self, day: &str) -> Vec<&str> {
        self.people.iter().filter(|person| person.employed_on(day)).map(|person| person.id.as_str()).collect()
    }

    /// Everything that is known of one employee, what comes after `as_of` included, and their team on that day.
    pub(crate) fn history(&self, id: &str, as_of: &str) -> v1::EmployeeHistory {
        let person = &self.people[self.by_id[id]];
        v1::EmployeeHistory {
            hire_date: person.hire_date.clone(),
            as_of: as_of.to_owned(),
            assignments: person.assignments.clone(),
            survey_responses: person.surveys.clone(),
            feedback: person.feedback.clone(),
            team: Some(self.team(person, as_of)),
            coverage: Some(self.coverage.clone()),
        }
    }

    fn team(&self, person: &Person, as_of: &str) -> v1::TeamContext {
        let present = || self.people.iter().filter(|other| other.employed_on(as_of));
        let manager = person.manager_on(as_of);
        let colleagues =
            || self.people.iter().filter(move |other| other.id != person.id && other.manager_on(as_of) == manager);
        let unit = |of: &Person| {
            let assignment = of.assignment_on(as_of)?;
            Some((assignment.department.clone()?, assignment.location.clone()))
        };
        let answers: Vec<f64> =
            colleagues().filter(|c| c.employed_on(as_of)).filter_map(|c| c.engagement_on(as_of)).collect();
        let exits_under = |manager: &str| {
            let left = |other: &Person| {
                let (date, kind) = other.exit.as_ref()?;
                let counts = other.id != person.id
                    && kind == "voluntary"
                    && date.as_str() <= as_of
                    && other.manager_on(date) == Some(manager);
                counts.then(|| date.clone())
            };
            v1::DateList { dates: self.people.iter().filter_map(left).collect() }
        };
        v1::TeamContext {
            manager_span: manager.map(|_| 1 + colleagues().filter(|c| c.employed_on(as_of)).count() as u32),
            team_size: unit(person).map(|own| present().filter(|p| unit(p).as_ref() == Some(&own)).count() as u32),
            teammate_exits: manager.map(exits_under),
            team_engagement: manager
                .filter(|_| answers.len() >= MIN_TEAM_ANSWERS)
                .map(|_| mean(answers.iter().copied())),
            manager_exits: manager.map(|_| v1::DateList { dates: self.manager_exits(person, as_of) }),
        }
    }

    fn manager_exits(&self, person: &Person, as_of: &str) -> Vec<String> {
        let mut rows: Vec<&v1::Assignment> = person.assignments.iter().collect();
        rows.sort_by(|a, b| a.effective_date.cmp(&b.effective_date));
        let mut dates = Vec::new();
        for (i, row) in rows.iter().enumerate() {
            let manager = row.manager_id.as_ref().and_then(|id| self.by_id.get(id)).map(|&i| &self.people[i]);
            let Some((left, _)) = manager.and_then(|manager| manager.exit.as_ref()) else { continue };
            let handed_over = rows.get(i + 1).map(|next| days(&next.effective_date) + HANDOVER_DAYS);
            if left.as_str() <= as_of
                && *left >= row.effective_date
                && handed_over.is_none_or(|until| days(left) <= until)
                && !dates.contains(left)
            {
                dates.push(left.clone());
            }
        }
        dates
    }
}

fn person(row: CsvRow<'_>) -> Person {
    let exit = row.get("exit_date").map(|date| (date.to_owned(), row.text("exit_type").to_owned()));
    let (id, hire_date) = (row.text("employee_id").to_owned(), row.text("hire_date").to_owned());
    Person { id, hire_date, exit, assignments: Vec::new(), surveys: Vec::new(), feedback: Vec::new() }
}

fn assignment(row: CsvRow<'_>) -> v1::Assignment {
    let text = |column: &str| row.get(column).map(str::to_owned);
    v1::Assignment {
        effective_date: row.text("effective_date").to_owned(),
        manager_id: text("manager_id"),
        department: text("department"),
        location: text("location"),
        job_title: text("job_title"),
        job_level: text("job_level"),
        employment_type: text("employment_type"),
        annual_pay: row.number("annual_pay"),
        pay_midpoint: row.number("pay_midpoint"),
        critical_role: row.get("critical_role").map(|text| text == "true"),
    }
}

fn survey_response(row: CsvRow<'_>) -> v1::SurveyResponse {
    v1::SurveyResponse {
        date: row.text("date").to_owned(),
        survey: row.text("survey").to_owned(),
        driver: row.text("driver").to_owned(),
        score: row.number("score"),
        scale_min: row.number("scale_min"),
        scale_max: row.number("scale_max"),
    }
}

fn feedback_event(row: CsvRow<'_>) -> v1::FeedbackEvent {
    let (date, kind) = (row.text("date").to_owned(), row.text("kind").to_owned());
    v1::FeedbackEvent { date, kind, rating: row.number("rating") }
}

fn coverage(people: &[Person]) -> v1::RecordCoverage {
    let mut kinds: HashMap<&str, &str> = HashMap::new();
    for event in people.iter().flat_map(|person| &person.feedback) {
        let first = kinds.entry(&event.kind).or_insert(&event.date);
        *first = (*first).min(event.date.as_str());
    }
    let assignments = people.iter().flat_map(|person| &person.assignments).map(|a| &a.effective_date);
    let surveys = people.iter().flat_map(|person| &person.surveys).map(|s| &s.date);
    v1::RecordCoverage {
        assignments_since: assignments.min().cloned(),
        surveys_since: surveys.min().cloned(),
        feedback: kinds
            .into_iter()
            .map(|(kind, since)| v1::FeedbackCoverage { kind: kind.to_owned(), since: since.to_owned() })
            .collect(),
    }
}

fn dates(people: &[Person]) -> impl Iterator<Item = &str> {
    people.iter().flat_map(|person| {
        let own = std::iter::once(person.hire_date.as_str()).chain(person.exit.iter().map(|(date, _)| date.as_str()));
        own.chain(person.assignments.iter().map(|a| a.effective_date.as_str()))
            .chain(person.surveys.iter().map(|s| s.date.as_str()))
            .chain(person.feedback.iter().map(|f| f.date.as_str()))
    })
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}

/// Days since 1970-01-01 of an ISO date (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil).
pub(crate) fn days(date: &str) -> i64 {
    let part = |range: std::ops::Range<usize>| date[range].parse::<i64>().expect("an ISO date");
    let (year, month, day) = (part(0..4), part(5..7), part(8..10));
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}
