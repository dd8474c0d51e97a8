//! Results for people.

use std::io::{self, Write};

use super::Report;
use super::ran::Ran;
use crate::output::{BAD, DIM, GOOD, Output, STRONG, WARNING, printable};
use crate::session::count;

pub(super) fn write(report: &Report, output: &mut Output) -> io::Result<()> {
    let (quiet, verbose) = (output.is_quiet(), output.is_verbose());
    let out = output.results();
    for test in &report.tests {
        if !test.passed() {
            failure(test, out)?;
        } else if verbose {
            let Ran { file, line, request, said, .. } = test;
            let (file, request, said) = (printable(file), printable(request), printable(said));
            writeln!(out, "{GOOD}ok{GOOD:#}   {file}:{line}: {request} -> {said}")?;
        }
    }
    if let Some(coverage) = &report.coverage {
        for rule in &coverage.unreached {
            writeln!(out, "{WARNING}not reached{WARNING:#} {}", printable(&rule.text))?;
        }
    }
    if quiet {
        return Ok(());
    }
    let (all, failed) = (report.tests.len(), report.failed());
    if failed > 0 {
        writeln!(out, "{BAD}{failed} of {} failed{BAD:#}", count(all, "test", "tests"))?;
    } else if all > 0 {
        writeln!(out, "{GOOD}{} passed{GOOD:#}", count(all, "test", "tests"))?;
    }
    if !report.errors.is_empty() {
        let number = report.errors.len();
        writeln!(out, "{BAD}{} could not be read{BAD:#}", count(number, "part", "parts"))?;
    }
    if let Some(coverage) = &report.coverage {
        let rules = count(coverage.rules, "rule", "rules");
        write!(out, "{} of {rules} reached ({:.1} %)", coverage.reached, coverage.percent())?;
        match report.fail_under.filter(|_| report.is_uncovered()) {
            Some(wanted) => writeln!(out, ", {BAD}{wanted} % are asked for{BAD:#}")?,
            None => writeln!(out)?,
        }
    }
    Ok(())
}

fn failure(test: &Ran, out: &mut impl Write) -> io::Result<()> {
    let Ran { file, line, request, .. } = test;
    let (file, request) = (printable(file), printable(request));
    writeln!(out, "{BAD}FAIL{BAD:#} {STRONG}{file}:{line}: {request}{STRONG:#}")?;
    for (label, text) in details(test) {
        writeln!(out, "     {DIM}{label:8}{DIM:#} {}", printable(&text).replace('\n', " "))?;
    }
    Ok(())
}

/// What there is to say about a test that failed, line by line.
pub(super) fn details(test: &Ran) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    lines.extend(test.because.clone().map(|because| ("because", because)));
    lines.extend(test.differences.iter().map(|difference| ("differs", difference.to_string())));
    lines.push(("answer", test.said.clone()));
    lines.extend(test.rule_at.clone().map(|line| ("rule", line)));
    lines.extend(test.why.iter().map(|why| ("why", why.clone())));
    lines
}
