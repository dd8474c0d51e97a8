//! `path-tree`: a radix trie whose rest parameter also matches nothing.

use crate::router::Paths;
use crate::workload::{HostRules, Kind};

/// One `path-tree` router. A `Prefix` rule is two routes in it, `/p` and `/p/+`.
#[derive(Debug)]
pub struct PathTree(path_tree::PathTree<u32>);

impl Paths for PathTree {
    const NAME: &'static str = "path-tree";

    fn build(host: &HostRules) -> Self {
        let mut tree = path_tree::PathTree::new();
        // A later route replaces an equal earlier one here, so the winners come last.
        for (number, rule) in host.by_precedence().into_iter().rev() {
            let _ = tree.insert(rule.path(), number);
            if rule.kind() == Kind::Prefix {
                let _ = tree.insert(&format!("{}/+", rule.path().trim_end_matches('/')), number);
            }
        }
        Self(tree)
    }

    fn find(&self, path: &str) -> Option<u32> {
        self.0.find(path).map(|(number, _)| *number)
    }
}
