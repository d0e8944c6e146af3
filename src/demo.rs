//! `flight-risk demo`: from nothing to an at-risk list with reasons, and a server to ask.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use flight_risk_data::NativeData;
use flight_risk_data::atomic::write_atomically;
use flight_risk_data::export::write_table;
use flight_risk_model::bulk::Scored;
use flight_risk_model::{TrainOptions, train_native};
use flight_risk_scoring::schema::Value;
use flight_risk_scoring::scorer::Band;
use flight_risk_scoring::{Day, Scorer};
use flight_risk_server::access::caller::{Role, Scope};
use flight_risk_server::access::keys::NewKey;
use flight_risk_server::access::password::Password;
use flight_risk_server::access::users::{NewUser, UserError};
use flight_risk_server::config::ServerConfig;
use flight_risk_server::operator::Operator;
use flight_risk_server::store::Store;

use crate::cli::Demo;
use crate::failure::{Kind, failed};
use crate::figures::{ListedPerson, print_list};
use crate::keep::Keeper;
use crate::load::{ScoredData, Source};
use crate::progress::Stages;
use crate::{Output, evaluate, explain, figures, generate, keys, load, score, serve, train};

/// What lies in the folder afterwards.
const WRITTEN: [(&str, &str); 5] = [
    ("data", "the company's HR tables, explained in its README.md"),
    ("model/report.html", "what the model learned and how good it is: read this first"),
    ("scores.csv", "everybody's risk with reasons"),
    (STORE, "the same in a store, for the server's lists"),
    (REQUEST, "a gRPC request for the person at the top"),
];

/// The store in the folder, and the request: what only a demo writes there.
const STORE: &str = "flight-risk.db";
/// Who makes the keys and accounts, in the audit log.
const OPERATOR: &str = "demo";
const REQUEST: &str = "request.json";

/// Keys that the demo makes: name, role and file.
const KEYS: [(&str, Role, &str); 2] =
    [("demo HR partner", Role::HrPartner, "hr-partner.key"), ("demo HRIS", Role::Hris, "hris.key")];

/// Accounts of the console that the demo makes: name, role, and what it is for.
const USERS: [(&str, Role, &str); 6] = [
    ("hr_partner", Role::HrPartner, "reviews those at risk, and sees to it that something is done"),
    ("manager", Role::Manager, "sees the own reports: what to talk about, not how likely they are to leave"),
    ("analyst", Role::Analyst, "compares models and groups; sees no people"),
    ("auditor", Role::Auditor, "reads the audit log"),
    ("admin", Role::Admin, "activates models, exports and erases"),
    ("hris", Role::Hris, "is the HR system: whoever connects it sees what it is told of people, and acts on nothing"),
];

/// Months before the last one whose scores are kept.
const MONTHS_KEPT: i32 = 12;

/// People on the list.
const LIST_LENGTH: usize = 20;

