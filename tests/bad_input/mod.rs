//! What is wrong with the input is said in words, with a documented exit code, and nothing is half-written.
//!
//! Every case is a folder with files as a user has them and a command line as a user types it, run in that folder.

#[cfg(unix)]
mod interrupted;
mod leaks;
mod models;
mod options;
mod paths;
mod scoring;
mod tables;
mod training;
mod weak_models;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::support::{
    DRAWN_SCHEMA, Drawn, Output, command, flat_table, new_folder, sample_company, trained_flat_model, trained_model,
};

/// Exit codes, as `flight-risk --help` documents them.
const USAGE: i32 = 2;
const DATA: i32 = 3;
const MODEL: i32 = 4;
const NOTHING_TO_LEARN: i32 = 5;
const ADDRESS: i32 = 6;
const OUTPUT: i32 = 7;
const NOT_PUBLISHABLE: i32 = 8;
const STORE: i32 = 9;
const AUDIT_LOG: i32 = 10;

/// Longer than any refusal takes; what waits for ever is ended after it.
const DEADLINE: Duration = Duration::from_secs(120);

/// A folder in which commands are run.
struct Case {
    folder: PathBuf,
}

impl Case {
    /// A folder with these files; a name that ends in `/` is an empty folder.
    fn new<C: AsRef<[u8]>>(files: &[(&str, C)]) -> Self {
        let case = Self { folder: new_folder("bad-input") };
        for (name, content) in files {
            case.write(name, content);
        }
        case
    }

    /// The flat table of the fixtures as `flat.csv`, changed by `change`, with its schema as `schema.toml`.
    fn flat(change: impl FnOnce(String) -> String) -> Self {
        let fixture = flat_table();
        Self::new(&[
            ("flat.csv", change(fs::read_to_string(&fixture.data).unwrap())),
            ("schema.toml", fs::read_to_string(&fixture.schema).unwrap()),
        ])
    }

    /// A drawn table as `flat.csv`, changed by `change`, with its schema as `schema.toml`, to which `roles` are added.
    fn drawn(table: Drawn, roles: &str, change: impl FnOnce(&mut Rows)) -> Self {
        let mut rows = Rows::parse(&table.csv());
        change(&mut rows);
        Self::new(&[("flat.csv", rows.text()), ("schema.toml", format!("{DRAWN_SCHEMA}{roles}\n"))])
    }

    /// The metrics of a model directory.
    fn metrics(&self, model: &str) -> serde_json::Value {
        serde_json::from_str(&self.read(&format!("{model}/metrics.json"))).unwrap()
    }

    /// The HR tables of the fixtures as the folder `company`; `change` gets each table by its name.
    fn company(change: impl Fn(&str, &mut Rows)) -> Self {
        let case = Self::new::<&str>(&[]);
        for table in ["employees", "assignments", "survey_responses", "feedback"] {
            let text = fs::read_to_string(sample_company().join(format!("{table}.csv"))).unwrap();
            let mut rows = Rows::parse(&text);
            change(table, &mut rows);
            case.write(&format!("company/{table}.csv"), rows.text());
        }
        case
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.folder.join(name);
        if name.ends_with('/') {
            fs::create_dir_all(path).unwrap();
            return;
        }
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Starts the command in the folder. Words in capitals stand for the fixtures.
    fn start(&self, line: &str, log: &Path) -> Child {
        let words = line.split_whitespace().map(|word| match word {
            "MODEL" => trained_model().as_os_str().to_owned(),
            "FLAT_MODEL" => trained_flat_model().as_os_str().to_owned(),
            "COMPANY" => sample_company().as_os_str().to_owned(),
            "FLAT" => flat_table().data.as_os_str().to_owned(),
            "SCHEMA" => flat_table().schema.as_os_str().to_owned(),
            word => word.into(),
        });
        command(words)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(fs::File::create(log.join("stdout")).unwrap())
            .stderr(fs::File::create(log.join("stderr")).unwrap())
            .spawn()
            .expect("the command can be started")
    }

    #[track_caller]
    fn run(&self, line: &str) -> Output {
        let log = new_folder("log");
        let mut child = self.start(line, &log);
        let began = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if began.elapsed() > DEADLINE {
                child.kill().unwrap();
                child.wait().unwrap();
                panic!("`{line}` still runs after {DEADLINE:?}");
            }
            std::thread::sleep(Duration::from_millis(3));
        };
        let text = |name: &str| fs::read_to_string(log.join(name)).expect("UTF-8");
        Output { code: status.code(), stdout: text("stdout"), stderr: text("stderr") }
    }

