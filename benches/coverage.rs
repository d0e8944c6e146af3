//! What a model says of its own doubt, against the truth of generated companies: the share of true risks inside their 90 %
//! intervals, the share of true coefficients inside theirs, and calibration on the year after training.
//!
//! `cargo bench --workspace --bench coverage -- --companies 200 --employees 500 --years 4`
//!
//! Every company is known up to a day twelve months before its records end: whatever is dated later is cut off. A model is
//! trained with the default plan, everybody employed on that day is scored, and what it says is held against the hazard from
//! which exits are drawn and against who left within 3, 6 and 12 months. Other kinds of exits end the observation of whom
//! they befall: those who are observed to the end stand for them too (weights by the inverse probability of being observed).

#![allow(clippy::unwrap_used, reason = "a measurement stops at the first surprise")]

use std::collections::BTreeMap;
use std::time::Instant;

use flight_risk_data::generate::{GeneratorOptions, Truth, generate};
use flight_risk_data::{NativeData, ValidationReport};
use flight_risk_model::config::Complexity;
use flight_risk_model::evaluate::evaluate_native;
use flight_risk_model::snapshots::{Outcome, outcome};
use flight_risk_model::{TrainOptions, TrainingConfig, train_native};
use flight_risk_scoring::features::{FeatureInput, compute};
use flight_risk_scoring::history::HistoryFacts;
use flight_risk_scoring::scorer::Z_90;
use flight_risk_scoring::{Company, Day, EmployeeHistory, LogOdds, Scorer};
use rayon::prelude::*;

/// Months that are cut off before training and judged.
const JUDGED_MONTHS: i32 = 12;
/// Groups of people by predicted risk.
const GROUPS: usize = 10;

struct Options {
    companies: u64,
    employees: u32,
    years: u32,
    seed: u64,
    /// Straight lines only, which takes a tenth of the time.
    lines: bool,
}

impl Options {
    fn read() -> Self {
        let mut options = Self { companies: 200, employees: 500, years: 4, seed: 1, lines: false };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let mut number = || arguments.next().unwrap().parse::<u64>().unwrap();
            match name.as_str() {
                "--companies" => options.companies = number(),
                "--employees" => options.employees = number() as u32,
                "--years" => options.years = number() as u32,
                "--lines" => options.lines = true,
                "--seed" => options.seed = number(),
                _ => {}
            }
        }
        options
    }
}

/// One horizon of one person.
struct Followed {
    risk: f64,
    low: f64,
    high: f64,
    outcome: Outcome,
    /// Months until the voluntary exit, or until observation ended, whichever came first.
    months: f64,
}

struct Person {
    true_log_odds: f64,
    log_odds: f64,
    standard_error: f64,
    abstained: bool,
    horizons: Vec<Followed>,
}

struct Coefficient {
    feature: String,
    truth: f64,
    estimate: f64,
    low: f64,
    high: f64,
}

struct Judged {
    people: Vec<Person>,
    coefficients: Vec<Coefficient>,
    missing: usize,
    events: u64,
    base_rate: f64,
    calibration: f64,
    curves: usize,
    pairs: usize,
    rules: bool,
    lines: String,
    publishable: bool,
    seconds: f64,
}

/// The facts dated up to a day; `None`: not hired yet.
fn known_on(facts: HistoryFacts, day: Day) -> Option<HistoryFacts> {
    let mut facts = facts;
    facts.assignments.retain(|fact| fact.effective_date <= day);
    facts.survey_responses.retain(|fact| fact.date <= day);
    facts.feedback.retain(|fact| fact.date <= day);
    facts.exit = facts.exit.filter(|exit| exit.date <= day);
    (facts.hire_date <= day).then_some(facts)
}

