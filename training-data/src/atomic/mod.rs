//! Files and folders that appear whole or not at all.
//!
//! A reader must never meet a half-written artifact, and an interrupted run must leave the former output in its place.
//! Everything is written beside its destination, forced to the disk and renamed; a rename within one folder is atomic, and
//! where the system can exchange two names at once, so is the replacement of a folder.

mod leftovers;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Ending of temporary names.
const PARTIAL: &str = ".partial";
/// What is added to a temporary name for the former output while it is replaced.
const FORMER: &str = ".former";

/// Why a file or folder could not be put in its place.
#[derive(Debug, thiserror::Error)]
pub enum AtomicError {
    /// The system refused an operation on a path.
    #[error("cannot {doing} {path}: {}", why(source), path = path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The destination has no name (it is empty, `/` or ends in `..`).
    #[error("`{path}` is no name for an output; give a path that ends in a name", path = .0.display())]
    NoName(PathBuf),
    /// A file stands where a folder is to be put.
    #[error("{path} is a file, not a folder; choose another output folder", path = .0.display())]
    NotAFolder(PathBuf),
    /// A folder stands where a file is to be put.
    #[error("{path} is a folder, not a file; choose another output file", path = .0.display())]
    NotAFile(PathBuf),
    /// The destination holds files that no earlier run of this program wrote.
    #[error(
        "{path} holds other files and is left alone; choose an empty or new folder, or remove it yourself",
        path = .0.display()
    )]
    Foreign(PathBuf),
}

/// What the system said, and what to do where that is clear. Names of temporary files are left out.
fn why(source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::NotFound => "there is no such folder; create it first, or choose another output".to_owned(),
        io::ErrorKind::NotADirectory => "a part of this path is a file, not a folder; choose another output".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "permission denied; choose another output, or ask for the right to write there".to_owned()
        }
        io::ErrorKind::StorageFull => "the disk is full; make room, or choose another output".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the file system can only be read; choose another output".to_owned(),
        _ => source.to_string(),
    }
}

fn failed<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> AtomicError + use<'a> {
    move |source| AtomicError::Io { doing, path: path.to_owned(), source }
}

/// The folder of a path and the last name in it; the folder of a bare name is the current one.
fn folder_and_name(path: &Path) -> Result<(PathBuf, &std::ffi::OsStr), AtomicError> {
    let name = path.file_name().ok_or_else(|| AtomicError::NoName(path.to_owned()))?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((folder.to_owned(), name))
}

/// Forces a folder's entries to the disk, so that a rename survives a power cut.
fn sync_folder(folder: &Path) -> Result<(), AtomicError> {
    // Only Unix lets a folder be opened; elsewhere the rename alone has to do.
    if cfg!(unix) {
        File::open(folder).and_then(|f| f.sync_all()).map_err(failed("write", folder))?;
    }
    Ok(())
}

/// A temporary name beside the destination. Hidden, so that a folder read as data does not take it for a table.
fn builder(prefix: &str) -> tempfile::Builder<'_, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix).suffix(PARTIAL);
    builder
}

/// Writes a file through `write`; the file appears under `path` only when all of it is on the disk.
///
/// On any error nothing is left behind and a former file of that name stays as it was.
pub fn write_atomically<T>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<T>,
) -> Result<T, AtomicError> {
    let (folder, name) = folder_and_name(path)?;
    if path.is_dir() {
        return Err(AtomicError::NotAFile(path.to_owned()));
    }
    let prefix = format!(".{}-", name.to_string_lossy());
    let mut builder = builder(&prefix);
    #[cfg(unix)]
    {
        // The same permissions as any new file has (the process's mask applies), not a temporary file's 0600.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let (temporary, _held) =
        leftovers::make(&folder, name, || builder.tempfile_in(&folder)).map_err(failed("write to", &folder))?;
    let (file, temporary) = temporary.into_parts();
    let mut out = BufWriter::with_capacity(1 << 18, file);
    let value = write(&mut out).map_err(failed("write", path))?;
    out.flush().map_err(failed("write", path))?;
    out.get_ref().sync_all().map_err(failed("write", path))?;
    temporary.persist(path).map_err(|e| failed("write", path)(e.error))?;
    sync_folder(&folder)?;
    Ok(value)
}

/// Whether a folder may be put under `path`: nothing is there yet, or an empty folder, or a former output by `is_ours`.
///
/// Worth asking before hours of work; [`replace_directory`] asks again.
pub fn check_replaceable(path: &Path, is_ours: impl Fn(&Path) -> bool) -> Result<(), AtomicError> {
    folder_and_name(path)?;
    match fs::metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(failed("look at", path)(e)),
        Ok(found) if !found.is_dir() => Err(AtomicError::NotAFolder(path.to_owned())),
        Ok(_) => {
            let empty = fs::read_dir(path).map_err(failed("read", path))?.next().is_none();
            if empty || is_ours(path) { Ok(()) } else { Err(AtomicError::Foreign(path.to_owned())) }
        }
    }
}

