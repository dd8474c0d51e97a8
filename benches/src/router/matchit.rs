//! `matchit`: a radix trie with parameters.

use crate::router::Paths;
use crate::workload::{HostRules, Kind};

/// One `matchit` router. A `Prefix` rule is two routes in it, `/p` and `/p/{*rest}`.
#[derive(Debug)]
pub struct Matchit(matchit::Router<u32>);

impl Paths for Matchit {
    const NAME: &'static str = "matchit";

    fn build(host: &HostRules) -> Self {
        let mut router = matchit::Router::new();
        // An `Exact` rule comes before the `Prefix` rule of the same path, whose first route is then
        // refused as a conflict: rightly so, it can never win.
        for (number, rule) in host.by_precedence() {
            let _ = router.insert(rule.path(), number);
            if rule.kind() == Kind::Prefix {
                let _ = router.insert(format!("{}/{{*rest}}", rule.path().trim_end_matches('/')), number);
            }
        }
        Self(router)
    }

    fn find(&self, path: &str) -> Option<u32> {
        self.0.at(path).ok().map(|found| *found.value)
    }
}
