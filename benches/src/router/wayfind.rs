//! `wayfind`: a compressed radix trie, built once and immutable from then on.

use std::fmt;

use crate::router::Paths;
use crate::workload::{HostRules, Kind};

/// One `wayfind` router. A `Prefix` rule is two routes in it, `/p` and `/p/<*rest>`.
pub struct Wayfind(wayfind::Router<u32>);

impl fmt::Debug for Wayfind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Paths for Wayfind {
    const NAME: &'static str = "wayfind";

    fn build(host: &HostRules) -> Self {
        let mut builder = wayfind::RouterBuilder::new();
        // `Exact` before the `Prefix` rule of the same path, as for `matchit`.
        for (number, rule) in host.by_precedence() {
            let _ = builder.insert(rule.path(), number);
            if rule.kind() == Kind::Prefix {
                let _ = builder.insert(&format!("{}/<*rest>", rule.path().trim_end_matches('/')), number);
            }
        }
        Self(builder.build())
    }

    fn find(&self, path: &str) -> Option<u32> {
        self.0.search(path).map(|found| *found.data())
    }
}