fn judge(options: &Options, number: u64) -> Judged {
    let made = generate(&GeneratorOptions::new(options.employees, options.years, options.seed + number)).unwrap();
    let end = made.truth.options.end;
    let today = end.plus_months(-JUDGED_MONTHS);
    let known = made.employees.iter().filter_map(|e| known_on(e.facts(), today)).map(EmployeeHistory::new).collect();
    let data = NativeData {
        company: Company::new(known, Some(today)).unwrap(),
        protected: BTreeMap::new(),
        report: ValidationReport::default(),
        digest: String::new(),
    };
    let mut config = TrainingConfig::default();
    if options.lines {
        config = TrainingConfig { complexity: Complexity::Lines, pairs: false, rules: false, ..config };
    }
    let plan = config.check().unwrap();
    let start = Instant::now();
    let artifact =
        train_native(&data, &plan, TrainOptions { allow_weak: true, ..Default::default() }, &|_| {}).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    let scorer = Scorer::new(artifact);
    let company = Company::new(made.histories(), Some(end)).unwrap();
    let people = people(&company, &data.company, &scorer, &made.truth, today);
    let compared = evaluate_native(&data, &scorer, &plan, Some(&made.truth)).unwrap().truth.unwrap();
    let total = compared.coefficients.len();
    let coefficients: Vec<Coefficient> = compared
        .coefficients
        .into_iter()
        .filter_map(|c| {
            Some(Coefficient { feature: c.feature, truth: c.truth, estimate: c.estimate?, low: c.low?, high: c.high? })
        })
        .collect();
    let content = scorer.artifact().content();
    let lines = content.provenance.blocks.iter().find(|block| block.name == "straight lines");
    Judged {
        people,
        missing: total - coefficients.len(),
        coefficients,
        events: content.reference.events,
        base_rate: content.base_rates.period,
        calibration: content.calibration.slope,
        curves: content.provenance.blocks.iter().filter(|block| block.name.starts_with("curve")).count(),
        pairs: content.pairs.len(),
        rules: content.rules.is_some(),
        lines: lines.map_or(String::new(), |b| format!("{:.1} ({:.1} left)", b.penalty, b.effective_parameters)),
        publishable: content.metrics.verdict.publishable,
        seconds,
    }
}

/// Everybody employed on the day, as scored from what was known on it, with what became of them.
fn people(company: &Company, known: &Company, scorer: &Scorer, truth: &Truth, today: Day) -> Vec<Person> {
    let teams = known.teams_on(today);
    let mut people = Vec::new();
    for (employee, history) in known.histories().iter().enumerate().filter(|(_, h)| h.employed_on(today)) {
        let team = teams.context(employee);
        let values = compute(&FeatureInput { history, team: &team, coverage: known.coverage(), as_of: today });
        let row = scorer.row_of(&values).unwrap();
        let assessment = scorer.score(&row);
        let later = company.position(history.employee_id()).and_then(|i| company.histories().get(i)).unwrap();
        let follow = |horizon: &flight_risk_scoring::scorer::HorizonRisk| {
            let until = today.plus_months(horizon.months as i32);
            let last = later.exit().map_or(until, |exit| exit.date.min(until));
            Followed {
                risk: horizon.risk.get(),
                low: horizon.low.get(),
                high: horizon.high.get(),
                outcome: outcome(later, today, until, company.data_end()),
                months: f64::from(last.days_since(today)) / 30.44,
            }
        };
        people.push(Person {
            true_log_odds: truth.log_odds(&values),
            log_odds: assessment.log_odds.0,
            standard_error: scorer.contributions(&row).1,
            abstained: !assessment.doubts.is_empty(),
            horizons: assessment.horizons.iter().map(follow).collect(),
        });
    }
    people
}

fn probability(log_odds: f64) -> f64 {
    LogOdds(log_odds).probability().get()
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), x| (sum + x, count + 1.0));
    sum / count
}

/// Mean over companies of sums, a ratio of two of them, with its standard error by company.
fn ratio(parts: &[(f64, f64)]) -> (f64, f64) {
    let (above, below) = parts.iter().fold((0.0, 0.0), |(a, b), part| (a + part.0, b + part.1));
    let ratio = above / below;
    let spread: f64 = parts.iter().map(|part| (part.0 - ratio * part.1).powi(2)).sum();
    let n = parts.len() as f64;
    (ratio, (spread * n / (n - 1.0)).sqrt() / below)
}

fn share(values: &[bool]) -> (f64, f64) {
    (values.iter().filter(|&&x| x).count() as f64, values.len() as f64)
}

fn is_inside(person: &Person) -> bool {
    (person.true_log_odds - person.log_odds).abs() <= Z_90 * person.standard_error
}

