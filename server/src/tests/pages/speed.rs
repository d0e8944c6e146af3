//! How long the server takes for a page with many employees stored in a SQLite file. Not part of the usual run; to measure:
//!
//! `cargo test --release -p flight-risk-server --lib -- --ignored --nocapture --test-threads 1 pages_with`

use std::time::{Duration, Instant};

use super::visitor::{Console, Visitor};
use crate::access::caller::{Role, Scope};
use crate::tests::fixture::wide;
use crate::tests::list_speed::{FEATURES, fill, timed};

/// The pages; `{e}` stands for an employee.
const PAGES: [&str; 21] = [
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
    "/hot-spots?by=department",
    "/hot-spots?by=manager",
    "/drivers",
    "/drivers?by=department&group=department+7",
    "/actions",
    "/actions?view=outcomes",
    "/model",
    "/privacy",
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes, and only means something in a release build"]
async fn pages_with_a_hundred_thousand_employees() {
    measured(100_000).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes, and only means something in a release build"]
async fn pages_with_a_million_employees() {
    measured(1_000_000).await;
}

async fn measured(employees: i64) {
    let scorer = wide(FEATURES);
    let console = Console::of(wide(FEATURES)).await;
    let start = Instant::now();
    fill(&console.store, &scorer, employees).await;
    println!("{employees} employees, stored in {:.0?}", start.elapsed());
    let mut partner = console.partner().await;
    partner.state_purpose().await;
    let employee = format!("e{:07}", 5 * 7919);
    for path in PAGES {
        let path = path.replace("{e}", &employee);
        show(&mut partner, &path).await;
    }
    let mut auditor = console.visitor("auditor", Role::Auditor, Scope::All).await;
    show(&mut auditor, "/audit").await;
}

/// Prints what a page takes: the first time that it is there, and then the median.
async fn show(visitor: &mut Visitor, path: &str) {
    let start = Instant::now();
    let mut waited = 0;
    let first = loop {
        let begun = Instant::now();
        let seen = visitor.open(path).await;
        if seen.status.as_u16() != 503 || start.elapsed() > Duration::from_secs(300) {
            println!("{path}: {} after {:.1?}, {waited} answers before it", seen.status, start.elapsed());
            break begun.elapsed();
        }
        waited += 1;
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    let size = visitor.open(path).await.text.len();
    let usual = timed(async || visitor.open(path).await).await;
    println!("    first {first:.1?}, then {usual:.1?}, {} KB", size / 1024);
}
