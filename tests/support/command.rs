//! Running the command.

use std::ffi::OsStr;
use std::process::Command;

/// The command under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_flight-risk");

/// How a run ended and what it printed.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    /// The exit code; `None` when a signal ended the process.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

impl Output {
    /// The run itself if it succeeded; otherwise the test ends with what it printed.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "stderr: {}\nstdout: {}", self.stderr, self.stdout);
        self
    }
}

/// The command with these arguments, for tests that need more than its output. Nothing in the environment changes its course.
pub(crate) fn command<I, S>(args: I) -> Command
where
    I: IntoIterator<Item = S>,
    S: AsRef<OsStr>,
{
    let mut command = Command::new(BINARY);
    command.args(args).env_remove("RUST_LOG").env_remove("RUST_BACKTRACE").env_remove("RAYON_NUM_THREADS");
    command
}

/// Runs `flight-risk` with these arguments until it ends.
pub(crate) fn flight_risk<I, S>(args: I) -> Output
where
    I: IntoIterator<Item = S>,
    S: AsRef<OsStr>,
{
    let output = command(args).output().expect("the command can be started");
    Output {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("UTF-8 on standard output"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8 on standard error"),
    }
}
