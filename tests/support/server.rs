//! The real server as a process.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use tonic::transport::Channel;

use super::command::command;
use super::folder::new_folder;

/// A server started by a test; stopped when the test lets go of it.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    console: Option<SocketAddr>,
    log: PathBuf,
    store: PathBuf,
}

impl Server {
    /// Starts `flight-risk serve` on a free port, open to everybody, and waits until it says where it listens.
    pub(crate) fn start(models: &Path) -> Self {
        let folder = new_folder("server");
        let store = folder.join("store.db").display().to_string();
        Self::run(&folder, models, &store, "[access]\nmode = \"off\"\n", None)
    }

    /// The same with more of a configuration.
    #[cfg(feature = "otlp")]
    pub(crate) fn configured(models: &Path, text: &str) -> Self {
        let folder = new_folder("configured-server");
        let store = folder.join("store.db").display().to_string();
        Self::run(&folder, models, &store, &format!("{text}[access]\nmode = \"off\"\n"), None)
    }

    /// With access control and this store, as it is unless configured otherwise.
    pub(crate) fn guarded(models: &Path, store: &str) -> Self {
        Self::run(&new_folder("guarded-server"), models, store, "", None)
    }

    /// With access control, this store and the console.
    pub(crate) fn with_console(models: &Path, store: &str) -> Self {
        Self::with_console_at(models, store, SocketAddr::from(([127, 0, 0, 1], 0)), "")
    }

    /// The same with the console at this address and this configuration.
    pub(crate) fn with_console_at(models: &Path, store: &str, console: SocketAddr, text: &str) -> Self {
        Self::run(&new_folder("console-server"), models, store, text, Some(console))
    }

    fn run(folder: &Path, models: &Path, store: &str, text: &str, console: Option<SocketAddr>) -> Self {
        let (log, config) = (folder.join("stderr"), folder.join("server.toml"));
        std::fs::write(&config, text).expect("a configuration");
        let mut command = command(["serve", "--json", "--address", "127.0.0.1:0"]);
        match console {
            Some(address) => command.arg("--console").arg(address.to_string()),
            None => command.arg("--no-console"),
        };
        command.arg("--config").arg(config).arg("--store").arg(store).arg("--models");
        // Into a file: a pipe that nobody reads would stop the server once it is full.
        command.arg(models).stdout(Stdio::piped()).stderr(File::create(&log).expect("a log file"));
        let mut child = command.spawn().expect("the server starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line on standard output");
        let told: serde_json::Value = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("not what a server prints: {line:?}, {:?}", std::fs::read_to_string(&log)));
        let address = |name: &str| told[name].as_str().map(|text| text.parse().expect("an address"));
        let console = address("console");
        let address = address("address").expect("where it listens");
        Self { child, address, console, log, store: folder.join("store.db") }
    }

    /// The file of its store.
    pub(crate) fn store(&self) -> &Path {
        &self.store
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its console is.
    pub(crate) fn console(&self) -> SocketAddr {
        self.console.expect("started with its console")
    }

    /// A connection to it.
    pub(crate) async fn channel(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.address)).unwrap().connect().await.expect("a connection")
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("the log")
    }

    /// The process, for tests that end it themselves.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
