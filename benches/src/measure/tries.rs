//! What the short lists gain: the same rules and the same requests through tries.
//!
//! A host that has one path too long for the short list is served by its trie. So every host is given
//! such a path, which no request asks for, and the two tables take turns.

use ingress_core::RouteTable;
use ingress_core::dialect::Kubernetes;
use k8s_openapi::api::networking::v1::HTTPIngressPath;

use crate::access::Access;
use crate::objects::{backend, paths_mut};
use crate::race::{Effort, race};
use crate::requests::Requests;
use crate::router::Ours;
use crate::workload::Workload;

/// Nanoseconds per lookup on one workload.
#[derive(Clone, Copy, Debug)]
pub struct Tries {
    /// The workload's letter.
    pub workload: &'static str,
    /// Through the short lists that small hosts get.
    pub short_lists: f64,
    /// Through the tries that they would have otherwise.
    pub tries: f64,
}

impl Tries {
    /// Builds both tables, checks their answers, measures.
    pub fn measure(workload: &Workload, effort: Effort) -> Option<Self> {
        let objects = (0..workload.hosts().len()).map(|host| {
            let mut object = workload.object(host);
            if let Some(paths) = paths_mut(&mut object) {
                paths.push(HTTPIngressPath {
                    path: Some(format!("/{}", "~".repeat(80))),
                    path_type: "Exact".to_owned(),
                    backend: backend("frontend", 8080),
                });
            }
            object
        });
        let with_tries = Tried(Ours::of(RouteTable::compile(Kubernetes, objects).0));
        let (ours, _) = RouteTable::compile(Kubernetes, workload.objects());
        let ours = Ours::of(ours);
        let requests = Requests::new(workload, Access::Zipf, 100_000);
        crate::router::assert_agrees(&ours, workload, &requests);
        crate::router::assert_agrees(&with_tries, workload, &requests);
        let figures = race(&[&ours, &with_tries], &requests, effort);
        let &[short_lists, tries] = figures.as_slice() else { return None };
        Some(Self { workload: workload.name(), short_lists, tries })
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
