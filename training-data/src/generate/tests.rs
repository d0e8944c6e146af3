//! The generated company against its own truth, and against what makes a company believable.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::LazyLock;

use flight_risk_scoring::Company;
use flight_risk_scoring::features::{FeatureInput, compute};

use super::*;
use crate::native::{NativeOptions, read_native};
use crate::report::Outcome;

/// One company for all tests that only look: 300 employees, 3 years.
static COMPANY: LazyLock<GeneratedCompany> = LazyLock::new(|| generated(300, 3, 11));

fn generated(employees: u32, years: u32, seed: u64) -> GeneratedCompany {
    generate(&GeneratorOptions::new(employees, years, seed)).unwrap()
}

/// Name and content of every file in a folder.
fn files(dir: &Path) -> BTreeMap<String, String> {
    std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect()
}

fn written(company: &GeneratedCompany) -> BTreeMap<String, String> {
    let dir = tempfile::tempdir().unwrap();
    write(company, dir.path()).unwrap();
    files(dir.path())
}

#[test]
fn the_true_log_odds_can_be_recomputed_from_the_facts_on_record() {
    let made = &*COMPANY;
    let company = Company::new(made.histories(), Some(made.truth.options.end)).unwrap();
    assert!(made.months.len() > 10_000, "{}", made.months.len());
    let mut unknown_engagement = 0;
    for of_day in made.months.chunk_by(|a, b| a.as_of == b.as_of) {
        let as_of = of_day[0].as_of;
        let teams = company.teams_on(as_of);
        for month in of_day {
            let history = &company.histories()[month.employee];
            let team = teams.context(month.employee);
            let values = compute(&FeatureInput { history, team: &team, coverage: company.coverage(), as_of });
            unknown_engagement += usize::from(values.iter().any(|v| v.is_nan()));
            let log_odds = made.truth.log_odds(&values);
            assert!(
                (log_odds - month.log_odds).abs() < 1e-12,
                "{} on {as_of}: {log_odds} from the records, {} when drawn",
                history.employee_id(),
                month.log_odds
            );
        }
    }
    assert!(unknown_engagement > 100, "unknown values must occur to be tested: {unknown_engagement}");
}

#[test]
fn everybody_employed_and_undecided_decides_every_month() {
    let made = &*COMPANY;
    let asked: HashSet<(Day, usize)> = made.months.iter().map(|m| (m.as_of, m.employee)).collect();
    assert_eq!(asked.len(), made.months.len(), "nobody is asked twice on a day");
    let decided: HashMap<usize, Day> =
        made.months.iter().filter(|m| m.leaves_on.is_some()).map(|m| (m.employee, m.as_of)).collect();
    for month in 1..=12 * 3 + 1 {
        let as_of = made.truth.options.end.plus_months(-month);
        for (number, employee) in made.employees.iter().enumerate() {
            let undecided = match (decided.get(&number), employee.exit) {
                (Some(&decision), _) => as_of <= decision,
                // Any other exit is known a blackout ahead too.
                (None, Some(exit)) => exit.date > as_of.plus_days(BLACKOUT_DAYS),
                (None, None) => true,
            };
            let decides = employee.hire_date <= as_of && undecided;
            assert_eq!(asked.contains(&(as_of, number)), decides, "{} on {as_of}", employee.employee_id);
        }
    }
}

#[test]
fn every_resignation_falls_into_the_month_after_the_blackout_of_its_decision() {
    let made = &*COMPANY;
    let end = made.truth.options.end;
    let mut decided: HashMap<usize, Day> = HashMap::new();
    for month in &made.months {
        let Some(day) = month.leaves_on else { continue };
        let back = (1..=37).find(|&k| end.plus_months(-k) == month.as_of).unwrap();
        let next = end.plus_months(-(back - 1));
        assert!(day > month.as_of.plus_days(BLACKOUT_DAYS), "{day} {}", month.as_of);
        assert!(day <= next.plus_days(BLACKOUT_DAYS), "{day} {}", month.as_of);
        assert_eq!(decided.insert(month.employee, day), None, "nobody leaves twice");
    }
    let on_record: HashMap<usize, Day> = made
        .employees
        .iter()
        .enumerate()
        .filter_map(|(number, e)| Some((number, e.exit.filter(|exit| exit.kind == ExitKind::Voluntary)?.date)))
        .collect();
    decided.retain(|_, day| *day <= end);
    assert_eq!(on_record, decided);
    assert!(on_record.len() > 60, "{}", on_record.len());
}

