//! `ingress diff`: what would change.

mod entry;
mod expected;

use std::io::{self, Write};
use std::sync::Arc;

use ingress_core::compare::{Comparison, compare_hosts};
use serde::Serialize;

use crate::args::{DiffArgs, OutputFormat};
use crate::commands::asking::stdin_is_free;
use crate::output::{BAD, GOOD, Output, STRONG, Status, WARNING, printable};
use crate::session::{Session, count, read};
use crate::settings::Settings;
use entry::{DifferenceView, UnknownView};
use expected::Expected;

pub(super) fn run(args: &DiffArgs, output: &mut Output) -> io::Result<Status> {
    if !stdin_is_free(args.input.filename.iter().chain(&args.other.to), output) {
        return Ok(Status::Usage);
    }
    let (before, after) = match sessions(args, output) {
        Ok(sessions) => sessions,
        Err(status) => return Ok(status),
    };
    let progress = output.progress("comparing");
    let comparison = compare_hosts(&before.table, &after.table, |host| {
        args.only.as_deref().is_none_or(|only| only == host)
    });
    drop(progress);
    let read = before.status().max(after.status());
    if comparison.summary().hosts == 0 {
        let host = args.only.as_deref().unwrap_or_default();
        output.error(format_args!("neither side has a host {}", printable(host)));
        return Ok(Status::No.max(read));
    }
    let found = Found::new(&comparison, &args.ignore, (&before, &after));
    for unused in found.unused(&args.ignore) {
        output.warning(format_args!("--ignore {}: there is no such difference", printable(unused)));
    }
    match args.format.output {
        OutputFormat::Text => found.write_text(output)?,
        OutputFormat::Json => found.write_json(output)?,
    }
    let status = if found.is_as_expected() { Status::Done } else { Status::No };
    Ok(status.max(read))
}

/// Both sides, read and compiled.
fn sessions(args: &DiffArgs, output: &mut Output) -> Result<(Session, Session), Status> {
    let before = Session::open(&args.input, output)?;
    let mut settings = Settings::from(&args.input.reading);
    if let Some(dialect) = &args.other.to_dialect {
        // The options of one controller mean nothing to another.
        if *dialect != settings.dialect {
            settings.options.clear();
        }
        settings.dialect.clone_from(dialect);
    }
    if let Some(class) = &args.other.to_class {
        settings.class = Some(class.clone());
    }
    let manifests = if args.other.to.is_empty() {
        Arc::clone(&before.manifests)
    } else {
        read(&args.other.to, output).into()
    };
    let after = Session::compile(manifests, &settings, output)?;
    after.remark(output);
    Ok((before, after))
}

/// What the comparison found, as it is shown.
struct Found<'s> {
    differences: Vec<DifferenceView<'s>>,
    unknowns: Vec<UnknownView<'s>>,
    expected: Vec<bool>,
    summary: SummaryView,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename = "summary")]
struct SummaryView {
    hosts: usize,
    hosts_alike: usize,
    regions: usize,
    equal: usize,
    different: usize,
    unknown: usize,
    /// Entries that `--ignore` expected.
    ignored: usize,
    proved_equal: bool,
}

impl<'s> Found<'s> {
    fn new(
        comparison: &'s Comparison<'s>,
        ignore: &[String],
        (before, after): (&'s Session, &'s Session),
    ) -> Self {
        let mut expected = Expected::new(ignore);
        let differences: Vec<_> =
            comparison.differences().iter().filter(|difference| !expected.has(difference)).collect();
        let unknowns: Vec<_> =
            comparison.unknowns().iter().filter(|unknown| !expected.has_unknown(unknown)).collect();
        let all = comparison.differences().len() + comparison.unknowns().len();
        let summary = comparison.summary();
        Self {
            summary: SummaryView {
                hosts: summary.hosts,
                hosts_alike: summary.alike,
                regions: summary.regions,
                equal: summary.equal,
                different: summary.different,
                unknown: summary.unknown,
                ignored: all - differences.len() - unknowns.len(),
                proved_equal: comparison.is_equal(),
            },
            differences: differences
                .into_iter()
                .map(|difference| DifferenceView::new(difference, before, after))
                .collect(),
            unknowns: unknowns.into_iter().map(UnknownView::new).collect(),
            expected: expected.into_met(),
        }
    }

    fn is_as_expected(&self) -> bool {
        self.differences.is_empty() && self.unknowns.is_empty()
    }

    /// What was expected and did not come.
    fn unused<'i>(&self, ignore: &'i [String]) -> impl Iterator<Item = &'i str> {
        ignore.iter().zip(&self.expected).filter(|(_, met)| !**met).map(|(what, _)| what.as_str())
    }

    fn write_text(&self, output: &mut Output) -> io::Result<()> {
        let quiet = output.is_quiet();
        let out = output.results();
        for (number, difference) in (1..).zip(&self.differences) {
            write!(out, "{STRONG}{number}. ")?;
            difference.write_text(out)?;
            writeln!(out)?;
        }
        for unknown in &self.unknowns {
            unknown.write_text(out)?;
        }
        if !self.unknowns.is_empty() {
            writeln!(out)?;
        }
        let summary = &self.summary;
        let (style, verdict) = if summary.proved_equal {
            (GOOD, "every possible request gets the same".to_owned())
        } else if self.is_as_expected() {
            (GOOD, "nothing differs but what was expected".to_owned())
        } else if self.differences.is_empty() {
            (WARNING, "no difference was found, and not everything is known".to_owned())
        } else {
            (BAD, count(self.differences.len(), "difference", "differences"))
        };
        writeln!(out, "{style}{verdict}{style:#}")?;
        if !quiet {
            let ignored = if summary.ignored == 0 {
                String::new()
            } else {
                format!("; {} ignored", count(summary.ignored, "entry", "entries"))
            };
            writeln!(
                out,
                "compared {} ({} say the same on both sides), {}: {} equal, {} different, {} unknown{ignored}",
                count(summary.hosts, "class of hosts", "classes of hosts"),
                summary.hosts_alike,
                count(summary.regions, "region", "regions"),
                summary.equal,
                summary.different,
                summary.unknown,
            )?;
        }
        Ok(())
    }

    fn write_json(&self, output: &mut Output) -> io::Result<()> {
        let out = output.results();
        for difference in &self.differences {
            line(out, difference)?;
        }
        for unknown in &self.unknowns {
            line(out, unknown)?;
        }
        line(out, &self.summary)
    }
}

fn line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
