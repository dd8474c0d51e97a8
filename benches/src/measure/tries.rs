//! What short lists and rosters gain: the same rules and the same requests through tries.
//!
//! A host with a rule of another sort is served by its trie. So a second dialect gives every host one
//! that compares bytes, which no request asks for, and the two tables take turns.

use ingress_core::RouteTable;
use ingress_core::dialect::{Contributions, Dialect, HostRules, Kubernetes};
use ingress_core::ingress::Ingress;
use ingress_core::origin::FieldPath;
use ingress_core::path::PathPattern;
use ingress_core::rule::{Action, Rule};

use crate::access::Access;
use crate::race::{Effort, race};
use crate::requests::Requests;
use crate::router::Ours;
use crate::workload::Workload;

/// Nanoseconds per lookup on one workload.
#[derive(Clone, Copy, Debug)]
pub struct Tries {
    /// The workload's letter.
    pub workload: &'static str,
    /// Through the lists that such hosts get.
    pub lists: f64,
    /// Through the tries that they would have otherwise.
    pub tries: f64,
}

impl Tries {
    /// Builds both tables, checks their answers, measures.
    pub fn measure(workload: &Workload, effort: Effort) -> Option<Self> {
        let with_tries = Tried(Ours::of(RouteTable::compile(WithBytes, workload.objects()).0));
        let ours = Ours::of(RouteTable::compile(Kubernetes, workload.objects()).0);
        let requests = Requests::new(workload, Access::Zipf, 100_000);
        crate::router::assert_agrees(&ours, workload, &requests);
        crate::router::assert_agrees(&with_tries, workload, &requests);
        let figures = race(&[&ours, &with_tries], &requests, effort);
        let &[lists, tries] = figures.as_slice() else { return None };
        Some(Self { workload: workload.name(), lists, tries })
    }
}

/// `kubernetes` with one rule more for every host.
#[derive(Debug)]
struct WithBytes;

impl Dialect for WithBytes {
    fn name(&self) -> &'static str {
        "kubernetes, with bytes"
    }

    fn expand(&self, ingress: &Ingress, out: &mut Contributions<'_>) {
        Kubernetes.expand(ingress, out);
        let Ok(pattern) = PathPattern::literal("/~~") else { return };
        for (index, rule) in (0..).zip(ingress.rules()) {
            let Some(backend) = rule.paths().and_then(|paths| Some(paths.first()?.backend().clone())) else {
                continue;
            };
            let origin = out.origin(FieldPath::path(index, 0));
            out.rule(rule.host(), Rule::new(pattern.clone(), Action::forward(backend), origin));
        }
    }

    fn arrange(&self, host: &mut HostRules<'_>) {
        Kubernetes.arrange(host);
    }
}

/// A copy of the timed loop for the second table.
#[derive(Debug)]
struct Tried(Ours);

impl crate::router::Router for Tried {
    const NAME: &'static str = "ingress, tries";

    fn build(workload: &Workload) -> Self {
        Self(Ours::build(workload))
    }

    fn find(&self, host: &str, path: &str) -> Option<u32> {
        self.0.find(host, path)
    }

    fn agrees(&self, workload: &Workload, head: crate::requests::Head<'_>, expected: Option<u32>) -> bool {
        self.0.agrees(workload, head, expected)
    }
}
