//! `ingress explain`: where does this request go, and why?

use std::io::{self, Write};

use ingress_core::explain::{Explanation, Verdict};

use super::asking;
use crate::answer::Answer;
use crate::args::{ExplainArgs, OutputFormat};
use crate::output::{GOOD, Output, Status, printable};
use crate::reasons::Reasons;

pub(super) fn run(args: &ExplainArgs, output: &mut Output) -> io::Result<Status> {
    let mut first = true;
    asking::each(&args.questions, output, |session, request, output| {
        let circumstances = session.circumstances(request);
        let explanation = session.table.explain(&request.head(&circumstances));
        let answer = Answer::new(session, request, explanation.outcome());
        let out = output.results();
        match args.questions.format.output {
            OutputFormat::Text => {
                if !std::mem::take(&mut first) {
                    writeln!(out)?;
                }
                write_text(&explanation, &answer, out)
            }
            OutputFormat::Json => {
                serde_json::to_writer(&mut *out, &Reasons::new(session, request, &explanation, answer))?;
                out.write_all(b"\n")
            }
        }
    })
}

fn write_text(explanation: &Explanation<'_>, answer: &Answer<'_>, out: &mut impl Write) -> io::Result<()> {
    let won = format!(" {} ", Verdict::Won.label());
    for line in printable(&explanation.to_string()).lines() {
        if line.contains(&won) {
            writeln!(out, "{GOOD}{line}{GOOD:#}")?;
        } else {
            writeln!(out, "{line}")?;
        }
    }
    // What the rule alone does not say.
    for line in answer.beyond_the_rule() {
        writeln!(out, "  {}", printable(&line))?;
    }
    Ok(())
}