/// Inverse probability of being observed to the end of a horizon (or to the exit), from all companies together (Kaplan & Meier).
fn weights(followed: &[(usize, &Followed)], months: f64) -> Vec<f64> {
    let mut ends: Vec<(f64, bool)> = followed.iter().map(|(_, f)| (f.months, f.outcome == Outcome::Censored)).collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    // The share observed just after each end of an observation.
    let (mut left, mut observed, mut steps) = (ends.len() as f64, 1.0, Vec::new());
    for (month, censored) in ends {
        if censored {
            observed *= 1.0 - 1.0 / left;
            steps.push((month, observed));
        }
        left -= 1.0;
    }
    let share_until = |month: f64| {
        let place = steps.partition_point(|step| step.0 < month);
        place.checked_sub(1).and_then(|i| steps.get(i)).map_or(1.0, |step| step.1)
    };
    followed
        .iter()
        .map(|(_, f)| match f.outcome {
            Outcome::Left => 1.0 / share_until(f.months),
            Outcome::Stayed => 1.0 / share_until(months),
            Outcome::Censored | Outcome::Gone => 0.0,
        })
        .collect()
}

/// Weighted logistic regression of outcomes on log-odds: slope with its standard error by company.
fn slope(rows: &[(usize, f64, f64, f64)], companies: usize) -> (f64, f64) {
    let (mut a, mut b) = (0.0, 1.0);
    let mut inverse = [[0.0; 2]; 2];
    for _ in 0..30 {
        let (mut g, mut h) = ([0.0; 2], [0.0; 3]);
        for &(_, x, y, w) in rows {
            let p = probability(a + b * x);
            let (error, v) = (w * (y - p), w * p * (1.0 - p));
            g[0] += error;
            g[1] += error * x;
            h[0] += v;
            h[1] += v * x;
            h[2] += v * x * x;
        }
        let determinant = h[0] * h[2] - h[1] * h[1];
        inverse = [[h[2] / determinant, -h[1] / determinant], [-h[1] / determinant, h[0] / determinant]];
        a += inverse[0][0] * g[0] + inverse[0][1] * g[1];
        b += inverse[1][0] * g[0] + inverse[1][1] * g[1];
    }
    let mut scores = vec![[0.0; 2]; companies];
    for &(company, x, y, w) in rows {
        let error = w * (y - probability(a + b * x));
        scores[company][0] += error;
        scores[company][1] += error * x;
    }
    let variance: f64 = scores.iter().map(|s| (inverse[1][0] * s[0] + inverse[1][1] * s[1]).powi(2)).sum();
    (b, variance.sqrt())
}

fn percent((value, error): (f64, f64)) -> String {
    format!("{:.1} % ({:.1})", 100.0 * value, 100.0 * error)
}

