//! The programs in proto/examples run as they stand there: a night's refresh, watching what it changed across an interruption, and
//! a look-up. What they print is compared with what our own client is told.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use flight_risk_proto::v1;
use flight_risk_proto::v1::risk_service_client::RiskServiceClient;
use serde_json::{Value, json};
use tokio_stream::StreamExt;

use crate::node_client::{TS_PROTO_OPTIONS, TSC_OPTIONS, compile};
use crate::python_client::{generated_client, python};
use crate::support::{ClientCompany, Server, new_folder, root, run, sample_company, trained_model};

/// Longest wait for a program that watches.
const PATIENCE: Duration = Duration::from_secs(60);
const PURPOSE: &str = "a test";

/// The programs of one page.
struct Programs {
    interpreter: PathBuf,
    folder: PathBuf,
    extension: &'static str,
    environment: Vec<(&'static str, PathBuf)>,
}

/// Writes every block of code that begins with a comment of its file's name; gives the page.
fn unpack(page: &str, folder: &Path) -> String {
    let path = root().join("proto/examples").join(page);
    let text = fs::read_to_string(&path).expect("the page");
    let mut blocks = text.split("\n```");
    // Before the first fence, and then after every second one, is prose.
    blocks.next();
    let mut files = 0;
    for block in blocks.step_by(2) {
        let (_, code) = block.split_once('\n').expect("a block of code");
        let first = code.lines().next().unwrap_or_default();
        let name = first.strip_prefix("# ").or(first.strip_prefix("// ")).filter(|name| !name.contains(' '));
        if let Some(name) = name {
            fs::write(folder.join(name), format!("{code}\n")).expect("a program");
            files += 1;
        }
    }
    assert_eq!(files, 4, "{}: connecting, refresh, look-up, watching", path.display());
    text
}

fn python_programs() -> Programs {
    let (interpreter, folder) = (python("requirements.txt", "python-client"), new_folder("python-example"));
    unpack("python.md", &folder);
    let environment = vec![("PYTHONPATH", generated_client(&interpreter))];
    Programs { interpreter, folder, extension: "py", environment }
}

fn node_programs() -> Programs {
    let folder = new_folder("node-example");
    let page = unpack("node.md", &folder);
    for options in [TS_PROTO_OPTIONS, TSC_OPTIONS] {
        assert!(page.contains(options), "proto/examples/node.md tells other options than {options}");
    }
    compile(&folder, &python("requirements.txt", "python-client"));
    Programs { interpreter: "node".into(), folder: folder.join("out"), extension: "js", environment: Vec::new() }
}

impl Programs {
    fn command(&self, server: &Server, program: &str, argument: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(&self.interpreter);
        command.arg(self.folder.join(program).with_extension(self.extension)).arg(argument);
        command.env("FLIGHT_RISK_ADDRESS", server.address().to_string()).env("FLIGHT_RISK_KEY", "none is needed");
        command.env("PYTHONDONTWRITEBYTECODE", "1").envs(self.environment.iter().cloned());
        command
    }

    fn refresh(&self, server: &Server, requests: &[Value]) -> String {
        let file = new_folder("refresh").join("employees.jsonl");
        let lines: String = requests.iter().map(|request| format!("{request}\n")).collect();
        fs::write(&file, lines).expect("a file");
        run("nightly_refresh", &mut self.command(server, "nightly_refresh", &file))
    }
}

/// A program that watches, stopped when the test lets go of it.
struct Watching {
    child: Child,
    told: PathBuf,
}

impl Watching {
    fn start(programs: &Programs, server: &Server, token: &Path) -> Self {
        let folder = new_folder("watch");
        let (told, errors) = (folder.join("told"), folder.join("errors"));
        let mut command = programs.command(server, "watch_changes", token);
        command.stdout(File::create(&told).unwrap()).stderr(File::create(errors).unwrap()).stdin(Stdio::null());
        Self { child: command.spawn().expect("the program starts"), told }
    }

    fn told(&self) -> BTreeSet<String> {
        fs::read_to_string(&self.told).unwrap().lines().map(str::to_owned).collect()
    }