/// Fills a new folder through `build` and puts it in place of `path` at the end, when all of it is on the disk.
///
/// An existing folder is replaced only when it is empty or `is_ours` says that it is a former output; anything else is
/// [`AtomicError::Foreign`] and stays untouched. On any error the new folder is removed and the former one stays.
pub fn replace_directory<T, E: From<AtomicError>>(
    path: &Path,
    is_ours: impl Fn(&Path) -> bool,
    build: impl FnOnce(&Path) -> Result<T, E>,
) -> Result<T, E> {
    check_replaceable(path, &is_ours)?;
    // A link to a folder stays a link: what it points to is replaced.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (folder, name) = folder_and_name(path)?;
    fs::create_dir_all(&folder).map_err(failed("create", &folder))?;
    let prefix = format!(".{}-", name.to_string_lossy());
    let mut builder = builder(&prefix);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o777));
    }
    let (temporary, _held) =
        leftovers::make(&folder, name, || builder.tempdir_in(&folder)).map_err(failed("write to", &folder))?;
    let value = build(temporary.path())?;
    sync_tree(temporary.path())?;
    check_replaceable(path, &is_ours)?;
    swap_in(temporary, path, &folder)?;
    Ok(value)
}

fn swap_in(temporary: tempfile::TempDir, path: &Path, folder: &Path) -> Result<(), AtomicError> {
    if !path.exists() {
        fs::rename(temporary.path(), path).map_err(failed("write", path))?;
        // It has moved: nothing is left to remove under the temporary name.
        drop(temporary.keep());
        return sync_folder(folder);
    }
    if exchange(temporary.path(), path).map_err(failed("replace", path))? {
        sync_folder(folder)?;
        let former = temporary.keep();
        return remove_former(&former);
    }
    let mut former = temporary.path().as_os_str().to_owned();
    former.push(FORMER);
    let former = PathBuf::from(former);
    {
        // Nobody may take the former output for a leftover while nothing is in its place.
        let _held = leftovers::hold_folder(folder);
        fs::rename(path, &former).map_err(failed("replace", path))?;
        if let Err(e) = fs::rename(temporary.path(), path) {
            fs::rename(&former, path).map_err(failed("put back", path))?;
            return Err(failed("write", path)(e));
        }
    }
    drop(temporary.keep());
    sync_folder(folder)?;
    remove_former(&former)
}

/// Lets two folders change places in one step, so that there is one under `path` at every moment; `false` where the system
/// or the file system cannot.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn exchange(new: &Path, path: &Path) -> io::Result<bool> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, new, CWD, path, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        Err(Errno::NOSYS | Errno::INVAL | Errno::NOTSUP | Errno::PERM) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn exchange(_new: &Path, _path: &Path) -> io::Result<bool> {
    Ok(false)
}

fn remove_former(former: &Path) -> Result<(), AtomicError> {
    match fs::remove_dir_all(former) {
        // Another run took it for a leftover, which it was.
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(failed("remove the former", former)),
    }
}

fn sync_tree(folder: &Path) -> Result<(), AtomicError> {
    for entry in fs::read_dir(folder).map_err(failed("read", folder))? {
        let path = entry.map_err(failed("read", folder))?.path();
        if path.is_dir() {
            sync_tree(&path)?;
        } else {
            File::open(&path).and_then(|f| f.sync_all()).map_err(failed("write", &path))?;
        }
    }
    sync_folder(folder)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_failed_write_leaves_the_former_file_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("scores.csv");
        write_atomically(&path, |out| out.write_all(b"old")).unwrap();
        let failed = write_atomically(&path, |out| {
            out.write_all(b"half")?;
            out.flush()?;
            Err::<(), _>(io::Error::other("disk full"))
        });
        assert!(failed.unwrap_err().to_string().ends_with("scores.csv: disk full"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(names(dir.path()), ["scores.csv"]);
        write_atomically(&path, |out| out.write_all(b"new")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    }

    #[test]
    fn a_folder_or_a_missing_folder_is_no_file() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(write_atomically(dir.path(), |_| Ok(())), Err(AtomicError::NotAFile(_))));
        let inside = dir.path().join("nowhere/scores.csv");
        let message = write_atomically(&inside, |_| Ok(())).unwrap_err().to_string();
        assert!(message.contains("nowhere"), "{message}");
    }

    fn build(target: &Path, content: &str, fail: bool) -> Result<(), AtomicError> {
        replace_directory(
            target,
            |path| path.join("model.json").exists(),
            |folder| {
                fs::create_dir(folder.join("deep")).unwrap();
                fs::write(folder.join("deep/part"), content).unwrap();
                fs::write(folder.join("model.json"), content).unwrap();
                if fail { Err(AtomicError::NoName(PathBuf::new())) } else { Ok(()) }
            },
        )
    }

    #[test]
    fn a_folder_is_replaced_whole_or_stays() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("out/model");
        build(&target, "first", false).unwrap();
        fs::write(target.join("added"), "x").unwrap();
        build(&target, "second", true).unwrap_err();
        assert_eq!(names(&target), ["added", "deep", "model.json"]);
        build(&target, "third", false).unwrap();
        assert_eq!(names(&target), ["deep", "model.json"]);
        assert_eq!(fs::read_to_string(target.join("deep/part")).unwrap(), "third");
        assert_eq!(names(&dir.path().join("out")), ["model"]);
    }

    #[test]
    fn folders_of_others_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.tex"), "x").unwrap();
        let mut built = false;
        let refused = replace_directory::<(), AtomicError>(
            dir.path(),
            |_| false,
            |_| {
                built = true;
                Ok(())
            },
        );
        assert!(matches!(refused, Err(AtomicError::Foreign(_))));
        assert!(!built, "the work is not even begun");
        assert_eq!(names(dir.path()), ["thesis.tex"]);
        let file = dir.path().join("thesis.tex");
        assert!(matches!(check_replaceable(&file, |_| true), Err(AtomicError::NotAFolder(_))));
        let empty = dir.path().join("empty");
        fs::create_dir(&empty).unwrap();
        build(&empty, "x", false).unwrap();
        assert_eq!(names(&empty), ["deep", "model.json"]);
    }
}
