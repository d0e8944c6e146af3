//! Model directories as they are found on disks.

use std::fs;
use std::path::Path;

use super::fixture::native;
use crate::models::{ModelLoadError, load_model};

fn write(directory: &Path) {
    fs::create_dir_all(directory).unwrap();
    fs::write(directory.join("model.json"), native().artifact().to_json().unwrap()).unwrap();
}

#[test]
fn a_model_directory_or_a_folder_with_one_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("a"));
    fs::create_dir(folder.path().join("notes")).unwrap();
    for path in [folder.path().to_owned(), folder.path().join("a")] {
        assert_eq!(load_model(&path).unwrap().artifact(), native().artifact());
    }
}

#[test]
fn what_is_no_model_is_refused_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("empty")).unwrap();
    for model in ["two/a", "two/b", "cut", "altered", "binary"] {
        write(&path(model));
    }
    let text = native().artifact().to_json().unwrap();
    fs::write(path("cut/model.json"), &text[..text.len() / 2]).unwrap();
    fs::write(path("altered/model.json"), text.replacen("0.9", "0.8", 1)).unwrap();
    fs::write(path("binary/model.json"), [0xff, 0xfe, 0x00]).unwrap();
    fs::write(path("file"), "x").unwrap();
    for (name, said) in [
        ("nowhere", "cannot open"),
        ("file", "is a file"),
        ("empty", "no model in"),
        ("two", "name one of them"),
        ("cut", "not a flight-risk model"),
        ("altered", "altered or cut short"),
        ("binary", "not UTF-8"),
    ] {
        let error = load_model(&path(name)).unwrap_err().to_string();
        assert!(error.contains(said) && error.contains(&path(name).display().to_string()), "{name}: {error}");
    }
    let ModelLoadError::Several { models, .. } = load_model(&path("two")).unwrap_err() else { panic!("not several") };
    assert_eq!(models, [path("two/a"), path("two/b")]);
}