pub(crate) fn run(options: &Demo, output: Output) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    // Taken before the work: a port in use is better known now than after it.
    let mut config = ServerConfig::default();
    config.listen.address = options.address;
    config.console.address = options.console;
    config.store.url = options.out.join(STORE).display().to_string();
    let port = if options.no_serve { None } else { Some(serve::Port::take(&config)?) };
    let stages = Stages::start(output.quiet);
    let (data_dir, model_dir) = (options.out.join("data"), options.out.join("model"));

    forget_earlier(&options.out)?;
    stages.stage("Generating a sample company");
    generate::write_to(&generate::company_until(&options.company, end_of_last_month()?)?, &data_dir)?;

    stages.stage("Checking its tables");
    let plan = load::plan(None)?;
    let data = load::native(&data_dir, &plan)?;

    // A company too small to learn from is shown too, with what speaks against its model.
    let wanted = TrainOptions { allow_weak: true, backtest: false };
    let artifact = train_native(&data, &plan, wanted, &|stage| stages.stage(stage))
        .map_err(|error| failed(train::kind(&error))(error))?;
    train::write(&model_dir, &artifact)?;

    let scorer = load::model(&model_dir)?;
    let scored = load::score(&scorer, &data_dir, None, &stages)?;
    write_table(&options.out.join("scores.csv"), score::columns(&scorer, &scored, figures::LIST_REASONS))
        .map_err(failed(Kind::Output))?;
    stages.stage("Keeping the scores for the server");
    keep_year(Keeper { url: &config.store.url, key_file: None, name: OPERATOR }, &scorer, &scored)?;
    let mut riskiest: Vec<&Scored> = scored.scored.iter().filter(|s| s.assessment.band != Band::Abstained).collect();
    riskiest.sort_by(|a, b| b.assessment.risk.get().total_cmp(&a.assessment.risk.get()));
    riskiest.truncate(LIST_LENGTH);
    let request = options.out.join(REQUEST);
    if let Some(first) = riskiest.first() {
        write_request(&request, &scorer, scored.id(first), first)?;
    }
    let manager = largest_team(&scored);
    drop(stages);

    let mut out = std::io::stdout().lock();
    if output.json {
        let people: Vec<_> =
            riskiest.iter().map(|person| explain::as_json(&scorer, scored.id(person), person)).collect();
        let summary = serde_json::json!({
            "folder": options.out, "model_version": artifact.model_version(), "metrics": artifact.content().metrics,
            "scored": scored.scored.len(), "most_at_risk": people,
        });
        writeln!(out, "{summary}")?;
    } else {
        print_all(&mut out, &scorer, &data, &scored, &riskiest, &options.out)?;
        writeln!(out, "\nWritten in {:.1} s to {}:", began.elapsed().as_secs_f64(), options.out.display())?;
        for (file, what) in WRITTEN {
            writeln!(out, "  {file:<18} {what}")?;
        }
    }
    let Some(port) = port else { return Ok(ExitCode::SUCCESS) };
    out.flush()?;
    drop(out);
    let key_files = port.block_on(make_keys(&config.store.url, &options.out))?;
    let users_file = options.out.join("console-users.txt");
    let link = port.block_on(make_users(&config.store.url, manager.as_deref(), &users_file))?;
    port.serve(serve::models(&model_dir)?, config, |served| {
        if output.json {
            let mut told = served.as_json();
            told["sign_in"] = served.console.map(|console| format!("http://{console}{link}")).into();
            println!("{told}");
            return;
        }
        let serve::Served { address, console, version } = served;
        if let Some(console) = console {
            println!("\nOpen the console and sign in, once, as an HR partner:\n  http://{console}{link}");
            println!("To see what every other role sees, sign in with a name and password of {}", users_file.display());
        }
        println!(
            "\nServing model {version} on {address} (gRPC, this machine only) until Ctrl-C. Ask it from another terminal:"
        );
        let Some(key) = key_files.first() else { return };
        println!(
            "  grpcurl -plaintext -H \"authorization: Bearer $(cat {})\" -d @ {address} \\\n    flightrisk.v1.ScoringService/ScoreEmployee < {}",
            key.display(),
            request.display()
        );
    })
}

