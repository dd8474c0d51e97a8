//! `ingress check`: what is wrong with these manifests?

mod sarif;

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use ingress_core::Severity;

use crate::args::{CheckArgs, FindingFormat};
use crate::check::finding::{self, Finding};
use crate::check::{self, Moment};
use crate::output::{Output, STRONG, Status, printable};
use crate::session::{Session, count};

/// How many findings of one cause a person is shown.
const ALIKE: usize = 10;

pub(super) fn run(args: &CheckArgs, output: &mut Output) -> io::Result<Status> {
    if let Some(code) = &args.explain {
        return explain(code, output);
    }
    let Some(now) = args.now.or_else(Moment::now) else {
        output.error("the clock of the system stands before 1970; --now sets another time");
        return Ok(Status::Usage);
    };
    let session = match Session::open(&args.input, output) {
        Ok(session) => session,
        Err(status) => return Ok(status),
    };
    let findings = finding::located(check::find(&session, now), &session.manifests);
    match args.output {
        FindingFormat::Text => {
            text(&findings, output.results())?;
            if !output.is_quiet() {
                let summary = summary(&session, &findings);
                writeln!(output.results(), "{summary}")?;
            }
        }
        FindingFormat::Json => {
            let out = output.results();
            for finding in &findings {
                serde_json::to_writer(&mut *out, finding)?;
                out.write_all(b"\n")?;
            }
        }
        FindingFormat::Sarif => sarif::write(&findings, session.manifests.errors(), output.results())?,
    }
    let failed = findings.iter().any(|finding| args.fail_on.includes(finding.severity));
    let status = if failed { Status::No } else { Status::Done };
    Ok(status.max(session.status()))
}

/// Prints the page of a code.
fn explain(code: &str, output: &mut Output) -> io::Result<Status> {
    let Some(page) = check::page(code) else {
        // The arguments name known codes only.
        output.error(format_args!("there is no page about {code}"));
        return Ok(Status::Usage);
    };
    let out = output.results();
    for line in page.lines() {
        match line.strip_prefix("# ") {
            Some(title) => writeln!(out, "{STRONG}{title}{STRONG:#}")?,
            None => writeln!(out, "{line}")?,
        }
    }
    Ok(Status::Done)
}

/// Prints findings for people: of those with one cause the first few, and how many more there are.
fn text(findings: &[Finding<'_>], out: &mut impl Write) -> io::Result<()> {
    let mut alike: HashMap<(&str, &str), usize> = HashMap::new();
    for finding in findings {
        let cause = finding.cause.as_ref().unwrap_or(&finding.message);
        let count = alike.entry((finding.code, cause)).or_default();
        *count += 1;
        if *count <= ALIKE {
            writeln!(out, "{}", finding.report())?;
        }
    }
    let folded: BTreeMap<_, _> = alike.into_iter().filter(|(_, count)| *count > ALIKE).collect();
    if !folded.is_empty() {
        writeln!(out, "not shown, but listed by -o json:")?;
        for ((code, cause), count) in folded {
            writeln!(out, "  {} more of {code}: {}", count - ALIKE, printable(cause))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn summary(session: &Session, findings: &[Finding<'_>]) -> String {
    let read = format!(
        "{} and {} in {}",
        count(session.manifests.ingresses().len(), "Ingress", "Ingresses"),
        count(session.table.rule_count(), "rule", "rules"),
        count(session.manifests.file_count(), "file", "files")
    );
    let number = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (number(Severity::Error), number(Severity::Warning));
    let notes = findings.len() - errors - warnings;
    let mut parts = Vec::new();
    for (number, one, many) in
        [(errors, "error", "errors"), (warnings, "warning", "warnings"), (notes, "note", "notes")]
    {
        if number > 0 {
            parts.push(count(number, one, many));
        }
    }
    let found = if parts.is_empty() { "nothing to find fault with".to_owned() } else { parts.join(", ") };
    // Of what was not read nobody knows what is wrong with it.
    match session.manifests.errors().len() + session.manifests.further_errors() {
        0 => format!("{found} in {read}"),
        unread => format!("{found} in {read}; {} could not be read", count(unread, "part", "parts")),
    }
}
