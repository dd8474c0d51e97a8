//! What is said: where it listens, what was read, what is wrong with it.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;

use ingress_core::Severity;
use serde::Serialize;

use super::facts::{Facts, Said};
use crate::check::finding::styled;
use crate::output::{DIM, Output, STRONG, printable};
use crate::session::count;

/// How many findings are shown one by one.
const SHOWN: usize = 20;

/// Where it listens.
#[derive(Debug, Default, Serialize)]
pub(super) struct Addresses {
    pub(super) http: Vec<SocketAddr>,
    pub(super) https: Vec<SocketAddr>,
    pub(super) admin: Vec<SocketAddr>,
}

/// The first line for programs: where to connect, and what there is.
#[derive(Serialize)]
struct Start<'s> {
    #[serde(flatten)]
    addresses: &'s Addresses,
    loaded: &'s Facts,
}

/// Says that it serves. For programs that is one line of JSON.
pub(super) fn started(
    addresses: &Addresses,
    facts: &Facts,
    echo: bool,
    output: &mut Output,
) -> io::Result<()> {
    if output.is_log() {
        let out = output.results();
        serde_json::to_writer(&mut *out, &Start { addresses, loaded: facts })?;
        writeln!(out)?;
        return out.flush();
    }
    let quiet = output.is_quiet();
    let out = output.results();
    for (name, scheme, addresses) in [
        ("http", "http", &addresses.http),
        ("https", "https", &addresses.https),
        ("admin", "http", &addresses.admin),
    ] {
        if !addresses.is_empty() {
            let urls: Vec<_> = addresses.iter().map(|address| format!("{scheme}://{address}")).collect();
            writeln!(out, "{STRONG}{name:5}{STRONG:#}  {}", urls.join("  "))?;
        }
    }
    if !quiet {
        writeln!(out, "{STRONG}{:5}{STRONG:#}  {}", "table", loaded(facts))?;
        let (echoes, reason) =
            ("every backend is an echo", "no Service in the input: every backend answers 503");
        match (echo, facts.services) {
            (true, _) => writeln!(out, "{STRONG}{:5}{STRONG:#}  {echoes}", "pods")?,
            (false, 0) => writeln!(out, "{STRONG}{:5}{STRONG:#}  {reason}; --echo answers itself", "pods")?,
            _ => {}
        }
        if !addresses.https.is_empty() && !facts.certificates_missing.is_empty() {
            let missing = facts.certificates_missing.join(", ");
            writeln!(
                out,
                "{STRONG}{:5}{STRONG:#}  self-signed, for want of {}",
                "cert",
                printable(&missing)
            )?;
        }
    }
    out.flush()
}

fn loaded(facts: &Facts) -> impl fmt::Display {
    format!(
        "{} and {} from {} in {}",
        count(facts.hosts, "host", "hosts"),
        count(facts.rules, "rule", "rules"),
        count(facts.ingresses, "Ingress", "Ingresses"),
        count(facts.files, "file", "files"),
    )
}

/// Says what is wrong that was not said before.
pub(super) fn findings(facts: &Facts, known: &mut BTreeSet<String>, output: &mut Output) {
    let told = |said: &Said| format!("{} {} {} {}", said.code, said.object, said.field, said.message);
    let new: Vec<_> = facts.said.iter().filter(|said| !known.contains(&told(said))).collect();
    *known = facts.said.iter().map(told).collect();
    for said in new.iter().take(SHOWN) {
        say(said, output);
    }
    if new.len() > SHOWN {
        let more = count(new.len() - SHOWN, "more finding", "more findings");
        output.note(format_args!("{more}; `ingress check` shows all of them"));
    }
}

fn say(said: &Said, output: &mut Output) {
    let Said { severity, code, object, field, file, line, message } = said;
    if output.is_log() {
        match severity {
            Severity::Error => tracing::error!(code, object, field, file, line, "{message}"),
            Severity::Warning => tracing::warn!(code, object, field, file, line, "{message}"),
            _ => tracing::info!(code, object, field, file, line, "{message}"),
        }
        return;
    }
    if output.is_quiet() {
        return;
    }
    let (style, label) = styled(*severity);
    let (file, message) = (printable(file), printable(message).replace('\n', " "));
    let _ =
        writeln!(output.errors(), "{style}{label}[{code}]{style:#}: {message} {DIM}({file}:{line}){DIM:#}");
}

/// Says that something else is served now.
pub(super) fn reloaded(facts: &Facts, cause: &str) {
    tracing::info!(
        cause,
        hosts = facts.hosts,
        rules = facts.rules,
        ingresses = facts.ingresses,
        unreadable = facts.unreadable,
        kept = facts.kept.len(),
        took_ms = facts.took.as_secs_f64() * 1000.0,
        "another table is served"
    );
}