fn print_risks(judged: &[Judged]) {
    let per_company = |of: &dyn Fn(&Person) -> bool| -> Vec<(f64, f64)> {
        judged.iter().map(|c| share(&c.people.iter().map(of).collect::<Vec<_>>())).collect()
    };
    let inside = per_company(&is_inside);
    let mut shares: Vec<f64> = inside.iter().map(|(a, b)| a / b).collect();
    shares.sort_by(f64::total_cmp);
    let at = |q: f64| 100.0 * shares[((shares.len() - 1) as f64 * q).round() as usize];
    println!("\n## True hazard of the next period\n");
    println!("inside the 90 % interval: {}", percent(ratio(&inside)));
    println!(
        "by company, % inside at the 5th, 25th, 50th, 75th, 95th of 100: {:.0} {:.0} {:.0} {:.0} {:.0}",
        at(0.05),
        at(0.25),
        at(0.5),
        at(0.75),
        at(0.95)
    );
    println!(
        "below it: {}; above it: {}; abstained: {}",
        percent(ratio(&per_company(&|p| p.true_log_odds < p.log_odds - Z_90 * p.standard_error))),
        percent(ratio(&per_company(&|p| p.true_log_odds > p.log_odds + Z_90 * p.standard_error))),
        percent(ratio(&per_company(&|p| p.abstained)))
    );
    let all = || judged.iter().flat_map(|c| &c.people);
    println!(
        "mean standard error {:.3}; root mean squared error {:.3}; mean error {:.3} (log-odds)",
        mean(all().map(|p| p.standard_error)),
        mean(all().map(|p| (p.log_odds - p.true_log_odds).powi(2))).sqrt(),
        mean(all().map(|p| p.log_odds - p.true_log_odds))
    );
    // Of the log-loss that the true hazard saves beside the base rate, how much does the model save?
    let loss = |p: f64, q: f64| -(p * q.ln() + (1.0 - p) * (1.0 - q).ln());
    let saved: Vec<(f64, f64)> = judged
        .iter()
        .map(|c| {
            let sum = |of: &dyn Fn(f64, &Person) -> f64| {
                c.people.iter().map(|p| of(probability(p.true_log_odds), p)).sum::<f64>()
            };
            let (base, best) = (sum(&|t, _| loss(t, c.base_rate)), sum(&|t, _| loss(t, t)));
            let model = sum(&|t, p| loss(t, probability(p.log_odds)));
            (base - model, base - best)
        })
        .collect();
    println!("log-loss saved of what the true hazard saves beside the base rate: {}", percent(ratio(&saved)));
    let mean_hazard: Vec<(f64, f64)> = judged
        .iter()
        .map(|c| {
            (
                c.people.iter().map(|p| probability(p.log_odds)).sum(),
                c.people.iter().map(|p| probability(p.true_log_odds)).sum(),
            )
        })
        .collect();
    println!("mean predicted hazard of the true: {}", percent(ratio(&mean_hazard)));
    println!(
        "\n| group by predicted hazard | mean predicted | mean true | inside | mean standard error | below | above |\n|---|---|---|---|---|---|---|"
    );
    let mut people: Vec<&Person> = all().collect();
    people.sort_by(|a, b| a.log_odds.total_cmp(&b.log_odds));
    for group in 0..GROUPS {
        let part = &people[group * people.len() / GROUPS..(group + 1) * people.len() / GROUPS];
        println!(
            "| {} | {:.2} % | {:.2} % | {:.1} % | {:.3} | {:.1} % | {:.1} % |",
            group + 1,
            100.0 * mean(part.iter().map(|p| probability(p.log_odds))),
            100.0 * mean(part.iter().map(|p| probability(p.true_log_odds))),
            100.0 * mean(part.iter().map(|p| f64::from(u8::from(is_inside(p))))),
            mean(part.iter().map(|p| p.standard_error)),
            100.0
                * mean(
                    part.iter().map(|p| f64::from(u8::from(p.true_log_odds < p.log_odds - Z_90 * p.standard_error)))
                ),
            100.0
                * mean(
                    part.iter().map(|p| f64::from(u8::from(p.true_log_odds > p.log_odds + Z_90 * p.standard_error)))
                )
        );
    }
}

fn print_coefficients(judged: &[Judged]) {
    println!("\n## Coefficients of the true hazard\n");
    let inside = |c: &Coefficient| c.low <= c.truth && c.truth <= c.high;
    let by_company: Vec<(f64, f64)> =
        judged.iter().map(|c| share(&c.coefficients.iter().map(inside).collect::<Vec<_>>())).collect();
    println!(
        "inside their 90 % intervals: {}; without an estimate: {}",
        percent(ratio(&by_company)),
        judged.iter().map(|c| c.missing).sum::<usize>()
    );
    println!("\n| feature | true | mean estimate | inside | mean half width of the interval |\n|---|---|---|---|---|");
    let mut features: BTreeMap<&str, Vec<&Coefficient>> = BTreeMap::new();
    for coefficient in judged.iter().flat_map(|c| &c.coefficients) {
        features.entry(&coefficient.feature).or_default().push(coefficient);
    }
    for (feature, found) in features {
        println!(
            "| {feature} | {} | {:.4} | {:.0} % | {:.4} |",
            found[0].truth,
            mean(found.iter().map(|c| c.estimate)),
            100.0 * mean(found.iter().map(|c| f64::from(u8::from(inside(c))))),
            mean(found.iter().map(|c| (c.high - c.low) / 2.0))
        );
    }
}