    /// Waits until it has told all of this.
    async fn until(&mut self, expected: &BTreeSet<String>) {
        wait(|| self.told().len() >= expected.len() || self.child.try_wait().unwrap().is_some()).await;
        assert_eq!(&self.told(), expected, "{:?}", fs::read_to_string(self.told.with_file_name("errors")));
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn wait(done: impl FnMut() -> bool) {
    let (start, mut done) = (Instant::now(), done);
    while !done() && start.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What our own client is told from a token on until nothing more comes, as the programs write it, and the token after it.
async fn told_after(
    client: &mut RiskServiceClient<tonic::transport::Channel>,
    token: &str,
) -> (BTreeSet<String>, String) {
    let request =
        v1::WatchRiskChangesRequest { resume_token: token.to_owned(), purpose: PURPOSE.into(), ..Default::default() };
    let mut stream = client.watch_risk_changes(request).await.unwrap().into_inner();
    let (mut told, mut token) = (BTreeSet::new(), token.to_owned());
    // A sign of life comes first where nothing waits, and last where something did.
    while let Some(message) = stream.next().await {
        let message = message.unwrap();
        token = message.resume_token;
        let Some(change) = message.change else { break };
        let kind = change.kind().as_str_name().trim_start_matches("RISK_CHANGE_KIND_");
        told.insert(format!("{} {kind}", change.employee_id));
    }
    (told, token)
}

async fn the_programs_do_what_the_page_says(programs: Programs) {
    let tables = ClientCompany::read(sample_company());
    let server = Server::start(trained_model());
    let mut client = RiskServiceClient::new(server.channel().await);
    let later = tables.data_end.clone();
    let year: u32 = later[..4].parse().unwrap();
    let earlier = format!("{}{}", year - 1, &later[4..]);
    let both = |day: &str| tables.employed_on(day).into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
    let here: Vec<String> = both(&earlier).intersection(&both(&later)).cloned().collect();
    let night = |day: &str| here.iter().map(|id| request(id, &tables.history(id, day))).collect::<Vec<_>>();

    // Before anything is recorded; the token of the first message is worth keeping.
    let token = new_folder("token").join("token.txt");
    let mut watching = Watching::start(&programs, &server, &token);
    wait(|| token.exists()).await;
    let (nothing, start) = told_after(&mut client, "").await;
    assert!(nothing.is_empty());

    let said = programs.refresh(&server, &night(&earlier));
    let counts: Vec<usize> = said.split(' ').filter_map(|word| word.parse().ok()).collect();
    assert_eq!((counts.iter().sum::<usize>(), counts[2]), (here.len(), 0), "{said}");
    let (first, between) = told_after(&mut client, &start).await;
    assert!(first.len() > 3, "too little to tell: {first:?}");
    watching.until(&first).await;

    // Killed in the middle; what is recorded meanwhile is told afterwards. A change told just before may be told again.
    drop(watching);
    programs.refresh(&server, &night(&later));
    let (second, _) = told_after(&mut client, &between).await;
    assert!(!second.is_empty(), "nothing more to tell");
    let mut watching = Watching::start(&programs, &server, &token);
    wait(|| second.is_subset(&watching.told()) || watching.child.try_wait().unwrap().is_some()).await;
    let told = watching.told();
    assert!(second.is_subset(&told), "missed: {:?}", second.difference(&told).collect::<Vec<_>>());
    assert!(told.difference(&second).all(|again| first.contains(again)), "{told:?}");

    // The riskiest, by our own client and by the page's.
    let request = v1::ListAtRiskEmployeesRequest { page_size: 1, purpose: PURPOSE.into(), ..Default::default() };
    let riskiest = client.list_at_risk_employees(request).await.unwrap().into_inner().employees.remove(0);
    let said = run("look_up", &mut programs.command(&server, "look_up", &riskiest.employee_id));
    let Some(v1::employee_risk::Outcome::Assessment(answer)) = riskiest.outcome else { panic!("{riskiest:?}") };
    assert!(said.starts_with(&format!("{:.1}% (", answer.risk * 100.0)), "{said}, but {}", answer.risk);
    assert!(said.contains("raises: ") && said.contains("Do: "), "{said}");
    let nobody = programs.command(&server, "look_up", "nobody-of-this-name").output().unwrap();
    assert_eq!(nobody.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&nobody.stderr).starts_with("NOT_FOUND: "), "{nobody:?}");

    // A row that is wrong is told, the others are recorded, and whoever started the refresh learns of it.
    let wrong = json!({"employeeId": "wrong", "history": {"hireDate": "soon", "asOf": later}});
    let file = new_folder("refresh").join("employees.jsonl");
    fs::write(&file, format!("{}\n{wrong}\n", night(&later)[0])).unwrap();
    let refused = programs.command(&server, "nightly_refresh", &file).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&refused.stderr);
    assert!(errors.starts_with("wrong: INVALID_FIELDS history.hire_date: "), "{errors}");
    assert!(String::from_utf8_lossy(&refused.stdout).ends_with(" 1 refused\n"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_programs_in_python_do_what_their_page_says() {
    the_programs_do_what_the_page_says(python_programs()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_programs_in_typescript_do_what_their_page_says() {
    the_programs_do_what_the_page_says(node_programs()).await;
}

/// A request in the JSON form of protobuf.
fn request(id: &str, history: &v1::EmployeeHistory) -> Value {
    let assignments = history.assignments.iter().map(|it| {
        json!({
            "effectiveDate": it.effective_date, "managerId": it.manager_id, "department": it.department,
            "location": it.location, "jobTitle": it.job_title, "jobLevel": it.job_level,
            "employmentType": it.employment_type, "annualPay": it.annual_pay, "payMidpoint": it.pay_midpoint,
            "criticalRole": it.critical_role,
        })
    });
    let surveys = history.survey_responses.iter().map(|it| {
        json!({
            "date": it.date, "survey": it.survey, "driver": it.driver, "score": it.score, "scaleMin": it.scale_min,
            "scaleMax": it.scale_max,
        })
    });
    let feedback = history.feedback.iter().map(|it| json!({"date": it.date, "kind": it.kind, "rating": it.rating}));
    json!({
        "employeeId": id,
        "history": {
            "hireDate": history.hire_date, "asOf": history.as_of, "assignments": assignments.collect::<Vec<_>>(),
            "surveyResponses": surveys.collect::<Vec<_>>(), "feedback": feedback.collect::<Vec<_>>(),
        },
    })
}
