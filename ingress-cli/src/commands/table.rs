//! `ingress table`: the compiled table.

use std::io::{self, Write};

use ingress_core::origin::SecretRef;
use ingress_core::path::PathKind;
use ingress_core::table::HostTable;
use ingress_core::{Action, HostPattern, Rule};
use serde::Serialize;

use crate::answer::{BackendView, RuleView, Weight, weights};
use crate::args::{OutputFormat, TableArgs};
use crate::output::{Output, STRONG, Status, printable};
use crate::session::{Session, count};

pub(super) fn run(args: &TableArgs, output: &mut Output) -> io::Result<Status> {
    let wanted = match args.host.as_deref().map(pattern).transpose() {
        Ok(wanted) => wanted,
        Err(message) => {
            output.error(message);
            return Ok(Status::Usage);
        }
    };
    let session = Session::open(&args.input, output);
    let hosts: Vec<&HostTable> = match &wanted {
        Some(pattern) => session.table.host(pattern).into_iter().collect(),
        None => session.table.hosts().collect(),
    };
    match args.format.output {
        OutputFormat::Text => write_text(&session, &hosts, wanted.is_none(), output)?,
        OutputFormat::Json => {
            let out = output.results();
            serde_json::to_writer(&mut *out, &TableView::new(&session, &hosts))?;
            out.write_all(b"\n")?;
        }
    }
    let found = match &wanted {
        Some(pattern) if hosts.is_empty() => {
            output.error(format_args!("no host {} in the table", shown(pattern)));
            Status::No
        }
        _ => Status::Done,
    };
    Ok(found.max(session.status()))
}

fn pattern(text: &str) -> Result<HostPattern, String> {
    if text == "*" {
        return Ok(HostPattern::any());
    }
    text.parse().map_err(|error| format!("--host {text:?}: {error}"))
}

fn shown(pattern: &HostPattern) -> &str {
    if pattern.is_any() { "*" } else { pattern.as_str() }
}

fn write_text(session: &Session, hosts: &[&HostTable], whole: bool, output: &mut Output) -> io::Result<()> {
    let quiet = output.is_quiet();
    let out = output.results();
    for host in hosts {
        for (index, line) in printable(&host.to_string()).lines().enumerate() {
            if index == 0 {
                writeln!(out, "{STRONG}{line}{STRONG:#}")?;
            } else {
                writeln!(out, "{line}")?;
            }
        }
    }
    if whole && let Some(secret) = session.table.default_certificate() {
        writeln!(out, "default certificate {secret}")?;
    }
    if whole && !quiet {
        let table = &session.table;
        let hosts = count(table.host_count(), "host", "hosts");
        let rules = count(table.rule_count(), "rule", "rules");
        writeln!(out, "{hosts}, {rules}, {} bytes", table.memory_usage().total())?;
    }
    Ok(())
}

#[derive(Serialize)]
struct TableView<'t> {
    dialect: &'t str,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_certificate: Option<&'t str>,
    hosts: Vec<HostView<'t>>,
    size: Size,
}

/// Of the whole table, whatever part of it is shown.
#[derive(Serialize)]
struct Size {
    hosts: usize,
    rules: usize,
    index_bytes: usize,
    total_bytes: usize,
}

#[derive(Serialize)]
struct HostView<'t> {
    host: &'t str,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<&'t str>,
    rules: Vec<Row<'t>>,
}

#[derive(Serialize)]
struct Row<'t> {
    number: usize,
    default_backend: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conditions: Vec<String>,
    #[serde(flatten)]
    action: ActionView<'t>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rewrite: Option<String>,
    rule: RuleView<'t>,
}

#[derive(Serialize)]
#[serde(tag = "action", rename_all = "lowercase")]
enum ActionView<'t> {
    Backend { backend: BackendView<'t> },
    Split { weights: Vec<Weight<'t>> },
    Redirect { status: u16, location: String },
    Respond { status: u16 },
    Other,
}

impl<'t> TableView<'t> {
    fn new(session: &'t Session, hosts: &[&'t HostTable]) -> Self {
        let usage = session.table.memory_usage();
        Self {
            dialect: session.table.dialect(),
            default_certificate: session.table.default_certificate().map(SecretRef::as_str),
            hosts: hosts.iter().map(|host| HostView::new(host)).collect(),
            size: Size {
                hosts: session.table.host_count(),
                rules: session.table.rule_count(),
                index_bytes: usage.index(),
                total_bytes: usage.total(),
            },
        }
    }
}

impl<'t> HostView<'t> {
    fn new(host: &'t HostTable) -> Self {
        // Default backends come last, and only they take any path.
        let defaults = host.rules().iter().rev().take_while(|rule| rule.path().kind() == PathKind::Any);
        let first_default = host.rules().len() - defaults.count();
        let row = |(number, rule): (usize, &'t Rule)| Row {
            number,
            default_backend: number >= first_default,
            conditions: rule.predicates().iter().map(ToString::to_string).collect(),
            action: ActionView::new(rule.action()),
            rewrite: rule.path_rewrite().map(ToString::to_string),
            rule: RuleView::new(rule, host.pattern()),
        };
        Self {
            host: shown(host.pattern()),
            certificate: host.certificate().map(SecretRef::as_str),
            rules: host.rules().iter().enumerate().map(row).collect(),
        }
    }
}

impl<'t> ActionView<'t> {
    fn new(action: &'t Action) -> Self {
        match action {
            Action::Forward(forward) if forward.is_weighted() => {
                Self::Split { weights: weights(forward.backends()) }
            }
            Action::Forward(forward) => Self::Backend { backend: BackendView::new(forward.backend(0)) },
            Action::Redirect(redirect) => Self::Redirect {
                status: redirect.status().as_u16(),
                location: redirect.location().to_string(),
            },
            Action::Respond(status) => Self::Respond { status: status.as_u16() },
            _ => Self::Other,
        }
    }
}
