//! How long the server takes for a page with many employees stored in a SQLite file, and how large it is. Not part of the usual
//! run; to measure:
//!
//! `cargo test --release -p flight-risk-server --lib -- --ignored --nocapture --test-threads 1 pages_with`

use std::time::{Duration, Instant};

use super::visitor::{Console, Visitor};
use crate::access::caller::{Role, Scope};
use crate::store::Store;
use crate::store::db::params;
use crate::tests::fixture::wide;
use crate::tests::list_speed::{FEATURES, fill, timed};
use crate::tests::risk::{record, scored_row};

/// The pages; `{e}` stands for an employee.
const PAGES: [&str; 24] = [
    "/at-risk",
    "/at-risk?capacity=20",
    "/at-risk?capacity=20000",
    "/at-risk?department=department+7&band=HIGH",
    "/at-risk?location=location+3&level=L4",
    "/at-risk?manager=m77&view=all",
    "/at-risk?view=all",
    "/at-risk?view=unknown",
    "/at-risk?view=stale",
    "/at-risk?q=e00",
    "/at-risk?changed=2020-01-01&sort=score_time+desc",
    "/people/{e}",
    "/hot-spots",
    "/hot-spots?cells=risk",
    "/hot-spots?rows=20",
    "/hot-spots?by=department",
    "/hot-spots?by=location",
    "/hot-spots?by=manager",
    "/drivers",
    "/drivers?by=department&group=department+7",
    "/actions",
    "/actions?view=outcomes",
    "/model",
    "/privacy",
];

/// Most bytes of a page with its style sheet.
const MOST_BYTES: usize = 100_000;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes, and only means something in a release build"]
async fn pages_with_a_hundred_thousand_employees() {
    measured(100_000, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes, and only means something in a release build"]
async fn pages_with_a_year_of_a_hundred_thousand_employees() {
    measured(100_000, 12).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes, and only means something in a release build"]
async fn pages_with_a_million_employees() {
    measured(1_000_000, 0).await;
}

/// With so many employees, scored every month of so many before.
async fn measured(employees: i64, months: i64) {
    let scorer = wide(FEATURES);
    let start = Instant::now();
    let console = Console::filled(wide(FEATURES), async |store| {
        fill(store, &scorer, employees).await;
        scored_before(store, employees, months).await;
    })
    .await;
    println!("{employees} employees and {months} months before, stored in {:.0?}", start.elapsed());
    let mut partner = console.partner().await;
    partner.state_purpose().await;
    let mut auditor = console.visitor("auditor", Role::Auditor, Scope::All).await;
    let start = Instant::now();
    console.more_rounds_than(0).await;
    println!("after the start, the first reading took {:.1?}", start.elapsed());
    let of_start = all(&mut partner, &mut auditor, true).await;
    // A score, as by a nightly run: everything that was worked out is out of date.
    let late = scored_row(&scorer, "late", vec![1.0; FEATURES]);
    let before = console.rounds();
    record(&console.store, &scorer, &[late]).await;
    let of_change = all(&mut partner, &mut auditor, false).await;
    let start = Instant::now();
    console.more_rounds_than(before).await;
    println!("after new scores, reading anew began and took {:.1?}", start.elapsed());
    let of_reading = all(&mut partner, &mut auditor, false).await;
    println!(
        "slowest first time: {of_start:.1?} after the start, {of_change:.1?} right after new scores, {of_reading:.1?} once they were read"
    );
}

/// Scores of the months before, which those in force replaced: what they came from is no longer kept.
async fn scored_before(store: &Store, employees: i64, months: i64) {
    let mut tx = store.db().begin().await.unwrap();
    let last = 2 * employees;
    // Numbers are given in the order of time: those in force move up.
    for table in ["scores", "score_details"] {
        tx.execute(&format!("UPDATE {table} SET seq = seq + $1"), params![months * last]).await.unwrap();
    }
    tx.next_numbers("score", months * last).await.unwrap();
    for back in 1..=months {
        let sql = "INSERT INTO scores SELECT seq - $1, seq - $1 + $2, employee_id, scored_at - $3 * 2629800000000, as_of - $3 * 30, \
                   model_version, band, risk, low, high, multiple, horizon_months, department, location, manager_id, job_level, \
                   critical_role, tenure_years, display_name, display_key FROM scores WHERE to_seq = 9223372036854775807";
        tx.execute(sql, params![back * last, last, back]).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Opens every page; gives the longest first time.
async fn all(partner: &mut Visitor, auditor: &mut Visitor, usual: bool) -> Duration {
    let employee = format!("e{:07}", 5 * 7919);
    let mut slowest = Duration::ZERO;
    for path in PAGES {
        slowest = slowest.max(show(partner, &path.replace("{e}", &employee), usual).await);
    }
    slowest.max(show(auditor, "/audit", usual).await)
}

/// The size of the style sheet of a page.
async fn style_of(visitor: &mut Visitor, page: &str) -> usize {
    let href = page.split_once("rel=\"stylesheet\" href=\"").and_then(|(_, rest)| rest.split_once('"'));
    let Some((href, _)) = href else { return 0 };
    visitor.page(href).await.len()
}

/// Prints what a page takes: the first time that it is there, and then the median. Gives the first time.
async fn show(visitor: &mut Visitor, path: &str, usual: bool) -> Duration {
    let (start, mut waited) = (Instant::now(), 0);
    let (first, seen) = loop {
        let begun = Instant::now();
        let seen = visitor.open(path).await;
        if seen.status.as_u16() != 503 || start.elapsed() > Duration::from_secs(300) {
            break (begun.elapsed(), seen);
        }
        waited += 1;
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    let size = seen.text.len() + style_of(visitor, &seen.text).await;
    let status = seen.status.as_u16();
    print!("{path}: {status}, first {first:.1?}");
    if waited > 0 {
        print!(" after {waited} answers to come again in {:.1?}", start.elapsed());
    }
    if usual {
        print!(", then {:.1?}", timed(async || visitor.open(path).await).await);
    }
    println!(", {} KB with its style sheet", size.div_ceil(1_000));
    assert!(size < MOST_BYTES, "{path} has {size} bytes with its style sheet");
    first
}
