//! The exported training rows are what the one feature function says of the records, and their labels what the tables say.

use std::collections::BTreeMap;

use flight_risk_scoring::Day;
use flight_risk_scoring::features::{FeatureInput, compute, registry};

use crate::parity::engine;
use crate::support::{CsvTable, flight_risk, new_folder, sample_company};

fn exported() -> CsvTable {
    let out = new_folder("features").join("rows.csv");
    let [data, file] = [sample_company(), out.as_path()].map(|path| path.to_str().unwrap());
    flight_risk(["features", "--quiet", "--data", data, "--out", file]).ok();
    CsvTable::read(&out)
}

#[test]
fn exported_values_are_those_of_the_feature_function_to_the_last_bit() {
    let (table, company) = (exported(), engine(sample_company()));
    let mut days: BTreeMap<Day, Vec<_>> = BTreeMap::new();
    for row in table.rows() {
        days.entry(row.text("as_of").parse().unwrap()).or_default().push(row);
    }
    assert!(days.len() > 24, "{} days in three years of months", days.len());
    let mut compared = 0;
    for (as_of, rows) in days {
        let teams = company.teams_on(as_of);
        for row in rows {
            let id = flight_risk_scoring::EmployeeId::new(row.text("employee_id")).unwrap();
            let position = company.position(&id).unwrap();
            let history = &company.histories()[position];
            assert!(history.employed_on(as_of), "{id} is not at risk on {as_of}");
            let team = teams.context(position);
            let values = compute(&FeatureInput { history, team: &team, coverage: company.coverage(), as_of });
            for (spec, computed) in registry().zip(values) {
                let written = row.number(spec.name).unwrap_or(f64::NAN);
                let same = written.to_bits() == computed.to_bits() || (written.is_nan() && computed.is_nan());
                assert!(same, "{} of {id} on {as_of}: {written} is written, {computed} is computed", spec.name);
                compared += usize::from(!computed.is_nan());
            }
        }
    }
    assert!(compared > 100_000, "only {compared} known values");
}

#[test]
fn labels_are_the_voluntary_exits_of_the_period() {
    let employees = CsvTable::read(&sample_company().join("employees.csv"));
    let exits: BTreeMap<&str, (&str, &str)> = employees
        .rows()
        .filter_map(|row| Some((row.text("employee_id"), (row.get("exit_date")?, row.text("exit_type")))))
        .collect();
    let table = exported();
    let mut events = 0;
    for row in table.rows() {
        let (after, until) = row.text("period").split_once('/').expect("an interval");
        assert!(row.text("as_of") < after, "the blackout lies between the facts and the period");
        let exit = exits.get(row.text("employee_id")).filter(|(date, _)| after < *date && *date <= until);
        match row.text("label") {
            "1" => assert!(exit.is_some_and(|(_, kind)| *kind == "voluntary"), "{row:?}"),
            // A period with another kind of exit is censored: no row at all.
            "0" => assert!(exit.is_none(), "{row:?} left on {exit:?}"),
            other => panic!("label {other}"),
        }
        events += usize::from(row.text("label") == "1");
    }
    let voluntary = exits.values().filter(|(_, kind)| *kind == "voluntary").count();
    assert!(events > voluntary / 2 && events <= voluntary, "{events} events of {voluntary} voluntary exits");
}
