//! The table as data: hosts, their rules in order, what is behind them.

pub(crate) mod row;

use ingress_core::origin::SecretRef;
use ingress_core::table::HostTable;
use ingress_core::{HostPattern, Rule};
use serde::Serialize;

use crate::session::{Line, Session};
use row::Row;

/// A pattern as it is shown and asked for.
pub(crate) fn shown(pattern: &HostPattern) -> &str {
    if pattern.is_any() { "*" } else { pattern.as_str() }
}

#[derive(Serialize)]
pub(crate) struct TableView<'t> {
    pub(crate) dialect: &'t str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) default_certificate: Option<&'t str>,
    pub(crate) hosts: Vec<HostView<'t>>,
    pub(crate) size: Size,
}

/// Of the whole table, whatever part of it is shown.
#[derive(Serialize)]
pub(crate) struct Size {
    pub(crate) hosts: usize,
    pub(crate) rules: usize,
    pub(crate) index_bytes: usize,
    pub(crate) total_bytes: usize,
}

#[derive(Serialize)]
pub(crate) struct HostView<'t> {
    pub(crate) host: &'t str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) certificate: Option<&'t str>,
    /// Whether that Secret is missing in the input.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) certificate_absent: bool,
    pub(crate) rules: Vec<Row<'t>>,
}

impl<'t> TableView<'t> {
    pub(crate) fn new(session: &'t Session, hosts: &[&'t HostTable]) -> Self {
        let usage = session.table.memory_usage();
        let origins = hosts.iter().flat_map(|host| host.rules()).map(Rule::origin);
        let mut lines = session.lines(origins).into_iter();
        Self {
            dialect: session.table.dialect(),
            default_certificate: session.table.default_certificate().map(SecretRef::as_str),
            hosts: hosts.iter().map(|host| HostView::new(session, host, &mut lines)).collect(),
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
    pub(crate) fn new(
        session: &'t Session,
        host: &'t HostTable,
        lines: &mut impl Iterator<Item = Option<Line<'t>>>,
    ) -> Self {
        let secret = host.certificate();
        // Default backends come last.
        let first_default = host.rules().len() - host.default_backends().len();
        let row = |(number, rule): (usize, &'t Rule)| {
            let line = lines.next().flatten();
            Row::new(session, host, number, rule, line, number >= first_default)
        };
        Self {
            host: shown(host.pattern()),
            certificate: secret.map(SecretRef::as_str),
            certificate_absent: secret.is_some_and(|secret| session.inventory.lacks(secret)),
            rules: host.rules().iter().enumerate().map(row).collect(),
        }
    }
}
