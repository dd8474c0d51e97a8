//! `ingress table`: the compiled table.

use std::io::{self, Write};

use ingress_core::HostPattern;
use ingress_core::host::HostName;
use ingress_core::table::HostTable;

use crate::args::{OutputFormat, TableArgs};
use crate::output::{Output, STRONG, Status, printable};
use crate::session::{Session, count};
use crate::suggest::did_you_mean;
use crate::view::{TableView, shown};

pub(super) fn run(args: &TableArgs, output: &mut Output) -> io::Result<Status> {
    let wanted = match args.host.as_deref().map(pattern).transpose() {
        Ok(wanted) => wanted,
        Err(message) => {
            output.error(message);
            return Ok(Status::Usage);
        }
    };
    let session = match Session::open(&args.input, output) {
        Ok(session) => session,
        Err(status) => return Ok(status),
    };
    let hosts: Vec<&HostTable> = match &wanted {
        Some(pattern) => session.table.host(pattern).into_iter().collect(),
        None => session.table.hosts().collect(),
    };
    let view = TableView::new(&session, &hosts);
    match args.format.output {
        OutputFormat::Text => write_text(&view, wanted.is_none(), output)?,
        OutputFormat::Json => {
            let out = output.results();
            serde_json::to_writer(&mut *out, &view)?;
            out.write_all(b"\n")?;
        }
    }
    let found = match &wanted {
        Some(pattern) if hosts.is_empty() => {
            output.error(absent(&session, pattern));
            Status::No
        }
        _ => Status::Done,
    };
    Ok(found.max(session.status()))
}

/// Says that there is no such host, and which one may be meant.
fn absent(session: &Session, pattern: &HostPattern) -> String {
    let known: Vec<_> = session.table.hosts().map(|host| shown(host.pattern())).collect();
    let meant = did_you_mean(shown(pattern), known);
    // Whoever asks for a name may want the rules that its requests meet.
    let name = HostName::parse(pattern.as_str());
    let covering = |host: &&HostTable| {
        host.pattern().is_wildcard() && name.as_ref().is_some_and(|name| host.pattern().matches(name))
    };
    match session.table.hosts().find(covering) {
        Some(host) => {
            format!("no host {} in the table; its requests meet {}", shown(pattern), host.pattern())
        }
        None => format!("no host {} in the table{meant}", shown(pattern)),
    }
}

fn pattern(text: &str) -> Result<HostPattern, String> {
    if text == "*" {
        return Ok(HostPattern::any());
    }
    text.parse().map_err(|error| format!("--host {text:?}: {error}"))
}

fn write_text(view: &TableView<'_>, whole: bool, output: &mut Output) -> io::Result<()> {
    let quiet = output.is_quiet();
    let out = output.results();
    for host in &view.hosts {
        write!(out, "{STRONG}{}{STRONG:#}", printable(host.host))?;
        if let Some(secret) = host.certificate {
            let absent = if host.certificate_absent { ", which is not in the input" } else { "" };
            write!(out, "  (certificate {}{absent})", printable(secret))?;
        }
        writeln!(out)?;
        for row in &host.rules {
            row.write_text(out)?;
        }
    }
    if whole && let Some(secret) = view.default_certificate {
        writeln!(out, "default certificate {}", printable(secret))?;
    }
    if whole && !quiet {
        let size = &view.size;
        let (hosts, rules) = (count(size.hosts, "host", "hosts"), count(size.rules, "rule", "rules"));
        writeln!(out, "{hosts}, {rules}, {} bytes", size.total_bytes)?;
    }
    Ok(())
}
