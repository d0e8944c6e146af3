//! Model directories that are not as they were written.

use super::*;

#[test]
fn a_damaged_model_is_refused_by_everything_that_reads_one() {
    let whole = fs::read_to_string(trained_flat_model().join("model.json")).unwrap();
    let digit = whole.rfind("0.").map(|at| at + 2).unwrap();
    let other = if whole.as_bytes()[digit] == b'7' { "8" } else { "7" };
    let mut altered = whole.clone();
    altered.replace_range(digit..=digit, other);
    let cut = &whole[..whole.len() / 2];
    let again = "train again";
    let cases: [(&str, Vec<u8>, &[&str]); 8] = [
        ("cut", cut.into(), &["not a flight-risk model", again]),
        ("altered", altered.into(), &["altered or cut short", again]),
        ("empty", Vec::new(), &["not a flight-risk model", again]),
        ("text", b"hello".to_vec(), &["not a flight-risk model", again]),
        ("list", b"[]".to_vec(), &["not a flight-risk model", again]),
        ("other", b"{\"a\": 1}".to_vec(), &["not a flight-risk model", again]),
        ("deep", vec![b'['; 200_000], &["not a flight-risk model", again]),
        ("binary", b"\xff\xfe\x00".to_vec(), &["not UTF-8", again]),
    ];
    let case = Case::new::<&str>(&[]);
    for (name, bytes, says) in cases {
        case.write(&format!("{name}/model.json"), bytes);
        let file = format!("{name}/model.json");
        let says: Vec<&str> = says.iter().copied().chain([file.as_str()]).collect();
        for line in [
            format!("score --model {name} --data FLAT --out scores.csv"),
            format!("explain --model {name} --data FLAT --employee E0001"),
            format!("evaluate --model {name} --data FLAT --schema SCHEMA"),
            format!("serve --models {name} --address 127.0.0.1:0"),
        ] {
            case.refused(&line, MODEL, &says);
        }
    }
}

#[test]
fn a_folder_of_several_models_must_be_told_apart() {
    let case = Case::new(&[("models/a/", ""), ("models/b/", "")]);
    for name in ["a", "b"] {
        let file = trained_flat_model().join("model.json");
        fs::copy(file, case.folder.join("models").join(name).join("model.json")).unwrap();
    }
    case.refused(
        "score --model models --data flat.csv --out scores.csv",
        MODEL,
        &["models/a", "models/b", "name one of them"],
    );
}
