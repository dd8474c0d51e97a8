//! Going through the requests that were asked about.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use crate::args::{Asked, Input};
use crate::output::{Output, Status};
use crate::request::Request;

/// The longest line of a file of requests.
const LONGEST: u64 = 16 << 20;

/// Whether standard input is asked for once at most.
pub(super) fn stdin_is_free(asked: &Asked, input: &Input, output: &mut Output) -> bool {
    let requests = asked.requests.iter().filter(|path| is_stdin(path)).count();
    let manifests = input.filename.iter().filter(|path| is_stdin(path)).count();
    let free = requests + manifests <= 1;
    if !free {
        output.error("standard input can be read once only: give one of the inputs a file");
    }
    free
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Answers every request, in the order asked. A line that is no request is named, and passed over.
pub(super) fn each(
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
        return each_line("standard input", io::stdin().lock(), output, answer);
    }
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => each_line(&name, BufReader::with_capacity(1 << 16, file), output, answer),
        Err(error) => {
            output.error(format_args!("{name}: {error}"));
            Ok(Status::Unreadable)
        }
    }
}

fn each_line(
    name: &str,
    mut input: impl BufRead,
    output: &mut Output,
    mut answer: impl FnMut(&Request, &mut Output) -> io::Result<()>,
) -> io::Result<Status> {
    let mut status = Status::Done;
    let mut known = Vec::new();
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        match io::Read::take(&mut input, LONGEST).read_until(b'\n', &mut line) {
            Ok(0) => break,
            Ok(_) if line.len() as u64 == LONGEST => {
                output.error(format_args!("{name}:{number}: the line is longer than {} MiB", LONGEST >> 20));
                return Ok(Status::Unreadable);
            }
            Ok(_) => {}
            Err(error) => {
                output.error(format_args!("{name}:{number}: {error}"));
                return Ok(Status::Unreadable);
            }
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        match Request::parse(&line) {
            Ok((request, unknown)) => {
                for key in unknown.into_iter().filter(|key| !known.contains(key)).collect::<Vec<_>>() {
                    output.warning(format_args!("{name}:{number}: key {key:?} has no meaning in a request"));
                    known.push(key);
                }
                answer(&request, output)?;
            }
            Err(message) => {
                output.error(format_args!("{name}:{number}: {message}"));
                status = Status::Unreadable;
            }
        }
    }
    Ok(status)
}
