//! `ingress route`: where does this request go?

use std::io::{self, Write};

use super::asking;
use crate::answer::Answer;
use crate::args::{OutputFormat, RouteArgs};
use crate::output::{BAD, DIM, GOOD, Output, Status, printable};
use crate::request::Request;
use crate::session::Session;

pub(super) fn run(args: &RouteArgs, output: &mut Output) -> io::Result<Status> {
    if !asking::stdin_is_free(&args.asked, &args.input, output) {
        return Ok(Status::Usage);
    }
    let session = Session::open(&args.input, output);
    let status = asking::each(&args.asked, output, |request, output| {
        let answer = Answer::new(request, session.table.lookup(&request.head()));
        match args.format.output {
            OutputFormat::Text => write_text(request, &answer, output),
            OutputFormat::Json => {
                let out = output.results();
                serde_json::to_writer(&mut *out, &answer)?;
                out.write_all(b"\n")
            }
        }
    })?;
    Ok(status.max(session.status()))
}

fn write_text(request: &Request, answer: &Answer<'_>, output: &mut Output) -> io::Result<()> {
    let out = output.results();
    if let Some(id) = answer.id() {
        write!(out, "{DIM}{}:{DIM:#} ", printable(id))?;
    }
    let style = if answer.is_served() { GOOD } else { BAD };
    write!(out, "{} -> {style}{}{style:#}", printable(&request.to_string()), printable(&answer.to_string()))?;
    if let Some(path) = answer.changed_path(request) {
        write!(out, " as {}", printable(path))?;
    }
    writeln!(out)
}
