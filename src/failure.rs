//! Errors on their way out: the exit code that scripts rely on, and the message for people.

use std::process::ExitCode;

/// What went wrong, as scripts see it; the numbers are documented in `flight-risk --help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Usage = 2,
    Data = 3,
    Model = 4,
    NothingToLearn = 5,
    Address = 6,
    Output = 7,
    NotPublishable = 8,
    Store = 9,
    AuditLog = 10,
}

/// An error with its exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Gives an error its exit code.
pub(crate) fn failed<E: std::fmt::Display>(kind: Kind) -> impl Fn(E) -> anyhow::Error {
    move |error| Failure { kind, message: error.to_string() }.into()
}

/// Prints the message once and gives the exit code. A reader that closed the pipe (`flight-risk ... | head`) is no error.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    eprintln!("error: {error:#}");
    ExitCode::from(error.downcast_ref::<Failure>().map_or(1, |failure| failure.kind as u8))
}