#[test]
fn no_fact_lies_before_the_hire_or_after_the_exit_or_the_end() {
    let made = &*COMPANY;
    let recorded_from = made.truth.options.end.plus_months(-12 * 3 - 7);
    for employee in &made.employees {
        let last = employee.exit.map_or(made.truth.options.end, |exit| exit.date);
        let id = &employee.employee_id;
        let first = employee.assignments.first().map(|a| a.effective_date);
        assert_eq!(first, Some(employee.hire_date), "{id}: assignments begin with the hire");
        let records =
            employee.surveys.iter().map(|w| w.date).chain(employee.feedback.iter().map(|c| c.date)).collect::<Vec<_>>();
        for &day in &records {
            assert!(day > recorded_from, "{id} {day}");
        }
        for day in employee.assignments.iter().map(|a| a.effective_date).chain(records) {
            assert!(day >= employee.hire_date && day <= last, "{id}: {day} outside {} .. {last}", employee.hire_date);
        }
        assert!(last >= employee.hire_date && last <= made.truth.options.end, "{id}");
    }
}

#[test]
fn leavers_withdraw_in_their_last_days_and_hand_over() {
    let made = &*COMPANY;
    let leavers = || made.employees.iter().filter(|e| e.exit.is_some_and(|exit| exit.kind == ExitKind::Voluntary));
    let talks = |e: &GeneratedEmployee, from: i32, to: i32| {
        let exit = e.exit.map(|exit| exit.date).unwrap();
        let within = |c: &&Contact| (from..to).contains(&exit.days_since(c.date)) && c.kind == "one_on_one";
        e.feedback.iter().filter(within).count()
    };
    let last: usize = leavers().map(|e| talks(e, 0, 30)).sum();
    let before: usize = leavers().map(|e| talks(e, 30, 60)).sum();
    assert!(3 * last < 2 * before, "{last} one-on-ones in the last 30 days, {before} in the 30 before");
    for employee in leavers() {
        let interviews = employee.feedback.iter().filter(|c| c.kind == "exit_interview").count();
        assert_eq!(interviews, 1, "{}", employee.employee_id);
    }
}

#[test]
fn turnover_and_size_are_believable() {
    for (employees, years, seed) in [(300, 3, 11), (800, 4, 2)] {
        let made = generated(employees, years, seed);
        let truth = &made.truth;
        let mean = |rate: fn(&YearlyExits) -> f64| truth.years.iter().map(rate).sum::<f64>() / f64::from(years);
        let (voluntary, other) = (mean(|y| y.voluntary_rate), mean(|y| y.other_rate));
        assert_eq!(truth.years.len(), years as usize);
        assert!((0.08..0.16).contains(&voluntary), "{voluntary}");
        assert!((0.02..0.07).contains(&other), "{other}");
        assert!((0.72..0.88).contains(&truth.auc), "{}", truth.auc);
        let here = made.employees.iter().filter(|e| e.exit.is_none()).count() as f64;
        assert!((here / f64::from(employees) - 1.0).abs() < 0.06, "{here} of {employees}");
    }
}

#[test]
fn everybody_has_a_manager_who_works_there_and_no_chain_is_a_circle() {
    // A small company can come by an odd span; a chart that is no tree is wrong in any.
    check_managers(&COMPANY, true);
    for (employees, years, seed) in [(20, 20, 4), (45, 6, 3), (150, 3, 9)] {
        check_managers(&generated(employees, years, seed), false);
    }
}

fn check_managers(made: &GeneratedCompany, usual_spans: bool) {
    let company = made.histories();
    let by_id: HashMap<&EmployeeId, &EmployeeHistory> = company.iter().map(|h| (h.employee_id(), h)).collect();
    let months = 12 * made.truth.options.years as i32;
    for month in 0..=months {
        let day = made.truth.options.end.plus_months(-month);
        let mut spans: HashMap<&EmployeeId, u32> = HashMap::new();
        let mut heads = 0;
        for history in company.iter().filter(|h| h.employed_on(day)) {
            let manager_of = |h: &EmployeeHistory| h.assignment_on(day).and_then(|a| a.manager_id.clone());
            let mut above = manager_of(history);
            heads += usize::from(above.is_none());
            if let Some(manager) = &above {
                let (id, _) = by_id.get_key_value(manager).unwrap();
                *spans.entry(id).or_default() += 1;
                assert!(by_id[manager].employed_on(day), "{manager} leads {} on {day}", history.employee_id());
            }
            let mut steps = 0;
            while let Some(manager) = above {
                above = manager_of(by_id[&manager]);
                steps += 1;
                assert!(steps < 12, "{} on {day}: a circle of managers", history.employee_id());
            }
        }
        assert_eq!(heads, 1, "heads of the company on {day}");
        if !usual_spans {
            continue;
        }
        let mean = f64::from(spans.values().sum::<u32>()) / spans.len() as f64;
        assert!((4.0..10.0).contains(&mean), "{mean} people a manager on {day}");
        assert!(spans.values().all(|&span| span <= 16), "{:?} on {day}", spans.values().max());
    }
}

