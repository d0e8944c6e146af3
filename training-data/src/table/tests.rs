#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]

use polars_core::prelude::*;
use polars_io::prelude::ParquetWriter;

use super::*;

fn written(name: &str, content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, content).unwrap();
    (dir, path)
}

fn table(content: &str) -> Table {
    let (_dir, path) = written("t.csv", content.as_bytes());
    Table::read(&path, Names::AsWritten).unwrap()
}

/// Every cell as text, rows separated by `/`, with the line of each row.
fn cells(table: &Table) -> String {
    let row = |row: usize| {
        let cells: Vec<String> =
            table.columns().iter().map(|c| c.cell(row).text().unwrap_or("_".into()).into_owned()).collect();
        format!("{}:{}", table.line_of(row).unwrap_or(0), cells.join("|"))
    };
    (0..table.rows()).map(row).collect::<Vec<_>>().join(" / ")
}

fn problem(name: &str, content: &[u8]) -> String {
    let (dir, path) = written(name, content);
    let error = Table::read(&path, Names::AsWritten).unwrap_err().to_string();
    error.replace(&format!("{}/", dir.path().display()), "")
}

#[test]
fn csv_layouts() {
    for (what, content, names, expected) in [
        ("plain", "a,b\n1,x\n2,y\n", "a b", "2:1|x / 3:2|y"),
        ("no last line end", "a,b\n1,x\n2,", "a b", "2:1|x / 3:2|_"),
        ("semicolons", "a;b\n1,5;x\n", "a b", "2:1,5|x"),
        ("tabs", "a\tb\n1\tx\n", "a b", "2:1|x"),
        ("mark, blanks and quotes in the header", "\u{feff} a ,\"b, \"\"c\"\"\"\n1,x\n", "a b, \"c\"", "2:1|x"),
        ("Windows", "a,b\r\n1,\"x\"\r\n2,y\r\n", "a b", "2:1|x / 3:2|y"),
        ("quoted", "a,b\n\"1,5\",\"say \"\"hi\"\"\"\n", "a b", "2:1,5|say \"hi\""),
        ("lines within a cell", "a,b\n1,\"x\ny\"\n2,z\n", "a b", "2:1|x\ny / 4:2|z"),
        ("blank lines", "\na,b\n\n1,x\n  \n2,y\n\n", "a b", "4:1|x / 6:2|y"),
        ("one column", "a\n1\n\n2\n", "a", "2:1 / 4:2"),
        ("one column, quoted blank", "a\n1\n\"\"\n2\n", "a", "2:1 / 3:_ / 4:2"),
        ("unnamed but blank column", "a,b,\n1,x,\n2,y,\n", "a b", "2:1|x / 3:2|y"),
        ("an even number of quotes inside", "a,b\n1,the \"best\" one\n2,y\n", "a b", "2:1|the \"best\" one / 3:2|y"),
        ("blank cells at the end", "a,b,c\n,,\n1,,\n", "a b c", "2:_|_|_ / 3:1|_|_"),
        ("words for blank", "a,b\nNA,-\nnull,x\n", "a b", "2:_|_ / 3:_|x"),
    ] {
        let table = table(content);
        assert_eq!(table.column_names().join(" "), names, "{what}");
        assert_eq!(cells(&table), expected, "{what}");
    }
}

#[test]
fn a_long_file_keeps_rows_and_lines_together() {
    let mut content = "id,text,n\r\n".to_owned();
    for i in 0..5_000 {
        let text = if i % 7 == 0 { "\"two\nlines, \"\"and\"\" more\"" } else { "plain" };
        content.push_str(&format!("r{i},{text},{i}\r\n"));
    }
    let table = table(&content);
    assert_eq!(table.rows(), 5_000);
    for row in [0, 1, 6, 7, 8, 4_998, 4_999] {
        assert_eq!(table.column("id").unwrap().cell(row).text().unwrap(), format!("r{row}"));
        assert_eq!(table.column("n").unwrap().cell(row).number(), Ok(Some(row as f64)));
        assert_eq!(table.line_of(row), Some(2 + row + row.div_ceil(7)), "{row}");
    }
}