    /// The command is refused with this exit code, its message says all of this, and nothing in the folder changes.
    #[track_caller]
    fn refused(&self, line: &str, code: i32, says: &[&str]) {
        let before = contents(&self.folder);
        let output = self.run(line);
        let said = format!("$ flight-risk {line}\nexit code {:?}\n{}\n{}", output.code, output.stdout, output.stderr);
        assert_eq!(output.code, Some(code), "{said}");
        assert!(output.stderr.starts_with("error: "), "{said}");
        assert_eq!(output.stdout, "", "a result beside an error: {said}");
        no_panic(&said);
        for part in says {
            assert!(output.stderr.contains(part), "`{part}` is not said: {said}");
        }
        assert!(!output.stderr.contains(".partial"), "a temporary name means nothing to the reader: {said}");
        assert_eq!(contents(&self.folder), before, "something was written: {said}");
    }

    /// The command works, and says all of this.
    #[track_caller]
    fn works(&self, line: &str, says: &[&str]) {
        let output = self.run(line);
        let said = format!("$ flight-risk {line}\nexit code {:?}\n{}\n{}", output.code, output.stdout, output.stderr);
        assert_eq!(output.code, Some(0), "{said}");
        no_panic(&said);
        for part in says {
            assert!(output.stdout.contains(part), "`{part}` is not said: {said}");
        }
    }
}

#[track_caller]
fn no_panic(said: &str) {
    assert!(!said.contains("panicked") && !said.contains("RUST_BACKTRACE"), "{said}");
}

/// Everything below a folder: names, and the bytes of files.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            found.extend(contents(&path));
        }
        found.insert(path.clone(), kind.is_file().then(|| fs::read(&path).unwrap()));
    }
    found
}

/// The cells of a CSV table without quotes.
struct Rows {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Rows {
    fn parse(text: &str) -> Self {
        let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect());
        Self { header: lines.next().unwrap(), rows: lines.collect() }
    }

    fn text(&self) -> String {
        let lines = std::iter::once(&self.header).chain(&self.rows);
        lines.map(|cells| cells.join(",") + "\n").collect()
    }

    /// Replaces the cells of a column; `new` gets the row, from 0, and the cell.
    fn set(&mut self, column: &str, new: impl Fn(usize, &str) -> String) {
        let at = self.header.iter().position(|name| name == column).unwrap();
        for (row, cells) in self.rows.iter_mut().enumerate() {
            cells[at] = new(row, &cells[at]);
        }
    }

    fn add(&mut self, column: &str, value: impl Fn(usize) -> String) {
        self.header.push(column.to_owned());
        for (row, cells) in self.rows.iter_mut().enumerate() {
            cells.push(value(row));
        }
    }

    fn remove(&mut self, column: &str) {
        let at = self.header.iter().position(|name| name == column).unwrap();
        self.header.remove(at);
        for cells in &mut self.rows {
            cells.remove(at);
        }
    }
}

/// Changes a table given as text.
fn table(change: impl FnOnce(&mut Rows)) -> impl FnOnce(String) -> String {
    |text| {
        let mut rows = Rows::parse(&text);
        change(&mut rows);
        rows.text()
    }
}
