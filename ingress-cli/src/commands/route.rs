//! `ingress route`: where does this request go?

use std::io::{self, Write};

use super::asking;
use crate::answer::Answer;
use crate::args::{OutputFormat, RouteArgs};
use crate::output::{BAD, DIM, GOOD, Output, Status, printable};
use crate::request::Request;

pub(super) fn run(args: &RouteArgs, output: &mut Output) -> io::Result<Status> {
    asking::each(&args.questions, output, |session, request, output| {
        let circumstances = session.circumstances(request);
        let answer = Answer::new(session, request, session.table.lookup(&request.head(&circumstances)));
        match args.questions.format.output {
            OutputFormat::Text => write_text(request, &answer, output),
            OutputFormat::Json => {
                let out = output.results();
                serde_json::to_writer(&mut *out, &answer)?;
                out.write_all(b"\n")
            }
        }
    })
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