#[test]
fn files_that_are_no_tables_are_named_with_what_to_do() {
    for (name, content, expected) in [
        ("t.csv", &b""[..], "t.csv: is empty; the first line must name the columns"),
        ("t.csv", b"\n \n", "t.csv: is empty; the first line must name the columns"),
        (
            "t.csv",
            b"1,2024-01-01\n2,2024-01-02\n",
            "t.csv: has no header: the first line must name the columns, but reads `1,2024-01-01`",
        ),
        ("t.csv", b"a,b, a\n1,2,3\n", "t.csv: has two columns named `a`; names must be distinct"),
        (
            "t.csv",
            b"a,b\n1,2\n1\n1,2,3\n",
            "t.csv: has 2 rows whose number of fields is not the header's 2: line 3 has 1, line 4 has 3",
        ),
        ("t.csv", b"a,b\n1,x\n2,\xE9t\xE9\n", "t.csv: is not UTF-8 (first on line 3); export it as CSV in UTF-8"),
        ("t.csv", b"\xFF\xFEa\0", "t.csv: is in UTF-16; export it as CSV in UTF-8"),
        ("t.csv", b"PK\x03\x04", "t.csv: is an Excel workbook or another zip archive; export it as CSV in UTF-8"),
        ("t.csv", b"a,\n1,2\n", "t.csv: column 2 has no name; name it in the first line, or remove it"),
        (
            "t.csv",
            b"a,b\n1,\"x\n2,y\n",
            "t.csv: line 2: a quote that is not closed, or stands within a field that is not quoted; put quotes around the whole field and double those within",
        ),
        (
            "t.csv",
            b"a,b\n1,x\n2,5\" pipe\n",
            "t.csv: line 3: a quote that is not closed, or stands within a field that is not quoted; put quotes around the whole field and double those within",
        ),
        ("t.xlsx", b"PK", "t.xlsx: cannot tell the format from the name's ending; .csv and .parquet are read"),
        ("t", b"a\n1\n", "t: cannot tell the format from the name's ending; .csv and .parquet are read"),
    ] {
        assert_eq!(problem(name, content), expected);
    }
    let damaged = problem("t.parquet", b"PAR1 cut off");
    assert!(damaged.starts_with("t.parquet: is no readable Parquet file"), "{damaged}");
    let (dir, path) = written("t.csv", b"a\n1\n");
    let message = |path: &Path| Table::read(path, Names::AsWritten).unwrap_err().problem.to_string();
    assert_eq!(message(dir.path()), "is a folder; a CSV or Parquet file was expected here");
    assert_eq!(
        message(&path.with_file_name("u.csv")),
        "there is no such file; a CSV or Parquet file was expected here"
    );
}

#[test]
fn parquet_types_become_the_same_cells() {
    let days = Series::new("day".into(), [Some(19_000_i32), None]).cast(&DataType::Date).unwrap();
    let far = Series::new("far".into(), [Some(2_932_896_i32), Some(19_000)]).cast(&DataType::Date).unwrap();
    let at = Series::new("at".into(), [Some(1_700_000_000_000_i64), None])
        .cast(&DataType::Datetime(TimeUnit::Milliseconds, None))
        .unwrap();
    let level = Series::new("level".into(), [Some("low"), None])
        .cast(&DataType::from_categories(Categories::global()))
        .unwrap();
    let mut frame = DataFrame::new(
        2,
        vec![
            Column::new("text".into(), [Some(" x "), Some("NA")]),
            Column::new("i8".into(), [Some(-3_i8), None]),
            Column::new("u16".into(), [Some(7_u16), None]),
            Column::new("i64".into(), [Some(1_i64 << 60), None]),
            Column::new("u64".into(), [Some(u64::MAX), None]),
            Column::new("f32".into(), [Some(0.5_f32), Some(f32::NAN)]),
            Column::new("f64".into(), [Some(17.0_f64), None]),
            Column::new("flag".into(), [Some(true), None]),
            days.into_column(),
            at.into_column(),
            far.into_column(),
            level.into_column(),
            Series::new_null("nothing".into(), 2).into_column(),
            Column::new("list".into(), [Series::new("".into(), [1_i64]), Series::new("".into(), [2_i64])]),
        ],
    )
    .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.parquet");
    ParquetWriter::new(std::fs::File::create(&path).unwrap()).finish(&mut frame).unwrap();
    let table = Table::read(&path, Names::AsWritten).unwrap();
    assert_eq!(
        cells(&table),
        "0:x|-3|7|1152921504606846976|18446744073709551615|0.5|17|true|2022-01-08|2023-11-14|9999-12-31|low|_|_ / 0:_|_|_|_|_|_|_|_|_|_|2022-01-08|_|_|_"
    );
    assert!(table.column("list").unwrap().unsupported().is_some());
    assert!(matches!(table.column("day").unwrap().cell(0), Cell::Day(_)));
    assert!(table.column("far").unwrap().cell(0).day().is_err());
    assert!(matches!(table.column("at").unwrap().cell(0), Cell::Day(_)));
}

