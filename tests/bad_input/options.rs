//! Command lines and configurations that ask for what cannot be.

use super::*;

#[test]
fn the_command_line_is_refused_with_what_would_be_right() {
    let case = Case::new(&[("x", "")]);
    for (line, says) in [
        ("trian", &["trian", "'train'"][..]),
        ("train --dta x", &["--dta", "--data"]),
        ("train --data COMPANY", &["--out"]),
        ("score --model MODEL --data COMPANY --out s.csv --as-of gestern", &["gestern", "--as-of", "YYYY-MM-DD"]),
        ("score --model MODEL --data COMPANY --out s.csv --as-of 31/12/2024", &["31/12/2024", "YYYY-MM-DD"]),
        ("score --model MODEL --data COMPANY --out s.csv --as-of 2024-02-30", &["2024-02-30", "YYYY-MM-DD"]),
        ("score --model MODEL --data COMPANY --out s.csv --factors 3", &["--explain"]),
        ("score --model MODEL --data COMPANY --out s.csv --explain --factors 0", &["--factors", "0 is not in 1.."]),
        ("score --model MODEL --data COMPANY --out s.csv --explain --factors many", &["--factors", "many"]),
        ("serve --models MODEL --address localhost", &["localhost", "--address", "127.0.0.1:"]),
        ("generate --employees 0 --out hr", &["employees = 0", "from 20"]),
        ("generate --employees 4000000000 --out hr", &["employees = 4000000000", "to 100000"]),
        ("generate --employees 50 --years 500 --out hr", &["years = 500"]),
        ("generate --employees some --out hr", &["some", "--employees"]),
        ("generate --seed -1 --out hr", &["-1"]),
    ] {
        case.refused(line, USAGE, says);
    }
}

#[test]
fn days_outside_the_records_are_said() {
    let case = Case::new(&[("x", "")]);
    let score = "score --model MODEL --data COMPANY --out scores.csv --as-of";
    case.refused(&format!("{score} 1950-01-01"), DATA, &["1950-01-01", "nobody", "--as-of"]);
    case.works(&format!("{score} 2199-01-01"), &["the records end on", "2199-01-01"]);
    case.refused("explain --model MODEL --data COMPANY --employee nobody", DATA, &["`nobody`", "compared exactly"]);
    case.refused(
        "score --model FLAT_MODEL --data FLAT --out s.csv --as-of 2024-01-01",
        DATA,
        &["--as-of", "a flat table"],
    );
}

#[test]
fn a_configuration_is_refused_with_its_key_and_its_range() {
    let case = Case::new(&[("x", "")]);
    for (config, says) in [
        (&b"sead = 3"[..], &["sead", "`seed`"][..]),
        (b"period_months = 0", &["period_months = 0", "1 to 12"]),
        (b"folds = 0\ntest_share = 7.0", &["folds = 0", "2 to 20", "test_share = 7", "0.05 to 0.5"]),
        (b"folds = 99999999999", &["folds", "99999999999"]),
        (b"penalties = [1.0]", &["unknown field `penalties`", "`complexity`", "`pairs`", "`rules`"]),
        (b"complexity = \"splines\"", &["complexity", "`splines`", "`auto`", "`lines`", "`curves`", "`full`"]),
        (b"pairs = 3", &["pairs", "line 1"]),
        (b"rules = \"no\"", &["rules", "line 1"]),
        (b"horizons_months = []", &["horizons_months", "risk_horizon_months"]),
        (b"seed = -1", &["seed = -1", "line 1"]),
        (b"test_share = \"a\"", &["test_share", "line 1"]),
        (b"observed_from = \"never\"", &["observed_from", "`never`", "YYYY-MM-DD"]),
        (b"observed_from = 2024-01-01", &["observed_from", "a date in quotes"]),
        (b"data_end = \"2199-01-01\"", &["data_end", "2199-01-01", "lies after today"]),
        (b"this is no TOML", &["line 1"]),
        (b"seed = 1 # \xff", &["is not UTF-8", "save it as UTF-8"]),
    ] {
        case.write("settings.toml", config);
        let says: Vec<&str> = says.iter().copied().chain(["configuration settings.toml"]).collect();
        case.refused("train --data COMPANY --config settings.toml --out out", DATA, &says);
    }
    case.write("settings.toml", "protected = [\"shoe_size\"]");
    let line = "train --data COMPANY --config settings.toml --out out";
    case.refused(line, DATA, &["employees.shoe_size", "is no column", "employee_id"]);
    case.write("settings.toml", vec![b'#'; 2 << 20]);
    case.refused(line, DATA, &["settings.toml", "too many"]);
    case.write("settings.toml", "data_end = \"1990-01-01\"");
    case.refused(line, NOTHING_TO_LEARN, &["1990-01-01", "`data_end`"]);
}

#[test]
fn an_address_that_cannot_be_listened_on_is_named() {
    let case = Case::new(&[("x", "")]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let line = format!("serve --models FLAT_MODEL --address {address}");
    case.refused(&line, ADDRESS, &[&address, "in use", "choose another port"]);
    let line = format!("serve --models FLAT_MODEL --address 127.0.0.1:0 --console {address}");
    case.refused(&line, ADDRESS, &[&address, "in use", "choose another port"]);
    // Said before any work is done: nothing is written.
    let line = format!("demo --employees 100 --years 2 --address {address} --out demo");
    case.refused(&line, ADDRESS, &[&address, "in use", "choose another port"]);
    case.refused(
        "serve --models FLAT_MODEL --address 0.0.0.0:50051",
        DATA,
        &["0.0.0.0:50051", "other machines", "127.0.0.1"],
    );
}

/// `FLIGHT_RISK_BLESS=1` rewrites the golden files.
#[test]
fn the_help_is_what_it_was() {
    let golden = crate::support::root().join("tests/golden/help");
    let case = Case::new(&[("x", "")]);
    let names = [
        "",
        "demo",
        "generate",
        "check",
        "features",
        "train",
        "evaluate",
        "score",
        "explain",
        "serve",
        "keys",
        "keys create",
        "users",
        "users create",
        "users change",
        "users delete",
        "users password",
        "audit",
        "audit verify",
        "audit list",
        "backup",
    ];
    for name in names {
        let help = case.run(&format!("{name} --help"));
        assert_eq!(help.code, Some(0), "{help:?}");
        let path = golden
            .join(format!("{}.txt", if name.is_empty() { "flight-risk".to_owned() } else { name.replace(' ', "-") }));
        if std::env::var_os("FLIGHT_RISK_BLESS").is_some() {
            fs::create_dir_all(&golden).unwrap();
            fs::write(&path, &help.stdout).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(help.stdout, expected, "{}: FLIGHT_RISK_BLESS=1 rewrites it", path.display());
    }
    let main = fs::read_to_string(golden.join("flight-risk.txt")).unwrap();
    for code in [0, 1, USAGE, DATA, MODEL, NOTHING_TO_LEARN, ADDRESS, OUTPUT, NOT_PUBLISHABLE, STORE, AUDIT_LOG, 130] {
        assert!(main.lines().any(|line| line.starts_with(&format!("  {code} "))), "{code} is not documented");
    }
}
