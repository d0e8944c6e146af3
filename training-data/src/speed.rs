//! Speed of reading and writing, measured on request:
//! `cargo test --release --workspace --lib -- --ignored --nocapture speed`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a measurement stops at the first surprise")]

use std::path::Path;
use std::time::Instant;

use flight_risk_scoring::Day;

use crate::export::{ExportColumn, write_table};
use crate::flat::{FlatSchema, WantedColumn, read_flat, read_flat_for_scoring};
use crate::native::{NativeOptions, read_native};

/// Peak resident memory of this process so far, in megabytes.
fn peak_megabytes() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    line.split_whitespace()
        .nth(1)
        .and_then(|kb| kb.parse::<u64>().ok())
        .map_or("?".to_owned(), |kb| (kb / 1024).to_string())
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let value = work();
    println!("{what}: {:.2} s, peak memory {} MB", started.elapsed().as_secs_f64(), peak_megabytes());
    value
}

fn day(offset: usize) -> Day {
    Day::from_epoch_days(16_000 + i32::try_from(offset % 2_000).unwrap()).unwrap()
}

fn fraction(i: usize) -> f64 {
    (i.wrapping_mul(2_654_435_761) % 1_000_003) as f64 / 1_000_003.0
}

#[test]
#[ignore = "a measurement, in release"]
fn speed_of_wide_flat_tables() {
    const ROWS: usize = 1_000_000;
    let dir = tempfile::tempdir().unwrap();
    let mut columns = vec![
        ("who".to_owned(), ExportColumn::Integer((0..ROWS as i64).collect())),
        ("left".to_owned(), ExportColumn::Flag((0..ROWS).map(|i| i % 9 == 0).collect())),
    ];
    for c in 0..40 {
        columns.push((format!("x{c}"), ExportColumn::Number((0..ROWS).map(|i| fraction(i + c)).collect())));
    }
    let schema: FlatSchema = toml::from_str("id = 'who'\ntarget = 'left'\npositive = true").unwrap();
    for file in ["t.parquet", "t.csv"] {
        let path = dir.path().join(file);
        timed(&format!("write 1M x 42 {file}"), || write_table(&path, columns.clone()).unwrap());
        println!("   {} MB", std::fs::metadata(&path).unwrap().len() / 1_000_000);
    }
    drop(columns);
    let today = day(1_999);
    for file in ["t.parquet", "t.csv"] {
        let path = dir.path().join(file);
        let table = timed(&format!("read 1M x 42 {file}"), || read_flat(&path, &schema, today).unwrap());
        assert_eq!(table.columns.len(), 40);
        drop(table);
        let wanted: Vec<WantedColumn> =
            (0..40).map(|c| WantedColumn { name: format!("x{c}"), categorical: false }).collect();
        timed(&format!("read to score 1M x 42 {file}"), || read_flat_for_scoring(&path, Some("who"), &wanted).unwrap());
    }
}

fn write_company(dir: &Path, ending: &str) {
    const PEOPLE: usize = 5_000;
    const EVENTS: usize = 600_000;
    let id = |i: usize| Some(format!("E{:06}", i % PEOPLE));
    let employees = vec![
        ("employee_id".to_owned(), ExportColumn::Text((0..PEOPLE).map(id).collect())),
        ("hire_date".to_owned(), ExportColumn::Day((0..PEOPLE).map(day).collect())),
    ];
    let feedback = vec![
        ("employee_id".to_owned(), ExportColumn::Text((0..EVENTS).map(id).collect())),
        ("date".to_owned(), ExportColumn::Day((0..EVENTS).map(|i| day(i / 7)).collect())),
        ("kind".to_owned(), ExportColumn::Text((0..EVENTS).map(|_| Some("one_on_one".to_owned())).collect())),
        ("rating".to_owned(), ExportColumn::Number((0..EVENTS).map(fraction).collect())),
        ("counterpart_id".to_owned(), ExportColumn::Text((0..EVENTS).map(|i| id(i + 1)).collect())),
    ];
    write_table(&dir.join(format!("employees.{ending}")), employees).unwrap();
    timed(&format!("write 600k feedback rows, {ending}"), || {
        write_table(&dir.join(format!("feedback.{ending}")), feedback).unwrap();
    });
}

#[test]
#[ignore = "a measurement, in release"]
fn speed_of_native_tables() {
    for ending in ["csv", "parquet"] {
        let dir = tempfile::tempdir().unwrap();
        write_company(dir.path(), ending);
        let options = NativeOptions { today: day(1_999), data_end: None, protected: Vec::new() };
        let data = timed(&format!("read 600k feedback rows, {ending}"), || read_native(dir.path(), &options).unwrap());
        assert!(!data.report.refused());
    }
}

#[test]
#[ignore = "a measurement, in release"]
fn speed_of_narrow_exports() {
    const ROWS: usize = 1_000_000;
    let dir = tempfile::tempdir().unwrap();
    let columns = vec![
        ("employee_id".to_owned(), ExportColumn::Text((0..ROWS).map(|i| Some(format!("E{i}"))).collect())),
        ("as_of".to_owned(), ExportColumn::Day((0..ROWS).map(day).collect())),
        ("risk".to_owned(), ExportColumn::Number((0..ROWS).map(fraction).collect())),
        ("low".to_owned(), ExportColumn::Number((0..ROWS).map(|i| fraction(i + 1)).collect())),
        ("high".to_owned(), ExportColumn::Number((0..ROWS).map(|i| fraction(i + 2)).collect())),
        ("flag".to_owned(), ExportColumn::Flag((0..ROWS).map(|i| i % 2 == 0).collect())),
    ];
    for file in ["t.csv", "t.parquet"] {
        let columns = columns.clone();
        timed(&format!("write 1M x 6 {file}"), || write_table(&dir.path().join(file), columns).unwrap());
    }
}
