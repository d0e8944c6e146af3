//! What killed runs left behind is removed by the next write to the same destination; what a running one is filling is not.
//!
//! A process that is killed cannot remove its temporary file or folder. Whoever fills one holds a lock on it, and the
//! system lets go of a lock when its process ends: what nobody holds is a leftover. So that nobody takes a file that was
//! made but not locked yet, making and locking happen under a lock on the folder, and so does the search.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{FORMER, PARTIAL};

/// Attempts at the folder's lock, [`PAUSE`] apart; it is held for moments only. Somebody else may hold it for long (a job
/// started through `flock FOLDER`): then nothing is searched for.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(10);
/// Random characters in a temporary name, as tempfile makes them.
const RANDOM_CHARACTERS: usize = 6;

/// A lock that ends when it is dropped, or with the process. `None` where the system has no locks for this.
pub(super) struct Held {
    _file: Option<File>,
}

/// Locks a folder against other runs that make or look for temporary names in it.
pub(super) fn hold_folder(folder: &Path) -> Held {
    let Ok(file) = File::open(folder) else { return Held { _file: None } };
    for _ in 0..ATTEMPTS {
        match file.try_lock() {
            Ok(()) => return Held { _file: Some(file) },
            Err(fs::TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            Err(fs::TryLockError::Error(_)) => break,
        }
    }
    Held { _file: None }
}

/// Removes what killed runs left beside a destination, brings a former output back that was moved away but not replaced,
/// and makes the new temporary file or folder, locked as long as the second value lives.
pub(super) fn make<T: AsRef<Path>>(
    folder: &Path,
    name: &OsStr,
    make: impl FnOnce() -> io::Result<T>,
) -> io::Result<(T, Held)> {
    let held = hold_folder(folder);
    if held._file.is_some() {
        sweep(folder, name);
    }
    let made = make()?;
    let file = File::open(&made).ok().filter(|file| file.try_lock().is_ok());
    Ok((made, Held { _file: file }))
}

/// Whether a name is one that this program gave to something temporary for a destination of this name.
fn is_temporary(candidate: &str, name: &str) -> bool {
    let random = candidate
        .strip_prefix('.')
        .and_then(|rest| rest.strip_prefix(name))
        .and_then(|rest| rest.strip_prefix('-'))
        .and_then(|rest| rest.strip_suffix(PARTIAL));
    random.is_some_and(|random| random.len() == RANDOM_CHARACTERS && random.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// Failures are no reason not to write: what cannot be removed stays for the next time.
fn sweep(folder: &Path, name: &OsStr) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let name = name.to_string_lossy();
    let (mut formers, mut partials) = (Vec::new(), Vec::new());
    for entry in entries.flatten() {
        let candidate = entry.file_name().to_string_lossy().into_owned();
        if candidate.strip_suffix(FORMER).is_some_and(|partial| is_temporary(partial, &name)) {
            formers.push(entry.path());
        } else if is_temporary(&candidate, &name) {
            partials.push(entry.path());
        }
    }
    for former in formers {
        restore_or_remove(&former, &folder.join(&*name));
    }
    for partial in partials {
        if File::open(&partial).is_ok_and(|file| file.try_lock().is_ok()) {
            remove(&partial);
        }
    }
}

/// A run was killed between moving the former output away and putting the new one in its place.
fn restore_or_remove(former: &Path, destination: &PathBuf) {
    if destination.exists() {
        remove(former);
    } else {
        let _ = fs::rename(former, destination);
    }
}

fn remove(path: &Path) {
    let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]
mod tests {
    use super::super::{AtomicError, replace_directory, write_atomically};
    use super::*;
    use std::io::Write;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn put(target: &Path, content: &str) {
        replace_directory::<_, AtomicError>(
            target,
            |path| path.join("model.json").exists(),
            |folder| {
                fs::write(folder.join("model.json"), content).unwrap();
                Ok(())
            },
        )
        .unwrap();
    }

    #[test]
    fn only_our_own_temporary_names_are_taken_for_leftovers() {
        let cases = [
            (".model-a1B2c3.partial", true),
            (".model-a1B2c3", false),
            ("model-a1B2c3.partial", false),
            (".model-a1B2c34.partial", false),
            (".model-.partial", false),
            (".model-a1-2c3.partial", false),
            (".model2-a1B2c3.partial", false),
        ];
        for (candidate, expected) in cases {
            assert_eq!(is_temporary(candidate, "model"), expected, "{candidate}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_next_write_removes_what_killed_runs_left_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("model");
        put(&target, "first");
        for leftover in [".model-a1B2c3.partial", ".model-zzzzzz.partial/deep", ".scores.csv-a1B2c3.partial/x"] {
            fs::create_dir_all(dir.path().join(leftover)).unwrap();
        }
        fs::write(dir.path().join(".scores.csv-zzzzzz.partial"), "half").unwrap();
        let at_work = dir.path().join(".model-atwork.partial");
        fs::create_dir(&at_work).unwrap();
        let lock = File::open(&at_work).unwrap();
        lock.try_lock().unwrap();
        put(&target, "second");
        assert_eq!(
            names(dir.path()),
            [".model-atwork.partial", ".scores.csv-a1B2c3.partial", ".scores.csv-zzzzzz.partial", "model"]
        );
        write_atomically(&dir.path().join("scores.csv"), |out| out.write_all(b"x")).unwrap();
        drop(lock);
        put(&target, "third");
        assert_eq!(names(dir.path()), ["model", "scores.csv"]);
        assert_eq!(fs::read_to_string(target.join("model.json")).unwrap(), "third");
    }

    #[cfg(unix)]
    #[test]
    fn a_former_output_that_was_moved_away_but_not_replaced_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("model");
        put(&target, "former");
        fs::rename(&target, dir.path().join(".model-a1B2c3.partial.former")).unwrap();
        fs::create_dir(dir.path().join(".model-a1B2c3.partial")).unwrap();
        let refused = replace_directory::<(), AtomicError>(
            &target,
            |path| path.join("model.json").exists(),
            |_| Err(AtomicError::NoName(PathBuf::new())),
        );
        assert!(refused.is_err());
        assert_eq!(names(dir.path()), ["model"]);
        assert_eq!(fs::read_to_string(target.join("model.json")).unwrap(), "former");
        fs::create_dir(dir.path().join(".model-a1B2c3.partial.former")).unwrap();
        put(&target, "new");
        assert_eq!(names(dir.path()), ["model"], "beside an output in its place it is a leftover");
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_somebody_else_has_locked_can_be_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let lock = File::open(dir.path()).unwrap();
        lock.try_lock().unwrap();
        let target = dir.path().join("model");
        put(&target, "first");
        put(&target, "second");
        assert_eq!(fs::read_to_string(target.join("model.json")).unwrap(), "second");
        assert_eq!(names(dir.path()), ["model"]);
    }
}
