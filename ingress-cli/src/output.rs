//! Standard output and standard error, and the exit status that goes with them.

use std::fmt;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

use crate::args::{Color, Global};
use crate::progress::Progress;

pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
pub(crate) const NOTE: Style = AnsiColor::Cyan.on_default().bold();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
pub(crate) const GUTTER: Style = AnsiColor::Blue.on_default().bold();
pub(crate) const STRONG: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();

/// How a command ended. The order is that of precedence.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Status {
    /// As asked.
    Done,
    /// The answer is no.
    No,
    /// The arguments make no sense together.
    Usage,
    /// Some of the input could not be read.
    Unreadable,
}

/// What a command may write to.
pub(crate) struct Output {
    out: BufWriter<AutoStream<io::Stdout>>,
    err: AutoStream<io::Stderr>,
    quiet: bool,
    verbose: bool,
    logs: bool,
}

impl Output {
    pub(crate) fn new(global: &Global) -> Self {
        let choice = match global.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        Self {
            out: BufWriter::with_capacity(1 << 16, AutoStream::new(io::stdout(), choice)),
            err: AutoStream::new(io::stderr(), choice),
            quiet: global.quiet,
            verbose: global.verbose,
            logs: false,
        }
    }

    /// From now on what would be said in lines of text goes to the log, which has a form of its own.
    pub(crate) fn log(&mut self) {
        self.logs = true;
    }

    pub(crate) fn is_log(&self) -> bool {
        self.logs
    }

    /// Where results go.
    pub(crate) fn results(&mut self) -> &mut impl Write {
        &mut self.out
    }

    /// Where errors go.
    pub(crate) fn errors(&mut self) -> &mut impl Write {
        // What was said before an error stands before it on the terminal, too.
        let _ = self.out.flush();
        &mut self.err
    }

    /// Says what is wrong, in one line. There is nobody left to tell when that fails.
    pub(crate) fn error(&mut self, message: impl fmt::Display) {
        if self.logs {
            return tracing::error!("{message}");
        }
        let _ = writeln!(self.errors(), "{ERROR}error{ERROR:#}: {message}");
    }

    /// Says what may be wrong, unless asked to be quiet.
    pub(crate) fn warning(&mut self, message: impl fmt::Display) {
        if self.logs {
            tracing::warn!("{message}");
        } else if !self.quiet {
            let _ = writeln!(self.errors(), "{WARNING}warning{WARNING:#}: {message}");
        }
    }

    /// Says what is worth knowing, unless asked to be quiet.
    pub(crate) fn note(&mut self, message: impl fmt::Display) {
        if self.logs {
            tracing::info!("{message}");
        } else if !self.quiet {
            let _ = writeln!(self.errors(), "{NOTE}note{NOTE:#}: {message}");
        }
    }

    /// Says what only those want to know who ask for it.
    pub(crate) fn detail(&mut self, message: impl fmt::Display) {
        if self.verbose {
            self.note(message);
        }
    }

    /// Tells how far some work is, unless asked to be quiet.
    pub(crate) fn progress(&self, what: &'static str) -> Progress {
        Progress::new(what, !self.quiet && !self.logs)
    }

    /// The same for work whose results come out meanwhile: a terminal shows one or the other.
    pub(crate) fn progress_beside_results(&self, what: &'static str) -> Progress {
        Progress::new(what, !self.quiet && !io::stdout().is_terminal())
    }

    /// Whether what is said on standard error has colours.
    pub(crate) fn is_coloured(&self) -> bool {
        self.err.current_choice() != ColorChoice::Never
    }

    pub(crate) fn is_verbose(&self) -> bool {
        self.verbose
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Writes what is left and gives the exit status. Whoever closes the pipe has seen enough: that is
    /// no error.
    pub(crate) fn finish(mut self, result: io::Result<Status>) -> ExitCode {
        let flushed = self.out.flush();
        let result = match flushed {
            // The answer stands, whoever has heard it.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => result.and(Err(error)),
            _ => result,
        };
        let status = match result {
            Ok(status) => status,
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Status::Done,
            Err(error) => {
                self.error(format_args!("standard output: {error}"));
                Status::Unreadable
            }
        };
        ExitCode::from(match status {
            Status::Done => 0,
            Status::No => 1,
            Status::Usage => 2,
            Status::Unreadable => 3,
        })
    }
}

/// Text with nothing in it that moves the cursor or colours the terminal.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\n' {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}
