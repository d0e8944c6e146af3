//! Progress on stderr: the stage at work and for how long; nothing when stderr is no terminal or `--quiet` is given.

use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// A spinner with the name of the stage and the time since the start; and when each stage began.
pub(crate) struct Stages {
    bar: ProgressBar,
    begun: Mutex<Vec<(String, Instant)>>,
}

impl Stages {
    /// Starts; hidden when nobody would see it.
    pub(crate) fn start(quiet: bool) -> Self {
        if quiet || !std::io::stderr().is_terminal() {
            return Self::of(ProgressBar::hidden());
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self::of(bar)
    }

    fn of(bar: ProgressBar) -> Self {
        Self { bar, begun: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(String, Instant)>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what is being done now.
    pub(crate) fn stage(&self, name: &str) {
        self.bar.set_message(name.to_owned());
        self.lock().push((name.to_owned(), Instant::now()));
    }

    /// The stages so far, in seconds each; the last one ends now.
    pub(crate) fn seconds(&self) -> Vec<(String, f64)> {
        let begun = self.lock();
        let ends = begun.iter().skip(1).map(|(_, end)| *end).chain([Instant::now()]);
        begun.iter().zip(ends).map(|((name, start), end)| (name.clone(), (end - *start).as_secs_f64())).collect()
    }
}

impl Drop for Stages {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
