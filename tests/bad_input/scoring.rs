//! Tables that differ from the one that the model learned from.

use super::*;

const SCORE: &str = "score --model FLAT_MODEL --data flat.csv --out scores.csv";

fn with(change: impl FnOnce(&mut Rows)) -> Case {
    Case::flat(table(change))
}

#[test]
fn a_missing_column_is_named() {
    with(|rows| rows.remove("age")).refused(SCORE, DATA, &["flat.csv", "`age`", "add what is missing"]);
    with(|rows| rows.remove("employee")).refused(SCORE, DATA, &["flat.csv", "`employee`"]);
    with(|rows| rows.header[1] = "Age".into()).refused(SCORE, DATA, &["`age`", "it has `Age`"]);
}

#[test]
fn text_where_a_number_belongs_is_refused_with_every_place() {
    let case = with(|rows| {
        rows.set("age", |row, old| if row == 4 { "old".into() } else { old.into() });
        rows.set("monthly_income", |row, old| if row == 5 { "a lot".into() } else { old.into() });
    });
    case.refused(
        SCORE,
        DATA,
        &["flat.age", "row 5, line 6", "`old`", "flat.monthly_income", "row 6, line 7", "`a lot`"],
    );
}

#[test]
fn extra_columns_unseen_levels_and_gaps_are_scored_and_said() {
    with(|rows| rows.add("zodiac", |_| "leo".into())).works(SCORE, &["600 scored", "columns not used", "zodiac"]);
    with(|rows| rows.set("department", |_, _| "Space".into())).works(SCORE, &["600 scored"]);
    with(|rows| rows.set("age", |row, old| if row == 0 { "inf".into() } else { old.into() }))
        .works(SCORE, &["600 scored", "flat.age: is infinite", "value left out"]);
    with(|rows| rows.set("employee", |_, _| "E1".into())).works(SCORE, &["600 scored", "occur in several rows"]);
    let extreme = with(|rows| rows.set("age", |_, _| "1e300".into()));
    extreme.works(SCORE, &["for 600 of them the model abstains"]);
    assert!(extreme.read("scores.csv").contains("outside of what the model learned from: age"));
}

#[test]
fn identifiers_come_back_as_they_were() {
    let ids = ["007", "00", "1e5", "\"a,b\"", "\"a\"\"b\"", "\"a\nb\"", "😀", "=1+1", "-5", "NULL-1"];
    let case = Case::flat(|text| {
        let mut lines = text.lines();
        let header = lines.next().unwrap().to_owned();
        let rows = lines.zip(ids).map(|(line, id)| format!("\n{id},{}", line.split_once(',').unwrap().1));
        header + &rows.collect::<String>() + "\n"
    });
    case.works(SCORE, &["10 scored"]);
    let scores = case.read("scores.csv");
    for id in ids {
        assert!(scores.contains(&format!("\n{id},0.")), "{id} in {scores}");
    }
    case.works("explain --model FLAT_MODEL --data flat.csv --employee 007", &["Employee 007"]);
    case.refused("explain --model FLAT_MODEL --data flat.csv --employee 7", DATA, &["`7`", "compared exactly"]);
}

#[test]
fn a_schema_that_turns_the_outcome_around_is_refused() {
    let case = Case::flat(|text| text);
    case.write("schema.toml", "id = \"employee\"\ntarget = \"left\"\npositive = \"No\"");
    let line = "evaluate --model FLAT_MODEL --data flat.csv --schema schema.toml";
    case.refused(line, DATA, &["`left` = `Yes`", "the schema says `No`", "positive"]);
}
