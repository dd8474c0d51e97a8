//! Going through the requests that were asked about.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::args::{Asked, Questions};
use crate::manifest::STDIN;
use crate::output::{Output, Status};
use crate::progress::Progress;
use crate::request::{KEYS, Request};
use crate::session::Session;
use crate::suggest::did_you_mean;

/// The longest line of a file of requests.
const LONGEST: u64 = 16 << 20;

/// Answers every request by the manifests, in the order asked.
pub(super) fn each(
    questions: &Questions,
    output: &mut Output,
    mut answer: impl FnMut(&Session, &Request, &mut Output) -> io::Result<()>,
) -> io::Result<Status> {
    let inputs = questions.input.filename.iter().chain(&questions.asked.requests);
    if !stdin_is_free(inputs, output) {
        return Ok(Status::Usage);
    }
    let session = match Session::open(&questions.input, output) {
        Ok(session) => session,
        Err(status) => return Ok(status),
    };
    let status = each_asked(&questions.asked, output, |request, output| answer(&session, request, output))?;
    Ok(status.max(session.status()))
}

/// Whether standard input is asked for once at most.
pub(super) fn stdin_is_free<'p>(inputs: impl Iterator<Item = &'p PathBuf>, output: &mut Output) -> bool {
    let free = inputs.filter(|path| is_stdin(path)).count() <= 1;
    if !free {
        output.error("standard input can be read once only: give one of the inputs a file");
    }
    free
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn each_asked(
    asked: &Asked,
    output: &mut Output,
    mut answer: impl FnMut(&Request, &mut Output) -> io::Result<()>,
) -> io::Result<Status> {
    let Some(path) = &asked.requests else {
        for target in &asked.urls {
            answer(&Request::of(target, asked), output)?;
        }
        return Ok(Status::Done);
    };
    if is_stdin(path) {
        return Lines::new(STDIN, 0, output).each(io::stdin().lock(), output, answer);
    }
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => {
            let size = file.metadata().map_or(0, |file| file.len());
            Lines::new(&name, size, output).each(BufReader::with_capacity(1 << 16, file), output, answer)
        }
        Err(error) => {
            output.error(format_args!("{name}: {error}"));
            Ok(Status::Unreadable)
        }
    }
}

/// A file of requests, one a line.
struct Lines<'n> {
    name: &'n str,
    /// In bytes; 0 where nobody knows.
    size: u64,
    progress: Progress,
    /// Unknown keys that were complained of: once is enough.
    unknown: Vec<String>,
}

impl<'n> Lines<'n> {
    fn new(name: &'n str, size: u64, output: &Output) -> Self {
        Self { name, size, progress: output.progress_beside_results("asking"), unknown: Vec::new() }
    }

    /// Answers every line. One that is no request is named, and passed over.
    fn each(
        mut self,
        mut input: impl BufRead,
        output: &mut Output,
        mut answer: impl FnMut(&Request, &mut Output) -> io::Result<()>,
    ) -> io::Result<Status> {
        let mut status = Status::Done;
        let mut line = Vec::new();
        let mut bytes = 0;
        for number in 1_u64.. {
            line.clear();
            let read = io::Read::take(&mut input, LONGEST).read_until(b'\n', &mut line);
            bytes += line.len() as u64;
            self.progress.at(if self.size == 0 { number } else { bytes }, self.size);
            let wrong = match read {
                Ok(0) => break,
                Ok(_) if line.len() as u64 == LONGEST => {
                    format!("the line is longer than {} MiB", LONGEST >> 20)
                }
                Ok(_) => {
                    if !self.answered(number, &line, output, &mut answer)? {
                        status = Status::Unreadable;
                    }
                    continue;
                }
                Err(error) => error.to_string(),
            };
            self.complain(number, wrong, output);
            return Ok(Status::Unreadable);
        }
        Ok(status)
    }

    /// Whether the line could be read.
    fn answered(
        &mut self,
        number: u64,
        line: &[u8],
        output: &mut Output,
        answer: &mut impl FnMut(&Request, &mut Output) -> io::Result<()>,
    ) -> io::Result<bool> {
        // Some editors and shells put a byte order mark before the first line.
        let line = if number == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
        if line.trim_ascii().is_empty() {
            return Ok(true);
        }
        match Request::parse(line) {
            Ok((request, unknown)) => {
                for key in unknown {
                    if !self.unknown.contains(&key) {
                        let meant = did_you_mean(&key, KEYS.iter().copied());
                        let name = self.name;
                        self.progress.pause(|| {
                            output.warning(format_args!(
                                "{name}:{number}: key {key:?} has no meaning in a request{meant}"
                            ));
                        });
                        self.unknown.push(key);
                    }
                }
                answer(&request, output)?;
                Ok(true)
            }
            Err(message) => {
                self.complain(number, message, output);
                Ok(false)
            }
        }
    }

    fn complain(&self, number: u64, message: String, output: &mut Output) {
        let name = self.name;
        self.progress.pause(move || output.error(format_args!("{name}:{number}: {message}")));
    }
}