/// A random choice from a list, without a distribution's machinery.
fn pick<'a, T: ?Sized>(random: &mut impl rand::Rng, from: &[&'a T]) -> &'a T {
    from[random.random_range(0..from.len())]
}

#[test]
fn whatever_is_written_reads_back() {
    use rand::{Rng, SeedableRng};

    use crate::export::{ExportColumn, write_table};
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    let pieces = ["a", "é", "\"", ",", ";", "\n", "\r\n", " ", "\t", "1.5", "NA", "''", "日本"];
    let dir = tempfile::tempdir().unwrap();
    for round in 0..60 {
        let (rows, width) = (random.random_range(1..200), random.random_range(1..5));
        let mut columns = Vec::new();
        for c in 0..width {
            let cells: Vec<Option<String>> = (0..rows)
                .map(|_| {
                    let count = random.random_range(0..4);
                    let text: String = (0..count).map(|_| pick(&mut random, &pieces)).collect();
                    (!text.is_empty()).then_some(text)
                })
                .collect();
            columns.push((format!("column {c}"), cells));
        }
        for file in ["t.csv", "t.parquet"] {
            let path = dir.path().join(file);
            let exported = columns.iter().map(|(n, cells)| (n.clone(), ExportColumn::Text(cells.clone()))).collect();
            write_table(&path, exported).unwrap();
            let table = Table::read(&path, Names::AsWritten).unwrap();
            assert_eq!(table.rows(), rows, "round {round}, {file}");
            for (name, cells) in &columns {
                for (row, text) in cells.iter().enumerate() {
                    let expected = Cell::from_text(text.as_deref().unwrap_or_default());
                    assert_eq!(
                        table.column(name).unwrap().cell(row),
                        expected,
                        "round {round}, {file}, {name}, row {row}"
                    );
                }
            }
        }
    }
}

#[test]
fn no_bytes_at_all_make_it_panic() {
    use rand::{Rng, SeedableRng};
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(11);
    let pieces: [&[u8]; 12] =
        [b"a", b"b", b"\"", b"\"\"", b",", b",", b"\n", b"\n", b"\r\n", b"\r", b" ", "é".as_bytes()];
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.csv");
    let mut read = 0;
    for _ in 0..3_000 {
        let mut content = pick(&mut random, &[&b"x,y\n"[..], b"x\n", b""]).to_vec();
        for _ in 0..random.random_range(0..40) {
            content.extend_from_slice(pick(&mut random, &pieces));
        }
        std::fs::write(&path, &content).unwrap();
        match Table::read(&path, Names::AsWritten) {
            Ok(table) => read += usize::from(table.rows() > 0),
            Err(error) => {
                let text = error.to_string();
                assert!(!text.contains("were counted but"), "{text}: {:?}", String::from_utf8_lossy(&content));
            }
        }
    }
    assert!(read > 50, "only {read} of the files could be read: the test tests little");
}

#[test]
fn a_damaged_parquet_file_is_an_error_and_never_a_panic() {
    use rand::{Rng, SeedableRng};

    use crate::export::{ExportColumn, write_table};
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(13);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.parquet");
    let columns = vec![
        ("text".to_owned(), ExportColumn::Text((0..500).map(|i| Some(format!("value {}", i % 50))).collect())),
        ("number".to_owned(), ExportColumn::Number((0..500).map(f64::from).collect())),
        ("flag".to_owned(), ExportColumn::Flag((0..500).map(|i| i % 3 == 0).collect())),
    ];
    write_table(&path, columns).unwrap();
    let whole = std::fs::read(&path).unwrap();
    // The data pages end where the footer begins; its length stands before the closing mark.
    let at = whole.len() - 8;
    let footer = u32::from_le_bytes(whole[at..at + 4].try_into().unwrap()) as usize;
    let data_end = at - footer;
    let (mut refused, rounds) = (0, 300);
    for round in 0..rounds {
        let mut bytes = whole.clone();
        if round % 4 == 0 {
            bytes.truncate(random.random_range(0..bytes.len()));
        } else {
            for _ in 0..random.random_range(1..4) {
                let at = random.random_range(4..data_end);
                bytes[at] = random.random();
            }
        }
        std::fs::write(&path, &bytes).unwrap();
        refused += usize::from(Table::read(&path, Names::AsWritten).is_err());
    }
    assert!(refused > rounds / 4, "only {refused} of {rounds} damaged files were refused");
}
