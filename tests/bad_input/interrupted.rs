//! Ctrl-C at any moment: the former output stays whole, or the new one is whole, and the next run tidies up.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use super::*;

const SIGINT: i32 = 2;

/// Runs a command and interrupts it after a while; whether it had not ended by itself.
fn interrupt(case: &Case, line: &str, after: Duration) -> bool {
    let log = new_folder("log");
    let mut child = case.start(line, &log);
    std::thread::sleep(after);
    if child.try_wait().unwrap().is_none() {
        let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        // It may have ended just now.
        let _ = sent.success();
    }
    let status = child.wait().unwrap();
    let said = fs::read_to_string(log.join("stderr")).unwrap();
    no_panic(&said);
    assert!(status.success() || status.signal() == Some(SIGINT) || status.code() == Some(130), "{status}: {said}");
    !status.success()
}

/// How long a command takes when it is left alone.
fn duration(case: &Case, line: &str) -> Duration {
    let began = Instant::now();
    case.works(line, &[]);
    began.elapsed()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}

#[test]
fn a_model_is_the_former_or_the_new_one_and_whole() {
    let case = Case::flat(|text| text);
    let train =
        |seed: u32| format!("train --quiet --data flat.csv --schema schema.toml --config {seed}.toml --out model");
    for seed in [1, 2] {
        case.write(&format!("{seed}.toml"), format!("seed = {seed}"));
    }
    case.works(&train(2), &[]);
    let second = contents(&case.folder.join("model"));
    let whole = duration(&case, &train(1));
    let first = contents(&case.folder.join("model"));
    assert_ne!(first, second);
    let (mut stopped, steps) = (0, 24);
    for step in 0..steps {
        // All of the run, and its end, when files are written, more closely.
        let share = if step % 2 == 0 {
            f64::from(step) / f64::from(steps)
        } else {
            0.8 + 0.4 * f64::from(step) / f64::from(steps)
        };
        stopped += u32::from(interrupt(&case, &train(1 + step % 2), whole.mul_f64(share)));
        let found = contents(&case.folder.join("model"));
        assert!(found == first || found == second, "after {share} of the run: {:?}", found.keys());
        case.works("score --quiet --model model --data flat.csv --out scores.csv", &["600 scored"]);
    }
    assert!(stopped > 0, "no run was stopped");
    case.works(&train(1), &[]);
    assert_eq!(contents(&case.folder.join("model")), first);
    assert_eq!(names(&case.folder), ["1.toml", "2.toml", "flat.csv", "model", "schema.toml", "scores.csv"]);
}

#[test]
fn a_first_model_is_whole_or_not_there() {
    let case = Case::flat(|text| text);
    let train = "train --quiet --data flat.csv --schema schema.toml --out model";
    let whole = duration(&case, train);
    let expected = contents(&case.folder.join("model"));
    for step in 0..10 {
        fs::remove_dir_all(case.folder.join("model")).ok();
        interrupt(&case, train, whole.mul_f64(f64::from(step) / 8.0));
        if case.folder.join("model").exists() {
            assert_eq!(contents(&case.folder.join("model")), expected);
        }
    }
    case.works(train, &[]);
    assert_eq!(names(&case.folder), ["flat.csv", "model", "schema.toml"]);
}

/// Most of the time of `generate` is writing: a stop leaves a half-filled folder under a temporary name.
#[test]
fn a_generated_company_is_whole_and_what_a_stop_left_is_removed() {
    let case = Case::new::<&str>(&[]);
    let generate = |seed: u32| format!("generate --quiet --employees 400 --years 3 --seed {seed} --out hr");
    case.works(&generate(2), &[]);
    let second = contents(&case.folder.join("hr"));
    let whole = duration(&case, &generate(1));
    let first = contents(&case.folder.join("hr"));
    for step in 0..16_u32 {
        interrupt(&case, &generate(1 + step % 2), whole.mul_f64(f64::from(step) / 14.0));
        let found = contents(&case.folder.join("hr"));
        assert!(found == first || found == second, "{:?}", found.keys());
    }
    // What a stop in the middle of writing leaves, whatever the moments above hit.
    case.write(".hr-a1B2c3.partial/employees.csv", "half");
    case.works(&generate(1), &[]);
    assert_eq!(names(&case.folder), ["hr"]);
}
