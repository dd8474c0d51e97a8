//! Which rules the tests reached.

use std::collections::{BTreeMap, BTreeSet};

use ingress_core::origin::Origin;
use ingress_core::table::HostTable;
use serde::Serialize;

use crate::answer::RuleView;
use crate::session::Session;

/// The lines of manifests whose rules took a request.
pub(super) type Reached = BTreeSet<Origin>;

/// What was reached, counted by the lines of the manifests: a default backend stands under many hosts and
/// is one line all the same.
#[derive(Debug, Default, Serialize)]
pub(super) struct Coverage {
    pub(super) rules: usize,
    pub(super) reached: usize,
    percent: f64,
    pub(super) unreached: Vec<Unreached>,
}

/// A rule that no test reached.
#[derive(Debug, Serialize)]
pub(super) struct Unreached {
    #[serde(flatten)]
    rule: serde_json::Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip)]
    pub(super) text: String,
}

impl Coverage {
    /// Counts the rules of a table.
    pub(super) fn add(&mut self, session: &Session, reached: &Reached) {
        let mut rules = BTreeMap::new();
        let hosts: Vec<&HostTable> = session.table.hosts().collect();
        for host in &hosts {
            for rule in host.rules() {
                rules.entry(rule.origin()).or_insert((*host, rule));
            }
        }
        self.rules += rules.len();
        let missed: Vec<_> = rules.into_iter().filter(|(origin, _)| !reached.contains(*origin)).collect();
        self.reached = self.rules - self.unreached.len() - missed.len();
        let lines = session.lines(missed.iter().map(|(origin, _)| *origin));
        for ((origin, (host, rule)), line) in missed.into_iter().zip(lines) {
            let at = line.map(|line| format!("{line}: ")).unwrap_or_default();
            self.unreached.push(Unreached {
                rule: serde_json::to_value(RuleView::new(session, rule, host.pattern())).unwrap_or_default(),
                file: line.map(|line| line.file.to_owned()),
                line: line.map(|line| line.line),
                text: format!("{at}{origin}, host {}: {rule}", host.pattern()),
            });
        }
        self.percent = percent(self.reached, self.rules);
    }

    /// Of a table without rules everything is reached.
    pub(super) fn percent(&self) -> f64 {
        percent(self.reached, self.rules)
    }
}

/// Rounded down to tenths, so that 100 is only said of all.
#[allow(clippy::cast_precision_loss, reason = "nobody has as many rules as would make a difference")]
fn percent(part: usize, whole: usize) -> f64 {
    let tenths = (part * 1000).checked_div(whole).unwrap_or(1000);
    tenths as f64 / 10.0
}
