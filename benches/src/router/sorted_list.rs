//! The loop of a service mesh: the routes of a host one after the other, the first match wins.

use crate::router::Paths;
use crate::workload::{HostRules, Kind};

/// Routes sorted by precedence. Leaner than what meshes do, which also look at a method and header list
/// per route: this is the best a scan can be, not the worst.
#[derive(Debug)]
pub struct SortedList(Box<[Route]>);

#[derive(Debug)]
struct Route {
    path: Box<str>,
    kind: Kind,
    number: u32,
}

impl Paths for SortedList {
    const NAME: &'static str = "sorted list";

    fn build(host: &HostRules) -> Self {
        let routes = host.by_precedence().into_iter().map(|(number, rule)| Route {
            // The root as an empty prefix, so that one test serves all prefixes.
            path: match rule.kind() {
                Kind::Exact => rule.path().into(),
                Kind::Prefix => rule.path().trim_end_matches('/').into(),
            },
            kind: rule.kind(),
            number,
        });
        Self(routes.collect())
    }

    fn find(&self, path: &str) -> Option<u32> {
        self.0.iter().find(|route| route.matches(path)).map(|route| route.number)
    }
}

impl Route {
    fn matches(&self, path: &str) -> bool {
        match self.kind {
            Kind::Exact => *self.path == *path,
            Kind::Prefix => path
                .strip_prefix(&*self.path)
                .is_some_and(|rest| matches!(rest.as_bytes().first(), None | Some(b'/'))),
        }
    }
}