fn print_horizons(judged: &[Judged]) {
    println!("\n## The year after training\n");
    let months: Vec<u32> = TrainingConfig::default().horizons_months;
    println!(
        "| months | people | left | mean predicted / observed | slope | mean of all lows / observed | of all highs |\n|---|---|---|---|---|---|---|"
    );
    for (place, &months) in months.iter().enumerate() {
        let followed: Vec<(usize, &Followed)> = judged
            .iter()
            .enumerate()
            .flat_map(|(company, c)| c.people.iter().filter_map(move |p| Some((company, p.horizons.get(place)?))))
            .collect();
        let weights = weights(&followed, f64::from(months));
        let left = |f: &Followed| f64::from(u8::from(f.outcome == Outcome::Left));
        let mut sums = vec![[0.0; 4]; judged.len()];
        for ((company, f), w) in followed.iter().zip(&weights) {
            for (sum, x) in sums[*company].iter_mut().zip([f.risk, w * left(f), f.low, f.high]) {
                *sum += x;
            }
        }
        let of = |what: usize| ratio(&sums.iter().map(|s| (s[what], s[1])).collect::<Vec<_>>());
        let rows: Vec<(usize, f64, f64, f64)> = followed
            .iter()
            .zip(&weights)
            .filter(|(_, w)| **w > 0.0)
            .map(|((company, f), &w)| (*company, (f.risk / (1.0 - f.risk)).ln(), left(f), w))
            .collect();
        let (b, error) = slope(&rows, judged.len());
        println!(
            "| {months} | {} | {} | {} | {b:.3} ({error:.3}) | {:.2} | {:.2} |",
            followed.len(),
            followed.iter().map(|(_, f)| left(f)).sum::<f64>(),
            percent(of(0)),
            of(2).0,
            of(3).0
        );
    }
    let last = months.len() - 1;
    println!(
        "\n| group by risk at {} months | predicted | observed | mean low | mean high |\n|---|---|---|---|---|",
        months[last]
    );
    let mut followed: Vec<(usize, &Followed)> =
        judged.iter().flat_map(|c| &c.people).filter_map(|p| Some((0, p.horizons.get(last)?))).collect();
    followed.sort_by(|a, b| a.1.risk.total_cmp(&b.1.risk));
    let weights = weights(&followed, f64::from(months[last]));
    for group in 0..GROUPS {
        let range = group * followed.len() / GROUPS..(group + 1) * followed.len() / GROUPS;
        let (part, w) = (&followed[range.clone()], &weights[range]);
        let observed = part.iter().zip(w).filter(|((_, f), _)| f.outcome == Outcome::Left).map(|(_, w)| w).sum::<f64>()
            / part.len() as f64;
        println!(
            "| {} | {:.1} % | {:.1} % | {:.1} % | {:.1} % |",
            group + 1,
            100.0 * mean(part.iter().map(|(_, f)| f.risk)),
            100.0 * observed,
            100.0 * mean(part.iter().map(|(_, f)| f.low)),
            100.0 * mean(part.iter().map(|(_, f)| f.high))
        );
    }
}

fn main() {
    let options = Options::read();
    let start = Instant::now();
    let judged: Vec<Judged> = (0..options.companies).into_par_iter().map(|number| judge(&options, number)).collect();
    println!(
        "# {} companies of {} employees and {} years, the last cut off; seeds from {}\n",
        options.companies, options.employees, options.years, options.seed
    );
    println!(
        "{:.0} s, {:.1} s to train one; mean of {:.0} exits to learn from",
        start.elapsed().as_secs_f64(),
        mean(judged.iter().map(|c| c.seconds)),
        mean(judged.iter().map(|c| c.events as f64))
    );
    let count = |of: &dyn Fn(&Judged) -> bool| judged.iter().filter(|c| of(c)).count();
    println!(
        "models with curves {}, with pairs {}, with rules {}, corrected {} (mean slope {:.3}), publishable {}",
        count(&|c| c.curves > 0),
        count(&|c| c.pairs > 0),
        count(&|c| c.rules),
        count(&|c| (c.calibration - 1.0).abs() > 1e-9),
        mean(judged.iter().map(|c| c.calibration)),
        count(&|c| c.publishable)
    );
    if judged.len() <= 20 {
        for c in &judged {
            println!(
                "  penalty of straight lines {}, curves {}, pairs {}, rules {}, slope {:.3}, inside {:.0} %",
                c.lines,
                c.curves,
                c.pairs,
                c.rules,
                c.calibration,
                100.0 * mean(c.people.iter().map(|p| f64::from(u8::from(is_inside(p)))))
            );
        }
    }
    print_risks(&judged);
    print_coefficients(&judged);
    print_horizons(&judged);
}
