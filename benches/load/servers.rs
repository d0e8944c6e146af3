//! The servers that are measured, as processes of their own on the first core.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::workload::{model_folder, training_rows};

/// How our server is set up.
#[derive(Clone, Copy)]
pub(crate) enum Setting {
    /// Access control and metrics on, no audit log.
    NoAudit,
    /// The audit log too.
    Audit,
    /// Every score recorded too.
    AuditAndStore,
}

impl Setting {
    pub(crate) const ALL: [Self; 3] = [Self::NoAudit, Self::Audit, Self::AuditAndStore];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NoAudit => "flight-risk, access and metrics on, audit off",
            Self::Audit => "flight-risk, audit on",
            Self::AuditAndStore => "flight-risk, audit on, every score recorded",
        }
    }

    pub(crate) fn records(self) -> bool {
        matches!(self, Self::AuditAndStore)
    }
}

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    pub(crate) key: Option<String>,
    idle_mib: f64,
}

impl Server {
    fn spawn(mut command: Command, key: Option<String>) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.by_ref().find_map(|line| {
            line.unwrap().split_whitespace().find_map(|word| word.parse::<std::net::SocketAddr>().ok())
        });
        let address = address.expect("the server says where it listens").to_string();
        // What it prints later must not stop it.
        std::thread::spawn(move || lines.for_each(drop));
        std::thread::sleep(std::time::Duration::from_millis(500));
        let idle_mib = resident_mib(child.id());
        Self { child, address, key, idle_mib }
    }

    /// Resident memory before the load and now, in MiB.
    pub(crate) fn memory(&self) -> (f64, f64) {
        (self.idle_mib, resident_mib(self.child.id()))
    }

    /// Processor time that it has taken until now, in seconds.
    pub(crate) fn processor_seconds(&self) -> f64 {
        /// The system counts in hundredths.
        const TICKS_A_SECOND: f64 = 100.0;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        // Behind the name, which is in parentheses, the 12th and 13th fields are the time in user and in system mode.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
        fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS_A_SECOND
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn resident_mib(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(f64::NAN) / 1024.0
}

/// Starts servers.
pub(crate) struct Servers {
    folder: PathBuf,
}

/// A command on the first core, where `taskset` and a second core exist.
fn pinned(program: &Path) -> Command {
    if !has_taskset() {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", "0"]).arg(program);
    command
}

fn has_taskset() -> bool {
    std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1 || std::env::var_os(PINNED).is_some())
        && Command::new("taskset").arg("--version").output().is_ok()
}

/// Set in the process that runs on the second core.
const PINNED: &str = "FLIGHT_RISK_LOAD_PINNED";

/// Runs this program again on the second core, if there is one.
pub(crate) fn to_second_core() {
    if std::env::var_os(PINNED).is_some() || !has_taskset() {
        return;
    }
    let this = std::env::current_exe().unwrap();
    let status =
        Command::new("taskset").args(["-c", "1"]).arg(this).args(std::env::args_os().skip(1)).env(PINNED, "1").status();
    std::process::exit(status.unwrap().code().unwrap_or(1));
}

/// The flight-risk program of this build.
pub(crate) fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_flight-risk"))
}

impl Servers {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The bare echo.
    #[allow(clippy::unused_self, reason = "reads like the others")]
    pub(crate) fn echo(&self) -> Server {
        let mut command = pinned(&std::env::current_exe().unwrap());
        command.arg("--echo-server");
        Server::spawn(command, None)
    }

    /// Our server.
    pub(crate) fn start(&self, setting: Setting) -> Server {
        let (store, config) = (self.folder.join("load.db"), self.folder.join("load.toml"));
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(self.folder.join(format!("load.db{suffix}")));
        }
        let mut text = String::from("[listen]\nmetrics_address = \"127.0.0.1:0\"\n");
        if matches!(setting, Setting::NoAudit) {
            writeln!(text, "[audit]\nenabled = false").unwrap();
        }
        std::fs::write(&config, text).unwrap();
        let mut keys = Command::new(program());
        keys.args([
            "--json",
            "keys",
            "create",
            "--name",
            "load",
            "--role",
            "hris",
            "--purpose",
            "load test",
            "--store",
        ])
        .arg(&store);
        let output = keys.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let created: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let key = created["key"].as_str().expect("the key").to_owned();
        let mut command = pinned(&program());
        command.args(["serve", "--no-console", "--address", "127.0.0.1:0", "--models"]).arg(model_folder(&self.folder));
        command.arg("--store").arg(&store).arg("--config").arg(&config);
        Server::spawn(command, Some(key))
    }

    /// A Python server with `coefficients` or `shap` values as reasons.
    pub(crate) fn python(&self, reasons: &str, features: &str) -> Server {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut command = pinned(Path::new("python3"));
        command
            .arg(root.join("benches/peers/serve.py"))
            .args(["--reasons", reasons, "--rows"])
            .arg(training_rows(&self.folder));
        command.args(["--features", features]);
        Server::spawn(command, None)
    }
}