#[test]
fn every_kind_of_record_occurs() {
    let made = generated(600, 4, 2);
    let kinds: HashSet<&str> = made.employees.iter().flat_map(|e| &e.feedback).map(|c| c.kind).collect();
    for (name, _) in FeedbackKind::NAMES {
        assert!(kinds.contains(name), "no {name}");
    }
    let exits: HashSet<&str> = made.employees.iter().filter_map(|e| e.exit).map(|exit| exit.kind.name()).collect();
    for kind in ["voluntary", "involuntary", "retirement", "end_of_contract"] {
        assert!(exits.contains(kind), "no {kind}");
    }
    let waves = || made.employees.iter().flat_map(|e| &e.surveys);
    let answered = waves().filter(|w| w.answers.is_some()).count() as f64 / waves().count() as f64;
    assert!((0.6..0.92).contains(&answered), "{answered} of the surveys answered");
    let never = made.employees.iter().filter(|e| e.surveys.len() > 6 && e.surveys.iter().all(|w| w.answers.is_none()));
    assert!(never.count() > 0, "some never answer");
}

#[test]
fn the_same_options_give_the_same_bytes_and_another_seed_gives_others() {
    let first = written(&generated(60, 2, 5));
    assert_eq!(first, written(&generated(60, 2, 5)));
    let other = written(&generated(60, 2, 6));
    for (name, text) in &first {
        assert!(text.lines().count() > 10, "{name}");
        assert_ne!(text, &other[name], "{name}");
    }
}

#[test]
fn the_truth_is_read_back_as_it_was_written() {
    let made = generated(40, 1, 3);
    let dir = tempfile::tempdir().unwrap();
    write(&made, dir.path()).unwrap();
    assert_eq!(Truth::read(&dir.path().join("truth.json")).unwrap(), made.truth);
    let message = Truth::read(&dir.path().join("employees.csv")).unwrap_err().to_string();
    assert!(message.contains("employees.csv is not the truth.json"), "{message}");
}

#[test]
fn the_written_tables_are_read_back_as_the_same_histories_and_nothing_is_dropped() {
    let made = generated(60, 2, 5);
    let dir = tempfile::tempdir().unwrap();
    write(&made, dir.path()).unwrap();
    let end = made.truth.options.end;
    let protected = vec!["gender".to_owned(), "age_band".to_owned()];
    let read = read_native(dir.path(), &NativeOptions { today: end, data_end: Some(end), protected }).unwrap();
    // The kind `exit_interview` has no feature of its own and is noted.
    assert!(
        read.report.findings().iter().all(|f| f.outcome == Outcome::Noted && f.column == "kind"),
        "{}",
        read.report
    );
    assert_eq!(read.company.histories(), made.histories());
    assert_eq!(read.protected.len(), 2);
}

#[test]
fn every_coefficient_names_a_feature() {
    for name in COMPANY.truth.coefficients.keys() {
        assert!(flight_risk_scoring::features::position(name).is_some(), "{name}");
    }
}

#[test]
fn the_smallest_and_odd_companies_are_made() {
    for (employees, years) in [(MIN_EMPLOYEES, 1), (21, 3), (61, 1), (MIN_EMPLOYEES, MAX_YEARS)] {
        let made = generated(employees, years, 1);
        assert!(made.employees.len() >= 10, "{employees} x {years}");
    }
    let leap = GeneratorOptions { end: Day::from_ymd(2024, 2, 29).unwrap(), ..GeneratorOptions::new(50, 2, 1) };
    assert!(generate(&leap).is_ok());
}

#[test]
fn options_outside_their_limits_are_refused_with_the_limit() {
    let usual = GeneratorOptions::new(100, 3, 1);
    for (options, expected) in [
        (GeneratorOptions { employees: 0, ..usual.clone() }, "employees = 0; choose a value from 20 to 100000"),
        (GeneratorOptions { employees: 100_001, ..usual.clone() }, "employees = 100001"),
        (GeneratorOptions { years: 0, ..usual.clone() }, "years = 0; choose a value from 1 to 20"),
        (GeneratorOptions { years: 21, ..usual.clone() }, "years = 21"),
        (
            GeneratorOptions { employees: 100_000, years: 6, ..usual.clone() },
            "employees x years = 100000 x 6; choose a value at most 500000",
        ),
        (
            GeneratorOptions { end: Day::from_ymd(1950, 1, 1).unwrap(), ..usual },
            "end = 1950-01-01; choose a value between the years 1970 and 2100",
        ),
    ] {
        let message = generate(&options).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

/// The sample in the repository is what the generator makes. After a change to the generator, rewrite it with
/// `FLIGHT_RISK_BLESS=1 cargo test --workspace --lib -- generate::tests::the_committed_sample`.
#[test]
fn the_committed_sample_is_what_the_generator_makes() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample");
    let made = generated(SAMPLE.0, SAMPLE.1, SAMPLE.2);
    if std::env::var_os("FLIGHT_RISK_BLESS").is_some() {
        write(&made, &dir).unwrap();
    }
    let (committed, made) = (files(&dir), written(&made));
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&committed), names(&made));
    for (name, text) in &made {
        assert!(committed.get(name) == Some(text), "sample/{name} differs; see the comment above this test");
    }
    let size: usize = made.values().map(String::len).sum();
    assert!(size < 700_000, "{size} bytes");
}

/// Employees, years and seed of the committed sample.
const SAMPLE: (u32, u32, u64) = (100, 2, 7);