/// Removes the store of an earlier demo, whose people, accounts and scopes are of another company. A store in a folder that no demo
/// wrote stays.
fn forget_earlier(folder: &Path) -> anyhow::Result<()> {
    if !generate::is_generated(&folder.join("data")) || !folder.join(REQUEST).is_file() {
        return Ok(());
    }
    // The store first: where it cannot be removed, it keeps what belongs to it.
    for end in ["", "-wal", "-shm", ".key"] {
        let path = folder.join(format!("{STORE}{end}"));
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(Kind::Output)(format!(
                    "the store of an earlier demo cannot be removed: {}: {error}; choose another folder with --out",
                    path.display()
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Makes the demo's own keys and writes each into a file that nobody else can read. Those of an earlier demo end.
async fn make_keys(url: &str, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let store = Store::open(url).await.map_err(failed(Kind::Store))?;
    let operator = Operator::of(&store, None, OPERATOR).await.map_err(failed(Kind::Store))?;
    let earlier = store.keys().await.map_err(failed(Kind::Store))?;
    let mut files = Vec::new();
    for (name, role, file) in KEYS {
        for key in earlier.iter().filter(|key| key.name == name) {
            operator.revoke_key(&key.id).await.map_err(failed(Kind::Store))?;
        }
        let purpose = Some("demo".to_owned());
        let wanted = NewKey { name: name.to_owned(), role, scope: Scope::All, purpose, expires_at: None };
        let path = folder.join(file);
        write_secret(&path, &keys::create(&operator, &wanted).await?.token)
            .map_err(|error| failed(Kind::Output)(format!("{}: {error}", path.display())))?;
        files.push(path);
    }
    store.close().await;
    Ok(files)
}

/// Up to here the demo's company is known, so that its scores are as fresh as a customer's.
fn end_of_last_month() -> anyhow::Result<Day> {
    let today = load::today()?;
    let first = Day::from_ymd(today.year(), today.month(), 1);
    first.map(|first| first.plus_days(-1)).context("the machine's clock shows no day of the calendar")
}

/// Keeps the scores of now, and before them those of the ends of the months before, with the exits since: what a year of use looks
/// like. The model knows that year; a customer's first scores are followed by what it did not know.
fn keep_year(keeper: Keeper<'_>, scorer: &Scorer, now: &ScoredData) -> anyhow::Result<()> {
    if let Source::Native { as_of, .. } = &now.source {
        // Counted from the first of the next month, so that every day is the last of its month.
        let next = as_of.plus_days(1);
        let days = (1..=MONTHS_KEPT).rev().map(|back| next.plus_months(-back).plus_days(-1));
        let earlier: Vec<ScoredData> = days.filter_map(|day| now.earlier(scorer, day)).collect();
        keeper.write_past(scorer, &earlier)?;
    }
    keeper.write(scorer, now)
}

/// Who has the most reports among those scored; the first by identifier of several.
fn largest_team(scored: &ScoredData) -> Option<String> {
    let Source::Native { data, as_of } = &scored.source else { return None };
    let mut reports: BTreeMap<&str, usize> = BTreeMap::new();
    for person in &scored.scored {
        let history = data.company.histories().get(person.employee);
        if let Some(manager) = history.and_then(|h| h.assignment_on(*as_of)?.manager_id.as_ref()) {
            *reports.entry(manager.as_str()).or_default() += 1;
        }
    }
    let most = reports.iter().max_by_key(|&(id, count)| (count, std::cmp::Reverse(id)));
    most.map(|(id, _)| (*id).to_owned())
}

/// Makes an account for every role, writes their passwords into a file that nobody else can read, and gives the address that signs
/// in as the HR partner once. Where there are such accounts already, they get new passwords.
async fn make_users(url: &str, manager: Option<&str>, file: &Path) -> anyhow::Result<String> {
    let store = Store::open(url).await.map_err(failed(Kind::Store))?;
    let operator = Operator::of(&store, None, OPERATOR).await.map_err(failed(Kind::Store))?;
    let mut text = String::from("Accounts of the demo's console: name, password, what the role is for\n\n");
    for (name, role, what) in USERS {
        let scope = match (role, manager) {
            (Role::Manager, None) => continue,
            (Role::Manager, Some(id)) => Scope::Reports { manager_id: id.to_owned() },
            _ => Scope::All,
        };
        let password = Password::generate()?;
        let hash = password.hash()?;
        match operator.create_user(&NewUser { name: name.to_owned(), role, scope }, &hash).await {
            Err(UserError::NameInUse(_)) => {
                operator.set_password(name, &hash).await.map_err(failed(Kind::Store))?;
            }
            made => made.map_err(failed(Kind::Store))?,
        }
        text.push_str(&format!("{name:<12} {:<28} {what}\n", password.reveal()));
    }
    write_secret(file, text.trim_end())
        .map_err(|error| failed(Kind::Output)(format!("{}: {error}", file.display())))?;
    let token = operator.create_sign_in_link("hr_partner").await.map_err(failed(Kind::Store))?;
    store.close().await;
    Ok(format!("/sign-in/link?token={token}"))
}

/// Writes a file that only its owner can read, from its first byte on.
fn write_secret(path: &Path, secret: &str) -> std::io::Result<()> {
    // A file that is there keeps its permissions, so a new one is made.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    writeln!(options.open(path)?, "{secret}")
}

/// What was read, how good the model is, and the at-risk list.
fn print_all(
    out: &mut impl Write,
    scorer: &Scorer,
    data: &NativeData,
    scored: &ScoredData,
    riskiest: &[&Scored],
    folder: &Path,
) -> anyhow::Result<()> {
    let data_dir = folder.join("data");
    let tables = data.report.tables();
    let rows: usize = tables.iter().map(|table| table.rows).sum();
    writeln!(
        out,
        "Checked {} tables with {rows} rows; `flight-risk check --data {}` tells all\n",
        tables.len(),
        data_dir.display()
    )?;
    let metrics = &scorer.artifact().content().metrics;
    figures::print_verdict(out, &metrics.verdict)?;
    figures::print_metrics(out, metrics)?;
    evaluate::print_truth_in_short(out, scorer, data, &data_dir)?;
    print_people(out, scorer, scored, riskiest)
}

fn print_people(out: &mut impl Write, scorer: &Scorer, data: &ScoredData, riskiest: &[&Scored]) -> anyhow::Result<()> {
    let Source::Native { data: records, as_of } = &data.source else { return Ok(()) };
    let people: Vec<ListedPerson<'_>> = riskiest
        .iter()
        .map(|scored| ListedPerson {
            id: data.id(scored),
            department: records
                .company
                .histories()
                .get(scored.employee)
                .and_then(|history| history.assignment_on(*as_of)?.department.as_deref())
                .unwrap_or("-"),
            row: &scored.row,
            assessment: &scored.assessment,
        })
        .collect();
    let abstained = data.scored.len() - data.scored.iter().filter(|s| s.assessment.band != Band::Abstained).count();
    let expected: f64 = riskiest.iter().map(|s| s.assessment.risk.get()).sum();
    writeln!(
        out,
        "\nMost at risk of leaving voluntarily within 12 months of {as_of}: {} of {} employed (base rate {}; {abstained} not scored because too little is known)\n",
        people.len(),
        data.scored.len(),
        figures::percent(scorer.base_rate())
    )?;
    print_list(out, scorer, &people)?;
    writeln!(
        out,
        "\nOf these {}, expect {expected:.0} to leave if nothing is done. Reasons are associations in past records, not causes.",
        people.len()
    )?;
    Ok(())
}

/// A request for one person, as protobuf JSON.
fn write_request(path: &Path, scorer: &Scorer, id: &str, scored: &Scored) -> anyhow::Result<()> {
    let values: Vec<serde_json::Value> = scorer
        .schema()
        .features()
        .iter()
        .enumerate()
        .filter_map(|(position, feature)| match scorer.schema().value(&scored.row, position) {
            Value::Unknown => None,
            Value::Number(number) => Some(serde_json::json!({"name": feature.name, "number": number})),
            Value::Level(level) => Some(serde_json::json!({"name": feature.name, "level": level})),
        })
        .collect();
    let request = serde_json::json!({"employeeId": id, "features": {"named": {"values": values}}});
    write_atomically(path, |file| {
        serde_json::to_writer_pretty(&mut *file, &request)?;
        writeln!(file)
    })
    .map_err(failed(Kind::Output))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn the_store_of_an_earlier_demo_goes_and_that_of_somebody_else_stays() {
        let files = ["flight-risk.db", "flight-risk.db-wal", "flight-risk.db-shm", "flight-risk.db.key"];
        for (marks, stays) in [
            (&["data/truth.json", "request.json"][..], false),
            (&["data/truth.json"][..], true),
            (&["request.json"][..], true),
        ] {
            let folder = tempfile::tempdir().unwrap();
            std::fs::create_dir(folder.path().join("data")).unwrap();
            for file in files.iter().chain(marks).chain(&["hris.key"]) {
                std::fs::write(folder.path().join(file), "x").unwrap();
            }
            forget_earlier(folder.path()).unwrap();
            // There is nothing left to forget, and that is fine.
            forget_earlier(folder.path()).unwrap();
            for file in files {
                assert_eq!(folder.path().join(file).exists(), stays, "{file} with {marks:?}");
            }
            assert!(folder.path().join("hris.key").exists(), "what the demo writes anew is not its store");
        }
    }
}
