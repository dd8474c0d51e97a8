//! How far the work is, for whoever waits for it at a terminal.

use std::io::IsTerminal;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Who waits for less than this need not be told.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bar on standard error, once the work has taken a second; on a terminal only.
#[derive(Debug)]
pub(crate) struct Progress {
    what: &'static str,
    /// When to show it; never, where nobody would see it.
    due: Option<Instant>,
    bar: OnceLock<ProgressBar>,
}

impl Progress {
    /// For work that is called `what`, in the form of a verb: `reading`.
    pub(crate) fn new(what: &'static str, wanted: bool) -> Self {
        let seen = wanted && std::io::stderr().is_terminal();
        Self { what, due: seen.then(|| Instant::now() + PATIENCE), bar: OnceLock::new() }
    }

    /// Says that `done` of `total` is done; a total of 0 is one that nobody knows.
    pub(crate) fn at(&self, done: u64, total: u64) {
        let Some(due) = self.due else { return };
        if Instant::now() < due {
            return;
        }
        let bar = self.bar.get_or_init(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let template = match total {
                0 => "{msg} {pos} {elapsed}",
                _ => "{msg} {bar:40} {percent}% {elapsed}",
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> "));
            }
            if total > 0 {
                bar.set_length(total);
            }
            bar.set_message(self.what);
            bar
        });
        bar.set_position(done);
    }

    /// Clears the line for something else that goes to the terminal.
    pub(crate) fn pause<T>(&self, say: impl FnOnce() -> T) -> T {
        match self.bar.get() {
            Some(bar) => bar.suspend(say),
            None => say(),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}
