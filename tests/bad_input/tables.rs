//! Files that are no tables, or tables of another form than expected.

use super::*;

const TRAIN: &str = "train --quiet --data flat.csv --schema schema.toml --out out";

#[test]
fn files_that_are_no_tables_are_refused_with_the_place() {
    let good = || fs::read_to_string(&flat_table().data).unwrap();
    let header = "employee,age,monthly_income,overtime_hours,department,gender,left\n";
    let cases: [(Vec<u8>, &[&str]); 16] = [
        (Vec::new(), &["is empty", "the first line must name the columns"]),
        (b"\n\n".to_vec(), &["is empty"]),
        (header.into(), &["has a header but no rows"]),
        (b"E1,30,1,1,Ops,male,Yes\n".to_vec(), &["flat.csv"]),
        (b"1,2,3\n4,5,6\n".to_vec(), &["has no header", "1,2,3"]),
        (format!("{header}E1,30,1,1,Ops,male,Yes,7\nE2,31\n").into(), &["line 2 has 8", "line 3 has 2", "header's 7"]),
        (good().replacen("age", "employee", 1).into(), &["two columns named `employee`", "distinct"]),
        (good().replacen(",age,", ",,", 1).into(), &["column 2 has no name"]),
        (good().replacen("E0002", "\"E0002", 1).into(), &["line 4", "quote"]),
        (good().replace("Sales", "Verk\u{e4}ufe").chars().map(|c| c as u8).collect(), &["is not UTF-8", "line "]),
        (good().encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(), &["flat.csv"]),
        ([0xff, 0xfe].into_iter().chain(good().encode_utf16().flat_map(u16::to_le_bytes)).collect(), &["UTF-16"]),
        (b"PK\x03\x04 and the rest of a workbook".to_vec(), &["an Excel workbook", "export it as CSV"]),
        (b"\x1f\x8b and the rest".to_vec(), &["gzip"]),
        (good().replace('\n', "\r").into(), &["carriage return"]),
        ((0..=255).cycle().take(5000).collect(), &["is not UTF-8"]),
    ];
    for (bytes, says) in cases {
        let case = Case::flat(|text| text);
        case.write("flat.csv", bytes);
        let says: Vec<&str> = says.iter().copied().chain(["flat.csv"]).collect();
        case.refused(TRAIN, DATA, &says);
        let mut score = says;
        score.retain(|part| !part.is_empty());
        if score.len() > 1 {
            case.refused("score --model FLAT_MODEL --data flat.csv --out scores.csv", DATA, &score);
        }
    }
    for bytes in [&b""[..], b"PAR1", b"PAR1 cut", b"PAR1\xff\xff\xff\x7fPAR1"] {
        let case = Case::flat(|text| text);
        case.write("flat.parquet", bytes);
        let says = &["flat.parquet", "no readable Parquet file", "export it again"];
        case.refused("train --data flat.parquet --schema schema.toml --out out", DATA, says);
    }
}

#[test]
fn what_spreadsheets_make_of_a_table_is_read() {
    for change in [
        (|text: String| format!("\u{feff}{text}")) as fn(String) -> String,
        |text| text.replace('\n', "\r\n"),
        |text| text.replace(',', ";"),
        |text| text.replace(',', "\t"),
        |text| format!("{text}\n\n"),
        |text| text.replace("Sales", "\"Sales, \"\"North\"\"\nand South\""),
    ] {
        let case = Case::flat(change);
        case.works(TRAIN, &["600 rows", "Model"]);
        case.works("score --model out --data flat.csv --out scores.csv", &["600 scored"]);
    }
}

#[test]
fn a_schema_that_does_not_fit_is_refused_with_all_its_problems() {
    let case = Case::flat(|text| text);
    let rest =
        "\nid = \"who\"\ntime = \"month\"\ndrop = [\"shoe\"]\nprotected = [\"faith\"]\n[features.pay]\nlabel = \"Pay\"";
    for (schema, says) in [
        (format!("target = \"gone\"\npositive = \"Yes\"{rest}"), &["`gone`", "`who`", "`month`", "`shoe`", "`faith`", "`pay`", "flat.csv has the columns", "`age`"][..]),
        ("target = \"Left\"\npositive = \"Yes\"".into(), &["`Left`", "it has `left`"]),
        ("target = \"left\"".into(), &["schema.toml", "positive"]),
        (String::new(), &["schema.toml", "target"]),
        ("target = left".into(), &["schema.toml", "line 1"]),
        ("target = \"left\"\npositive = \"Yes\"\nidd = \"employee\"".into(), &["schema.toml", "`idd`", "`id`"]),
        ("target = \"left\"\npositive = \"Yes\"\nid = \"left\"".into(), &["`left` is both id and target"]),
        (
            "target = \"left\"\npositive = \"Yes\"\nid = \"employee\"\nprotected = [\"gender\", \"age\"]\ndrop = [\"monthly_income\", \"overtime_hours\", \"department\"]".into(),
            &["no column is left as a feature", "drop"],
        ),
    ] {
        case.write("schema.toml", schema);
        case.refused(TRAIN, DATA, says);
        case.refused(TRAIN, DATA, &["the schema schema.toml cannot be used"]);
    }
    case.write("schema.toml", b"target = \"l\xe4ft\"");
    case.refused(TRAIN, DATA, &["schema.toml", "is not UTF-8"]);
}
